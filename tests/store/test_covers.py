"""Covering a colleague: the colleague's rows are mine until an instant, and then as before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carequeue.domain.items import Cover
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.engine import writing
from carequeue.store.projection import catch_up
from carequeue.store.queue_window import Tab
from carequeue.store.sync_state import set_meta
from tests.fhir.clinic import CLINIC, DANA, HARBOR, NOEL, NOW, handoff, ref, referral, request, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.store.worlds import worlds

FRIDAY = datetime.fromisoformat("2026-03-13T13:00:00+00:00")  # 8 in Chicago
OF_NOEL: list[dict[str, Any]] = [
    task("noel", owner=ref(NOEL), requester=ref(DANA), description="Call the school"),
    task("role", owner=ref("PractitionerRole/role-noel"), description="Call the landlord"),
    handoff(id="asked", requester=ref("CareTeam/access"), owner=ref(NOEL)),
    referral(NOEL, HARBOR, id="sent"),
    request(requester=ref(NOEL)),
]
OTHERS: list[dict[str, Any]] = [
    task("dana", owner=ref(DANA), description="Call the pharmacy"),
    task("team", owner=ref("CareTeam/access"), description="Call back"),
    referral(HARBOR, CLINIC, id="came", focus=ref("ServiceRequest/s2")),
    request("s2", requester=ref(HARBOR)),
]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, *OF_NOEL, *OTHERS)
    yield cache
    cache.close()


def begin(cache: Cache, person: str = NOEL, until: datetime = FRIDAY) -> None:
    with writing(cache.session.engine()) as connection:
        transaction = CacheTransaction(connection, cache.session.projector())
        cover = Cover(person, "Noel Ortiz, LCSW", until)
        transaction.source(SOURCE).covers.begin(cover, cache.instant)
        transaction.project(cache.instant)


def end(cache: Cache, person: str = NOEL) -> None:
    with writing(cache.session.engine()) as connection:
        transaction = CacheTransaction(connection, cache.session.projector())
        transaction.source(SOURCE).covers.end(person, cache.instant)
        transaction.project(cache.instant)


def mine(cache: Cache) -> dict[str, str]:
    """Key of each row of Mine -> for whom it is mine."""
    return {row.key.removeprefix("main:"): row.covered_for for row in cache.rows(Tab.MINE)}


def test_the_moves_of_a_colleague_are_in_mine_with_the_name_of_the_colleague(cache: Cache) -> None:
    assert mine(cache) == {"Task/dana": ""}
    begin(cache)
    assert mine(cache) == {
        "Task/dana": "",
        "Task/noel": "Noel O.",
        "Task/role": "Noel O.",  # the owner is a role of his
        "Task/asked": "Noel O.",
        "Task/sent": "Noel O.",  # it is his to ask Harbor again
    }
    assert cache.row("main:Task/noel").mine == 1
    assert {row.mine for row in cache.rows(Tab.MINE)} == {1}


def test_what_a_colleague_waits_for_stands_at_the_end_of_mine_and_is_not_counted(
    cache: Cache,
) -> None:
    cache.pull(referral(NOEL, HARBOR, id="sent", authoredOn="2026-03-09T13:00:00Z"))
    begin(cache)
    waits = cache.rows(Tab.MINE)[-1]
    assert (waits.key, waits.mine, waits.covered_for) == ("main:Task/sent", 2, "Noel O.")
    assert cache.desk.tally(Tab.MINE, "").tabs["mine"] == 4


def test_the_count_of_mine_follows(cache: Cache) -> None:
    begin(cache)
    counts = cache.desk.tally(Tab.MINE, "").tabs
    assert counts["mine"] == len(cache.rows(Tab.MINE)) == 5
    assert counts["team"] == len(cache.rows(Tab.TEAM)) == 2
    assert [row.key for row in cache.desk.window(Tab.MINE, "noel o.", 0, 9)] == [
        key for key in (row.key for row in cache.rows(Tab.MINE)) if key != "main:Task/dana"
    ]


def test_band_points_and_order_do_not_depend_on_a_cover(cache: Cache) -> None:
    before = [(row.key, row.band, row.points, row.due_at) for row in cache.rows()]
    begin(cache)
    assert [(row.key, row.band, row.points, row.due_at) for row in cache.rows()] == before


def test_a_cover_ends_by_itself_at_its_instant(cache: Cache) -> None:
    engine, projector = cache.session.engine(), cache.session.projector()
    before = mine(cache)
    begin(cache)
    covered = mine(cache)
    last = FRIDAY - timedelta(seconds=1)
    catch_up(engine, projector, last)
    assert mine(cache) == covered
    with engine.connect() as connection:
        assert projector.has_moved(connection, FRIDAY)
    assert catch_up(engine, projector, FRIDAY)
    assert mine(cache) == before
    with engine.connect() as connection:
        assert not projector.has_moved(connection, FRIDAY)


def test_a_cover_holds_after_a_restart_and_ends_while_the_program_is_closed(cache: Cache) -> None:
    begin(cache)
    covered = mine(cache)
    cache.close()
    cache.open()
    cache.desk.refresh(NOW)
    assert mine(cache) == covered
    cache.close()
    cache.open()
    cache.desk.refresh(FRIDAY)
    assert mine(cache) == {"Task/dana": ""}


def test_what_comes_while_a_cover_holds_is_mine_too(cache: Cache) -> None:
    begin(cache)
    cache.pull(task("later", owner=ref(NOEL), description="Call the bank"))
    assert mine(cache)["Task/later"] == "Noel O."


def test_a_second_cover_of_one_colleague_takes_the_place_of_the_first(cache: Cache) -> None:
    begin(cache)
    begin(cache, until=FRIDAY + timedelta(days=3))
    cache.desk.refresh(FRIDAY)
    assert "Task/noel" in mine(cache)
    end(cache)
    assert mine(cache) == {"Task/dana": ""}


def test_my_own_row_stays_mine_and_says_nothing_of_a_colleague(cache: Cache) -> None:
    cache.pull(task("asked-by-noel", owner=ref(DANA), requester=ref(NOEL)))
    begin(cache)
    assert mine(cache)["Task/asked-by-noel"] == ""


@pytest.mark.parametrize(
    "saved",
    [
        "no JSON",
        "[" * 100_000,
        '{"person": "Practitioner/noel"}',
        '["noel", 7, null, {"person": 7}]',
        '[{"person": "Practitioner/noel", "name": "Noel", "until": "some day"}]',
        '[{"person": "Practitioner/noel", "name": "Noel", "until": "2026-03-13T13:00:00"}]',
        '[{"person": "Noel", "name": "Noel", "until": "2026-03-13T13:00:00Z"}]',
        '[{"person": "Practitioner/noel", "name": "", "until": "2026-03-13T13:00:00Z"}]',
    ],
)
def test_a_malformed_cover_covers_nobody(cache: Cache, saved: str) -> None:
    begin(cache)
    with writing(cache.session.engine()) as connection:
        set_meta(connection, f"covers:{SOURCE}", saved)
        transaction = CacheTransaction(connection, cache.session.projector())
        assert transaction.source(SOURCE).covers.saved() == ()
    cache.close()
    cache.open()
    with writing(cache.session.engine()) as connection:
        cache.session.projector().rebuild(connection, NOW)
    assert mine(cache) == {"Task/dana": ""}


class TestTheLaw:
    @pytest.fixture(scope="class")
    def cache(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
        cache = clinic_of_dana(tmp_path_factory.mktemp("covers"))
        yield cache
        cache.close()

    @given(world=worlds(), by_itself=st.booleans())
    @settings(max_examples=60)
    def test_to_cover_and_to_end_it_leaves_every_row_as_before(
        self, cache: Cache, world: list[dict[str, Any]], by_itself: bool
    ) -> None:
        """And meanwhile band, points, clock and task of each row are the same."""
        engine, projector = cache.session.engine(), cache.session.projector()
        end(cache)  # of the example before, whose end is still ahead
        cache.pull(*world)
        later = NOW + timedelta(minutes=1)
        with writing(engine) as connection:
            projector.rebuild(connection, later)
        after = cache.table("item")
        with writing(engine) as connection:
            projector.rebuild(connection, NOW)
        before, tally = cache.table("item"), cache.table("tally")
        ranks = [row._replace(mine=0, verbs="", covered_for="") for row in cache.rows()]
        begin(cache, until=later)
        assert [row._replace(mine=0, verbs="", covered_for="") for row in cache.rows()] == ranks
        if by_itself:
            catch_up(engine, projector, later)
            with writing(engine) as connection:
                set_meta(connection, "rows_at", "0")
                assert not projector.rebuild(connection, later)  # every row is as rebuilt
            assert cache.table("item") == after
        else:
            end(cache)
            assert cache.table("item") == before
            assert [row for row in cache.table("tally") if row[2]] == [r for r in tally if r[2]]
