"""Facts from a Task alone: here the due date, which a person sets."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.fhir.task_facts import is_due, set_due
from tests.fhir.clinic import task

UNTIL = "2026-03-12T14:00:00Z"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"period": {"end": UNTIL}}),
        ({"period": {"end": "2026-03-01"}}, {"period": {"end": UNTIL}}),
        (
            {"repetitions": 2, "period": {"start": "2026-03-01", "end": "2026-03-02"}},
            {"repetitions": 2, "period": {"start": "2026-03-01", "end": UNTIL}},
        ),
        # R4, per-1: a period never ends before its start
        ({"period": {"start": "2026-04-01", "end": "2026-04-30"}}, {"period": {"end": UNTIL}}),
        ({"period": "soon"}, {"period": {"end": UNTIL}}),
    ],
)
def test_a_due_date_changes_the_end_of_the_period_alone(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changed = task(restriction=before)
    set_due(changed, UNTIL)
    assert changed == task(restriction=after)
    assert is_due(changed, UNTIL)


def test_a_due_date_is_an_instant_however_it_is_spelled() -> None:
    assert is_due(task(restriction={"period": {"end": "2026-03-12T09:00:00-05:00"}}), UNTIL)
    assert not is_due(task(restriction={"period": {"end": "2026-03-13"}}), UNTIL)
    assert not is_due(task(restriction=[]), UNTIL)
    assert not is_due(task(), UNTIL)
