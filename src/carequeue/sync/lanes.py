"""The outbox as lanes, and what a push decided about them back onto the disk.

Every function runs inside a transaction of the caller's: what was decided, the base and the state
of the intents change together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from carequeue.domain.intents import (
    SENDABLE_STATES,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import edits
from carequeue.store import ledger, mirror, outbox
from carequeue.sync import messages as m

#: States of an intent for which what comes `after` it may leave. One that was taken back frees
#: nothing: what rested on it was taken back with it.
_SETTLED = frozenset({IntentState.ACKNOWLEDGED, IntentState.KEPT_HERE})


@dataclass(slots=True)
class Done:
    """What saving did."""

    event: m.Saved
    charts: set[tuple[str, str]] = field(default_factory=set)
    acknowledged: int = 0


def load_lanes(
    connection: Connection, source: str, only: frozenset[m.LaneKey] | None = None
) -> tuple[m.Lane, ...]:
    """The lanes that have something to send; `only`: those of these resources."""
    by_target: dict[m.LaneKey, list[Intent]] = {}
    everything = outbox.of_source(connection, source)
    for intent in everything:
        by_target.setdefault((intent.target_type, intent.target_id), []).append(intent)
    later = outbox.not_before(connection, source)
    lanes = []
    for key, intents in by_target.items():
        if only is not None and key not in only:
            continue
        sendable = _sendable(intents)
        if sendable:
            lanes.append(_lane(connection, source, key, sendable, later))
    return tuple(lanes)


def charts_in_doubt(connection: Connection, source: str) -> set[tuple[str, str]]:
    """The charts of what has left and was not answered yet."""
    return {
        (source, intent.chart)
        for intent in outbox.of_source(connection, source)
        if intent.state is IntentState.IN_DOUBT
    }


def _sendable(intents: Sequence[Intent]) -> list[Intent]:
    """What may leave now, in order: nothing that stands behind a person's answer on its unit."""
    blocked: set[str] = set()
    found = []
    for intent in intents:
        unit = set(edits.unit(intent))
        if intent.state in SENDABLE_STATES and not unit & blocked:
            found.append(intent)
        elif intent.state is not IntentState.KEPT_HERE:
            if intent.kind is IntentKind.CREATE:
                return []  # the rest belongs to what is not there
            blocked |= unit
    return found


def _lane(
    connection: Connection,
    source: str,
    key: m.LaneKey,
    intents: Sequence[Intent],
    later: dict[str, datetime],
) -> m.Lane:
    base = mirror.base(connection, source, *key)
    after = [intent.after for intent in intents if intent.after]
    own = {intent.id for intent in intents}
    waits = frozenset(
        one.id
        for one in outbox.by_ids(connection, [name for name in after if name not in own])
        if one.state not in _SETTLED
    )
    doubtful = any(intent.state is IntentState.IN_DOUBT for intent in intents)
    times = [later[intent.id] for intent in intents if intent.id in later]
    return m.Lane(
        key,
        tuple(intents),
        base.body,
        base.version,
        m.Phase.DOUBTFUL if doubtful else m.Phase.READY,
        waits,
        max(times, default=None),
        max(intent.attempts for intent in intents),
    )


def mark_requests(
    connection: Connection, source: str, requests: Sequence[m.Request], now: datetime
) -> list[m.Event]:
    """Write down what is about to leave. What a person took back meanwhile does not leave."""
    leaving, changed = [], []
    for request in requests:
        intents = outbox.by_ids(connection, request.intents)
        if all(intent.state in SENDABLE_STATES for intent in intents):
            outbox.mark(connection, intents, request.method, request.path, request.if_match, now)
            leaving.append(request)
        else:
            changed.append(request.lane)
    events: list[m.Event] = []
    if changed:
        lanes = load_lanes(connection, source, frozenset(changed))
        events.append(m.Saved(tuple(changed), lanes, frozenset(), {}, now))
    if leaving:
        events.insert(0, m.Marked(tuple(leaving)))
    return events


def save_changes(
    connection: Connection,
    source: str,
    changes: Sequence[m.Change],
    now: datetime,
    base_url: str = "",
) -> Done:
    """Keep what a push decided, in the caller's transaction."""
    closed: set[str] = set()
    aliases: dict[str, str] = {}
    keys = {change.key for change in changes}
    done = Done(m.Saved((), (), frozenset(), {}, now))
    for change in changes:
        kind, key = change.key
        key = _move_base(connection, source, change, done, aliases, now, base_url)
        keys.add((kind, key))
        _outcomes(connection, change, done, closed, now)
        ids = [one.id for one in outbox.of_target(connection, source, kind, key)]
        outbox.postpone(connection, ids, change.not_before)
        done.charts |= mirror.apply_theirs(connection, source, kind, key, now, base_url)
        for name, observed in change.observed.items():
            ledger.observe(connection, source, name, observed, now)
    lanes = load_lanes(connection, source, frozenset(keys))
    done.event = m.Saved(tuple(keys), lanes, frozenset(closed), aliases, now)
    return done


def _move_base(
    connection: Connection,
    source: str,
    change: m.Change,
    done: Done,
    aliases: dict[str, str],
    now: datetime,
    base_url: str,
) -> str:
    kind, key = change.key
    if change.base is None:
        return key
    server_id = str(change.base.get("id") or key)
    if server_id != key and not _free(connection, source, change, server_id):
        return key  # the next look brings it; until then the row that is there stays
    done.charts |= mirror.move_base(connection, source, change.base, change.version, now, base_url)
    if server_id != key:
        mirror.name_on_server(connection, source, kind, key, server_id)
        aliases[f"{kind}/{key}"] = f"{kind}/{server_id}"
    return server_id


def _free(connection: Connection, source: str, change: m.Change, server_id: str) -> bool:
    """Whether an id that a server gave to what we made is not that of another row."""
    there = mirror.base(connection, source, change.key[0], server_id).body
    make = next((o.intent for o in change.outcomes if o.intent.kind is IntentKind.CREATE), None)
    return there is None or make is None or edits.satisfied(make, there)


def _outcomes(
    connection: Connection, change: m.Change, done: Done, closed: set[str], now: datetime
) -> None:
    present = {
        one.id: one for one in outbox.by_ids(connection, [out.intent.id for out in change.outcomes])
    }
    for outcome in change.outcomes:
        intent = present[outcome.intent.id]
        state = outbox.happened(
            connection, intent, outcome.event, outcome.words, now, change.counts
        )
        done.charts.add((intent.source, intent.chart))
        done.acknowledged += outcome.event is IntentEvent.ACKNOWLEDGED
        if state in _SETTLED:
            closed.add(intent.id)
