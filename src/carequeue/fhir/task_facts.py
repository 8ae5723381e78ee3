"""Facts from a Task alone: direction, priority, whether it waits, expired, or was decided.

In:  parties, or a Task. Out: plain values.
Not here: the chart around it (`chart_reader.py`), the move (the modules of the kinds).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from carequeue.domain.items import Direction, Party, Priority
from carequeue.fhir import codes, values


def direction_of(requester: Party | None, owner: Party | None) -> Direction:
    """Whether a request came in, went out, or stays among us (or among others)."""
    if requester is not None and requester.ours:
        return Direction.OUTBOUND if owner is not None and not owner.ours else Direction.INTERNAL
    if owner is not None and owner.ours:
        return Direction.INBOUND
    return Direction.INBOUND if owner is None and requester is not None else Direction.INTERNAL


def priority_of(*resources: Any) -> Priority:
    """The first priority that is given; an unknown one is routine."""
    for resource in resources:
        code = values.text(resource, "priority")
        if code in set(Priority):
            return Priority(code)
    return Priority.ROUTINE


def awaiting_information(task: Any) -> bool:
    """True if the receiver waits for an answer (COW: received + businessStatus)."""
    status = values.get(task, "businessStatus")
    words = values.concept_text(status).casefold().replace("-", " ")
    return values.has_code(status, codes.AWAITING_INFORMATION) or "awaiting information" in words


def expired(task: Any) -> bool:
    """True if a job cancelled the Task because its time was over: that does not count as done."""
    reason = values.get(task, "statusReason")
    texts = [values.concept_text(reason), *(coding.code for coding in values.codings(reason))]
    return values.text(task, "status") == "cancelled" and any("expired" in w.lower() for w in texts)


def decided(task: Any) -> bool:
    """True if one of us has decided about a request that was not done."""
    status = values.get(task, "businessStatus")
    return values.has_code(status, codes.DECIDED, codes.BUSINESS_STATUS)


def lines_of(*parts: str) -> Iterator[str]:
    """The parts that are not empty."""
    return (part.strip() for part in parts if part.strip())


def is_companion(task: Any) -> bool:
    """True if a Task of ours stands for an item that had none: its identifier is that item's key,
    a type and an id (`new_resources.py`).
    """
    return "/" in values.identifier_value(task, codes.IDENTIFIER)
