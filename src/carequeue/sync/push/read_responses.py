"""What the reading of a resource says about the lane that it was read for. Pure.

In:  the lane, what was read. Out: a `Verdict`. Read is what may have been done without our knowing
(a lost answer, a no of whatever kind), what cannot be guarded, what a pull has laid something newer
beside, and what is kept here, once the source can take it: that was decided about a resource as its
author saw it, and what a colleague changed since is a conflict like any other.
A reading that says nothing is this resource's own trouble: it waits, the others go on.
Not here: the comparison itself (`three_way.py`), answers to writes (`write_responses.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import intent_effects, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import trouble
from carequeue.sync.protocol.capabilities import NO_STATUS, Abilities, status_of
from carequeue.sync.protocol.failures import BUSY_LIMIT, SETTLE_LIMIT, Answer, kind_of
from carequeue.sync.push import messages as m
from carequeue.sync.push.next_step import (
    Verdict,
    all_of,
    fits,
    later,
    ours,
    refused,
    sign_in,
    taken,
    wait,
)
from carequeue.sync.push.request_builder import by_our_id, read_request, repeatable
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import (
    ALREADY_SO,
    EVENTS,
    GONE,
    MADE_ANEW,
    ON_TOP,
    OVERWROTE,
    Found,
    Settled,
    as_seen,
    changed_beside,
    runs,
    settle,
    unseen,
)

_CANNOT_SAY: Final = "the server cannot say whether it has it"
_COULD_BE_TWO: Final = (
    "its answer was lost, and the server does not show it. Sent again, there could be two: look "
    "there first, then try again or let it go"
)
_AGAIN: Final = 2  # times that something left without an answer, before it waits for the next
_SHOWN: Final = 60  # of a value that was overwritten


def judge_read(
    state: PushState, lane: m.Lane, reply: m.Reply | m.NoReply, now: datetime
) -> Verdict:
    """What the reading of a lane leads to."""
    if isinstance(reply, m.NoReply) and (reply.ends or not reply.left):
        return Verdict(stop=m.Stop(reply.why, offline=True))
    if lane.phase is m.Phase.COMPARING and not _is_history(lane, reply):
        lane = replace(lane, phase=m.Phase.CONFIRMING)
        return Verdict(read=read_request(lane, state.can), lane=lane)
    if isinstance(reply, m.NoReply):
        return Verdict(_unread(state, lane, reply, now))
    if reply.status == 410 and lane.base is None and lane.intents:
        # It was made, and somebody has deleted it: made again, it would be back.
        return Verdict(m.Change(lane.key, all_of(lane, IntentEvent.FOUND_GONE, GONE)))
    if reply.status in (404, 410):
        return _later_again(state, lane, settled(state, lane, replace(reply, resource=None)), now)
    match kind_of(reply.status, conflict_issue=False):
        case Answer.YES if reply.resource is not None:
            return _found(state, lane, reply, now)
        case Answer.SIGN_IN:
            return sign_in(reply)
        case Answer.LATER | Answer.YES:  # a yes without the resource says nothing
            return later(state, lane, reply, now)
        case _:
            words = reply.words or f"the server does not let it be read ({reply.status})"
            return _asked(lane, words)


def _found(state: PushState, lane: m.Lane, reply: m.Reply, now: datetime) -> Verdict:
    if lane.phase in (m.Phase.CONFIRMING, m.Phase.COMPARING):
        return _confirmed(state, lane, reply, now)
    fitting = [one for one in (reply.many or (reply.resource,)) if one and fits(lane, one)]
    if len(fitting) > 1 and lane.base is None:
        return _asked(lane, f"the server has {len(fitting)} of it; which one is meant?")
    if fitting:
        verdict = settled(state, lane, _of(reply, fitting[0]))
        return _later_again(state, lane, verdict, now)
    if lane.base is None:
        # It left the search out of account; sent again, there could be two.
        return _asked(lane, _CANNOT_SAY)
    return later(state, lane, reply, now)


def _later_again(state: PushState, lane: m.Lane, verdict: Verdict, now: datetime) -> Verdict:
    """What left twice and more without an answer leaves a while later, longer each time.

    A row at which the server hangs would else end every cycle, and nothing else would be done.
    """
    change = verdict.change
    hung = state.silent and lane.left_over and lane.attempts >= _AGAIN
    if change is None or not hung:
        return verdict
    if all(one.event is not IntentEvent.FOUND_NOT_APPLIED for one in change.outcomes):
        return verdict
    until = now + wait(state, lane, lane.attempts, "", now)
    return replace(verdict, change=replace(change, not_before=until))


def _of(reply: m.Reply, resource: Resource) -> m.Reply:
    """The reply as one about this resource, of all that a search found."""
    if resource is reply.resource:
        return reply
    return replace(reply, resource=resource, version=values.text(resource, "meta.versionId"))


def _asked(lane: m.Lane, words: str) -> Verdict:
    """A person is asked about what left; what is kept here stays there, until the next look."""
    outcomes = refused(lane, words) if lane.intents else ()
    return Verdict(m.Change(lane.key, outcomes, counts=False, unread=not outcomes))


def _unread(state: PushState, lane: m.Lane, reply: m.NoReply, now: datetime) -> m.Change:
    """Put aside until the next look.

    An answer that no sense can be made of counts, and waits longer each time; after many a person
    is asked. A connection that broke is the network's absence, and never counts.
    """
    if not reply.unreadable or not lane.intents:
        return m.Change(lane.key, unread=True, words=reply.why)
    before = max(one.settles for one in lane.intents)
    if before + 1 >= SETTLE_LIMIT:
        words = f"tried {SETTLE_LIMIT} times, and the answer could not be read: {reply.why}"
        return m.Change(lane.key, refused(lane, words), counts=False)
    outcomes = all_of(lane, IntentEvent.FOUND_NOT_APPLIED, reply.why)
    until = now + wait(state, lane, lane.attempts + before, "", now) if before else None
    return m.Change(lane.key, outcomes, not_before=until, unread=True)


# --- what was found -------------------------------------------------------------------------------


def settled(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    """Compare three ways; the base moves to what was read (None: it is not there)."""
    theirs = reply.resource
    outcomes: list[m.Outcome] = []
    observed: dict[str, str] = {}
    on_top: set[str] = set()
    for one in _compared(lane, reply) if lane.intents else ():
        if one.found is Found.NOT_APPLIED and lane.no_place:
            outcomes.append(m.Outcome(one.intent, IntentEvent.NO_PLACE, lane.no_place))
            observed = {f"update:{lane.key[0]}": "no"}
        elif one.found is Found.NOT_APPLIED:
            outcomes += _not_applied(state, lane, one.intent)
            on_top |= {one.intent.id} if one.words == ON_TOP else set()
        elif one.found is Found.DONE:
            outcomes.append(m.Outcome(one.intent, EVENTS[one.found], _told(state, lane, one)))
        else:
            outcomes.append(m.Outcome(one.intent, EVENTS[one.found], one.words))
    outcomes += _placed(lane, state.can, theirs)
    change = m.Change(
        lane.key,
        tuple(outcomes),
        theirs,
        reply.version,
        counts=not (lane.crowd or lane.left_over),
        compared=frozenset(one.id for one in (*lane.intents, *lane.kept)),
        gone=theirs is None and lane.base is not None,
    )
    if lane.base is None and any(o.event is IntentEvent.FOUND_OTHER_CLIENT for o in outcomes):
        change = replace(change, base=None, version="")  # it is not what we made
    return Verdict(change, observed=observed, on_top=frozenset(on_top))


def _compared(lane: m.Lane, reply: m.Reply) -> Sequence[Settled]:
    if reply.resource is not None and lane.base is not None and _same(lane, reply):
        return [Settled(one, Found.NOT_APPLIED) for one in lane.intents]
    return settle(lane.base, reply.resource, lane.intents, lane.records)


def _not_applied(state: PushState, lane: m.Lane, intent: Intent) -> list[m.Outcome]:
    """Sent again, unless it was sent so often already, or cannot be repeated."""
    if intent.state is not IntentState.IN_DOUBT:
        return []
    if intent.kind is IntentKind.CREATE and not repeatable(lane, state.can):
        return [m.Outcome(intent, IntentEvent.REFUSED, _COULD_BE_TWO)]
    if lane.left_over:
        if not state.silent or intent.attempts < BUSY_LIMIT:
            return [m.Outcome(intent, IntentEvent.FOUND_NOT_APPLIED)]
        words = f"sent {intent.attempts} times, and the server never answered it"
        return [m.Outcome(intent, IntentEvent.REFUSED, words)]
    if intent.settles + 1 >= SETTLE_LIMIT and not lane.crowd:
        words = f"tried {SETTLE_LIMIT} times, and the server never took it"
        said = f"{words}: {lane.told}" if lane.told else words
        return [m.Outcome(intent, IntentEvent.REFUSED, said)]
    return [m.Outcome(intent, IntentEvent.FOUND_NOT_APPLIED)]


def _told(state: PushState, lane: m.Lane, one: Settled) -> str:
    """Whether somebody else did it: ours never left, or was refused the only time that it did."""
    intent = one.intent
    never = intent.attempts == 0 and (intent.state is IntentState.QUEUED or bool(lane.told))
    made_alone = intent.kind is IntentKind.CREATE and by_our_id(lane, state.can)
    if never and not made_alone:
        return ALREADY_SO
    if _anew(lane):
        return MADE_ANEW
    return ON_TOP if intent.id in state.on_top else ""


def _same(lane: m.Lane, reply: m.Reply) -> bool:
    if lane.version and reply.version:
        return lane.version == reply.version
    return lane.base == reply.resource


# --- what was kept here ---------------------------------------------------------------------------


def placeable(lane: m.Lane, can: Abilities) -> tuple[Intent, ...]:
    """What is kept here of a resource and could leave now, in order.

    A status that the source does not know goes along where a later decision of ours takes its
    place. What came malformed is never written back: that could lose what we could not read.
    """
    first = next(iter((*lane.intents, *lane.kept)), None)
    creates = first is not None and first.kind is IntentKind.CREATE
    if (lane.base is None and not creates) or (lane.base is not None and trouble(lane.base)):
        return ()
    found: list[Intent] = []
    for intent in lane.kept:
        why = can.refusal(intent)
        if not why or (why == NO_STATUS and _covered(intent, lane, can)):
            found.append(intent)
        elif intent.kind is IntentKind.CREATE:
            return ()  # the rest belongs to what is not there
    return tuple(found)


def _covered(intent: Intent, lane: m.Lane, can: Abilities) -> bool:
    return intent.kind is not IntentKind.CREATE and any(
        one.seq > intent.seq
        and (status := status_of(one))
        and can.knows_status(intent.target_type, status)
        for one in (*lane.intents, *lane.kept)
    )


def _placed(lane: m.Lane, can: Abilities, theirs: Resource | None) -> list[m.Outcome]:
    """What was kept here, compared with what its author saw: to the queue, done, or a conflict."""
    kept = placeable(lane, can)
    if not kept or (theirs is not None and trouble(theirs)):
        return []
    base = lane.base
    if base is None and lane.intents and theirs is not None:  # what it belongs to was being made
        base = intent_effects.fold(None, lane.intents)
    found = settle(as_seen(base, kept) if base is not None else None, theirs, kept, lane.records)
    outcomes = []
    for one in found:
        if one.found is Found.OTHER_CLIENT:
            outcomes.append(m.Outcome(one.intent, EVENTS[one.found], one.words))
            continue
        outcomes.append(m.Outcome(one.intent, IntentEvent.PLACE_FOUND))
        queued = replace(one.intent, state=IntentState.QUEUED)
        if one.found is not Found.NOT_APPLIED:
            words = ALREADY_SO if one.found is Found.DONE else one.words
            outcomes.append(m.Outcome(queued, EVENTS[one.found], words))
    return outcomes


# --- what was taken without a guard, or without a body --------------------------------------------


def _confirmed(state: PushState, lane: m.Lane, reply: m.Reply, now: datetime) -> Verdict:
    """The server said yes: is it there, and did it go over somebody's change?"""
    found = reply.resource or {}
    if not ours(lane, found):
        if fits(lane, found):
            return settled(state, lane, reply)
        return _asked(lane, _CANNOT_SAY) if lane.base is None else later(state, lane, reply, now)
    made = [one for one in lane.intents if one.kind is not IntentKind.CREATE]
    unmet = [run[-1].id for run in runs(made) if not intent_effects.satisfied(run[-1], found)]
    as_written = bool(lane.written) and lane.written == reply.version
    if unmet and not as_written:  # somebody wrote after us
        return settled(state, replace(lane, version=""), reply)
    words = _overwritten(lane, reply.many) if lane.phase is m.Phase.COMPARING else ""
    words = MADE_ANEW if _anew(lane) else words
    outcomes = taken(lane, unmet, state.on_top, words)
    return Verdict(m.Change(lane.key, outcomes, found, reply.version))


