"""Ask the sender of a referral for what is missing, before it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

_TEXT = Question("text", "what is missing?", Asks.TEXT, meaning="the question to the sender")


def _allowed(case: VerbCase) -> Permission:
    if not case.is_referral or case.is_sent_out or case.item.requester is None:
        return case.no("has no sender to ask: only a referral that came in has one")
    if not case.waits_for_answer:
        return case.no(f"is {case.status}: ask the sender before you accept it")
    if case.waits_on_others:
        return case.already("waits already for what the sender was asked for")
    return case.yes() if case.may_become("accepted") else case.no("is not yours to ask about")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """The status stays: SDOH Clinical Care knows no other for it, COW says it in businessStatus."""
    from carequeue.fhir import codes

    text, sender = decision.answer("text"), decision.item.requester
    waiting = {"coding": [{"code": codes.AWAITING_INFORMATION}], "text": "awaiting information"}
    status = decision.item.status or "requested"
    return (
        decision.change("set_status", to=status, business_status=waiting),
        decision.change(
            "create", after=0, resource=decision.new.message(sender, codes.QUESTION, text)
        ),
    )


VERB = Verb(
    name="ask",
    key="i",
    label="ask sender",
    short="ask",
    help="Ask the sender for information; the referral waits for them; u undoes it.",
    done="Asked",
    asks=(_TEXT,),
    order=Order(help=22, asked=25),
    allowed=_allowed,
    intents=_intents,
    already="asked",
)
