"""The triage of a request: which record counts, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from tests.fhir.clinic import CLIENT, DANA, HARBOR, only, read, ref, referral, request


def outbound(**elements: Any) -> Resource:
    return referral(DANA, HARBOR, **{"lastModified": "2026-03-06T16:00:00Z", **elements})


def triage(level: str, **elements: Any) -> Resource:
    basic = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": codes.TRIAGE, "code": "triage"}]},
        "subject": ref(CLIENT),
        "valueCodeableConcept": {"coding": [{"system": codes.TRIAGE, "code": level}]},
        "effectiveDateTime": "2026-03-05T14:20:00Z",
    }
    return {**basic, **elements}


def test_a_crisis_starts_with_its_triage_record() -> None:
    record = triage("crisis", basedOn=[ref("ServiceRequest/s1")])
    item = only(request(), referral(), record)
    assert item.title.startswith("Answer crisis referral")
    assert "triage:crisis" in item.flags
    assert item.facts["crisis_at"] == datetime(2026, 3, 5, 14, 20, tzinfo=UTC)


def test_the_latest_triage_record_counts() -> None:
    first = triage("crisis", effectiveDateTime="2026-03-05T14:10:00Z")
    item = only(request(), referral(), first, triage("routine", id="o2"))
    assert "triage:routine" in item.flags
    assert "crisis_at" not in item.facts


def test_an_old_triage_record_says_nothing_of_a_new_request() -> None:
    old = triage("crisis", effectiveDateTime="2025-11-05T14:20:00Z")
    assert "triage:none" in only(request(), referral(), old).flags


def test_a_clients_crisis_does_not_make_our_housing_request_one() -> None:
    item = only(request(), outbound(), triage("crisis"))
    assert not {mark for mark in item.flags if mark.startswith("triage")}


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "entered-in-error"},
        {"status": "cancelled"},
        {"valueCodeableConcept": {"coding": [{"system": "https://x.example", "code": "calm"}]}},
        {"valueCodeableConcept": "crisis"},
        {"code": {"coding": [{"code": "triage"}]}},
    ],
)
def test_a_record_that_is_void_or_not_ours_is_no_triage(odd: dict[str, Any]) -> None:
    assert "triage:none" in only(request(), referral(), triage("crisis", **odd)).flags


@pytest.mark.parametrize("element", ["basedOn", "focus"])
def test_the_triage_of_one_task_says_nothing_of_another_of_the_client(element: str) -> None:
    """A Task without a request is named as focus: basedOn takes requests only (R4)."""
    record = triage("crisis", **{element: [ref("Task/t1")]})
    rows = read(referral(HARBOR, DANA, id="t1"), referral(HARBOR, DANA, id="t2"), record).items
    assert {row.key for row in rows if "triage:crisis" in row.flags} == {"main:Task/t1"}
    assert len(rows) == 2
