"""The queue as a colleague or a team has it: the same rows, by the stored people of each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carequeue.store.queue_window import ME, Tab, viewer
from tests.fhir.clinic import DANA, HARBOR, NOEL, ref, referral, request, task
from tests.store.cache import PROFILE, SOURCE, Cache, clinic_of_dana
from tests.store.worlds import worlds


class Two(NamedTuple):
    """The caches of two colleagues of one clinic."""

    dana: Cache
    noel: Cache


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    dana = clinic_of_dana(tmp_path_factory.mktemp("dana"))
    noel = clinic_of_dana(tmp_path_factory.mktemp("noel"))
    noel.close()
    noel.profile = replace(PROFILE, me=NOEL, my_name="Noel Ortiz", teams=())
    noel.open()
    noel.session.rebuild_if_profile_changed()
    yield Two(dana, noel)
    dana.close()
    noel.close()


def shown(cache: Cache, tab: Tab, filter_text: str = "") -> Any:
    """All that the list shows of a tab, but words that name the person at the keyboard."""
    rows = cache.desk.window(tab, filter_text, 0, 1000)
    assert list(cache.desk.keys_of(tab, filter_text)) == [row.key for row in rows]
    indexes = [cache.desk.row_index(tab, filter_text, row.key) for row in rows]
    assert indexes == list(range(len(rows)))
    tally = cache.desk.tally(tab, filter_text)
    return [(row.key, row.band, row.mine) for row in rows], tally


@given(
    world=worlds(), tab=st.sampled_from(Tab), filter_text=st.sampled_from(["", "okafor", "call"])
)
@settings(max_examples=60)
def test_a_colleagues_queue_is_what_the_colleague_sees(
    two: Two, world: list[dict[str, Any]], tab: Tab, filter_text: str
) -> None:
    """And my own queue, looked at as if I were somebody else, is my own."""
    for cache in two:
        cache.pull(*world)
    window = two.dana.session._window
    own = shown(two.dana, tab, filter_text)
    window.viewer = viewer([(SOURCE, NOEL)])
    assert shown(two.dana, tab, filter_text) == shown(two.noel, tab, filter_text)
    window.viewer = viewer([(SOURCE, DANA)])
    assert shown(two.dana, tab, filter_text) == own
    window.viewer = ME
    assert shown(two.dana, tab, filter_text) == own


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    cache = clinic_of_dana(
        tmp_path_factory.mktemp("viewer"),
        task("team", owner=ref("CareTeam/access"), description="Call back"),
        task("noel", owner=ref(NOEL), description="Call the school"),
        referral("CareTeam/access", HARBOR, id="sent", authoredOn="2026-03-09T13:00:00Z"),
        request(),
    )
    yield cache
    cache.close()


def test_a_team_has_its_moves_and_what_it_waits_for(cache: Cache) -> None:
    cache.session._window.viewer = viewer([(SOURCE, "CareTeam/access")])
    rows = cache.rows(Tab.MINE)
    assert [(row.key, row.mine) for row in rows] == [("main:Task/team", 1), ("main:Task/sent", 2)]
    assert cache.desk.tally(Tab.MINE, "").tabs["mine"] == 1


def test_the_same_id_on_another_source_is_somebody_else(cache: Cache) -> None:
    cache.session._window.viewer = viewer([("county", NOEL)])
    assert cache.rows(Tab.MINE) == []


def test_a_look_writes_nothing(cache: Cache) -> None:
    before = cache.table("item")
    stamp = cache.desk.stamp()
    cache.session._window.viewer = viewer([(SOURCE, NOEL)])
    assert [row.key for row in cache.rows(Tab.MINE)] == ["main:Task/noel"]
    assert (cache.table("item"), cache.desk.stamp()) == (before, stamp)
