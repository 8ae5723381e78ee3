"""Take an item out of sight until a time; a clock that runs out brings it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import RowAfter


def _allowed(case: VerbCase) -> Permission:
    return case.no("has a crisis clock, which cannot sleep") if case.in_crisis else case.yes()


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    until = values.instant(intent.args.get("until"), say.zone)
    return f" until {say.when(until)}" if until else " no longer"


def _afterwards(row: RowAfter) -> str:
    if row.snoozed or row.closed:
        return ""
    return f"Still in sight: its clock {'has run out' if row.overdue else 'warns'}."


VERB = Verb(
    name="snooze",
    key="s",
    label="snooze",
    help="Hide it until a time, or until a clock runs out; u undoes it.",
    done="Snoozed",
    asks=(Question("until", "until?", Asks.WHEN, repeated=" until "),),
    order=Order(help=60, marked=50, asked=70, ours=40, renewal=30, waiting=50, ended=60),
    allowed=_allowed,
    one_by_one="snoozed",
    intents=lambda decision: (decision.change("snooze", until=decision.answer("until")),),
    describe=_describe,
    already="put to sleep until then",
    afterwards=_afterwards,
)
