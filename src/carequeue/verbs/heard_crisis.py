"""Record that somebody told us of a client's crisis; the clock of the response starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

WHEN = Question("when", "when?", Asks.PAST, default="now", repeated=", ")
WHERE = Question(
    "where", "where, and what?", Asks.TEXT, default="", meaning="where, and what happened"
)


def may_be_heard_of(case: VerbCase) -> Permission:
    """Whether an event of a client can be recorded by hand."""
    if not case.names_client:
        return case.no("cannot be heard of: the record names no client")
    if case.is_deceased:
        return case.no("is recorded as deceased: no outreach")
    return case.yes()


def describe(intent: Intent, say: Say) -> str:
    """Where and what, behind the words of the outbox."""
    from carequeue.fhir import values

    reasons = values.objects(intent.args.get("resource"), "reasonCode")
    words = [values.concept_text(reason) for reason in reasons]
    return f": {', '.join(words)}" if words else ""


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir.heard_events import CRISIS, HeardEvent

    event = HeardEvent(CRISIS, decision.past("when"), decision.optional("where"))
    return (decision.change("create", resource=decision.heard(event)),)


VERB = Verb(
    name="heard_crisis",
    key="",
    label="crisis heard",
    help="You heard of a client’s crisis: the clock of the response starts; u undoes it.",
    done="Heard of a crisis",
    asks=(WHEN, WHERE),
    on_item=False,
    on_client=True,
    order=Order(help=114),
    allowed=may_be_heard_of,
    intents=_intents,
    describe=describe,
    afterwards=lambda row: f"Response due by {row.due}." if row.due else "",
)
