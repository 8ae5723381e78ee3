"""Record that somebody told us that a client left a hospital; the clock of the contact starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.heard_crisis import WHEN, WHERE, describe, may_be_heard_of
from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.verbs.decision import Decision, PlannedIntent

_EMERGENCY = "emergency"
_KINDS = (Choice("e", _EMERGENCY), Choice("i", "inpatient"))
_KIND = Question("kind", "from where?", Asks.CHOICE, _KINDS)
_REASONS = (
    Choice("p", "psychiatric/self-harm"),
    Choice("s", "substance/overdose"),
    Choice("m", "medical"),
    Choice("u", "unknown"),
)
_REASON = Question("reason", "why there?", Asks.CHOICE, _REASONS)
_CODES = ("psychiatric", "substance", "medical", "unknown")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir.heard_events import EMERGENCY, INPATIENT, HeardEvent

    codes = {choice.words: code for choice, code in zip(_REASONS, _CODES, strict=True)}
    reason = decision.answer("reason")
    event = HeardEvent(
        EMERGENCY if decision.answer("kind") == _EMERGENCY else INPATIENT,
        decision.past("when"),
        decision.optional("where"),
        (codes[reason], reason),
    )
    return (decision.change("create", resource=decision.heard(event)),)


VERB = Verb(
    name="heard_discharge",
    key="",
    label="discharge",
    help="You heard that a client left a hospital: the clock of the contact starts; u undoes it.",
    done="Heard of a discharge",
    asks=(_KIND, WHEN, WHERE, _REASON),
    on_item=False,
    on_client=True,
    order=Order(help=116),
    allowed=may_be_heard_of,
    intents=_intents,
    describe=describe,
    afterwards=lambda row: f"Contact due by {row.due}." if row.due else "",
)
