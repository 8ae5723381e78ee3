"""Make a new follow-up of our own for the item's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_TEXT: Final = Question("text", "what has to happen?", Asks.TEXT)
_UNTIL: Final = Question("until", "due?", Asks.WHEN, repeated=" due ")


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot have a follow-up: the record names no client")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    task = decision.new.own_task(decision.answer(_TEXT.name), decision.answer(_UNTIL.name))
    return (PlannedIntent(IntentKind.CREATE, {"resource": task}),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    return f": {values.text(intent.args.get('resource'), 'description')}"


VERB: Final = Verb(
    name="new",
    key="plus",
    label="new",
    short="new",
    help="A new follow-up for this client; u undoes it.",
    done="New follow-up",
    asks=(_TEXT, _UNTIL),
    order={
        Listing.HELP: 110,
        Listing.ASKED: 100,
        Listing.OURS: 80,
        Listing.RENEWAL: 80,
        Listing.WAITING: 60,
        Listing.ENDED: 10,
    },
    allowed=_allowed,
    when_over=True,
    intents=_intents,
    describe=_describe,
)
