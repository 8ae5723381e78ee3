"""Messages between us and a partner about a Task: reminders, answers, requests to stop.

In:  a chart and one Task of it. Out: instants and flags of that Task's row.
Why by the state that a reminder was sent in: servers touch `Task.lastModified` for every change, so
it cannot say whether the request is still as it was when the partner was reminded.
Not here: contacts with the client (`contacts.py`), what our verbs write (`new_resources.py`).
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Final

from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.our_directory import own_reference

#: Flags of a row by the status of the Task that asks the partner to stop (COW). A partner who stops
#: ends our own Task, which needs no flag.
_ANSWERS: Final = {
    "requested": "withdrawal:asked",
    "received": "withdrawal:asked",
    "accepted": "withdrawal:asked",
    "in-progress": "withdrawal:asked",
    "rejected": "withdrawal:refused",
    "failed": "withdrawal:refused",
}
WITHDRAWALS: Final = frozenset(_ANSWERS.values())


def is_message(communication: Resource) -> bool:
    """True if a Communication is our message, or call, to somebody who is not the client."""
    category = values.codings(communication.get("category"))
    return any(coding.system == codes.MESSAGE for coding in category)


def reminded(reader: ChartReader, about: Set[str], status: str) -> datetime | None:
    """When the partner was last reminded or called about one of these in this state; or None."""
    sent = [
        reader.when(values.text(message, "sent"))
        for message in reader.of("Communication")
        if reader.refs(message, "about") & about and _chases(message) and _state(message) == status
    ]
    return max(filter(None, sent), default=None)


def _chases(message: Resource) -> bool:
    """True for a reminder that was sent, and for a call, answered or not."""
    category, status = message.get("category"), values.text(message, "status")
    reminds = values.has_code(category, codes.REMINDER, codes.MESSAGE) and status == "completed"
    calls = values.has_code(category, codes.CALL, codes.MESSAGE)
    return reminds or (calls and status in ("completed", "not-done"))


def _state(message: Resource) -> str:
    """The status of the Task when a message was sent; "" for a request without a Task."""
    category = values.codings(message.get("category"))
    return next((coding.code for coding in category if coding.system == codes.TASK_STATUS), "")


def last_from_partner(reader: ChartReader, about: Set[str]) -> datetime | None:
    """When somebody outside of our organization last wrote about one of these; None if never."""
    sent = []
    for message in reader.of("Communication"):
        sender = reader.party(message.get("sender"), message)
        if sender is None or sender.ours or not reader.refs(message, "about") & about:
            continue
        if values.text(message, "status") == "completed":
            sent.append(reader.when(values.text(message, "sent")) or reader.updated(message))
    return max(filter(None, sent), default=None)


def is_cancellation_request(task: Resource) -> bool:
    """True if a Task asks the performer of another Task to stop (COW)."""
    return values.has_code(task.get("code"), codes.ABORT, codes.TASK_CODE_HL7)


def withdrawal(reader: ChartReader, task: Resource) -> tuple[str, datetime | None]:
    """The flag of the latest request to stop a Task, and when it was sent; "" if none holds."""
    mine = own_reference(task)
    asks = [
        ask
        for ask in reader.of("Task")
        if is_cancellation_request(ask) and mine and reader.ref(ask.get("focus")) == mine
    ]
    if not asks:
        return "", None
    latest = max(asks, key=lambda ask: values.text(ask, "authoredOn"))
    flag = _ANSWERS.get(values.text(latest, "status"), "")
    return flag, reader.when(values.text(latest, "authoredOn"))
