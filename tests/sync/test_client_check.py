"""Decisions whose record names another client: they never leave, and a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.intents import ClientIdentity, ConflictCause, Intent, IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.client_check import CLIENT_NOT_RECORDED, may_leave, part_from_clients
from carequeue.sync.push import messages as m
from carequeue.sync.push.pending import load_pending, record_attempts
from carequeue.sync.restore import recovery
from tests.fhir.clinic import NOW, ref, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.sync.parts import accept, note

AXEL = {"for": ref("Patient/c2")}
FOLLOW_UP = f"{SOURCE}:Task/t1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, task("t1"), task("t2"))
    yield cache
    cache.close()


@contextmanager
def rows(cache: Cache) -> Iterator[SqliteSourceRepository]:
    with writing(cache.session.engine()) as connection:
        found = SqliteSourceRepository(connection, SOURCE)
        yield found
        cache.session.projector().project(connection, found.charts, NOW)


def file(cache: Cache, *intents: Intent) -> None:
    with rows(cache) as found:
        found.outbox.append(intents)


def local_only(intent: Intent) -> Intent:
    return replace(intent, state=IntentState.LOCAL_ONLY)


def states(cache: Cache) -> dict[str, tuple[str, str]]:
    return {intent.id: (intent.state.value, intent.cause) for intent in cache.intents()}


OTHER = (IntentState.CONFLICT.value, ConflictCause.OTHER_CLIENT.value)


class TestWhenTheMirrorMoves:
    def test_a_local_only_decision_parts_from_a_record_of_another_client(
        self, cache: Cache
    ) -> None:
        file(cache, local_only(note("i1")), local_only(note("i2", "t2", seq=2)))
        with rows(cache) as found:
            found.mirror.save([task("t1", **AXEL), task("t2", status="in-progress")], NOW)
            part_from_clients(found, [("Task", "t1"), ("Task", "t2")], NOW)
        assert states(cache) == {"i1": OTHER, "i2": ("kept_here", "")}

    def test_a_decision_that_holds_its_base_waits_for_the_comparison(self, cache: Cache) -> None:
        file(cache, note("i1"))
        with rows(cache) as found:
            found.mirror.save([task("t1", **AXEL)], NOW)
            part_from_clients(found, [("Task", "t1")], NOW)
        assert states(cache) == {"i1": ("queued", "")}
        assert cache.base("Task/t1").theirs is not None

    def test_a_task_that_names_nobody_is_its_requests_client(self, cache: Cache) -> None:
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": ref("Patient/c1")}
        focused = task("t9", **{"for": None, "focus": ref("ServiceRequest/r")})
        through = ClientIdentity("Patient/c1", through=("ServiceRequest/r",))
        cache.pull(request, focused)
        file(cache, local_only(replace(note("i1", "t9"), client=through)))
        with rows(cache) as found:
            found.mirror.save([{**request, "subject": ref("Patient/c2")}], NOW)
            part_from_clients(found, [("ServiceRequest", "r")], NOW)
        assert states(cache) == {"i1": OTHER}

    def test_what_a_restored_server_lost_is_not_filed_for_another_client(
        self, cache: Cache
    ) -> None:
        cache.pull(task("t1", **AXEL))
        (filed,) = recovery.refile(
            [note("i1")], {("Task", "t1"): task("t1", **AXEL)}, lambda: "new"
        )
        assert filed.client == note().client
        with rows(cache) as found:
            found.outbox.refile([filed], NOW)
            part_from_clients(found, [("Task", "t1")], NOW)
        assert states(cache) == {"new": OTHER}


class TestBeforeTheBytesLeave:
    def request(self, *ids: str, target: str = "t1") -> m.Request:
        return m.Request(("Task", target), "PUT", f"Task/{target}", {}, 'W/"1"', intents=ids)

    def test_a_write_for_another_client_does_not_leave_and_the_others_do(
        self, cache: Cache
    ) -> None:
        cache.pull(task("t1", **AXEL))
        file(cache, note("i1"), accept("i2", "t2", seq=2))
        with rows(cache) as found:
            wanted = [self.request("i1"), self.request("i2", target="t2")]
            marked, changed = record_attempts(found, wanted, NOW)
        assert isinstance(marked, m.AttemptsRecorded)
        assert [request.intents for request in marked.requests] == [("i2",)]
        assert isinstance(changed, m.ChangesSaved)
        assert changed.pending == ()
        assert states(cache) == {"i1": OTHER, "i2": ("in_doubt", "")}

    def test_of_one_record_the_decision_about_its_client_goes_on(self, cache: Cache) -> None:
        cache.pull(task("t1", **AXEL))
        about_axel = replace(accept("i2", seq=2), client=ClientIdentity("Patient/c2"))
        file(cache, note("i1"), about_axel)
        with rows(cache) as found:
            record_attempts(found, [self.request("i1", "i2")], NOW)
            (lane,) = load_pending(found)
        assert [intent.id for intent in lane.intents] == ["i2"]
        assert states(cache) == {"i1": OTHER, "i2": ("queued", "")}

    @pytest.mark.parametrize("client", [None, ClientIdentity("Patient/c1", assumed=True)])
    def test_an_unrecorded_client_is_asked_about_and_mine_confirms_the_client(
        self, cache: Cache, client: ClientIdentity | None
    ) -> None:
        file(cache, replace(note("i1"), client=client))
        with rows(cache) as found:
            assert not may_leave(found, found.outbox.by_ids(["i1"]), NOW)
        (asked,) = cache.intents()
        assert (asked.state, asked.words) == (IntentState.CONFLICT, CLIENT_NOT_RECORDED)
        shown: Any = cache.desk.outbox.conflict(FOLLOW_UP, NOW)
        assert (shown.gone, shown.other_client) == ("client_unknown", "OKAFOR, Amara J")
        assert shown.can == ("mine", "theirs")
        cache.desk.outbox.resolve(shown, "mine", NOW)
        (kept,) = cache.intents()
        assert kept.state is IntentState.QUEUED
        assert kept.client is not None
        assert (kept.client.reference, kept.client.assumed) == ("Patient/c1", False)
        with rows(cache) as found:
            assert may_leave(found, found.outbox.by_ids(["i1"]), NOW)

    def test_a_recorded_client_is_never_replaced(self, cache: Cache) -> None:
        file(cache, note("i1"))
        with rows(cache) as found:
            (one,) = found.outbox.by_ids(["i1"])
            found.outbox.confirm_client(one, ClientIdentity("Patient/c2"))
        assert [intent.client for intent in cache.intents()] == [note().client]
