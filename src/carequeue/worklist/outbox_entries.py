"""The outbox as a person sees it: what is not on the server, and what can be done about it.

In:  the open intents of all sources. Out: lines in the words of the verbs; the answers to *needs
attention* (another try, or a discard after a typed word); and all of it as text, to keep or to send
to support. A retried decision still refers to what the person saw when they made it. If a colleague
has changed the same element since then, the retry is a conflict: sending it would overwrite the
colleague's change unseen.
Not here: conflicts (`conflict_resolution.py`), undo (`undo.py`), when it is sent (`sync/`).
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
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_dependencies import behind
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push.three_way import ALREADY_SO, EVENTS, Comparison, as_seen, compare
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, OutboxLine
from carequeue.worklist.undo import drop, recheck_clients, with_dependents

#: Written as an escape in an export: no terminal can take it for a command, and it comes back.
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")


def lines(cache: CacheTransaction, now: datetime) -> tuple[OutboxLine, ...]:
    """All that is not on the server: what needs a person first, then in the order of deciding."""
    intents = cache.intents.open()
    later: dict[str, datetime] = {}
    waits: set[str] = set()
    for source in {intent.source for intent in intents}:
        not_before = cache.source(source).outbox.not_before()
        later |= {id_: until for id_, until in not_before.items() if until > now}
        waits |= behind([intent for intent in intents if intent.source == source])
    wording = Wording(cache, now)
    intents.sort(key=lambda intent: (intent.state not in STUCK_STATES, intent.seq))
    return tuple(
        OutboxLine(
            id=intent.id,
            group=intent.group,
            item_key=intent.item_key,
            client=wording.client(intent),
            did=wording.describe(intent),
            state=intent.state.value,
            behind=intent.id in waits,
            source=clean(intent.source, 80),
            target=clean(f"{intent.target_type}/{intent.target_id}", 100),
            decided_at=intent.decided_at,
            by=clean(intent.author_name or intent.author, 80),
            attempts=intent.attempts,
            not_before=later.get(intent.id),
            words=clean(intent.words, 300),
        )
        for intent in intents
    )


# --- another try ----------------------------------------------------------------------------------


def retry(cache: CacheTransaction, author: str, ids: Sequence[str], now: datetime) -> Acted:
    """Queue again what needs attention; all of it if no ids are given.

    In the caller's transaction. Raises BadQuestion if an id names nothing that can be tried again;
    the caller then keeps nothing.
    """
    needing = cache.intents.in_state(IntentState.NEEDS_ATTENTION)
    chosen = _needing(cache, ids) if ids else needing
    if not chosen:
        return Acted("Nothing needs another try.", "", ())
    for intent in chosen:
        cache.source(intent.source).outbox.apply_event(intent, IntentEvent.RETRIED, "", now)
        cache.source(intent.source).outbox.postpone([intent.id], None)
    tried = {intent.id for intent in chosen}
    for target in dict.fromkeys((act.source, act.target_type, act.target_id) for act in chosen):
        source, kind, key = cache.source(target[0]), target[1], target[2]
        _compare(source, kind, key, tried, now)
        source.mirror.apply_theirs(kind, key, now)
    recheck_clients(cache, chosen, now)
    again = cache.intents.by_ids(sorted(tried))
    conflicts = sum(intent.state is IntentState.CONFLICT for intent in again)
    keys = _audit(cache, author, "retry", chosen, now)
    cache.project(now)
    message = f"To be sent again: {_counted(len(chosen) - conflicts)}."
    if conflicts:
        message += f" {_counted(conflicts)} now in conflict with a colleague's change: press x."
    groups = {intent.group for intent in chosen}
    return Acted(message, groups.pop() if len(groups) == 1 else "", keys)


def _compare(
    source: SqliteSourceRepository, kind: str, key: str, tried: set[str], now: datetime
) -> None:
    """Compare retried intents with the base of today: some of them may become conflicts.

    An intent behind another stuck intent waits for the answer to that one, and is compared then.
    """
    on_it = source.outbox.open_on(kind, key)
    base = source.mirror.base(kind, key).body
    if base is None or any(intent.kind is IntentKind.CREATE for intent in on_it):
        return
    waits = behind(on_it)
    mine = [intent for intent in on_it if intent.id in tried and intent.id not in waits]
    apply_comparison(source, as_seen(base, mine), base, mine, now)


def apply_comparison(
    source: SqliteSourceRepository,
    before: Resource,
    after: Resource,
    intents: Sequence[Intent],
    now: datetime,
) -> None:
    """Tell intents that wait on a resource what a change of its base means for them."""
    for compared in compare(before, after, intents, source.views.client_records()):
        if compared.result is not Comparison.NOT_APPLIED:
            message = ALREADY_SO if compared.result is Comparison.DONE else compared.words
            source.outbox.apply_event(compared.intent, EVENTS[compared.result], message, now)


# --- for good -------------------------------------------------------------------------------------


def discard_word(cache: CacheTransaction, ids: Sequence[str]) -> str:
    """The text to type to discard these and what depends on them: "discard 3"."""
    return f"discard {len(with_dependents(cache, cache.intents.by_ids(ids)))}"


def discard(
    cache: CacheTransaction, author: str, ids: Sequence[str], typed: str, now: datetime
) -> Acted:
    """Drop what needs attention, and what depends on it, for good; it stays in the history.

    In the caller's transaction. Raises BadQuestion if another text was typed, an id names nothing
    that can be discarded, or a dependent is being sent; the caller then keeps nothing.
    """
    if not ids:
        raise BadQuestion("No decision was named. Nothing was discarded.")
    chosen = with_dependents(cache, _needing(cache, ids))
    word = f"discard {len(chosen)}"
    if " ".join(typed.split()).casefold() != word:
        raise BadQuestion(f"Nothing was discarded. To discard this for good, type: {word}")
    drop(cache, chosen, "discarded", now)
    keys = _audit(cache, author, "discard", chosen, now)
    cache.project(now)
    return Acted(f"Discarded: {_counted(len(chosen))}. The server's record is unchanged.", "", keys)


def _needing(cache: CacheTransaction, ids: Sequence[str]) -> list[Intent]:
    """The decisions with these ids. Raises BadQuestion unless each of them needs attention."""
    intents = {intent.id: intent for intent in cache.intents.by_ids(ids)}
    for id_ in ids:
        intent = intents.get(id_)
        if intent is None:
            raise BadQuestion(f"{clean(id_, 60)}: no such decision. Nothing was changed.")
        if intent.state is not IntentState.NEEDS_ATTENTION:
            raise BadQuestion(f"{clean(id_, 60)} {_STATES[intent.state]}. Nothing was changed.")
    return list(intents.values())


_STATES: Final = {
    IntentState.QUEUED: "waits to be sent; drop it with undo",
    IntentState.IN_DOUBT: "is being checked with the server; try again in a moment",
    IntentState.CONFLICT: "is a conflict: compare it with theirs, and answer that",
    IntentState.LOCAL_ONLY: "is saved on this computer only; drop it with undo",
    IntentState.ACKNOWLEDGED: "is on the server",
    IntentState.UNDONE: "was undone before",
}


def _audit(
    cache: CacheTransaction, author: str, action: str, intents: Sequence[Intent], now: datetime
) -> tuple[str, ...]:
    """Write one line of the audit log per item; returns the keys of the items."""
    groups: dict[str, str] = {}
    for intent in intents:
        groups.setdefault(intent.item_key, intent.group)
    for key, group in groups.items():
        cache.audit(now).append(author, action, key, group)
    return tuple(groups)


def _counted(number: int) -> str:
    return f"{number} decision{'' if number == 1 else 's'}"


# --- as text --------------------------------------------------------------------------------------


def export(cache: CacheTransaction, ids: Sequence[str]) -> str:
    """Decisions as JSON lines, whole: every number and character is spelled as it came.

    All open decisions if no ids are given. Raises BadQuestion for an id that names none.
    """
    intents = cache.intents.by_ids(ids) if ids else cache.intents.open()
    missing = set(ids) - {intent.id for intent in intents}
    if missing:
        raise BadQuestion(f"{clean(min(missing), 60)}: no such decision. Nothing was written.")
    return "".join(f"{_UNSAFE.sub(_escaped, _as_json(intent))}\n" for intent in intents)


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


def _escaped(match: re.Match[str]) -> str:
    """A character that only a string of JSON can hold, as JSON's own escape."""
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


# --- what became of it ----------------------------------------------------------------------------


def news(cache: CacheTransaction, after: int, now: datetime) -> tuple[int, tuple[str, ...]]:
    """The sentences since the number `after`, and the number to ask with the next time.

    A sentence tells what a colleague had done already, or changed in the same resource.
    """
    newest, intents = cache.intents.acknowledged_with_message(after)
    wording = Wording(cache, now)
    sentences: dict[str, None] = {}
    for intent in intents:
        already = intent.words == ALREADY_SO
        outcome = wording.already(intent) if already else f"sent; {intent.words}"
        sentences[clean(f"{wording.client(intent)}: {outcome}.", 300)] = None
    return newest, tuple(sentences)
