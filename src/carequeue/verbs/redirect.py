"""Send a referral of ours elsewhere: a new request to another partner, which replaces the old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_TO = Question("to", "to whom?", Asks.PARTNER, repeated=" to ")
_COVERED = "covered"
# 42 CFR 2.31: consent names its recipients, so another partner may need another consent.
_CONSENT = Question(
    "consent", "does consent cover them?", Asks.CHOICE,
    (Choice("y", _COVERED), Choice("n", "not yet")),
)  # fmt: skip


def _allowed(case: VerbCase) -> Permission:
    if not (case.is_referral and case.is_sent_out):
        return case.no("cannot be sent elsewhere: we did not send it out")
    if not case.names_client:
        return case.no("cannot be sent elsewhere: the record names no client")
    began = case.item.status in ("in-progress", "on-hold")
    if case.ended_by_them or (case.may_become("cancelled") and not began):
        return case.yes()
    return case.no(f"is {case.status}: ask {case.owner} to stop first (W)")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """The new request and its Task first; the old one is closed when they are on the server."""
    from carequeue.domain.errors import BadQuestion
    from carequeue.fhir import codes

    if decision.answer("consent") != _COVERED:
        raise BadQuestion("Get the client’s consent first. Nothing was sent, nothing was changed.")
    receiver, item = decision.whom("to"), decision.item
    request, task = decision.replacement(receiver)
    decided = {"coding": [{"system": codes.BUSINESS_STATUS, "code": codes.DECIDED}]}
    close: dict[str, Any] = {"to": item.status, "business_status": decided}
    if item.status not in codes.TASK_NOT_DONE:
        close |= {"to": "cancelled", "reason": f"sent elsewhere: {receiver.get('display', '')}"}
    return (
        decision.change("create", resource=request),
        decision.change("create", after=0, resource=task),
        decision.change("set_status", after=1, **close),
    )


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    if intent.kind != "create":
        return ""
    element = "owner" if intent.target_type == "Task" else "performer"
    receivers = values.objects(intent.args.get("resource"), element)
    return f" to {say.name(next(iter(receivers), None)) or 'nobody'}"


VERB = Verb(
    name="redirect",
    key="S",
    label="send on",
    help="Send it to another partner and close the old request; u undoes it.",
    done="Sent elsewhere",
    asks=(_TO, _CONSENT),
    order=Order(help=27, ended=5, waiting=62),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
    already="sent elsewhere",
)
