"""Authorizations and coverages: shown by their end, until renewed or decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.domain.items import Kind, Mover
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from tests.fhir.clinic import CLIENT, DANA, none, only, read, ref, task

KEY = "main:authorization-end:Coverage/v1:2026-11-27"


def coverage(key: str = "v1", end: str = "2026-11-27", **elements: Any) -> Resource:
    basic = {
        "resourceType": "Coverage",
        "id": key,
        "status": "active",
        "beneficiary": ref(CLIENT),
        "payor": [{"display": "County Health Plan"}],
        "period": {"start": "2026-01-01", "end": end},
    }
    return {**basic, **elements}


def authorization(key: str = "a1", **elements: Any) -> Resource:
    basic = {
        "resourceType": "ClaimResponse",
        "id": key,
        "status": "active",
        "use": "preauthorization",
        "outcome": "complete",
        "patient": ref(CLIENT),
        "insurer": {"display": "County Health Plan"},
        "preAuthRef": "PA-77",
        "preAuthPeriod": {"start": "2026-02-01", "end": "2026-03-31"},
    }
    return {**basic, **elements}


def companion(**elements: Any) -> Resource:
    mine = [{"system": codes.IDENTIFIER, "value": KEY.removeprefix("main:")}]
    return task(**{"identifier": mine, **elements})


def test_a_coverage_is_shown_by_its_end() -> None:
    item = only(coverage())
    assert (item.kind, item.key, item.target) == (Kind.AUTHORIZATION, KEY, None)
    assert item.title == "Renew coverage, ends Fri 27 Nov"
    assert item.facts["ends_at"] == datetime(2026, 11, 28, 5, 59, 59, tzinfo=UTC)
    assert "approximate" not in item.flags
    assert item.requester is not None
    assert item.requester.name == "County Health Plan"


def test_an_authorization_is_shown_by_its_end() -> None:
    item = only(authorization())
    assert item.title == "Renew authorization, ends Tue 31 Mar"
    assert item.about == "Authorization number PA-77"


def test_an_end_in_another_year_says_the_year() -> None:
    assert only(coverage(end="2024-01-31")).title == "Renew coverage, ends 31 Jan 2024"


@pytest.mark.parametrize(
    "resource",
    [
        coverage(status="cancelled"),
        coverage(end="9999-12-31"),
        coverage(period={"start": "2026-01-01"}),
        authorization(use="claim"),
        authorization(outcome="queued"),
        authorization(preAuthPeriod={}),
    ],
)
def test_what_is_not_in_force_or_has_no_end_has_no_row(resource: Resource) -> None:
    assert none(resource)


@pytest.mark.parametrize(
    ("next_", "renewed"),
    [
        (coverage("v2", "2027-11-27", period={"start": "2026-11-28"}), True),
        (coverage("v2", period={"start": "2026-11-01", "end": "2027-06-30"}), True),
        (coverage("v2", period={"start": "2027-01-01", "end": "2027-06-30"}), False),
        (coverage("v2", status="draft", period={"start": "2026-11-01"}), False),
        (coverage("v2", period={"start": "2026-11-01", "end": "soon"}), False),
    ],
)
def test_a_renewal_that_covers_the_day_after_ends_the_row(next_: Resource, renewed: bool) -> None:
    keys = {item.key for item in read(coverage(), next_).items}
    assert (KEY not in keys) is renewed


def test_a_dental_plan_renews_no_medical_one() -> None:
    medical = coverage(type={"coding": [{"code": "EHCPOL"}]})
    dental = coverage("v2", period={"start": "2026-01-01"}, type={"coding": [{"code": "DENTPRG"}]})
    assert only(medical, dental).key == KEY


def test_our_task_for_an_end_keeps_the_key_and_says_whose_it_is() -> None:
    item = only(coverage(), companion(owner=ref(DANA)))
    assert item.key == KEY
    assert item.kind is Kind.AUTHORIZATION
    assert item.move.who is Mover.ME
    assert item.target is not None


def test_what_was_closed_for_one_end_says_nothing_of_the_next() -> None:
    closed = companion(status="completed")
    assert none(coverage(), closed)
    assert only(coverage(end="2027-11-27"), closed).facts["ends_at"].year == 2027
