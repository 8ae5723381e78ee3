"""Add a note to the item's Task."""

from __future__ import annotations

from carequeue.verbs.verb import Asks, Order, Question, Verb

VERB = Verb(
    name="note",
    key="n",
    label="note",
    help="Add a note to it; u undoes it.",
    done="Noted",
    asks=(Question("text", "what?", Asks.TEXT),),
    order=Order(help=70, marked=60, asked=60, ours=60, renewal=20, waiting=40, ended=40),
    when_over=True,
    intents=lambda decision: (decision.change("add_note", text=decision.answer("text")),),
    describe=lambda intent, say: f": {intent.args.get('text', '')}",
)
