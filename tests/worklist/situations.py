"""The situations in which an item can be: of each kind, at each step, by whose move. FHIR JSON.

All of them are about Amara Okafor, seen by Dana Whitfield on Monday 9 March at 9:00; what was asked
was asked on Thursday. The item is `Task/r1` unless `KEYS` names another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carequeue.fhir import codes
from tests.fhir.clinic import (
    CLIENT,
    CLINIC,
    DANA,
    HARBOR,
    NOEL,
    contact,
    handoff,
    ref,
    referral,
    request,
    stay,
    task,
)
from tests.worklist.world import IN_CRISIS

Resource = dict[str, Any]

_THURSDAY: Final = "2026-03-05T15:00:00Z"
_SNOOZED: Final = [{"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-12T13:00:00Z"}]
_TEAM: Final = "CareTeam/access"


def _coded(code: str, system: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code} if system else {"code": code}]}


_AWAITING: Final = _coded(codes.AWAITING_INFORMATION)
_SENT: Final = _coded(codes.INFORMATION_SENT, codes.BUSINESS_STATUS)


def _came_in(owner: str | None = DANA, *more: Resource, **elements: Any) -> list[Resource]:
    """A referral from Harbor."""
    carried = referral(HARBOR, owner, id="r1", lastModified=_THURSDAY, **elements)
    return [carried, request(requester=ref(HARBOR)), *more]


def _sent_out(*more: Resource, **elements: Any) -> list[Resource]:
    """A referral of Dana's to Harbor."""
    carried = referral(DANA, HARBOR, id="r1", lastModified=_THURSDAY, **elements)
    return [carried, request(requester=ref(DANA)), *more]


def _given_back() -> list[Resource]:
    """The same with a question, for which Harbor has made Dana the owner of the Task."""
    asked = request(requester=ref(DANA), performer=[ref(HARBOR)])
    elements = {"status": "received", "businessStatus": _AWAITING, "lastModified": _THURSDAY}
    return [referral(DANA, DANA, id="r1", **elements), asked]


def _triaged(level: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "triage",
        "status": "final",
        "code": _coded("triage", codes.TRIAGE),
        "subject": ref(CLIENT),
        "basedOn": [ref("ServiceRequest/s1")],
        "effectiveDateTime": "2026-03-09T13:00:00Z",
        "valueCodeableConcept": _coded(level, codes.TRIAGE),
    }


def _message(code: str, sender: str, to: str) -> Resource:
    """A message about the referral, sent while it was asked for, at eight today."""
    return {
        "resourceType": "Communication",
        "id": code,
        "status": "completed",
        "category": [_coded(code, codes.MESSAGE), _coded("requested", codes.TASK_STATUS)],
        "subject": ref(CLIENT),
        "about": [ref("Task/r1")],
        "sender": ref(sender),
        "recipient": [ref(to)],
        "sent": "2026-03-09T13:00:00Z",
    }


def _asked_to_stop(status: str) -> Resource:
    return task(
        "stop", status=status, code=_coded(codes.ABORT, codes.TASK_CODE_HL7),
        focus=ref("Task/r1"), requester=ref(DANA), owner=ref(HARBOR),
    )  # fmt: skip


def _own(owner: str | None = DANA, **elements: Any) -> list[Resource]:
    """A follow-up among ourselves, asked for by Noel."""
    return [
        task(
            "r1", owner=ref(owner) if owner else None, requester=ref(NOEL),
            description="Call about the group", **elements,
        )
    ]  # fmt: skip


def _given(owner: str, requester: str = NOEL, **elements: Any) -> list[Resource]:
    return [handoff(id="r1", owner=ref(owner), requester=ref(requester), **elements)]


def _due(end: str) -> dict[str, Any]:
    return {"restriction": {"period": {"end": end}}}


_TRIED: Final = contact(
    status="not-done", sender=ref(DANA), sent="2026-03-09T13:00:00Z",
    statusReason=_coded(codes.NO_ANSWER, codes.CONTACT_OUTCOME),
)  # fmt: skip
_COVERAGE: Final = {
    "resourceType": "Coverage",
    "id": "v1",
    "status": "active",
    "beneficiary": ref(CLIENT),
    "payor": [{"display": "County Health Plan"}],
    "period": {"start": "2026-01-01", "end": "2026-03-20"},
}

