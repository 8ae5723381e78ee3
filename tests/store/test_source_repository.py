"""The lease of a source: the latest holder writes, an earlier one keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import LeaseLost
from carequeue.store.source_repository import SqliteSourceCache
from tests.fhir.clinic import NOW, task
from tests.store.cache import Cache
from tests.store.lease_holder import cache_with_one_task, holder


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = cache_with_one_task(tmp_path)
    yield cache
    cache.close()


def keep(one: SqliteSourceCache, body: dict[str, object]) -> None:
    with one.writing(NOW) as rows:
        rows.mirror.save([body], NOW)


def status(cache: Cache) -> object:
    with holder(cache).reading() as rows:
        return (rows.mirror.base("Task", "t1").body or {})["status"]


def test_who_holds_it_writes(cache: Cache) -> None:
    one = holder(cache)
    keep(one, task("t1", status="accepted"))
    keep(one, task("t1", status="completed"))
    assert status(cache) == "completed"


def test_a_late_holder_keeps_nothing_of_what_it_found(cache: Cache) -> None:
    late = holder(cache)
    keep(holder(cache), task("t1", status="accepted"))
    with pytest.raises(LeaseLost, match="Another CareQueue has begun to sync"):
        keep(late, task("t1", status="rejected"))
    assert status(cache) == "accepted"


def test_it_may_begin_anew(cache: Cache) -> None:
    late = holder(cache)
    holder(cache)
    late.take_lease(NOW)
    keep(late, task("t1", status="rejected"))
    assert status(cache) == "rejected"


def test_each_source_has_its_own(cache: Cache) -> None:
    ours = holder(cache)
    holder(cache, "county")
    keep(ours, task("t1", status="accepted"))
    assert status(cache) == "accepted"
