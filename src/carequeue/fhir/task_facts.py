"""Facts from a Task alone: direction, priority, due date, whether it waits, expired, was decided.

In:  parties, or a Task. Out: plain values.
Not here: the chart around it (`chart_reader.py`), the move (the modules of the kinds).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from carequeue.domain.items import Direction, Party, Priority
from carequeue.fhir import codes, values

_UTC: Final = ZoneInfo("UTC")


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


def set_due(task: dict[str, Any], until: str) -> None:
    """Make an instant the due date (R4: the end of `Task.restriction.period`); the rest of the
    restriction stays, but no start after the end (invariant per-1).
    """
    restriction = values.get(task, "restriction")
    restriction = restriction if isinstance(restriction, dict) else {}
    period = values.get(restriction, "period")
    period = dict(period) if isinstance(period, dict) else {}
    start, end = (values.instant(text, _UTC) for text in (period.get("start"), until))
    if start and end and end < start:
        del period["start"]
    task["restriction"] = {**restriction, "period": {**period, "end": until}}


def is_due(task: Any, until: str) -> bool:
    """True if the due date is this instant, however it is spelled."""
    written = values.instant(values.get(task, "restriction.period.end"), _UTC)
    return written is not None and written == values.instant(until, _UTC)


def lines_of(*parts: str) -> Iterator[str]:
    """The parts that are not empty."""
    return (part.strip() for part in parts if part.strip())


def is_companion(task: Any) -> bool:
    """True if a Task of ours stands for an item that had none: its identifier is that item's key,
    a type and an id (`new_resources.py`).
    """
    return "/" in values.identifier_value(task, codes.IDENTIFIER)
