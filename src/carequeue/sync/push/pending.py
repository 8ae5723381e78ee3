"""The open intents of the outbox grouped by resource, and what a push decided about them saved
back.

In:  the rows of a source, inside a transaction of the caller. Out: a `PendingResource` for each
resource with open intents; saved outcomes, base and states.
Why one transaction: an outcome, the base and the state of the intents change together or not at
all. The rows may be on disk or in the simulator.
Not here: what is decided (`machine.py`), what happened while a request was in flight
(`concurrent_edits.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from carequeue.domain.intents import (
    SENDABLE_STATES,
    STUCK_STATES,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import intent_effects
from carequeue.fhir.intent_dependencies import references_in, resting_on
from carequeue.sync.client_check import may_leave, part_from_clients, records_for_pending
from carequeue.sync.ports import SourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.concurrent_edits import (
    UNBLOCKING_STATES,
    acknowledged,
    compare_concurrent,
    elements,
    void_ids,
)
from carequeue.sync.push.next_step import OTHER
from carequeue.sync.restore import recovery

#: Name in `meta` of the instant until which a source asked for a pause.
PAUSE: Final = "pause"
#: Shown for an intent that waits behind one that the server did not take.
BEHIND: Final = "waits for another of your changes, which the server did not accept"


@dataclass(slots=True)
class Done:
    """Result of `save_changes`."""

    event: m.ChangesSaved
    acknowledged: int = 0


def load_pending(
    rows: SourceRepository, only: frozenset[m.ResourceKey] | None = None
) -> tuple[m.PendingResource, ...]:
    """The resources with something to send. `only`: limit to these resources."""
    by_target: dict[m.ResourceKey, list[Intent]] = {}
    everything = rows.outbox.open_intents()
    for intent in everything:
        by_target.setdefault((intent.target_type, intent.target_id), []).append(intent)
    later = rows.outbox.not_before()
    creates = _creates(everything)
    targets = []
    for key, intents in by_target.items():
        if only is not None and key not in only:
            continue
        sendable, local_only = _sendable(intents)
        if sendable or local_only:
            targets.append(_pending_resource(rows, key, sendable, local_only, later, creates))
    return tuple(targets)


def _creates(everything: Sequence[Intent]) -> dict[str, str]:
    """Local reference -> id of the open intent that creates it. A local-only create blocks none."""
    return {
        f"{intent.target_type}/{intent.target_id}": intent.id
        for intent in everything
        if intent.kind is IntentKind.CREATE and intent.state not in UNBLOCKING_STATES
    }


def _sendable(intents: Sequence[Intent]) -> tuple[list[Intent], list[Intent]]:
    """The intents that may be sent now, and the local-only ones, each in order.

    Intents on an element that waits for a person's answer are left out.
    """
    blocked: set[str] = set()
    sendable: list[Intent] = []
    local_only: list[Intent] = []
    for intent in intents:
        unit = set(intent_effects.unit(intent))
        if intent.state in STUCK_STATES:
            if intent.kind is IntentKind.CREATE:
                return [], []  # the other intents are about the resource that was never created
            blocked |= unit
        elif unit & blocked:
            # A local-only intent blocks nobody, even if it is blocked itself.
            blocked |= unit if intent.state in SENDABLE_STATES else set()
        elif intent.state in SENDABLE_STATES:
            sendable.append(intent)
        else:
            local_only.append(intent)
    return sendable, local_only


def _pending_resource(
    rows: SourceRepository,
    key: m.ResourceKey,
    intents: Sequence[Intent],
    local_only: Sequence[Intent],
    later: Mapping[str, datetime],
    creates: Mapping[str, str],
) -> m.PendingResource:
    """One pending resource. `creates`: local reference -> the open intent that creates it.

    Intents without dependencies are sent ahead of those that have some: a new Task must exist
    before the contact that names it, and is completed after that contact.
    """
    base = rows.mirror.base(*key)
    needs = _needs(rows, intents, creates)
    free = _unhindered(intents, needs)
    waits = frozenset[str]() if free else frozenset[str]().union(*needs)
    intents = free or intents
    doubtful = any(intent.state is IntentState.IN_DOUBT for intent in intents)
    times = [later[intent.id] for intent in (*intents, *local_only) if intent.id in later]
    return m.PendingResource(
        key,
        tuple(intents),
        base.body,
        base.version,
        m.Phase.DOUBTFUL if doubtful else m.Phase.READY,
        waits,
        max(times, default=None),
        max((intent.attempts for intent in intents), default=0),
        tuple(local_only),
        has_newer_remote=bool(base.theirs or base.gone),
        records=records_for_pending(rows, (*intents, *local_only), base.theirs),
    )


def _unhindered(intents: Sequence[Intent], needs: Sequence[set[str]]) -> list[Intent]:
    """The intents that depend on nothing and share no element with one that does."""
    free: list[Intent] = []
    waiting: set[str] = set()
    units: set[str] = set()
    for intent, need in zip(intents, needs, strict=True):
        unit = set(intent_effects.unit(intent))
        if not need and intent.after not in waiting and not unit & units:
            free.append(intent)
        elif intent.kind is IntentKind.CREATE:
            return []  # the rest is about the resource that it creates
        else:
            waiting.add(intent.id)
            units |= unit
    return free


def _needs(
    rows: SourceRepository, intents: Sequence[Intent], creates: Mapping[str, str]
) -> list[set[str]]:
    """For each intent, the ids of the open intents that must be sent first: the one it comes
    `after`, and those that create what it refers to.

    Empty for an intent in doubt: it may be on the server already and is read back instead.
    """
    after = [intent.after for intent in intents if intent.after]
    earlier = rows.outbox.by_ids(after)
    blocking = {intent.id for intent in earlier if intent.state not in UNBLOCKING_STATES}
    own = {intent.id for intent in intents}
    needs = []
    for intent in intents:
        named = {creates[name] for name in references_in(intent.args) if name in creates}
        queued = intent.state is IntentState.QUEUED
        needs.append((named | ({intent.after} & blocking)) - own if queued else set())
    return needs


def record_attempts(
    rows: SourceRepository, requests: Sequence[m.Request], now: datetime
) -> list[m.Event]:
    """Record in the outbox what is about to be sent. Requests whose intents changed meanwhile are
    dropped: a person undid one, or a local-only create became sendable and has to go first.
    """
    leaving, changed = [], []
    creates = _creates(rows.outbox.open_intents())
    for request in requests:
        intents = rows.outbox.by_ids(request.intents)
        free = all(intent.state in SENDABLE_STATES for intent in intents)
        waits = any(_needs(rows, intents, creates))
        if free and not waits and may_leave(rows, intents, now):
            rows.outbox.record_attempt(intents, request.method, request.path, request.if_match, now)
            leaving.append(request)
        else:
            changed.append(request.key)
    events: list[m.Event] = []
    if changed:
        targets = load_pending(rows, frozenset(changed))
        events.append(m.ChangesSaved(tuple(changed), targets, frozenset(), {}, now))
    if leaving:
        events.insert(0, m.AttemptsRecorded(tuple(leaving)))
    return events


def save_changes(rows: SourceRepository, save: m.SaveChanges, now: datetime) -> Done:
    """Save what a push decided, in the caller's transaction."""
    closed: set[str] = set()
    aliases: dict[str, str] = {}
    keys = {change.key for change in save.changes}
    done = Done(m.ChangesSaved((), (), frozenset(), {}, now))
    for decided in save.changes:
        change = _unless_anothers(rows, decided)
        kind, key = change.key
        void = void_ids(rows, change)
        compare_concurrent(rows, change, void, closed, now)
        if change.in_its_place is not None:
            rows.mirror.save([change.in_its_place], now)
        key = _move_base(rows, change, aliases, now)
        keys.add((kind, key))
        _outcomes(rows, change, void, done, closed, now)
        there = rows.outbox.open_on(kind, key)
        _drop_overruled_elements(rows, change, void, there)
        _wait(rows, change, there)
        rows.mirror.apply_theirs(kind, key, now)
    part_from_clients(rows, keys, now)
    _learn(rows, save, now)
    targets = load_pending(rows, frozenset(keys))
    done.event = m.ChangesSaved(tuple(keys), targets, frozenset(closed), aliases, now)
    return done


