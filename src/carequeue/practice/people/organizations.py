"""Riverbend CCBHC: the organization, its people and teams, and the partners around it.

Literal FHIR R4. Ids are speaking and stable: `Practitioner/dana-whitfield` is "me" of the demo.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

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
#: id, given, family, credential, what they do, team.
STAFF: Final = (
    ("dana-whitfield", "Dana", "Whitfield", "LCSW", "Clinical social worker", "adult-outpatient"),
    ("nathan-ortiz", "Nathan", "Ortiz", "LMFT", "Therapist", "adult-outpatient"),
    ("amina-yusuf", "Amina", "Yusuf", "LPC", "Counselor", "adult-outpatient"),
    ("priya-raman", "Priya", "Raman", "LPC", "Intake clinician", "access"),
    ("tom-lindgren", "Tom", "Lindgren", "RN", "Nurse", "access"),
    ("gloria-esparza", "Gloria", "Esparza", "CHW", "Care coordinator", "access"),
    ("beth-kaczmarek", "Beth", "Kaczmarek", "LCSW", "Child therapist", "youth-family"),
    ("hoang-le", "Hoàng", "Lê", "PsyD", "Psychologist", "youth-family"),
    ("corinne-dubois", "Corinne", "Dubois", "PMHNP", "Nurse practitioner", "youth-family"),
    ("marcus-reed", "Marcus", "Reed", "LCSW", "Crisis clinician", "mobile-crisis"),
    ("sade-bankole", "Sade", "Bankole", "CPS", "Peer specialist", "mobile-crisis"),
    ("ivan-petrov", "Ivan", "Petrov", "MD", "Psychiatrist", "mobile-crisis"),
)

_NAMES: Final = {
    **{f"Organization/{key}": name for key, name, _ in ORGANIZATIONS},
    **{f"CareTeam/{key}": name for key, name in TEAMS},
    **{
        f"Practitioner/{key}": f"{given} {family}, {credential}"
        for key, given, family, credential, _, _ in STAFF
    },
}


def ref(reference: str) -> Ref:
    """A Reference with the display that the clinic's own software would write."""
    return {"reference": reference, "display": _NAMES[reference]}


def org(key: str) -> Ref:
    """A reference to an organization."""
    return ref(f"Organization/{key}")


def team(key: str) -> Ref:
    """A reference to one of the four teams."""
    return ref(f"CareTeam/{key}")


def staff(key: str) -> Ref:
    """A reference to a clinician."""
    return ref(f"Practitioner/{key}")


def directory() -> Iterator[Tree]:
    """Organizations, practitioners, their roles and the teams."""
    for number, (key, name, kind) in enumerate(ORGANIZATIONS, start=1):
        yield {
            "resourceType": "Organization",
            "id": key,
            "active": True,
            "type": [{"coding": [{"system": _ORGANIZATION_TYPE, "code": kind}]}],
            "name": name,
            "telecom": [{"system": "phone", "value": f"612-555-{100 + number:04d}"}],
        }
    for number, person in enumerate(STAFF, start=1):
        yield from _clinician(number, *person)
    for key, name in TEAMS:
        yield _team(key, name)


def _clinician(
    number: int, key: str, given: str, family: str, credential: str, role: str, of: str
) -> Iterator[Tree]:
    yield {
        "resourceType": "Practitioner",
        "id": key,
        "identifier": [{"system": _NPI, "value": f"99999{number:05d}"}],
        "active": True,
        "name": [{"use": "official", "family": family, "given": [given], "suffix": [credential]}],
        "qualification": [{"code": {"text": credential}}],
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": f"{key}-role",
        "active": True,
        "practitioner": staff(key),
        "organization": org("riverbend"),
        "code": [{"text": role}],
        "specialty": [{"text": dict(TEAMS)[of]}],
    }


def _team(key: str, name: str) -> Tree:
    return {
        "resourceType": "CareTeam",
        "id": key,
        "status": "active",
        "name": name,
        "participant": [
            {"role": [{"text": role}], "member": staff(person)}
            for person, _, _, _, role, of in STAFF
            if of == key
        ],
        "managingOrganization": [org("riverbend")],
    }
