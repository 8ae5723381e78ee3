"""A person's answers to what the outbox asks: mine, theirs, another try, or not at all.

In:  the rows of either store, in one transaction. Out: what `worklist/conflict_resolution.py` and
`worklist/outbox_entries.py` do, by the same pure pieces: `edits`,
`intent_dependencies.resting_on`, `three_way.compare`.
Not here: decisions and taking back (`person.py`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from carequeue.domain.intents import (
    ConflictCause,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import creates_for_its_client, is_about_its_client
from carequeue.fhir.intent_dependencies import resting_on
from carequeue.sync.client_check import records_of
from carequeue.sync.push.three_way import EVENTS, Comparison, compare

if TYPE_CHECKING:
    from tests.simulation.world import World

#: How what never became true on the server is dropped.
DROPS: Final = {
    IntentState.QUEUED: IntentEvent.DROPPED,
    IntentState.LOCAL_ONLY: IntentEvent.DROPPED,
    IntentState.CONFLICT: IntentEvent.TOOK_THEIRS,
    IntentState.NEEDS_ATTENTION: IntentEvent.DISCARDED,
}
_DELETED: Final = "deleted"
STUCK: Final = (IntentState.CONFLICT, IntentState.NEEDS_ATTENTION)


class Refused(Exception):
    """The program would not let it be done; nothing was kept."""


class Answers:
    """The answers of one person."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, chance: random.Random, rows: Any, now: datetime, last: bool = False) -> None:
        """One question of the outbox. `last`: no more retries, for what is refused again."""
        asked = [
            intent
            for intent in rows.outbox.open_intents()
            if intent.state in (IntentState.CONFLICT, IntentState.NEEDS_ATTENTION)
        ]
        if not asked:
            raise Refused
        one = chance.choice(asked)
        self._world.figures["prompts"] += 1
        if one.state is IntentState.NEEDS_ATTENTION:
            if not last and chance.random() < 0.6:
                self._retry(rows, one, now)
            else:
                pending = rows.outbox.open_intents()
                rests = resting_on({one.id}, pending, created=True)
                drop(rows, sorted([one, *rests], key=_seq), "discarded", now)
        elif not last and chance.random() < 0.6:
            self._keep_mine(rows, one, now)
        else:
            mine = [
                other
                for other in rows.outbox.open_on(one.target_type, one.target_id)
                if other.state is IntentState.CONFLICT
            ]
            ids = {other.id for other in mine}
            rests = resting_on(ids, rows.outbox.open_intents(), created=True)
            drop(rows, sorted([*mine, *rests], key=_seq), "theirs was taken", now)
            _leave(rows, one)

    def _retry(self, rows: Any, one: Intent, now: datetime) -> None:
        """As `worklist/outbox_entries.py`: compared with the base of today first."""
        rows.outbox.apply_event(one, IntentEvent.RETRIED, "", now)
        rows.outbox.postpone([one.id], None)
        self._world.answers.append((one.id, None))
        on_it = rows.outbox.open_on(one.target_type, one.target_id)
        base = rows.mirror.base(one.target_type, one.target_id).body
        stuck = {other.id for other in on_it if other.state in STUCK}
        behind = {other.id for other in resting_on(stuck, on_it)}
        creates = any(other.kind is IntentKind.CREATE for other in on_it)
        if base is not None and not creates and one.id not in behind:
            again = [other for other in on_it if other.id == one.id]
            for found in compare(as_seen(again, base), base, again, records_of(rows)):
                if found.result is not Comparison.NOT_APPLIED:
                    rows.outbox.apply_event(found.intent, EVENTS[found.result], found.words, now)
        rows.mirror.apply_theirs(one.target_type, one.target_id, now)

    def _keep_mine(self, rows: Any, one: Intent, now: datetime) -> None:
        """As `worklist/conflict_resolution.py`: theirs becomes the base, and what was seen."""
        key = one.target_type, one.target_id
        on_it = rows.outbox.open_on(*key)
        mine = {other.id for other in on_it if other.state is IntentState.CONFLICT}
        later = {other.id for other in resting_on(mine, on_it) if other.state is IntentState.QUEUED}
        asked = [other for other in on_it if other.id in mine | later]
        others = [other for other in on_it if other.id not in mine | later]
        base = rows.mirror.base(*key)
        theirs = base.theirs or base.body
        if in_doubt(on_it) or base.body is None or theirs is None:
            raise Refused
        if any(other.cause == ConflictCause.GONE for other in asked):
            raise Refused
        records = records_of(rows)
        if not all(
            is_about_its_client(other, theirs, records) and creates_for_its_client(other, records)
            for other in asked
        ):
            raise Refused
        if base.theirs is not None:
            waiting = [other for other in others if other.state is IntentState.QUEUED]
            for found in compare(base.body, base.theirs, waiting, records):
                if found.result is not Comparison.NOT_APPLIED:
                    rows.outbox.apply_event(found.intent, EVENTS[found.result], found.words, now)
            rows.mirror.move_base(base.theirs, base.theirs_version, now)
        shown = theirs
        for other in asked:
            seen = intent_effects.snapshot(intent_effects.unit(other), shown)
            rows.outbox.set_seen(other.id, seen)
            self._world.answers.append((other.id, seen))
            shown = intent_effects.apply(other, shown)
            if other.state is IntentState.CONFLICT:
                rows.outbox.apply_event(other, IntentEvent.KEPT_MINE, "", now)
        rows.outbox.postpone([other.id for other in asked], None)


def drop(rows: Any, intents: Sequence[Intent], words: str, now: datetime) -> None:
    """Out of the outbox. Raises Refused where one of them may be on the server."""
    for intent in reversed(intents):
        if intent.state not in DROPS:
            raise Refused
        rows.outbox.apply_event(intent, DROPS[intent.state], words, now)
    for intent in intents:
        rows.mirror.apply_theirs(intent.target_type, intent.target_id, now)


def _leave(rows: Any, one: Intent) -> None:
    """As `worklist/conflict_resolution.py`: what was found deleted is shown no longer."""
    base = rows.mirror.base(one.target_type, one.target_id)
    if one.cause == ConflictCause.GONE and base.theirs is None and not base.gone:
        name = f"{one.target_type}/{one.target_id}"
        rows.removals.remove({name: ""}, _DELETED)
        rows.sync_state.enqueue_fetch([name], ())


def in_doubt(on_it: Sequence[Intent]) -> bool:
    """Whether something on the resource may be on the server: no base moves then."""
    return any(one.state is IntentState.IN_DOUBT for one in on_it)


def _seq(intent: Intent) -> int:
    return intent.seq


def as_seen(intents: Sequence[Intent], resource: Resource) -> Resource:
    """A resource with the elements of these as the person saw them, before any of them."""
    seen: dict[str, Any] = {}
    for intent in reversed(intents):
        for name in intent_effects.unit(intent):
            seen[name] = intent.seen.get(name)
    values = {name: value for name, value in seen.items() if value is not None}
    first = intents[0]
    args = {"unit": list(seen), "values": values}
    return intent_effects.apply(replace(first, kind=IntentKind.RESTORE, args=args), resource)
