"""Set the priority of the item's Task (R4 request-priority)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Choice, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_TO: Final = Question(
    "to",
    "how urgent?",
    Asks.CHOICE,
    (
        Choice("1", "routine", "routine"),
        Choice("2", "urgent", "urgent"),
        Choice("3", "asap", "asap"),
        Choice("4", "stat", "stat"),
    ),
    repeated=" to ",
)


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    return (PlannedIntent(IntentKind.SET_PRIORITY, {"to": decision.answer(_TO.name)}),)


def _describe(intent: Intent, say: Say) -> str:
    return f" to {intent.args.get('to', '')}"


VERB: Final = Verb(
    name="priority",
    key="p",
    label="priority",
    short="prio",
    help="Set it to routine, urgent, asap or stat; u undoes it.",
    done="Priority set",
    asks=(_TO,),
    order={
        Listing.HELP: 100,
        Listing.MARKED: 70,
        Listing.ASKED: 90,
        Listing.OURS: 70,
        Listing.RENEWAL: 70,
        Listing.WAITING: 80,
        Listing.ENDED: 70,
    },
    intents=_intents,
    describe=_describe,
    already="set to that priority",
)
