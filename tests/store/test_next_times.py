"""When my rows come next, from FHIR JSON: the first of them, and those without any time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.store.next_times import NextTimes
from tests.fhir.clinic import CLINIC, DANA, HARBOR, NOW, ref, referral, request, task
from tests.store.cache import Cache, clinic_of_dana

UNDATED = task("t1", owner=ref(DANA), description="Call about the group")
DUE_FRIDAY = task(
    "t2", owner=ref(DANA), description="Send the form",
    restriction={"period": {"end": "2026-03-13T22:00:00Z"}},
)  # fmt: skip
OVERDUE = task(
    "t3", owner=ref(DANA), description="Call the school",
    restriction={"period": {"end": "2026-03-06T22:00:00Z"}},
)  # fmt: skip
SENT_OUT = [
    referral(CLINIC, HARBOR, id="r1", authoredOn="2026-03-09T13:00:00Z"),
    request(requester=ref(DANA), authoredOn="2026-03-09T13:00:00Z"),
]
OTHERS = task("t4", owner=ref("CareTeam/access"), description="Order the chairs")


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[list[Cache]]:
    opened: list[Cache] = []
    yield opened
    for cache in opened:
        cache.close()


def times(caches: list[Cache], folder: Path, *resources: dict[str, Any]) -> NextTimes:
    cache = clinic_of_dana(folder, *resources)
    caches.append(cache)
    found: NextTimes = cache.desk.next_times(NOW)
    return found


def key(times: NextTimes) -> str:
    return times.first.key if times.first else ""


def test_nothing_of_mine_has_no_next_time(caches: list[Cache], tmp_path: Path) -> None:
    assert times(caches, tmp_path, OTHERS) == NextTimes(None, 0, 0, None)


def test_the_first_is_that_whose_time_comes_first(caches: list[Cache], tmp_path: Path) -> None:
    found = times(caches, tmp_path, DUE_FRIDAY, *SENT_OUT, OTHERS)
    assert key(found) == "main:Task/t2"
    assert (found.late, found.untimed) == (0, 0)


def test_what_is_overdue_does_not_come_it_is_late(caches: list[Cache], tmp_path: Path) -> None:
    found = times(caches, tmp_path, OVERDUE)
    assert (found.first, found.late) == (None, 1)


def test_a_row_without_a_time_is_named(caches: list[Cache], tmp_path: Path) -> None:
    undated = {name: value for name, value in UNDATED.items() if name != "authoredOn"}
    found = times(caches, tmp_path, DUE_FRIDAY, undated)
    assert key(found) == "main:Task/t2"
    assert found.untimed == 1
    assert found.untimed_first is not None
    assert found.untimed_first.key == "main:Task/t1"


def test_a_snoozed_row_and_one_that_rests_count(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic_of_dana(tmp_path, DUE_FRIDAY, UNDATED)
    caches.append(cache)
    cache.desk.act("snooze", ["main:Task/t2"], {"until": "tomorrow 9"}, NOW)
    cache.desk.act("log", ["main:Task/t1"], {"outcome": "no answer"}, NOW)
    found = cache.desk.next_times(NOW)
    assert key(found) == "main:Task/t1"  # the next try at 8:00
    assert (found.late, found.untimed) == (0, 0)
