"""Send a referral or a handoff back, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Choice, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_REASON: Final = Question(
    "reason",
    "reason?",
    Asks.CHOICE,
    (
        Choice("1", "no capacity", "no capacity"),
        Choice("2", "out of area", "out of area"),
        Choice("3", "not eligible", "not eligible"),
        Choice("4", "client declined", "client declined"),
        Choice("5", "wrong level of care", "wrong level of care"),
    ),
    free=True,
    repeated=", ",
)


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
    from carequeue.domain.intents import IntentKind

    args = {"to": "rejected", "reason": decision.answer(_REASON.name)}
    return (PlannedIntent(IntentKind.SET_STATUS, args),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    reason = intent.args.get("reason")
    if not reason:
        return ""
    text = reason if isinstance(reason, str) else values.concept_text(reason)
    return f", {text or 'a reason'}"


VERB: Final = Verb(
    name="decline",
    key="d",
    label="decline",
    short="decline",
    help="Send it back with a reason; u undoes it.",
    done="Declined",
    asks=(_REASON,),
    order={Listing.HELP: 20, Listing.MARKED: 90, Listing.ASKED: 20, Listing.WAITING: 20},
    allowed=_allowed,
    when_over=True,
    one_by_one="declined",
    intents=_intents,
    describe=_describe,
)
