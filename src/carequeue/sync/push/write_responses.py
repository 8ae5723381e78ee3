"""The meaning of the reply to a write for its resource. Pure.

In:  the pending resource as it was sent, the reply. Out: a `NextStep`: done, read it back, wait,
local-only, or ask a person.
Only a success that holds what was decided is a success; a rejection concerns its own resource;
anything else is read back (`read_responses.py`).

If-Match is probed here. We send one write with a deliberately wrong If-Match (`request_builder.py:
wrong`). If the server rejects it, the server honors If-Match; if it accepts it, it does not, and
the write counts as a normal write. Any other error (a server may fail at the version) is decided by
the next write, with the right If-Match: if that succeeds, the wrong If-Match was the reason.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.bundles import Issue
from carequeue.sync.protocol.capabilities import (
    UNSUPPORTED,
    UNSUPPORTED_STATUS,
    Abilities,
    status_of,
)
from carequeue.sync.protocol.failures import ResponseKind, kind_of
from carequeue.sync.push import messages as m
from carequeue.sync.push.next_step import (
    OTHER,
    NextStep,
    all_of,
    fits,
    later,
    ours,
    refused,
    sign_in,
    taken,
    unmet,
)
from carequeue.sync.push.read_responses import reconcile
from carequeue.sync.push.request_builder import by_our_id, guard, history_request, read_request
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import CREATED_AGAIN, runs

#: Stands for the rejection if a conditional create found an existing resource.
_THERE: Final = "it is there"
_STALE: Final = frozenset({409, 412, 423, 428})
_NOT_NOW: Final = frozenset({408, 425, 429, 503})
#: Issue codes about a value; others are searched for the words of a workflow rule.
_VALUE: Final = frozenset({"not-supported", "value", "code-invalid"})
_RULE: Final = frozenset({"business-rule", "invalid"})
_STEP: Final = re.compile(r"\bfrom\b|transition|->|→", re.IGNORECASE)


def interpret_write_response(
    state: PushState, target: m.PendingResource, reply: m.Reply | m.NoReply, now: datetime
) -> NextStep:
    """The next step after the reply to a write."""
    if isinstance(reply, m.NoReply):
        if reply.left and not reply.ends:
            return NextStep(read=read_request(target, state.can))
        return NextStep(stop=m.Stop(reply.why, offline=True))
    kind = kind_of(reply.status, reply.conflict_issue)
    if kind is ResponseKind.YES:
        return _yes(state, target, reply)
    if kind is ResponseKind.SIGN_IN:
        return sign_in(reply)
    if state.probing == target.key and reply.status not in (*_NOT_NOW, 404, 410):
        return _probed(state, target, reply)
    if target.base is None and _gives_ids_itself(state.can, target, reply):
        return NextStep(never_left(target), observed={f"update-create:{target.key[0]}": "no"})
    if kind is ResponseKind.LATER:
        return later(state, target, reply, now)
    if kind is ResponseKind.READ_BACK:
        text = f"{reply.words} ({reply.status})" if reply.words else f"it answered {reply.status}"
        rejected = replace(target, refusal_text=text)
        return NextStep(read=read_request(target, state.can), target=rejected)
    # Or it is only deleted: R4 allows the same status for that.
    if kind is ResponseKind.UNSUPPORTED and target.base is not None:
        unsupported = replace(target, unsupported_text=reply.words or UNSUPPORTED)
        return NextStep(read=read_request(target, state.can), target=unsupported)
    return _no(target, reply, kind)


def never_left(target: m.PendingResource) -> m.Change:
    """Back to the queue, not counted as a try."""
    return m.Change(
        target.key, all_of(target, IntentEvent.FOUND_NOT_APPLIED), counts_toward_limit=False
    )


def _no(target: m.PendingResource, reply: m.Reply, kind: ResponseKind) -> NextStep:
    """A final rejection."""
    if kind is ResponseKind.UNSUPPORTED:
        interaction = "create" if target.base is None else "update"
        change = m.Change(
            target.key, all_of(target, IntentEvent.UNSUPPORTED, reply.words or UNSUPPORTED)
        )
        return NextStep(change, observed={f"{interaction}:{target.key[0]}": "no"})
    if status := _refused_status(target, reply):
        change = m.Change(target.key, without_status(target, status), counts_toward_limit=False)
        return NextStep(change, observed={f"status:{target.key[0]}:{status}": "no"})
    words = reply.words or f"the server refused it ({reply.status})"
    return NextStep(m.Change(target.key, refused(target, words), counts_toward_limit=False))


# --- a yes ----------------------------------------------------------------------------------------


def _yes(state: PushState, target: m.PendingResource, reply: m.Reply) -> NextStep:
    if target.base is None:
        return _made(state, target, reply)
    observed = _seen_by_a_yes(state, target)
    can = state.can.seeing(observed)
    if reply.resource is not None and not ours(target, reply.resource):
        return NextStep(read=read_request(target, can), observed=observed)
    unguarded = can.guard == "no" or state.probing == target.key or not guard(target)
    if reply.resource is None or unguarded:
        status = reply.status if reply.resource is not None or reply.bare else 0
        read = replace(target, written_version=reply.version, answered_status=status)
        return _confirm(can, read, observed, unguarded)
    again = CREATED_AGAIN if reply.status == 201 else ""
    outcomes = taken(target, unmet(target, reply.resource), state.merged_over_remote, again)
    change = m.Change(target.key, outcomes, reply.resource, reply.version)
    return NextStep(change, observed=observed)


def _seen_by_a_yes(state: PushState, target: m.PendingResource) -> dict[str, str]:
    """The observation of If-Match that this success allows, if it was not known yet."""
    if state.probing == target.key:
        in_batches = {"if_match_batch": "no", "batch": "no"}  # one at a time, each is checked
        return in_batches if state.can.guard == "yes" else {"if_match": "no"}
    if state.probe_suspect == target.key:
        return {"if_match": "yes"}
    return {} if guard(target) or state.can.guard else {"if_match": "none"}


def _confirm(
    can: Abilities, target: m.PendingResource, observed: dict[str, str], unguarded: bool = True
) -> NextStep:
    """Read the result; without If-Match, also the versions in between if the server shows them."""
    shows = can.can("history-instance", target.key[0]) and can.known
    if unguarded and target.written_version and target.version and shows:
        target = replace(target, phase=m.Phase.COMPARING)
        return NextStep(read=history_request(target), target=target, observed=observed)
    target = replace(target, phase=m.Phase.CONFIRMING)
    return NextStep(read=read_request(target, can), target=target, observed=observed)


def _made(state: PushState, target: m.PendingResource, reply: m.Reply) -> NextStep:
    if reply.resource is None:
        return _made_unshown(state, target, reply)
    if not ours(target, reply.resource):
        if by_our_id(target, state.can) and not fits(target, reply.resource):
            return NextStep(read=read_request(target, state.can))  # it is about another resource
        # Somebody else's, by its identifier.
        if fits(target, reply.resource) and reply.status == 200:
            return reconcile(state, target, reply)
        return NextStep(m.Change(target.key, refused(target, OTHER)))
    if reply.status == 200:  # it existed already: a colleague created it, or we did
        if not fits(target, reply.resource):
            return NextStep(m.Change(target.key, refused(target, OTHER)))
        by_us = by_our_id(target, state.can)
        return reconcile(state, target if by_us else replace(target, refusal_text=_THERE), reply)
    outcomes = taken(target, unmet(target, reply.resource), state.merged_over_remote)
    return NextStep(m.Change(target.key, outcomes, reply.resource, reply.version))


def _made_unshown(state: PushState, target: m.PendingResource, reply: m.Reply) -> NextStep:
    """A success of a create without the resource: read it where the server says it is.

    After a 201 it is what we created, and `written_version` is its version. After a 200 a colleague
    may have created it before us, so it is compared as if the reply had shown it.
    """
    read = read_request(target, state.can, reply.location)
    if reply.location and reply.status != 200:
        written = reply.version if reply.status == 201 else ""
        return NextStep(
            read=read, target=replace(target, phase=m.Phase.CONFIRMING, written_version=written)
        )
    existed = reply.status == 200 and reply.bare and not by_our_id(target, state.can)
    refusal_text = _THERE if existed else target.refusal_text
    return NextStep(
        read=read, target=replace(target, phase=m.Phase.READING, refusal_text=refusal_text)
    )


# --- the question about If-Match, and other things to learn ---------------------------------------


def _probed(state: PushState, target: m.PendingResource, reply: m.Reply) -> NextStep:
    """The wrong If-Match was not accepted; send the right one. Does not count as a read back."""
    refused_for_it = reply.status in _STALE or reply.conflict_issue
    asked = "if_match_batch" if state.can.guard == "yes" else "if_match"
    return NextStep(
        never_left(target),
        observed={asked: "yes"} if refused_for_it else {},
        probe_inconclusive=not refused_for_it,
    )


def _gives_ids_itself(can: Abilities, target: m.PendingResource, reply: m.Reply) -> bool:
    """Whether a source that declares update-as-create rejected it under our id."""
    says_so = any(issue.code == "not-supported" for issue in reply.issues)
    refused_for_it = reply.status in (404, 405, 501) or (reply.status in (400, 422) and says_so)
    return refused_for_it and by_our_id(target, can) and not _refused_status(target, reply)


def _refused_status(target: m.PendingResource, reply: m.Reply) -> str:
    """The status that the source says it does not know; "" if the rejection is about something
    else.

    A rule about the step ("from requested to completed") is different: a person is asked.
    """
    view = intent_effects.fold(target.base, target.intents) or {}
    status = view.get("status")
    before = target.base.get("status") if target.base is not None else None
    if reply.status not in (400, 422) or not isinstance(status, str) or status == before:
        return ""
    return status if any(_about_status(issue, status) for issue in reply.issues) else ""


def _about_status(issue: Issue, status: str) -> bool:
    placed = any(path.rpartition(".")[2] == "status" for path in issue.where)
    says_status = "status" in issue.words.lower()
    says_value = re.search(rf"(?<![\w-]){re.escape(status)}(?![\w-])", issue.words) is not None
    if issue.code in _VALUE:
        return placed or says_status or says_value
    rule = _STEP.search(issue.words) is not None
    return issue.code in _RULE and says_value and (placed or says_status) and not rule


def without_status(target: m.PendingResource, status: str) -> tuple[m.IntentOutcome, ...]:
    """The intents that set this status become local-only; the others go on without it."""
    stay = _with_status(target, status)
    return tuple(
        m.IntentOutcome(intent, IntentEvent.UNSUPPORTED, UNSUPPORTED_STATUS)
        if intent.id in stay
        else m.IntentOutcome(intent, IntentEvent.FOUND_NOT_APPLIED)
        for intent in target.intents
        if intent.id in stay or intent.state is IntentState.IN_DOUBT
    )


def _with_status(target: m.PendingResource, status: str) -> set[str]:
    """Ids of the intents that lead to this status, on one unit; all of them if it is created with
    it.
    """
    if target.base is None and status not in map(status_of, target.intents):
        return {intent.id for intent in target.intents}
    leading = [run for run in runs(target.intents) if status in map(status_of, run)]
    return {intent.id for run in leading for intent in run}
