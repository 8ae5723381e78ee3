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
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind
from carequeue.fhir import edits, values
from carequeue.fhir.chart import Resource

#: What a person is told of a decision that the server has, where a colleague had part in it.
ALREADY_SO: Final = "somebody else had already done it"
GONE: Final = "the server no longer has it"
MADE_ANEW: Final = "a colleague had deleted it; what you decided has made it anew"
ON_TOP: Final = "somebody changed something else on it meanwhile; both stand"
#: Begins what is said where a server that guards nothing let ours go over a colleague's change.
OVERWROTE: Final = "overwritten unseen, since this server does not look for changes meanwhile"

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
    """One intent, and what was found. `words`: why, or what a person is told once it is there."""

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
        return (Settled(create, Found.DONE), *_compared(edits.apply(create, None), theirs, rest))
    found = _compared(base, theirs, intents)
    done = [one.intent for one in found if one.found is Found.DONE]
    if not changed_beside(edits.fold(base, done) or base, theirs):
        return found
    return tuple(
        replace(one, words=ON_TOP) if one.found is Found.NOT_APPLIED else one for one in found
    )


def _compared(base: Resource, theirs: Resource, intents: Sequence[Intent]) -> tuple[Settled, ...]:
    if not same_client(base, theirs):
        words = "the server now has it for another client"
        return tuple(Settled(intent, Found.CHANGED, words) for intent in intents)
    results = {
        one.intent.id: one for run in runs(intents) for one in _settle_run(base, theirs, run)
    }
    return tuple(results[intent.id] for intent in intents)


#: What a server changes by itself, or every act of everybody.
_STAMPS: Final = frozenset({"meta", "text", "lastModified"})


def changed_beside(expected: Resource, found: Resource) -> tuple[str, ...]:
    """The elements that are not as expected, stamps aside, in the order of their names."""
    names = (expected.keys() | found.keys()) - _STAMPS
    return tuple(sorted(name for name in names if expected.get(name) != found.get(name)))


def as_seen(base: Resource, intents: Sequence[Intent]) -> Resource:
    """The base with the units of these intents as their author saw them.

    What is kept here does not hold the base back; what a colleague changed since is told apart
    from what was decided by comparing with what the person had before them.
    """
    seen = base
    for intent in reversed(intents):  # the first one of a run saw what was there before all of it
        values = {"unit": list(edits.unit(intent)), "values": dict(intent.seen)}
        before = replace(intent, kind=IntentKind.RESTORE, args=values)
        seen = {**edits.apply(before, seen)}
    return seen


def over_hidden(
    base: Resource, decided: Sequence[Intent], kept: Sequence[Intent]
) -> tuple[Intent, ...]:
    """Of what is to leave, what would go over a change that no person has seen.

    `kept`: what is kept here of the same resource. It lies over the base in the view, but does not
    hold it back: where the base is neither as who decided saw it nor as it was under what is kept,
    somebody has changed it meanwhile.
    """
    found, before = [], set[str]()
    for one in decided:
        names = [name for name in edits.unit(one) if name not in before]
        before.update(names)
        now = edits.snapshot(names, base)
        for name in names:
            under = [each for each in kept if each.seq < one.seq and name in edits.unit(each)]
            known = [one.seen.get(name), *(each.seen.get(name) for each in under)]
            if under and now.get(name) not in known:
                found.append(one)
                break
    return tuple(found)


def unseen(base: Resource, between: Sequence[Resource], ours: Resource) -> tuple[str, ...]:
    """What versions between the base and ours had changed and ours took away, as elements.

    Versions in any order. A change that ours has too is not lost.
    """
    return tuple(
        dict.fromkeys(
            name
            for theirs in between
            for name in changed_beside(base, theirs)
            if theirs.get(name) != ours.get(name)
        )
    )


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
    return tuple(Settled(intent, Found.CHANGED, GONE) for intent in intents)


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
        if edits.snapshot(unit, states[applied]) == now and _shows(run[:applied], theirs):
            return [
                Settled(intent, Found.DONE if number < applied else Found.NOT_APPLIED)
                for number, intent in enumerate(run)
            ]
    earlier = [name for name in unit if name not in edits.unit(run[-1])]
    as_left = edits.snapshot(earlier, theirs) == edits.snapshot(earlier, states[-1])
    if as_left and edits.satisfied(run[-1], theirs):
        return [Settled(intent, Found.DONE) for intent in run]
    words = "changed on the server meanwhile"
    return [Settled(intent, Found.CHANGED, words) for intent in run]


def _shows(applied: Sequence[Intent], theirs: Resource) -> bool:
    """Whether it is there to be seen: a note whose id a server dropped is in no snapshot."""
    return not applied or edits.satisfied(applied[-1], theirs)
