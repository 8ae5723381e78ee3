"""Riverbend CCBHC: the organization, its people and teams, and the partners around it.

Literal FHIR R4. Ids are speaking and stable: `Practitioner/dana-whitfield` is "me" of the demo.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

Tree = dict[str, Any]
Ref = dict[str, str]

_NPI: Final = "http://hl7.org/fhir/sid/us-npi"
_ORGANIZATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/organization-type"

#: id, name, type.
ORGANIZATIONS: Final = (
    ("riverbend", "Riverbend CCBHC", "prov"),
    ("county-ed", "County General Emergency Department", "prov"),
    ("county-inpatient", "County General Inpatient Psychiatry", "prov"),
    ("harbor-housing", "Harbor Housing", "cg"),
    ("harbor-primary-care", "Harbor Primary Care", "prov"),
    ("county-detox", "County Detox", "prov"),
    ("lincoln-school", "Lincoln Middle School", "edu"),
    ("north-star-plan", "North Star Medicaid Plan", "ins"),
    ("lifeline-metro", "988 Lifeline Metro", "cg"),
    ("recovery-works", "Recovery Works Peer Center", "cg"),
)
TEAMS: Final = (
    ("access", "Access"),
    ("adult-outpatient", "Adult Outpatient"),
    ("youth-family", "Youth & Family"),
    ("mobile-crisis", "Mobile Crisis"),
)


class Clinician(NamedTuple):
    """One of the staff."""

    id: str
    given: str
    family: str
    credential: str
    role: str
    team: str


#: The person of the demo is the first.
STAFF: Final = (
    Clinician(
        "dana-whitfield", "Dana", "Whitfield", "LCSW", "Clinical social worker", "adult-outpatient"
    ),
    Clinician("nathan-ortiz", "Nathan", "Ortiz", "LMFT", "Therapist", "adult-outpatient"),
    Clinician("amina-yusuf", "Amina", "Yusuf", "LPC", "Counselor", "adult-outpatient"),
    Clinician("priya-raman", "Priya", "Raman", "LPC", "Intake clinician", "access"),
    Clinician("tom-lindgren", "Tom", "Lindgren", "RN", "Nurse", "access"),
    Clinician("gloria-esparza", "Gloria", "Esparza", "CHW", "Care coordinator", "access"),
    Clinician("beth-kaczmarek", "Beth", "Kaczmarek", "LCSW", "Child therapist", "youth-family"),
    Clinician("hoang-le", "Hoàng", "Lê", "PsyD", "Psychologist", "youth-family"),
    Clinician("corinne-dubois", "Corinne", "Dubois", "PMHNP", "Nurse practitioner", "youth-family"),
    Clinician("marcus-reed", "Marcus", "Reed", "LCSW", "Crisis clinician", "mobile-crisis"),
    Clinician("sade-bankole", "Sade", "Bankole", "CPS", "Peer specialist", "mobile-crisis"),
    Clinician("ivan-petrov", "Ivan", "Petrov", "MD", "Psychiatrist", "mobile-crisis"),
)

#: Away from three days ago until nine days ahead.
ON_LEAVE: Final = "amina-yusuf"

_NAMES: Final = {
    **{f"Organization/{key}": name for key, name, _ in ORGANIZATIONS},
    **{f"CareTeam/{key}": name for key, name in TEAMS},
    **{f"Practitioner/{who.id}": f"{who.given} {who.family}, {who.credential}" for who in STAFF},
}


def _ref(reference: str) -> Ref:
    """A Reference with the display that the clinic's own software would write."""
    return {"reference": reference, "display": _NAMES[reference]}


def org(key: str) -> Ref:
    """A reference to an organization."""
    return _ref(f"Organization/{key}")


def team(key: str) -> Ref:
    """A reference to one of the four teams."""
    return _ref(f"CareTeam/{key}")


def staff(key: str) -> Ref:
    """A reference to a clinician."""
    return _ref(f"Practitioner/{key}")


def directory(today: date) -> Iterator[Tree]:
    """Organizations, practitioners, their roles and the teams; one colleague is on leave."""
    for number, (key, name, kind) in enumerate(ORGANIZATIONS, start=1):
        yield {
            "resourceType": "Organization",
            "id": key,
            "active": True,
            "type": [{"coding": [{"system": _ORGANIZATION_TYPE, "code": kind}]}],
            "name": name,
            "telecom": [{"system": "phone", "value": f"612-555-{100 + number:04d}"}],
        }
    for number, who in enumerate(STAFF, start=1):
        yield from _clinician(number, who, today)
    for key, name in TEAMS:
        yield {
            "resourceType": "CareTeam",
            "id": key,
            "status": "active",
            "name": name,
            "participant": [
                {"role": [{"text": who.role}], "member": staff(who.id)}
                for who in STAFF
                if who.team == key
            ],
            "managingOrganization": [org("riverbend")],
        }


def _clinician(number: int, who: Clinician, today: date) -> Iterator[Tree]:
    yield {
        "resourceType": "Practitioner",
        "id": who.id,
        "identifier": [{"system": _NPI, "value": f"99999{number:05d}"}],
        "active": True,
        "name": [
            {
                "use": "official",
                "family": who.family,
                "given": [who.given],
                "suffix": [who.credential],
            }
        ],
        "qualification": [{"code": {"text": who.credential}}],
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": f"{who.id}-role",
        "active": True,
        "practitioner": staff(who.id),
        "organization": org("riverbend"),
        "code": [{"text": who.role}],
        "specialty": [{"text": dict(TEAMS)[who.team]}],
        "notAvailable": [_leave(today)] if who.id == ON_LEAVE else [],
    }


def _leave(today: date) -> Tree:
    start, end = today - timedelta(days=3), today + timedelta(days=9)
    during = {"start": start.isoformat(), "end": end.isoformat()}
    return {"description": "On leave", "during": during}
