"""Answer a partner's question about what we asked them for; the move is theirs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

_TEXT = Question("text", "answer?", Asks.TEXT, meaning="the answer to the partner")


def _allowed(case: VerbCase) -> Permission:
    if not (case.is_referral and case.is_sent_out):
        return case.no("holds no question of a partner to answer")
    if case.ended_by_them or "info_asked_at" not in case.item.facts:
        return case.no(f"holds no question: {case.owner} has not asked you anything")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir import codes

    text, partner = decision.answer("text"), decision.item.owner
    coding = {"system": codes.BUSINESS_STATUS, "code": codes.INFORMATION_SENT}
    sent = {"coding": [coding], "text": "information sent"}
    message = decision.new.message(partner, codes.ANSWER, text)
    back = {"owner": decision.given_back_to} if decision.given_back_to else {}
    return (
        decision.change("create", resource=message),
        decision.change(
            "set_status", after=0, to=decision.item.status, business_status=sent, **back
        ),
    )


VERB = Verb(
    name="answer",
    key="y",
    label="answer",
    help="Answer the partner’s question; the move is theirs again; u undoes it.",
    done="Answered",
    asks=(_TEXT,),
    order=Order(help=54, ours=5, waiting=85),
    allowed=_allowed,
    intents=_intents,
    already="answered",
)
