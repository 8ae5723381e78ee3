"""The table of verbs: the one list of them, and the way to one by its name.

A new verb is a file of this package and its two lines here (docs/architecture.md, "Recipes").
Always ask these functions: what is copied at an import misses a verb that a test adds.
"""

from __future__ import annotations

from typing import Final

from carequeue.verbs import (
    accept,
    answer,
    ask,
    assign,
    claim,
    cover,
    decline,
    done,
    handoff,
    heard_crisis,
    heard_discharge,
    hold,
    log,
    new,
    note,
    priority,
    redirect,
    refer,
    remind,
    result,
    resume,
    schedule,
    snooze,
    sync,
    triage,
    undo,
    withdraw,
)
from carequeue.verbs.verb import Listing, Verb

_VERBS: Final[list[Verb]] = [
    module.VERB
    for module in (
        accept, answer, ask, assign, claim, cover, decline, done, handoff, heard_crisis,
        heard_discharge, hold, log, new, note, priority, redirect, refer, remind, result,
        resume, schedule, snooze, sync, triage, undo, withdraw,
    )
]  # fmt: skip
#: Sorts behind every place that a verb gives itself.
_LAST: Final = 10_000


def all_verbs() -> tuple[Verb, ...]:
    """Every verb, in the order of help and palette."""
    return tuple(sorted(_VERBS, key=lambda verb: verb.order["help"]))


def item_verbs() -> tuple[Verb, ...]:
    """The verbs that are done to items, in the order of help."""
    return tuple(verb for verb in all_verbs() if verb.on_item)


def client_verbs() -> tuple[Verb, ...]:
    """The verbs that are done only for a client who was found by search, in the order of help."""
    return tuple(verb for verb in all_verbs() if verb.on_client and not verb.on_item)


def marked_verbs() -> tuple[Verb, ...]:
    """The verbs that the footer offers while items are marked, the most used first."""
    offered = [verb for verb in _VERBS if "marked" in verb.order]
    return tuple(sorted(offered, key=lambda verb: verb.order["marked"]))


def find_verb(name: str) -> Verb | None:
    """The verb of a name; None where there is none."""
    return next((verb for verb in _VERBS if verb.name == name), None)


def in_order(verbs: list[Verb], listings: tuple[Listing, ...]) -> list[Verb]:
    """Verbs by their places in these lists, the first list first; the rest in help's order."""
    order: tuple[Listing, ...] = (*listings, "help")
    return sorted(verbs, key=lambda verb: [verb.order.get(listing, _LAST) for listing in order])
