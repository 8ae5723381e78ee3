"""Close an item: what had to happen has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent


def _needs_its_way(case: VerbCase) -> bool:
    """One key closes what is routine and ours; a person at risk or others' work takes a reason."""
    return case.is_at_risk or (case.is_somebody_elses and not case.ended_by_them)


_WAYS = (
    Choice("s", "client was seen"),
    Choice("r", "client was reached"),
    Choice("o", "others did it"),
    Choice("n", "no longer needed"),
)
_MET = Question(
    "met", "how was it met?", Asks.CHOICE, _WAYS, free=True, repeated=", ",
    asked=_needs_its_way, guard=True,
)  # fmt: skip


def _allowed(case: VerbCase) -> Permission:
    if case.item.status == "completed":
        return case.already("is already done")
    if case.ended_by_them or case.may_become("completed"):
        return case.yes()
    if case.is_handoff:
        who = "you acknowledge" if case.is_for_us else f"{case.owner} acknowledges"
        return case.no(f"closes when {who} the handoff")
    if not case.is_ours_to_do:
        return case.no(f"waits for {case.owner}: a partner’s work is closed by the partner")
    if case.is_referral and case.waits_for_answer:
        return case.no("has to be accepted first (a)")
    return case.no(f"is {case.status} and cannot be closed")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """Completed; what a partner ended stays as it ended, and is marked as decided by us."""
    from carequeue.fhir import codes

    status, met = decision.item.status, decision.optional("met")
    if status not in codes.TASK_NOT_DONE:
        args: dict[str, Any] = {"to": "completed"}
        if met:
            args["reason"] = met
        return (decision.change("set_status", **args),)
    coding = {"system": codes.BUSINESS_STATUS, "code": codes.DECIDED, "display": "Decided"}
    return (decision.change("set_status", to=status, business_status={"coding": [coding]}),)


def _describe(intent: Intent, say: Say) -> str:
    met = intent.args.get("reason")
    return f", {met}" if met else ""


VERB = Verb(
    name="done",
    key="e",
    label="done",
    help="Close it because the work is done; u undoes it.",
    done="Done",
    asks=(_MET,),
    order=Order(help=40, marked=30, ours=20, renewal=10, waiting=110, ended=30),
    allowed=_allowed,
    when_over=True,
    one_by_one="closed",
    intents=_intents,
    describe=_describe,
    already="closed",
)