def _anew(lane: m.Lane) -> bool:
    """Whether an update was answered as a create is: somebody had deleted it meanwhile."""
    return lane.base is not None and lane.answered == 201


def _is_history(lane: m.Lane, reply: m.Reply | m.NoReply) -> bool:
    """Whether an answer shows the versions of the resource, with ours among them."""
    if isinstance(reply, m.NoReply) or reply.status != 200:
        return False
    return any(_version(one) == lane.written for one in reply.many if fits(lane, one))


def _overwritten(lane: m.Lane, versions: Sequence[Resource]) -> str:
    """What is said where a colleague's version lies between the base and ours; "" where none does.

    Ours may lie there twice, where the network doubled it.
    """
    names = [_version(one) for one in versions]
    if lane.base is None or lane.version not in names:
        return ""
    at = names.index(lane.written)
    written = versions[at]
    between = versions[at + 1 : names.index(lane.version)]
    theirs = [one for one in between if changed_beside(written, one)]
    lost = unseen(lane.base, theirs, written)
    return f"{OVERWROTE}: {', '.join(_shown(name, theirs) for name in lost)}" if lost else ""


def _shown(name: str, versions: Sequence[Resource]) -> str:
    value = versions[0].get(name)
    said = values.squeeze(value, _SHOWN) if isinstance(value, str) else ""
    return f"{name} (theirs: {said})" if said else name


def _version(resource: Resource) -> str:
    return values.text(resource, "meta.versionId")
