"""The result of a read of a resource for its pending intents. Pure.

In:  the pending resource, what was read. Out: a `NextStep`.
A resource is read back when: a reply was lost or negative; the write cannot use If-Match; a pull
found a newer version; or a local-only intent can now be sent. A local-only intent is compared with
what its author saw, so a colleague's change since then is a conflict like any other.
A read that fails concerns this resource only: it waits, the others go on.
Not here: the comparison itself (`three_way.py`), replies to writes (`write_responses.py`).
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
from carequeue.sync.protocol.capabilities import UNSUPPORTED_STATUS, Abilities, status_of
from carequeue.sync.protocol.failures import BUSY_LIMIT, READ_BACK_LIMIT, ResponseKind, kind_of
from carequeue.sync.push import messages as m
from carequeue.sync.push.next_step import (
    NextStep,
    all_of,
    fits,
    later,
    ours,
    refused,
    sign_in,
    taken,
    unmet,
    wait,
)
from carequeue.sync.push.request_builder import by_our_id, read_request, repeatable
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import (
    ALREADY_SO,
    CREATED_AGAIN,
    EVENTS,
    GONE,
    ON_TOP,
    OVERWROTE,
    Compared,
    Comparison,
    as_seen,
    changed_beside,
    compare,
    unseen,
)

_CANNOT_SAY: Final = "the server cannot say whether it has it"
_COULD_BE_TWO: Final = (
    "its reply was lost, and the server does not show it. Sending it again could create it twice: "
    "check on the server first, then try again or discard it"
)
_AGAIN: Final = 2  # times sent without a reply, before it waits for the next cycle
_SHOWN: Final = 60  # characters shown of a value that was overwritten


def interpret_read_response(
    state: PushState, target: m.PendingResource, reply: m.Reply | m.NoReply, now: datetime
) -> NextStep:
    """The next step after the reply to a read."""
    if isinstance(reply, m.NoReply) and (reply.ends or not reply.left):
        return NextStep(stop=m.Stop(reply.why, offline=True))
    if target.phase is m.Phase.COMPARING and not _is_history(target, reply):
        target = replace(target, phase=m.Phase.CONFIRMING)
        return NextStep(read=read_request(target, state.can), target=target)
    if isinstance(reply, m.NoReply):
        return NextStep(_unread(state, target, reply, now))
    if reply.status == 410 and target.base is None and target.intents:
        # It was created and then deleted by somebody: creating it again would bring it back.
        return NextStep(m.Change(target.key, all_of(target, IntentEvent.FOUND_GONE, GONE)))
    if reply.status in (404, 410):
        return _later_again(
            state, target, reconcile(state, target, replace(reply, resource=None)), now
        )
    match kind_of(reply.status, conflict_issue=False):
        case ResponseKind.YES if reply.resource is not None:
            return _found(state, target, reply, now)
        case ResponseKind.SIGN_IN:
            return sign_in(reply)
        case ResponseKind.LATER | ResponseKind.YES:  # a success without the resource tells nothing
            return later(state, target, reply, now)
        case _:
            words = reply.words or f"the server does not allow reading it ({reply.status})"
            return _asked(target, words)


def _found(state: PushState, target: m.PendingResource, reply: m.Reply, now: datetime) -> NextStep:
    if target.phase in (m.Phase.CONFIRMING, m.Phase.COMPARING):
        return _confirmed(state, target, reply, now)
    fitting = [
        match for match in (reply.many or (reply.resource,)) if match and fits(target, match)
    ]
    if len(fitting) > 1 and target.base is None:
        return _asked(target, f"the server has {len(fitting)} of it; which one is meant?")
    if fitting:
        next_step = reconcile(state, target, _of(reply, fitting[0]))
        return _later_again(state, target, next_step, now)
    if target.base is None:
        # The server ignored the search parameter; sent again, there could be two.
        return _asked(target, _CANNOT_SAY)
    return later(state, target, reply, now)


def _later_again(
    state: PushState, target: m.PendingResource, next_step: NextStep, now: datetime
) -> NextStep:
    """Wait longer each time before an intent is sent again that got no reply twice or more.

    Otherwise a row at which the server hangs would end every cycle, and nothing else would be done.
    """
    change = next_step.change
    hung = state.silent and target.unanswered_before and target.attempts >= _AGAIN
    if change is None or not hung:
        return next_step
    if all(outcome.event is not IntentEvent.FOUND_NOT_APPLIED for outcome in change.outcomes):
        return next_step
    until = now + wait(state, target, target.attempts, "", now)
    return replace(next_step, change=replace(change, not_before=until))


def _of(reply: m.Reply, resource: Resource) -> m.Reply:
    """The reply for this resource alone, of all that a search found."""
    if resource is reply.resource:
        return reply
    return replace(reply, resource=resource, version=values.text(resource, "meta.versionId"))


def _asked(target: m.PendingResource, words: str) -> NextStep:
    """A person is asked about what was sent; local-only intents stay until the next cycle."""
    outcomes = refused(target, words) if target.intents else ()
    return NextStep(
        m.Change(target.key, outcomes, counts_toward_limit=False, read_failed=not outcomes)
    )


def _unread(
    state: PushState, target: m.PendingResource, reply: m.NoReply, now: datetime
) -> m.Change:
    """Defer it until the next cycle.

    A reply that cannot be parsed counts, and the wait grows each time; after many a person is
    asked. A broken connection is a missing network and never counts.
    """
    if not reply.unreadable or not target.intents:
        return m.Change(target.key, read_failed=True, words=reply.why)
    before = max(intent.settles for intent in target.intents)
    if before + 1 >= READ_BACK_LIMIT:
        words = f"tried {READ_BACK_LIMIT} times, and the reply could not be read: {reply.why}"
        return m.Change(target.key, refused(target, words), counts_toward_limit=False)
    outcomes = all_of(target, IntentEvent.FOUND_NOT_APPLIED, reply.why)
    until = now + wait(state, target, target.attempts + before, "", now) if before else None
    return m.Change(target.key, outcomes, not_before=until, read_failed=True)


# --- what was found -------------------------------------------------------------------------------


def reconcile(state: PushState, target: m.PendingResource, reply: m.Reply) -> NextStep:
    """Compare three ways; the base moves to what was read (None: the server does not have it)."""
    theirs = reply.resource
    outcomes: list[m.IntentOutcome] = []
    observed: dict[str, str] = {}
    merged_over_remote: set[str] = set()
    for compared in _compared(target, reply) if target.intents else ():
        intent, result, words = compared.intent, compared.result, compared.words
        if result is Comparison.NOT_APPLIED and target.unsupported_text:
            outcomes.append(
                m.IntentOutcome(intent, IntentEvent.UNSUPPORTED, target.unsupported_text)
            )
            observed = {f"update:{target.key[0]}": "no"}
        elif result is Comparison.NOT_APPLIED:
            outcomes += _not_applied(state, target, intent)
            merged_over_remote |= {intent.id} if words == ON_TOP else set()
        else:
            words = _done_words(state, target, intent) if result is Comparison.DONE else words
            outcomes.append(m.IntentOutcome(intent, EVENTS[result], words))
    outcomes += _outcomes_of_local_only(target, state.can, theirs)
    change = m.Change(
        target.key,
        tuple(outcomes),
        theirs,
        reply.version,
        counts_toward_limit=not (target.sent_in_failed_batch or target.unanswered_before),
        compared=frozenset(intent.id for intent in (*target.intents, *target.local_only)),
        gone=theirs is None and target.base is not None,
    )
    if target.base is None and any(map(_is_not_ours, outcomes)):
        change = replace(change, base=None, version="", in_its_place=_made_otherwise(change))
    return NextStep(change, observed=observed, merged_over_remote=frozenset(merged_over_remote))


def _is_not_ours(outcome: m.IntentOutcome) -> bool:
    """Whether the resource that was found is not the one that we create."""
    made_otherwise = outcome.event is IntentEvent.FOUND_CHANGED
    created = outcome.intent.kind is IntentKind.CREATE
    return outcome.event is IntentEvent.FOUND_OTHER_CLIENT or (made_otherwise and created)


def _made_otherwise(change: m.Change) -> Resource | None:
    """The resource that a colleague made under the identifier of ours, for the question about it.

    A resource of another client is not stored here: it belongs to that client's chart.
    """
    events = {outcome.event for outcome in change.outcomes}
    return None if IntentEvent.FOUND_OTHER_CLIENT in events else change.base


def _compared(target: m.PendingResource, reply: m.Reply) -> Sequence[Compared]:
    if reply.resource is not None and target.base is not None and _same(target, reply):
        return [Compared(intent, Comparison.NOT_APPLIED) for intent in target.intents]
    return compare(target.base, reply.resource, target.intents, target.records)


def _not_applied(
    state: PushState, target: m.PendingResource, intent: Intent
) -> list[m.IntentOutcome]:
    """Send it again, unless it was sent too often or cannot be repeated."""
    if intent.state is not IntentState.IN_DOUBT:
        return []
    if intent.kind is IntentKind.CREATE and not repeatable(target, state.can):
        return [m.IntentOutcome(intent, IntentEvent.REFUSED, _COULD_BE_TWO)]
    if target.unanswered_before:
        if not state.silent or intent.attempts < BUSY_LIMIT:
            return [m.IntentOutcome(intent, IntentEvent.FOUND_NOT_APPLIED)]
        words = f"sent {intent.attempts} times, and the server never replied"
        return [m.IntentOutcome(intent, IntentEvent.REFUSED, words)]
    if intent.settles + 1 >= READ_BACK_LIMIT and not target.sent_in_failed_batch:
        words = f"tried {READ_BACK_LIMIT} times, and the server never accepted it"
        text = f"{words}: {target.refusal_text}" if target.refusal_text else words
        return [m.IntentOutcome(intent, IntentEvent.REFUSED, text)]
    return [m.IntentOutcome(intent, IntentEvent.FOUND_NOT_APPLIED)]


def _done_words(state: PushState, target: m.PendingResource, intent: Intent) -> str:
    """Message for a done intent: whether a colleague did it, because ours was never sent or was
    rejected the only time.
    """
    never = intent.attempts == 0 and (
        intent.state is IntentState.QUEUED or bool(target.refusal_text)
    )
    made_alone = intent.kind is IntentKind.CREATE and by_our_id(target, state.can)
    if never and not made_alone:
        return ALREADY_SO
    if _was_created_again(target):
        return CREATED_AGAIN
    return ON_TOP if intent.id in state.merged_over_remote else ""


def _same(target: m.PendingResource, reply: m.Reply) -> bool:
    if target.version and reply.version:
        return target.version == reply.version
    return target.base == reply.resource


# --- local-only intents ---------------------------------------------------------------------------


def sendable_now(target: m.PendingResource, can: Abilities) -> tuple[Intent, ...]:
    """The local-only intents of a resource that could be sent now, in order.

    A status that the source does not know is sent along if a later intent of ours replaces it. A
    malformed resource is never written back: that could lose what we could not read.
    """
    first = next(iter((*target.intents, *target.local_only)), None)
    creates = first is not None and first.kind is IntentKind.CREATE
    if (target.base is None and not creates) or (target.base is not None and trouble(target.base)):
        return ()
    sendable: list[Intent] = []
    for intent in target.local_only:
        why = can.refusal(intent)
        if not why or (why == UNSUPPORTED_STATUS and _covered(intent, target, can)):
            sendable.append(intent)
        elif intent.kind is IntentKind.CREATE:
            return ()  # the other intents are about the resource that was never created
    return tuple(sendable)


def _covered(intent: Intent, target: m.PendingResource, can: Abilities) -> bool:
    return intent.kind is not IntentKind.CREATE and any(
        later.seq > intent.seq
        and (status := status_of(later))
        and can.knows_status(intent.target_type, status)
        for later in (*target.intents, *target.local_only)
    )


def _outcomes_of_local_only(
    target: m.PendingResource, can: Abilities, theirs: Resource | None
) -> list[m.IntentOutcome]:
    """Local-only intents compared with what their author saw: queued, done, or a conflict."""
    kept = sendable_now(target, can)
    if not kept or (theirs is not None and trouble(theirs)):
        return []
    base = target.base
    if base is None and target.intents and theirs is not None:  # its resource was being created
        base = intent_effects.fold(None, target.intents)
    results = compare(
        as_seen(base, kept) if base is not None else None, theirs, kept, target.records
    )
    outcomes = []
    for compared in results:
        intent, result, words = compared.intent, compared.result, compared.words
        if result is not Comparison.OTHER_CLIENT:
            outcomes.append(m.IntentOutcome(intent, IntentEvent.SUPPORTED_NOW))
            intent = replace(intent, state=IntentState.QUEUED)
        if result is not Comparison.NOT_APPLIED:
            words = ALREADY_SO if result is Comparison.DONE else words
            outcomes.append(m.IntentOutcome(intent, EVENTS[result], words))
    return outcomes


# --- writes that were accepted without If-Match, or without a body --------------------------------


def _confirmed(
    state: PushState, target: m.PendingResource, reply: m.Reply, now: datetime
) -> NextStep:
    """The write succeeded: does the server show it, and did it overwrite somebody's change?"""
    resource = reply.resource or {}
    if not ours(target, resource):
        if fits(target, resource):
            return reconcile(state, target, reply)
        return (
            _asked(target, _CANNOT_SAY) if target.base is None else later(state, target, reply, now)
        )
    missing = unmet(target, resource)
    as_written = bool(target.written_version) and target.written_version == reply.version
    if missing and not as_written:  # a colleague wrote after us
        return reconcile(state, replace(target, version=""), reply)
    words = _overwritten(target, reply.many) if target.phase is m.Phase.COMPARING else ""
    words = CREATED_AGAIN if _was_created_again(target) else words
    outcomes = taken(target, missing, state.merged_over_remote, words)
    return NextStep(m.Change(target.key, outcomes, resource, reply.version))


