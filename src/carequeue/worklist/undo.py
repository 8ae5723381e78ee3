"""Undo: an intent that has not left is dropped; an intent that may have left gets its inverse.

An inverse is an intent like any other: guarded, reconciled, itself in the history. It puts back
what the person saw before the act, and never removes what somebody else did since: a change that is
known is refused here, a change that is found on the way is a conflict.
What partners may have seen is undone with a message to them (`partner_notices.py`).
A shell names the group that it has shown: that group is undone or refused, never another instead.
Not here: which act is the next to undo (`undoable.py`).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import STUCK_STATES, Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import is_about_its_client
from carequeue.fhir.intent_dependencies import inverse_waits, resting_on
from carequeue.fhir.values import reference
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.client_check import part_from_clients
from carequeue.verbs.table import find_verb
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb_to_intents import IntentDraft
from carequeue.worklist.drafts_to_intents import Filing
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.partner_notices import Reversed, tell_partners
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
    """Undo a group, or the last group of this window, in the caller's transaction.

    Raises BadQuestion if there is no group, if a later act depends on it, or if all of it was
    changed since or waits for an answer; of many items, those are left and named.
    """
    group = group or last_of(cache, undoer, anywhere=False)
    wording = Wording(cache, now)
    intents = _to_undo(cache, wording, group)
    with _named(f"Can’t undo {described(wording, intents).words}."):
        _check_alone(cache, intents)
    refused = _refused(cache, wording, intents)
    left = {refusal.key for refusal in refused}
    intents = [intent for intent in intents if intent.item_key not in left]
    if not intents:
        raise _all_refused(refused, group)
    dropped = [intent for intent in intents if intent.state in _DROPS]
    sent = [intent for intent in intents if intent.state not in _DROPS]
    with _named(f"Can’t undo {described(wording, intents).words}."):
        _check_none_between(cache, dropped, sent)
        check_not_there(cache, dropped)
    drop(cache, dropped, "undone", now)
    reverse = str(uuid.uuid4())
    undone = _file_inverses(cache, sent, reverse, undoer.window, now)
    told = tell_partners(cache, undone, reverse, undoer.window, now)
    keys = tuple(dict.fromkeys(intent.item_key for intent in intents))
    for key in keys:
        cache.audit(now).append(undoer.author, UNDO.name, key, reverse)
    cache.project(now)
    message = _message(Wording(cache, now), intents, keys, refused)
    message = f"{message} {told.words}".rstrip()
    filed = any(part.inverses for part in undone)
    return Acted(message, reverse if filed else group, keys, refused=refused, told=told.words)


def _file_inverses(
    cache: CacheTransaction, sent: Sequence[Intent], group: str, window: str, now: datetime
) -> list[Reversed]:
    """Put the inverses of what may be on the server into the outbox, the last act first."""
    undone: list[Reversed] = []
    for intent in reversed(sent):
        undone.append(Reversed(intent, _inverse(cache, intent, group, window, now)))
        cache.source(intent.source).outbox.mark_for_projection([intent])
    for intent, inverses in undone:
        cache.source(intent.source).outbox.append(inverses)
    return undone


def _to_undo(cache: CacheTransaction, wording: Wording, group: str) -> list[Intent]:
    """The intents of a group that are not undone. Raises BadQuestion if there are none."""
    acts = cache.intents.in_group(group)
    if not acts:
        raise BadQuestion("There is nothing of yours to undo.")
    left = not_undone(cache, group)
    if not left or cache.intents.is_undone(group):
        raise BadQuestion(
            f"Can’t undo {described(wording, acts).words}. It was undone or discarded already. "
            "Nothing was changed."
        )
    return left


@contextmanager
def _named(act: str) -> Iterator[None]:
    """Put the name of an act before a reason why it cannot be undone."""
    try:
        yield
    except BadQuestion as error:
        raise BadQuestion(f"{act} {error}") from None


def with_dependents(cache: CacheTransaction, chosen: Sequence[Intent]) -> list[Intent]:
    """These intents and all that depend on them, also through a resource that one of them creates.

    Half an act is not sent, and a value that was chosen over one that is gone would overwrite what
    nobody has seen.
    """
    roots = {intent.id for intent in chosen}
    by_id = {intent.id: intent for intent in chosen}
    for source in dict.fromkeys(intent.source for intent in chosen):
        pending = cache.source(source).outbox.open_intents()
        for intent in resting_on(roots, pending, created=True):
            by_id.setdefault(intent.id, intent)
    return sorted(by_id.values(), key=lambda intent: intent.seq)


def drop(cache: CacheTransaction, intents: Sequence[Intent], message: str, now: datetime) -> None:
    """Take intents out of the outbox that never became true on the server.

    The version that a pull stored next to the base of such a resource becomes the base, unless
    another intent holds the base.

    Raises BadQuestion if an intent may be on the server by now; the caller then keeps nothing.
    """
    for intent in reversed(intents):
        if intent.state not in _DROPS:
            raise BadQuestion(_BEING_SENT)
        cache.source(intent.source).outbox.apply_event(intent, _DROPS[intent.state], message, now)
    for intent in intents:
        mirror = cache.source(intent.source).mirror
        mirror.apply_theirs(intent.target_type, intent.target_id, now)
    recheck_clients(cache, intents, now)


def recheck_clients(cache: CacheTransaction, moved: Iterable[Intent], now: datetime) -> None:
    """Make a conflict of each waiting decision whose resource names another client by now.

    `moved`: intents on the resources whose base has moved in this transaction.
    """
    by_source: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for intent in moved:
        by_source[intent.source].add((intent.target_type, intent.target_id))
    for source, targets in by_source.items():
        part_from_clients(cache.source(source), targets, now)


def _check_alone(cache: CacheTransaction, intents: Sequence[Intent]) -> None:
    """No later decision may depend on an intent that is dropped."""
    own = {intent.id for intent in intents}
    for intent in intents:
        creates = intent.kind is IntentKind.CREATE
        if not (creates or intent.state in STUCK_STATES) or intent.state not in _DROPS:
            continue
        on_it = cache.source(intent.source).outbox.open_on(intent.target_type, intent.target_id)
        later = on_it if creates else resting_on({intent.id}, on_it)
        if {dependent.id for dependent in later} - own:
            raise BadQuestion(
                "You did something else to it after that. Nothing was changed. "
                "Undo the later act first."
            )


def _check_none_between(
    cache: CacheTransaction, dropped: Sequence[Intent], sent: Sequence[Intent]
) -> None:
    """An intent in doubt must not depend on a dropped intent: it could never leave again."""
    roots = {intent.id for intent in dropped}
    doubtful = {intent.id for intent in sent if intent.state is IntentState.IN_DOUBT}
    for source in dict.fromkeys(intent.source for intent in dropped):
        pending = cache.source(source).outbox.open_intents()
        if doubtful & {intent.id for intent in resting_on(roots, pending)}:
            raise BadQuestion(_BEING_SENT)


def check_not_there(cache: CacheTransaction, dropped: Sequence[Intent]) -> None:
    """No create may be dropped that waits although the server has its resource."""
    for intent in dropped:
        if intent.kind is not IntentKind.CREATE or intent.state is not IntentState.QUEUED:
            continue
        base = cache.source(intent.source).mirror.base(intent.target_type, intent.target_id)
        if base.body or base.theirs:
            raise BadQuestion(_THERE)


def _refused(
    cache: CacheTransaction, wording: Wording, intents: Sequence[Intent]
) -> tuple[Refused, ...]:
    """The items whose sent intents are no longer as decided, or cannot be put back now."""
    reasons: dict[str, str] = {}
    by_key = {intent.item_key: intent for intent in intents}
    by_target: dict[tuple[str, str, str], list[Intent]] = defaultdict(list)
    by_chart: dict[tuple[str, str], list[Intent]] = defaultdict(list)
    shown: dict[tuple[str, str, str], list[Intent]] = defaultdict(list)
    for intent in intents:
        if intent.state not in STUCK_STATES:
            shown[intent.source, intent.target_type, intent.target_id].append(intent)
        if intent.state not in _DROPS:
            by_target[intent.source, intent.target_type, intent.target_id].append(intent)
            by_chart[intent.source, intent.chart].append(intent)
    for target, acts in by_target.items():
        source = cache.source(target[0])
        view, records = source.views.resource(*target[1:]), source.views.client_records()
        if view is not None and not all(is_about_its_client(act, view, records) for act in acts):
            reasons[acts[0].item_key] = _OTHER_CLIENT
        elif not _is_unchanged(acts, shown[target], view, source.base_url):
            reasons.setdefault(acts[0].item_key, _CHANGED)
    dropped = {intent.id for intent in intents if intent.state in _DROPS}
    for chart, acts in by_chart.items():
        on_chart = cache.source(chart[0]).outbox.open_in_chart(chart[1])
        pending = [intent for intent in on_chart if intent.id not in dropped]
        for act in acts:
            if inverse_waits(act, pending):
                reasons.setdefault(act.item_key, _WAITS)
    return tuple(Refused(key, wording.client(by_key[key]), why) for key, why in reasons.items())


def _is_unchanged(
    acts: Sequence[Intent], shown: Sequence[Intent], view: Resource | None, base_url: str
) -> bool:
    """Whether a resource is still as these acts made it, in what their inverses would put back.

    `shown`: these acts, and those of the same group on it that wait and that the view shows.
    """
    if acts[0].kind is not IntentKind.CREATE:
        return all(intent_effects.satisfied(intent, view) for intent in acts)
    created = intent_effects.fold(None, shown)
    if view is None or created is None or view.get("status") != created.get("status"):
        return False
    return reference(view.get("owner"), base_url) == reference(created.get("owner"), base_url)


def _all_refused(refused: Sequence[Refused], group: str) -> BadQuestion:
    who = refused[0].client if len(refused) == 1 else f"All {len(refused)} items"
    if any(refusal.why == _WAITS for refusal in refused):
        return BadQuestion(
            f"{who}: something else of yours there waits for your answer. Nothing was changed. "
            "Answer that first: x."
        )
    if all(refusal.why == _OTHER_CLIENT for refusal in refused):
        return ChangedSince(
            f"{who}: the record names another client by now, so nothing was undone there. "
            "Nothing was changed. Look at both clients, then decide again.",
            group,
        )
    return ChangedSince(
        f"{who}: changed since, by somebody else or by a later act of yours. Nothing was changed. "
        "Look at it, then decide again.",
        group,
    )


def _inverse(
    cache: CacheTransaction, intent: Intent, group: str, window: str, now: datetime
) -> list[Intent]:
    inverse = intent_effects.inverse(intent)
    if inverse is None:
        return []
    kind, args = inverse
    draft = IntentDraft(intent.target_type, intent.target_id, kind, args, None)
    client = intent.client and replace(intent.client, assumed=False)  # the message names the client
    filing = Filing(
        cache,
        source=intent.source,
        item_key=intent.item_key,
        chart=intent.chart,
        verb=UNDO.name,
        group=group,
        now=now,
        window=window,
        client_name=client.name if client else "",
        inverse_of=intent.group,
        client=client,
    )
    return filing.intents([draft])


def _message(
    wording: Wording, intents: Sequence[Intent], keys: Sequence[str], refused: Sequence[Refused]
) -> str:
    """The acts that were undone; and how many could not be, the first three by name."""
    first = intents[0]
    verb = find_verb(first.verb)
    # Of many no kind: the word has to fit all of them.
    what = verb.done_for(wording.kind(first) if len(keys) == 1 else "") if verb else first.verb
    who = wording.client(first) if len(keys) == 1 else f"{len(keys)} items"
    undone = f"{UNDO.done}: {what}, {who}"
    if not refused:
        return f"{undone}."
    changed = all(refusal.why == _CHANGED for refusal in refused)
    why = "changed since" if changed else "could not be undone"
    names = "; ".join(refusal.client for refusal in refused[:3])
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"{undone}; {len(refused)} {why}: {names}{more}."
