"""One item in full, for the detail pane and `carequeue show`. All text in it is clean."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from carequeue.domain.clocks import Clock
from carequeue.domain.intents import ConflictCause, Intent, IntentState
from carequeue.domain.items import Mover, Party, StoryLine, Us, WorkItem
from carequeue.domain.ranking import Reason
from carequeue.domain.sanitize import clean, clean_block
from carequeue.domain.spoken_dates import say_when
from carequeue.store import cross_source_match
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.source_scope import ChartName
from carequeue.verbs.table import find_verb
from carequeue.worklist.results import ClockLine, Detail, ReasonLine, TimeLine

_FLAGS: Final = {
    "approximate": "The start of its clock was not given; the next best date was taken.",
    "impossible-date": "A date on it is impossible, and was ignored.",
    "deceased": "This client is recorded as deceased: close with care.",
    "read-only": "Another system owns it; your decisions are saved on this computer only.",
}
_STATES: Final = {
    IntentState.QUEUED: "waits to be sent",
    IntentState.IN_DOUBT: "is being checked with the server",
    IntentState.CONFLICT: "conflicts with a colleague's change",
    IntentState.NEEDS_ATTENTION: "needs you",
    IntentState.LOCAL_ONLY: "is saved on this computer only",
}


def detail(cache: CacheTransaction, key: str, now: datetime) -> Detail | None:
    """An item with its reasons, clocks and story; None if it is no longer in the queue."""
    name = cache.queue.chart_of(key)
    if name is None:
        return None
    items = cache.projector.read(cache.connection, *name, now).items
    item = next((item for item in items if item.key == key), None)
    return None if item is None else _detail(cache, item, name, len(items) - 1, now)


def _detail(
    cache: CacheTransaction, item: WorkItem, name: ChartName, others: int, now: datetime
) -> Detail:
    _, clocks, rank = cache.projector.ranked(item, now)
    elsewhere, us = _elsewhere(cache, *name), cache.us(item.source, now)
    flags = (sentence for flag, sentence in _FLAGS.items() if flag in item.flags)
    client = item.client
    return Detail(
        key=item.key,
        kind=item.kind.value,
        band=int(rank.band),
        points=rank.points,
        client=clean(item.label, 200),
        born=clean(client.birth_date, 10),
        gender=clean(client.gender, 20),
        mrn=clean(client.mrn, 40),
        phone=clean(client.phone, 40),
        deceased=client.deceased,
        title=clean(item.title, 300),
        about=clean_block(item.about, 2000),
        status=clean(item.status, 40),
        move=_move(item, us),
        since=item.move.since,
        requester=_party(item.requester),
        owner=_party(item.owner),
        priority=item.priority.value,
        due=rank.due_at,
        snoozed_until=item.snoozed_until,
        reasons=tuple(_reason(reason) for reason in rank.reasons),
        clocks=tuple(_clock(clock, now) for clock in clocks),
        changes_at=rank.next_change_at,
        story=tuple(_line(line) for line in item.story),
        notes=tuple(_note(note) for note in item.notes),
        pending=_pending(cache, item.key, *name),
        flags=(*flags, *_covers(cache, item, us, now), *(text for text, _ in elsewhere)),
        others=others + sum(count for _, count in elsewhere),
        source=item.source,
        resource=clean((item.target or item.anchor).reference, 100),
    )


def _covers(cache: CacheTransaction, item: WorkItem, us: Us, now: datetime) -> list[str]:
    """Whom of the people of an item I cover, and until when."""
    owner, requester = (party.person if party else "" for party in (item.owner, item.requester))
    people = dict.fromkeys((item.move.person, owner, requester))
    covers = filter(None, (us.cover_of(person) for person in people))
    return [
        f"You cover {cover.name} until {say_when(cover.until, now, cache.site.calendar)}."
        for cover in covers
    ]


def _elsewhere(cache: CacheTransaction, source: str, chart: str) -> list[tuple[str, int]]:
    """(sentence, open items) of each chart of another source that is the same client's."""
    charts = []
    for same in cross_source_match.same(cache.source(source).scope, chart):
        count = cache.queue.count_in(same.source, same.chart)
        if count:
            label = clean(cache.site.labels.get(same.source, same.source), 40)
            by = clean(re.split(r"[/:]", same.system.rstrip("/"))[-1], 40)
            items = "1 open item" if count == 1 else f"{count} open items"
            charts.append((f"{label} has {items} of the same client: both have one {by}.", count))
    return charts


def _reason(reason: Reason) -> ReasonLine:
    return ReasonLine(reason.points, clean(reason.text, 120), clean(reason.source, 120))


def _clock(clock: Clock, now: datetime) -> ClockLine:
    return ClockLine(
        clean(clock.label, 80),
        clock.due,
        clock.state_at(now).value,
        clean(clock.citation, 120),
        str(clock.provenance),
    )


def _move(item: WorkItem, us: Us) -> str:
    name = clean(item.move.name, 80)
    match item.move.who:
        case Mover.ME:
            return "you"
        case Mover.TEAM if cover := us.cover_of(item.move.person):
            return f"you, for {cover.name}"
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


def _note(note: StoryLine) -> TimeLine:
    """A note with the lines that its author gave it."""
    return TimeLine(note.at, clean_block(note.text, 4000), clean(note.by, 80))


def _pending(cache: CacheTransaction, key: str, source: str, chart: str) -> tuple[str, ...]:
    """The decisions about an item that are not on the server, in the order of deciding."""
    intents = cache.source(source).outbox.open_in_chart(chart)
    return tuple(_unsent(intent) for intent in intents if intent.item_key == key)


def _unsent(intent: Intent) -> str:
    verb = find_verb(intent.verb)
    did = verb.label if verb else intent.verb
    name = intent.client.name if intent.client is not None else ""
    if intent.cause == ConflictCause.OTHER_CLIENT and name:
        return f"{did}, decided for {clean(name, 120)}: not sent ({clean(intent.words, 200)})"
    state = _STATES.get(intent.state, "")
    if intent.words and intent.state is not IntentState.QUEUED:
        state += f" ({clean(intent.words, 200)})"
    return f"{did}: {state}"
