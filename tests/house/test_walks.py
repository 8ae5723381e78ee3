"""The walks see what runs, and know what only forwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carequeue.domain.timestamps import is_older, is_younger
from tests.house.walks import forwarding_functions, walk


def test_a_walk_counts_the_calls_of_the_program_alone() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def work() -> None:
        is_older("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
        is_younger(now.isoformat(), now, timedelta(hours=1))
        is_younger(now.isoformat(), now, timedelta(hours=1))

    calls = walk("times", work).calls
    file = "domain/timestamps.py"
    assert calls == {(file, "is_older"): 1, (file, "instant"): 2, (file, "is_younger"): 2}


def test_a_function_that_hands_its_arguments_on_only_forwards() -> None:
    forwarding = forwarding_functions()
    assert ("worklist/desk.py", "Desk.urgent") in forwarding
    assert ("worklist/desk.py", "Desk.act") not in forwarding
