"""Two resources that bear one identifier, in two charts, make two rows: neither hides the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from carequeue.fhir import codes
from carequeue.store import queue_items
from tests.fhir.clinic import NOW, task
from tests.store.cache import Cache, clinic_of_dana

SAME = [{"system": codes.IDENTIFIER, "value": "call-back"}]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = clinic_of_dana(tmp_path)
    yield made
    made.close()


def copies(count: int = 1) -> list[dict[str, Any]]:
    """A Task of one client, and copies of it for others, with the identifier that we wrote."""
    return [
        {**task(f"t{number}"), "identifier": SAME, "for": {"reference": f"Patient/p{number}"}}
        for number in range(count)
    ]


def keys(cache: Cache) -> set[str]:
    return {row.key for row in cache.rows()}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_each_has_a_row_whichever_came_first(cache: Cache, order: Sequence[int]) -> None:
    before, made = keys(cache), copies(3)
    for number in order:
        cache.pull(made[number])
    assert keys(cache) - before == {"main:call-back", "main:Task/t1", "main:Task/t2"}
    with cache.session.engine().connect() as connection:
        counted = dict(queue_items.counted(connection))
        kept = {
            (view, band): count
            for view, band, count in connection.exec_driver_sql(
                "SELECT tab, band, count FROM tally WHERE count <> 0"
            )
        }
    assert kept == counted


def test_and_the_same_rows_where_they_come_together(cache: Cache) -> None:
    before = keys(cache)
    cache.pull(*copies(3))
    assert keys(cache) - before == {"main:call-back", "main:Task/t1", "main:Task/t2"}


def test_each_can_be_opened_and_decided_about(cache: Cache) -> None:
    cache.pull(*copies(2))
    for key, target in (("main:call-back", "t0"), ("main:Task/t1", "t1")):
        assert cache.desk.detail(key, NOW) is not None
        cache.desk.act("note", [key], {"text": "Called"}, NOW)
        assert cache.intents()[-1].target_id == target
        assert cache.row(key).sync == "waiting"


def test_the_one_that_is_left_has_its_key_when_it_is_looked_at_next(
    cache: Cache,
) -> None:
    one, other = copies(2)
    cache.pull(one, other)
    cache.pull({**one, "status": "completed"})
    cache.pull({**other, "description": "Call her mother"})
    assert {"main:call-back", "main:Task/t1"} & keys(cache) == {"main:call-back"}
