"""What a partner is told when an act is undone that the partner may have seen, in words. Pure.

In:  an undone intent, the state of its Task afterwards. Out: who is told, and a sentence.
Why by the intent and not by the verb: the partner saw what was written, whatever the key was. Told
are: a change of status; a message; a Task that the partner owns. Notes, owners among us and our own
contacts with the client are no message to anybody.
Why no name of the client is in the words: the Communication says whom it is about, and a preview on
the partner's phone must not.
Not here: that what was undone had left (`worklist/partner_notices.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Kind, Party, Us, WorkItem
from carequeue.domain.spoken_dates import MONTHS
from carequeue.fhir import codes, intent_effects, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.partner_messages import is_cancellation_request, is_message
from carequeue.fhir.task_facts import is_companion

#: What we had done to a Task, by the status that we gave it.
_DID: Final[Mapping[str, str]] = {
    "rejected": "declined",
    "cancelled": "cancelled",
    "completed": "marked as done",
    "failed": "marked as failed",
    "accepted": "accepted it",
    "in-progress": "started it",
    "on-hold": "put it on hold",
    "received": "received it",
}
_NOUNS: Final[Mapping[str, str]] = {Kind.REFERRAL: "referral", Kind.HANDOFF: "handoff"}
_PEOPLE: Final = ("Patient/", "RelatedPerson/")


def changes_status(intent: Intent) -> bool:
    """Whether an act gave a Task another status, which its undo puts back."""
    if intent.kind is not IntentKind.SET_STATUS or "status" not in intent_effects.unit(intent):
        return False
    return str(intent.seen.get("status")) != str(intent.args["to"])


def is_told_message(resource: Resource) -> bool:
    """True if a Communication of ours reached a partner in writing; a call is over."""
    return is_message(resource) and not values.has_code(
        resource.get("category"), codes.CALL, codes.MESSAGE
    )


def may_be_told(intent: Intent) -> bool:
    """Whether the undo of an act may have to be told to somebody."""
    if intent.kind is not IntentKind.CREATE:
        return changes_status(intent)
    resource = intent.args["resource"]
    if intent.target_type == "Communication":
        return is_told_message(resource)
    return intent.target_type == "Task" and not is_companion(resource)


def told_of(intent: Intent, item: WorkItem | None, us: Us, base_url: str) -> tuple[Party, ...]:
    """The partners who are told of the undo. `item`: of a change of status, its item afterwards."""
    if intent.kind is IntentKind.CREATE:
        resource = intent.args["resource"]
        named = values.objects(resource, "recipient") or [values.get(resource, "owner")]
        parties = [_party(reference, us, base_url) for reference in named]
    elif item is None or item.kind is Kind.AUTHORIZATION:  # a payer asked for nothing
        parties = []
    else:
        parties = [item.requester, item.owner]
    outside = [party for party in parties if party is not None and not party.ours]
    return tuple(party for party in outside if not party.reference.startswith(_PEOPLE))


def sentence(intent: Intent, item: WorkItem | None, zone: ZoneInfo) -> str:
    """What the partner is told of the undo."""
    if intent.kind is not IntentKind.CREATE:
        return _of_status(intent, item)
    resource = intent.args["resource"]
    if intent.target_type == "Communication":
        sent = _date(resource.get("sent"), zone)
        return f"Our message{sent} was withdrawn. Please disregard it."
    asked = _date(resource.get("authoredOn"), zone)
    if is_cancellation_request(resource):
        return f"Our request{asked} to stop was withdrawn. Please go on."
    return f"Our request{asked} was withdrawn. Please do not act on it."


def _of_status(intent: Intent, item: WorkItem | None) -> str:
    """A reopening only where the act had closed the Task."""
    noun = _NOUNS.get(item.kind, "task") if item else "task"
    held = item is not None and item.status == "on-hold"
    to = str(intent.args["to"])
    resumed = intent.seen.get("status") == "on-hold" and to not in codes.TASK_CLOSED
    did = "taken it up again" if resumed else _DID.get(to, f"set it to {to}")
    if to in codes.TASK_CLOSED:
        return f"We reopened this {noun}, which we had {did}.{' It is on hold again.' * held}"
    state = "on hold" if held else "open"
    return f"This {noun} is {state} again. Please disregard that we had {did}."


def about(intent: Intent) -> Sequence[str]:
    """References of what the sentence is about; none: it is about the item."""
    if intent.kind is not IntentKind.CREATE:
        return ()
    if intent.target_type != "Communication":
        return (f"{intent.target_type}/{intent.target_id}",)
    named = values.objects(intent.args["resource"], "about")
    return tuple(values.text(reference, "reference") for reference in named)


def _party(reference: Any, us: Us, base_url: str) -> Party | None:
    known = values.reference(reference, base_url)
    name = values.squeeze(values.text(reference, "display")) or known
    return Party(known, name, us.is_ours(known)) if name else None


def _date(written: Any, zone: ZoneInfo) -> str:
    """` of March 9, 2026`; "" for no date."""
    at: datetime | None = values.instant(written, zone)
    if at is None:
        return ""
    local = at.astimezone(zone)
    return f" of {MONTHS[local.month - 1].title()} {local.day}, {local.year}"
