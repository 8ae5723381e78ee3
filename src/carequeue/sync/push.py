"""Push: the outbox to the server, decided without touching either. Pure.

`step(state, event)` gives the next state and what is to be done. The same code runs under the
terminal's worker, `carequeue sync` and the simulator. The rules, in the order in which they bite:

1. Nothing leaves before it is written down as in doubt.
2. A write is the base with the lane's intents folded over it, guarded by the base's version.
3. A clear yes whose body holds what was decided is an acknowledgement; the body is the new base.
4. Anything else is settled: read the resource, compare (`conflicts.py`), move the base to it.
5. A refusal concerns one lane. Only a missing network or a missing sign-in stops the rest.
6. Eight settles in a row without progress: a person is asked.

Not here: what a status means (`failures.py`), the bytes (`transport.py`), the loop (`driver.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from carequeue.domain.intents import IntentEvent, IntentKind, IntentState
from carequeue.fhir import codes, edits
from carequeue.fhir.chart import Resource
from carequeue.fhir.values import identifier_value
from carequeue.sync import messages as m
from carequeue.sync.capabilities import Abilities
from carequeue.sync.conflicts import EVENTS, Found, runs, same_client, settle
from carequeue.sync.failures import SETTLE_LIMIT, Answer, delay, kind_of

#: Entries of a batch; servers differ (docs/servers.md), most take this many.
BATCH_SIZE: Final = 50
_OTHER: Final = "the server took it, but returned something else"
#: What an entity tag can hold (RFC 9110, 8.8.3), and a header of any server will take.
_VERSION: Final = re.compile(r"[!#-~]{1,200}")


@dataclass(frozen=True, slots=True)
class PushState:
    """One push to one source. `aliases`: local reference -> the server's, for what we created.

    `looked`: lanes without a version that were read before they are written. `aside`: lanes whose
    reading said nothing, left alone until the next look.
    """

    can: Abilities
    seed: int = 0
    lanes: Mapping[m.LaneKey, m.Lane] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    stopped: m.Stop | None = None
    tries: int = 0
    looked: frozenset[m.LaneKey] = frozenset()
    aside: frozenset[m.LaneKey] = frozenset()


Step = tuple[PushState, tuple[m.Command, ...]]


def step(state: PushState, event: m.Event) -> Step:
    """What to do after an event."""
    match event:
        case m.Loaded():
            lanes = {lane.key: lane for lane in event.lanes}
            return _next(replace(state, lanes=lanes), event.now)
        case m.Marked():
            batch = state.can.batch and len(event.requests) > 1
            return _in_doubt(state, event), (m.Exchange(event.requests, batch),)
        case m.Answered():
            return _answered(state, event)
        case m.WasRead():
            return _was_read(state, event)
        case m.Saved():
            return _saved(state, event)


def _in_doubt(state: PushState, event: m.Marked) -> PushState:
    lanes = dict(state.lanes)
    for request in event.requests:
        lane = lanes[request.lane]
        marked = tuple(replace(one, state=IntentState.IN_DOUBT) for one in lane.intents)
        lanes[lane.key] = replace(lane, intents=marked)
    return replace(state, lanes=lanes)


def _saved(state: PushState, event: m.Saved) -> Step:
    lanes = {key: lane for key, lane in state.lanes.items() if key not in event.keys}
    lanes.update({lane.key: lane for lane in event.lanes})
    freed = {
        key: replace(lane, waits_for=lane.waits_for - event.closed) for key, lane in lanes.items()
    }
    aliases = {**state.aliases, **event.aliases}
    return _next(replace(state, lanes=freed, aliases=aliases), event.now)


def _next(state: PushState, now: datetime) -> Step:
    """The next round: what was left in doubt is read back first, then what may leave leaves."""
    if state.stopped:
        return state, (state.stopped,)
    homeless = [lane for lane in state.lanes.values() if _homeless(lane, state)]
    if homeless:
        changes = tuple(_no_place(lane, "the server takes no such change") for lane in homeless)
        return state, (m.Save(changes),)
    ready = [
        lane
        for lane in state.lanes.values()
        if lane.phase in (m.Phase.READY, m.Phase.DOUBTFUL)
        and not lane.waits_for
        and lane.key not in state.aside
        and (lane.not_before is None or lane.not_before <= now)
    ]
    doubtful = [lane for lane in ready if _read_first(lane, state)][:BATCH_SIZE]
    if doubtful:
        looked = state.looked | {lane.key for lane in doubtful}
        state = replace(_phase(state, doubtful, m.Phase.READING), looked=looked)
        return state, (m.ReadBack(tuple(_read_request(lane, state) for lane in doubtful)),)
    sending = ready[: BATCH_SIZE if state.can.batch else 1]
    if not sending:
        return state, ()
    requests = tuple(_write_request(lane, state) for lane in sending)
    return _phase(state, sending, m.Phase.ASKED), (m.Mark(requests),)


def _read_first(lane: m.Lane, state: PushState) -> bool:
    """In doubt; or of a server without versions, where only a look shows a colleague's change."""
    unguarded = lane.base is not None and not _guard(lane) and lane.key not in state.looked
    return lane.phase is m.Phase.DOUBTFUL or unguarded


