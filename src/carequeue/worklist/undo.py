"""Taking back: what has not left is dropped, what has left (or may have) gets its inverse.

An inverse is an intent like any other: guarded, settled, itself in the history. It puts back what
the person saw before the act, and never removes what somebody else did since: what is known of it
is refused here, what is found on the way is a conflict.
A shell names the group that it has shown: it is undone or refused, never another one in its place.
Not here: which act is the next to undo (`undoable.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import (
    STUCK_STATES,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import is_about_its_client
from carequeue.fhir.intent_dependencies import inverse_waits, resting_on
from carequeue.fhir.values import reference
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.table import find_verb
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb_to_intents import IntentDraft
from carequeue.worklist.client_recheck import recheck_clients
from carequeue.worklist.drafts_to_intents import Filing, abilities
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, Refused
from carequeue.worklist.undoable import Undoer, described, last_of, not_undone

#: How an intent that never became true on the server is dropped.
_DROPS = {
    IntentState.QUEUED: IntentEvent.DROPPED,
    IntentState.LOCAL_ONLY: IntentEvent.DROPPED,
    IntentState.CONFLICT: IntentEvent.TOOK_THEIRS,
    IntentState.NEEDS_ATTENTION: IntentEvent.DISCARDED,
}

_CHANGED = "was changed since"
_OTHER_CLIENT = "now names another client"
_WAITS = "has something of yours that waits for your answer: x first"
_BEING_SENT = (
    "Something that belongs to it is being sent just now. Nothing was changed. "
    "Try again in a moment."
)
_THERE = (
    "The server has it already, although it did not say so. Nothing was changed. "
    "Sync first (r), then undo it."
)


class ChangedSince(BadQuestion):
    """All of a `group` was changed since, so it cannot be undone any more."""

    def __init__(self, words: str, group: str) -> None:
        super().__init__(words)
        self.group = group


def undo(cache: CacheTransaction, undoer: Undoer, now: datetime, group: str = "") -> Acted:
    """Take back a group, or the last one of this window, in the caller's transaction.

    Raises BadQuestion where there is none, where something done later rests on it, or where all of
    it was changed since or waits for an answer; of many, those are left and named.
    """
    group = group or last_of(cache, undoer, anywhere=False)
    wording = Wording(cache, now)
    intents = _to_undo(cache, wording, group)
    with _named(f"Can’t undo {described(wording, intents).words}."):
        _check_alone(cache, intents)
    refused = _refused(cache, wording, intents)
    left = {one.key for one in refused}
    intents = [one for one in intents if one.item_key not in left]
    if not intents:
        raise _all_refused(refused, group)
    dropped = [one for one in intents if one.state in _DROPS]
    sent = [one for one in intents if one.state not in _DROPS]
    with _named(f"Can’t undo {described(wording, intents).words}."):
        _check_none_between(cache, dropped, sent)
        _check_not_there(cache, dropped)
    drop(cache, dropped, "undone", now)
    reverse = str(uuid.uuid4())
    filed = _file_inverses(cache, sent, reverse, undoer.window, now)
    keys = tuple(dict.fromkeys(intent.item_key for intent in intents))
    for key in keys:
        cache.audit(now).append(undoer.author, UNDO.name, key, reverse)
    cache.project(now)
    words = _message(Wording(cache, now), intents, keys, refused)
    return Acted(words, reverse if filed else group, keys, refused=refused)


def _file_inverses(
    cache: CacheTransaction, sent: Sequence[Intent], group: str, window: str, now: datetime
) -> list[Intent]:
    """Put the inverses of what may be on the server into the outbox, the last act first."""
    filed: list[Intent] = []
    for intent in reversed(sent):
        filed += _inverse(cache, intent, group, window, now)
        cache.source(intent.source).outbox.mark_for_projection([intent])
    for inverse in filed:
        cache.source(inverse.source).outbox.append([inverse])
    return filed


def _to_undo(cache: CacheTransaction, wording: Wording, group: str) -> list[Intent]:
    """What there is to undo of a group. Raises BadQuestion where there is nothing (any more)."""
    acts = cache.intents.in_group(group)
    if not acts:
        raise BadQuestion("There is nothing of yours to undo.")
    left = not_undone(cache, group)
    if not left or cache.intents.is_undone(group):
        act = described(wording, acts).words
        raise BadQuestion(
            f"Can’t undo {act}. It is no longer there to undo: it was undone already, or given "
            "up. Nothing was changed."
        )
    return left


@contextmanager
def _named(act: str) -> Iterator[None]:
    """Put the name of an act before a reason why it cannot be undone."""
    try:
        yield
    except BadQuestion as error:
        raise BadQuestion(f"{act} {error}") from None


def let_go(cache: CacheTransaction, author: str, key: str, now: datetime) -> Acted:
    """Drop what the server did not take of the acts on one item: what the server holds stands.

    In the caller's transaction. Raises BadQuestion where nothing is stuck, or where something
    done later rests on it.
    """
    stuck = cache.intents.stuck_on(key)
    if not stuck:
        raise BadQuestion("Nothing of yours is stuck there. Nothing was changed.")
    intents = with_what_rests_on(cache, stuck)
    _check_alone(cache, intents)
    drop(cache, intents, "discarded", now)
    cache.audit(now).append(author, "let_go", key, intents[0].group)
    cache.project(now)
    verb = find_verb(intents[0].verb)
    what = (verb.label if verb else intents[0].verb).capitalize()
    client = Wording(cache, now).client(intents[0])
    return Acted(f"{what} discarded: {client}. The server's version applies.", "", (key,))


def with_what_rests_on(
    cache: CacheTransaction, chosen: Sequence[Intent], *, created: bool = False
) -> list[Intent]:
    """These, and what was to come after them or was decided on top of them: half an act is not
    sent, and a value that was chosen over one that is gone would overwrite what nobody has seen.

    `created`: also what belongs or refers to a resource that one of them creates.
    """
    roots = {intent.id for intent in chosen}
    found = {intent.id: intent for intent in chosen}
    for source in dict.fromkeys(intent.source for intent in chosen):
        pending = cache.source(source).outbox.open_intents()
        for intent in resting_on(roots, pending, created=created):
            found.setdefault(intent.id, intent)
    return sorted(found.values(), key=lambda intent: intent.seq)


def drop(cache: CacheTransaction, intents: Sequence[Intent], words: str, now: datetime) -> None:
    """Take out of the outbox what never became true on the server.

    What lay beside the bases of these resources becomes the base, where nothing else holds it.

    Raises BadQuestion where one of them may be on the server by now; nothing may be kept then.
    """
    for intent in reversed(intents):
        if intent.state not in _DROPS:
            raise BadQuestion(_BEING_SENT)
        cache.source(intent.source).outbox.apply_event(intent, _DROPS[intent.state], words, now)
    for intent in intents:
        mirror = cache.source(intent.source).mirror
        mirror.apply_theirs(intent.target_type, intent.target_id, now)
    moved = [(intent.source, intent.target_type, intent.target_id) for intent in intents]
    recheck_clients(cache, moved, now)


def _check_alone(cache: CacheTransaction, intents: Sequence[Intent]) -> None:
    """Nothing that was decided later may be left standing on what goes."""
    own = {intent.id for intent in intents}
    for intent in intents:
        creates = intent.kind is IntentKind.CREATE
        if not (creates or intent.state in STUCK_STATES) or intent.state not in _DROPS:
            continue
        on_it = cache.source(intent.source).outbox.open_on(intent.target_type, intent.target_id)
        later = [one.id for one in (on_it if creates else resting_on({intent.id}, on_it))]
        if set(later) - own:
            raise BadQuestion(
                "You did something else to it after that. Nothing was changed. "
                "Undo the later act first."
            )


def _check_none_between(
    cache: CacheTransaction, dropped: Sequence[Intent], sent: Sequence[Intent]
) -> None:
    """What is on its way must not come to rest on what is dropped: it could never leave again."""
    roots = {intent.id for intent in dropped}
    doubtful = {intent.id for intent in sent if intent.state is IntentState.IN_DOUBT}
    for source in dict.fromkeys(intent.source for intent in dropped):
        pending = cache.source(source).outbox.open_intents()
        if doubtful & {intent.id for intent in resting_on(roots, pending)}:
            raise BadQuestion(_BEING_SENT)


def _check_not_there(cache: CacheTransaction, dropped: Sequence[Intent]) -> None:
    """What was made and answered wrongly, and is tried again, is there: dropped, it would stay."""
    for one in dropped:
        if one.kind is not IntentKind.CREATE or one.state is not IntentState.QUEUED:
            continue
        there = cache.source(one.source).mirror.base(one.target_type, one.target_id)
        if there.body or there.theirs:
            raise BadQuestion(_THERE)


def _refused(
    cache: CacheTransaction, wording: Wording, intents: Sequence[Intent]
) -> tuple[Refused, ...]:
    """The items on which what was sent is no longer as decided, or cannot be put back now."""
    why: dict[str, str] = {}
    by_key = {one.item_key: one for one in intents}
    sent = [one for one in intents if one.state not in _DROPS]
    by_target: dict[tuple[str, str, str], list[Intent]] = {}
    for one in sent:
        by_target.setdefault((one.source, one.target_type, one.target_id), []).append(one)
    for target, acts in by_target.items():
        source = cache.source(target[0])
        view, records = source.views.resource(*target[1:]), source.views.client_records()
        if view is not None and not all(is_about_its_client(one, view, records) for one in acts):
            why[acts[0].item_key] = _OTHER_CLIENT
        elif not _stands(acts, view, source.base_url):
            why.setdefault(acts[0].item_key, _CHANGED)
    dropped = {one.id for one in intents if one.state in _DROPS}
    by_chart: dict[tuple[str, str], list[Intent]] = {}
    for one in sent:
        by_chart.setdefault((one.source, one.chart), []).append(one)
    for chart, acts in by_chart.items():
        on_chart = cache.source(chart[0]).outbox.open_in_chart(chart[1])
        pending = [intent for intent in on_chart if intent.id not in dropped]
        for one in acts:
            if inverse_waits(one, pending):
                why.setdefault(one.item_key, _WAITS)
    return tuple(Refused(key, wording.client(by_key[key]), words) for key, words in why.items())


def _stands(acts: Sequence[Intent], view: Resource | None, base_url: str) -> bool:
    """Whether a resource is still as these acts made it, in what their inverses would put back."""
    if acts[0].kind is not IntentKind.CREATE:
        return all(intent_effects.satisfied(intent, view) for intent in acts)
    made = intent_effects.fold(None, acts)
    if view is None or made is None or view.get("status") != made.get("status"):
        return False
    owners = [reference(one.get("owner"), base_url) for one in (view, made)]
    return owners[0] == owners[1]


def _all_refused(refused: Sequence[Refused], group: str) -> BadQuestion:
    who = refused[0].client if len(refused) == 1 else f"All {len(refused)} items"
    if any(one.why == _WAITS for one in refused):
        return BadQuestion(
            f"{who}: something else of yours there waits for your answer. Nothing was changed. "
            "Answer that first: x."
        )
    if all(one.why == _OTHER_CLIENT for one in refused):
        return ChangedSince(
            f"{who}: the record names another client by now, so nothing was undone there. "
            "Nothing was changed. Look at both clients, and decide again.",
            group,
        )
    return ChangedSince(
        f"{who}: changed since, by somebody else or by a later act of yours. Nothing was changed. "
        "Look at it, and decide again.",
        group,
    )


def _inverse(
    cache: CacheTransaction,
    intent: Intent,
    group: str,
    window: str,
    now: datetime,
) -> list[Intent]:
    made = intent_effects.inverse(intent)
    if made is None:
        return []
    kind, args = made
    us = cache.us(intent.source)
    draft = IntentDraft(intent.target_type, intent.target_id, kind, args, None)
    client = intent.client and replace(intent.client, assumed=False)  # the message names the client
    filing = Filing(
        cache,
        source=intent.source,
        item_key=intent.item_key,
        chart=intent.chart,
        us=us,
        verb=UNDO.name,
        group=group,
        can=abilities(cache, intent.source),
        now=now,
        base_url=cache.site.base_urls.get(intent.source, ""),
        client_name=client.name if client else "",
        inverse_of=intent.group,
        client=client,
        window=window,
    )
    return filing.intents([draft])


def _message(
    wording: Wording,
    intents: Sequence[Intent],
    keys: Sequence[str],
    refused: Sequence[Refused],
) -> str:
    first = intents[0]
    verb = find_verb(first.verb)
    # Of many no kind: the word has to fit all of them.
    what = verb.done_for(wording.kind(first) if len(keys) == 1 else "") if verb else first.verb
    who = wording.client(first) if len(keys) == 1 else f"{len(keys)} items"
    return f"{UNDO.done}: {what}, {who}{_those_left(refused)}."


def _those_left(refused: Sequence[Refused]) -> str:
    """How many of a group could not be undone, and who: the first three by name."""
    if not refused:
        return ""
    why = "changed since" if all(one.why == _CHANGED for one in refused) else "could not be"
    names = "; ".join(one.client for one in refused[:3])
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"; {len(refused)} {why} and left: {names}{more}"
