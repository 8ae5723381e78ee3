"""A small synthetic world for the tests of the mapping: one clinic, one client, one partner."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Us, WorkItem
from carequeue.fhir import codes
from carequeue.fhir.chart import Chart, ChartRead, Resource
from carequeue.fhir.chart_to_items import chart_of, read_chart, shared
from carequeue.fhir.our_directory import our_people

MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
ZONE = ZoneInfo("America/Chicago")
TODAY = date(2026, 3, 9)
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NOW = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
CLIENT = "Patient/c1"
DANA, NOEL = "Practitioner/dana", "Practitioner/noel"
CLINIC, HARBOR = "Organization/riverbend", "Organization/harbor"

DIRECTORY: list[Resource] = [
    {"resourceType": "Organization", "id": "riverbend", "name": "Riverbend"},
    {"resourceType": "Organization", "id": "crisis", "name": "Mobile Crisis",
     "partOf": {"reference": CLINIC}},
    {"resourceType": "Organization", "id": "harbor", "name": "Harbor Primary Care"},
    {"resourceType": "Organization", "id": "shelter", "name": "County Shelter"},
    {"resourceType": "Practitioner", "id": "dana",
     "name": [{"family": "Whitfield", "given": ["Dana"]}]},
    {"resourceType": "Practitioner", "id": "noel",
     "name": [{"family": "Ortiz", "given": ["Noel"]}]},
    {"resourceType": "PractitionerRole", "id": "role-dana", "active": True,
     "practitioner": {"reference": DANA}, "organization": {"reference": CLINIC}},
    {"resourceType": "PractitionerRole", "id": "role-noel",
     "practitioner": {"reference": NOEL}, "organization": {"reference": "Organization/crisis"}},
    {"resourceType": "CareTeam", "id": "access", "name": "Access",
     "managingOrganization": [{"reference": CLINIC}]},
]  # fmt: skip
PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "c1",
    "name": [{"use": "old", "family": "Kovac"}, {"family": "Okafor", "given": ["Amara", "J"]}],
    "birthDate": "1990-02-03",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "555-0100", "use": "mobile"}],
    "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "00418827"}],
}
_BASIC = Us(
    me=DANA, my_name="Dana Whitfield", teams=frozenset({"CareTeam/access"}), organization=CLINIC
)
US = Us(_BASIC.me, _BASIC.my_name, _BASIC.teams, _BASIC.organization, our_people(DIRECTORY, _BASIC))


def ref(reference: str) -> dict[str, str]:
    return {"reference": reference}


def task(key: str = "t1", /, **elements: Any) -> Resource:
    basic = {
        "resourceType": "Task",
        "id": key,
        "status": "requested",
        "intent": "order",
        "for": ref(CLIENT),
        "authoredOn": "2026-03-05T15:00:00Z",
    }
    return _without_none({**basic, **elements})


def request(key: str = "s1", **elements: Any) -> Resource:
    basic = {
        "resourceType": "ServiceRequest",
        "id": key,
        "status": "active",
        "intent": "order",
        "code": {"text": "Housing support"},
        "subject": ref(CLIENT),
        "authoredOn": "2026-03-05T14:00:00Z",
    }
    return _without_none({**basic, **elements})


def referral(requester: str = HARBOR, owner: str | None = CLINIC, **elements: Any) -> Resource:
    """A Task that carries the request `s1`; comes in from Harbor unless said otherwise."""
    basic = {
        "code": {"coding": [{"system": codes.TASK_CODE_HL7, "code": "fulfill"}]},
        "focus": ref("ServiceRequest/s1"),
        "requester": ref(requester),
        "owner": ref(owner) if owner else None,
    }
    return task(**{**basic, **elements})


def handoff(**elements: Any) -> Resource:
    basic = {
        "id": "h1",
        "code": {"coding": [{"system": codes.TASK_CODE, "code": codes.HANDOFF}]},
        "requester": ref(NOEL),
        "owner": ref(DANA),
        "input": [
            i_pass(codes.SEVERITY, "unstable"),
            i_pass(codes.SUMMARY, "Left the ED an hour ago"),
            i_pass(codes.ACTIONS, "Call tonight"),
        ],
    }
    return task(**{**basic, **elements})


def i_pass(code: str, words: str) -> dict[str, Any]:
    coding = {"system": codes.HANDOFF_INPUT, "code": code}
    return {"type": {"coding": [coding]}, "valueString": words}


def stay(key: str = "e1", kind: str = "EMER", **elements: Any) -> Resource:
    basic = {
        "resourceType": "Encounter",
        "id": key,
        "status": "finished",
        "class": {"system": ACT_CODE, "code": kind},
        "subject": ref(CLIENT),
        "period": {"start": "2026-03-07T20:00:00Z", "end": "2026-03-08T02:00:00Z"},
    }
    return _without_none({**basic, **elements})


def contact(key: str = "k1", **elements: Any) -> Resource:
    basic = {
        "resourceType": "Communication",
        "id": key,
        "status": "completed",
        "subject": ref(CLIENT),
        "recipient": [ref(CLIENT)],
        "sender": ref(NOEL),
        "medium": [{"coding": [{"system": MODE, "code": "PHONE"}]}],
        "sent": "2026-03-08T15:00:00Z",
    }
    return _without_none({**basic, **elements})


def chart(*resources: Any, client: str = CLIENT, base: str = "") -> Chart:
    directory = {f"{resource['resourceType']}/{resource['id']}": resource for resource in DIRECTORY}
    held: dict[str, dict[str, Resource]] = defaultdict(dict)
    for resource in resources:
        held[resource["resourceType"]][resource["id"]] = resource
    return Chart("main", client, held, directory.get, base)


def read(*resources: Any, us: Us = US, as_of: date = TODAY) -> ChartRead:
    """What becomes of the client's chart with these resources."""
    assert all(
        chart_of(resource) == CLIENT or shared(resource["resourceType"]) for resource in resources
    )
    return read_chart(chart(PATIENT, *resources), us, ZONE, as_of)


def only(*resources: Any, us: Us = US, as_of: date = TODAY) -> WorkItem:
    """The one row of a chart that is read without trouble."""
    found = read(*resources, us=us, as_of=as_of)
    assert found.troubles == ()
    (item,) = found.items
    return item


def none(*resources: Any) -> bool:
    found = read(*resources)
    return found.items == () and found.troubles == ()


_IDS = count(1)


def intent(kind: IntentKind, seen: dict[str, Any] | None = None, **args: Any) -> Intent:
    key = f"intent-{next(_IDS)}"
    return Intent(
        id=key,
        group="g",
        seq=1,
        source="main",
        target_type="Task",
        target_id="t1",
        item_key="main:Task/t1",
        kind=kind,
        args=args,
        verb="test",
        decided_at=NOW,
        author=DANA,
        author_name="Dana Whitfield",
        seen=seen or {},
    )


def _without_none(elements: dict[str, Any]) -> Resource:
    return {name: value for name, value in elements.items() if value is not None}
