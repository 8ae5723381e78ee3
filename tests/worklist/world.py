"""Dana's queue with one item of each sort, and the keys by which the tests call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import intent_effects
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.worklist.outbox_desk import OutboxDesk
from carequeue.worklist.results import Acted
from tests.fhir.clinic import (
    CLINIC,
    DANA,
    HARBOR,
    NOEL,
    NOW,
    handoff,
    ref,
    referral,
    request,
    stay,
    task,
)
from tests.store.cache import SOURCE, WRITABLE, Cache, clinic_of_dana

FOLLOW_UP: Final = "main:Task/t1"
REFERRAL: Final = "main:Task/r1"
SENT: Final = "main:Task/r2"
HANDOFF: Final = "main:Task/h1"
LONE: Final = "main:ServiceRequest/s3"
DISCHARGE: Final = "main:discharge-contact:Encounter/e1"

WORLD: Final[list[dict[str, Any]]] = [
    task("t1", owner=ref(DANA), requester=ref(NOEL), description="Call about the group"),
    referral(id="r1", owner="CareTeam/access"),
    request(),
    referral(CLINIC, HARBOR, id="r2", focus=ref("ServiceRequest/s2")),
    request("s2", requester=ref(CLINIC)),
    request("s3", requester=ref(HARBOR), code={"text": "Lone request"}),
    handoff(),
    stay(),
]
#: A Task with a crisis clock: a request for the mobile team, which nobody has answered.
CRISIS: Final = "main:Task/c9"
IN_CRISIS: Final[list[dict[str, Any]]] = [
    request("s9", priority="stat", requester=ref(HARBOR)),
    referral(id="c9", focus=ref("ServiceRequest/s9"), priority="stat"),
    {
        "resourceType": "Observation",
        "id": "triage-9",
        "status": "final",
        "code": {"coding": [{"system": "https://carequeue.dev/fhir/CodeSystem/triage"}]},
        "subject": ref("Patient/c1"),
        "basedOn": [ref("ServiceRequest/s9")],
        "effectiveDateTime": "2026-03-09T13:00:00Z",
        "valueCodeableConcept": {
            "coding": [{"system": "https://carequeue.dev/fhir/CodeSystem/triage", "code": "crisis"}]
        },
    },
]


#: An answer to every question that a verb asks.
ANSWERS: dict[str, dict[str, str]] = {
    "decline": {"reason": "no capacity"},
    "done": {"met": "client was seen"},
    "log": {"outcome": "no answer"},
    "snooze": {"until": "3bd"},
    "note": {"text": "Called, no answer"},
    "assign": {"to": "Ortiz"},
    "handoff": {"to": "Access", "summary": "Left the ED an hour ago"},
    "priority": {"to": "urgent"},
    "new": {"text": "Call the school", "until": "2bd"},
    "remind": {},
    "redirect": {"to": "County Shelter", "consent": "covered"},
    "result": {"how": "heard by phone"},
    "schedule": {"at": "2bd"},
    "withdraw": {"reason": "client declined"},
    "answer": {"text": "Insurance is Medicaid, number on file"},
    "ask": {"text": "Which medication does the client take?"},
    "hold": {"reason": "client away", "until": "3bd"},
    "triage": {"level": "urgent", "risk": "no risk found"},
}


def queue(folder: Path, *more: dict[str, Any], can: Abilities = WRITABLE) -> Cache:
    """Dana's cache with the whole world in it."""
    return clinic_of_dana(folder, *WORLD, *more, can=can)


def send(cache: Cache) -> None:
    """The server takes everything that waits: bases move, intents are acknowledged."""
    with writing(cache.session.engine()) as connection:
        source = SqliteSourceRepository(connection, SOURCE)
        for intent in cache.intents(["queued"]):
            base = source.mirror.base(intent.target_type, intent.target_id).body
            source.mirror.move_base(intent_effects.apply(intent, base), "9", cache.instant)
            for event in (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED):
                (now,) = source.outbox.by_ids([intent.id])
                source.outbox.apply_event(now, event, "", cache.instant)
        cache.session.projector().project(connection, source.charts, cache.instant)


def summary(cache: Cache, *states: str) -> list[tuple[str, str]]:
    """Kind and target of each intent, in order; an id of ours is called new."""
    known = {one["id"] for one in [*WORLD, *IN_CRISIS]}
    return [
        (
            one.kind.value,
            f"{one.target_type}/{one.target_id if one.target_id in known else 'new'}",
        )
        for one in cache.intents(states)
    ]


def give_up(cache: Cache, key: str) -> Acted:
    """The person gives up what the server did not take: discards it, or keeps theirs."""
    outbox: OutboxDesk = cache.desk.outbox
    refused = cache.intents([IntentState.NEEDS_ATTENTION])
    if ids := [intent.id for intent in refused if intent.item_key == key]:
        return outbox.discard(ids, outbox.discard_word(ids), NOW)
    conflict = outbox.conflict(key, NOW)
    assert conflict is not None
    return outbox.resolve(conflict, "theirs", NOW)
