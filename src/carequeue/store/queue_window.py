"""The queue's window: one prepared statement over the projection, read without the ORM.

This is the way to the first frame: it imports neither SQLModel nor SQLAlchemy (a test holds it).
Rows come in the order of the queue: band, points, due time, tie (docs/architecture.md).
Text in a row went through `domain.sanitize.clean` when it was projected.
Not here: what fills the table (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from carequeue.store.engine import Raw

if TYPE_CHECKING:
    from carequeue.store.client_search import ClientMatch
    from carequeue.store.next_times import NextTimes


class Tab(StrEnum):
    """Which rows: my moves (and, dimmed at the end, what I wait for), the team's, waiting, all."""

    MINE = "mine"
    TEAM = "team"
    WAITING = "waiting"
    ALL = "all"
    WHOLE = "whole"  # all, and the snoozed ones


class QueueRow(NamedTuple):
    """One row as the list draws it. Instants are whole seconds since 1970 (UTC)."""

    key: str
    kind: str  # domain.items.Kind
    band: int  # domain.ranking.Band
    points: int
    due_at: int | None
    unit: str  # how due_at is said: h | d | bd | nudge | try | sleep | "" (no clock)
    days_left: int | None  # unit d or bd: whole days from now to due, negative when over
    client: str  # FAMILY, Given
    born: str  # FHIR date or ""
    alike: str  # two rows with the same value show the year of birth
    title: str  # what to do, verb first
    move: str  # domain.items.Mover
    move_name: str
    mine: int  # 0 no, 1 my move, 2 mine but waiting on somebody
    sync: str  # "" | waiting | unprotected | checking | conflict | needs_you | kept_here
    fresh: int  # when it arrived or changed on the server, 0 if not since the first full cycle
    verbs: str  # the verbs that apply now, most used first (`verbs/offers.py`)
    source: str
    chart: str = ""  # "Patient/12" of the source: whom the row is about
    covered_for: str = ""  # "Dana W.": the colleague whom I cover, by whom the row is mine


class Urgent(NamedTuple):
    """An item in the band Now or Safety: enough to name it on the screen and to go there."""

    key: str
    client: str
    band: int
    source: str
    chart: str = ""


class Tally(NamedTuple):
    """How many rows: per view, and per band of the view that was asked for."""

    tabs: Mapping[str, int]
    bands: Mapping[int, int]
    snoozed: int


_ORDER: Final = "band, weight, due_sort, tie"
#: The index that holds each view in its order; named, so that no planner's guess makes a key slow.
_INDEX: Final[Mapping[Tab, str]] = {
    Tab.MINE: "item_mine",
    Tab.TEAM: "item_tab",
    Tab.WAITING: "item_tab",
    Tab.ALL: "item_whole",
    Tab.WHOLE: "item_whole",
}
_TABS: Final = (Tab.MINE, Tab.TEAM, Tab.WAITING, Tab.ALL)
_WAITING: Final = 5
_SNOOZED: Final = 6
#: The name in `meta`, beside that of a source, of the instant since which it has not answered.
SILENT: Final = "silent"
_CALMER: Final = 2  # the first band below Now and Safety
_HAS: Final = "folded LIKE ? ESCAPE '\\'"
_WORDS: Final = 8  # of a filter; a row must contain each


class Viewer(NamedTuple):
    """Whose queue the window shows: the columns `tab` and `mine` as SQL, and the index of each tab.

    `values`: the first values of every statement, source and reference by turns; none for the
    person at the keyboard.
    """

    values: tuple[str, ...] = ()
    tab: str = "tab"
    mine: str = "mine"
    indexes: Mapping[Tab, str] = _INDEX

    def where(self, tab: Tab) -> str:
        """Which rows a tab lists; it uses all values."""
        condition = {
            Tab.MINE: f"{self.mine} > 0 AND band < 6",
            Tab.TEAM: f"{self.tab} = 'team' AND band < 6",
            Tab.WAITING: f"{self.tab} = 'waiting' AND band < 6",
            Tab.ALL: "band < 6",
            Tab.WHOLE: "1",
        }[tab]
        return f"?{len(self.values)} <> '' AND {condition}" if self.values else condition

    def columns(self) -> str:
        """The columns of `QueueRow`."""
        of_viewer = {"points": "-weight", "mine": self.mine}
        return ", ".join(of_viewer.get(name, name) for name in QueueRow._fields)


