"""Send a referral or a handoff back, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent, RowAfter

_REASONS = numbered(
    "no capacity", "out of area", "not eligible", "client declined", "wrong level of care"
)
_REASON = Question("reason", "reason?", Asks.CHOICE, _REASONS, free=True, repeated=", ")
_INSTEAD = Question(
    "instead", "where instead?", Asks.TEXT, default="", repeated="; instead: ",
    meaning="a place that could take them", asked=lambda case: case.is_referral,
)  # fmt: skip


def _allowed(case: VerbCase) -> Permission:
    if not (case.is_referral or case.is_handoff):
        return case.no(f"cannot be declined, it is {case.noun}; e closes it")
    if case.item.status == "rejected":
        by_them = f"was declined by {case.owner}"
        return case.already(by_them if case.ended_by_them else "is already declined")
    if case.is_sent_out:
        return case.no(f"was sent out: {case.owner} has to answer, not you")
    if case.is_handoff and not case.is_for_us:
        return case.no(f"waits for {case.owner} to answer, not for you")
    if case.may_become("rejected"):
        return case.yes()
    if case.has_begun:
        return case.no("is already accepted; hand it off (h) or close it (e)")
    return case.no(f"is {case.status} and cannot be declined")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    reason, instead = decision.answer("reason"), decision.optional("instead")
    reason += f"; instead: {instead}" if instead else ""
    return (decision.change("set_status", to="rejected", reason=reason),)


def _afterwards(row: RowAfter) -> str:
    sender = row.item.requester
    return f"Sent back to {sender.name}." if sender is not None and row.closed else ""


VERB = Verb(
    name="decline",
    key="d",
    label="decline",
    help="Send it back with a reason; u undoes it.",
    done="Declined",
    asks=(_REASON, _INSTEAD),
    order=Order(help=20, marked=90, asked=20, waiting=20),
    allowed=_allowed,
    when_over=True,
    one_by_one="declined",
    intents=_intents,
    afterwards=_afterwards,
    describe=lambda intent, say: f", {intent.args.get('reason', 'a reason')}",
)
