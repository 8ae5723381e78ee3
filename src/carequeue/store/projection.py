"""The projection: resources and open intents of a chart -> rows of the queue.

It can be dropped and rebuilt with the same result (a test proves it). A row's rank is stored with
the instant at which it next changes, so `move_time` recomputes only what has crossed its instant.
Not here: what the rows mean (`fhir/`, `domain/`); what a person sees of a chart (`views.py`); the
counts (`tab_counts.py`); how the rows are read (`queue_window.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import Clock, class_of, clocks_of
from carequeue.domain.intents import STUCK_STATES, Intent, IntentState
from carequeue.domain.items import Mover, Us, WorkItem
from carequeue.domain.ranking import Band, Rank, rank
from carequeue.domain.rules import ClockRule
from carequeue.domain.sanitize import clean, fold
from carequeue.fhir.chart import ChartRead, Resource
from carequeue.fhir.chart_to_items import read_chart
from carequeue.fhir.our_directory import our_people
from carequeue.store import chart_membership, cross_source_match, outbox, sync_state, tab_counts
from carequeue.store.engine import quick, storable
from carequeue.store.key_collisions import apart
from carequeue.store.tables import ItemRow, table
from carequeue.store.views import directory, views
from carequeue.verbs.permissions import applicable

_item: Final = table(ItemRow)
_FAR: Final = 2**53  # sorts after every due time
_CHUNK: Final = 200
_SLACK: Final = 60  # seconds by which two programs, or two acts, may see the time apart
_NAMES: Final = tuple(column.name for column in _item.columns)
_PLACE: Final = tuple(_NAMES.index(name) for name in ("lane", "mine", "band"))

#: From the mildest to what must be seen first.
_SYNC_WORDS: Final[Mapping[IntentState, tuple[int, str]]] = {
    IntentState.LOCAL_ONLY: (1, "kept_here"),
    IntentState.QUEUED: (2, "waiting"),
    IntentState.IN_DOUBT: (3, "checking"),
    IntentState.NEEDS_ATTENTION: (4, "needs_you"),
    IntentState.CONFLICT: (5, "conflict"),
}

Charts = Iterable[tuple[str, str]]
Places = set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Site:
    """Who we are, when we are open, and by which rules: what a rank needs beside the item."""

    us: Mapping[str, Us]  # by source
    base_urls: Mapping[str, str]
    zone: ZoneInfo
    calendar: SiteCalendar
    rules: Sequence[ClockRule]
    labels: Mapping[str, str] = field(default_factory=dict)  # what people call a source


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of the directories, of all sources, at one revision of them."""

    revision: str
    people: dict[str, Us] = field(default_factory=dict)
    resources: dict[tuple[str, str], Resource | None] = field(default_factory=dict)


class _Made(NamedTuple):
    """`gave_way`: the charts of which a row has to give way to one with the same key."""

    changed: bool
    gave_way: Places


