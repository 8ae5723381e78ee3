"""One item in full, for the detail pane and `carequeue show`. Everything that leaves is clean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from carequeue.domain.intents import ConflictCause, Intent, IntentState
from carequeue.domain.items import Mover, Party, StoryLine, WorkItem
from carequeue.domain.ranking import Rank
from carequeue.domain.sanitize import clean, clean_block
from carequeue.store import cross_source_match
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.table import find_verb
from carequeue.worklist.results import ClockLine, Detail, ReasonLine, TimeLine

_FLAGS: Final = {
    "approximate": "The start of its clock was not given; the next best date was taken.",
    "impossible-date": "A date on it cannot be, and was left out of account.",
    "deceased": "This client is recorded as deceased: close with care.",
    "read-only": "Another system owns it; your decisions are saved on this computer only.",
}
_STATES: Final = {
    IntentState.QUEUED: "waits to be sent",
    IntentState.IN_DOUBT: "is being checked with the server",
    IntentState.CONFLICT: "differs from what a colleague did",
    IntentState.NEEDS_ATTENTION: "needs you",
    IntentState.LOCAL_ONLY: "is saved on this computer only",
}


def detail(cache: CacheTransaction, key: str, now: datetime) -> Detail | None:
    """An item with its reasons, clocks and story; None where it is no longer in the queue."""
    place = cache.queue.chart_of(key)
    if place is None:
        return None
    source, chart = place
    projector = cache.projector
    read = projector.read(cache.connection, source, chart, now)
    item = next((one for one in read.items if one.key == key), None)
    if item is None:
        return None
    _, clocks, placed = projector.ranked(item, now)
    clock_lines = tuple(
        ClockLine(
            clean(clock.label, 80),
            clock.due,
            clock.state_at(now).value,
            clean(clock.citation, 120),
            str(clock.provenance),
        )
        for clock in clocks
    )
    pending = [
        one for one in cache.source(source).outbox.open_in_chart(chart) if one.item_key == key
    ]
    found = _elsewhere(cache, source, chart)
    shown = _detail(item, placed, clock_lines, pending, len(read.items) - 1)
    return replace(
        shown,
        others=shown.others + sum(count for _, count in found),
        flags=(*shown.flags, *(words for words, _ in found)),
    )


def _elsewhere(cache: CacheTransaction, source: str, chart: str) -> list[tuple[str, int]]:
    """(sentence, open items) of each chart of another source that is the same client's."""
    found = []
    for same in cross_source_match.same(cache.source(source).scope, chart):
        count = cache.queue.count_in(same.source, same.chart)
        if count:
            label = clean(cache.site.labels.get(same.source, same.source), 40)
            by = clean(re.split(r"[/:]", same.system.rstrip("/"))[-1], 40)
            items = "1 open item" if count == 1 else f"{count} open items"
            found.append((f"{label} has {items} of the same client: both have one {by}.", count))
    return found


def _detail(
    item: WorkItem,
    placed: Rank,
    clocks: tuple[ClockLine, ...],
    pending: Sequence[Intent],
    others: int,
) -> Detail:
    client = item.client
    about = item.target or item.anchor
    return Detail(
        key=item.key,
        kind=item.kind.value,
        band=int(placed.band),
        points=placed.points,
        client=clean(item.label, 200),
        born=clean(client.birth_date, 10),
        gender=clean(client.gender, 20),
        mrn=clean(client.mrn, 40),
        phone=clean(client.phone, 40),
        deceased=client.deceased,
        title=clean(item.title, 300),
        about=clean_block(item.about, 2000),
        status=clean(item.status, 40),
        move=_move(item),
        since=item.move.since,
        requester=_party(item.requester),
        owner=_party(item.owner),
        priority=item.priority.value,
        due=placed.due_at,
        snoozed_until=item.snoozed_until,
        reasons=tuple(
            ReasonLine(one.points, clean(one.text, 120), clean(one.source, 120))
            for one in placed.reasons
        ),
        clocks=clocks,
        changes_at=placed.next_change_at,
        story=tuple(_line(one) for one in item.story),
        notes=tuple(_line(one) for one in item.notes),
        pending=tuple(_pending(one) for one in pending),
        flags=tuple(words for mark, words in _FLAGS.items() if mark in item.flags),
        others=others,
        source=item.source,
        resource=clean(about.reference, 100),
    )


def _move(item: WorkItem) -> str:
    name = clean(item.move.name, 80)
    match item.move.who:
        case Mover.ME:
            return "you"
        case Mover.TEAM:
            return f"your team: {name}" if name else "your team"
        case Mover.CLIENT:
            return "the client"
        case Mover.PARTNER:
            return name or "a partner"


def _party(party: Party | None) -> str:
    if party is None:
        return ""
    return "you" if party.me else str(clean(party.name or party.reference, 80))


def _line(line: StoryLine) -> TimeLine:
    return TimeLine(line.at, clean(line.text, 300), clean(line.by, 80))


def _pending(intent: Intent) -> str:
    verb = find_verb(intent.verb)
    name = intent.client.name if intent.client is not None else ""
    if intent.cause == ConflictCause.OTHER_CLIENT and name:
        what = verb.label if verb else intent.verb
        return f"{what}, decided for {clean(name, 120)}: not sent ({clean(intent.words, 200)})"
    words = f"{verb.label if verb else intent.verb}: {_STATES.get(intent.state, '')}"
    if intent.words and intent.state is not IntentState.QUEUED:
        words += f" ({clean(intent.words, 200)})"
    return words
