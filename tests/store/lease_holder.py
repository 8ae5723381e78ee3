"""A process that holds the lease of a source, over a cache with one Task."""

from __future__ import annotations

from pathlib import Path

from carequeue.store.source_repository import SqliteSourceCache
from tests.fhir.clinic import NOW, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana


def cache_with_one_task(folder: Path) -> Cache:
    return clinic_of_dana(folder, task("t1", meta={"versionId": "3"}))


def holder(cache: Cache, source: str = SOURCE) -> SqliteSourceCache:
    session = cache.session
    holding = SqliteSourceCache(source, session.engine(), session.projector())
    holding.take_lease(NOW)
    return holding
