"""Cover a colleague until a time; what becomes mine is a rule of the store (`item_rows.py`)."""

from __future__ import annotations

from carequeue.verbs.verb import Asks, Order, Question, Verb

VERB = Verb(
    name="cover",
    key="C",
    label="cover",
    help="Cover a colleague until a time: their moves are in Mine, marked; the same key ends it.",
    done="Covering",
    asks=(Question("whom", "whom?", Asks.WHOM), Question("until", "until?", Asks.WHEN)),
    order=Order(help=117),
    on_item=False,
)