def _was_created_again(target: m.PendingResource) -> bool:
    """Whether an update got the status of a create: somebody had deleted the resource meanwhile."""
    return target.base is not None and target.answered_status == 201


def _is_history(target: m.PendingResource, reply: m.Reply | m.NoReply) -> bool:
    """Whether a reply shows the versions of the resource, ours among them."""
    if isinstance(reply, m.NoReply) or reply.status != 200:
        return False
    return any(
        _version(version) == target.written_version
        for version in reply.many
        if fits(target, version)
    )


def _overwritten(target: m.PendingResource, versions: Sequence[Resource]) -> str:
    """Message if a colleague's version lies between the base and ours; "" if none does.

    Ours may be there twice if the network duplicated it.
    """
    names = [_version(version) for version in versions]
    if target.base is None or target.version not in names:
        return ""
    at = names.index(target.written_version)
    written = versions[at]
    between = versions[at + 1 : names.index(target.version)]
    theirs = [version for version in between if changed_beside(written, version)]
    lost = unseen(target.base, theirs, written)
    return f"{OVERWROTE}: {', '.join(_shown(name, theirs) for name in lost)}" if lost else ""


def _shown(name: str, versions: Sequence[Resource]) -> str:
    value = versions[0].get(name)
    text = values.squeeze(value, _SHOWN) if isinstance(value, str) else ""
    return f"{name} (theirs: {text})" if text else name


def _version(resource: Resource) -> str:
    return values.text(resource, "meta.versionId")
