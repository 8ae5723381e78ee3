"""Two resources that bear one identifier make one row, counted once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.fhir import codes
from carequeue.store import tally
from tests.fhir.clinic import task
from tests.store.cache import Cache, clinic_of_dana

SAME = [{"system": codes.IDENTIFIER, "value": "call-back"}]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = clinic_of_dana(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("again", [False, True])
def test_an_identifier_in_two_charts_is_counted_once(cache: Cache, again: bool) -> None:
    one = {**task("t1"), "identifier": SAME, "for": {"reference": "Patient/one"}}
    other = {**task("t2"), "identifier": SAME, "for": {"reference": "Patient/two"}}
    cache.pull(one)
    cache.pull(other)
    if again:
        cache.pull({**one, "description": "Call her mother"})
    with cache.session.engine().connect() as connection:
        counted = dict(tally.counted(connection))
        kept = {
            (view, band): count
            for view, band, count in connection.exec_driver_sql(
                "SELECT view, band, count FROM tally WHERE count <> 0"
            )
        }
    assert kept == counted
    assert [row.key for row in cache.rows()].count("main:call-back") == 1
