"""What a source does not give any more, and what a count has met."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentEvent
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.manifest.policy import Manifest
from carequeue.sync.ports import Absence
from tests.fhir.clinic import NOEL, NOW, ref, request, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana

KEY = "main:Task/t1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """Dana's cache with one Task."""
    cache = clinic_of_dana(tmp_path, at(10))
    yield cache
    cache.close()


def at(minute: int, **elements: object) -> dict[str, object]:
    meta = {"versionId": str(minute), "lastUpdated": f"2026-03-09T12:{minute:02}:00Z"}
    return dict(task("t1", **{"description": "Call", "meta": meta, **elements}))


def take_out(cache: Cache, *names: str, why: str = Absence.DELETED, when: str = "") -> int:
    with writing(cache.session.engine()) as connection:
        source = SqliteSourceRepository(connection, SOURCE)
        touched = source.removals.remove(dict.fromkeys(names, when), why)
        cache.session.projector().project(connection, source.charts, NOW)
    return touched


class TestARowThatLeft:
    @pytest.mark.parametrize("why", [Absence.DELETED, Absence.FORBIDDEN, Absence.OUT_OF_SCOPE])
    def test_is_in_no_view_and_its_content_is_not_kept(self, cache: Cache, why: Absence) -> None:
        assert take_out(cache, "Task/t1", why=why) == 1
        assert cache.rows() == []
        assert "Call" not in repr(cache.table("resource"))

    @pytest.mark.parametrize("why", [Absence.DELETED, Absence.FORBIDDEN, Absence.OUT_OF_SCOPE])
    def test_is_taken_again_in_the_same_version(self, cache: Cache, why: Absence) -> None:
        take_out(cache, "Task/t1", why=why)
        assert cache.pull(at(10)).changed == 1
        assert cache.row(KEY).title == "Call"

    def test_leaves_only_once(self, cache: Cache) -> None:
        take_out(cache, "Task/t1")
        assert take_out(cache, "Task/t1", "Task/unknown") == 0

    def test_does_not_come_back_by_a_version_from_before_its_deletion(self, cache: Cache) -> None:
        """A history that is newest first shows it on a later page."""
        take_out(cache, "Task/t1", when="2026-03-09T12:20:00Z")
        assert cache.pull(at(15)).changed == 0
        assert cache.pull(at(25)).changed == 1

    def test_was_deleted_before_what_is_here_was_written_stays(self, cache: Cache) -> None:
        assert take_out(cache, "Task/t1", when="2026-03-09T12:05:00Z") == 0
        assert cache.row(KEY).title == "Call"

    def test_from_the_scope_is_asked_for_where_something_refers_to_it(self, cache: Cache) -> None:
        cache.pull(request("s1"))
        take_out(cache, "ServiceRequest/s1", why=Absence.OUT_OF_SCOPE)
        saved = cache.pull(at(11, focus=ref("ServiceRequest/s1")))
        assert saved.missing == {"ServiceRequest/s1"}


class TestARowOfTheDirectory:
    """Its name may stand in any row of the queue: each row is due once it has left."""

    def is_due(self, cache: Cache) -> bool:
        with cache.session.engine().connect() as connection:
            return cache.session.projector().has_moved(connection, NOW)

    def test_makes_every_row_due_when_it_leaves(self, cache: Cache) -> None:
        cache.desk.refresh(NOW)
        assert take_out(cache, NOEL) == 1
        assert self.is_due(cache)

    def test_makes_no_row_due_where_it_was_never_here(self, cache: Cache) -> None:
        """A history tells of every deletion, and again in each cycle of its overlap."""
        cache.desk.refresh(NOW)
        assert take_out(cache, "Practitioner/long-gone") == 0
        assert not self.is_due(cache)


