"""Book a visit for a referral that we accepted: an Appointment with the client and one of us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

_WHEN = Question("at", "when?", Asks.WHEN, repeated=" for ")


def _allowed(case: VerbCase) -> Permission:
    if not case.is_referral or case.is_sent_out:
        return case.no("cannot be booked: only a referral that came in gets a visit with us")
    if not case.names_client:
        return case.no("cannot be booked: the record names no client")
    if case.waits_for_answer:
        return case.no("has to be accepted first (a)")
    if not case.has_begun:
        return case.no(f"is {case.status} and cannot be booked")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    return (decision.change("create", resource=decision.new.appointment(decision.answer("at"))),)


VERB = Verb(
    name="schedule",
    key="A",
    label="book a visit",
    short="book",
    help="Book a visit for it at a time; u undoes it.",
    done="Booked",
    asks=(_WHEN,),
    order=Order(help=26, ours=22),
    allowed=_allowed,
    intents=_intents,
    already="booked",
)
