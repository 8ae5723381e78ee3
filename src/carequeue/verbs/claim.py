"""Make an item yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.assign import may_be_given
from carequeue.verbs.verb import Listing, PlannedIntent, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision


def _allowed(case: VerbCase) -> Permission:
    if case.is_mine:
        return case.already("is already yours")
    return may_be_given(case)


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    return (PlannedIntent(IntentKind.ASSIGN, {"owner": decision.me}),)


VERB: Final = Verb(
    name="claim",
    key="c",
    label="claim",
    short="claim",
    help="Make it yours; u undoes it.",
    done="Claimed",
    order={
        Listing.HELP: 30,
        Listing.MARKED: 10,
        Listing.TEAM: 10,
        Listing.ASKED: 30,
        Listing.WAITING: 100,
    },
    allowed=_allowed,
    intents=_intents,
    already="made yours",
)
