"""Handoffs: a Task that asks a person or a team to take over a client, with its I-PASS content.

In:  a Task of our own code. Out: a `WorkItem`, or None once the receiver has read it back.
Why accepted is not enough: I-PASS counts a handoff as complete when the receiver has repeated it
back; a status alone does not show that anybody read it (N Engl J Med 2014;371:1803, synthesis by
receiver).
Not here: writing one (`new_resources.py`).
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.domain.items import Kind, Party, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader, Facts, ItemParts, due_of, move_to, party_name
from carequeue.fhir.task_facts import awaiting_information, decided, direction_of, lines_of

_ACCEPTED: Final = frozenset({"accepted", "in-progress", "on-hold", "ready"})
_WORDS: Final = (codes.SUMMARY, codes.ACTIONS, codes.CONTINGENCY)


def is_handoff(task: Resource) -> bool:
    """True if a Task asks somebody to take over a client."""
    return values.has_code(task.get("code"), codes.HANDOFF, codes.TASK_CODE)


def from_task(reader: ChartReader, task: Resource) -> WorkItem | None:
    """The row of a handoff that nobody has accepted yet, or that came back to its sender."""
    status = values.text(task, "status")
    requester = reader.party(task.get("requester"), task)
    owner = reader.party(task.get("owner"), task)
    back = status in ("rejected", "failed") and bool(requester and requester.ours)
    read_back = has_read_back(task)
    if status == "draft" or (status in codes.TASK_CLOSED and not (back and not decided(task))):
        return None
    if status in _ACCEPTED and read_back:
        return None
    facts = _facts(reader, task, requester, back)
    return reader.item(
        task,
        facts,
        ItemParts(
            key=reader.key(task),
            kind=Kind.HANDOFF,
            title=_title(task, requester, owner, back),
            move=move_to(
                requester if back or awaiting_information(task) else owner,
                facts.times.get("answered_at"),
            ),
            anchor=task,
            subject=task.get("for"),
            task=task,
            direction=direction_of(requester, owner),
            requester=requester,
            owner=owner,
            about="\n".join(lines_of(*(content(task, code) for code in _WORDS))),
        ),
    )


def content(task: Any, code: str) -> str:
    """One I-PASS part of a handoff, by its input code."""
    for input_part in values.objects(task, "input"):
        if values.has_code(input_part.get("type"), code, codes.HANDOFF_INPUT):
            return values.text(input_part, "valueString")
    return ""


def severity(task: Any) -> str:
    """Illness severity: stable if none is given, watcher if it cannot be read."""
    text = content(task, codes.SEVERITY).strip().casefold()
    if not text:
        return "stable"
    return text if text in codes.SEVERITIES else "watcher"


def has_read_back(task: Any) -> bool:
    """True if the receiver repeated the handoff back."""
    kinds = (output.get("type") for output in values.objects(task, "output"))
    return any(values.has_code(kind, codes.READ_BACK, codes.HANDOFF_INPUT) for kind in kinds)


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


def _facts(reader: ChartReader, task: Resource, requester: Party | None, back: bool) -> Facts:
    facts = Facts()
    start = reader.start(facts, task, values.text(task, "authoredOn"))
    changed = reader.when(values.text(task, "lastModified")) or start
    accepted = values.text(task, "status") in _ACCEPTED
    asked = awaiting_information(task)
    ours = bool(requester and requester.ours)
    facts.add_times(
        authored_at=start,
        sent_at=start,
        accepted_at=changed if accepted else None,
        declined_at=changed if back else None,
        info_asked_at=changed if asked and ours and not back else None,
        answered_at=changed if accepted or back or asked else None,
    )
    facts.add_flag("open", not back)
    facts.add_flag("accepted", accepted)
    facts.add_flag(f"severity:{severity(task)}")
    due_of(reader, facts, task, {})
    return facts


def _title(task: Resource, requester: Party | None, owner: Party | None, back: bool) -> str:
    sender, receiver = party_name(requester, "a colleague"), party_name(owner, "nobody yet")
    if back:
        return f"Find somebody else: {receiver} cannot take this client over"
    if awaiting_information(task):
        return f"Answer {receiver}’s question on the handoff"
    if requester and requester.me and owner and not owner.me:
        return f"{receiver} to acknowledge your handoff"
    return f"Acknowledge handoff from {sender}"
