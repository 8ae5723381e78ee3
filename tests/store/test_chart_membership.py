"""The chart of a Task that names no client, or another one now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fhir.clinic import ref, referral, request, task
from tests.store.cache import Cache, clinic_of_dana

KEY = "main:Task/t1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """Dana's cache with one Task in version 1."""
    cache = clinic_of_dana(tmp_path, version(1))
    yield cache
    cache.close()


def version(number: int, **elements: Any) -> dict[str, Any]:
    """The Task as the server has it in a version."""
    return task(**{"description": "Call", "meta": {"versionId": str(number)}, **elements})


class TestAChart:
    def test_takes_in_a_task_without_a_client_by_what_it_is_about(self, cache: Cache) -> None:
        cache.pull(request("s9"))
        cache.pull({**referral(id="t9", focus=ref("ServiceRequest/s9")), "for": None})
        assert cache.row("main:Task/t9").client == "OKAFOR, Amara J"

    def test_takes_it_in_also_where_it_came_first(self, cache: Cache) -> None:
        lone = referral(id="t9", focus=ref("ServiceRequest/s9"))
        del lone["for"]
        cache.pull(lone)
        assert cache.row("main:Task/t9").client != "OKAFOR, Amara J"
        cache.pull(request("s9"))
        assert cache.row("main:Task/t9").client == "OKAFOR, Amara J"

    def test_gives_up_a_task_that_is_another_clients_now(self, cache: Cache) -> None:
        cache.pull({"resourceType": "Patient", "id": "c2", "name": [{"text": "Somebody else"}]})
        cache.pull(version(2, **{"for": ref("Patient/c2")}))
        assert cache.row(KEY).client == "Somebody else"
        assert len([row for row in cache.rows() if row.key == KEY]) == 1