#: The person at the keyboard, whose columns are stored.
ME: Final = Viewer()


def viewer(people: Sequence[tuple[str, str]]) -> Viewer:
    """A colleague or a team as the viewer; `people` are pairs of a source and a reference.

    The rule is that of `item_rows._tab_and_mine`, by the stored people of each row.
    """

    def names(column: str) -> str:
        numbers = range(1, 2 * len(people), 2)
        return " OR ".join(f"{column} = ?{n + 1} AND source = ?{n}" for n in numbers)

    move, part = f"({names('mover')})", f"({names('owner')} OR {names('requester')})"
    waits = f"(move IN ('partner', 'client') AND {part})"
    mine = f"(CASE WHEN band = {_WAITING} THEN 2 * ({move} OR {part}) ELSE ({move} OR {waits}) END)"
    tab = (
        f"(CASE WHEN band = {_WAITING} THEN 'waiting' WHEN {move} OR {waits} THEN 'mine' "
        "ELSE 'team' END)"
    )
    return Viewer(
        tuple(chain.from_iterable(people)),
        tab,
        mine,
        dict.fromkeys(Tab, "item_whole"),
    )


class HealthLine(NamedTuple):
    """The end of the last sync cycle of a source; instants are ISO text, "" where there is none."""

    source: str
    online: int | None
    signed_out: int
    offline_since: str
    why: str
    last_cycle: str
    last_full: str
    progress: str


