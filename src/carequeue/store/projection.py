"""The projection: resources and open intents of a chart -> rows of the queue.

It can be dropped and rebuilt with the same result (a test proves it). A row's rank is stored with
the instant at which it next changes, so `move_time` recomputes only what has crossed its instant.
Not here: what the rows mean (`fhir/`, `domain/`); what a person sees of a chart (`views.py`); the
columns of a row (`item_rows.py`); the counts (`tab_counts.py`); how the rows are read
(`queue_window.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import Clock, clocks_of
from carequeue.domain.intents import STUCK_STATES, Intent, IntentState
from carequeue.domain.items import Us, WorkItem
from carequeue.domain.ranking import Rank, rank
from carequeue.domain.rules import ClockRule
from carequeue.fhir.chart import ChartRead
from carequeue.fhir.chart_to_items import read_chart
from carequeue.fhir.our_directory import our_people
from carequeue.store import cross_source_match, tab_counts
from carequeue.store.chart_membership import directory_revision
from carequeue.store.engine import quick, storable, writing
from carequeue.store.item_rows import ChartFacts, RankedItem, awaited_items, item_row
from carequeue.store.key_collisions import apart
from carequeue.store.outbox import SourceOutbox
from carequeue.store.source_scope import ChartName, SourceScope
from carequeue.store.sync_state import SourceSyncState
from carequeue.store.tables import ItemRow, table
from carequeue.store.views import ChartBases, DirectoryCache, SourceViews, shown_intents

_item: Final = table(ItemRow)
_CHUNK: Final = 200
_SLACK: Final = 60  # seconds by which two programs, or two acts, may see the time apart
_NAMES: Final = tuple(column.name for column in _item.columns)
_INSERT: Final = insert(_item)
_UPSERT: Final = _INSERT.on_conflict_do_update(
    index_elements=["key"],
    set_={name: _INSERT.excluded[name] for name in _NAMES if name != "key"},
)
_COUNTED: Final = tuple(_NAMES.index(name) for name in ("tab", "mine", "band"))
_NOTHING_READ: Final[Mapping[ChartName, ChartBases]] = {}


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
class ReadDirectory:
    """What was read of the directories, of all sources, at one revision of them."""

    revision: str
    people: dict[str, Us] = field(default_factory=dict)
    resources: DirectoryCache = field(default_factory=dict)


class _Made(NamedTuple):
    """`gave_way`: the charts of which a row has to give way to one with the same key."""

    changed: bool
    gave_way: set[ChartName]


@dataclass(frozen=True, slots=True)
class _ChartState:
    """One client as the cache has it: the bases that were read, and the open intents over them."""

    scope: SourceScope
    chart: str
    bases: ChartBases
    pending: Sequence[Intent]


class Projector:
    """Keeps the rows of the queue equal to the mirror and the outbox."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._directory = ReadDirectory("")

    def scope(self, connection: Connection, source: str) -> SourceScope:
        """One source of the site, inside the caller's transaction."""
        return SourceScope(connection, source, self.site.base_urls.get(source, ""))

    def directory(self, connection: Connection) -> ReadDirectory:
        """What was read of the directory, at the revision that this transaction sees.

        Never older and never newer: another thread's or process's change is seen when it is
        committed, and one that is rolled back never.
        """
        revision = directory_revision(connection)
        known = self._directory
        if known.revision != revision:
            self._directory = known = ReadDirectory(revision)
        return known

    def us(self, connection: Connection, source: str) -> Us:
        """Who we are on this source, colleagues by its own directory included."""
        people = self.directory(connection).people
        if source not in people:
            us = self.site.us.get(source, Us())
            scope = self.scope(connection, source)
            ours = our_people(SourceViews(scope).directory(), us, scope.base_url)
            people[source] = replace(us, people=us.people | ours)
        return people[source]

    def clocks(self, item: WorkItem) -> tuple[Clock, ...]:
        """The clocks of an item by the site's rules."""
        return clocks_of(item, self.site.rules, self.site.calendar)

    def rank(self, item: WorkItem, clocks: Sequence[Clock], now: datetime) -> Rank:
        """An item's place at an instant, by its clocks."""
        return rank(item, clocks, self.site.calendar, now)

    # --- reading a chart --------------------------------------------------------------------------

    def read(self, connection: Connection, source: str, chart: str, now: datetime) -> ChartRead:
        """The items of one chart with the client's story, from its views.

        An item of which something is stuck always has a row: where the server has closed it
        meanwhile, as the person last saw it, for it is theirs to say what becomes of it.
        """
        bases = self.bases(connection, source, chart)
        state = self._state(connection, source, chart, bases)
        return self._read(state, now, described=True)

    def bases(self, connection: Connection, source: str, chart: str) -> ChartBases:
        """Reads a chart from the disk; `read_items` and `project` take it from there."""
        return SourceViews(self.scope(connection, source)).bases(chart)

    def read_items(
        self, connection: Connection, source: str, chart: str, bases: ChartBases, now: datetime
    ) -> tuple[WorkItem, ...]:
        """The items of one chart without the story, over bases that were read before."""
        state = self._state(connection, source, chart, bases)
        return self._read(state, now, described=False).items

    def _state(
        self, connection: Connection, source: str, chart: str, bases: ChartBases
    ) -> _ChartState:
        scope = self.scope(connection, source)
        return _ChartState(scope, chart, bases, SourceOutbox(scope).open_in_chart(chart))

    def _read(self, state: _ChartState, now: datetime, *, described: bool) -> ChartRead:
        read = self._read_as(state, now, described, as_seen=False)
        scope = state.scope
        items = apart(scope, state.chart, read.items)
        stuck = {intent.item_key for intent in state.pending if intent.state in STUCK_STATES}
        wanted = stuck - {item.key for item in items}
        if wanted:
            seen = self._read_as(state, now, described, as_seen=True).items
            items = (*items, *(item for item in seen if item.key in wanted))
        return replace(read, items=items)

    def _read_as(
        self, state: _ChartState, now: datetime, described: bool, *, as_seen: bool
    ) -> ChartRead:
        scope = state.scope
        intents = list(shown_intents(state.pending, as_seen=as_seen))
        directory = self.directory(scope.connection).resources
        return read_chart(
            SourceViews(scope).chart(state.chart, state.bases, intents, directory),
            self.us(scope.connection, scope.source),
            self.site.zone,
            now.astimezone(self.site.zone).date(),
            described,
            now,
        )

    # --- writing rows -----------------------------------------------------------------------------

    def project(
        self,
        connection: Connection,
        charts: Iterable[ChartName],
        now: datetime,
        bases: Mapping[ChartName, ChartBases] = _NOTHING_READ,
    ) -> bool:
        """Make the rows of these charts anew; whether any row changed.

        `bases`: charts that this transaction has read already, and of which no base has moved
        since; the others are read here.
        """
        changed = False
        if int(now.timestamp()) > _made_at(connection):
            _note_time(connection, now)
        names = sorted(set(charts))
        gave_way: set[ChartName] = set()
        for start in range(0, len(names), _CHUNK):
            made = self._make(connection, names[start : start + _CHUNK], now, bases)
            changed |= made.changed
            gave_way |= made.gave_way
        if gave_way:
            changed |= self._make(connection, sorted(gave_way), now, _NOTHING_READ).changed
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
        self,
        connection: Connection,
        charts: Sequence[ChartName],
        now: datetime,
        bases: Mapping[ChartName, ChartBases],
    ) -> _Made:
        gave_way: set[ChartName] = set()
        old: dict[str, tuple[Any, ...]] = {}
        new: dict[str, tuple[Any, ...]] = {}
        for source, chart in charts:
            old |= _stored(connection, "source = ? AND chart = ?", (source, chart))
            read = bases.get((source, chart))
            if read is None:
                read = self.bases(connection, source, chart)
            for values in self._rows(self._state(connection, source, chart, read), now):
                row = tuple(_storable(values[name]) for name in _NAMES)
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
            tab_counts.move(connection, _counted(moved, old), _counted(moved, new))
        return _Made(bool(gone or fresh), gave_way)

    def _rows(self, state: _ChartState, now: datetime) -> list[dict[str, Any]]:
        scope, pending = state.scope, state.pending
        items: Sequence[WorkItem] = self._read(state, now, described=False).items
        if scope.source not in self.site.us:
            items = awaited_items(items, pending)
        if not items:
            return []
        leaves = any(intent.state is IntentState.QUEUED for intent in pending)
        facts = ChartFacts(
            chart=state.chart,
            base_url=scope.base_url,
            us=self.us(scope.connection, scope.source),
            pending=pending,
            arrived=_arrivals(scope, state.chart),
            unprotected=leaves and SourceSyncState(scope).is_unprotected(),
        )
        return [item_row(self._ranked(item, now), facts) for item in items]

    def _ranked(self, item: WorkItem, now: datetime) -> RankedItem:
        clocks = self.clocks(item)
        return RankedItem(item, clocks, self.rank(item, clocks, now))