def _wait(rows: SourceRepository, change: m.Change, there: Sequence[Intent]) -> None:
    """Save until when the intents wait, and why. A local-only intent keeps its own reason."""
    waiting = [intent for intent in there if intent.state in SENDABLE_STATES]
    if change.busy and change.not_before and waiting:
        rows.outbox.back_off(waiting, change.not_before, change.words)
    elif change.words:
        rows.outbox.set_message(waiting, change.words)
    rows.outbox.postpone([intent.id for intent in there], change.not_before)


def _learn(rows: SourceRepository, save: m.SaveChanges, now: datetime) -> None:
    """Save what was observed of the source. Rows that show whether a write is protected are
    rebuilt.
    """
    for name, observed in save.observed.items():
        rows.sync_state.observe(name, observed, now)
    if save.pause:
        rows.sync_state.set_meta(PAUSE, save.pause.isoformat())
    if "if_match" in save.observed:
        rows.outbox.mark_for_projection(rows.outbox.open_intents())


def _move_base(
    rows: SourceRepository, change: m.Change, aliases: dict[str, str], now: datetime
) -> str:
    kind, key = change.key
    if change.base is None:
        return key
    server_id = str(change.base.get("id") or key)
    recovery.note_losses(rows, (kind, key), change.base, now)
    if server_id != key and rows.outbox.open_on(kind, server_id):
        # The resource existed already and has intents of its own: they are compared when it is
        # read.
        rows.mirror.save([change.base], now)
    else:
        rows.mirror.move_base(change.base, change.version, now)
    if server_id != key:
        rows.outbox.record_alias(kind, key, server_id)
        aliases[f"{kind}/{key}"] = f"{kind}/{server_id}"
    return server_id


