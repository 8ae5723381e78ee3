"""One piece of work, written down in literal FHIR R4: referral, follow-up, handoff.

The code systems are spelled out here and not taken from the mapping, on purpose (`__init__.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from carequeue.practice.people.organizations import Ref, Tree, org, staff
from carequeue.practice.people.record_builder import RecordBuilder, iso

_FULFILL: Final = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
_TRIAGE: Final = "https://carequeue.dev/fhir/CodeSystem/triage"
_TASK_CODE: Final = "https://carequeue.dev/fhir/CodeSystem/task-code"
_HANDOFF_INPUT: Final = "https://carequeue.dev/fhir/CodeSystem/handoff-input"
_ITEM: Final = "https://carequeue.dev/fhir/identifier/item"
_SITE_TASK: Final = "https://riverbend.example/task"
_BSER: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
#: What becomes of the ServiceRequest when its Task has this status; else it stays active.
_REQUEST_STATUS: Final = {"draft": "draft", "completed": "completed", "cancelled": "revoked"}
_PARTS: Final = ("illness-severity", "patient-summary", "action-list", "contingency")


@dataclass(frozen=True, slots=True)
class Referral:
    """An ask (what, why) from a sender to a receiver, and how far it has come."""

    client: Ref
    ask: tuple[str, str]
    sent: datetime
    sender: Ref
    owner: Ref | None
    status: str = "requested"
    performer: Ref | None = None  # who is to do it, where that is not the owner
    priority: str = "routine"  # the sender's wish
    triage: str = ""  # crisis, urgent or routine, where the access team has looked
    changed: datetime | None = None
    reason: str = ""  # of the status
    awaits_information: bool = False
    result: str = ""
    said: str = ""

    @property
    def prefix(self) -> str:
        """`ref-in` where another organization asks, `ref-out` where we do."""
        asker = self.sender["reference"]
        ours = asker == "Organization/riverbend" or not asker.startswith("Organization/")
        return "ref-out" if ours else "ref-in"


def referral(ledger: RecordBuilder, one: Referral) -> str:
    """A ServiceRequest and its Task of one id, and a triage record; the id."""
    key = ledger.new_id(one.prefix)
    request(ledger, one, key)
    changed = one.changed or one.sent
    ledger.add(
        changed,
        {
            "resourceType": "Task",
            "id": key,
            "status": one.status,
            "statusReason": {"text": one.reason} if one.reason else None,
            "businessStatus": _awaiting() if one.awaits_information else None,
            "intent": "order",
            "priority": one.priority,
            "code": {"coding": [_FULFILL], "text": "Fulfill"},
            "description": one.ask[0],
            "focus": {"reference": f"ServiceRequest/{key}"},
            "for": one.client,
            "authoredOn": iso(one.sent),
            "lastModified": iso(changed),
            "requester": one.sender,
            "owner": one.owner,
            "note": _note(one.said, one.owner, changed),
            "output": _output(one.result),
        },
    )
    if one.triage:
        _triage(ledger, one, key)
    return key


def request(ledger: RecordBuilder, one: Referral, key: str) -> None:
    """The ask alone: a ServiceRequest, which some senders write without a Task."""
    performer = one.performer or one.owner
    ledger.add(
        one.sent,
        {
            "resourceType": "ServiceRequest",
            "id": key,
            "status": _REQUEST_STATUS.get(one.status, "active"),
            "intent": "order",
            "priority": one.priority,
            "code": {"text": one.ask[0]},
            "subject": one.client,
            "authoredOn": iso(one.sent),
            "requester": one.sender,
            "performer": [performer] if performer else None,
            "reasonCode": [{"text": one.ask[1]}],
        },
    )


def _triage(ledger: RecordBuilder, one: Referral, key: str) -> None:
    at = min(one.sent + timedelta(minutes=20), ledger.now)
    ledger.add(
        at,
        {
            "resourceType": "Observation",
            "id": ledger.new_id("triage"),
            "basedOn": [{"reference": f"ServiceRequest/{key}"}],
            "status": "final",
            "code": {"coding": [{"system": _TRIAGE, "code": "triage"}], "text": "Triage"},
            "subject": one.client,
            "effectiveDateTime": iso(at),
            "performer": [staff("priya-raman")],
            "valueCodeableConcept": {
                "coding": [{"system": _TRIAGE, "code": one.triage}],
                "text": one.triage.capitalize(),
            },
        },
    )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something to do among us; `by_site` is one that the clinic's other software wrote."""

    client: Ref
    words: str
    owner: Ref | None
    due: datetime | None
    written: datetime
    status: str = "requested"
    priority: str = "routine"
    requester: Ref | None = None
    by_site: bool = False
    after_stay: str = ""  # the Encounter whose derived item somebody has already taken up
    said: str = ""

    @property
    def identifier(self) -> list[Tree]:
        """The key of the derived item that this Task was made of, if it was."""
        if self.after_stay:
            return [{"system": _ITEM, "value": f"discharge-contact:Encounter/{self.after_stay}"}]
        return []