def catch_up(engine: Engine, projector: Projector, now: datetime) -> bool:
    """Project the rows that time has moved, some at a time; whether there were any.

    An act may come between two transactions.
    """
    with engine.connect() as connection:
        if not projector.has_moved(connection, now):
            return False
    moves = True
    while moves:
        with writing(engine) as connection:
            moves = projector.move_time(connection, now)
    return True


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


def _storable(value: Any) -> Any:
    """A value as the file can hold it; one name with half a character must not end a page."""
    return storable(value) if isinstance(value, str) else value


def _stored(
    connection: Connection, where: str, values: tuple[str, ...]
) -> dict[str, tuple[Any, ...]]:
    found = quick(connection).execute(f"SELECT {', '.join(_NAMES)} FROM item WHERE {where}", values)
    return {row[0]: tuple(row) for row in found}


def _arrivals(scope: SourceScope, chart: str) -> Mapping[str, int]:
    """When resources of a chart came or changed, after the first full cycle of their source."""
    rows = scope.raw.execute(
        "SELECT type || '/' || id, received_at FROM resource WHERE source = ? AND chart = ? "
        "AND received_at > (SELECT coalesce(min(CAST(value AS INTEGER)), 9e15) FROM meta "
        "WHERE name = 'first_full:' || ?)",
        (scope.source, chart, scope.source),
    )
    return dict(rows.fetchall())


def _write(connection: Connection, gone: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    for key in gone:
        quick(connection).execute("DELETE FROM item WHERE key = ?", (key,))
    if rows:
        connection.execute(_UPSERT, [dict(zip(_NAMES, row, strict=True)) for row in rows])


def _counted(
    keys: Iterable[str], rows: Mapping[str, tuple[Any, ...]]
) -> list[tab_counts.CountedRow]:
    """By what those of these rows that are there are counted."""
    tab, mine, band = _COUNTED
    there = (rows[key] for key in keys if key in rows)
    return [(row[tab], row[mine], row[band]) for row in there]
