"""Follow-ups: what somebody has asked for, and the contact that nobody has made yet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from carequeue.domain.items import Kind, Mover
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import read_chart
from tests.fhir.clinic import (
    CLIENT,
    CLINIC,
    DANA,
    HARBOR,
    NOEL,
    PATIENT,
    TODAY,
    US,
    ZONE,
    chart,
    contact,
    none,
    only,
    read,
    ref,
    stay,
    task,
)

LEFT = datetime(2026, 3, 8, 2, tzinfo=UTC)
KEY = "main:discharge-contact:Encounter/e1"


def flag(risk: str, status: str = "active") -> Resource:
    return {
        "resourceType": "Flag",
        "id": f"f-{risk}",
        "status": status,
        "code": {"coding": [{"system": codes.RISK, "code": risk}]},
        "subject": ref(CLIENT),
    }


def companion(**elements: Any) -> Resource:
    mine = [{"system": codes.IDENTIFIER, "value": "discharge-contact:Encounter/e1"}]
    return task(**{"identifier": mine, "requester": ref(DANA), **elements})


@pytest.mark.parametrize(
    ("owner", "who", "name"),
    [
        (DANA, Mover.ME, "you"),
        (NOEL, Mover.TEAM, "Noel Ortiz"),
        ("CareTeam/access", Mover.TEAM, "Access"),
        (None, Mover.TEAM, "nobody yet"),
        (CLIENT, Mover.CLIENT, "Amara J Okafor"),
        (HARBOR, Mover.PARTNER, "Harbor Primary Care"),
    ],
)
def test_an_open_task_is_the_move_of_its_owner(owner: str | None, who: Mover, name: str) -> None:
    item = only(task(description="Call about housing", owner=ref(owner) if owner else None))
    assert item.kind is Kind.FOLLOW_UP
    assert item.title == "Call about housing"
    assert (item.move.who, item.move.name) == (who, name)


@pytest.mark.parametrize(
    "status", ["draft", "completed", "cancelled", "failed", "entered-in-error"]
)
def test_a_task_of_ours_that_is_closed_has_no_row(status: str) -> None:
    assert none(task(status=status, requester=ref(DANA), owner=ref(NOEL)))


def test_a_task_that_a_partner_did_not_do_comes_back_to_us() -> None:
    item = only(
        task(status="rejected", description="Send notes", requester=ref(DANA), owner=ref(HARBOR))
    )
    assert item.title == "Decide again: Send notes"
    assert item.move.who is Mover.ME
    assert "declined_at" in item.facts


def test_a_task_that_a_job_cancelled_as_expired_comes_back() -> None:
    item = only(task(status="cancelled", statusReason={"text": "expired"}, description="Call"))
    assert item.title == "Decide again: Call"


def test_a_sleeping_task_says_until_when() -> None:
    asleep = [{"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-11T14:00:00Z"}]
    item = only(task(extension=asleep))
    assert item.snoozed_until == datetime(2026, 3, 11, 14, tzinfo=UTC)


def test_the_notes_of_a_task_are_shown_newest_first() -> None:
    notes = [
        {"time": "2026-03-06T10:00:00Z", "text": "first", "authorString": "Noel"},
        {"text": "without a time"},
        {"time": "2026-03-07T10:00:00Z", "text": "second", "authorReference": ref(DANA)},
    ]
    item = only(task(note=notes))
    assert [(line.text, line.by) for line in item.notes] == [
        ("second", "Dana Whitfield"),
        ("first", "Noel"),
        ("without a time", ""),
    ]


def test_a_task_without_any_words_still_has_a_title() -> None:
    assert only(task()).title == "Follow up"


def test_a_stay_that_ended_asks_for_a_first_contact() -> None:
    item = only(stay(), flag("self-harm"), flag("overdose", "inactive"))
    assert item.title == "First contact after ED discharge"
    assert (item.key, item.target) == (KEY, None)
    assert item.anchor.reference == "Encounter/e1"
    assert item.facts["discharged_at"] == LEFT
    assert {"discharge", "no-contact", "self-harm", "open"} <= item.flags
    assert "overdose" not in item.flags
    assert (item.move.who, item.move.name) == (Mover.TEAM, "nobody yet")


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("IMP", "First contact after inpatient discharge"),
        ("ACUTE", "First contact after inpatient discharge"),
        ("NONAC", "First contact after residential stay"),
    ],
)
def test_the_kind_of_stay_is_named(kind: str, title: str) -> None:
    assert only(stay(kind=kind)).title == title


@pytest.mark.parametrize(
    "after",
    [
        contact(),
        contact(sent=None, received="2026-03-08T15:00:00Z"),
        stay("e2", "VR", serviceProvider=ref(CLINIC), period={"start": "2026-03-08T15:00:00Z"}),
        stay(
            "e2", "AMB", status="in-progress", participant=[{"individual": ref(NOEL)}],
            period={"start": "2026-03-08T15:00:00Z"},
        ),
    ],
)  # fmt: skip
def test_a_contact_after_it_meets_the_need(after: Resource) -> None:
    assert none(stay(), after)


@pytest.mark.parametrize(
    "after",
    [
        contact(status="not-done"),
        contact(sent="2026-03-07T15:00:00Z"),
        contact(recipient=[ref(HARBOR)]),
        stay(
            "e2", "AMB", status="cancelled", serviceProvider=ref(CLINIC),
            period={"start": "2026-03-08T15:00:00Z"},
        ),
    ],
)  # fmt: skip
def test_a_try_or_a_message_to_others_does_not(after: Resource) -> None:
    assert only(stay(), after).key == KEY


def test_a_try_is_counted() -> None:
    assert only(stay(), contact(status="not-done")).attempts == 1


def test_a_readmission_voids_the_stay_before() -> None:
    again = stay("e2", "IMP", status="in-progress", period={"start": "2026-03-08T09:00:00Z"})
    assert none(stay(), again)


def test_only_the_latest_stay_asks() -> None:
    before = stay("e0", period={"start": "2026-03-01T09:00:00Z", "end": "2026-03-01T12:00:00Z"})
    assert only(before, stay()).key == KEY


def test_a_stay_without_an_end_takes_it_from_its_history() -> None:
    history = [{"status": "in-progress", "period": {"end": "2026-03-08T02:00:00Z"}}]
    item = only(stay(period={"start": "2026-03-07T20:00:00Z"}, statusHistory=history))
    assert item.facts["discharged_at"] == LEFT


@pytest.mark.parametrize(("day", "shown"), [(date(2026, 5, 6), True), (date(2026, 5, 7), False)])
def test_a_stay_of_long_ago_is_history(day: date, shown: bool) -> None:
    """60 days from 7 March, the local day on which the client left."""
    assert bool(read(stay(), as_of=day).items) is shown


def test_nobody_is_asked_to_call_a_client_who_has_died() -> None:
    dead = {**PATIENT, "deceasedBoolean": True}
    assert read_chart(chart(dead, stay()), US, ZONE, TODAY).items == ()
    (item,) = read_chart(chart(dead, task()), US, ZONE, TODAY).items
    assert "deceased" in item.flags
    assert item.client.deceased


def test_our_task_for_a_stay_takes_the_place_of_the_derived_row() -> None:
    item = only(stay(), companion(owner=ref(DANA)))
    assert item.key == KEY
    assert item.target is not None
    assert item.target.reference == "Task/t1"
    assert item.title == "First contact after ED discharge"
    assert item.facts["discharged_at"] == LEFT
    assert {"discharge", "no-contact"} <= item.flags
    assert item.move.who is Mover.ME


def test_our_task_for_a_stay_that_is_done_ends_the_row() -> None:
    assert none(stay(), companion(status="completed"))


def test_our_task_stays_until_somebody_closes_it_although_the_client_was_reached() -> None:
    item = only(stay(), companion(), contact())
    assert item.facts["contacted_at"] == datetime(2026, 3, 8, 15, tzinfo=UTC)
    assert "no-contact" not in item.flags
