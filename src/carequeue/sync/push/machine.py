"""Push: the outbox to the server, decided without touching either. Pure.

`step(state, event)` returns the next state and the commands to run. The terminal's worker,
`carequeue sync` and the simulator run the same code. The rules, in order:

1. Nothing is sent before it is recorded as in doubt.
2. A write is the base with the open intents folded over it, and If-Match of the base's version.
3. A success whose body holds what was decided is an acknowledgement; the body is the new base.
4. Anything else is read back: read the resource, compare (`three_way.py`), move the base to it.
5. A rejection concerns one resource. Only a missing network, a missing sign-in, or a server that
   asks for a pause stops the others.
6. Eight read backs in a row without progress: a person is asked.
7. Until a source was seen to check If-Match, one resource at a time is read, compared and written;
   if it does not check it, always, and the result is read once more. Batches are probed separately.

Not here: requests (`request_builder.py`), what a reply means (`write_responses.py`,
`read_responses.py`), what a status means (`failures.py`), the bytes (`transport.py`), the loop
(`sync_cycle.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.intents import Intent, IntentState
from carequeue.fhir import intent_effects
from carequeue.sync.protocol.failures import LONGEST_WAIT
from carequeue.sync.push import messages as m
from carequeue.sync.push.batch_size import fewer, heard, sized
from carequeue.sync.push.next_step import NextStep
from carequeue.sync.push.read_responses import interpret_read_response, sendable_now
from carequeue.sync.push.request_builder import (
    guard,
    probe_request,
    read_request,
    repeatable,
    write_request,
    wrong,
)
from carequeue.sync.push.state import PushState, Sizing
from carequeue.sync.push.unsendable import unsendable
from carequeue.sync.push.write_responses import interpret_write_response, never_left

_IN_FLIGHT: Final = frozenset(m.Phase) - {m.Phase.READY, m.Phase.DOUBTFUL}
#: Resources that are read before the outbox is looked at again.
_READS: Final = 50

Step = tuple[PushState, tuple[m.Command, ...]]
Interpret = Callable[[PushState, m.PendingResource, m.Reply | m.NoReply, datetime], NextStep]


def step(state: PushState, event: m.Event) -> Step:
    """The next state and commands after an event."""
    match event:
        case m.Loaded():
            targets = {target.key: _loaded(target) for target in event.pending}
            sizing = Sizing(size=state.can.batch_size)
            return _next(replace(state, pending=targets, sizing=sizing), event.now)
        case m.AttemptsRecorded():
            asks = state.probing is not None and state.can.guard == "yes"
            batch = state.can.batch and (len(event.requests) > 1 or asks)
            return _in_doubt(state, event), (m.Exchange(event.requests, batch),)
        case m.Answered():
            return _answered(state, event)
        case m.WasRead():
            return _was_read(state, event)
        case m.ChangesSaved():
            return _saved(state, event)


def _loaded(target: m.PendingResource) -> m.PendingResource:
    """A resource as it stands on disk; an intent in doubt there may have had no reply."""
    busy = any(intent.busy for intent in target.intents)
    return replace(target, unanswered_before=target.phase is m.Phase.DOUBTFUL and not busy)


def _in_doubt(state: PushState, event: m.AttemptsRecorded) -> PushState:
    targets = dict(state.pending)
    for request in event.requests:
        target = targets[request.key]
        marked = tuple(replace(intent, state=IntentState.IN_DOUBT) for intent in target.intents)
        targets[target.key] = replace(target, intents=marked)
    awaiting = state.awaiting | {request.key for request in event.requests}
    return replace(state, pending=targets, awaiting=awaiting)


def _saved(state: PushState, event: m.ChangesSaved) -> Step:
    # The server may have given our create the id of a row whose own reply is still to come: that
    # row is loaded again after its reply, otherwise one row would have two requests in flight.
    new = set(event.keys) - state.awaiting
    targets = {key: target for key, target in state.pending.items() if key not in new}
    targets.update(
        {target.key: target for target in event.pending if target.key not in state.awaiting}
    )
    freed = {
        key: replace(target, waits_for=target.waits_for - event.closed)
        for key, target in targets.items()
    }
    aliases = {**state.aliases, **event.aliases}
    return _next(replace(state, pending=freed, aliases=aliases), event.now)


# --- what comes next ------------------------------------------------------------------------------


def _next(state: PushState, now: datetime) -> Step:
    """The next round: resources in doubt are read back first, then what may be sent is sent."""
    if state.stopped:
        return state, (state.stopped,)
    if any(target.phase in _IN_FLIGHT for target in state.pending.values()):
        return state, ()  # wait for the requests in flight
    if changes := unsendable(state):
        return state, (m.SaveChanges(changes),)
    ready = [target for target in state.pending.values() if _ready(target, state, now)]
    if ready and state.pause and _is_ahead(state.pause, now):
        paused = _paused(state.pause - now)
        return replace(state, stopped=paused), (paused,)
    reading = [target for target in ready if _read_first(target, state)][:_READS]
    if reading:
        return _read(state, reading)
    ready = [target for target in ready if target.intents]
    together = [target for target in ready if not _alone(target, state)]
    if together:
        return _together(state, together)
    if not ready:
        return state, ()
    first = {state.just_read: 0, state.probe_suspect: 1}
    target = min(ready, key=lambda candidate: first.get(candidate.key, 2))
    if target.key != state.just_read:
        return _read(state, [target])
    return _mark(state, [target], probe=_may_probe(target, state))


def _together(state: PushState, targets: Sequence[m.PendingResource]) -> Step:
    """Send many at once; before the first such batch, probe whether batches check If-Match too."""
    if not state.can.batch or len(targets) < 2 or state.sizing.size < 2:
        return _mark(state, targets[:1])
    if not state.can.observed.get("if_match_batch"):
        calm = [target for target in targets if target.base is not None and _calm(target, state)]
        if fresh := [target for target in calm if target.key == state.just_read]:
            return _mark(state, fresh, probe=True)
        if calm:
            return _read(state, calm[:1])
    return _mark(state, targets[: state.sizing.size])


def _ready(target: m.PendingResource, state: PushState, now: datetime) -> bool:
    """Whether a resource may be sent now: nothing must go first, and its wait is over."""
    moves = bool(target.intents) or bool(sendable_now(target, state.can))
    quiet = target.phase in (m.Phase.READY, m.Phase.DOUBTFUL) and target.key not in state.deferred
    waits = _is_ahead(target.not_before, now) or target.waits_for
    return moves and quiet and not waits


def _is_ahead(until: datetime | None, now: datetime) -> bool:
    """Whether a wait is not over; a wait longer than the maximum comes from a wrong clock."""
    return until is not None and now < until <= now + LONGEST_WAIT


def _read_first(target: m.PendingResource, state: PushState) -> bool:
    """Whether to read it before it is sent: in doubt, a newer version found, no version for
    If-Match, or local-only so far.

    Or a create that was sent before: whatever the reply was, it may have been created since, and
    deleted by a colleague, which no condition of ours would notice.
    """
    if target.phase is m.Phase.DOUBTFUL:
        return True
    kept = sendable_now(target, state.can)
    if target.key in state.already_read:
        return _covers(target, kept)
    left = target.base is None and target.attempts > 0
    unguarded = (target.base is not None and not guard(target)) or left
    return target.has_newer_remote or (unguarded and bool(target.intents)) or bool(kept)


def _covers(target: m.PendingResource, kept: Sequence[Intent]) -> bool:
    """Whether an intent was decided on top of a local-only one, which hides the base."""
    units = {name for intent in kept for name in intent_effects.unit(intent)}
    return any(name in units for intent in target.intents for name in intent_effects.unit(intent))


def _alone(target: m.PendingResource, state: PushState) -> bool:
    """Whether a write could overwrite a colleague's change, as far as is known.

    It is then read right before, and nothing else is sent with it.
    """
    return target.base is not None and not (state.can.guard == "yes" and guard(target))


def _may_probe(target: m.PendingResource, state: PushState) -> bool:
    return state.can.guard not in ("yes", "no") and _calm(target, state)


def _calm(target: m.PendingResource, state: PushState) -> bool:
    """Whether a resource can carry the If-Match probe: once per push, and none that was read back
    before.
    """
    calm = all(intent.settles == 0 for intent in target.intents) and target.key not in state.probed
    return calm and bool(guard(target)) and bool(wrong(target.version))


def _read(state: PushState, targets: Sequence[m.PendingResource]) -> Step:
    already_read = state.already_read | {target.key for target in targets}
    fresh = targets[0].key if len(targets) == 1 else None
    state = replace(
        state.phase(targets, m.Phase.READING),
        already_read=already_read,
        just_read=fresh,
        awaiting=state.awaiting | {target.key for target in targets},
    )
    requests = tuple(read_request(target, state.can) for target in targets)
    # One of them may be the cause.
    doubtful = any(target.unanswered_before or target.sent_in_failed_batch for target in targets)
    return state, (m.ReadBack(requests, 1 if doubtful else state.at_once),)


def _mark(state: PushState, targets: Sequence[m.PendingResource], probe: bool = False) -> Step:
    build = probe_request if probe else write_request
    requests = tuple(build(target, state) for target in targets)
    asked = targets[0].key if probe else None
    state = replace(
        state.phase(targets, m.Phase.ASKED),
        just_read=None,
        probing=asked,
        probed=state.probed | ({asked} if asked else set()),
    )
    return state, (m.RecordAttempts(requests),)


def _paused(wait: timedelta) -> m.Stop:
    minutes = int(wait.total_seconds() // 60) + 1
    why = f"the server asks to be left alone for {minutes} min; what waits is sent after that"
    return m.Stop(why, busy=True)


# --- what came back -------------------------------------------------------------------------------


def _answered(state: PushState, event: m.Answered) -> Step:
    asked = [target for target in state.pending.values() if target.phase is m.Phase.ASKED]
    state, observed = sized(state, len(asked), event.batch)
    if event.batch in (m.Batched.TOO_LARGE, m.Batched.REFUSED, m.Batched.NEVER):
        return _refused_whole(state, asked, observed)
    if event.batch in (m.Batched.SILENT, m.Batched.UNANSWERED):  # which is not the fault of one row
        crowd = {target.key: replace(target, sent_in_failed_batch=True) for target in asked}
        state = replace(state, pending={**state.pending, **crowd})
    return _interpret(state, event.replies, event.now, interpret_write_response, observed)


def _was_read(state: PushState, event: m.WasRead) -> Step:
    """A batch of reads without a reply was too large, or there is an outage.

    It was too large only if the server has answered a small request in this cycle.
    """
    state, learned = heard(state, event.replies)
    crowd = sum(
        isinstance(reply, m.NoReply) and reply.sent_in_failed_batch for reply in event.replies
    )
    if crowd:
        # The cycle began with a small request, or read one.
        is_up = state.silent or state.single_read_answered
        batch = m.Batched.UNANSWERED
        state, observed = fewer(state, crowd) if is_up else sized(state, crowd, batch)
        learned = {**learned, **observed}
    return _interpret(state, event.replies, event.now, interpret_read_response, learned)


def _refused_whole(
    state: PushState, asked: Sequence[m.PendingResource], observed: dict[str, str]
) -> Step:
    """A batch was rejected before anything was done; only what must not be sent twice is read."""
    again = [target for target in asked if repeatable(target, state.can)]
    doubtful = [target for target in asked if target not in again]
    awaiting = state.awaiting - {target.key for target in asked}
    state = replace(state.phase(doubtful, m.Phase.DOUBTFUL), probing=None, awaiting=awaiting)
    return state, (m.SaveChanges(tuple(never_left(target) for target in again), observed=observed),)


def _interpret(
    state: PushState,
    replies: Sequence[m.Reply | m.NoReply],
    now: datetime,
    interpret: Interpret,
    observed: dict[str, str] | None = None,
) -> Step:
    changes: list[m.Change] = []
    reads: list[m.Request] = []
    seen = dict(observed or {})
    state = replace(state, awaiting=state.awaiting - {reply.key for reply in replies})
    for reply in replies:
        target = state.pending[reply.key]
        next_step = interpret(state, target, reply, now)
        state = _learned(state, target, next_step, now)
        seen.update(next_step.observed)
        if next_step.change:
            changes.append(next_step.change)
        if next_step.read:
            reads.append(next_step.read)
        if (
            isinstance(reply, m.NoReply)
            and not reply.left
            and interpret is interpret_write_response
        ):
            changes.append(never_left(target))
    state = replace(state, tries=state.tries + 1, probing=None)
    commands: list[m.Command] = []
    if changes or seen:
        commands.append(m.SaveChanges(tuple(changes), state.pause, seen))
    if reads and not state.stopped:
        state = replace(state, awaiting=state.awaiting | {request.key for request in reads})
        # One of them may be the fault.
        crowd = any(state.pending[request.key].sent_in_failed_batch for request in reads)
        commands.append(m.ReadBack(tuple(reads), 1 if crowd else state.at_once))
    return (state, tuple(commands)) if commands else _next(state, now)


def _learned(
    state: PushState, target: m.PendingResource, next_step: NextStep, now: datetime
) -> PushState:
    """The state after one next step."""
    if next_step.read:
        target = next_step.target or target
        keeps = target.phase in (m.Phase.CONFIRMING, m.Phase.COMPARING)
        target = target if keeps else replace(target, phase=m.Phase.READING)
        state = replace(state, pending={**state.pending, target.key: target})
    change = next_step.change
    aside = {change.key} if change and change.read_failed else set()
    suspect = state.probe_suspect
    if state.probing == target.key:
        suspect = target.key if next_step.probe_inconclusive else suspect
    elif suspect == target.key and target.phase is m.Phase.ASKED:
        suspect = None
    paused = _paused(next_step.pause - now) if next_step.pause else None
    pauses = [pause for pause in (state.pause, next_step.pause) if pause]
    return replace(
        state,
        can=state.can.seeing(next_step.observed) if next_step.observed else state.can,
        merged_over_remote=state.merged_over_remote | next_step.merged_over_remote,
        deferred=state.deferred | aside,
        stopped=next_step.stop or state.stopped or paused,
        probe_suspect=suspect,
        pause=max(pauses, default=None),
    )
