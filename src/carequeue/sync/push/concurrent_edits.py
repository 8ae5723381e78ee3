"""What happened in the outbox while a request was in flight or a row was read.

People decide and undo meanwhile. A new intent was decided on the old base and is compared before
that base moves; an undone intent voids the result found for it.
In:  the rows, inside the transaction that saves a reply. Out: intents in their next state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from carequeue.domain.intents import SENDABLE_STATES, Intent, IntentEvent, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_dependencies import behind, overrules
from carequeue.sync.client_check import records_of
from carequeue.sync.ports import SourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.three_way import (
    ALREADY_SO,
    EVENTS,
    GONE,
    Compared,
    Comparison,
    as_seen,
    compare,
)

#: States of an intent after which its dependents (`after`) may be sent. An undone intent unblocks
#: nothing: its dependents were undone with it.
UNBLOCKING_STATES: Final = frozenset({IntentState.ACKNOWLEDGED, IntentState.LOCAL_ONLY})


def void_ids(rows: SourceRepository, change: m.Change) -> frozenset[str]:
    """Intents to leave out of this result: their state changed while the request was in flight, or
    they shared an element with one that did.
    """
    # As they were when the request was built.
    found = {out.intent.id: out.intent for out in reversed(change.outcomes)}
    present = {one.id: one.state for one in rows.outbox.by_ids(list(found))}
    quicker = {key for key, one in found.items() if present[key] is not one.state}
    units = {name for key in quicker for name in intent_effects.unit(found[key])}
    together = {
        out.intent.id
        for out in change.outcomes
        if out.event is IntentEvent.ACKNOWLEDGED and units & set(intent_effects.unit(out.intent))
    }
    return frozenset(quicker | together)


def compare_concurrent(
    rows: SourceRepository, change: m.Change, void: frozenset[str], closed: set[str], now: datetime
) -> None:
    """Compare intents that were decided while the request was in flight: they were decided on the
    old base.

    Otherwise they would be sent over a colleague's change of the same elements, with a version that
    fits. If the server maps our create to an existing resource, intents made on that resource are
    compared with what their author saw, in either order.
    """
    if change.gone:
        _gone_meanwhile(rows, change, now)
        return
    told = [one for one in change.outcomes if one.intent.id not in void]
    ours = [one.intent for one in told if one.event is IntentEvent.ACKNOWLEDGED]
    expected = intent_effects.fold(rows.mirror.base(*change.key).body, ours)
    if expected is None or change.base is None:
        return
    compared_ids = (change.compared | {one.intent.id for one in told}) - void
    stays = compared_ids - {one.id for one in ours}
    there = rows.outbox.open_on(*change.key)
    ahead = [one for one in there if one.id in stays and one.state is not IntentState.LOCAL_ONLY]
    waiting = [
        one
        for one in there
        if (one.state is IntentState.QUEUED or (one.state in SENDABLE_STATES and one.id in void))
        and one.id not in compared_ids
        and not _is_behind(one, ahead, expected, change.base)
    ]
    apart = [one for one in waiting if _was_apart(one, ours, waiting, expected)]
    records = records_of(rows)
    found = compare(expected, change.base, [one for one in waiting if one not in apart], records)
    if apart:
        found += compare(as_seen(expected, apart), change.base, apart, records)
    _keep(rows, found, closed, now)


def _was_apart(
    one: Intent, ours: Sequence[Intent], waiting: Sequence[Intent], expected: Resource
) -> bool:
    """Whether an intent was decided without seeing ours that the server has just accepted."""
    if any(overrules(each, one) for each in ours):
        return True
    before = {name for each in ours if overrules(one, each) for name in intent_effects.unit(each)}
    ahead = {name for each in waiting if overrules(one, each) for name in intent_effects.unit(each)}
    names = [name for name in intent_effects.unit(one) if name in before - ahead]
    shown = intent_effects.snapshot(names, expected)
    return any(shown.get(name) != one.seen.get(name) for name in names)


def _is_behind(one: Intent, ahead: Sequence[Intent], expected: Resource, found: Resource) -> bool:
    """Whether an intent follows an earlier one on its own elements: it then refers to that one's
    result, unless another of its elements was changed.
    """
    unit = set(intent_effects.unit(one))
    before = unit & {name for each in ahead for name in intent_effects.unit(each)}
    beside = unit - before
    return bool(before) and intent_effects.snapshot(beside, expected) == intent_effects.snapshot(
        beside, found
    )


def _keep(
    rows: SourceRepository, found: Sequence[Compared], closed: set[str], now: datetime
) -> None:
    for one in found:
        if one.result is Comparison.NOT_APPLIED:
            continue
        words = ALREADY_SO if one.result is Comparison.DONE else one.words
        if rows.outbox.apply_event(one.intent, EVENTS[one.result], words, now) in UNBLOCKING_STATES:
            closed.add(one.intent.id)


def _gone_meanwhile(rows: SourceRepository, change: m.Change, now: datetime) -> None:
    """Intents decided during the read are about the missing resource too: sent, they would create
    it again.
    """
    there = rows.outbox.open_on(*change.key)
    asked = change.compared | behind(there)
    for one in there:
        if one.state is IntentState.QUEUED and one.id not in asked:
            rows.outbox.apply_event(one, IntentEvent.FOUND_GONE, GONE, now)
