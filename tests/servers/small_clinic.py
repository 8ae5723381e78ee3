"""A small clinic in literal FHIR R4: a dozen clients, every kind of row, dates relative to `now`.

Out: lists of resources with fixed ids, for any server (`Server.load`), in an order in which each
names only what stands before it.
Why literal: written with our mapping or its constants, a mistake in them would hide on both sides.
Me is Practitioner/dana-whitfield, my team CareTeam/adult-outpatient, we Organization/riverbend.
All people are invented.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

Resource = dict[str, Any]

ME: Final = "Practitioner/dana-whitfield"
TEAM: Final = "CareTeam/adult-outpatient"
ORGANIZATION: Final = "Organization/riverbend"
PARTNER: Final = "Organization/northside-recovery"
HOSPITAL: Final = "Organization/harbor-hospital"

#: The Tasks by what they are; a test names them by these words.
URGENT_REFERRAL: Final = "Task/referral-urgent"  # inbound, to the team, requested 30 hours ago
ROUTINE_REFERRAL: Final = "Task/referral-routine"  # inbound, to me, requested 3 days ago
ACCEPTED_REFERRAL: Final = "Task/referral-accepted"  # inbound, accepted by me, no visit yet
UNANSWERED_REFERRAL: Final = "Task/referral-unanswered"  # outbound, 9 days without an answer
DECLINED_REFERRAL: Final = "Task/referral-declined"  # outbound, rejected by the partner
QUESTIONED_REFERRAL: Final = "Task/referral-questioned"  # outbound, the partner asks us
LONE_REFERRAL: Final = "ServiceRequest/request-alone"  # no Task beside it
OVERDUE_FOLLOW_UP: Final = "Task/follow-up-overdue"  # mine, due yesterday
TEAM_FOLLOW_UP: Final = "Task/follow-up-team"  # unclaimed, due in 3 days
UNDATED_FOLLOW_UP: Final = "Task/follow-up-undated"  # mine, no due date; unknown elements
HANDOFF_TO_ME: Final = "Task/handoff-to-me"  # illness severity: unstable
HANDOFF_BY_ME: Final = "Task/handoff-by-me"  # to the mobile crisis team, not yet acknowledged
ENDING_AUTHORIZATION: Final = "ClaimResponse/authorization-ending"  # ends in 5 days
LATER_AUTHORIZATION: Final = "ClaimResponse/authorization-later"  # ends in 50 days
ENDING_COVERAGE: Final = "Coverage/coverage-ending"  # ends in 9 days
DISCHARGE: Final = "Encounter/stay-uncontacted"  # emergency, left 2 days ago, no contact since
CONTACTED_DISCHARGE: Final = "Encounter/stay-contacted"  # inpatient, left 4 days ago, seen since

OURS: Final = "https://carequeue.dev/fhir"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
MRN: Final = "https://riverbend.example/mrn"

#: id, family, given, birth date, gender
CLIENTS: Final = (
    ("client-01", "Abara", "Chidi", "1988-04-17", "male"),
    ("client-02", "Brandt", "Lotte", "1962-11-02", "female"),
    ("client-03", "Castellanos-Villanueva", "María Guadalupe", "1995-07-30", "female"),
    ("client-04", "Doyle", "Finn", "2001-01-09", "male"),
    ("client-05", "Eriksen", "Solveig", "1974-09-21", "female"),
    ("client-06", "Fofanah", "Ibrahim", "1983-12-12", "male"),
    ("client-07", "Goldfarb", "Ruth", "1949-03-05", "female"),
    ("client-08", "Hoang", "Minh", "1990-06-25", "other"),
    ("client-09", "Ishikawa", "石川 遥", "1999-10-18", "female"),
    ("client-10", "Jankowski", "Piotr", "1979-02-28", "male"),
    ("client-11", "Kealoha", "Noelani", "1986-08-14", "female"),
    ("client-12", "Lindqvist", "Axel", "1957-05-01", "male"),
)


def small_clinic(now: datetime) -> list[Resource]:
    """Everything, as it stands at `now` (aware)."""
    return [
        *directory(),
        *clients(),
        *referrals(now),
        *follow_ups(now),
        *handoffs(now),
        *authorizations(now),
        *stays(now),
        *context(now),
    ]


def many_referrals(now: datetime, count: int = 60) -> list[Resource]:
    """Inbound referrals to the team, all `requested`, of one client each: a bulk of work.

    The Tasks are `Task/bulk-000`, `Task/bulk-001`, …; load `directory()` (or everything) before.
    """
    made: list[Resource] = []
    for number in range(count):
        key = f"bulk-{number:03d}"
        client = _client(key, f"Bulk{number:03d}", "Client", "1980-01-01", "unknown")
        asked = _at(now, days=-1, minutes=-number)
        request = _request(key, client["id"], asked, HOSPITAL)
        made += [client, request, _referral(key, request, asked, HOSPITAL, TEAM)]
    return made


def directory() -> list[Resource]:
    """Organizations, people, roles and teams."""
    organizations = (
        ("riverbend", "Riverbend Community Behavioral Health"),
        ("harbor-hospital", "Harbor General Hospital"),
        ("northside-recovery", "Northside Recovery Center"),
        ("lakeshore-health-plan", "Lakeshore Health Plan"),
    )
    people = (
        ("dana-whitfield", "Whitfield", "Dana"),
        ("omar-haddad", "Haddad", "Omar"),
        ("priya-raman", "Raman", "Priya"),
    )
    teams = (
        ("adult-outpatient", "Adult Outpatient", ("dana-whitfield", "priya-raman")),
        ("mobile-crisis", "Mobile Crisis", ("omar-haddad",)),
    )
    return [
        *({"resourceType": "Organization", "id": key, "active": True, "name": name}
          for key, name in organizations),
        *({"resourceType": "Practitioner", "id": key, "active": True,
           "name": [{"family": family, "given": [given]}]} for key, family, given in people),
        *({"resourceType": "PractitionerRole", "id": f"role-{key}", "active": True,
           "practitioner": _ref(f"Practitioner/{key}", f"{given} {family}"),
           "organization": _ref(ORGANIZATION)} for key, family, given in people),
        *({"resourceType": "CareTeam", "id": key, "status": "active", "name": name,
           "managingOrganization": [_ref(ORGANIZATION)],
           "participant": [{"member": _ref(f"Practitioner/{member}")} for member in members]}
          for key, name, members in teams),
    ]  # fmt: skip


def clients() -> list[Resource]:
    """A dozen Patients."""
    return [_client(*one) for one in CLIENTS]


def referrals(now: datetime) -> list[Resource]:
    """Asks that came to us and asks that went out, with the Task of each; one without a Task."""
    hours30, days3, days9 = _at(now, hours=-30), _at(now, days=-3), _at(now, days=-9)
    urgent = _request("request-urgent", "client-01", hours30, HOSPITAL, priority="urgent")
    routine = _request("request-routine", "client-02", days3, HOSPITAL)
    accepted = _request("request-accepted", "client-03", days9, HOSPITAL)
    unanswered = _request("request-unanswered", "client-04", days9, ME)
    declined = _request("request-declined", "client-05", days3, ME)
    questioned = _request("request-questioned", "client-06", days3, ME)
    refused = {"text": "No bed free before next month"}
    waiting = _code(
        "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS", "awaiting-information"
    )
    requests = [urgent, routine, accepted, unanswered, declined, questioned]
    alone = _request("request-alone", "client-07", days3, HOSPITAL)
    return [
        *requests,
        alone,
        _referral("referral-urgent", urgent, hours30, HOSPITAL, TEAM, priority="urgent"),
        _referral("referral-routine", routine, days3, HOSPITAL, ME),
        _referral("referral-accepted", accepted, days9, HOSPITAL, ME, status="accepted"),
        _referral("referral-unanswered", unanswered, days9, ME, PARTNER),
        _referral(
            "referral-declined", declined, days3, ME, PARTNER,
            status="rejected", statusReason=refused, lastModified=_at(now, days=-1),
        ),
        _referral(
            "referral-questioned", questioned, days3, ME, PARTNER,
            status="received", businessStatus=waiting, lastModified=_at(now, hours=-20),
        ),
        {
            "resourceType": "Observation",
            "id": "triage-urgent",
            "status": "final",
            "code": _code(f"{OURS}/CodeSystem/triage", "triage"),
            "subject": _ref("Patient/client-01"),
            "basedOn": [_ref("ServiceRequest/request-urgent")],
            "effectiveDateTime": hours30,
            "valueCodeableConcept": _code(f"{OURS}/CodeSystem/triage", "urgent"),
        },
    ]  # fmt: skip


def follow_ups(now: datetime) -> list[Resource]:
    """Tasks that somebody here is to do; the undated one has elements that we do not know."""
    overdue = {"restriction": {"period": {"end": _at(now, days=-1)}}}
    soon = {"restriction": {"period": {"end": _at(now, days=3)}}}
    code = _code(f"{OURS}/CodeSystem/task-code", "follow-up")
    unknown = {
        "extension": [
            {"url": "https://vendor.example/acuity", "valueDecimal": 2.5},
            {"url": "https://vendor.example/path", "extension": [
                {"url": "step", "valueString": "intake"},
            ]},
        ],
        "description": "Ask about the new medication",
        "_description": {"id": "d1", "extension": [
            {"url": "https://vendor.example/dictated", "valueBoolean": True},
        ]},
        "note": [{"id": "n1", "text": "Prefers the phone", "time": _at(now, days=-4)}],
    }  # fmt: skip
    return [
        _task("follow-up-overdue", "client-08", _at(now, days=-6), ME, ME, code=code,
              description="Call about the missed group", **overdue),
        _task("follow-up-team", "client-09", _at(now, days=-1), ME, TEAM, code=code,
              description="Send the consent form", **soon),
        _task("follow-up-undated", "client-10", _at(now, days=-4), ME, ME, code=code, **unknown),
    ]  # fmt: skip


def handoffs(now: datetime) -> list[Resource]:
    """One client handed to me, one handed over by me."""
    code = _code(f"{OURS}/CodeSystem/task-code", "handoff")

    def inputs(severity: str, summary: str, action: str, contingency: str) -> list[Resource]:
        said = {
            "illness-severity": severity,
            "patient-summary": summary,
            "action-list": action,
            "contingency": contingency,
        }
        system = f"{OURS}/CodeSystem/handoff-input"
        return [{"type": _code(system, key), "valueString": text} for key, text in said.items()]

    to_me = inputs(
        "unstable", "Passive ideation last night", "Call before noon", "If no answer: 988"
    )
    by_me = inputs("watcher", "Eviction hearing Friday", "Visit at home", "Sister has a key")
    omar = "Practitioner/omar-haddad"
    return [
        _task("handoff-to-me", "client-11", _at(now, hours=-5), omar, ME, code=code, input=to_me),
        _task(
            "handoff-by-me", "client-12", _at(now, hours=-2), ME, "CareTeam/mobile-crisis",
            code=code, input=by_me,
        ),
    ]  # fmt: skip


def authorizations(now: datetime) -> list[Resource]:
    """Two preauthorizations and a coverage, each with its end."""
    insurer = "Organization/lakeshore-health-plan"

    def preauthorization(key: str, client: str, end: str) -> Resource:
        return {
            "resourceType": "ClaimResponse",
            "id": key,
            "status": "active",
            "type": _code("http://terminology.hl7.org/CodeSystem/claim-type", "professional"),
            "use": "preauthorization",
            "patient": _ref(f"Patient/{client}"),
            "created": _at(now, days=-85),
            "insurer": _ref(insurer),
            "outcome": "complete",
            "preAuthRef": f"PA-{key}",
            "preAuthPeriod": {"start": _at(now, days=-85), "end": end},
        }

    return [
        preauthorization("authorization-ending", "client-02", _at(now, days=5)),
        preauthorization("authorization-later", "client-03", _at(now, days=50)),
        {
            "resourceType": "Coverage",
            "id": "coverage-ending",
            "status": "active",
            "beneficiary": _ref("Patient/client-04"),
            "payor": [_ref(insurer)],
            "period": {"start": _at(now, days=-356), "end": _at(now, days=9)},
        },
    ]


def stays(now: datetime) -> list[Resource]:
    """Two stays that ended: nobody has reached the one client, the other has been seen."""
    left2, left4 = _at(now, days=-2), _at(now, days=-4)
    return [
        _encounter("stay-uncontacted", "client-05", "EMER", _at(now, days=-2, hours=-6), left2),
        _encounter("stay-contacted", "client-06", "IMP", _at(now, days=-10), left4),
        _encounter("visit-after-stay", "client-06", "AMB", _at(now, days=-3), _at(now, hours=-71)),
    ]


def context(now: datetime) -> list[Resource]:
    """What stands beside a row: a risk, a call, a booked visit."""
    return [
        {
            "resourceType": "Flag",
            "id": "risk-self-harm",
            "status": "active",
            "code": _code(f"{OURS}/CodeSystem/risk", "self-harm"),
            "subject": _ref("Patient/client-11"),
            "period": {"start": _at(now, days=-1)},
        },
        {
            "resourceType": "Communication",
            "id": "call-no-answer",
            "status": "not-done",
            "statusReason": _code(f"{OURS}/CodeSystem/contact-outcome", "no-answer"),
            "subject": _ref("Patient/client-08"),
            "sender": _ref(ME),
            "sent": _at(now, days=-2),
        },
        {
            "resourceType": "Appointment",
            "id": "visit-booked",
            "status": "booked",
            "created": _at(now, days=-2),
            "start": _at(now, days=6),
            "end": _at(now, days=6, hours=1),
            "participant": [
                {"actor": _ref("Patient/client-12"), "status": "accepted"},
                {"actor": _ref(ME), "status": "accepted"},
            ],
        },
    ]


def _at(now: datetime, **ago: float) -> str:
    return (now + timedelta(**ago)).isoformat(timespec="seconds")


def _ref(reference: str, display: str = "") -> Resource:
    return {"reference": reference, "display": display} if display else {"reference": reference}


def _code(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _client(key: str, family: str, given: str, birth_date: str, gender: str) -> Resource:
    return {
        "resourceType": "Patient",
        "id": key,
        "identifier": [{"system": MRN, "value": key.upper()}],
        "name": [{"use": "official", "family": family, "given": [given]}],
        "gender": gender,
        "birthDate": birth_date,
    }


def _request(key: str, client: str, asked: str, by: str, **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "id": key,
        "status": "active",
        "intent": "order",
        "code": {"text": "Outpatient therapy, intake"},
        "subject": _ref(f"Patient/{client}"),
        "authoredOn": asked,
        "requester": _ref(by),
        **more,
    }


def _referral(
    key: str, request: Resource, asked: str, by: str, to: str, **more: Any
) -> Resource:  # fmt: skip
    client = request["subject"]["reference"].removeprefix("Patient/")
    code = _code("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")
    focus = _ref(f"ServiceRequest/{request['id']}")
    return _task(key, client, asked, by, to, code=code, focus=focus, **more)


def _task(key: str, client: str, asked: str, by: str, to: str, **more: Any) -> Resource:
    return {
        "resourceType": "Task",
        "id": key,
        "status": "requested",
        "intent": "order",
        "for": _ref(f"Patient/{client}"),
        "authoredOn": asked,
        "lastModified": asked,
        "requester": _ref(by),
        "owner": _ref(to),
        **more,
    }


def _encounter(key: str, client: str, kind: str, start: str, end: str) -> Resource:
    ours = kind == "AMB"
    return {
        "resourceType": "Encounter",
        "id": key,
        "status": "finished",
        "class": {"system": ACT_CODE, "code": kind},
        "subject": _ref(f"Patient/{client}"),
        "period": {"start": start, "end": end},
        "serviceProvider": _ref(ORGANIZATION if ours else HOSPITAL),
    }
