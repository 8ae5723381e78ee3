"""Push: the outbox to the server, decided without touching either. Pure.

`step(state, event)` gives the next state and what is to be done. The same code runs under the
terminal's worker, `carequeue sync` and the simulator. The rules, in the order in which they bite:

1. Nothing leaves before it is written down as in doubt.
2. A write is the base with the lane's intents folded over it, guarded by the base's version.
3. A clear yes whose body holds what was decided is an acknowledgement; the body is the new base.
4. Anything else is settled: read the resource, compare (`three_way.py`), move the base to it.
5. A refusal concerns one lane. Only a missing network, a missing sign-in, or a server that asks to
   be left alone stops the rest.
6. Eight settles in a row without progress: a person is asked.
7. Until a source was seen to read If-Match, one lane at a time is read, compared and written; where
   it does not, always, and what became of it is read once more. Batches are asked about apart.

Not here: requests (`request_builder.py`), what an answer means (`write_responses.py`,
`read_responses.py`), what a status means (`failures.py`), the bytes (`transport.py`), the loop
(`sync_cycle.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.sync.protocol.capabilities import NO_PLACE
from carequeue.sync.protocol.failures import LONGEST_WAIT
from carequeue.sync.push import messages as m
from carequeue.sync.push.batch_learning import fewer, heard, sized
from carequeue.sync.push.batch_size import Sizing
from carequeue.sync.push.next_step import Verdict, all_of, refused
from carequeue.sync.push.read_responses import judge_read, placeable
from carequeue.sync.push.request_builder import (
    by_our_id,
    guard,
    probe_request,
    read_request,
    repeatable,
    write_request,
    wrong,
)
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import over_hidden
from carequeue.sync.push.write_responses import judge_write, never_left, without_status

_IN_FLIGHT: Final = frozenset(m.Phase) - {m.Phase.READY, m.Phase.DOUBTFUL}
#: Resources that are read between two looks at the outbox.
_READS: Final = 50
_EACH_OTHER: Final = "it and another decision of yours name each other, and neither can go first"

Step = tuple[PushState, tuple[m.Command, ...]]
Judge = Callable[[PushState, m.Lane, m.Reply | m.NoReply, datetime], Verdict]


def step(state: PushState, event: m.Event) -> Step:
    """What to do after an event."""
    match event:
        case m.Loaded():
            lanes = {lane.key: _loaded(lane) for lane in event.lanes}
            sizing = Sizing(size=state.can.batch_size)
            return _next(replace(state, lanes=lanes, sizing=sizing), event.now)
        case m.Marked():
            asks = state.probing is not None and state.can.guard == "yes"
            batch = state.can.batch and (len(event.requests) > 1 or asks)
            return _in_doubt(state, event), (m.Exchange(event.requests, batch),)
        case m.Answered():
            return _answered(state, event)
        case m.WasRead():
            return _was_read(state, event)
        case m.Saved():
            return _saved(state, event)


def _loaded(lane: m.Lane) -> m.Lane:
    """A lane as it stands on the disk; what is in doubt there may have had no answer."""
    busy = any(one.busy for one in lane.intents)
    return replace(lane, left_over=lane.phase is m.Phase.DOUBTFUL and not busy)


def _in_doubt(state: PushState, event: m.Marked) -> PushState:
    lanes = dict(state.lanes)
    for request in event.requests:
        lane = lanes[request.lane]
        marked = tuple(replace(each, state=IntentState.IN_DOUBT) for each in lane.intents)
        lanes[lane.key] = replace(lane, intents=marked)
    awaiting = state.awaiting | {request.lane for request in event.requests}
    return replace(state, lanes=lanes, awaiting=awaiting)


def _saved(state: PushState, event: m.Saved) -> Step:
    # The server may have named what we made after a row whose own answer is on its way: that lane
    # is loaded again once it is answered, else two requests of one row would be under way.
    new = set(event.keys) - state.awaiting
    lanes = {key: lane for key, lane in state.lanes.items() if key not in new}
    lanes.update({lane.key: lane for lane in event.lanes if lane.key not in state.awaiting})
    freed = {
        key: replace(lane, waits_for=lane.waits_for - event.closed) for key, lane in lanes.items()
    }
    aliases = {**state.aliases, **event.aliases}
    return _next(replace(state, lanes=freed, aliases=aliases), event.now)


# --- what comes next ------------------------------------------------------------------------------


def _next(state: PushState, now: datetime) -> Step:
    """The next round: what was left in doubt is read back first, then what may leave leaves."""
    if state.stopped:
        return state, (state.stopped,)
    if any(lane.phase in _IN_FLIGHT for lane in state.lanes.values()):
        return state, ()  # what is on its way comes back first
    if changes := _unplaced(state) or _entangled(state) or _hidden(state):
        return state, (m.Save(changes),)
    ready = [lane for lane in state.lanes.values() if _ready(lane, state, now)]
    if ready and state.pause and _is_ahead(state.pause, now):
        paused = _paused(state.pause - now)
        return replace(state, stopped=paused), (paused,)
    reading = [lane for lane in ready if _read_first(lane, state)][:_READS]
    if reading:
        return _read(state, reading)
    ready = [lane for lane in ready if lane.intents]
    together = [lane for lane in ready if not _alone(lane, state)]
    if together:
        return _together(state, together)
    if not ready:
        return state, ()
    first = {state.fresh: 0, state.suspect: 1}
    lane = min(ready, key=lambda one: first.get(one.key, 2))
    if lane.key != state.fresh:
        return _read(state, [lane])
    return _mark(state, [lane], probe=_may_probe(lane, state))


def _together(state: PushState, lanes: Sequence[m.Lane]) -> Step:
    """Many at once; before the first such batch it is asked whether batches are guarded as well."""
    if not state.can.batch or len(lanes) < 2 or state.sizing.size < 2:
        return _mark(state, lanes[:1])
    if not state.can.observed.get("if_match_batch"):
        calm = [one for one in lanes if one.base is not None and _calm(one, state)]
        if fresh := [one for one in calm if one.key == state.fresh]:
            return _mark(state, fresh, probe=True)
        if calm:
            return _read(state, calm[:1])
    return _mark(state, lanes[: state.sizing.size])


def _ready(lane: m.Lane, state: PushState, now: datetime) -> bool:
    """Whether it may move now: nothing must come first, and its time has come."""
    moves = bool(lane.intents) or bool(placeable(lane, state.can))
    quiet = lane.phase in (m.Phase.READY, m.Phase.DOUBTFUL) and lane.key not in state.aside
    waits = _is_ahead(lane.not_before, now) or lane.waits_for
    return moves and quiet and not waits


def _is_ahead(until: datetime | None, now: datetime) -> bool:
    """Whether a wait is not over; one longer than any can be was set by a wrong time."""
    return until is not None and now < until <= now + LONGEST_WAIT


def _read_first(lane: m.Lane, state: PushState) -> bool:
    """In doubt, with something newer beside it, without a version to guard it by, or kept here.

    Or a create that has left before: whatever was said of it since, it may have been made.
    """
    if lane.phase is m.Phase.DOUBTFUL:
        return True
    kept = placeable(lane, state.can)
    if lane.key in state.looked:
        return _covers(lane, kept)
    left = lane.base is None and lane.attempts > 0 and not by_our_id(lane, state.can)
    unguarded = (lane.base is not None and not guard(lane)) or left
    return lane.newer or (unguarded and bool(lane.intents)) or bool(kept)


def _covers(lane: m.Lane, kept: Sequence[Intent]) -> bool:
    """Whether what is to leave was decided on top of what is kept here, which hides the base."""
    units = {name for one in kept for name in intent_effects.unit(one)}
    return any(name in units for one in lane.intents for name in intent_effects.unit(one))


def _alone(lane: m.Lane, state: PushState) -> bool:
    """Whether a write could go over a colleague's change, as far as is known.

    Then it is read right before, and nothing else goes with it.
    """
    return lane.base is not None and not (state.can.guard == "yes" and guard(lane))


def _may_probe(lane: m.Lane, state: PushState) -> bool:
    return state.can.guard not in ("yes", "no") and _calm(lane, state)


def _calm(lane: m.Lane, state: PushState) -> bool:
    """Whether a lane can carry the question: once a push, and none whose answers were lost."""
    calm = all(one.settles == 0 for one in lane.intents) and lane.key not in state.probed
    return calm and bool(guard(lane)) and bool(wrong(lane.version))


def _read(state: PushState, lanes: Sequence[m.Lane]) -> Step:
    looked = state.looked | {lane.key for lane in lanes}
    fresh = lanes[0].key if len(lanes) == 1 else None
    state = replace(
        state.phase(lanes, m.Phase.READING),
        looked=looked,
        fresh=fresh,
        awaiting=state.awaiting | {lane.key for lane in lanes},
    )
    requests = tuple(read_request(lane, state.can) for lane in lanes)
    doubtful = any(lane.left_over or lane.crowd for lane in lanes)  # one of them may be the fault
    return state, (m.ReadBack(requests, 1 if doubtful else state.at_once),)


def _mark(state: PushState, lanes: Sequence[m.Lane], probe: bool = False) -> Step:
    build = probe_request if probe else write_request
    requests = tuple(build(lane, state) for lane in lanes)
    asked = lanes[0].key if probe else None
    state = replace(
        state.phase(lanes, m.Phase.ASKED),
        fresh=None,
        probing=asked,
        probed=state.probed | ({asked} if asked else set()),
    )
    return state, (m.Mark(requests),)


def _paused(wait: timedelta) -> m.Stop:
    minutes = int(wait.total_seconds() // 60) + 1
    why = f"the server asks to be left alone for {minutes} min; what waits is sent after that"
    return m.Stop(why, busy=True)


# --- what cannot leave at all ---------------------------------------------------------------------


def _unplaced(state: PushState) -> tuple[m.Change, ...]:
    """What the source has no place for is kept here; what was in doubt is settled first."""
    found = []
    for lane in state.lanes.values():
        if lane.phase is not m.Phase.READY or not lane.intents:
            continue
        if _homeless(lane, state):
            found.append(m.Change(lane.key, all_of(lane, IntentEvent.NO_PLACE, NO_PLACE)))
        elif status := _unknown_status(lane, state):
            found.append(m.Change(lane.key, without_status(lane, status)))
    return tuple(change for change in found if change.outcomes)


def _homeless(lane: m.Lane, state: PushState) -> bool:
    kind = lane.key[0]
    if lane.base is not None:
        return not state.can.can("update", kind)
    if lane.intents[0].kind is not IntentKind.CREATE:
        return True  # what it belongs to is kept here only
    return not state.can.makes(kind)


def _unknown_status(lane: m.Lane, state: PushState) -> str:
    """The status that the lane would set, where the source was seen not to know it."""
    if not any(name.startswith("status:") for name in state.can.observed):
        return ""
    status = (intent_effects.fold(lane.base, lane.intents) or {}).get("status")
    before = lane.base.get("status") if lane.base is not None else None
    if not isinstance(status, str) or status == before:
        return ""
    return "" if state.can.knows_status(lane.key[0], status) else status


def _entangled(state: PushState) -> tuple[m.Change, ...]:
    """Lanes that wait for each other: none of them could ever leave, so a person is asked."""
    if not any(lane.waits_for for lane in state.lanes.values()):
        return ()
    owner = {one.id: lane.key for lane in state.lanes.values() for one in lane.intents}
    needs = {
        lane.key: {owner[need] for need in lane.waits_for if need in owner}
        for lane in state.lanes.values()
        if lane.waits_for
    }
    return tuple(
        m.Change(key, refused(state.lanes[key], _EACH_OTHER), counts=False)
        for key in needs
        if state.lanes[key].phase is m.Phase.READY and _waits_for(key, key, needs)
    )


def _hidden(state: PushState) -> tuple[m.Change, ...]:
    """What was decided on top of what is kept here, and goes over what that one hides."""
    found = []
    for lane in state.lanes.values():
        if lane.phase is m.Phase.READY and lane.base is not None and lane.kept and lane.intents:
            placed = placeable(lane, state.can)  # compared once it is read
            kept = [one for one in lane.kept if one not in placed]
            over = over_hidden(lane.base, lane.intents, kept)
            outcomes = tuple(m.Outcome(one, IntentEvent.FOUND_CHANGED) for one in over)
            found.append(m.Change(lane.key, outcomes, counts=False))
    return tuple(change for change in found if change.outcomes)


def _waits_for(key: m.LaneKey, other: m.LaneKey, needs: dict[m.LaneKey, set[m.LaneKey]]) -> bool:
    """Whether a lane waits for another, directly or by way of others."""
    seen: set[m.LaneKey] = set()
    ahead = list(needs.get(key, ()))
    while ahead:
        one = ahead.pop()
        if one == other:
            return True
        if one not in seen:
            seen.add(one)
            ahead += needs.get(one, ())
    return False


# --- what came back -------------------------------------------------------------------------------


def _answered(state: PushState, event: m.Answered) -> Step:
    asked = [lane for lane in state.lanes.values() if lane.phase is m.Phase.ASKED]
    state, observed = sized(state, len(asked), event.batch)
    if event.batch in (m.Batched.TOO_LARGE, m.Batched.REFUSED, m.Batched.NEVER):
        return _refused_whole(state, asked, observed)
    if event.batch in (m.Batched.SILENT, m.Batched.UNANSWERED):  # which is no row's fault
        crowd = {lane.key: replace(lane, crowd=True) for lane in asked}
        state = replace(state, lanes={**state.lanes, **crowd})
    return _judge(state, event.replies, event.now, judge_write, observed)


def _was_read(state: PushState, event: m.WasRead) -> Step:
    """A batch of readings that was not answered was too large, or there is an outage.

    The first is sure only where the server has answered a small request in this look.
    """
    state, learned = heard(state, event.replies)
    crowd = sum(isinstance(one, m.NoReply) and one.crowd for one in event.replies)
    if crowd:
        there = state.silent or state.heard  # the look began with a small request, or read one
        batch = m.Batched.UNANSWERED
        state, observed = fewer(state, crowd) if there else sized(state, crowd, batch)
        learned = {**learned, **observed}
    return _judge(state, event.replies, event.now, judge_read, learned)


def _refused_whole(state: PushState, asked: Sequence[m.Lane], observed: dict[str, str]) -> Step:
    """A batch was refused before anything was done; only what must not be sent twice is read."""
    again = [lane for lane in asked if repeatable(lane, state.can)]
    doubtful = [lane for lane in asked if lane not in again]
    awaiting = state.awaiting - {lane.key for lane in asked}
    state = replace(state.phase(doubtful, m.Phase.DOUBTFUL), probing=None, awaiting=awaiting)
    return state, (m.Save(tuple(never_left(lane) for lane in again), observed=observed),)


def _judge(
    state: PushState,
    replies: Sequence[m.Reply | m.NoReply],
    now: datetime,
    judge: Judge,
    observed: dict[str, str] | None = None,
) -> Step:
    changes: list[m.Change] = []
    reads: list[m.Request] = []
    seen = dict(observed or {})
    state = replace(state, awaiting=state.awaiting - {reply.lane for reply in replies})
    for reply in replies:
        lane = state.lanes[reply.lane]
        verdict = judge(state, lane, reply, now)
        state = _learned(state, lane, verdict, now)
        seen.update(verdict.observed)
        if verdict.change:
            changes.append(verdict.change)
        if verdict.read:
            reads.append(verdict.read)
        if isinstance(reply, m.NoReply) and not reply.left and judge is judge_write:
            changes.append(never_left(lane))
    state = replace(state, tries=state.tries + 1, probing=None)
    commands: list[m.Command] = []
    if changes or seen:
        commands.append(m.Save(tuple(changes), state.pause, seen))
    if reads and not state.stopped:
        state = replace(state, awaiting=state.awaiting | {one.lane for one in reads})
        crowd = any(state.lanes[one.lane].crowd for one in reads)  # one of them may be the fault
        commands.append(m.ReadBack(tuple(reads), 1 if crowd else state.at_once))
    return (state, tuple(commands)) if commands else _next(state, now)


def _learned(state: PushState, lane: m.Lane, verdict: Verdict, now: datetime) -> PushState:
    """The state after one verdict."""
    if verdict.read:
        lane = verdict.lane or lane
        keeps = lane.phase in (m.Phase.CONFIRMING, m.Phase.COMPARING)
        lane = lane if keeps else replace(lane, phase=m.Phase.READING)
        state = replace(state, lanes={**state.lanes, lane.key: lane})
    change = verdict.change
    aside = {change.key} if change and change.unread else set()
    suspect = state.suspect
    if state.probing == lane.key:
        suspect = lane.key if verdict.stumbled else suspect
    elif suspect == lane.key and lane.phase is m.Phase.ASKED:
        suspect = None
    paused = _paused(verdict.pause - now) if verdict.pause else None
    pauses = [one for one in (state.pause, verdict.pause) if one]
    return replace(
        state,
        can=state.can.seeing(verdict.observed) if verdict.observed else state.can,
        on_top=state.on_top | verdict.on_top,
        aside=state.aside | aside,
        stopped=verdict.stop or state.stopped or paused,
        suspect=suspect,
        pause=max(pauses, default=None),
    )
