"""Handoffs: a Task that asks a person or a team to take a client over, with its I-PASS content.

In:  a Task of our own code. Out: a `WorkItem`, or None once the receiver has read it back.
Why accepted is not enough: I-PASS counts a handoff as made when the receiver has said back what
was handed over; a status alone does not show that anybody read it (N Engl J Med
2014;371:1803, synthesis by receiver).
Not here: writing one (`new_resources.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from carequeue.domain.items import Kind, Move, Party, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import Findings, Reading, due_of, move_to, party_name
from carequeue.fhir.task_facts import awaiting_information, decided, direction_of, lines_of

_ACCEPTED: Final = frozenset({"accepted", "in-progress", "on-hold", "ready"})
_WORDS: Final = (codes.SUMMARY, codes.ACTIONS, codes.CONTINGENCY)


def is_handoff(task: Resource) -> bool:
    """Whether a Task asks somebody to take a client over."""
    return values.has_code(task.get("code"), codes.HANDOFF, codes.TASK_CODE)


def from_task(reading: Reading, task: Resource) -> WorkItem | None:
    """The row of a handoff that nobody has taken yet, or that came back to its sender."""
    status = values.text(task, "status")
    requester = reading.party(task.get("requester"), task)
    owner = reading.party(task.get("owner"), task)
    back = status in ("rejected", "failed") and bool(requester and requester.ours)
    read_back = has_read_back(task)
    if status == "draft" or (status in codes.TASK_CLOSED and not (back and not decided(task))):
        return None
    if status in _ACCEPTED and read_back:
        return None
    found = _findings(reading, task, requester, back)
    return reading.item(
        task,
        found,
        key=reading.key(task),
        kind=Kind.HANDOFF,
        title=_title(task, requester, owner, back),
        move=_move(task, requester, owner, back, found.facts.get("answered_at")),
        anchor=task,
        subject=task.get("for"),
        task=task,
        direction=direction_of(requester, owner),
        requester=requester,
        owner=owner,
        about="\n".join(lines_of(*(content(task, each) for each in _WORDS))),
    )


def content(task: Any, code: str) -> str:
    """One I-PASS part of a handoff, by its input code."""
    for each in values.objects(task, "input"):
        if values.has_code(each.get("type"), code, codes.HANDOFF_INPUT):
            return values.text(each, "valueString")
    return ""


def severity(task: Any) -> str:
    """Illness severity: stable where nothing is said, watcher where it cannot be read."""
    said = content(task, codes.SEVERITY).strip().casefold()
    if not said:
        return "stable"
    return said if said in codes.SEVERITIES else "watcher"


def has_read_back(task: Any) -> bool:
    """Whether the receiver said back what was handed over."""
    outputs = values.objects(task, "output")
    return any(
        values.has_code(o.get("type"), codes.READ_BACK, codes.HANDOFF_INPUT) for o in outputs
    )


def read_back(task: Any, receiver: str) -> str:
    """The content of a handoff, as its receiver reads it back.

    The receiver's own words are better; these say at least what was read.
    """
    parts = (
        ("Severity", severity(task)),
        ("Summary", content(task, codes.SUMMARY)),
        ("To do", content(task, codes.ACTIONS)),
        ("What if", content(task, codes.CONTINGENCY)),
    )
    heard = "; ".join(f"{name}: {text}" for name, text in parts if text)
    return f"Read back by {receiver or 'the receiver'}. {heard}"


def _findings(reading: Reading, task: Resource, requester: Party | None, back: bool) -> Findings:
    found = Findings()
    start = reading.start(found, task, values.text(task, "authoredOn"))
    changed = reading.when(values.text(task, "lastModified")) or start
    accepted = values.text(task, "status") in _ACCEPTED
    found.put("authored_at", start)
    found.put("sent_at", start)
    found.put("accepted_at", changed if accepted else None)
    found.put("declined_at", changed if back else None)
    asked = awaiting_information(task)
    ours = bool(requester and requester.ours)
    found.put("info_asked_at", changed if asked and ours and not back else None)
    found.put("answered_at", changed if accepted or back or asked else None)
    found.mark("open", not back)
    found.mark("accepted", accepted)
    found.mark(f"severity:{severity(task)}")
    due_of(reading, found, task, {})
    return found


def _move(
    task: Resource, requester: Party | None, owner: Party | None, back: bool, since: datetime | None
) -> Move:
    return move_to(requester if back or awaiting_information(task) else owner, since)


def _title(task: Resource, requester: Party | None, owner: Party | None, back: bool) -> str:
    sender, receiver = party_name(requester, "a colleague"), party_name(owner, "nobody yet")
    if back:
        return f"Find somebody else: {receiver} cannot take this client over"
    if awaiting_information(task):
        return f"Answer {receiver}’s question on the handoff"
    if requester and requester.me and owner and not owner.me:
        return f"{receiver} to acknowledge your handoff"
    return f"Acknowledge handoff from {sender}"
