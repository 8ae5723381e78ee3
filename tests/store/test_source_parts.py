"""The small parts of a source's cache, each by what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentState
from carequeue.store import cache_check
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.engine import writing
from carequeue.store.intent_rows import client_text, new_row
from carequeue.store.item_rows import awaited_items
from carequeue.store.manifest import SourceManifest
from carequeue.store.queue_items import QueueItems
from carequeue.store.resource_rows import (
    absent_references,
    absent_row,
    resource_row,
    stored_rows,
    without_base,
)
from carequeue.store.source_scope import SourceScope
from carequeue.store.sync_state import SourceSyncState
from carequeue.store.views import SourceViews
from carequeue.sync.manifest.policy import Manifest
from tests.fhir.clinic import NOW, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.sync.parts import accept

KEY = "main:Task/t1"
CLIENT = "Patient/c1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, task("t1"))
    yield cache
    cache.close()


@pytest.fixture
def scope(cache: Cache) -> Iterator[SourceScope]:
    with writing(cache.session.engine()) as connection:
        yield SourceScope(connection, SOURCE)


def test_a_row_of_the_queue_is_found_by_its_key(scope: SourceScope) -> None:
    queue = QueueItems(scope.connection)
    assert queue.chart_of(KEY) == (SOURCE, CLIENT)
    assert queue.chart_of("main:Task/none") is None
    assert (queue.count(), queue.count_in(SOURCE, CLIENT), queue.in_conflict()) == (1, 1, [])
    shown = queue.client_title_kind(KEY, CLIENT)
    assert shown is not None
    assert shown[2] == "follow_up"
    assert queue.client_title_kind(KEY, "Patient/other") is None


def test_the_cache_is_counted_and_checked(scope: SourceScope) -> None:
    by_type = cache_check.resources_by_type(scope.connection, SOURCE)
    assert (by_type["Task"], by_type["Patient"]) == (1, 1)
    assert sum(by_type.values()) == cache_check.resource_count(scope.connection)
    assert cache_check.integrity(scope.connection) == "ok"
    assert cache_check.malformed(scope.connection, SOURCE) == []


def test_a_transaction_hands_out_one_repository_a_source(cache: Cache, scope: SourceScope) -> None:
    transaction = CacheTransaction(scope.connection, cache.session.projector())
    source = transaction.source(SOURCE)
    assert transaction.source(SOURCE) is source
    source.outbox.append([replace(accept("i1", "t1"), chart=CLIENT, item_key=KEY)])
    assert source.charts == {(SOURCE, CLIENT)}
    transaction.project(NOW)
    assert QueueItems(scope.connection).rank_of(KEY) is not None
    assert [intent.id for intent in transaction.intents.open()] == ["i1"]


def test_what_is_stored_of_an_intent_begins_without_attempts() -> None:
    row = new_row(replace(accept("i1", "t1"), attempts=3, settles=2, busy=1))
    assert (row["attempts"], row["settles"], row["busy"]) == (0, 0, 0)
    assert client_text(None) == ""


def test_a_row_without_a_base_keeps_its_place() -> None:
    row = resource_row(SOURCE, task("t1"), NOW, "")
    assert (row["type"], row["id"], row["chart"]) == ("Task", "t1", CLIENT)
    empty = without_base(row)
    assert (empty["body"], empty["digest"], empty["chart"]) == ("", "", CLIENT)
    gone = absent_row(SOURCE, "Patient/p9", "not given", NOW)
    assert (gone["type"], gone["id"], gone["gone"]) == ("Patient", "p9", "not given")


def test_a_reference_is_absent_where_no_row_answers(scope: SourceScope) -> None:
    assert set(stored_rows(scope, [("Task", "t1"), ("Task", "t2")])) == {("Task", "t1")}
    assert absent_references(scope, {"Task/t1", "Task/t2", "nonsense"}) == {"Task/t2"}


def test_a_view_is_the_base_with_what_was_decided(cache: Cache) -> None:
    cache.desk.act("priority", [KEY], {"to": "stat"}, NOW)
    with cache.session.engine().connect() as connection:
        views = SourceViews(SourceScope(connection, SOURCE))
        view = views.referenced("Task/t1")
        bases = views.bases(CLIENT)
    assert view is not None
    assert (view["priority"], "priority" in bases["Task"]["t1"]) == ("stat", False)


def test_of_a_source_that_left_the_profile_only_awaited_items_stay() -> None:
    assert awaited_items([], [replace(accept("i1", "t1"), state=IntentState.QUEUED)]) == []


def test_a_manifest_is_kept_until_its_count_is_over(scope: SourceScope) -> None:
    manifest = SourceManifest(scope)
    begun = Manifest(begun_at=NOW.isoformat(), server_at=NOW.isoformat())
    manifest.save_page("Task", begun, {"a": ("1", "")})
    assert manifest.entries("Task") == {"a": ("1", "")}
    manifest.save_page("Task", Manifest(counted_at=NOW.isoformat()), {})
    assert manifest.entries("Task") == {}
    manifest.fetch_again()
    assert manifest.states()["Task"]["counted_at"] == ""


def test_what_a_source_declares_replaces_what_was_seen_of_it(scope: SourceScope) -> None:
    state = SourceSyncState(scope)
    state.observe("if_match", "no", NOW)
    assert state.is_unprotected()
    state.declare("statement", "{}", NOW)
    assert not state.is_unprotected()
    assert state.last_cycle() is None
    state.record_cycle(online=True, full=True, why="", now=NOW)
    last = state.last_cycle()
    assert last is not None
    assert (last.online, last.signed_out, last.why) == (1, 0, "")