class Projector:
    """Keeps the rows of the queue equal to the mirror and the outbox."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._known = Known("")

    def known(self, connection: Connection) -> Known:
        """What was read of the directory, at the revision that this transaction sees.

        Never older and never newer: another thread's or process's change is seen when it is
        committed, and one that is rolled back never.
        """
        revision = chart_membership.directory_revision(connection)
        known = self._known
        if known.revision != revision:
            self._known = known = Known(revision)
        return known

    def us(self, connection: Connection, source: str) -> Us:
        """Who we are on this source, colleagues by its own directory included."""
        people = self.known(connection).people
        if source not in people:
            us = self.site.us.get(source, Us())
            base = self.site.base_urls.get(source, "")
            ours = our_people(directory(connection, source), us, base)
            people[source] = replace(us, people=us.people | ours)
        return people[source]

    def read(
        self,
        connection: Connection,
        source: str,
        chart: str,
        now: datetime,
        *,
        described: bool = True,
    ) -> ChartRead:
        """The items of one chart, from its views; `described`: with the client's story.

        An item of which something is stuck always has a row: where the server has closed it
        meanwhile, as the person last saw it, for it is theirs to say what becomes of it.
        """
        pending = outbox.of_chart(connection, source, chart)
        return self._read(connection, source, chart, pending, now, described)

    def _read(
        self,
        connection: Connection,
        source: str,
        chart: str,
        pending: Sequence[Intent],
        now: datetime,
        described: bool,
    ) -> ChartRead:
        read = partial(self._read_as, connection, source, chart, pending, now, described)
        found = read(as_seen=False)
        found = replace(found, items=apart(connection, source, chart, found.items))
        stuck = {one.item_key for one in pending if one.state in STUCK_STATES}
        wanted = stuck - {item.key for item in found.items}
        if not wanted:
            return found
        seen = [item for item in read(as_seen=True).items if item.key in wanted]
        return replace(found, items=(*found.items, *seen))

    def _read_as(
        self,
        connection: Connection,
        source: str,
        chart: str,
        pending: Sequence[Intent],
        now: datetime,
        described: bool,
        *,
        as_seen: bool,
    ) -> ChartRead:
        known = self.known(connection).resources
        return read_chart(
            replace(
                views(connection, source, chart, pending, known, as_seen=as_seen),
                base=self.site.base_urls.get(source, ""),
            ),
            self.us(connection, source),
            self.site.zone,
            now.astimezone(self.site.zone).date(),
            described,
            now,
        )

    def clocks(self, item: WorkItem) -> tuple[Clock, ...]:
        """The clocks of an item by the site's rules."""
        return clocks_of(item, self.site.rules, self.site.calendar)

    def rank(self, item: WorkItem, clocks: Sequence[Clock], now: datetime) -> Rank:
        """An item's place at an instant, by its clocks."""
        return rank(item, clocks, self.site.calendar, now)

    def project(self, connection: Connection, charts: Charts, now: datetime) -> bool:
        """Make the rows of these charts anew; whether any row changed."""
        changed = False
        if int(now.timestamp()) > _made_at(connection):
            _note_time(connection, now)
        names = sorted(set(charts))
        gave_way: Places = set()
        for start in range(0, len(names), _CHUNK):
            made = self._make(connection, names[start : start + _CHUNK], now)
            changed |= made.changed
            gave_way |= made.gave_way
        if gave_way:
            changed |= self._make(connection, sorted(gave_way), now).changed
        return changed

    def rebuild(self, connection: Connection, now: datetime) -> bool:
        """Make every row anew, from nothing."""
        cross_source_match.rebuild(connection)
        charts = (
            quick(connection)
            .execute(
                "SELECT source, chart FROM resource WHERE body <> '' "
                "UNION SELECT source, chart FROM item UNION SELECT source, chart FROM intent "
                "WHERE state NOT IN ('acknowledged', 'undone')"
            )
            .fetchall()
        )
        return self.project(connection, [(source, chart) for source, chart in charts], now)

    def has_moved(self, connection: Connection, now: datetime) -> bool:
        """Whether time has moved any row since it was projected, forward or back."""
        if _set_back(connection, now):
            return True
        found = quick(connection).execute(
            "SELECT 1 FROM item WHERE next_change_at <= ? LIMIT 1", (int(now.timestamp()),)
        )
        return found.fetchone() is not None

    def move_time(self, connection: Connection, now: datetime) -> bool:
        """Make some of the rows anew that time has moved since; whether there were any.

        To be called again, in a transaction of its own, until there are none: the first minute of
        a day moves thousands, and a person's act must find its turn between. Where the laptop's
        time was set back, every row may stand where it will only stand later: all are made anew.
        """
        if _set_back(connection, now):
            quick(connection).execute("UPDATE item SET next_change_at = 0")
            _note_time(connection, now)
        charts = (
            quick(connection)
            .execute(
                "SELECT DISTINCT source, chart FROM item WHERE next_change_at <= ? LIMIT ?",
                (int(now.timestamp()), _CHUNK),
            )
            .fetchall()
        )
        self.project(connection, [(source, chart) for source, chart in charts], now)
        return bool(charts)

    def _make(
        self, connection: Connection, charts: Sequence[tuple[str, str]], now: datetime
    ) -> _Made:
        gave_way: Places = set()
        old: dict[str, tuple[Any, ...]] = {}
        new: dict[str, tuple[Any, ...]] = {}
        for source, chart in charts:
            old |= _stored(connection, "source = ? AND chart = ?", (source, chart))
            for values in self._rows(connection, source, chart, now):
                row = tuple(_held(values[name]) for name in _NAMES)
                if row[0] in new:
                    gave_way.add((source, chart))
                else:
                    new[row[0]] = row
        for key in new.keys() - old.keys():
            there = _stored(connection, "key = ?", (key,))
            gave_way |= {(row[1], row[2]) for row in there.values()}
            old |= there
        gone = [key for key in old if key not in new]
        fresh = [row for key, row in new.items() if old.get(key) != row]
        if gone or fresh:
            _write(connection, gone, fresh)
            moved = {row[0] for row in fresh} | set(gone)
            tab_counts.move(connection, _places(moved, old), _places(moved, new))
        return _Made(bool(gone or fresh), gave_way)

    def _rows(
        self, connection: Connection, source: str, chart: str, now: datetime
    ) -> list[dict[str, Any]]:
        pending = outbox.of_chart(connection, source, chart)
        read = self._read(connection, source, chart, pending, now, described=False)
        items = read.items if source in self.site.us else _awaited(read.items, pending)
        if not items:
            return []
        leaves = any(intent.state is IntentState.QUEUED for intent in pending)
        unprotected = leaves and sync_state.unprotected(connection, source)
        arrived = _arrivals(connection, source, chart)
        us = self.us(connection, source)
        return [
            self._row(
                item, chart, clocks, self.rank(item, clocks, now), us, pending, arrived, unprotected
            )
            for item, clocks in ((item, self.clocks(item)) for item in items)
        ]

    def _row(
        self,
        item: WorkItem,
        chart: str,
        clocks: Sequence[Clock],
        placed: Rank,
        us: Us,
        pending: Sequence[Intent],
        arrived: Mapping[str, int],
        unprotected: bool,
    ) -> dict[str, Any]:
        lane, mine = _lane(item, placed)
        label = clean(item.label, 120)
        title = clean(item.title, 200)
        move = clean(item.move.name, 60)
        due = _seconds(placed.due_at)
        return {
            "key": item.key,
            "source": item.source,
            "chart": chart,
            "kind": item.kind.value,
            "band": int(placed.band),
            "weight": -placed.points,
            "due_sort": _FAR if due is None else due,
            "tie": self.site.base_urls.get(item.source, "") + "|" + item.key.partition(":")[2],
            "due_at": due,
            "unit": _unit(placed, item),
            "days_left": placed.days_left,
            "client": label,
            "born": clean(item.client.birth_date, 10),
            "alike": _alike(item),
            "title": title,
            "move": item.move.who.value,
            "move_name": move,
            "lane": lane,
            "mine": mine,
            "sync": _sync(item, pending, unprotected),
            "fresh": _fresh(item, arrived),
            "verbs": " ".join(applicable(item, us, class_of(clocks))),
            "clock_class": placed.clock.cls.value if placed.clock else "",
            "folded": fold(f"{label} {title} {move} {item.kind.value} {item.client.mrn}"),
            "next_change_at": _seconds(placed.next_change_at),
        }


