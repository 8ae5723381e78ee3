"""Set the due date of the item's Task (R4, Task.restriction.period: its end is the due date)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import RowAfter

_UNTIL = Question("until", "due?", Asks.WHEN, repeated=" to ")
_ANYWAY = Question(
    "anyway", "the date is theirs; change it anyway?", Asks.CHOICE, (Choice("y", "yes"),),
    asked=lambda case: case.is_somebody_elses or case.is_asked_by_others, guard=True,
)  # fmt: skip


def _allowed(case: VerbCase) -> Permission:
    if case.is_authorization:
        return case.no("has its end from the payer; + makes a follow-up with a date of yours")
    if case.ended_by_them:
        return case.no(f"is {case.status}: decide it, a date changes nothing")
    return case.yes()


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    until = values.instant(intent.args.get("until"), say.zone)
    return f" to {say.when(until)}" if until else ""


def _afterwards(row: RowAfter) -> str:
    return "It stays where it is: another clock of it has run out." if row.overdue else ""


VERB = Verb(
    name="due",
    key="D",
    label="due date",
    short="due",
    help="Set when it is due; u undoes it.",
    done="Due date set",
    asks=(_ANYWAY, _UNTIL),
    order=Order(help=95, marked=105, asked=105, ours=85, waiting=92),
    allowed=_allowed,
    intents=lambda decision: (decision.change("set_due", until=decision.answer("until")),),
    describe=_describe,
    already="due then",
    afterwards=_afterwards,
)
