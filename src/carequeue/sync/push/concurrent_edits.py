"""Changes of the outbox while a request was in flight or a resource was read.

People decide and undo meanwhile. A new intent was decided on the old base and is compared before
that base moves; an undone intent voids the result found for it.
In:  the rows, inside the transaction that saves a reply. Out: intents in their next state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    sent = {outcome.intent.id: outcome.intent for outcome in reversed(change.outcomes)}
    present = {intent.id: intent.state for intent in rows.outbox.by_ids(list(sent))}
    changed = {key for key, intent in sent.items() if present[key] is not intent.state}
    units = {name for key in changed for name in intent_effects.unit(sent[key])}
    together = {
        intent.id
        for intent in acknowledged(change)
        if not units.isdisjoint(intent_effects.unit(intent))
    }
    return frozenset(changed | together)


def acknowledged(change: m.Change) -> list[Intent]:
    """The intents of a change that the server has accepted."""
    return [
        outcome.intent for outcome in change.outcomes if outcome.event is IntentEvent.ACKNOWLEDGED
    ]


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
    ours = [intent for intent in acknowledged(change) if intent.id not in void]
    expected = intent_effects.fold(rows.mirror.base(*change.key).body, ours)
    if expected is None or change.base is None:
        return
    compared = (change.compared | {outcome.intent.id for outcome in change.outcomes}) - void
    stays = compared - {intent.id for intent in ours}
    there = rows.outbox.open_on(*change.key)
    ahead = [
        intent
        for intent in there
        if intent.id in stays and intent.state is not IntentState.LOCAL_ONLY
    ]
    waiting = [
        intent
        for intent in there
        if intent.id not in compared
        and (intent.state is IntentState.QUEUED or _is_void(intent, void))
        and not _is_behind(intent, ahead, expected, change.base)
    ]
    apart = [intent for intent in waiting if _was_apart(intent, ours, waiting, expected)]
    rest = [intent for intent in waiting if intent not in apart]
    records = records_of(rows)
    results = compare(expected, change.base, rest, records)
    if apart:
        results += compare(as_seen(expected, apart), change.base, apart, records)
    _save(rows, results, closed, now)


def _is_void(intent: Intent, void: frozenset[str]) -> bool:
    return intent.state in SENDABLE_STATES and intent.id in void


def _was_apart(
    intent: Intent, ours: Sequence[Intent], waiting: Sequence[Intent], expected: Resource
) -> bool:
    """Whether an intent was decided without seeing ours that the server has just accepted."""
    if any(overrules(own, intent) for own in ours):
        return True
    names = _overruled(intent, ours) - _overruled(intent, waiting)
    shown = intent_effects.snapshot(sorted(names), expected)
    return any(shown.get(name) != intent.seen.get(name) for name in names)


def _overruled(intent: Intent, earlier: Sequence[Intent]) -> set[str]:
    """The elements of an intent that earlier ones set before it."""
    unit = set(intent_effects.unit(intent))
    return unit & elements(other for other in earlier if overrules(intent, other))


def elements(intents: Iterable[Intent]) -> set[str]:
    """The elements that these intents set."""
    return {name for intent in intents for name in intent_effects.unit(intent)}


def _is_behind(
    intent: Intent, ahead: Sequence[Intent], expected: Resource, present: Resource
) -> bool:
    """Whether an intent follows an earlier one on its own elements: it then refers to that one's
    result, unless another of its elements was changed.
    """
    unit = set(intent_effects.unit(intent))
    before = unit & elements(ahead)
    rest = sorted(unit - before)
    unchanged = intent_effects.snapshot(rest, expected) == intent_effects.snapshot(rest, present)
    return bool(before) and unchanged


def _save(
    rows: SourceRepository, results: Sequence[Compared], closed: set[str], now: datetime
) -> None:
    for compared in results:
        if compared.result is Comparison.NOT_APPLIED:
            continue
        words = ALREADY_SO if compared.result is Comparison.DONE else compared.words
        state = rows.outbox.apply_event(compared.intent, EVENTS[compared.result], words, now)
        if state in UNBLOCKING_STATES:
            closed.add(compared.intent.id)


def _gone_meanwhile(rows: SourceRepository, change: m.Change, now: datetime) -> None:
    """Intents decided during the read are about the missing resource too: sent, they would create
    it again.
    """
    there = rows.outbox.open_on(*change.key)
    asked = change.compared | behind(there)
    for intent in there:
        if intent.state is IntentState.QUEUED and intent.id not in asked:
            rows.outbox.apply_event(intent, IntentEvent.FOUND_GONE, GONE, now)
