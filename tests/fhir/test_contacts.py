"""What takes a client out of Safety after an emergency visit for a suicide attempt, and what not.

Every case is FHIR as a server would send it, read by the chart reader and placed by the shipped
rules: the client left the emergency department on Sunday at 20:00, it is Monday 09:00. The row
leaves only for a conversation of somebody of ours with the client (or with a parent or guardian of
a minor); for everything else it stays in Safety, and an attempt is told as an attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import clocks_of
from carequeue.domain.intents import Intent
from carequeue.domain.items import Us, WorkItem
from carequeue.domain.ranking import Band, Rank, rank
from carequeue.domain.rules import site_rules
from carequeue.fhir.chart import Chart, ContactOutcome, Resource
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.chart_to_items import read_chart, references
from carequeue.fhir.contacts import judge
from carequeue.fhir.intent_effects import fold
from carequeue.fhir.our_directory import our_people
from carequeue.verbs.decision import Decision
from carequeue.verbs.verb_to_intents import drafts_of
from tests.verbs.named import named

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
CALENDAR = SiteCalendar(ZONE)
RULES = site_rules({})
OUR_CODES = "https://carequeue.dev/fhir/CodeSystem/contact-outcome"
OUR_IDENTIFIER = "https://carequeue.dev/fhir/identifier/item"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


def ref(reference: str, **more: str) -> dict[str, str]:
    return {"reference": reference, **more}


def role(person: str, organization: str) -> Resource:
    return {
        "resourceType": "PractitionerRole", "id": f"{person}-{organization}",
        "practitioner": ref(f"Practitioner/{person}"),
        "organization": ref(f"Organization/{organization}"),
    }  # fmt: skip


ME = "Practitioner/dana"
DIRECTORY: list[Resource] = [
    {"resourceType": "Organization", "id": "riverbend", "name": "Riverbend"},
    {"resourceType": "Organization", "id": "crisis", "name": "Riverbend Mobile Crisis",
     "partOf": ref("Organization/riverbend")},
    {"resourceType": "Organization", "id": "county", "name": "County Hospital"},
    {"resourceType": "Organization", "id": "plan", "name": "North Star Plan"},
    {"resourceType": "Organization", "id": "smiles", "name": "Bright Smiles Dental"},
    {"resourceType": "Practitioner", "id": "dana", "name": [{"family": "Whitfield"}]},
    {"resourceType": "Practitioner", "id": "noel", "name": [{"family": "Ortiz"}]},
    {"resourceType": "Practitioner", "id": "stranger", "name": [{"family": "Lund"}]},
    role("dana", "riverbend"), role("noel", "crisis"), role("noel", "county"),
    role("stranger", "county"),
    {"resourceType": "CareTeam", "id": "access", "name": "Access",
     "managingOrganization": [ref("Organization/riverbend")]},
]  # fmt: skip
_US = Us(ME, "Dana Whitfield", frozenset(), "Organization/riverbend")
US = replace(_US, people=our_people(DIRECTORY, _US))
ADULT: Resource = {
    "resourceType": "Patient", "id": "c1", "birthDate": "1990-02-03",
    "name": [{"family": "Okafor", "given": ["Amara"]}],
}  # fmt: skip
CHILD: Resource = {**ADULT, "birthDate": "2010-06-01"}
LEFT_ED = "2026-03-08T20:00:00-05:00"
STAY: Resource = {
    "resourceType": "Encounter", "id": "ed", "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
    "subject": ref("Patient/c1"), "serviceProvider": ref("Organization/county"),
    "period": {"start": "2026-03-08T09:00:00-05:00", "end": LEFT_ED},
    "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm",
                                "code": "T14.91XA", "display": "Suicide attempt"}]}],
}  # fmt: skip
PHONE = {"coding": [{"system": MODE, "code": "PHONE"}], "text": "Phone"}
_IDS = count(1)


def _made(basic: dict[str, Any], elements: Mapping[str, Any]) -> Resource:
    return {name: each for name, each in {**basic, **elements}.items() if each is not None}


def call(**elements: Any) -> Resource:
    """A phone call of a colleague with the client this morning; None leaves an element out."""
    basic = {
        "resourceType": "Communication", "id": f"k{next(_IDS)}", "status": "completed",
        "meta": {"versionId": "1", "lastUpdated": "2026-03-09T08:31:00-05:00"},
        "subject": ref("Patient/c1"), "sender": ref("Practitioner/noel"),
        "recipient": [ref("Patient/c1")], "sent": "2026-03-09T08:30:00-05:00",
        "medium": [PHONE],
    }  # fmt: skip
    return _made(basic, elements)


def said(words: str, **elements: Any) -> Resource:
    return call(payload=[{"contentString": words}], **elements)


def by(medium: str | dict[str, Any], **elements: Any) -> Resource:
    """A message by another medium: its text, or the whole concept."""
    concept = {"text": medium} if isinstance(medium, str) else medium
    return call(medium=[concept], **elements)


def coded(code: str, system: str = MODE) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def visit(kind: str = "AMB", /, **elements: Any) -> Resource:
    """A finished visit of ours this morning."""
    basic = {
        "resourceType": "Encounter", "id": f"v{next(_IDS)}", "status": "finished",
        "meta": {"versionId": "1", "lastUpdated": "2026-03-09T08:50:00-05:00"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
        "subject": ref("Patient/c1"), "serviceProvider": ref("Organization/riverbend"),
        "period": {"start": "2026-03-09T08:05:00-05:00", "end": "2026-03-09T08:45:00-05:00"},
    }  # fmt: skip
    return _made(basic, elements)


def relative(relationship: Any, **elements: Any) -> Resource:
    basic = {
        "resourceType": "RelatedPerson", "id": "r1", "patient": ref("Patient/c1"),
        "relationship": [relationship],
    }  # fmt: skip
    return _made(basic, elements)


MOTHER = relative({"coding": [{"system": ROLE_CODE, "code": "MTH", "display": "mother"}]})
SISTER = relative({"coding": [{"system": ROLE_CODE, "code": "SIS", "display": "sister"}]})
TO_RELATIVE = [ref("RelatedPerson/r1")]


def chart_of(*resources: Resource, patient: Resource = ADULT) -> Chart:
    shared = {f"{resource['resourceType']}/{resource['id']}": resource for resource in DIRECTORY}
    held: dict[str, dict[str, Resource]] = {}
    for resource in (patient, *resources):
        held.setdefault(resource["resourceType"], {})[resource["id"]] = resource
    return Chart("main", "Patient/c1", held, shared.get)


def rows(*resources: Resource, patient: Resource = ADULT, us: Us = US) -> list[WorkItem]:
    """The rows of the client after the emergency visit, read without trouble."""
    found = read_chart(
        chart_of(STAY, *resources, patient=patient), us, ZONE, date(2026, 3, 9), now=NOW
    )
    assert found.troubles == ()
    return list(found.items)


def placed(item: WorkItem) -> Rank:
    return rank(item, clocks_of(item, RULES, CALENDAR), CALENDAR, NOW)


def bands(*resources: Resource, patient: Resource = ADULT, us: Us = US) -> list[Band]:
    return [placed(item).band for item in rows(*resources, patient=patient, us=us)]


def test_the_emergency_visit_alone_stands_in_safety() -> None:
    assert bands() == [Band.SAFETY]


#: The records of the fault: each of them took the client out of Safety.
NAMED: dict[str, list[Resource]] = {
    "an automatic SMS": [
        said(
            "Reminder: your appointment is on Thursday at 10. Reply C to confirm.",
            sender=ref("Device/reminders"), medium=[coded("SMSWRIT")],
        )
    ],
    "a letter": [by("Letter", payload=[{"contentString": "We are sorry that we missed you"}])],
    "a voicemail that is filed as completed": [said("Left voicemail")],
    "a document that is filed": [
        call(medium=None, payload=[{"contentReference": ref("DocumentReference/d1")}])
    ],
    "a call of the payer": [said("Care manager spoke with her", sender=ref("Organization/plan"))],
    "a call with the sister of an adult": [
        SISTER, said("Sister says that she is fine", recipient=TO_RELATIVE)
    ],
    "a dental visit elsewhere": [
        visit(
            serviceProvider=ref("Organization/smiles"), type=[{"text": "Dental cleaning"}],
            participant=[{"individual": ref("Practitioner/stranger")}],
        )
    ],
}  # fmt: skip
MESSAGES: dict[str, Resource] = {
    "an SMS by a colleague": by("SMS"),
    "a text message": by("Text message"),
    "an SMS by code": by(coded("SMSWRIT")),
    "an e-mail": by("E-mail"),
    "an e-mail by code": by(coded("EMAILWRIT")),
    "a portal message": by("Patient portal"),
    "a message in MyChart": by("MyChart"),
    "a fax by code": by(coded("FAXWRIT")),
    "a letter by code": by(coded("MAILWRIT")),
    "a letter of which the medium says phone too": call(medium=[PHONE, coded("MAILWRIT")]),
    "a record that does not say how": call(medium=None),
    "a medium that says nothing": by(coded("REMOTE")),
    "a reminder that says so in its category": call(category=[coded("reminder", "category")]),
    "a notification": call(category=[{"text": "Notification"}]),
    "an appointment reminder by its topic": call(topic=coded("appointment-reminder", "topic")),
    "a robocall in the name of the clinic": said(
        "This is an automated message from Riverbend", sender=ref("Organization/riverbend")
    ),
    "a message to a group": call(recipient=[ref("Patient/c1"), ref("Patient/c2")]),
    "a message to a Group": call(recipient=[ref("Patient/c1"), ref("Group/g1")]),
    "a document sent by phone": call(payload=[{"contentAttachment": {"title": "Plan"}}]),
}
VOICEMAILS: dict[str, Resource] = {
    **{
        f"the note says {words!r}": said(words)
        for words in (
            "Left voice mail", "left a voice-mail, will try again", "LVM", "Left VM for client",
            "left message", "Left a detailed message", "LM to call back", "LMTCB",
            "Left HIPAA compliant message", "Message left on machine", "Voicemail full",
            "Called, went to voicemail", "Left msg x2", "Left Amara a brief message",
            "No answer", "no answer, mailbox is full", "Client did not answer", "Didn't pick up",
            "Unable to reach client", "Could not reach her", "Wrong number",
            "Number disconnected", "Rang out twice", "VM",
            "L/M w/ mom", "No ans", "left callback number", "Pt not home", "Attempted to call",
            "Tried to reach him",
        )
    },
    "our own code": call(statusReason=coded("left-message", OUR_CODES)),
    "a code of the site": call(statusReason=coded("LEFT_VOICEMAIL", "urn:site")),
    "a code of the site in one word": call(topic=coded("leftMessage", "urn:site")),
    "the medium": by("Voicemail"),
    "the category": call(category=[{"text": "Phone - left voice message"}]),
    "a note element": call(note=[{"text": "left voicemail"}]),
    "not done": call(status="not-done"),
    "not done, with our code": call(
        status="not-done", statusReason=coded("no-answer", OUR_CODES)
    ),
    "a visit by phone that was a voicemail": visit("VR", type=[{"text": "Left voicemail"}]),
    "a visit by phone whose reason says so": visit("VR", reasonCode=[{"text": "No answer"}]),
}  # fmt: skip
OTHERS: dict[str, list[Resource]] = {
    "a call by another organization's nurse": [call(sender=ref("Practitioner/stranger"))],
    "a call by a colleague in a role elsewhere": [call(sender=ref("PractitionerRole/noel-county"))],
    "a call by somebody named in words only": [call(sender={"display": "Dana Whitfield"})],
    "a call by somebody whom nobody knows": [call(sender=ref("Practitioner/gone"))],
    "a note to a colleague": [call(recipient=[ref(ME)])],
    "a call to another organization": [call(recipient=[ref("Organization/county")])],
    "a call with another client": [call(recipient=[ref("Patient/c2")])],
    "a call by another client": [call(sender=ref("Patient/c2"), recipient=[ref(ME)])],
    "a call that does not say who took part": [call(sender=None, recipient=None)],
    "a call that does not say who called": [call(sender=None)],
    "a call that does not say who answered": [call(recipient=None)],
    "a call whose recipient is a word": [call(recipient=[{"display": "client"}])],
    "a call with a relative who is not here": [call(recipient=TO_RELATIVE)],
    "a call with the mother of an adult": [MOTHER, call(recipient=TO_RELATIVE)],
    "a call by the sister": [SISTER, call(sender=ref("RelatedPerson/r1"), recipient=[ref(ME)])],
    "a call of the client to another organization": [
        call(sender=ref("Patient/c1"), recipient=[ref("Organization/county")])
    ],
    "a voicemail of the client": [
        said("Client left a voicemail", sender=ref("Patient/c1"), recipient=[ref(ME)])
    ],
    "a message of the client that answers nothing": [
        by("Portal", sender=ref("Patient/c1"), recipient=[ref(ME)])
    ],
    "an answer to an automatic message": [
        by("SMS", id="auto", sender=ref("Device/reminders")),
        by("SMS", sender=ref("Patient/c1"), recipient=[ref(ME)],
           inResponseTo=[ref("Communication/auto")]),
    ],
    "a voicemail of the client in answer to ours": [
        said("Left voicemail", id="ours"),
        said("Client left a voicemail", sender=ref("Patient/c1"), recipient=[ref(ME)],
             inResponseTo=[ref("Communication/ours")]),
    ],
    "an automatic reply from the client's address": [
        by("E-mail", id="ours"),
        by("E-mail", category=[{"text": "Automatic reply"}], sender=ref("Patient/c1"),
           inResponseTo=[ref("Communication/ours")]),
    ],
    "our code for reached, without who took part": [
        call(sender=None, statusReason=coded("reached", OUR_CODES))
    ],
    "our code for reached, by the payer": [
        call(sender=ref("Organization/plan"), statusReason=coded("reached", OUR_CODES))
    ],
    "an answer to a message of the payer": [
        by("SMS", id="theirs", sender=ref("Organization/plan")),
        by("SMS", sender=ref("Patient/c1"), inResponseTo=[ref("Communication/theirs")]),
    ],
}  # fmt: skip
STATES: dict[str, Resource] = {
    **{
        f"a call that is {status}": call(status=status)
        for status in ("preparation", "in-progress", "on-hold", "stopped", "entered-in-error",
                       "unknown", "done")
    },
    **{
        f"a visit that is {status}": visit(status=status)
        for status in ("planned", "arrived", "triaged", "onleave", "cancelled",
                       "entered-in-error", "unknown", "noshow")
    },
    "a visit to which the client did not come": visit(type=[{"text": "No-show"}]),
    "an appointment that was kept": {
        "resourceType": "Appointment", "id": "a1", "status": "fulfilled",
        "start": "2026-03-09T08:00:00-05:00", "created": "2026-03-08T21:00:00-05:00",
        "participant": [{"actor": ref("Patient/c1")}, {"actor": ref(ME)}],
    },
    "a document": {
        "resourceType": "DocumentReference", "id": "d1", "status": "current",
        "subject": ref("Patient/c1"), "date": "2026-03-09T08:00:00-05:00",
        "author": [ref(ME)], "description": "Spoke with the client",
    },
}  # fmt: skip
VISITS: dict[str, Resource] = {
    "a visit elsewhere": visit(serviceProvider=ref("Organization/county")),
    "a visit elsewhere of a colleague who works there too": visit(
        serviceProvider=ref("Organization/county"),
        participant=[{"individual": ref("Practitioner/noel")}],
    ),
    "a visit of a place that is a word": visit(serviceProvider={"display": "Walk-in clinic"}),
    "a visit with somebody of another organization": visit(
        serviceProvider=None, participant=[{"individual": ref("Practitioner/stranger")}]
    ),
    "a visit that does not say with whom": visit(serviceProvider=None),
    "a video visit that does not say with whom": visit("VR", serviceProvider=None),
    "a dental visit at our own place": visit(type=[{"text": "Dental exam"}]),
    "a dentist by the service": visit(serviceType={"text": "Dentistry"}),
    "a blood draw": visit(type=[{"text": "Lab draw"}]),
    "a laboratory visit": visit(serviceType={"coding": [{"display": "Laboratory"}]}),
    "an X-ray": visit(type=[{"text": "X-ray, ankle"}]),
    "a chart review": visit(type=[{"text": "Chart review"}]),
    "a collateral call": visit("VR", type=[{"text": "Collateral contact with sister"}]),
    "a portal message filed as a visit": visit("VR", type=[{"text": "Patient portal message"}]),
    "a visit without a class": visit(**{"class": None}),
}
TIMES: dict[str, Resource] = {
    "a call before the discharge": call(sent="2026-03-08T19:59:59-05:00"),
    "a call of the day before": call(sent="2026-03-07"),
    "a call of the day of discharge, without a time": call(sent="2026-03-08"),
    "a visit before the discharge": visit(period={"start": "2026-03-08T19:30:00-05:00"}),
    "a call of tomorrow": call(sent="2026-03-10T08:00:00-05:00"),
    "a call of this afternoon": call(sent="2026-03-09T15:00:00-05:00"),
    "a call of this afternoon on a server without dates of its own": call(
        meta=None, sent="2026-03-09T15:00:00-05:00"
    ),
    "a call whose day and month were swapped": call(sent="2026-09-03T08:30:00-05:00"),
    "a call of a date that is none": call(sent="2026-02-30"),
    "a call of a date in words": call(sent="this morning"),
    "a call without a date": call(sent=None),
    "a call whose date is a number": call(sent=20260309),
    "a visit of tomorrow": visit(period={"start": "2026-03-10T08:00:00-05:00"}),
    "a visit without a time": visit(period=None),
}
STAY_IN_SAFETY: dict[str, list[Resource]] = NAMED | {
    f"{what}: {name}": case if isinstance(case, list) else [case]
    for what, cases in (
        ("message", MESSAGES), ("voicemail", VOICEMAILS), ("others", OTHERS), ("state", STATES),
        ("visit", VISITS), ("time", TIMES),
    )
    for name, case in cases.items()
}  # fmt: skip


@pytest.mark.parametrize("records", STAY_IN_SAFETY.values(), ids=STAY_IN_SAFETY)
def test_what_is_no_conversation_with_us_leaves_the_client_in_safety(
    records: list[Resource],
) -> None:
    (item,) = rows(*records)
    assert placed(item).band is Band.SAFETY
    assert "contacted_at" not in item.facts
    assert "no-contact" in item.flags


REACHED: dict[str, list[Resource]] = {
    "a phone call": [said("Spoke with the client, safe at home")],
    "a phone call by its words": [by("Telephone call")],
    "a phone call by its category": [call(medium=None, category=[{"text": "Phone call"}])],
    "a phone call of mine": [call(sender=ref(ME))],
    "a call in a role of ours": [call(sender=ref("PractitionerRole/dana-riverbend"))],
    "a call of our clinic": [call(sender=ref("Organization/riverbend"))],
    "a call of a part of our clinic": [call(sender=ref("Organization/crisis"))],
    "a talk by video": [by(coded("VIDEOCONF"))],
    "a talk face to face": [by(coded("FACE"))],
    "a call with the client and the sister": [
        SISTER, call(recipient=[ref("RelatedPerson/r1"), ref("Patient/c1")])
    ],
    "a call after which the client called back": [said("Returned my voicemail, will come today")],
    "a call of the client to us": [call(sender=ref("Patient/c1"), recipient=[ref(ME)])],
    "a call that is known by when it was received": [
        call(sent=None, received="2026-03-09T08:30:00-05:00")
    ],
    "an answer of the client to our SMS": [
        by("SMS", id="ours", sent="2026-03-09T08:00:00-05:00"),
        by("SMS", sender=ref("Patient/c1"), recipient=[ref("Practitioner/noel")],
           inResponseTo=[ref("Communication/ours")]),
    ],
    "a server whose time lags behind the caller's by minutes": [
        call(sent="2026-03-09T08:40:00-05:00")
    ],
    "a visit": [visit()],
    "a visit that goes on": [visit(status="in-progress", period={"start": "2026-03-09T13:30:00Z"})],
    "a visit with a colleague": [
        visit(serviceProvider=None, participant=[{"individual": ref("Practitioner/noel")}])
    ],
    "a video visit": [visit("VR", type=[{"text": "Video visit"}])],
    "a home visit": [visit("HH")],
    "an outreach visit of the mobile team": [
        visit("FLD", serviceProvider=ref("Organization/crisis"))
    ],
    "a visit after the discharge": [visit(type=[{"text": "Post-discharge follow-up"}])],
    "a visit about a missed one": [visit("VR", type=[{"text": "No-show follow-up call"}])],
    "a visit about collaborative care": [visit(type=[{"text": "Collaborative care, accidental"}])],
}  # fmt: skip


@pytest.mark.parametrize("records", REACHED.values(), ids=REACHED)
def test_a_conversation_of_ours_with_the_client_takes_the_row_out(records: list[Resource]) -> None:
    assert rows(*records) == []


CARERS: dict[str, Resource] = {
    "mother": MOTHER,
    "father by the table of HL7 version 2": relative(coded("FTH", "v2-0063")),
    "guardian": relative({"text": "Legal guardian"}),
    "foster parent": relative(coded("PRNFOST", ROLE_CODE)),
    "stepmother": relative({"text": "Step-mother"}),
    "parent": relative({"coding": [{"display": "Parent"}]}),
    "mother until a day to come": relative({"text": "mother"}, period={"end": "2028-06-01"}),
}
NOT_CARERS: dict[str, Resource] = {
    "sister": SISTER,
    "grandmother": relative({"text": "Grandmother"}),
    "mother-in-law": relative({"text": "Mother-in-law"}),
    "mother's friend": relative({"text": "Mother’s boyfriend"}),
    "guardian ad litem": relative({"text": "Guardian ad litem"}),
    "emergency contact": relative(coded("C", "http://terminology.hl7.org/CodeSystem/v2-0131")),
    "not said": relative({"text": ""}),
    "no longer": relative({"text": "Father"}, active=False),
    "no longer since a day": relative({"text": "Guardian"}, period={"end": "2026-01-31"}),
    "of another client": relative({"text": "Mother"}, patient=ref("Patient/c2")),
    "of nobody": relative({"text": "Mother"}, patient=None),
}


@pytest.mark.parametrize("person", CARERS.values(), ids=CARERS)
def test_a_parent_or_guardian_speaks_for_a_minor_and_not_for_an_adult(person: Resource) -> None:
    talk = call(recipient=TO_RELATIVE)
    assert bands(person, talk, patient=CHILD) == []
    assert bands(person, talk) == [Band.SAFETY]


@pytest.mark.parametrize("person", NOT_CARERS.values(), ids=NOT_CARERS)
def test_nobody_else_speaks_for_a_minor(person: Resource) -> None:
    assert bands(person, call(recipient=TO_RELATIVE), patient=CHILD) == [Band.SAFETY]


def test_a_mother_who_calls_us_or_stands_inside_the_record_is_a_contact_too() -> None:
    calls = call(sender=ref("RelatedPerson/r1"), recipient=[ref(ME)])
    assert bands(MOTHER, calls, patient=CHILD) == []
    inside = call(recipient=[ref("#r1")], contained=[MOTHER])
    assert bands(inside, patient=CHILD) == []
    assert bands(inside) == [Band.SAFETY]
    left = said("Left a message with mother", recipient=TO_RELATIVE)
    assert bands(MOTHER, left, patient=CHILD) == [Band.SAFETY]


@pytest.mark.parametrize(
    ("born", "minor"),
    [
        ("2008-03-10", True),  # 18 tomorrow
        ("2008-03-09", False),  # 18 today
        ("2009", True),
        ("2008", False),  # may be 18: the earliest that it can mean
        ("2008-03", False),
        ("", False),
        ("unknown", False),
        ("2027-01-01", False),
    ],
)
def test_an_age_that_is_not_known_counts_as_an_adults(born: str, minor: bool) -> None:
    found = bands(MOTHER, call(recipient=TO_RELATIVE), patient={**ADULT, "birthDate": born})
    assert found == ([] if minor else [Band.SAFETY])


def test_who_spoke_for_the_client_is_fetched_with_the_contact() -> None:
    assert "RelatedPerson/r1" in references(call(recipient=TO_RELATIVE))
    assert "RelatedPerson/r1" not in references(
        visit(participant=[{"individual": ref("RelatedPerson/r1")}])
    )


def after(verb: str, us: Us = US, **answers: str) -> tuple[list[Resource], list[Band]]:
    """What our own verb writes about the row, and the bands of the rows once it is on the server:
    stored a minute after the key.
    """
    (item,) = rows(us=us)
    numbers = count(1)
    decision = Decision(item, answers, us, NOW, lambda: f"new-{next(numbers)}")
    parts = drafts_of(named(verb), decision)
    made: dict[str, Resource] = {}
    for number, part in enumerate(parts):
        one = Intent(
            id=f"i{number}", group="g", seq=number, source="main", target_type=part.target_type,
            target_id=part.target_id, item_key="", kind=part.kind, args=part.args, verb=verb,
            decided_at=NOW, author=us.me,
        )  # fmt: skip
        folded = fold(made.get(part.target_id), [one])
        assert folded is not None
        made[part.target_id] = folded
    stored = {"versionId": "1", "lastUpdated": "2026-03-09T14:01:00Z"}
    written = [{**resource, "meta": stored} for resource in made.values()]
    here = bands(*made.values(), us=us)
    assert here == bands(*written, us=us)
    return written, here


@pytest.mark.parametrize("us", [US, replace(US, me="", my_name="")], ids=["me", "nobody named"])
def test_our_own_verb_is_read_back_as_what_the_person_chose(us: Us) -> None:
    assert after("log", us, outcome="reached")[1] == []
    note = "Returned call; had left voicemail on Sunday"
    assert after("log", us, outcome="reached", text=note)[1] == []
    for outcome in ("left message", "no answer"):
        written, found = after("log", us, outcome=outcome, text="Mailbox, will call at noon")
        assert found == [Band.SAFETY]
        (item,) = rows(*written, us=us)
        assert (item.attempts, item.attempts_unnamed) == (1, 0)


def test_one_voicemail_does_not_take_a_client_out_of_safety() -> None:
    """As many systems write it: nothing but the client and the outcome."""
    voicemail = said(
        "Left a voicemail", status="not-done", sender=None, recipient=None,
        statusReason=coded("left-message", OUR_CODES),
    )  # fmt: skip
    (item,) = rows(voicemail)
    assert placed(item).band is Band.SAFETY
    assert (item.attempts, item.attempts_unnamed) == (1, 1)
    unnamed = "(the record does not say who took part)"
    assert item.story[0].text == f"attempted, left a message {unnamed}: Left a voicemail"


def test_closing_the_row_takes_it_out_and_taking_it_does_not() -> None:
    assert after("done")[1] == []
    assert after("claim")[1] == [Band.SAFETY]
    assert after("note", text="Spoke with the client")[1] == [Band.SAFETY]


def test_our_own_record_says_its_outcome() -> None:
    for outcome, status, code in (
        ("reached", "completed", "reached"),
        ("left message", "not-done", "left-message"),
        ("no answer", "not-done", "no-answer"),
    ):
        ((contact,), _) = after("log", outcome=outcome)
        assert contact["status"] == status
        assert contact["statusReason"] == {
            "coding": [{"system": OUR_CODES, "code": code, "display": outcome}], "text": outcome
        }  # fmt: skip


def test_a_contact_that_we_logged_before_the_outcome_was_written_is_still_one() -> None:
    old = call(
        identifier=[{"system": OUR_IDENTIFIER, "value": "k"}], medium=None, sender=ref(ME),
        about=[ref("Encounter/ed")],
    )  # fmt: skip
    assert bands(old) == []
    assert bands({**old, "status": "entered-in-error"}) == [Band.SAFETY]
    assert bands({**old, "sender": ref("Practitioner/stranger")}) == [Band.SAFETY]
    assert bands({**old, "recipient": [ref("Organization/county")]}) == [Band.SAFETY]


def test_a_laptop_whose_time_is_ahead_does_not_lose_its_own_contact() -> None:
    ahead = call(
        identifier=[{"system": OUR_IDENTIFIER, "value": "k"}], sent="2026-03-09T11:00:00-05:00"
    )
    assert bands(ahead) == []
    assert bands({**ahead, "sent": "2026-03-12T11:00:00-05:00"}) == [Band.SAFETY]


def why(item: WorkItem) -> str:
    return "\n".join(reason.text for reason in placed(item).reasons)


def test_why_here_tells_attempts_and_what_the_record_leaves_open() -> None:
    (once,) = rows(said("Left voicemail"))
    assert "attempted once, not reached" in why(once)
    assert "does not say" not in why(once)
    assert once.story[0].text == "attempted, left a message: Left voicemail"
    (unnamed,) = rows(said("Spoke with her", sender=None, recipient=None), call(status="not-done"))
    assert "attempted twice, not reached; a record does not say who took part" in why(unnamed)
    told = [line.text for line in unnamed.story]
    assert "attempted (the record does not say who took part): Spoke with her" in told
    (many,) = rows(*(said("LVM") for _ in range(5)))
    assert "attempted 3 times or more, not reached" in why(many)


@pytest.mark.parametrize("name", ["an automatic SMS", "a call of the payer"])
def test_what_is_not_even_ours_is_no_attempt(name: str) -> None:
    (item,) = rows(*NAMED[name])
    assert item.attempts == 0
    assert "attempted_at" not in item.facts


def test_a_rule_that_asks_for_an_attempt_is_met_by_one_and_the_client_stays_in_safety() -> None:
    rules = site_rules(
        {
            "our-attempt": {
                "label": "First attempt", "kinds": ["follow_up"], "when": ["discharge"],
                "starts": "discharged_at", "met_by": ["attempted_at", "contacted_at"],
                "length": "24h", "class": "S", "citation": "3.c", "provenance": "site practice",
            }
        }
    )  # fmt: skip
    (item,) = rows(said("Left voicemail"))
    clocks = clocks_of(item, rules, CALENDAR)
    met = {clock.rule: clock.met_at for clock in clocks}
    assert met["our-attempt"] == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)
    assert met["discharge-contact"] is None
    assert rank(item, clocks, CALENDAR, NOW).band is Band.SAFETY


def test_a_task_of_ours_for_the_stay_is_held_to_the_same() -> None:
    task = {
        "resourceType": "Task", "id": "t1", "status": "accepted", "intent": "order",
        "identifier": [{"system": OUR_IDENTIFIER, "value": "discharge-contact:Encounter/ed"}],
        "for": ref("Patient/c1"), "owner": ref(ME), "authoredOn": "2026-03-09T07:00:00-05:00",
    }  # fmt: skip
    for records in NAMED.values():
        assert bands(task, *records) == [Band.SAFETY]
    assert Band.SAFETY not in bands(task, call())


def test_a_visit_elsewhere_does_not_meet_an_urgent_request_to_us() -> None:
    asked = {
        "resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order",
        "subject": ref("Patient/c1"), "requester": ref("Organization/county"),
        "performer": [ref("Organization/riverbend")], "authoredOn": "2026-03-08T21:00:00-05:00",
    }  # fmt: skip
    triage = {
        "resourceType": "Observation", "id": "o1", "status": "final",
        "code": coded("triage", "https://carequeue.dev/fhir/CodeSystem/triage"),
        "subject": ref("Patient/c1"), "effectiveDateTime": "2026-03-08T21:00:00-05:00",
        "valueCodeableConcept": coded("urgent"),
    }  # fmt: skip
    names_it = [ref("ServiceRequest/s1")]

    def band(*records: Resource) -> Band:
        found = rows(asked, triage, *records)
        return next(placed(one).band for one in found if one.kind == "referral")

    for name, record in VISITS.items():
        assert band(record) is Band.SAFETY, name
    assert band(visit(serviceProvider=ref("Organization/county"), basedOn=names_it)) is Band.SAFETY
    assert band(visit(period={"start": "2026-03-10T08:00:00-05:00"})) is Band.SAFETY
    assert band(visit()) is not Band.SAFETY
    assert band(visit(serviceProvider=None, basedOn=names_it)) is not Band.SAFETY
    assert band(visit("EMER", status="arrived")) is not Band.SAFETY


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["Communication", "Encounter"]),
    st.dictionaries(
        st.sampled_from(
            ["status", "statusReason", "sender", "recipient", "medium", "category", "topic", "sent",
             "received", "payload", "note", "inResponseTo", "identifier", "contained", "class",
             "type", "serviceType", "serviceProvider", "participant", "period", "about", "meta"]
        ),
        _JSON,
    ),
)  # fmt: skip
def test_no_record_breaks_the_reading_and_a_broken_one_reaches_nobody(
    kind: str, elements: dict[str, Any]
) -> None:
    reading = ChartReader(chart_of(STAY), US, ZONE, date(2026, 3, 9), NOW)
    base = {"status": "completed"} if kind == "Communication" else {"status": "finished"}
    found = judge(reading, {**base, **elements, "resourceType": kind, "id": "x"})
    assert found.outcome is not ContactOutcome.REACHED
