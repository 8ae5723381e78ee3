"""One piece of work, written down in literal FHIR R4: referral, follow-up, handoff.

The code systems are spelled out here and not taken from the mapping, on purpose (`__init__.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from carequeue.practice.people.organizations import Ref, org, staff
from carequeue.practice.people.record_builder import RecordBuilder, iso

_FULFILL: Final = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
_TRIAGE: Final = "https://carequeue.dev/fhir/CodeSystem/triage"
_TASK_CODE: Final = "https://carequeue.dev/fhir/CodeSystem/task-code"
_HANDOFF_INPUT: Final = "https://carequeue.dev/fhir/CodeSystem/handoff-input"
_ITEM: Final = "https://carequeue.dev/fhir/identifier/item"
_SITE_TASK: Final = "https://riverbend.example/task"
_BSER: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
_AWAITING: Final = {
    "coding": [
        {"system": _BSER, "code": "awaiting-information", "display": "Awaiting information"}
    ],
    "text": "Awaiting information",
}
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

    @property
    def prefix(self) -> str:
        """`ref-in` where another organization asks, `ref-out` where we do."""
        asker = self.sender["reference"]
        ours = asker == "Organization/riverbend" or not asker.startswith("Organization/")
        return "ref-out" if ours else "ref-in"

    def write(self, book: RecordBuilder) -> str:
        """A ServiceRequest and its Task of one id, and a triage record; the id."""
        key = book.new_id(self.prefix)
        self.write_request(book, key)
        changed = self.changed or self.sent
        tree = {
            "resourceType": "Task",
            "id": key,
            "status": self.status,
            "statusReason": {"text": self.reason} if self.reason else None,
            "businessStatus": _AWAITING if self.awaits_information else None,
            "intent": "order",
            "priority": self.priority,
            "code": {"coding": [_FULFILL], "text": "Fulfill"},
            "description": self.ask[0],
            "focus": {"reference": f"ServiceRequest/{key}"},
            "for": self.client,
            "authoredOn": iso(self.sent),
            "lastModified": iso(changed),
            "requester": self.sender,
            "owner": self.owner,
            "output": [{"type": {"text": "Result"}, "valueString": self.result}]
            if self.result
            else None,
        }
        book.add(changed, tree)
        if self.triage:
            self._write_triage(book, key)
        return key

    def write_request(self, book: RecordBuilder, key: str) -> None:
        """The ask alone: a ServiceRequest, which some senders write without a Task."""
        performer = self.performer or self.owner
        tree = {
            "resourceType": "ServiceRequest",
            "id": key,
            "status": _REQUEST_STATUS.get(self.status, "active"),
            "intent": "order",
            "priority": self.priority,
            "code": {"text": self.ask[0]},
            "subject": self.client,
            "authoredOn": iso(self.sent),
            "requester": self.sender,
            "performer": [performer] if performer else None,
            "reasonCode": [{"text": self.ask[1]}],
        }
        book.add(self.sent, tree)

    def _write_triage(self, book: RecordBuilder, key: str) -> None:
        at = min(self.sent + timedelta(minutes=20), book.now)
        tree = {
            "resourceType": "Observation",
            "id": book.new_id("triage"),
            "basedOn": [{"reference": f"ServiceRequest/{key}"}],
            "status": "final",
            "code": {"coding": [{"system": _TRIAGE, "code": "triage"}], "text": "Triage"},
            "subject": self.client,
            "effectiveDateTime": iso(at),
            "performer": [staff("priya-raman")],
            "valueCodeableConcept": {
                "coding": [{"system": _TRIAGE, "code": self.triage}],
                "text": self.triage.capitalize(),
            },
        }
        book.add(at, tree)


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
    by_site: bool = False
    after_stay: str = ""  # the Encounter whose derived item somebody has already taken up
    note: str = ""

    def write(self, book: RecordBuilder) -> str:
        """A Task with or without a due date; its id."""
        key = book.new_id("fu")
        identifier = {"system": _SITE_TASK, "value": f"RB-{key}"} if self.by_site else None
        if self.after_stay:
            value = f"discharge-contact:Encounter/{self.after_stay}"
            identifier = {"system": _ITEM, "value": value}
        coding = {"system": _TASK_CODE, "code": "follow-up"}
        by = {"authorReference": self.owner} if self.owner else {"authorString": "Front desk"}
        tree = {
            "resourceType": "Task",
            "id": key,
            "identifier": [identifier] if identifier else None,
            "status": self.status,
            "intent": "order",
            "priority": self.priority,
            "code": {"text": "Call list"} if self.by_site else {"coding": [coding]},
            "description": self.words,
            "for": self.client,
            "authoredOn": iso(self.written),
            "lastModified": iso(self.written),
            "requester": self.owner or org("riverbend"),
            "owner": self.owner,
            "restriction": {"period": {"end": iso(self.due)}} if self.due else None,
            "note": [{**by, "time": iso(self.written), "text": self.note}] if self.note else None,
        }
        book.add(self.written, tree)
        return key


@dataclass(frozen=True, slots=True)
class Handoff:
    """A sender asks a receiver to take over; `story`: summary, actions, contingency (I-PASS)."""

    client: Ref
    severity: str  # unstable, watcher or stable
    story: tuple[str, str, str]
    sender: Ref
    owner: Ref
    sent: datetime
    status: str = "requested"

    def write(self, book: RecordBuilder) -> str:
        """A Task that is closed when the receiver has read it back; its id."""
        key = book.new_id("ho")
        coding = {"system": _TASK_CODE, "code": "handoff"}
        tree = {
            "resourceType": "Task",
            "id": key,
            "status": self.status,
            "intent": "order",
            "priority": "urgent" if self.severity == "unstable" else "routine",
            "code": {"coding": [coding], "text": "Handoff"},
            "description": f"Handoff from {self.sender['display']}",
            "for": self.client,
            "authoredOn": iso(self.sent),
            "lastModified": iso(self.sent),
            "requester": self.sender,
            "owner": self.owner,
            "input": [
                {
                    "type": {"coding": [{"system": _HANDOFF_INPUT, "code": code}]},
                    "valueString": text,
                }
                for code, text in zip(_PARTS, (self.severity, *self.story), strict=True)
            ],
        }
        book.add(self.sent, tree)
        return key
