"""Add a note to the item's Task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_TEXT: Final = Question("text", "what?", Asks.TEXT)


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    return (PlannedIntent(IntentKind.ADD_NOTE, {"text": decision.answer(_TEXT.name)}),)


def _describe(intent: Intent, say: Say) -> str:
    return f": {intent.args.get('text', '')}"


VERB: Final = Verb(
    name="note",
    key="n",
    label="note",
    short="note",
    help="Add a note to it; u undoes it.",
    done="Noted",
    asks=(_TEXT,),
    order={
        Listing.HELP: 70,
        Listing.MARKED: 60,
        Listing.ASKED: 60,
        Listing.OURS: 60,
        Listing.RENEWAL: 20,
        Listing.WAITING: 40,
        Listing.ENDED: 40,
    },
    when_over=True,
    intents=_intents,
    describe=_describe,
)
