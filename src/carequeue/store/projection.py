"""The projection: resources and open intents of a chart -> rows of the queue.

It can be dropped and rebuilt with the same result (a test proves it). A row's rank is stored with
the instant at which it next changes, so `move_time` recomputes only rows that have passed theirs.
Not here: the facts of an item (`fhir/`, `domain/`); what a person sees of a chart (`views.py`); the
columns of a row (`item_rows.py`); the table of rows and the counts (`queue_items.py`); how the
screen reads them (`queue_window.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import clocks_of
from carequeue.domain.intents import STUCK_STATES, Intent, IntentState
from carequeue.domain.items import Us, WorkItem
from carequeue.domain.ranking import rank
from carequeue.domain.rules import ClockRule
from carequeue.fhir.chart import ChartRead
from carequeue.fhir.chart_to_items import read_chart
from carequeue.fhir.our_directory import our_people
from carequeue.store import client_search, cross_source_match
from carequeue.store.chart_membership import directory_revision
from carequeue.store.covers import SourceCovers
from carequeue.store.engine import quick, writing
from carequeue.store.intent_rows import OPEN_SQL
from carequeue.store.item_rows import ChartFacts, RankedItem, awaited_items, item_row
from carequeue.store.outbox import SourceOutbox
from carequeue.store.queue_items import (
    StoredItem,
    disambiguate,
    items_where,
    replace_items,
    stored_item,
)
from carequeue.store.source_scope import ChartName, SourceScope
from carequeue.store.sync_state import SourceSyncState
from carequeue.store.views import ChartBases, DirectoryCache, SourceViews, shown_intents

_CHARTS_AT_ONCE: Final = 200
_SLACK: Final = 60  # seconds by which the time of two programs, or of two acts, may differ
_NOTHING_READ: Final[Mapping[ChartName, ChartBases]] = {}


@dataclass(frozen=True, slots=True)
class Site:
    """Who we are, when we are open, and by which rules: all that a rank needs besides the item."""

    us: Mapping[str, Us]  # by source
    base_urls: Mapping[str, str]
    zone: ZoneInfo
    calendar: SiteCalendar
    rules: Sequence[ClockRule]
    labels: Mapping[str, str] = field(default_factory=dict)  # what people call a source


@dataclass(frozen=True, slots=True)
class ReadDirectory:
    """The directories of all sources as far as they were read, at one revision of them."""

    revision: str
    people: dict[str, Us] = field(default_factory=dict)
    resources: DirectoryCache = field(default_factory=dict)


class _Projected(NamedTuple):
    """`again`: charts to project again, because a row of theirs has the key of another chart's."""

    changed: bool
    again: set[ChartName]


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
        """The directory as far as it was read, at the revision that this transaction sees.

        A change of another thread or process is seen once it is committed, and never if it is
        rolled back.
        """
        revision = directory_revision(connection)
        known = self._directory
        if known.revision != revision:
            self._directory = known = ReadDirectory(revision)
        return known

    def us(self, connection: Connection, source: str, now: datetime | None = None) -> Us:
        """Who we are on this source, with our colleagues by its own directory.

        `now`: with the colleagues whom I cover then; without it, with nobody.
        """
        people = self.directory(connection).people
        if source not in people:
            us = self.site.us.get(source, Us())
            scope = self.scope(connection, source)
            ours = our_people(SourceViews(scope).directory(), us, scope.base_url)
            covers = SourceCovers(scope).saved()
            people[source] = replace(us, people=us.people | ours, covers=covers)
        us = people[source]
        if not us.covers:
            return us
        current = (cover for cover in us.covers if now is not None and now < cover.until)
        return replace(us, covers=tuple(current))

    def ranked(self, item: WorkItem, now: datetime) -> RankedItem:
        """An item with its clocks by the site's rules, and its rank at an instant."""
        clocks = clocks_of(item, self.site.rules, self.site.calendar)
        return RankedItem(item, clocks, rank(item, clocks, self.site.calendar, now))

    # --- reading a chart --------------------------------------------------------------------------

    def read(self, connection: Connection, source: str, chart: str, now: datetime) -> ChartRead:
        """The items of one chart with the client's story, from its views.

        An item with an intent that waits for the person always has a row: if the server has closed
        the item meanwhile, the row shows it as the person last saw it.
        """
        return self._read(self._state(connection, source, chart), now, described=True)

    def read_items(
        self, connection: Connection, source: str, chart: str, bases: ChartBases, now: datetime
    ) -> tuple[WorkItem, ...]:
        """The items of one chart without the story, from bases that were read before."""
        state = self._state(connection, source, chart, bases)
        return self._read(state, now, described=False).items

    def _state(
        self, connection: Connection, source: str, chart: str, bases: ChartBases | None = None
    ) -> _ChartState:
        """One chart as the cache has it; `bases` None: they are read here."""
        scope = self.scope(connection, source)
        if bases is None:
            bases = SourceViews(scope).bases(chart)
        return _ChartState(scope, chart, bases, SourceOutbox(scope).open_in_chart(chart))

    def _read(self, state: _ChartState, now: datetime, *, described: bool) -> ChartRead:
        read = self._read_as(state, now, described, as_seen=False)
        scope = state.scope
        items = disambiguate(scope, state.chart, read.items)
        stuck = {intent.item_key for intent in state.pending if intent.state in STUCK_STATES}
        wanted = stuck - {item.key for item in items}
        if wanted:
            seen = self._read_as(state, now, described, as_seen=True).items
            items += [item for item in seen if item.key in wanted]
        return replace(read, items=tuple(items))

    def _read_as(
        self, state: _ChartState, now: datetime, described: bool, *, as_seen: bool
    ) -> ChartRead:
        scope = state.scope
        intents = list(shown_intents(state.pending, as_seen=as_seen))
        directory = self.directory(scope.connection).resources
        return read_chart(
            SourceViews(scope).chart(state.chart, state.bases, intents, directory),
            self.us(scope.connection, scope.source, now),
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
        """Project the rows of these charts again; whether any row changed.

        `bases`: charts that this transaction has read already, and of which no base has moved
        since; the others are read here.
        """
        changed = False
        if int(now.timestamp()) > _projected_at(connection):
            _record_time(connection, now)
        names = sorted(set(charts))
        again: set[ChartName] = set()
        for start in range(0, len(names), _CHARTS_AT_ONCE):
            part = names[start : start + _CHARTS_AT_ONCE]
            projected = self._project(connection, part, now, bases)
            changed |= projected.changed
            again |= projected.again
        if again:
            changed |= self._project(connection, sorted(again), now, _NOTHING_READ).changed
        return changed

    def rebuild(self, connection: Connection, now: datetime) -> bool:
        """Project every row again; whether any row changed."""
        cross_source_match.rebuild(connection)
        client_search.rebuild(connection)
        charts = quick(connection).execute(
            "SELECT source, chart FROM resource WHERE body <> '' "
            "UNION SELECT source, chart FROM item "
            f"UNION SELECT source, chart FROM intent WHERE {OPEN_SQL}"
        )
        return self.project(connection, charts.fetchall(), now)

    def has_moved(self, connection: Connection, now: datetime) -> bool:
        """Whether time has moved any row since it was projected, forward or back."""
        if _set_back(connection, now):
            return True
        due = quick(connection).execute(
            "SELECT 1 FROM item WHERE next_change_at <= ? LIMIT 1", (int(now.timestamp()),)
        )
        return due.fetchone() is not None

    def move_time(self, connection: Connection, now: datetime) -> bool:
        """Project some of the rows that time has moved; whether there were any.

        To be called again, in a transaction of its own, until there are none: the first minute of
        a day moves thousands, and a person's act must find its turn between. If the laptop's clock
        was set back, any row may be ranked by a later time, so all are due.
        """
        if _set_back(connection, now):
            quick(connection).execute("UPDATE item SET next_change_at = 0")
            _record_time(connection, now)
        charts = quick(connection).execute(
            "SELECT DISTINCT source, chart FROM item WHERE next_change_at <= ? LIMIT ?",
            (int(now.timestamp()), _CHARTS_AT_ONCE),
        )
        due = charts.fetchall()
        self.project(connection, due, now)
        return bool(due)

    def _project(
        self,
        connection: Connection,
        charts: Sequence[ChartName],
        now: datetime,
        bases: Mapping[ChartName, ChartBases],
    ) -> _Projected:
        again: set[ChartName] = set()
        old: dict[str, StoredItem] = {}
        new: dict[str, StoredItem] = {}
        for source, chart in charts:
            old |= items_where(connection, "source = ? AND chart = ?", (source, chart))
            state = self._state(connection, source, chart, bases.get((source, chart)))
            for values in self._rows(state, now):
                row = stored_item(values)
                if row[0] in new:
                    again.add((source, chart))
                else:
                    new[row[0]] = row
        for key in new.keys() - old.keys():
            there = items_where(connection, "key = ?", (key,))
            again |= {(row[1], row[2]) for row in there.values()}
            old |= there
        return _Projected(replace_items(connection, old, new), again)

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
            us=self.us(scope.connection, scope.source, now),
            pending=pending,
            arrived=_arrivals(scope, state.chart),
            unprotected=leaves and SourceSyncState(scope).is_unprotected(),
        )
        return [item_row(self.ranked(item, now), facts) for item in items]


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


def _projected_at(connection: Connection) -> int:
    """The latest instant, in seconds since 1970, for which any row was projected."""
    row = quick(connection).execute("SELECT value FROM meta WHERE name = 'rows_at'").fetchone()
    return int(row[0]) if row else 0


def _record_time(connection: Connection, now: datetime) -> None:
    quick(connection).execute(
        "INSERT INTO meta VALUES ('rows_at', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (str(int(now.timestamp())),),
    )


def _set_back(connection: Connection, now: datetime) -> bool:
    """Whether rows were projected for a later time: the laptop's clock was set back since."""
    return _projected_at(connection) - int(now.timestamp()) > _SLACK


def _arrivals(scope: SourceScope, chart: str) -> Mapping[str, int]:
    """Reference -> arrival of what came or changed since the source's first full cycle."""
    rows = scope.raw.execute(
        "SELECT type || '/' || id, received_at FROM resource WHERE source = ? AND chart = ? "
        "AND received_at > (SELECT coalesce(min(CAST(value AS INTEGER)), 9e15) FROM meta "
        "WHERE name = 'first_full:' || ?)",
        (scope.source, chart, scope.source),
    )
    return dict(rows.fetchall())
