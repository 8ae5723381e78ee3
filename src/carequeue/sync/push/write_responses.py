"""What the answer to a write means for its lane. Pure.

In:  the lane as it left, the answer. Out: a `Verdict`: done, read it back, wait, kept here, ask.
Only a clear yes that holds what was decided is a yes; a no for good concerns its own lane; whatever
is neither is read back (`read_responses.py`).

If-Match is found out here: a write whose guard was wrong on purpose (`request_builder.py: wrong`)
and was refused says that the source reads it; one that was taken says that nobody does, and has
happened as any write there happens. An answer that is neither (a server may stumble over the
version) is decided by the next: the same write with the right guard, and a yes, says that it was
the guard.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.bundles import Issue
from carequeue.sync.protocol.capabilities import NO_PLACE, NO_STATUS, Abilities, status_of
from carequeue.sync.protocol.failures import Answer, kind_of
from carequeue.sync.push import messages as m
from carequeue.sync.push.next_step import (
    OTHER,
    Verdict,
    all_of,
    fits,
    later,
    ours,
    refused,
    sign_in,
    taken,
)
from carequeue.sync.push.read_responses import settled
from carequeue.sync.push.request_builder import by_our_id, guard, history_request, read_request
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import MADE_ANEW, runs

#: What a conditional create is told where it has found what it would have made.
_THERE: Final = "it is there"
_STALE: Final = frozenset({409, 412, 423, 428})
_NOT_NOW: Final = frozenset({408, 425, 429, 503})
#: Issue codes that speak of a value; the others are looked at for the words of a workflow rule.
_VALUE: Final = frozenset({"not-supported", "value", "code-invalid"})
_RULE: Final = frozenset({"business-rule", "invalid"})
_STEP: Final = re.compile(r"\bfrom\b|transition|->|→", re.IGNORECASE)


def judge_write(
    state: PushState, lane: m.Lane, reply: m.Reply | m.NoReply, now: datetime
) -> Verdict:
    """What the answer to the write of a lane leads to."""
    if isinstance(reply, m.NoReply):
        if reply.left and not reply.ends:
            return Verdict(read=read_request(lane, state.can))
        return Verdict(stop=m.Stop(reply.why, offline=True))
    kind = kind_of(reply.status, reply.conflict_issue)
    if kind is Answer.YES:
        return _yes(state, lane, reply)
    if kind is Answer.SIGN_IN:
        return sign_in(reply)
    if state.probing == lane.key and reply.status not in (*_NOT_NOW, 404, 410):
        return _probed(state, lane, reply)
    if lane.base is None and _gives_ids_itself(state.can, lane, reply):
        change = m.Change(lane.key, all_of(lane, IntentEvent.FOUND_NOT_APPLIED), counts=False)
        return Verdict(change, observed={f"update-create:{lane.key[0]}": "no"})
    if kind is Answer.LATER:
        return later(state, lane, reply, now)
    if kind is Answer.READ_BACK:
        told = f"{reply.words} ({reply.status})" if reply.words else f"it answered {reply.status}"
        return Verdict(read=read_request(lane, state.can), lane=replace(lane, told=told))
    if kind is Answer.NO_PLACE and lane.base is not None:  # or it is only gone: R4 answers so too
        said = replace(lane, no_place=reply.words or NO_PLACE)
        return Verdict(read=read_request(lane, state.can), lane=said)
    return _no(lane, reply, kind)


def never_left(lane: m.Lane) -> m.Change:
    """Back to waiting, and it does not count as a try."""
    return m.Change(lane.key, all_of(lane, IntentEvent.FOUND_NOT_APPLIED), counts=False)


def _no(lane: m.Lane, reply: m.Reply, kind: Answer) -> Verdict:
    """For good, as it is."""
    if kind is Answer.NO_PLACE:
        interaction = "create" if lane.base is None else "update"
        change = m.Change(lane.key, all_of(lane, IntentEvent.NO_PLACE, reply.words or NO_PLACE))
        return Verdict(change, observed={f"{interaction}:{lane.key[0]}": "no"})
    if status := _refused_status(lane, reply):
        change = m.Change(lane.key, without_status(lane, status), counts=False)
        return Verdict(change, observed={f"status:{lane.key[0]}:{status}": "no"})
    words = reply.words or f"the server refused it ({reply.status})"
    return Verdict(m.Change(lane.key, refused(lane, words), counts=False))


# --- a yes ----------------------------------------------------------------------------------------


def _yes(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    if lane.base is None:
        return _made(state, lane, reply)
    observed = _seen_by_a_yes(state, lane)
    can = state.can.seeing(observed)
    if reply.resource is not None and not ours(lane, reply.resource):
        return Verdict(read=read_request(lane, can), observed=observed)
    unguarded = can.guard == "no" or state.probing == lane.key or not guard(lane)
    if reply.resource is None or unguarded:
        said = reply.status if reply.resource is not None or reply.bare else 0
        read = replace(lane, written=reply.version, answered=said)
        return _confirm(can, read, observed, unguarded)
    anew = MADE_ANEW if reply.status == 201 else ""
    outcomes = taken(lane, _unmet(lane, reply), state.on_top, anew)
    change = m.Change(lane.key, outcomes, reply.resource, reply.version)
    return Verdict(change, observed=observed)


def _seen_by_a_yes(state: PushState, lane: m.Lane) -> dict[str, str]:
    """What this yes says of If-Match, where that was not known yet."""
    if state.probing == lane.key:
        in_batches = {"if_match_batch": "no", "batch": "no"}  # one by one, each is guarded
        return in_batches if state.can.guard == "yes" else {"if_match": "no"}
    if state.suspect == lane.key:
        return {"if_match": "yes"}
    return {} if guard(lane) or state.can.guard else {"if_match": "none"}


def _confirm(
    can: Abilities, lane: m.Lane, observed: dict[str, str], unguarded: bool = True
) -> Verdict:
    """Without a body: what became of it is read; unguarded, with what lies between if shown."""
    shows = can.can("history-instance", lane.key[0]) and can.known
    if unguarded and lane.written and lane.version and shows:
        lane = replace(lane, phase=m.Phase.COMPARING)
        return Verdict(read=history_request(lane), lane=lane, observed=observed)
    lane = replace(lane, phase=m.Phase.CONFIRMING)
    return Verdict(read=read_request(lane, can), lane=lane, observed=observed)


def _made(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    if reply.resource is None:
        return _made_unshown(state, lane, reply)
    if not ours(lane, reply.resource):
        if by_our_id(lane, state.can) and not fits(lane, reply.resource):
            return Verdict(read=read_request(lane, state.can))  # it speaks of another one
        if fits(lane, reply.resource) and reply.status == 200:  # somebody else's, by its name
            return settled(state, lane, reply)
        return Verdict(m.Change(lane.key, refused(lane, OTHER)))
    if reply.status == 200:  # it was there already: somebody made it, or we did
        if not fits(lane, reply.resource):
            return Verdict(m.Change(lane.key, refused(lane, OTHER)))
        by_us = by_our_id(lane, state.can)
        return settled(state, lane if by_us else replace(lane, told=_THERE), reply)
    outcomes = taken(lane, _unmet(lane, reply), state.on_top)
    return Verdict(m.Change(lane.key, outcomes, reply.resource, reply.version))


def _made_unshown(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    """A yes to a create, without the resource: read where the server says that it stands.

    After a 201 it is what we made, and `written` its version. After a 200 somebody may have made it
    before us, so that it is compared, as where the answer shows it.
    """
    read = read_request(lane, state.can, reply.location)
    if reply.location and reply.status != 200:
        written = reply.version if reply.status == 201 else ""
        return Verdict(read=read, lane=replace(lane, phase=m.Phase.CONFIRMING, written=written))
    there = reply.status == 200 and reply.bare and not by_our_id(lane, state.can)
    told = _THERE if there else lane.told
    return Verdict(read=read, lane=replace(lane, phase=m.Phase.READING, told=told))


def _unmet(lane: m.Lane, reply: m.Reply) -> list[str]:
    """The intents that the answer does not show as done; of several on a unit the last counts."""
    made = [one for one in lane.intents if one.kind is not IntentKind.CREATE]
    return [
        run[-1].id for run in runs(made) if not intent_effects.satisfied(run[-1], reply.resource)
    ]


# --- the question about If-Match, and other things to learn ---------------------------------------


def _probed(state: PushState, lane: m.Lane, reply: m.Reply) -> Verdict:
    """A wrong guard was not taken; the right one follows. It does not count as a settle."""
    refused_for_it = reply.status in _STALE or reply.conflict_issue
    asked = "if_match_batch" if state.can.guard == "yes" else "if_match"
    return Verdict(
        m.Change(lane.key, all_of(lane, IntentEvent.FOUND_NOT_APPLIED), counts=False),
        observed={asked: "yes"} if refused_for_it else {},
        stumbled=not refused_for_it,
    )


def _gives_ids_itself(can: Abilities, lane: m.Lane, reply: m.Reply) -> bool:
    """Whether a source that says it makes what does not exist refused to, under our id."""
    says_so = any(one.code == "not-supported" for one in reply.issues)
    refused_for_it = reply.status in (404, 405, 501) or (reply.status in (400, 422) and says_so)
    return refused_for_it and by_our_id(lane, can) and not _refused_status(lane, reply)


def _refused_status(lane: m.Lane, reply: m.Reply) -> str:
    """The status that the source says it does not know; "" where it speaks of something else.

    A rule about the step ("from requested to completed") is no such thing: a person is asked.
    """
    view = intent_effects.fold(lane.base, lane.intents) or {}
    status = view.get("status")
    before = lane.base.get("status") if lane.base is not None else None
    if reply.status not in (400, 422) or not isinstance(status, str) or status == before:
        return ""
    return status if any(_about_status(one, status) for one in reply.issues) else ""


def _about_status(issue: Issue, status: str) -> bool:
    placed = any(path.rpartition(".")[2] == "status" for path in issue.where)
    says_status = "status" in issue.words.lower()
    says_value = re.search(rf"(?<![\w-]){re.escape(status)}(?![\w-])", issue.words) is not None
    if issue.code in _VALUE:
        return placed or says_status or says_value
    rule = _STEP.search(issue.words) is not None
    return issue.code in _RULE and says_value and (placed or says_status) and not rule


def without_status(lane: m.Lane, status: str) -> tuple[m.Outcome, ...]:
    """What sets this status is kept here; the rest of the lane goes on without it."""
    stay = _with_status(lane, status)
    return tuple(
        m.Outcome(one, IntentEvent.NO_PLACE, NO_STATUS)
        if one.id in stay
        else m.Outcome(one, IntentEvent.FOUND_NOT_APPLIED)
        for one in lane.intents
        if one.id in stay or one.state is IntentState.IN_DOUBT
    )


def _with_status(lane: m.Lane, status: str) -> set[str]:
    """The intents that lead to it, on one unit; all of them, where it is made with it."""
    if lane.base is None and not any(status_of(one) == status for one in lane.intents):
        return {one.id for one in lane.intents}
    return {one.id for run in runs(lane.intents) for one in run if _leads_to(run, status)}


def _leads_to(run: list[Intent], status: str) -> bool:
    return any(status_of(one) == status for one in run)
