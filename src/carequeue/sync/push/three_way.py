"""Three-way compare: what became of a write whose reply was lost or cannot be trusted.

In:  base (what the intents were computed on), theirs (just read), the intents, in order.
Out: for each intent: done | not applied (send again, over theirs) | changed, gone or another
client's (conflicts).
Why not the status code: servers answer a stale write with 409, 412, 423 or 428 alike.
Why the client comes first: a resource that names another client than the intent's is never merged
and never written; it is a conflict of its own kind.
Why a create is compared at all: two people who send a referral on make one new request
(`fhir/replacement.py`), and may have chosen different partners.
Why runs of intents: several intents on one unit are sent in one write, and the server may have
accepted all of it: then only the last value can be seen, and the earlier ones are done too.
Pure; never raises, never guesses. Not here: sending, waiting, asking a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import (
    NO_RECORDS,
    ClientRecords,
    is_about_its_client,
    names_same_client,
)
from carequeue.fhir.replacement import differing
from carequeue.sync.client_check import OTHER_CLIENT

#: Shown for an intent that is on the server, if a colleague had a part in it.
ALREADY_SO: Final = "somebody else had already done it"
GONE: Final = "the server no longer has it"
MADE_OTHERWISE: Final = "somebody else had already sent it on"

CREATED_AGAIN: Final = "a colleague had deleted it; your change has created it again"
ON_TOP: Final = "somebody changed something else on it meanwhile; both changes apply"
#: Begins the message if a server without If-Match let our write overwrite a colleague's change.
OVERWROTE: Final = "overwritten unseen, since this server does not check for changes in between"


class Comparison(StrEnum):
    """Result of the comparison for one intent."""

    DONE = "done"
    NOT_APPLIED = "not_applied"
    CHANGED = "changed"
    GONE = "gone"
    OTHER_CLIENT = "other_client"


EVENTS: Final = {
    Comparison.DONE: IntentEvent.ACKNOWLEDGED,
    Comparison.NOT_APPLIED: IntentEvent.FOUND_NOT_APPLIED,
    Comparison.CHANGED: IntentEvent.FOUND_CHANGED,
    Comparison.GONE: IntentEvent.FOUND_GONE,
    Comparison.OTHER_CLIENT: IntentEvent.FOUND_OTHER_CLIENT,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One intent and its result. `words`: why, or the message for a person once it is done."""

    intent: Intent
    result: Comparison
    words: str = ""


def compare(
    base: Resource | None,
    theirs: Resource | None,
    intents: Sequence[Intent],
    records: ClientRecords = NO_RECORDS,
) -> tuple[Compared, ...]:
    """Compare three ways. `theirs` None: the server does not have it (any more).

    `records`: what else is known of the clients that the two name.
    """
    if theirs is None:
        created = base is not None
        result, words = (Comparison.GONE, GONE) if created else (Comparison.NOT_APPLIED, "")
        return tuple(Compared(intent, result, words) for intent in intents)
    strangers = {
        intent.id for intent in intents if not _is_its_client(intent, base, theirs, records)
    }
    if base is None and intents[0].id in strangers:  # and so is everything about the create
        strangers = {intent.id for intent in intents}
    rest = [intent for intent in intents if intent.id not in strangers]
    results = {result.intent.id: result for result in _compared(base, theirs, rest)}
    return tuple(
        results.get(intent.id) or Compared(intent, Comparison.OTHER_CLIENT, OTHER_CLIENT)
        for intent in intents
    )


def _is_its_client(
    intent: Intent, base: Resource | None, theirs: Resource, records: ClientRecords
) -> bool:
    """Whether the resource that was read names the client of the intent.

    If the client was not recorded, the base stands for what the person saw.
    """
    if intent.client is None and base is not None:
        return names_same_client(base, theirs, records.base_url)
    return is_about_its_client(intent, theirs, records)


def _compared(
    base: Resource | None, theirs: Resource, intents: Sequence[Intent]
) -> tuple[Compared, ...]:
    if not intents:
        return ()
    if base is None:  # the create exists: what was created is the base of the rest
        create, *rest = intents
        made = intent_effects.apply(create, None)
        if differing(made, theirs):
            waiting = (Compared(intent, Comparison.NOT_APPLIED) for intent in rest)
            return (Compared(create, Comparison.CHANGED, MADE_OTHERWISE), *waiting)
        return (Compared(create, Comparison.DONE), *_runs_compared(made, theirs, rest))
    results = _runs_compared(base, theirs, intents)
    done = [compared.intent for compared in results if compared.result is Comparison.DONE]
    if not changed_beside(intent_effects.fold(base, done) or base, theirs):
        return results
    return tuple(
        replace(compared, words=ON_TOP) if compared.result is Comparison.NOT_APPLIED else compared
        for compared in results
    )