def _phase(state: PushState, lanes: Sequence[m.Lane], phase: m.Phase) -> PushState:
    changed = {lane.key: replace(lane, phase=phase) for lane in lanes}
    return replace(state, lanes={**state.lanes, **changed})


def _homeless(lane: m.Lane, state: PushState) -> bool:
    """The source has no place for this; what was in doubt is settled first."""
    if lane.phase is not m.Phase.READY:
        return False
    kind = lane.key[0]
    if lane.base is not None:
        return not state.can.can("update", kind)
    if lane.intents[0].kind is not IntentKind.CREATE:
        return True  # what it belongs to is kept here only
    return not (state.can.can("create", kind) or state.can.of(kind).update_create)


def _no_place(lane: m.Lane, words: str) -> m.Change:
    return m.Change(
        lane.key, tuple(m.Outcome(one, IntentEvent.NO_PLACE, words) for one in lane.intents)
    )


# --- requests -------------------------------------------------------------------------------------


def _write_request(lane: m.Lane, state: PushState) -> m.Request:
    kind, key = lane.key
    view = edits.fold(lane.base, lane.intents)
    body = _rename(view or {}, state.aliases)
    ids = tuple(intent.id for intent in lane.intents)
    if lane.base is not None:
        return m.Request(lane.key, "PUT", f"{kind}/{key}", body, _guard(lane), "", ids)
    if _ours_alone(lane) and state.can.of(kind).update_create:
        named = {**body, "id": key}
        return m.Request(lane.key, "PUT", f"{kind}/{key}", named, "", "", ids, creates=True)
    body.pop("id", None)
    return m.Request(lane.key, "POST", kind, body, "", _search(lane), ids, creates=True)


def _guard(lane: m.Lane) -> str:
    """The If-Match of a write; "" where the server gave no version, or none that a header takes.

    A version with a quotation mark or a line break in it would be a guard of its own making, or a
    header more; such a server is treated as one without versions: looked at before each write.
    """
    return f'W/"{lane.version}"' if _VERSION.fullmatch(lane.version) else ""


def _ours_alone(lane: m.Lane) -> bool:
    """Whether nobody else can be making the same: its identifier is our own fresh id.

    Else it stands for something that others see too (a discharge, a request without a Task), and
    only a conditional create on the stable identifier keeps two people from making two.
    """
    return _identifier(lane) == lane.key[1]


def _identifier(lane: m.Lane) -> str:
    resource = lane.intents[0].args.get("resource")
    return identifier_value(resource if isinstance(resource, dict) else {}, codes.IDENTIFIER)


def _search(lane: m.Lane) -> str:
    return f"identifier={quote(codes.IDENTIFIER, safe='')}%7C{quote(_identifier(lane), safe='')}"


def _read_request(lane: m.Lane, state: PushState) -> m.Request:
    kind, key = lane.key
    by_id = lane.base is not None or (_ours_alone(lane) and state.can.of(kind).update_create)
    return m.Request(lane.key, "GET", f"{kind}/{key}" if by_id else f"{kind}?{_search(lane)}")


def _rename(value: Resource, aliases: Mapping[str, str]) -> Resource:
    """References to what we created, by the server's ids."""

    def walk(one: object) -> object:
        if isinstance(one, dict):
            return {
                name: aliases.get(part, part)
                if name == "reference" and isinstance(part, str)
                else walk(part)
                for name, part in one.items()
            }
        return [walk(part) for part in one] if isinstance(one, list) else one

    renamed = walk(value)
    return renamed if isinstance(renamed, dict) else {}


