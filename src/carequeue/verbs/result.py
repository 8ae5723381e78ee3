"""Close the loop of a referral that we sent out: its result was read, or was heard by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_HOW = Question(
    "how", "which result?", Asks.CHOICE,
    numbered("read in the record", "heard by phone", "client did not go", "no result expected"),
    free=True, repeated=", ",
)  # fmt: skip
#: Before that there is no work of theirs that could have a result.
_WORKED_ON = ("accepted", "in-progress", "on-hold", "ready")


def _allowed(case: VerbCase) -> Permission:
    if not (case.is_referral and case.is_sent_out):
        return case.no("has no partner’s result: only a referral that we sent out has one")
    if case.ended_by_them:
        return case.no(f"is {case.status}: e closes it")
    if case.item.target is None or case.item.status not in _WORKED_ON:
        return case.no(f"waits for {case.owner} to answer: there is no result yet")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """The Task stays as the partner has it: its status is theirs; we mark it as decided by us."""
    from carequeue.fhir import codes

    how = decision.answer("how")
    coding = {"system": codes.BUSINESS_STATUS, "code": codes.DECIDED, "display": "Decided"}
    status = {"coding": [coding], "text": how}
    return (
        decision.change("set_status", to=decision.item.status, business_status=status),
        decision.change("add_note", after=0, text=f"Result: {how}"),
    )


def _describe(intent: Intent, say: Say) -> str:
    status = intent.args.get("business_status") or {}
    return f", {status['text']}" if status.get("text") else ""


VERB = Verb(
    name="result",
    key="R",
    label="result",
    help="Say what came of it and close it for us; u undoes it.",
    done="Result",
    asks=(_HOW,),
    order=Order(help=56, waiting=25, ours=25),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
    already="closed with its result",
)
