"""An encrypted cache of invented clients, of any size, with its profile: what a start has to read.

In:  a folder, how many items, where the server would be. Out: a profile under that folder, as
CAREQUEUE_HOME names it. The resources go through the store's own doors (`mirror.save`, then the
projection), so the cache is what a sync would have left. The same arguments give the same people.
The site's zone is one in which it is noon now: no midnight falls into a test or a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from carequeue.fhir import codes
from carequeue.store import profiles
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.wiring import Session

SOURCE = "main"
ME, COLLEAGUE = "Practitioner/dana", "Practitioner/noel"
CLINIC, PARTNER = "Organization/riverbend", "Organization/harbor"
PEOPLE_A_BATCH = 1_000

FAMILIES = (
    "Okafor", "Reyes", "Nguyễn", "Lindqvist", "Haddad", "Brown", "Ivanova", "Castellanos",
    "Park", "Abebe", "Tanaka", "Whitehorse", "Ferreira", "Kowalczyk", "Delacroix", "Osei",
)  # fmt: skip
GIVEN = (
    "Amara", "Tomás", "Linh", "Greta", "Samir", "Denise", "Olga", "Pilar", "Jin", "Selam",
    "Yuki", "Dakota", "Rui",
)  # fmt: skip
ASKS = ("Housing support", "Psychiatric evaluation", "Peer support", "Trauma therapy, weekly")
PRIORITIES = ("routine", "routine", "routine", "urgent", "routine", "asap", "routine")
DIRECTORY: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "riverbend", "name": "Riverbend"},
    {"resourceType": "Organization", "id": "harbor", "name": "Harbor Primary Care"},
    {"resourceType": "Practitioner", "id": "dana",
     "name": [{"family": "Whitfield", "given": ["Dana"]}]},
    {"resourceType": "Practitioner", "id": "noel",
     "name": [{"family": "Ortiz", "given": ["Noel"]}]},
    {"resourceType": "PractitionerRole", "id": "role-dana", "active": True,
     "practitioner": {"reference": ME}, "organization": {"reference": CLINIC}},
)  # fmt: skip


def a_clinic(
    home: Path, items: int, base_url: str, families: Sequence[str] = FAMILIES
) -> profiles.ProfilePaths:
    """A profile named `default` under `home`, and a cache with this many items of as many clients.

    `families`: the family names that they have, one after the other.
    """
    at = datetime.now(UTC)
    where = profiles.profile_paths("default", home)
    profile = profiles.Profile(
        name="default",
        me=ME,
        my_name="Dana Whitfield",
        organization=CLINIC,
        organization_name="Riverbend",
        time_zone=zone_at_noon(at),
        open_days=(0, 1, 2, 3, 4, 5, 6),
        closed_days=(),
        sources=(profiles.SourceProfile(SOURCE, base_url),),
    )
    profiles.save(profile, where)
    with Session(profile, where, now=lambda: at) as session:
        session.rebuild_if_profile_changed()  # of no row yet: else the first sync rebuilds them all
        for page in _pages(items, at, families):
            with writing(session.engine()) as connection:
                source = SqliteSourceRepository(connection, SOURCE, base_url)
                source.mirror.save(page, at)
                session.projector().project(connection, source.charts, at)
    return where


def zone_at_noon(now: datetime) -> str:
    """A zone without summer time in which it is between noon and one o'clock."""
    ahead = 12 - now.astimezone(UTC).hour  # Etc/GMT-5 is five hours *ahead* of Greenwich
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"


def _pages(
    items: int, now: datetime, families: Sequence[str]
) -> Iterator[Sequence[dict[str, Any]]]:
    yield DIRECTORY
    for start in range(0, items, PEOPLE_A_BATCH):
        numbers = range(start, min(start + PEOPLE_A_BATCH, items))
        yield [one for number in numbers for one in client(number, now, families)]


def client(number: int, now: datetime, families: Sequence[str]) -> list[dict[str, Any]]:
    """One invented client with one thing to do: a Patient, a Task, and what it is about."""
    name = f"{families[(number + number // 8) % len(families)]}-{number}"
    patient = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "meta": {"versionId": "1", "lastUpdated": _instant(now)},
        "name": [{"family": name, "given": [GIVEN[number % len(GIVEN)]]}],
        "birthDate": f"{1940 + number % 70}-{1 + number % 12:02}-{1 + number % 28:02}",
    }
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": f"t{number}",
        "meta": {"versionId": "1", "lastUpdated": _instant(now)},
        "status": "requested",
        "intent": "order",
        "priority": PRIORITIES[number % len(PRIORITIES)],
        "for": {"reference": f"Patient/p{number}"},
        "authoredOn": _instant(now - timedelta(days=1 + number % 3)),
    }
    kind = number % 8
    if kind < 4:
        return [patient, _follow_up(task, number, now)]
    if kind < 5:
        return [patient, _handoff(task)]
    return [patient, *_referral(task, number, out=kind == 7)]


def _follow_up(task: dict[str, Any], number: int, now: datetime) -> dict[str, Any]:
    return task | {
        "status": "in-progress",
        "description": f"Call about {ASKS[number % len(ASKS)].lower()}",
        "owner": {"reference": ME},
        "restriction": {"period": {"end": _instant(now + timedelta(days=4 + number % 20))}},
    }


def _handoff(task: dict[str, Any]) -> dict[str, Any]:
    return task | {
        "code": {"coding": [{"system": codes.TASK_CODE, "code": codes.HANDOFF}]},
        "requester": {"reference": COLLEAGUE},
        "owner": {"reference": ME},
    }


def _referral(task: dict[str, Any], number: int, *, out: bool) -> list[dict[str, Any]]:
    request = {
        "resourceType": "ServiceRequest",
        "id": f"s{number}",
        "meta": task["meta"],
        "status": "active",
        "intent": "order",
        "code": {"text": ASKS[number % len(ASKS)]},
        "subject": task["for"],
        "authoredOn": task["authoredOn"],
    }
    carried = task | {
        "code": {"coding": [{"system": codes.TASK_CODE_HL7, "code": "fulfill"}]},
        "focus": {"reference": f"ServiceRequest/s{number}"},
        "requester": {"reference": ME if out else PARTNER},
        "owner": {"reference": PARTNER if out else ME},
    }
    return [request, carried]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
