"""Dependencies among open intents. Pure.

In:  open intents, in the order of their decision. Out: those that depend on some of them.
An intent depends on an earlier one by `after`, by the same element of the same resource, and, if
that one creates a resource, by belonging to it or by referring to it.
Why it matters: while an intent waits for a person, its dependents wait behind it (`behind`); if a
person discards it, they are discarded too (`resting_on`), because half a decision must not be sent,
and a decision on top of it was about a value that nobody else has.
Not here: what may be sent now (`sync/push/pending.py`), who asks the person (`worklist/`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from carequeue.domain.intents import STUCK_STATES, Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects


def resting_on(
    roots: Collection[str], intents: Sequence[Intent], *, created: bool = True
) -> tuple[Intent, ...]:
    """The open intents that depend on those with these ids, in order, without the roots.

    `created`: also what belongs or refers to a resource that one of them creates.
    """
    gone: set[str] = set()
    owned: dict[tuple[str, str], set[str]] = {}
    missing: set[str] = set()
    resting = []
    for intent in intents:
        target = (intent.target_type, intent.target_id)
        unit = set(intent_effects.unit(intent))
        rests = intent.after in gone or bool(unit & owned.get(target, set()))
        if created and not rests:
            rests = bool(missing & {"/".join(target), *references_in(intent.args)})
        if not rests and intent.id not in roots:
            continue
        gone.add(intent.id)
        owned.setdefault(target, set()).update(unit)
        if intent.kind is IntentKind.CREATE:
            missing.add("/".join(target))
        if intent.id not in roots:
            resting.append(intent)
    return tuple(resting)


def behind(intents: Sequence[Intent]) -> frozenset[str]:
    """Ids of the intents that wait for a person's answer to another one."""
    stuck = {intent.id for intent in intents if intent.state in STUCK_STATES}
    waits = resting_on(stuck, intents)
    return frozenset(intent.id for intent in waits if intent.state is IntentState.QUEUED)


def overrules(later: Intent, earlier: Intent) -> bool:
    """True if a later intent is about an element of the same resource as this one."""
    same = (later.target_type, later.target_id) == (earlier.target_type, earlier.target_id)
    return (
        same
        and later.seq > earlier.seq
        and not set(intent_effects.unit(later)).isdisjoint(intent_effects.unit(earlier))
    )


def inverse_waits(done: Intent, intents: Sequence[Intent]) -> bool:
    """True if undoing this would wait behind an open intent that waits for a person.

    The view does not show an intent that waits so: it would be called undone, and look as before.
    """
    undoing = intent_effects.inverse(done)
    if undoing is None:
        return False
    inverse = replace(
        done, id="", after="", kind=undoing[0], args=undoing[1], state=IntentState.QUEUED
    )
    return inverse not in intent_effects.standing([*intents, inverse])


def references_in(value: object) -> Iterator[str]:
    """Every `reference` in a JSON value, at any depth."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name == "reference" and isinstance(part, str):
                yield part
            else:
                yield from references_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from references_in(part)
