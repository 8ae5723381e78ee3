"""Settle: what became of a write whose answer was lost, or is not to be believed.

In:  base (what the intents were computed on), theirs (just read), the intents, in order.
Out: per intent, done | not applied (send again, on theirs) | changed (a conflict).
Why not the status code: servers answer a stale write with 409, 412, 423 or 428 alike.
Why runs of intents: several decisions on one unit leave in one write, and the server may have
taken all of it: then only the last value is there to be seen, and the earlier ones are done too.
Pure; never raises, never guesses. Not here: sending, waiting, asking a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent
from carequeue.fhir import edits, values
from carequeue.fhir.chart import Resource

#: Whom a resource is about: a change of these is never merged, it could be the wrong client.
_WHO: Final = ("for", "subject", "patient", "beneficiary")


class Found(StrEnum):
    """What the reading says about one intent."""

    DONE = "done"
    NOT_APPLIED = "not_applied"
    CHANGED = "changed"


EVENTS: Final = {
    Found.DONE: IntentEvent.ACKNOWLEDGED,
    Found.NOT_APPLIED: IntentEvent.FOUND_NOT_APPLIED,
    Found.CHANGED: IntentEvent.FOUND_CHANGED,
}


@dataclass(frozen=True, slots=True)
class Settled:
    """One intent, and what was found."""

    intent: Intent
    found: Found
    words: str = ""


def settle(
    base: Resource | None, theirs: Resource | None, intents: Sequence[Intent]
) -> tuple[Settled, ...]:
    """Compare three ways. `theirs` None: the server does not have it (any more)."""
    if theirs is None:
        return _gone(base, intents)
    if base is None:  # a create that is there: what was created is the base of the rest
        create, *rest = intents
        return (
            Settled(create, Found.DONE),
            *settle(edits.apply(create, None), theirs, rest),
        )
    if not same_client(base, theirs):
        words = "the server now has it for another client"
        return tuple(Settled(intent, Found.CHANGED, words) for intent in intents)
    results = {
        one.intent.id: one for run in runs(intents) for one in _settle_run(base, theirs, run)
    }
    return tuple(results[intent.id] for intent in intents)


def same_client(base: Resource, theirs: Resource) -> bool:
    """Whether two readings of a resource name the same client; one may name it in full."""
    return all(_same_party(base.get(name), theirs.get(name)) for name in _WHO)


def _same_party(one: object, other: object) -> bool:
    here, there = values.text(one, "reference"), values.text(other, "reference")
    if not here or not there:
        return one == other
    return here == there or there.endswith(f"/{here}") or here.endswith(f"/{there}")


def _gone(base: Resource | None, intents: Sequence[Intent]) -> tuple[Settled, ...]:
    if base is None:  # a create that did not arrive
        return tuple(Settled(intent, Found.NOT_APPLIED) for intent in intents)
    words = "the server no longer has it"
    return tuple(Settled(intent, Found.CHANGED, words) for intent in intents)


def runs(intents: Sequence[Intent]) -> list[list[Intent]]:
    """Intents that share an element, together, in order; others apart."""
    groups: list[tuple[set[str], list[Intent]]] = []
    for intent in intents:
        owned = set(edits.unit(intent))
        touching = [group for group in groups if group[0] & owned]
        merged = [one for _, members in touching for one in members] + [intent]
        merged.sort(key=lambda one: one.seq)
        names = owned.union(*(group[0] for group in touching))
        groups = [group for group in groups if group not in touching] + [(names, merged)]
    return [members for _, members in groups]


def _settle_run(base: Resource, theirs: Resource, run: Sequence[Intent]) -> list[Settled]:
    unit = tuple(dict.fromkeys(name for intent in run for name in edits.unit(intent)))
    now = edits.snapshot(unit, theirs)
    states = [base]
    for intent in run:
        states.append(edits.apply(intent, states[-1]))
    for applied in range(len(run), -1, -1):
        if edits.snapshot(unit, states[applied]) == now:
            return [
                Settled(intent, Found.DONE if number < applied else Found.NOT_APPLIED)
                for number, intent in enumerate(run)
            ]
    if edits.satisfied(run[-1], theirs):
        return [Settled(intent, Found.DONE) for intent in run]
    words = "changed on the server meanwhile"
    return [Settled(intent, Found.CHANGED, words) for intent in run]
