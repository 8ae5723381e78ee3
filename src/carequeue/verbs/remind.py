"""Remind a partner of a referral that waits for them, once in each state of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

# The message names nobody: the Communication says whom it is about, and a preview of it on a
# partner's phone must not.
_TEXT = Question(
    "text",
    "message?",
    Asks.TEXT,
    default="Please tell us the status of this referral.",
    meaning="the message to the partner",
)


def _allowed(case: VerbCase) -> Permission:
    if not (case.is_referral and case.is_sent_out):
        return case.no("waits for no partner: only a referral that we sent out can be reminded of")
    if case.ended_by_them:
        return case.no(f"is {case.status}: {case.owner} has answered")
    if not case.waits_on_partner:
        return case.no(f"waits for you, not for {case.owner}")
    if case.item.owner is None:
        return case.no("cannot be reminded of: the record does not name the partner")
    if "reminded_at" in case.item.facts:
        return case.already(f"was brought up once: call {case.owner} now, and note it (n)")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir import codes

    message = decision.new.message(decision.item.owner, codes.REMINDER, decision.answer("text"))
    return (decision.change("create", resource=message),)


VERB = Verb(
    name="remind",
    key="m",
    label="remind",
    help="Send the partner a reminder; u undoes it.",
    done="Reminded",
    asks=(_TEXT,),
    order=Order(help=52, marked=45, waiting=5),
    allowed=_allowed,
    intents=_intents,
    already="reminded",
)