class TestARowThatADecisionHolds:
    def test_stays_and_knows(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        assert take_out(cache, "Task/t1") == 1
        base = cache.base("Task/t1")
        assert (base.gone, base.version) == ("deleted", "10")
        assert cache.row(KEY).sync == "waiting"

    def test_leaves_with_the_last_decision(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        take_out(cache, "Task/t1")
        with writing(cache.session.engine()) as connection:
            (intent,) = SqliteSourceRepository(connection, SOURCE).outbox.open_intents()
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                intent, IntentEvent.DROPPED, "", NOW
            )
            source = SqliteSourceRepository(connection, SOURCE)
            source.mirror.apply_theirs("Task", "t1", NOW)
            cache.session.projector().project(connection, source.charts, NOW)
        assert cache.rows() == []

    def test_is_there_after_all_in_the_same_version_or_another(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        for version in (10, 11):
            take_out(cache, "Task/t1")
            cache.pull(at(version))
            assert cache.base("Task/t1").gone == ""
        assert cache.base("Task/t1").version == "10"

    def test_is_no_longer_gone_once_the_server_took_it(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        take_out(cache, "Task/t1", why=Absence.OUT_OF_SCOPE)
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).mirror.move_base(at(12), "12", NOW)
        assert cache.base("Task/t1").gone == ""


class TestWhatIsHere:
    def test_is_compared_by_the_version_that_the_server_has(self, cache: Cache) -> None:
        with cache.session.engine().connect() as connection:
            found = SqliteSourceRepository(connection, SOURCE).mirror.versions("Task")
        assert found == {"t1": ("10", "2026-03-09T12:10:00Z")}
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(at(11))
        with cache.session.engine().connect() as connection:
            assert SqliteSourceRepository(connection, SOURCE).mirror.versions("Task") == {
                "t1": ("11", "")
            }

    def test_without_an_id_that_could_be_asked_for_is_left_alone(self, cache: Cache) -> None:
        cache.pull({"resourceType": "Task", "id": "no/such id"}, {"resourceType": "Task"})
        with cache.session.engine().connect() as connection:
            assert set(SqliteSourceRepository(connection, SOURCE).mirror.versions("Task")) == {"t1"}

    def test_is_referred_to_by_what_stays(self, cache: Cache) -> None:
        cache.pull(request("s1"), request("s2"), at(11, focus=ref("ServiceRequest/s1")))
        with cache.session.engine().connect() as connection:
            found = SqliteSourceRepository(connection, SOURCE).removals.referenced(
                "ServiceRequest", ["s1", "s2"]
            )
        assert found == {"s1"}


class TestAPartOfAResource:
    @pytest.mark.parametrize("known", [True, False])
    def test_is_never_kept_and_is_missing(self, cache: Cache, known: bool) -> None:
        key = "t1" if known else "t2"
        part = {"resourceType": "Task", "id": key, "meta": {"tag": [{"code": "SUBSETTED"}]}}
        saved = cache.pull(part)
        assert (saved.changed, saved.missing) == (0, {f"Task/{key}"})


class TestACount:
    def test_is_kept_page_by_page_and_forgotten_at_its_end(self, cache: Cache) -> None:
        under_way = Manifest(begun_at=NOW.isoformat(), server_at=NOW.isoformat(), next_url="x")
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).manifest.save_page(
                "Task", under_way, {"a": ("1", "")}
            )
            SqliteSourceRepository(connection, SOURCE).manifest.save_page(
                "Task", under_way, {"b": ("2", ""), "a": ("3", "")}
            )
            assert SqliteSourceRepository(connection, SOURCE).manifest.entries("Task") == {
                "a": ("3", ""),
                "b": ("2", ""),
            }
            assert SqliteSourceRepository(connection, "another").manifest.entries("Task") == {}
            assert (
                Manifest(**SqliteSourceRepository(connection, SOURCE).manifest.states()["Task"])
                == under_way
            )
            SqliteSourceRepository(connection, SOURCE).manifest.save_page(
                "Task", Manifest(counted_at=NOW.isoformat()), {}
            )
            assert SqliteSourceRepository(connection, SOURCE).manifest.entries("Task") == {}
