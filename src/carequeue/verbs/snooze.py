"""Take an item out of sight until a time; a clock that runs out brings it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import AfterAct, Asks, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_UNTIL: Final = Question("until", "until?", Asks.WHEN, repeated=" until ")


def _allowed(case: VerbCase) -> Permission:
    if case.in_crisis:
        return case.no("has a crisis clock, which cannot sleep")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    return (PlannedIntent(IntentKind.SNOOZE, {"until": decision.answer(_UNTIL.name)}),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    until = values.instant(intent.args.get("until"), say.zone)
    return f" until {say.when(until)}" if until else " no longer"


def _afterwards(row: AfterAct) -> str:
    if row.snoozed:
        return ""
    return f"Still in sight: its clock {'has run out' if row.overdue else 'warns'}."


VERB: Final = Verb(
    name="snooze",
    key="s",
    label="snooze",
    short="snooze",
    help="Let it sleep until a time; a clock that runs out wakes it; u undoes it.",
    done="Snoozed",
    asks=(_UNTIL,),
    order={
        Listing.HELP: 60,
        Listing.MARKED: 50,
        Listing.ASKED: 70,
        Listing.OURS: 40,
        Listing.RENEWAL: 30,
        Listing.WAITING: 50,
        Listing.ENDED: 60,
    },
    allowed=_allowed,
    one_by_one="snoozed",
    intents=_intents,
    describe=_describe,
    already="put to sleep until then",
    afterwards=_afterwards,
)
