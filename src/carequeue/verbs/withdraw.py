"""Withdraw what we asked others for: cancel it, or ask them to stop if their work has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_REASONS = numbered("client declined", "found another place", "no longer needed", "sent by mistake")
_REASON = Question("reason", "reason?", Asks.CHOICE, _REASONS, free=True, repeated=", ")
#: The requester no longer cancels a Task on which work has begun, but asks the performer to
#: (HL7 Clinical Order Workflows, cancellation request).
_WORK_BEGAN = ("in-progress", "on-hold")


def _allowed(case: VerbCase) -> Permission:
    given = case.is_handoff and case.asked_by_me and not case.is_for_us
    if not (given or (case.is_referral and case.is_sent_out)):
        return case.no("cannot be withdrawn: you did not ask anybody else for it")
    if case.ended_by_them:
        return case.no(f"is {case.status} already")
    if "withdrawal:refused" in case.item.flags:
        return case.already(f"stays with {case.owner}: they answered that they go on")
    if "withdrawal:asked" in case.item.flags:
        return case.already(f"is already asked back: {case.owner} has to answer")
    if case.may_become("cancelled"):
        return case.yes()
    return case.no(f"is {case.status} and cannot be withdrawn")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """Cancelled and decided, so that it does not come back as called off by somebody."""
    from carequeue.fhir import codes

    reason = decision.answer("reason")
    if decision.item.status in _WORK_BEGAN:
        return (decision.change("create", resource=decision.new.cancellation_request(reason)),)
    decided = {"coding": [{"system": codes.BUSINESS_STATUS, "code": codes.DECIDED}]}
    return (decision.change("set_status", to="cancelled", reason=reason, business_status=decided),)


def _describe(intent: Intent, say: Say) -> str:
    resource = intent.args.get("resource")
    if intent.kind == "create" and resource:
        return f" (asks {say.name(resource.get('owner')) or 'them'} to stop)"
    return f", {intent.args.get('reason', 'a reason')}"


VERB = Verb(
    name="withdraw",
    key="W",
    label="withdraw",
    help="Withdraw what you asked others for; if they have begun, ask them to stop; u undoes it.",
    done="Withdrawn",
    asks=(_REASON,),
    order=Order(help=25, marked=95, waiting=65),
    allowed=_allowed,
    one_by_one="withdrawn",
    intents=_intents,
    describe=_describe,
    dones={"in-progress": "Asked to stop", "on-hold": "Asked to stop"},
)
