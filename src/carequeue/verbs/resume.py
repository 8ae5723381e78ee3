"""Take up a referral again that was on hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Order, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent


def _allowed(case: VerbCase) -> Permission:
    if case.is_sent_out and case.item.status == "on-hold":
        return case.no(f"is held by {case.owner}: they take it up again, not you")
    if case.item.status != "on-hold":
        return case.already("is not on hold")
    return case.yes() if case.may_become("in-progress") else case.no("is not yours to take up")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    awake = decision.change("set_status", to="in-progress")
    return (
        (awake, decision.change("snooze", after=0, until=None))
        if decision.item.snoozed_until
        else (awake,)
    )


VERB = Verb(
    name="resume",
    key="Z",
    label="resume",
    help="Take it up again after a hold; u undoes it.",
    done="Taken up again",
    order=Order(help=66, ours=15, waiting=95),
    allowed=_allowed,
    intents=_intents,
    already="taken up again",
)
