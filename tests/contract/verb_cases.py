"""One case for each verb: its item, the answers, and what the server holds after it.

In:  an instant. Out: resources in literal FHIR R4 (an item and a client for each case, so that all
cases fit into one clinic), and `Case`, whose expectations are plain words: `effect` and `made` are
compared with what `effects.py` reads from the server.
A verb without a case fails `test_every_verb.py`. What several people decide about one item at the
same time is in `test_colleagues.py` and `test_referral_colleagues.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from tests.servers.harness import Resource
from tests.servers.small_clinic import HOSPITAL, ME, OURS, PARTNER, TEAM

#: What comes of the same verb again, after the server has taken the first: nothing, because it is
#: so already, or because it does not apply any more; a decision that changes nothing; or another
#: of the same.
Again = Literal["already", "refused", "same", "another"]

_PRIYA: Final = "Practitioner/priya-raman"
_SNOOZED: Final = f"{OURS}/StructureDefinition/snoozed-until"
_FULFILL: Final = ("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")
_BUSINESS: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
_SDOH: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
_NOTHING: Final[Mapping[str, str | None]] = MappingProxyType({})


class Case(NamedTuple):
    """One use of a verb. `item`: the sort of item, a key of `_TASKS`, or "" for the client alone.

    `effect`: element of the item's Task -> its value in a word, None if it is absent after the
    verb; `made`: the new resources of the client. `first`: the made resources are sent before the
    Task is changed, so that they are there even if the change is not. `told`: how many partners are
    told if it is undone after it was sent.
    """

    verb: str
    item: str
    answers: dict[str, str]
    effect: Mapping[str, str | None] = _NOTHING
    made: tuple[str, ...] = ()
    again: Again = "already"
    first: bool = False
    told: int = 0

    @property
    def name(self) -> str:
        """The id of its Task and, with a prefix, of its client."""
        return f"{self.verb}-{self.item or 'client'}".replace("_", "-").replace(" ", "-")

    @property
    def task(self) -> str:
        return f"Task/{self.name}"

    @property
    def client(self) -> str:
        return f"Patient/of-{self.name}"


CASES: Final = (
    Case("accept", "came in to team", {}, {"status": "accepted", "owner": ME}, told=1),
    Case(
        "accept", "handoff", {}, {"status": "accepted", "owner": ME, "output": "read-back"},
        again="refused",
    ),
    Case(
        "decline", "came in", {"reason": "no capacity"},
        {"status": "rejected", "statusReason": "no capacity"}, again="refused", told=1,
    ),
    Case("claim", "team follow-up", {}, {"owner": ME}),
    Case("done", "follow-up", {}, {"status": "completed"}, again="refused"),
    Case(
        "log", "follow-up", {"outcome": "no answer"},
        made=("Communication not-done no-answer",), again="another",
    ),
    Case(
        "log", "asked to call", {"outcome": "reached"}, {"status": "completed"},
        ("Communication completed reached",), "refused", first=True,
    ),
    Case(
        "snooze", "follow-up", {"until": "3bd"}, {"extension": "snoozed-until"}, again="same",
    ),
    Case("note", "follow-up", {"text": "Called"}, {"note": "Called"}, again="another"),
    Case("assign", "follow-up", {"to": "Priya Raman"}, {"owner": _PRIYA}, again="same"),
    Case(
        "handoff", "follow-up", {"to": "Mobile Crisis", "summary": "Left the ED"},
        made=("Task requested handoff",), again="another",
    ),
    Case("due", "follow-up", {"until": "3bd"}, {"restriction": "period"}, again="same"),
    Case("priority", "came in", {"to": "urgent"}, {"priority": "urgent"}, again="same"),
    Case(
        "new", "follow-up", {"text": "Call the school", "until": "2bd"},
        made=("Task accepted follow-up",), again="another",
    ),
    Case("remind", "sent out", {}, made=("Communication completed reminder",), told=1),
    Case(
        "withdraw", "sent out", {"reason": "client declined"},
        {"status": "cancelled", "statusReason": "client declined", "businessStatus": "decided"},
        again="refused", told=1,
    ),
    Case(
        "withdraw", "begun by partner", {"reason": "found another place"},
        made=("Task requested abort",), told=1,
    ),
    Case(
        "answer", "partner asks", {"text": "Medicaid"}, {"businessStatus": "information-sent"},
        ("Communication completed answer",), "refused", first=True, told=1,
    ),
    Case(
        "ask", "came in", {"text": "Which medication?"},
        {"businessStatus": "awaiting-information"}, ("Communication completed question",), told=1,
    ),
    Case(
        "hold", "accepted", {"reason": "client away", "until": "3bd"},
        {"status": "on-hold", "statusReason": "client away", "extension": "snoozed-until"}, told=1,
    ),
    Case(
        "resume", "on hold", {}, {"status": "in-progress", "statusReason": None, "extension": None},
        told=1,
    ),
    Case(
        "redirect", "sent out", {"to": "Harbor", "consent": "covered"},
        {
            "status": "cancelled",
            "statusReason": "sent elsewhere: Harbor General Hospital",
            "businessStatus": "decided",
        },
        ("ServiceRequest active Outpatient therapy, intake", "Task requested fulfill"),
        "refused", first=True, told=2,
    ),
    Case("schedule", "accepted", {"at": "3bd"}, made=("Appointment booked",), again="another"),
    Case(
        "result", "begun by partner", {"how": "heard by phone"},
        {"businessStatus": "decided", "note": "Result: heard by phone"}, again="refused",
    ),
    Case(
        "triage", "came in", {"level": "urgent", "risk": "n"},
        made=("Observation final urgent",), again="another",
    ),
    Case(
        "new", "", {"text": "Call the school nurse", "until": "3bd"},
        made=("Task accepted follow-up",), again="another",
    ),
    Case(
        "refer", "", {"text": "Detox bed", "to": "Northside", "priority": "urgent"},
        made=("ServiceRequest active Detox bed", "Task requested fulfill"), again="another", told=1,
    ),
    Case(
        "heard_crisis", "", {"when": "1h", "where": "988 call"}, made=("Encounter finished EMER",),
        again="same",
    ),
    Case(
        "heard_discharge", "",
        {"kind": "e", "when": "2h", "where": "Harbor ED", "reason": "p"},
        made=("Encounter finished EMER",), again="same",
    ),
)  # fmt: skip


def clients_and_items(now: datetime) -> list[Resource]:
    """A client for each case, with an item of its sort.

    If the verb is about the client alone, a follow-up: a client without any item is not fetched.
    """
    resources = []
    for number, case in enumerate(CASES):
        key = case.client.removeprefix("Patient/")
        name = [{"use": "official", "family": f"Case{number:02d}", "given": ["Ada"]}]
        resources.append({"resourceType": "Patient", "id": key, "name": name})
        resources += _item(case, now)
    return resources


def _item(case: Case, now: datetime) -> list[Resource]:
    """The Task of a case, after the request that it carries if it is a referral."""
    asked = _at(now, days=-3)
    task = {
        "resourceType": "Task",
        "id": case.name,
        "status": "requested",
        "intent": "order",
        "for": {"reference": case.client},
        "authoredOn": asked,
        "lastModified": asked,
        "requester": {"reference": ME},
        "owner": {"reference": ME},
        **_TASKS[case.item or "follow-up"],
    }
    if "extension" in task:
        task["extension"] = [{"url": _SNOOZED, "valueDateTime": _at(now, days=2)}]
    if task["code"] != _code(*_FULFILL):
        return [{**task, "description": "Call about the group"}]
    request = {
        "resourceType": "ServiceRequest",
        "id": case.name,
        "status": "active",
        "intent": "order",
        "code": {"text": "Outpatient therapy, intake"},
        "subject": {"reference": case.client},
        "authoredOn": asked,
        "requester": task["requester"],
    }
    return [request, {**task, "focus": {"reference": f"ServiceRequest/{case.name}"}}]


def _code(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _at(now: datetime, **span: float) -> str:
    return (now + timedelta(**span)).isoformat(timespec="seconds")


def _parties(requester: str, owner: str, **elements: Any) -> Resource:
    return {
        "requester": {"reference": requester}, "owner": {"reference": owner},
        "code": _code(*_FULFILL), **elements,
    }  # fmt: skip


_FOLLOW_UP: Final = {"code": _code(f"{OURS}/CodeSystem/task-code", "follow-up")}
#: The Task of each sort of item; an extension that is there gets its instant in `_item`.
_TASKS: Final[Mapping[str, Resource]] = {
    "came in": _parties(HOSPITAL, ME),
    "came in to team": _parties(HOSPITAL, TEAM),
    "accepted": _parties(HOSPITAL, ME, status="accepted"),
    "on hold": _parties(
        HOSPITAL, ME, status="on-hold", statusReason={"text": "client away"}, extension=[]
    ),
    "sent out": _parties(ME, PARTNER),
    "begun by partner": _parties(ME, PARTNER, status="in-progress"),
    "partner asks": _parties(
        ME, PARTNER, status="received", businessStatus=_code(_BUSINESS, "awaiting-information")
    ),
    "follow-up": _FOLLOW_UP,
    "team follow-up": _FOLLOW_UP | {"owner": {"reference": TEAM}},
    "asked to call": {"code": _code(_SDOH, "make-contact")},
    "handoff": {
        "code": _code(f"{OURS}/CodeSystem/task-code", "handoff"),
        "requester": {"reference": "Practitioner/omar-haddad"},
        "input": [
            {
                "type": _code(f"{OURS}/CodeSystem/handoff-input", "patient-summary"),
                "valueString": "Passive ideation last night",
            }
        ],
    },
}
