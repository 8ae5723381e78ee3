"""The outbox as a person sees it: what is not on the server, and what can be done about it.

In:  the open intents of all sources. Out: lines in the words of the verbs, and the answers to
*needs attention*: another try, or discarding for good after a typed word; and everything as text,
to keep or to show to somebody who can help.
A decision that is tried again was made over what the person saw then. Where a colleague has changed
just that meanwhile it becomes a conflict instead, for sending it would overwrite them unseen.
Not here: conflicts (`conflict_resolution.py`), taking back (`undo.py`), when it is sent (`sync/`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import STUCK_STATES, Intent, IntentEvent, IntentKind, IntentState
from carequeue.domain.sanitize import clean
from carequeue.fhir import jsontext
from carequeue.fhir.intent_dependencies import behind
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push.three_way import ALREADY_SO, EVENTS, Comparison, as_seen, compare
from carequeue.worklist.client_recheck import recheck_clients
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, OutboxLine
from carequeue.worklist.undo import drop, with_what_rests_on

#: Written as an escape in an export: no terminal can take it for a command, and it comes back.
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")


def lines(cache: CacheTransaction, now: datetime) -> tuple[OutboxLine, ...]:
    """All that is not on the server: what needs a person first, then in the order of deciding."""
    intents = cache.intents.open()
    sources = dict.fromkeys(one.source for one in intents)
    later: dict[str, datetime] = {}
    waits: set[str] = set()
    for source in sources:
        later |= cache.source(source).outbox.not_before()
        waits |= behind([one for one in intents if one.source == source])
    wording = Wording(cache, now)
    intents.sort(key=lambda one: (one.state not in STUCK_STATES, one.seq))
    return tuple(
        OutboxLine(
            id=one.id,
            group=one.group,
            item_key=one.item_key,
            client=wording.client(one),
            did=wording.describe(one),
            state=one.state.value,
            behind=one.id in waits,
            source=clean(one.source, 80),
            target=clean(f"{one.target_type}/{one.target_id}", 100),
            decided_at=one.decided_at,
            by=clean(one.author_name or one.author, 80),
            attempts=one.attempts,
            not_before=_still(later.get(one.id), now),
            words=clean(one.words, 300),
        )
        for one in intents
    )


def _still(until: datetime | None, now: datetime) -> datetime | None:
    return until if until and until > now else None


# --- another try ----------------------------------------------------------------------------------


def retry(
    cache: CacheTransaction,
    author: str,
    ids: Sequence[str],
    now: datetime,
) -> Acted:
    """What needs attention waits to be sent again; all of it where no ids are given.

    In the caller's transaction. Raises BadQuestion where an id names nothing that can be tried
    again; nothing may be kept then.
    """
    chosen = _needing(cache, ids) if ids else _all_needing(cache)
    if not chosen:
        return Acted("Nothing needs another try.", "", ())
    for intent in chosen:
        cache.source(intent.source).outbox.apply_event(intent, IntentEvent.RETRIED, "", now)
        cache.source(intent.source).outbox.postpone([intent.id], None)
    targets = dict.fromkeys((one.source, one.target_type, one.target_id) for one in chosen)
    tried = {one.id for one in chosen}
    for target in targets:
        source, kind, key = target
        _compare(cache.source(source), kind, key, tried, now)
        cache.source(source).mirror.apply_theirs(kind, key, now)
    recheck_clients(cache, targets, now)
    again = cache.intents.by_ids(sorted(tried))
    changed = sum(one.state is IntentState.CONFLICT for one in again)
    _note(cache, author, "retry", chosen, now)
    cache.project(now)
    words = f"To be sent again: {_counted(len(chosen) - changed)}."
    if changed:
        words += f" {_counted(changed)} a colleague changed meanwhile: compare, and answer."
    return Acted(words, _group(chosen), _keys(chosen))


def _compare(
    source: SqliteSourceRepository, kind: str, key: str, tried: set[str], now: datetime
) -> None:
    """Compare what is tried again with the base of today: some of it may become conflicts.

    What stands behind another stuck decision waits for that one's answer and is compared then.
    """
    on_it = source.outbox.open_on(kind, key)
    base = source.mirror.base(kind, key).body
    if base is None or any(one.kind is IntentKind.CREATE for one in on_it):
        return
    waits = behind(on_it)
    mine = [one for one in on_it if one.id in tried and one.id not in waits]
    records = source.views.client_records()
    found = compare(as_seen(base, mine), base, mine, records)
    for one in found:
        if one.result is not Comparison.NOT_APPLIED:
            words = ALREADY_SO if one.result is Comparison.DONE else one.words
            source.outbox.apply_event(one.intent, EVENTS[one.result], words, now)


# --- for good -------------------------------------------------------------------------------------


def discard_word(cache: CacheTransaction, ids: Sequence[str]) -> str:
    """What has to be typed to discard these: "discard 3", with what rests on them."""
    chosen = with_what_rests_on(cache, cache.intents.by_ids(ids), created=True)
    return f"discard {len(chosen)}"


def discard(
    cache: CacheTransaction,
    author: str,
    ids: Sequence[str],
    typed: str,
    now: datetime,
) -> Acted:
    """Drop what needs attention, and what rests on it, for good; it stays in the history.

    In the caller's transaction. Raises BadQuestion where the typed word is another, an id names
    nothing that can be discarded, or something that rests on it is being sent; nothing may be kept
    then.
    """
    if not ids:
        raise BadQuestion("Nothing was named to be discarded. Nothing was changed.")
    chosen = with_what_rests_on(cache, _needing(cache, ids), created=True)
    word = f"discard {len(chosen)}"
    if " ".join(typed.split()).casefold() != word:
        raise BadQuestion(f"Nothing was discarded. To discard this for good, type: {word}")
    drop(cache, chosen, "discarded", now)
    _note(cache, author, "discard", chosen, now)
    cache.project(now)
    words = f"Discarded: {_counted(len(chosen))}. The server's version applies."
    return Acted(words, "", _keys(chosen))


def _all_needing(cache: CacheTransaction) -> list[Intent]:
    return cache.intents.in_state(IntentState.NEEDS_ATTENTION)


def _needing(cache: CacheTransaction, ids: Sequence[str]) -> list[Intent]:
    """The decisions with these ids. Raises BadQuestion unless each of them needs attention."""
    found = {one.id: one for one in cache.intents.by_ids(ids)}
    for each in ids:
        one = found.get(each)
        if one is None:
            raise BadQuestion(f"{clean(each, 60)}: no such decision. Nothing was changed.")
        if one.state is not IntentState.NEEDS_ATTENTION:
            raise BadQuestion(f"{clean(each, 60)} {_STANDS[one.state]}. Nothing was changed.")
    return list(found.values())


_STANDS: Final = {
    IntentState.QUEUED: "waits to be sent; drop it with undo",
    IntentState.IN_DOUBT: "is being checked with the server; try again in a moment",
    IntentState.CONFLICT: "is a conflict: compare it with theirs, and answer that",
    IntentState.LOCAL_ONLY: "is saved on this computer only; drop it with undo",
    IntentState.ACKNOWLEDGED: "is on the server",
    IntentState.UNDONE: "was undone before",
}


def _note(
    cache: CacheTransaction, author: str, action: str, intents: Sequence[Intent], now: datetime
) -> None:
    """One line of the audit log an item."""
    for key in _keys(intents):
        group = next(one.group for one in intents if one.item_key == key)
        cache.audit(now).append(author, action, key, group)


def _keys(intents: Sequence[Intent]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.item_key for one in intents))


def _group(intents: Sequence[Intent]) -> str:
    groups = {one.group for one in intents}
    return groups.pop() if len(groups) == 1 else ""


def _counted(number: int) -> str:
    return f"{number} decision{'' if number == 1 else 's'}"


# --- as text --------------------------------------------------------------------------------------


def export(cache: CacheTransaction, ids: Sequence[str]) -> str:
    """Decisions as JSON lines, one a line, whole: no number or character is spelled anew.

    All open ones where no ids are given. Raises BadQuestion for an id that names none.
    """
    found = cache.intents.by_ids(ids) if ids else cache.intents.open()
    missing = set(ids) - {one.id for one in found}
    if missing:
        raise BadQuestion(f"{clean(min(missing), 60)}: no such decision. Nothing was written.")
    return "".join(f"{_UNSAFE.sub(_escaped, _as_json(one))}\n" for one in found)


def _as_json(intent: Intent) -> str:
    fields: dict[str, Any] = {
        "id": intent.id,
        "group": intent.group,
        "after": intent.after,
        "inverse_of": intent.inverse_of,
        "source": intent.source,
        "target": f"{intent.target_type}/{intent.target_id}",
        "item_key": intent.item_key,
        "kind": intent.kind.value,
        "args": dict(intent.args),
        "seen": dict(intent.seen),
        "verb": intent.verb,
        "client": asdict(intent.client) if intent.client else None,
        "decided_at": intent.decided_at.astimezone(UTC).isoformat(),
        "author": intent.author,
        "author_name": intent.author_name,
        "window": intent.window,
        "state": intent.state.value,
        "cause": intent.cause,
        "attempts": intent.attempts,
        "settles": intent.settles,
        "words": intent.words,
        "schema": intent.schema,
    }
    return jsontext.dumps(fields).decode()


def _escaped(found: re.Match[str]) -> str:
    """A character that only a string of JSON can hold, as JSON's own escape."""
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


# --- what became of it ----------------------------------------------------------------------------


def news(cache: CacheTransaction, after: int, now: datetime) -> tuple[int, tuple[str, ...]]:
    """The quiet lines after a mark: what a colleague had done already, or changed beside it."""
    mark, intents = cache.intents.acknowledged_with_message(after)
    wording = Wording(cache, now)
    sentences = {
        clean(f"{wording.client(one)}: {_told(one, wording)}.", 300): None for one in intents
    }
    return mark, tuple(sentences)


def _told(intent: Intent, wording: Wording) -> str:
    return wording.already(intent) if intent.words == ALREADY_SO else f"sent; {intent.words}"