# --- what came back -------------------------------------------------------------------------------


def _answered(state: PushState, event: m.Answered) -> Step:
    if not event.batch:  # not once more in this push
        state = replace(state, can=replace(state.can, batch=False))
    return _judge(state, event.replies, event.now, _judge_write)


def _was_read(state: PushState, event: m.WasRead) -> Step:
    return _judge(state, event.replies, event.now, _judge_read)


Verdict = m.Change | m.Request | m.Stop
Judge = Callable[[PushState, m.Lane, m.Reply | m.NoReply, datetime], Verdict]


def _judge(
    state: PushState,
    replies: Sequence[m.Reply | m.NoReply],
    now: datetime,
    judge: Judge,
) -> Step:
    changes: list[m.Change] = []
    reads: list[m.Request] = []
    for reply in replies:
        match judge(state, state.lanes[reply.lane], reply, now):
            case m.Change() as change:
                changes.append(change)
                if change.unread:
                    state = replace(state, aside=state.aside | {change.key})
            case m.Request() as request:
                reads.append(request)
            case m.Stop() as stop:
                state = replace(state, stopped=stop)
        if isinstance(reply, m.NoReply) and not reply.left and judge is _judge_write:
            changes.append(_never_left(state.lanes[reply.lane]))
    state = _phase(state, [state.lanes[read.lane] for read in reads], m.Phase.READING)
    state = replace(state, tries=state.tries + 1)
    commands: list[m.Command] = [m.Save(tuple(changes))] if changes else []
    if reads and not state.stopped:
        commands.append(m.ReadBack(tuple(reads)))
    return (state, tuple(commands)) if commands else _next(state, now)


def _never_left(lane: m.Lane) -> m.Change:
    """The network was not there: back to waiting, and it does not count as a try."""
    outcomes = _all(lane, IntentEvent.FOUND_NOT_APPLIED)
    return m.Change(lane.key, outcomes, counts=False)


def _judge_write(
    state: PushState, lane: m.Lane, reply: m.Reply | m.NoReply, now: datetime
) -> Verdict:
    if isinstance(reply, m.NoReply):
        if reply.left:
            return _read_request(lane, state)
        return m.Stop(reply.why, offline=True)
    match kind_of(reply.status, reply.conflict_issue):
        case Answer.YES:
            return _yes(state, lane, reply)
        case Answer.READ_BACK:
            return _read_request(lane, state)
        case Answer.SIGN_IN:
            return m.Stop(reply.words or "the server asks who you are", sign_in=True)
        case Answer.LATER:
            wait = _wait(state, lane, reply.retry_after, now)
            return m.Change(lane.key, not_before=now + wait)
        case Answer.NO_PLACE:
            interaction = "create" if lane.base is None else "update"
            change = _no_place(lane, reply.words or "the server takes no such change")
            return replace(change, observed={f"{interaction}:{lane.key[0]}": "no"})
        case Answer.REFUSED:
            words = reply.words or f"the server refused it ({reply.status})"
            return m.Change(lane.key, _all(lane, IntentEvent.REFUSED, words))


def _wait(state: PushState, lane: m.Lane, retry_after: str, now: datetime) -> timedelta:
    chance = random.Random(f"{state.seed}/{lane.key}/{state.tries}")  # noqa: S311 - jitter
    return delay(lane.attempts, retry_after, now, chance)


def _all(lane: m.Lane, event: IntentEvent, words: str = "") -> tuple[m.Outcome, ...]:
    return tuple(m.Outcome(intent, event, words) for intent in lane.intents)


