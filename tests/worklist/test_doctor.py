"""The doctor names what is wrong, by type, id and reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.fhir.jsontext import loads
from carequeue.store.engine import writing
from carequeue.worklist.doctor import examine
from carequeue.worklist.results import Finding
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist.world import FOLLOW_UP, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def findings(cache: Cache) -> list[Finding]:
    with cache.session.desk.reading() as reading:
        return examine(reading, NOW)


def test_a_whole_cache_has_no_problem(cache: Cache) -> None:
    found = findings(cache)
    assert not [finding for finding in found if finding.level == "problem"]
    assert Finding("note", "main: was never synced.", "carequeue sync") in found


def test_a_changed_audit_log_and_wrong_counts_are_problems(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    with writing(cache.session.engine()) as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'Practitioner/other'")
        connection.exec_driver_sql("DELETE FROM tally")
    assert [finding.what for finding in findings(cache) if finding.level == "problem"] == [
        "The audit log was changed at row 1.",
        "The counts of the tabs do not match the rows.",
    ]


def test_a_malformed_record_is_named_without_a_value(cache: Cache) -> None:
    cache.pull(loads(b'{"resourceType": "Task", "id": "odd", "intent": "order", "intent": "plan"}'))
    (named,) = [finding for finding in findings(cache) if "Task/odd" in finding.what]
    assert named.what.startswith("main: Task/odd is malformed (")
    assert "plan" not in named.what
