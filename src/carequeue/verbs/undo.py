"""Undo the last act; what it undoes, and how, is a use case (`worklist/undo.py`)."""

from __future__ import annotations

from carequeue.verbs.verb import Order, Verb

VERB = Verb(
    name="undo",
    key="u",
    label="undo",
    help="Undo the last act of this window, even if it was sent.",
    done="Undone",
    order=Order(help=120),
    on_item=False,
    already="put back",
)
