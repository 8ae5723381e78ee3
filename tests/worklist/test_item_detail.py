"""The detail of one item: what it is about, why it is ranked, and what is not on the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentEvent
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist import meanwhile
from tests.worklist.world import FOLLOW_UP, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def test_an_item_that_has_left_the_queue_has_none(cache: Cache) -> None:
    cache.desk.act("done", [FOLLOW_UP], {}, NOW)
    assert cache.desk.detail(FOLLOW_UP, NOW) is None


def test_every_item_of_the_client_but_this_one_is_counted(cache: Cache) -> None:
    (row,) = [row for row in cache.rows() if row.key == FOLLOW_UP]
    same_client = [other for other in cache.rows() if other.chart == row.chart]
    assert cache.desk.detail(FOLLOW_UP, NOW).others == len(same_client) - 1 > 0


def test_the_points_of_the_reasons_are_its_rank(cache: Cache) -> None:
    detail = cache.desk.detail(FOLLOW_UP, NOW)
    assert sum(reason.points for reason in detail.reasons) == detail.points


def test_a_decision_names_its_state_and_the_servers_reason(cache: Cache) -> None:
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    assert cache.desk.detail(FOLLOW_UP, NOW).pending == ("priority: waits to be sent",)
    meanwhile.answer(cache, IntentEvent.REFUSED, "422 no such priority")
    assert cache.desk.detail(FOLLOW_UP, NOW).pending == (
        "priority: needs you (422 no such priority)",
    )