def follow_up(ledger: RecordBuilder, one: FollowUp) -> str:
    """A Task with or without a due date; its id."""
    key = ledger.new_id("fu")
    coding = {"system": _TASK_CODE, "code": "follow-up"}
    ledger.add(
        one.written,
        {
            "resourceType": "Task",
            "id": key,
            "identifier": [{"system": _SITE_TASK, "value": f"RB-{key}"}]
            if one.by_site
            else one.identifier,
            "status": one.status,
            "intent": "order",
            "priority": one.priority,
            "code": {"text": "Call list"} if one.by_site else {"coding": [coding]},
            "description": one.words,
            "for": one.client,
            "authoredOn": iso(one.written),
            "lastModified": iso(one.written),
            "requester": one.requester or one.owner or org("riverbend"),
            "owner": one.owner,
            "restriction": {"period": {"end": iso(one.due)}} if one.due else None,
            "note": _note(one.said, one.owner, one.written),
        },
    )
    return key


@dataclass(frozen=True, slots=True)
class Handoff:
    """Who asks whom to take over; `story` is patient summary, action list, contingency (I-PASS)."""

    client: Ref
    severity: str  # unstable, watcher or stable
    story: tuple[str, str, str]
    sender: Ref
    owner: Ref
    sent: datetime
    status: str = "requested"


def handoff(ledger: RecordBuilder, one: Handoff) -> str:
    """A Task that is closed when the receiver has read it back; its id."""
    key = ledger.new_id("ho")
    coding = {"system": _TASK_CODE, "code": "handoff"}
    ledger.add(
        one.sent,
        {
            "resourceType": "Task",
            "id": key,
            "status": one.status,
            "intent": "order",
            "priority": "urgent" if one.severity == "unstable" else "routine",
            "code": {"coding": [coding], "text": "Handoff"},
            "description": f"Handoff from {one.sender['display']}",
            "for": one.client,
            "authoredOn": iso(one.sent),
            "lastModified": iso(one.sent),
            "requester": one.sender,
            "owner": one.owner,
            "input": [
                {
                    "type": {"coding": [{"system": _HANDOFF_INPUT, "code": code}]},
                    "valueString": text,
                }
                for code, text in zip(_PARTS, (one.severity, *one.story), strict=True)
            ],
        },
    )
    return key


def _awaiting() -> Tree:
    coding = {"system": _BSER, "code": "awaiting-information", "display": "Awaiting information"}
    return {"coding": [coding], "text": "Awaiting information"}


def _note(words: str, who: Ref | None, at: datetime) -> list[Tree]:
    if not words:
        return []
    by = {"authorReference": who} if who else {"authorString": "Front desk"}
    return [{**by, "time": iso(at), "text": words}]


def _output(words: str) -> list[Tree]:
    return [{"type": {"text": "Result"}, "valueString": words}] if words else []