def _made_at(connection: Connection) -> int:
    """The latest instant, in seconds since 1970, by which any row was made."""
    found = quick(connection).execute("SELECT value FROM meta WHERE name = 'rows_at'").fetchone()
    return int(found[0]) if found else 0


def _note_time(connection: Connection, now: datetime) -> None:
    quick(connection).execute(
        "INSERT INTO meta VALUES ('rows_at', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(int(now.timestamp())),),
    )


def _set_back(connection: Connection, now: datetime) -> bool:
    """Whether rows were made by a later time: the laptop's was ahead, and was set right."""
    return _made_at(connection) - int(now.timestamp()) > _SLACK


def _lane(item: WorkItem, placed: Rank) -> tuple[str, int]:
    """In which view a row is counted, and whether it is mine (1) or mine and waiting (2).

    What waits on somebody else comes back past its nudge: then it is ours to chase.
    """
    parties = (item.owner, item.requester)
    my_own = item.move.who is Mover.ME or any(party and party.me for party in parties)
    if placed.band == Band.WAITING:
        return "waiting", 2 if my_own else 0
    if item.move.who is Mover.ME:
        return "mine", 1
    if item.move.who is Mover.TEAM:
        return "team", 0
    return ("mine", 1) if my_own else ("team", 0)


def _unit(placed: Rank, item: WorkItem) -> str:
    if placed.band == Band.SNOOZED:
        return "sleep"
    if placed.band == Band.WAITING and placed.nudge:
        return "nudge"
    return placed.unit if placed.due_at else ""


