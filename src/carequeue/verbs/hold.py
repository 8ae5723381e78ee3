"""Put a referral that we work on on hold, with a reason and a time to take it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_REASONS = numbered("client away", "waits for insurance", "no opening yet", "client asked to wait")
_REASON = Question("reason", "why?", Asks.CHOICE, _REASONS, free=True, repeated=", ")
_UNTIL = Question("until", "until?", Asks.WHEN, repeated=" until ")


def _allowed(case: VerbCase) -> Permission:
    if case.in_crisis:
        return case.no("has a crisis clock, which cannot be held")
    if not case.is_referral or case.is_sent_out:
        return case.no(f"cannot be put on hold, it is {case.noun}; s lets it sleep")
    if case.item.status == "on-hold":
        return case.already("is already on hold")
    if case.may_become("on-hold"):
        return case.yes()
    if case.waits_for_answer:
        return case.no("has to be accepted first (a)")
    return case.no(f"is {case.status} and cannot be put on hold")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    return (
        decision.change("set_status", to="on-hold", reason=decision.answer("reason")),
        decision.change("snooze", after=0, until=decision.answer("until")),
    )


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    if intent.kind != "snooze":
        return f", {intent.args.get('reason', 'a reason')}"
    until = values.instant(intent.args.get("until"), say.zone)
    return f" until {say.when(until)}" if until else ""


VERB = Verb(
    name="hold",
    key="z",
    label="hold",
    help="Put it on hold with a reason until a time; u undoes it.",
    done="On hold",
    asks=(_REASON, _UNTIL),
    order=Order(help=65, marked=55, ours=55),
    allowed=_allowed,
    one_by_one="put on hold",
    intents=_intents,
    describe=_describe,
    already="put on hold",
)