def _unless_anothers(rows: SourceRepository, change: m.Change) -> m.Change:
    """Do not acknowledge a create if the reply carries the id of another row; a person is asked.

    That row stays unchanged. Otherwise our create would count as done and nothing would show it.
    """
    key = change.key[1]
    server_id = str((change.base or {}).get("id") or key)
    if server_id == key or _free(rows, change, server_id):
        return change
    outcomes = []
    for outcome in change.outcomes:
        if outcome.event is not IntentEvent.ACKNOWLEDGED:
            outcomes.append(outcome)
        elif outcome.intent.kind is IntentKind.CREATE:
            outcomes.append(replace(outcome, event=IntentEvent.REFUSED, words=OTHER))
        elif outcome.intent.state is IntentState.IN_DOUBT:  # its resource was not created
            outcomes.append(replace(outcome, event=IntentEvent.FOUND_NOT_APPLIED, words=""))
    return replace(
        change, base=None, version="", outcomes=tuple(outcomes), counts_toward_limit=False
    )


def _free(rows: SourceRepository, change: m.Change, server_id: str) -> bool:
    """Whether the id that the server gave to our create belongs to no other row."""
    there = rows.mirror.base(change.key[0], server_id).body
    intents = [outcome.intent for outcome in change.outcomes]
    creates = [intent for intent in intents if intent.kind is IntentKind.CREATE]
    return there is None or not creates or intent_effects.satisfied(creates[0], there)


def _outcomes(
    rows: SourceRepository,
    change: m.Change,
    void: frozenset[str],
    done: Done,
    closed: set[str],
    now: datetime,
) -> None:
    outcomes = [outcome for outcome in change.outcomes if outcome.intent.id not in void]
    ids = [outcome.intent.id for outcome in outcomes]
    present = {intent.id: intent for intent in rows.outbox.by_ids(ids)}
    for outcome in outcomes:
        intent = present[outcome.intent.id]
        if change.read_failed and outcome.event is IntentEvent.FOUND_NOT_APPLIED:
            _count(rows, intent, outcome.words, now)
            continue
        state = rows.outbox.apply_event(
            intent, outcome.event, outcome.words, now, change.counts_toward_limit
        )
        present[intent.id] = replace(intent, state=state)
        done.acknowledged += outcome.event is IntentEvent.ACKNOWLEDGED
        if state in UNBLOCKING_STATES:
            closed.add(intent.id)
        if state in STUCK_STATES:
            _tell_those_behind(rows, intent)


def _drop_overruled_elements(
    rows: SourceRepository, change: m.Change, void: frozenset[str], there: Sequence[Intent]
) -> None:
    """A local-only intent drops the elements that a later, acknowledged intent changed.

    Otherwise it would cover the later change in the view. A status is different: the local-only one
    is sent together with the later one (`read_responses.sendable_now`).
    """
    accepted = [intent for intent in acknowledged(change) if intent.id not in void]
    for intent in there:
        if intent.state is not IntentState.LOCAL_ONLY:
            continue
        later = elements(other for other in accepted if other.seq > intent.seq)
        names = [name for name in intent_effects.unit(intent) if name in later]
        if names and "status" not in names:
            rows.outbox.release_units(intent, names)


def _tell_those_behind(rows: SourceRepository, intent: Intent) -> None:
    """Intents that depend on one that waits for a person say what they wait for."""
    resting = resting_on({intent.id}, rows.outbox.open_intents())
    waiting = [dependent for dependent in resting if dependent.state is IntentState.QUEUED]
    if waiting:
        rows.outbox.set_message(waiting, BEHIND)


def _count(rows: SourceRepository, intent: Intent, words: str, now: datetime) -> None:
    """A read back that told nothing: it counts against the intent, and an intent that may be on the
    server stays in doubt.
    """
    events = [IntentEvent.FOUND_NOT_APPLIED, IntentEvent.ATTEMPT_RECORDED]
    if intent.state is IntentState.QUEUED:
        events.reverse()
    state = intent.state
    for event in events:
        state = rows.outbox.apply_event(replace(intent, state=state), event, words, now)
