"""What a verb means as changes of resources: an ordered group of drafts of intents.

In:  the verb, the item, the person's answers, `Us`, now. Out: drafts that need ids and a place in
the outbox, nothing more. Each changes one resource; `after` says which must be on the server first.
Why a Task is created first where an item has none (a lone request, a stay, an authorization): a
decision needs a place that others see. Its identifier is the item's own key, so that two people's
clients make one Task and not two.
Not here: whether a verb applies (`domain/allowed.py`), what it asks (`worklist/verbs.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentKind
from carequeue.domain.items import Kind, Party, Us, WorkItem
from carequeue.fhir import codes, handoff, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_effects import iso

_TEAMS: Final = ("CareTeam/", "Organization/", "HealthcareService/")
_NOT_REACHED: Final = {"left message": codes.LEFT_MESSAGE, "no answer": codes.NO_ANSWER}
_PRIORITY: Final = {"unstable": "stat", "watcher": "urgent"}


@dataclass(frozen=True, slots=True)
class Draft:
    """One intent to be. `after` is the index of an earlier draft of the same group."""

    target_type: str
    target_id: str
    kind: IntentKind
    args: dict[str, Any]
    after: int | None


@dataclass(frozen=True, slots=True)
class _Case:
    """All that the verbs read, so that each of them is a few lines."""

    item: WorkItem
    answers: Mapping[str, str]
    us: Us
    now: datetime
    new_id: Callable[[], str]
    task: Resource

    @property
    def me(self) -> dict[str, str]:
        if not self.us.me:
            raise BadQuestion("Nothing was changed: the profile does not say who you are.")
        return _reference(self.us.me, self.us.my_name)

    def answer(self, name: str) -> str:
        given = self.answers.get(name, "").strip()
        if not given:
            raise BadQuestion(f"Nothing was changed: the answer to {name!r} is missing.")
        return given

    def whom(self) -> dict[str, str]:
        reference, _, name = self.answer("to").partition("|")
        if not values.reference({"reference": reference}):
            raise BadQuestion("Nothing was changed: choose somebody from the list.")
        return _reference(reference, name)


def drafts(
    verb: str,
    item: WorkItem,
    answers: Mapping[str, str],
    us: Us,
    now: datetime,
    new_id: Callable[[], str],
    base_task: Resource | None,
) -> tuple[Draft, ...]:
    """The group of intents that a verb means for one item.

    `base_task` is the item's Task as the person saw it, where it has one; `new_id` gives ids for
    what is created. Raises BadQuestion, and means nothing, for a verb that changes no item, or
    where an answer is missing or cannot be read.
    """
    case = _Case(item, answers, us, now, new_id, base_task or {})
    if verb in _CREATING:
        return _CREATING[verb](case)
    if verb not in _CHANGING:
        raise BadQuestion(f"Nothing was changed: {verb!r} is no verb for an item.")
    kind, args = _CHANGING[verb](case)
    if item.target is not None:
        return (Draft("Task", item.target.id, kind, args, None),)
    first = _create(case, _companion(case))
    return (first, Draft("Task", first.target_id, kind, args, 0))


_Change = tuple[IntentKind, dict[str, Any]]


def _accept(case: _Case) -> _Change:
    args: dict[str, Any] = {"to": "accepted"}
    if case.item.kind is Kind.HANDOFF:
        args |= {"owner": case.me, "output": case.answers.get("read_back") or _read_back(case)}
    elif case.us.me and _unclaimed(case.item.owner):
        args["owner"] = case.me
    return IntentKind.SET_STATUS, args


def _decline(case: _Case) -> _Change:
    return IntentKind.SET_STATUS, {"to": "rejected", "reason": case.answer("reason")}


def _claim(case: _Case) -> _Change:
    return IntentKind.ASSIGN, {"owner": case.me}


def _assign(case: _Case) -> _Change:
    return IntentKind.ASSIGN, {"owner": case.whom()}


def _done(case: _Case) -> _Change:
    """Completed; what a partner ended stays as it ended, and is marked as decided by us."""
    if case.item.status in codes.TASK_NOT_DONE:
        coding = {"system": codes.BUSINESS_STATUS, "code": codes.DECIDED, "display": "Decided"}
        decided = {"coding": [coding]}
        return IntentKind.SET_STATUS, {"to": case.item.status, "business_status": decided}
    return IntentKind.SET_STATUS, {"to": "completed"}


def _snooze(case: _Case) -> _Change:
    return IntentKind.SNOOZE, {"until": case.answer("until")}


def _note(case: _Case) -> _Change:
    return IntentKind.ADD_NOTE, {"text": case.answer("text")}


def _prioritize(case: _Case) -> _Change:
    return IntentKind.SET_PRIORITY, {"to": case.answer("to")}


_CHANGING: Final[Mapping[str, Callable[[_Case], _Change]]] = {
    "accept": _accept,
    "decline": _decline,
    "claim": _claim,
    "assign": _assign,
    "done": _done,
    "snooze": _snooze,
    "note": _note,
    "priority": _prioritize,
}


def _log(case: _Case) -> tuple[Draft, ...]:
    """The contact; where it is what the Task asked for, the Task is completed after it."""
    outcome = case.answer("outcome")
    if outcome != "reached" and outcome not in _NOT_REACHED:
        raise BadQuestion(f"Nothing was changed: a contact is not {outcome!r}.")
    contact = _create(case, _communication(case, outcome))
    asked = "discharge" in case.item.flags or values.has_code(
        case.task.get("code"), codes.MAKE_CONTACT
    )
    target = case.item.target
    if outcome != "reached" or not asked or target is None or case.item.kind is not Kind.FOLLOW_UP:
        return (contact,)
    completed = {"to": "completed"}
    done = Draft("Task", target.id, IntentKind.SET_STATUS, completed, 0)
    return (contact, done)


def _hand_off(case: _Case) -> tuple[Draft, ...]:
    return (_create(case, _handoff_task(case)),)


def _new(case: _Case) -> tuple[Draft, ...]:
    return (_create(case, _own_task(case)),)


_CREATING: Final[Mapping[str, Callable[[_Case], tuple[Draft, ...]]]] = {
    "log": _log,
    "handoff": _hand_off,
    "new": _new,
}


def _create(case: _Case, resource: Resource) -> Draft:
    kind, key = resource["resourceType"], resource["id"]
    return Draft(kind, key, IntentKind.CREATE, {"resource": resource}, None)


def _task(case: _Case, identifier: str, code: dict[str, Any]) -> Resource:
    """What every Task of ours has. Its id is ours until the server gives one."""
    task: Resource = {
        "resourceType": "Task",
        "id": case.new_id(),
        "identifier": [{"system": codes.IDENTIFIER, "value": identifier}],
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": code,
        "authoredOn": iso(case.now),
        "lastModified": iso(case.now),
    }
    task["identifier"][0]["value"] = identifier or task["id"]
    client = case.item.client.reference
    if client:
        task["for"] = _reference(client, _client_name(case.item))
    if case.us.me:
        task["requester"] = case.me
    return task


def _companion(case: _Case) -> Resource:
    """The Task for an item that has none: what it is about, for whom, and whose it is so far."""
    item = case.item
    referral = item.kind is Kind.REFERRAL
    task = _task(case, item.key.removeprefix(f"{item.source}:"), _code(referral))
    task["priority"] = item.priority.value
    task["description"] = item.title
    about = {"reference": item.anchor.reference}
    task["extension"] = [{"url": codes.ABOUT, "valueReference": about}]
    if referral:
        task["focus"] = dict(about)
        # The words of the ask stay with the ask: the title is our reading of it.
        task.pop("description")
        if item.requester and item.requester.reference:
            task["requester"] = _reference(item.requester.reference, item.requester.name)
    if item.owner and item.owner.reference:
        task["owner"] = _reference(item.owner.reference, item.owner.name)
    return task


def _handoff_task(case: _Case) -> Resource:
    item, severity = case.item, case.answers.get("severity") or "stable"
    coding = {"system": codes.TASK_CODE, "code": codes.HANDOFF, "display": "Handoff"}
    task = _task(case, "", {"coding": [coding]})
    task["priority"] = _PRIORITY.get(severity, "routine")
    task["focus"] = {"reference": (item.target or item.anchor).reference}
    task["owner"] = case.whom()
    said = (
        (codes.SEVERITY, severity),
        (codes.SUMMARY, case.answer("summary")),
        (codes.ACTIONS, case.answers.get("actions", "").strip()),
        (codes.CONTINGENCY, case.answers.get("contingency", "").strip()),
    )
    task["input"] = [_input(code, words) for code, words in said if words]
    return task


def _own_task(case: _Case) -> Resource:
    """A follow-up of our own: the one Task on which we write a due date: a server may
    read a due date as an expiry, so none is written on a Task that is not ours.
    """
    task = _task(case, "", _code(referral=False))
    task["status"] = "accepted"
    task["description"] = case.answer("text")
    task["restriction"] = {"period": {"end": case.answer("until")}}
    if case.us.me:
        task["owner"] = case.me
    return task


def _communication(case: _Case, outcome: str) -> Resource:
    item, key = case.item, case.new_id()
    about = [ref.reference for ref in (item.target, item.anchor) if ref is not None]
    code = _NOT_REACHED.get(outcome, codes.REACHED)
    coding = {"system": codes.CONTACT_OUTCOME, "code": code, "display": outcome}
    contact: Resource = {
        "resourceType": "Communication",
        "id": key,
        "identifier": [{"system": codes.IDENTIFIER, "value": key}],
        "status": "not-done" if outcome in _NOT_REACHED else "completed",
        # R4 has no element for the outcome of a contact; this is "reason for current status".
        "statusReason": {"coding": [coding], "text": outcome},
        "about": [{"reference": each} for each in dict.fromkeys(about)],
        "sent": iso(case.now),
    }
    if item.client.reference:
        client = _reference(item.client.reference, _client_name(item))
        contact |= {"subject": client, "recipient": [dict(client)]}
    if case.us.me:
        contact["sender"] = case.me
    if case.answers.get("text", "").strip():
        contact["payload"] = [{"contentString": case.answers["text"].strip()}]
    return contact


def _read_back(case: _Case) -> str:
    """The receiver's own words are better; these say at least what was read."""
    said = (
        ("Severity", handoff.severity(case.task)),
        ("Summary", handoff.content(case.task, codes.SUMMARY)),
        ("To do", handoff.content(case.task, codes.ACTIONS)),
        ("What if", handoff.content(case.task, codes.CONTINGENCY)),
    )
    heard = "; ".join(f"{name}: {words}" for name, words in said if words)
    return f"Read back by {case.us.my_name or 'the receiver'}. {heard}"


def _unclaimed(owner: Party | None) -> bool:
    """Whether accepting makes it mine: nobody's, or a team's or the organization's of ours."""
    return owner is None or (owner.ours and owner.reference.startswith(_TEAMS))


def _code(referral: bool) -> dict[str, Any]:
    if referral:
        return {"coding": [{"system": codes.TASK_CODE_HL7, "code": codes.FULFILL}]}
    coding = {"system": codes.TASK_CODE, "code": codes.FOLLOW_UP, "display": "Follow-up"}
    return {"coding": [coding]}


def _input(code: str, words: str) -> dict[str, Any]:
    coding = {"system": codes.HANDOFF_INPUT, "code": code}
    return {"type": {"coding": [coding]}, "valueString": words}


def _client_name(item: WorkItem) -> str:
    client = item.client
    return client.text or f"{client.given} {client.family}".strip()


def _reference(reference: str, name: str) -> dict[str, str]:
    return {"reference": reference, "display": name} if name else {"reference": reference}