_BOOKED: Final = {
    "resourceType": "Appointment",
    "id": "visit",
    "status": "booked",
    "basedOn": [ref("ServiceRequest/s1")],
    "created": "2026-03-06T16:00:00Z",
    "start": "2026-03-11T13:00:00Z",
    "end": "2026-03-11T14:00:00Z",
    "participant": [{"actor": ref(CLIENT), "status": "accepted"}],
}

SITUATIONS: Final[Mapping[str, list[Resource]]] = {
    # a referral that came in
    "came in": _came_in(),
    "came in, for nobody by name": _came_in(CLINIC),
    "came in, for my team": _came_in(_TEAM),
    "came in, for a colleague": _came_in(NOEL),
    "came in, received": _came_in(status="received"),
    "came in, urgent": _came_in(DANA, _triaged("urgent")),
    "came in, a crisis": _came_in(DANA, _triaged("crisis")),
    "came in, the sender is asked": _came_in(
        DANA, _message(codes.QUESTION, DANA, HARBOR), businessStatus=_AWAITING
    ),
    "came in, accepted": _came_in(status="accepted"),
    "came in, accepted, a Task alone": _came_in(
        status="accepted", focus=None, description="Housing support"
    )[:1],
    "came in, accepted and booked": _came_in(DANA, _BOOKED, status="accepted"),
    "came in, in progress": _came_in(status="in-progress"),
    "came in, on hold": _came_in(status="on-hold"),
    "came in, on hold until Thursday": _came_in(status="on-hold", extension=_SNOOZED),
    "came in, called off by the sender": _came_in(status="cancelled"),
    "came in, without a Task": [request(requester=ref(HARBOR))],
    "came in, a crisis for our mobile team": IN_CRISIS,
    # a referral that we sent out
    "sent out": _sent_out(),
    "sent out, reminded": _sent_out(_message(codes.REMINDER, DANA, HARBOR)),
    "sent out, received": _sent_out(status="received"),
    "sent out, the partner asks": _sent_out(status="received", businessStatus=_AWAITING),
    "sent out, the partner gives it back to ask": _given_back(),
    "sent out, answered": _sent_out(status="received", businessStatus=_SENT),
    "sent out, accepted": _sent_out(status="accepted"),
    "sent out, in progress": _sent_out(status="in-progress"),
    "sent out, held by the partner": _sent_out(status="on-hold"),
    "sent out, asked to stop": _sent_out(_asked_to_stop("requested"), status="in-progress"),
    "sent out, goes on": _sent_out(_asked_to_stop("rejected"), status="in-progress"),
    "sent out, declined": _sent_out(status="rejected"),
    "sent out, called off": _sent_out(status="cancelled"),
    "sent out, not achieved": _sent_out(status="failed"),
    # a follow-up
    "follow-up": _own(),
    "follow-up, overdue": _own(**_due("2026-03-06")),
    "follow-up, tried": [*_own(**_due("2026-03-10")), _TRIED],
    "follow-up, snoozed": _own(extension=_SNOOZED),
    "follow-up, of nobody": _own(None),
    "follow-up, of my team": _own(_TEAM),
    "follow-up, of a colleague": _own(NOEL),
    "asked to call": [task("r1", owner=ref(DANA), code=_coded(codes.MAKE_CONTACT))],
    "left the ED": [stay()],
    # a handoff
    "handoff to me": _given(DANA),
    "handoff to my team": _given(_TEAM),
    "handoff by me": _given(NOEL, DANA),
    "handoff by me, declined": _given(NOEL, DANA, status="rejected"),
    "handoff to me, accepted without a read-back": _given(DANA, status="accepted"),
    # an authorization
    "coverage ends": [_COVERAGE],
    # a client alone
    "client": [],
}
KEYS: Final[Mapping[str, str]] = {
    "came in, without a Task": "main:ServiceRequest/s1",
    "came in, a crisis for our mobile team": "main:Task/c9",
    "left the ED": "main:discharge-contact:Encounter/e1",
    "coverage ends": "main:authorization-end:Coverage/v1:2026-03-20",
    "client": f"main:{CLIENT}",
}


def key_of(situation: str) -> str:
    """The key of the item in a situation."""
    return KEYS.get(situation, "main:Task/r1")
