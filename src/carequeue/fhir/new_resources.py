"""The resources that decisions create: a Task for an item that has none, a handoff, a follow-up of
our own, a logged contact. Literal FHIR R4.

In:  the item, who we are, now, the person's answers. Out: a resource as a dict, with an id of ours.
Not here: which verb creates what (`verbs/`), what an intent does to it (`intent_effects.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from carequeue.domain.items import Kind, Party, Us, WorkItem
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_effects import iso

#: The length of a visit that was booked here: the person gives the start alone.
_VISIT: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class NewResources:
    """Builds the resources that one decision about one item creates. `new_id` gives their ids."""

    item: WorkItem
    us: Us
    now: datetime
    new_id: Callable[[], str]

    def companion_task(self) -> Resource:
        """The Task for an item that has none: what it is about, for whom, and whose it is so far.

        Its identifier is the item's own key; `task_facts.is_companion` knows it by that.
        """
        item = self.item
        referral = item.kind is Kind.REFERRAL
        task = self._task(item.key.removeprefix(f"{item.source}:"), _code(referral))
        task["priority"] = item.priority.value
        task["description"] = item.title
        about = {"reference": item.anchor.reference}
        task["extension"] = [{"url": codes.ABOUT, "valueReference": about}]
        if referral:
            task["focus"] = dict(about)
            # The words of the ask stay with the ask: the title is our reading of it.
            task.pop("description")
            if item.requester and item.requester.reference:
                task["requester"] = reference_to(item.requester.reference, item.requester.name)
        if item.owner and item.owner.reference:
            task["owner"] = reference_to(item.owner.reference, item.owner.name)
        return task

    def handoff_task(
        self, owner: dict[str, str], priority: str, content: Mapping[str, str]
    ) -> Resource:
        """The Task that asks `owner` to take the client over. `content`: code of I-PASS -> text."""
        coding = {"system": codes.TASK_CODE, "code": codes.HANDOFF, "display": "Handoff"}
        task = self._task("", {"coding": [coding]})
        task["priority"] = priority
        task["focus"] = {"reference": (self.item.target or self.item.anchor).reference}
        task["owner"] = owner
        task["input"] = [_input(code, text) for code, text in content.items() if text]
        return task

    def own_task(self, text: str, until: str) -> Resource:
        """A follow-up of our own, due at an ISO instant: the one Task on which we write a due date,
        for a server may read it as an expiry, so none is written on a Task that is not ours.
        """
        task = self._task("", _code(referral=False))
        task["status"] = "accepted"
        task["description"] = text
        task["restriction"] = {"period": {"end": until}}
        if self.us.me:
            task["owner"] = self._me
        return task

    def referral(
        self, text: str, receiver: dict[str, str], priority: str
    ) -> tuple[Resource, Resource]:
        """A request of ours, and the Task that asks `receiver` to fulfill it.

        The Task repeats the text: a source may take the Task and not the request.
        """
        key = self.new_id()
        request: Resource = {
            "resourceType": "ServiceRequest",
            "id": key,
            "identifier": [{"system": codes.IDENTIFIER, "value": key}],
            "status": "active",
            "intent": "order",
            "priority": priority,
            "code": {"text": text},
            "subject": self.client,
            "authoredOn": iso(self.now),
            "performer": [dict(receiver)],
        }
        task = self._task("", _code(referral=True))
        task |= {"priority": priority, "description": text, "owner": dict(receiver)}
        task["focus"] = {"reference": f"ServiceRequest/{key}"}
        if self.us.me:
            request["requester"] = self._me
        elif self.us.organization:
            request["requester"] = task["requester"] = reference_to(self.us.organization, "")
        return request, task

    def contact(self, outcome: str, text: str) -> Resource:
        """The Communication of a contact with the client; `outcome`: one of `CONTACT_OUTCOMES`."""
        contact = self._contact(outcome, text)
        if self.item.client.reference:
            contact["recipient"] = [self.client]
        return contact

    def contact_with_guardian(self, outcome: str, text: str) -> Resource:
        """The Communication of a contact with the client's guardian, who may have no record."""
        guard = {"system": codes.ROLE_CODE, "code": "GUARD", "display": "guardian"}
        guardian = {
            "resourceType": "RelatedPerson",
            "id": "guardian",
            "patient": self.client,
            "relationship": [{"coding": [guard]}],
        }
        contact = {**self._contact(outcome, text), "contained": [guardian]}
        return contact | {"recipient": [reference_to("#guardian", "guardian")]}

    def call(self, to: Party, outcome: str, text: str) -> Resource:
        """The Communication of a call to somebody else about the item."""
        call = self._contact(outcome, text) | {"category": self._category(codes.CALL)}
        return call | {"recipient": [party_reference(to)]}

    def _contact(self, outcome: str, text: str) -> Resource:
        """A contact: its outcome in words and as one of our codes."""
        contact, code = self._communication(), codes.CONTACT_OUTCOMES[outcome]
        coding = {"system": codes.CONTACT_OUTCOME, "code": code, "display": outcome}
        contact |= {
            "status": "completed" if code in (codes.REACHED, codes.LETTER) else "not-done",
            # R4 has no element for the outcome of a contact; this is "reason for current status".
            "statusReason": {"coding": [coding], "text": outcome},
        }
        if code == codes.LETTER:
            medium = {"system": codes.PARTICIPATION_MODE, "code": "MAILWRIT", "display": "letter"}
            contact["medium"] = [{"coding": [medium]}]
        if text.strip():
            contact["payload"] = [{"contentString": text.strip()}]
        return contact

    def _category(self, code: str) -> list[dict[str, Any]]:
        """The kind of a message, and the status that the item had then: the next status may have
        a reminder, too.
        """
        category = [{"coding": [{"system": codes.MESSAGE, "code": code}]}]
        if self.item.status:
            state = {"system": codes.TASK_STATUS, "code": self.item.status}
            category.append({"coding": [state]})
        return category

    def message(self, to: Party | None, code: str, text: str) -> Resource:
        """A message to a partner about the item: a reminder, a question or an answer."""
        message = self._communication()
        message |= {"status": "completed", "category": self._category(code)}
        if to is not None:
            message["recipient"] = [party_reference(to)]
        return message | {"payload": [{"contentString": text.strip()}]}

    def cancellation_request(self, reason: str) -> Resource:
        """The Task that asks the performer of the item's Task to stop."""
        task = self._task("", {"coding": [{"system": codes.TASK_CODE_HL7, "code": codes.ABORT}]})
        task["focus"] = {"reference": (self.item.target or self.item.anchor).reference}
        task["reasonCode"] = {"text": reason}
        if self.item.owner is not None:
            task["owner"] = party_reference(self.item.owner)
        return task

    def triage(self, level: str, *, at_risk: bool) -> Resource:
        """The Observation of a triage: crisis, urgent or routine, and the risk of harm."""
        key = self.new_id()
        about = {"reference": self.item.anchor.reference}
        risk = {
            "code": {"coding": [{"system": codes.TRIAGE, "code": codes.TRIAGE_RISK}]},
            "valueBoolean": at_risk,
        }
        triage: Resource = {
            "resourceType": "Observation",
            "id": key,
            "identifier": [{"system": codes.IDENTIFIER, "value": key}],
            "status": "final",
            "code": {"coding": [{"system": codes.TRIAGE, "code": "triage"}], "text": "Triage"},
            "subject": self.client,
            "basedOn" if self.item.anchor.type == "ServiceRequest" else "focus": [about],
            "effectiveDateTime": iso(self.now),
            "valueCodeableConcept": {
                "coding": [{"system": codes.TRIAGE, "code": level}],
                "text": level,
            },
            "component": [risk],
        }
        return triage | ({"performer": [self._me]} if self.us.me else {})

    def appointment(self, start: str) -> Resource:
        """A booked visit of the client with one of us: with who has the item, else with me."""
        key, item = self.new_id(), self.item
        owner = item.owner if item.owner and item.owner.ours else None
        person = owner and owner.reference.startswith("Practitioner")
        who = party_reference(owner) if owner and person else self._me if self.us.me else None
        begins = datetime.fromisoformat(start)
        about = {"reference": item.anchor.reference}
        actors = [self.client, *([who] if who else [])]
        return {
            "resourceType": "Appointment",
            "id": key,
            "identifier": [{"system": codes.IDENTIFIER, "value": key}],
            "status": "booked",
            # R4 knows only a request as the base of an Appointment.
            "basedOn" if item.anchor.type == "ServiceRequest" else "supportingInformation": [about],
            "created": iso(self.now),
            "start": iso(begins),
            "end": iso(begins + _VISIT),  # R4 asks for both, and the person was asked for one
            "participant": [{"actor": actor, "status": "accepted"} for actor in actors],
        }

    def _communication(self) -> Resource:
        """The elements of every Communication of ours."""
        item, key = self.item, self.new_id()
        about = [ref.reference for ref in (item.target, item.anchor) if ref is not None]
        communication: Resource = {
            "resourceType": "Communication",
            "id": key,
            "identifier": [{"system": codes.IDENTIFIER, "value": key}],
            "about": [{"reference": reference} for reference in dict.fromkeys(about)],
            "sent": iso(self.now),
        }
        if item.client.reference:
            communication["subject"] = self.client
        if self.us.me:
            communication["sender"] = self._me
        return communication

    def _task(self, identifier: str, code: dict[str, Any]) -> Resource:
        """The elements of every Task of ours. Its id is ours until the server gives one."""
        key = self.new_id()
        task: Resource = {
            "resourceType": "Task",
            "id": key,
            "identifier": [{"system": codes.IDENTIFIER, "value": identifier or key}],
            "status": "requested",
            "intent": "order",
            "priority": "routine",
            "code": code,
            "authoredOn": iso(self.now),
            "lastModified": iso(self.now),
        }
        if self.item.client.reference:
            task["for"] = self.client
        if self.us.me:
            task["requester"] = self._me
        return task

    @property
    def _me(self) -> dict[str, str]:
        return reference_to(self.us.me, self.us.my_name)

    @property
    def client(self) -> dict[str, str]:
        """The client, as Reference."""
        client = self.item.client
        name = client.text or f"{client.given} {client.family}".strip()
        return reference_to(client.reference, name)


def reference_to(reference: str, name: str) -> dict[str, str]:
    """A FHIR Reference, with a display where there is a name."""
    return {"reference": reference, "display": name} if name else {"reference": reference}


def party_reference(party: Party) -> dict[str, str]:
    """A FHIR Reference to a party, which may be known by its name alone."""
    if party.reference:
        return reference_to(party.reference, party.name)
    return {"display": party.name}


def _code(referral: bool) -> dict[str, Any]:
    if referral:
        return {"coding": [{"system": codes.TASK_CODE_HL7, "code": codes.FULFILL}]}
    coding = {"system": codes.TASK_CODE, "code": codes.FOLLOW_UP, "display": "Follow-up"}
    return {"coding": [coding]}


def _input(code: str, text: str) -> dict[str, Any]:
    coding = {"system": codes.HANDOFF_INPUT, "code": code}
    return {"type": {"coding": [coding]}, "valueString": text}
