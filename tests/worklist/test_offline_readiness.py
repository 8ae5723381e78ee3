"""Whether a person can go where there is no network: each check, and the verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carequeue.worklist.offline_readiness import Check, Known, Readiness, readiness
from carequeue.worklist.results import SourceReport, SyncReport
from tests.fhir.clinic import NOW
from tests.store.cache import SOURCE, Cache
from tests.worklist.world import queue

DONE = SyncReport(
    True, 0, 9, 0, 0, 0, 0, 0, "Up to date.", sources=(SourceReport(SOURCE, True, "9 received"),)
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def check(
    cache: Cache,
    report: SyncReport = DONE,
    *,
    apart: float = 0,
    counts: dict[str, int] | None = None,
) -> Readiness:
    known = Known(report, cache.desk.health(NOW), counts or {}, {SOURCE: apart})
    with cache.session.desk.reading() as reading:
        return readiness(reading, cache.paths, known, NOW, cache.session.zone)


def one(result: Readiness, what: str) -> Check:
    (found,) = [check for check in result.checks if check.what == what]
    return found


def test_a_whole_copy_with_nothing_unsent_is_ready(cache: Cache) -> None:
    result = check(cache)
    assert result.ready, result.verdict
    assert result.verdict.startswith("Ready: everything in your scope is here")


def test_a_source_that_was_not_read_whole_is_named(cache: Cache) -> None:
    report = replace(DONE, sources=(SourceReport(SOURCE, False, "offline: no route"),))
    result = check(cache, report)
    assert not result.ready
    assert f"{SOURCE}: offline: no route (never synced)" in result.verdict


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ({"queued": 1}, "1 waits to be sent"),
        ({"queued": 2, "conflict": 1}, "2 wait to be sent, 1 is in conflict"),
    ],
)
def test_unsent_decisions_are_a_problem(cache: Cache, counts: dict[str, int], found: str) -> None:
    assert one(check(cache, counts=counts), "Your decisions").found == found


def test_local_only_decisions_are_none(cache: Cache) -> None:
    result = check(cache, counts={"kept_here": 2})
    assert result.ready
    assert one(result, "Your decisions").found == "Everything this server accepts has been sent."


@pytest.mark.parametrize(
    ("apart", "level", "found"),
    [
        (60, "ok", "agrees with the server"),
        (-180, "note", "this machine is 3 minutes ahead of the server"),
        (1200, "problem", "this machine is 20 minutes behind the server"),
    ],
)
def test_a_wrong_time_of_this_machine_is_named(
    cache: Cache, apart: float, level: str, found: str
) -> None:
    named = one(check(cache, apart=apart), f"Time, {SOURCE}")
    assert (named.level, named.found) == (level, found)


def test_a_key_that_does_not_open_the_cache_is_a_problem(cache: Cache) -> None:
    (key,) = [file for file in cache.folder.rglob("*key*") if file.is_file()]
    key.write_bytes(os.urandom(len(key.read_bytes())))
    assert one(check(cache), "Key and cache").level == "problem"