class Window:
    """Reads the projection over one connection that never writes."""

    def __init__(self, connection: Raw) -> None:
        self._connection = connection
        self.viewer = ME  # whose queue it is

    def rows(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        """Rows `offset` to `offset + limit` of a tab; `filter_text` is folded words, "" for all."""
        where, values = self._filter(tab, filter_text)
        index = self.viewer.indexes[tab]
        rows = self._connection.execute(
            f"SELECT {self.viewer.columns()} FROM item INDEXED BY {index} WHERE {where} "
            f"ORDER BY {_ORDER} LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [QueueRow._make(row) for row in rows]

    def row(self, key: str) -> QueueRow | None:
        """One row by its key."""
        columns, values = self.viewer.columns(), self.viewer.values
        rows = self._connection.execute(f"SELECT {columns} FROM item WHERE key = ?", (*values, key))
        row = rows.fetchone()
        return QueueRow._make(row) if row else None

    def urgent(self) -> Sequence[Urgent]:
        """All items in the bands Now and Safety, in the order of the queue."""
        rows = self._connection.execute(
            f"SELECT {', '.join(Urgent._fields)} FROM item INDEXED BY item_whole "
            f"WHERE band < {_CALMER} ORDER BY {_ORDER}"
        )
        return [Urgent._make(row) for row in rows]

    def keys(self, tab: Tab, filter_text: str) -> Sequence[str]:
        """All keys of a view, in order."""
        where, values = self._filter(tab, filter_text)
        index = self.viewer.indexes[tab]
        rows = self._connection.execute(
            f"SELECT key FROM item INDEXED BY {index} WHERE {where} ORDER BY {_ORDER}", values
        )
        return [key for (key,) in rows]

    def keys_and_resources(self) -> Sequence[tuple[str, str]]:
        """Key and resource ("Task/12") of every row, in the order of the queue."""
        rows = self._connection.execute(
            f"SELECT key, resource FROM item INDEXED BY item_whole ORDER BY {_ORDER}"
        )
        return [(key, resource) for key, resource in rows]

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        """The offset of a key in a view; None where it is not in it."""
        where, values = self._filter(tab, filter_text)
        at = self._connection.execute(
            f"SELECT {_ORDER} FROM item WHERE {where} AND key = ?", (*values, key)
        ).fetchone()
        if at is None:
            return None
        (before,) = self._connection.execute(
            f"SELECT count(*) FROM item INDEXED BY {self.viewer.indexes[tab]} "
            f"WHERE {where} AND ({_ORDER}) < (?, ?, ?, ?)",
            (*values, *at),
        ).fetchone()
        return int(before)

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        """The counts of the view tabs and of the bands of one view."""
        if filter_text or self.viewer is not ME:
            return self._count(tab, filter_text)
        counts = {
            (name, band): count
            for name, band, count in self._connection.execute(
                "SELECT tab, band, count FROM tally WHERE count > 0"
            )
        }
        return _tally(tab, counts)

    def _count(self, tab: Tab, filter_text: str) -> Tally:
        where, values = self._filter(Tab.WHOLE, filter_text)
        rows = self._connection.execute(
            f"SELECT {self.viewer.tab}, {self.viewer.mine}, band, count(*) FROM item "
            f"WHERE {where} GROUP BY 1, 2, 3",
            values,
        )
        counts: dict[tuple[str, int], int] = {}
        for its_tab, mine, band, count in rows:
            for name in tabs_of(its_tab, mine, band):
                counts[name, band] = counts.get((name, band), 0) + count
        return _tally(tab, counts)

    def _filter(self, tab: Tab, filter_text: str) -> tuple[str, tuple[str, ...]]:
        """The condition of a tab and a filter, and its values in the order of the statement."""
        words = filter_text.split()[:_WORDS]
        where = " AND ".join([self.viewer.where(tab), *[_HAS] * len(words)])
        return where, (*self.viewer.values, *map(_like, words))

    def stamp(self) -> int:
        """Changes whenever another connection has committed; a few microseconds."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def clients(self, text: str) -> Sequence[ClientMatch]:
        """The clients of all sources who have every word of a folded text."""
        from carequeue.store.client_search import matches

        return matches(self._connection, text)

    def client(self, source: str, chart: str) -> ClientMatch | None:
        """The client of a chart; None if the client's record is not here."""
        from carequeue.store.client_search import client_at

        return client_at(self._connection, source, chart)

    def next_times(self, now: int) -> NextTimes:
        """When each row of mine comes next; `now` in seconds since 1970."""
        from carequeue.store.next_times import next_times

        return next_times(self._connection, now)

    def outbox_counts(self) -> Mapping[str, int]:
        """Open intents by state."""
        rows = self._connection.execute(
            "SELECT state, count(*) FROM intent "
            "WHERE state NOT IN ('acknowledged', 'undone') GROUP BY state"
        )
        return dict(rows.fetchall())

    def health(self) -> Sequence[HealthLine]:
        """The end of the last sync cycle of each source."""
        rows = self._connection.execute(
            f"SELECT {', '.join(HealthLine._fields)} FROM health ORDER BY source"
        )
        return [HealthLine._make(row) for row in rows]

    def meta(self, name: str) -> str:
        """A value of the cache itself, "" where there is none."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def tabs_of(tab: str, mine: int, band: int) -> tuple[str, ...]:
    """The counts in which a row stands.

    "mine" counts my moves only; what I wait for is listed at its end as "mine+" and not counted.
    """
    if band == _SNOOZED:
        return (Tab.WHOLE,)
    if mine == 2:
        return (tab, "mine+", Tab.ALL, Tab.WHOLE)
    return (tab, Tab.ALL, Tab.WHOLE)


def _tally(tab: Tab, counts: Mapping[tuple[str, int], int]) -> Tally:
    tabs = {
        name.value: sum(count for (of, _), count in counts.items() if of == name) for name in _TABS
    }
    shown = (tab, "mine+") if tab == Tab.MINE else (tab,)
    bands: dict[int, int] = {}
    for (of, band), count in sorted(counts.items(), key=lambda pair: pair[0][1]):
        if of in shown and count:
            bands[band] = bands.get(band, 0) + count
    return Tally(tabs, bands, counts.get((Tab.WHOLE, _SNOOZED), 0))


def _like(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
