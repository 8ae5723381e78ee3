"""The story beside an item, in plain words."""

from __future__ import annotations

from typing import Any

from carequeue.fhir import codes
from carequeue.fhir.timeline import LINES
from tests.fhir.clinic import (
    CLIENT,
    CLINIC,
    HARBOR,
    NOEL,
    contact,
    handoff,
    only,
    read,
    ref,
    stay,
    task,
)


def story(*resources: Any) -> list[tuple[str, str]]:
    item = read(task("t0", authoredOn="2020-01-01T00:00:00Z"), *resources).items[0]
    return [(line.text, line.by) for line in item.story][:-1]  # the Task itself is the oldest line


def test_a_stay_has_a_coming_and_a_leaving() -> None:
    lines = story(stay(serviceProvider=ref(HARBOR)))
    assert lines == [
        ("left the ED", "Harbor Primary Care"),
        ("came to the ED", "Harbor Primary Care"),
    ]


def test_tries_and_contacts_are_told_apart() -> None:
    left = {"coding": [{"system": codes.CONTACT_OUTCOME, "code": codes.LEFT_MESSAGE}]}
    lines = story(
        contact("k1", status="not-done", statusReason=left, sent="2026-03-08T09:00:00Z"),
        contact("k2", status="not-done", sent="2026-03-08T10:00:00Z"),
        contact("k3", payload=[{"contentString": "agreed\nto a visit"}]),
        contact("k4", recipient=[ref(HARBOR)], sent="2026-03-08T16:00:00Z"),
    )
    assert lines == [
        ("call", "Noel Ortiz"),
        ("reached: agreed to a visit", "Noel Ortiz"),
        ("attempted, no answer", "Noel Ortiz"),
        ("attempted, left a message", "Noel Ortiz"),
    ]


def test_visits_are_told_with_what_became_of_them() -> None:
    visit = {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "noshow",
        "start": "2026-03-06T15:00:00Z",
        "description": "Intake",
        "participant": [{"actor": ref(CLIENT)}, {"actor": ref(NOEL)}],
    }
    assert story(visit) == [("missed the visit: Intake", "Noel Ortiz")]
    ours = stay(kind="HH", serviceProvider=ref(CLINIC))
    assert story(ours) == [("home visit", "Riverbend")]


def test_what_is_no_contact_of_ours_says_so_in_the_story() -> None:
    spoke = [{"contentString": "Spoke with her"}]
    payer = contact("k1", sender=ref(HARBOR), payload=[{"contentString": "Care call"}])
    lines = story(
        payer,
        contact("k2", sender=None, payload=spoke, sent="2026-03-08T14:00:00Z"),
        stay("e1", kind="AMB", serviceProvider=ref(HARBOR), type=[{"text": "Dental cleaning"}]),
        stay(
            "e2", kind="VR", type=[{"text": "Check-in"}], period={"start": "2026-03-07T19:00:00Z"}
        ),
    )
    unnamed = "attempted (the record does not say who took part)"
    assert lines == [
        ("call: Care call", "Harbor Primary Care"),
        (f"{unnamed}: Spoke with her", ""),
        ("visit elsewhere: Dental cleaning", "Harbor Primary Care"),
        (f"phone or video visit, {unnamed}: Check-in", ""),
    ]


def test_a_handoff_is_told() -> None:
    assert story(handoff()) == [("handed off to Dana Whitfield", "Noel Ortiz")]


def test_a_long_story_is_cut_at_its_old_end() -> None:
    many = [contact(f"k{n}", sent=f"2026-02-{n + 1:02}T09:00:00Z") for n in range(20)]
    found = only(task("t0"), *many).story
    assert len(found) == LINES
    assert found == tuple(sorted(found, key=lambda line: str(line.at), reverse=True))
