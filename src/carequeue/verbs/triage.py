"""Record the triage of a referral that came in: how urgent, and whether the client is at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_LEVELS = (Choice("c", "crisis"), Choice("u", "urgent"), Choice("r", "routine"))
_LEVEL = Question("level", "how urgent?", Asks.CHOICE, _LEVELS, repeated=" as ")
_RISKS = (Choice("y", "at risk"), Choice("n", "no risk found"))
_RISK = Question("risk", "risk of harm?", Asks.CHOICE, _RISKS, repeated=", ")


def _allowed(case: VerbCase) -> Permission:
    if not case.is_referral or case.is_sent_out:
        return case.no("cannot be triaged: only a referral that came in can")
    if not case.names_client:
        return case.no("cannot be triaged: the record names no client")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    at_risk = decision.answer("risk") == _RISKS[0].words
    triage = decision.new.triage(decision.answer("level"), at_risk=at_risk)
    return (decision.change("create", resource=triage),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    level = values.concept_text(values.get(intent.args.get("resource"), "valueCodeableConcept"))
    return f" as {level}" if level else ""


VERB = Verb(
    name="triage",
    key="T",
    label="triage",
    help="Record how urgent it is and whether there is risk; its clocks start; u undoes it.",
    done="Triaged",
    asks=(_LEVEL, _RISK),
    order=Order(help=5, asked=15, ours=65),
    allowed=_allowed,
    one_by_one="triaged",
    intents=_intents,
    describe=_describe,
)
