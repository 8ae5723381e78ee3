"""Set the priority of the item's Task (R4 request-priority)."""

from __future__ import annotations

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb, numbered

_PRIORITIES = numbered("routine", "urgent", "asap", "stat")
_TO = Question("to", "how urgent?", Asks.CHOICE, _PRIORITIES, repeated=" to ")
_ANYWAY = Question(
    "anyway", "somebody else has it; change it anyway?", Asks.CHOICE, (Choice("y", "yes"),),
    asked=lambda case: case.is_somebody_elses, guard=True,
)  # fmt: skip

VERB = Verb(
    name="priority",
    key="p",
    label="priority",
    short="prio",
    help="Set it to routine, urgent, asap or stat; u undoes it.",
    done="Priority set",
    asks=(_ANYWAY, _TO),
    order=Order(help=100, marked=70, asked=90, ours=70, renewal=70, waiting=80, ended=70),
    intents=lambda decision: (decision.change("set_priority", to=decision.answer("to")),),
    describe=lambda intent, say: f" to {intent.args.get('to', '')}",
    already="set to that priority",
)