def _alike(item: WorkItem) -> str:
    family, given = item.client.family, item.client.given
    return fold(clean(f"{family},{given[:1]}" if family else item.client.text, 120))


def _sync(item: WorkItem, pending: Sequence[Intent], unprotected: bool) -> str:
    """`unprotected`: what waits will go over whatever a colleague writes at the same moment."""
    target = item.target.id if item.target else ""
    worst = (0, "")
    for intent in pending:
        if intent.item_key == item.key or (target and intent.target_id == target):
            worst = max(worst, _SYNC_WORDS[intent.state])
    return "unprotected" if unprotected and worst[1] == "waiting" else worst[1]


def _awaited(items: Sequence[WorkItem], pending: Sequence[Intent]) -> list[WorkItem]:
    """Of a source that is no longer in the profile only what a decision still waits about."""
    return [item for item in items if _sync(item, pending, unprotected=False)]


def _fresh(item: WorkItem, arrived: Mapping[str, int]) -> int:
    names = [item.anchor.reference]
    if item.target:
        names.append(item.target.reference)
    return max((arrived.get(name, 0) for name in names), default=0)


def _held(value: Any) -> Any:
    """A value as the file can hold it; one name with half a character must not end a page."""
    return storable(value) if isinstance(value, str) else value


def _stored(
    connection: Connection, where: str, values: tuple[str, ...]
) -> dict[str, tuple[Any, ...]]:
    found = quick(connection).execute(f"SELECT {', '.join(_NAMES)} FROM item WHERE {where}", values)
    return {row[0]: tuple(row) for row in found}


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())


def _arrivals(connection: Connection, source: str, chart: str) -> Mapping[str, int]:
    """When resources of a chart came or changed, after the first full look at their source."""
    found = quick(connection).execute(
        "SELECT type || '/' || id, received_at FROM resource WHERE source = ? AND chart = ? "
        "AND received_at > (SELECT coalesce(min(CAST(value AS INTEGER)), 9e15) FROM meta "
        "WHERE name = 'first_full:' || ?)",
        (source, chart, source),
    )
    return dict(found.fetchall())


def _write(connection: Connection, gone: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    for key in gone:
        quick(connection).execute("DELETE FROM item WHERE key = ?", (key,))
    if rows:
        statement = insert(_item)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["key"],
                set_={name: statement.excluded[name] for name in _NAMES if name != "key"},
            ),
            [dict(zip(_NAMES, row, strict=True)) for row in rows],
        )


def _places(keys: Iterable[str], rows: Mapping[str, tuple[Any, ...]]) -> list[tab_counts.Place]:
    """Where those of these rows that are there are counted."""
    lane, mine, band = _PLACE
    found = (rows[key] for key in keys if key in rows)
    return [(row[lane], row[mine], row[band]) for row in found]
