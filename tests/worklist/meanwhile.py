"""What a push finds on the server, and what a pull brings, while a person's decisions wait."""

from __future__ import annotations

from typing import Any

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.pending import load_pending, save_changes
from carequeue.sync.push.three_way import EVENTS, compare
from tests.store.cache import SOURCE, Cache


def find(cache: Cache, theirs: Resource | None, target: str = "t1", version: str = "7") -> None:
    """What waits on a Task left, and what the server has is not what it was decided on."""
    with writing(cache.session.engine()) as connection:
        rows = SqliteSourceRepository(connection, SOURCE)
        (lane,) = load_pending(rows, frozenset({("Task", target)}))
        _mark(rows, lane, cache)
        sent = rows.outbox.by_ids([intent.id for intent in lane.intents])
        found = compare(lane.base, theirs, sent)
        outcomes = tuple(
            m.IntentOutcome(one.intent, EVENTS[one.result], one.words) for one in found
        )
        change = m.Change(lane.key, outcomes, theirs, version if theirs else "")
        save_changes(rows, m.SaveChanges((change,)), cache.instant)
        cache.session.projector().project(connection, rows.charts, cache.instant)


def answer(cache: Cache, event: IntentEvent, words: str = "", target: str = "t1") -> None:
    """The server answers what waits on a Task: it took it, or refused it, with these words."""
    with writing(cache.session.engine()) as connection:
        rows = SqliteSourceRepository(connection, SOURCE)
        (lane,) = load_pending(rows, frozenset({("Task", target)}))
        _mark(rows, lane, cache)
        sent = rows.outbox.by_ids([intent.id for intent in lane.intents])
        base: Any = None
        if event is IntentEvent.ACKNOWLEDGED:
            base = intent_effects.fold(lane.base, sent)
        outcomes = tuple(m.IntentOutcome(intent, event, words) for intent in sent)
        save_changes(rows, m.SaveChanges((m.Change(lane.key, outcomes, base, "8"),)), cache.instant)
        cache.session.projector().project(connection, rows.charts, cache.instant)


def leave(cache: Cache, target: str = "t1") -> None:
    """What waits on a Task is on its way, and no answer has come."""
    with writing(cache.session.engine()) as connection:
        rows = SqliteSourceRepository(connection, SOURCE)
        (lane,) = load_pending(rows, frozenset({("Task", target)}))
        _mark(rows, lane, cache)


def _mark(rows: SqliteSourceRepository, lane: m.PendingResource, cache: Cache) -> None:
    path = "/".join(lane.key)
    waiting = [intent for intent in lane.intents if intent.state is IntentState.QUEUED]
    rows.outbox.record_attempt(waiting, "PUT", path, lane.version, cache.instant)