def _yes(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    if reply.resource is None or (lane.base is not None and not _ours(lane, reply.resource)):
        return _read_request(lane, state)
    if lane.base is None and not _ours(lane, reply.resource):
        return m.Change(lane.key, _all(lane, IntentEvent.REFUSED, _OTHER))
    if reply.status == 200 and lane.base is None:  # it was there already: somebody made it
        if _fits(lane, reply.resource):
            return _settled(lane, reply)
        return m.Change(lane.key, _all(lane, IntentEvent.REFUSED, _OTHER))
    made = [one for one in lane.intents if one.kind is not IntentKind.CREATE]
    unmet = {run[-1].id for run in runs(made) if not edits.satisfied(run[-1], reply.resource)}
    outcomes = tuple(
        m.Outcome(one, IntentEvent.REFUSED, _OTHER)
        if one.id in unmet
        else m.Outcome(one, IntentEvent.ACKNOWLEDGED)
        for one in lane.intents
    )
    return m.Change(lane.key, outcomes, reply.resource, reply.version)


def _judge_read(
    state: PushState, lane: m.Lane, reply: m.Reply | m.NoReply, now: datetime
) -> Verdict:
    if isinstance(reply, m.NoReply):
        return _unread(state, lane, reply, now) if reply.left else m.Stop(reply.why, offline=True)
    if reply.status in (404, 410):
        return _settled(lane, replace(reply, resource=None))
    match kind_of(reply.status, conflict_issue=False):
        case Answer.YES if reply.resource is not None and _fits(lane, reply.resource):
            return _settled(lane, reply)
        case Answer.YES if reply.resource is not None and lane.base is None:
            # It left the search out of account; sent again, there could be two.
            words = "the server cannot say whether it has it"
            return m.Change(lane.key, _all(lane, IntentEvent.REFUSED, words))
        case Answer.SIGN_IN:
            return m.Stop(reply.words or "the server asks who you are", sign_in=True)
        case Answer.LATER | Answer.YES:  # a yes without the resource says nothing
            wait = _wait(state, lane, reply.retry_after, now)
            return m.Change(lane.key, not_before=now + wait)
        case _:
            words = reply.words or f"the server does not let it be read ({reply.status})"
            return m.Change(lane.key, _all(lane, IntentEvent.REFUSED, words))


def _unread(state: PushState, lane: m.Lane, reply: m.NoReply, now: datetime) -> m.Change:
    """An answer that cannot be read is this resource's own trouble: it waits, the others go on.

    The first time until the next look, since the connection may have broken by chance.
    """
    outcomes = []
    for intent in lane.intents:
        if intent.settles + 1 >= SETTLE_LIMIT:
            words = f"tried {SETTLE_LIMIT} times, and the answer could not be read: {reply.why}"
            outcomes.append(m.Outcome(intent, IntentEvent.REFUSED, words))
        else:
            outcomes.append(m.Outcome(intent, IntentEvent.FOUND_NOT_APPLIED, reply.why))
    again = any(intent.settles for intent in lane.intents)
    until = now + _wait(state, lane, "", now) if again else None
    return m.Change(lane.key, tuple(outcomes), not_before=until, unread=True)


def _settled(lane: m.Lane, reply: m.Reply) -> m.Change:
    theirs = reply.resource
    if theirs is not None and lane.base is not None and _same(lane, reply):
        found = [(one, Found.NOT_APPLIED, "") for one in lane.intents]
    else:
        results = settle(lane.base, theirs, lane.intents)
        found = [(one.intent, one.found, one.words) for one in results]
    outcomes = []
    for intent, result, words in found:
        if result is Found.NOT_APPLIED and intent.settles + 1 >= SETTLE_LIMIT:
            words = f"tried {SETTLE_LIMIT} times, and the server never took it"
            outcomes.append(m.Outcome(intent, IntentEvent.REFUSED, words))
        elif not (result is Found.NOT_APPLIED and intent.state is IntentState.QUEUED):
            outcomes.append(m.Outcome(intent, EVENTS[result], words))
    return m.Change(lane.key, tuple(outcomes), theirs, reply.version)


def _fits(lane: m.Lane, resource: Resource) -> bool:
    """Whether an answer holds what the lane is about, and not another resource."""
    if lane.base is None:
        return edits.satisfied(lane.intents[0], resource)
    return resource.get("id") == lane.key[1]


def _ours(lane: m.Lane, resource: Resource) -> bool:
    """Whether a yes speaks of our resource, about the client that it was about.

    The right one under another client's name is read back, and then a person's to answer. What was
    made must carry our identifier where it carries any of that kind, else it is some other row.
    """
    if lane.base is not None:
        return _fits(lane, resource) and same_client(lane.base, resource)
    named = identifier_value(resource, codes.IDENTIFIER)
    made = edits.fold(None, lane.intents) or {}
    return (_fits(lane, resource) or not named) and same_client(made, resource)


def _same(lane: m.Lane, reply: m.Reply) -> bool:
    if lane.version and reply.version:
        return lane.version == reply.version
    return lane.base == reply.resource
