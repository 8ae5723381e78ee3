"""The words of a record that tell a conversation from a message."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.fhir import spoken
from carequeue.fhir.chart import Resource

ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def call(note: str = "", **elements: Any) -> Resource:
    payload = [{"contentString": note}] if note else []
    return {"resourceType": "Communication", "payload": payload, **elements}


def visit(**elements: Any) -> Resource:
    return {"resourceType": "Encounter", **elements}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (call("Left voicemail"), spoken.LEFT_MESSAGE),
        (call(statusReason={"coding": [{"code": "leftMessage"}]}), spoken.LEFT_MESSAGE),
        (call("Did not pick up, will try on Monday"), spoken.NO_ANSWER),
        (call(category=[{"text": "Appointment reminder"}]), spoken.AUTOMATIC),
        (call("This is an automated message. Do not reply."), spoken.AUTOMATIC),
        (call("We missed you", medium=[{"text": "Letter"}]), spoken.ONE_WAY),
        (call(payload=[{"contentReference": {"reference": "Binary/1"}}]), spoken._DOCUMENT),
        (visit(type=[{"text": "No answer"}]), spoken.NO_ANSWER),
        (call("She returned my voicemail, slept well"), ""),
        (call("Asked her about the reminder of last week"), ""),
        (visit(type=[{"text": "Therapy"}]), ""),
    ],
)
def test_why_a_record_shows_one_side_only(record: Resource, why: str) -> None:
    assert spoken.one_way(record) == why


def test_a_hostile_text_is_read_to_a_limit() -> None:
    assert spoken.one_way(call("x " * 3000 + "left voicemail")) == ""


@pytest.mark.parametrize(
    ("elements", "both"),
    [
        ({"medium": [{"text": "Phone"}]}, True),
        ({"medium": [{"coding": [{"code": "VIDEOCONF"}]}]}, True),
        ({"category": [{"text": "Home visit"}]}, True),
        ({"medium": [{"text": "E-mail"}], "category": [{"text": "Phone"}]}, False),
        ({}, False),
    ],
)
def test_that_two_spoke_is_told_by_the_medium_before_the_category(
    elements: Resource, both: bool
) -> None:
    assert spoken.two_way(call(**elements)) is both


def test_a_contact_that_was_not_made_says_its_own_reason() -> None:
    assert spoken.not_done(call(statusReason={"text": "Line was busy"})) == "Line was busy"
    assert spoken.not_done(call()) == spoken.NO_ANSWER


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("No-show", "the client did not come"),
        ("No show follow-up call", ""),
        ("Dental cleaning", "a dental, laboratory, or imaging visit"),
        ("Chart review", "the client did not take part"),
        ("Therapy", ""),
    ],
)
def test_what_is_no_visit_with_the_client(kind: str, why: str) -> None:
    assert spoken.no_visit(visit(type=[{"text": kind}])) == why


def test_machines_and_people_are_told_apart_by_their_reference() -> None:
    assert spoken.by_device({"reference": "Device/1"})
    assert spoken.by_device({"type": "Device", "display": "Reminders"})
    assert spoken.by_person({"reference": "PractitionerRole/1"})
    for nobody in ({"reference": "Organization/1"}, {}, None):
        assert not spoken.by_device(nobody)
        assert not spoken.by_person(nobody)


@pytest.mark.parametrize(
    ("relationship", "cares"),
    [
        ({"coding": [{"system": ROLE_CODE, "code": "MTH"}]}, True),
        ({"text": "Legal guardian"}, True),
        ({"text": "step-father of the client"}, True),
        ({"text": "Grandmother"}, False),
        ({"text": "mother in law"}, False),
        ({}, False),
    ],
)
def test_who_cares_for_a_minor(relationship: Resource, cares: bool) -> None:
    assert spoken.is_carer({"relationship": [relationship]}) is cares