def _runs_compared(
    base: Resource, theirs: Resource, intents: Sequence[Intent]
) -> tuple[Compared, ...]:
    results = {
        compared.intent.id: compared
        for run in runs(intents)
        for compared in _compare_run(base, theirs, run)
    }
    return tuple(results[intent.id] for intent in intents)


#: Elements that a server changes by itself, or that every change touches.
_STAMPS: Final = frozenset({"meta", "text", "lastModified"})


def changed_beside(expected: Resource, resource: Resource) -> tuple[str, ...]:
    """Names of the elements that differ from what was expected, stamps aside, sorted."""
    names = (expected.keys() | resource.keys()) - _STAMPS
    return tuple(sorted(name for name in names if expected.get(name) != resource.get(name)))


def as_seen(base: Resource, intents: Sequence[Intent]) -> Resource:
    """The base with the units of these intents as their author saw them.

    A local-only intent does not hold the base back. Comparing with what the author saw tells a
    colleague's later change from the intent.
    """
    seen = base
    for intent in reversed(intents):  # the first of a run saw the state before all of it
        values = {"unit": list(intent_effects.unit(intent)), "values": dict(intent.seen)}
        before = replace(intent, kind=IntentKind.RESTORE, args=values)
        seen = {**intent_effects.apply(before, seen)}
    return seen


def overwriting_unseen(
    base: Resource, decided: Sequence[Intent], kept: Sequence[Intent]
) -> tuple[Intent, ...]:
    """The intents to be sent that would overwrite a change nobody has seen.

    `kept`: local-only intents of the same resource. They cover the base in the view but do not hold
    it back. If the base is neither as the author saw it nor as it was under the local-only intents,
    somebody changed it meanwhile.
    """
    overwriting, before = [], set[str]()
    for intent in decided:
        names = [name for name in intent_effects.unit(intent) if name not in before]
        before.update(names)
        now = intent_effects.snapshot(names, base)
        for name in names:
            under = [
                earlier
                for earlier in kept
                if earlier.seq < intent.seq and name in intent_effects.unit(earlier)
            ]
            known = [intent.seen.get(name), *(earlier.seen.get(name) for earlier in under)]
            if under and now.get(name) not in known:
                overwriting.append(intent)
                break
    return tuple(overwriting)


def unseen(base: Resource, between: Sequence[Resource], ours: Resource) -> tuple[str, ...]:
    """Names of the elements that versions between the base and ours changed and ours overwrote.

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


def runs(intents: Sequence[Intent]) -> list[list[Intent]]:
    """Groups of intents that share an element, each in order."""
    groups: list[tuple[set[str], list[Intent]]] = []
    for intent in intents:
        owned = set(intent_effects.unit(intent))
        touching = [group for group in groups if group[0] & owned]
        merged = [member for _, members in touching for member in members] + [intent]
        merged.sort(key=lambda member: member.seq)
        names = owned.union(*(group[0] for group in touching))
        groups = [group for group in groups if group not in touching] + [(names, merged)]
    return [members for _, members in groups]


def _compare_run(base: Resource, theirs: Resource, run: Sequence[Intent]) -> list[Compared]:
    unit = tuple(dict.fromkeys(name for intent in run for name in intent_effects.unit(intent)))
    now = intent_effects.snapshot(unit, theirs)
    states = [base]
    for intent in run:
        states.append(intent_effects.apply(intent, states[-1]))
    for applied in range(len(run), -1, -1):
        # A note whose id a server dropped is in no snapshot.
        shows = not applied or intent_effects.satisfied(run[applied - 1], theirs)
        if shows and intent_effects.snapshot(unit, states[applied]) == now:
            return [
                Compared(intent, Comparison.DONE if number < applied else Comparison.NOT_APPLIED)
                for number, intent in enumerate(run)
            ]
    earlier = [name for name in unit if name not in intent_effects.unit(run[-1])]
    as_left = intent_effects.snapshot(earlier, theirs) == intent_effects.snapshot(
        earlier, states[-1]
    )
    if as_left and intent_effects.satisfied(run[-1], theirs):
        return [Compared(intent, Comparison.DONE) for intent in run]
    words = "changed on the server meanwhile"
    return [Compared(intent, Comparison.CHANGED, words) for intent in run]
