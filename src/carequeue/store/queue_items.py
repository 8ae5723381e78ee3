"""The table `item`: rows looked up by key or client, replaced by the projection, counted by tab.

In:  a connection, inside a transaction of the caller. Out: plain values of `item` and `tally`.
Why `tally` is updated with each row: no paint ever counts.
Why keys may change: some systems copy a whole Task, with its identifier. One identifier in two
charts is two people's work, and neither may hide the other's. The chart that sorts first keeps the
key, and the row of the other goes by its own reference, whichever of the two came first.
Not here: which rows a chart has (`projection.py`), their columns (`item_rows.py`), the pages of the
screen (`queue_window.py`), which must not load SQLAlchemy.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from carequeue.domain.items import Mover, WorkItem
from carequeue.store.engine import quick, storable
from carequeue.store.queue_window import tabs_of
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import ItemRow, table

#: All columns of one row, in the order of the table; the key is the first.
StoredItem = tuple[Any, ...]

_NAMES: Final = tuple(column.name for column in table(ItemRow).columns)
_COUNTED: Final = tuple(_NAMES.index(name) for name in ("tab", "mine", "band"))
_UPSERT: Final = (
    f"INSERT INTO item ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))}) "
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES)}"
)


class RowRank(NamedTuple):
    """The rank of a row, and who acts next.

    `due_at` in seconds since 1970, None without a clock; `unit` says what is due then, as in
    `QueueRow`.
    """

    band: int
    due_at: int | None
    unit: str
    title: str
    move: Mover
    move_name: str


class QueueItems:
    """The rows of the queue, of all sources, for the use cases."""

    def __init__(self, connection: Connection) -> None:
        self._raw = quick(connection)

    def chart_of(self, key: str) -> tuple[str, str] | None:
        """Source and chart of a row; None if the queue has no such row."""
        row = self._raw.execute("SELECT source, chart FROM item WHERE key = ?", (key,)).fetchone()
        return (row[0], row[1]) if row else None

    def rank_of(self, key: str) -> RowRank | None:
        """The rank of a row, and who acts next; None if the queue has no such row."""
        row = self._raw.execute(
            "SELECT band, due_at, unit, title, move, move_name FROM item WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        band, due_at, unit, title, move, move_name = row
        return RowRank(band, due_at, unit, title, Mover(move), move_name)

    def offers_of(self, key: str) -> str:
        """The verbs that a row offers (`verbs/offers.py`); "" if the queue has no such row."""
        row = self._raw.execute("SELECT verbs FROM item WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def client_title_kind(self, key: str, chart: str) -> tuple[str, str, str] | None:
        """Client, title and kind of a row; None if the row of this key is in another chart."""
        row = self._raw.execute(
            "SELECT client, title, kind FROM item WHERE key = ? AND chart = ?", (key, chart)
        ).fetchone()
        return (row[0], row[1], row[2]) if row else None

    def in_conflict(self) -> list[str]:
        """Keys of the rows that show a conflict, in the order of the queue."""
        rows = self._raw.execute(
            "SELECT key FROM item WHERE sync = 'conflict' ORDER BY band, weight, due_sort, tie"
        )
        return [key for (key,) in rows]

    def count(self) -> int:
        """How many rows the queue has."""
        (count,) = self._raw.execute("SELECT count(*) FROM item").fetchone()
        return int(count)

    def count_in(self, source: str, chart: str) -> int:
        """How many rows one client has."""
        (count,) = self._raw.execute(
            "SELECT count(*) FROM item WHERE source = ? AND chart = ?", (source, chart)
        ).fetchone()
        return int(count)


# --- for the projection ---------------------------------------------------------------------------


def disambiguate(scope: SourceScope, chart: str, items: Sequence[WorkItem]) -> list[WorkItem]:
    """The items of a chart, each with a key that no row of a chart before it has."""
    copied = [item.key for item in items if item.key != _own_key(item)]
    taken: set[str] = set()
    if copied:
        rows = scope.raw.execute(
            "SELECT key FROM item WHERE source = ? AND chart < ? "
            "AND key IN (SELECT value FROM json_each(?))",
            (scope.source, chart, json.dumps(copied)),
        )
        taken = {key for (key,) in rows}
    return [replace(item, key=_own_key(item)) if item.key in taken else item for item in items]


def _own_key(item: WorkItem) -> str:
    return f"{item.source}:{(item.target or item.anchor).reference}"


def stored_item(values: Mapping[str, Any]) -> StoredItem:
    """The columns of `item_rows.item_row` as the file can hold them."""
    columns = (values[name] for name in _NAMES)
    return tuple(storable(value) if isinstance(value, str) else value for value in columns)


def items_where(
    connection: Connection, condition: str, values: Sequence[str]
) -> dict[str, StoredItem]:
    """The stored rows that meet a condition of SQL, by key."""
    rows = quick(connection).execute(
        f"SELECT {', '.join(_NAMES)} FROM item WHERE {condition}", values
    )
    return {row[0]: tuple(row) for row in rows}


def replace_items(
    connection: Connection, old: Mapping[str, StoredItem], new: Mapping[str, StoredItem]
) -> bool:
    """Replace stored rows by others, both by key, and move the counts; whether any row differs."""
    gone = [key for key in old if key not in new]
    changed = [row for key, row in new.items() if old.get(key) != row]
    if gone or changed:
        raw = quick(connection)
        raw.executemany("DELETE FROM item WHERE key = ?", [(key,) for key in gone])
        raw.executemany(_UPSERT, changed)
        keys = (*gone, *(row[0] for row in changed))
        _move_counts(connection, (old[key] for key in keys if key in old), changed)
    return bool(gone or changed)


# --- counts ---------------------------------------------------------------------------------------


def _move_counts(
    connection: Connection, left: Iterable[StoredItem], came: Iterable[StoredItem]
) -> None:
    change: Counter[tuple[str, int]] = Counter()
    for rows, sign in ((left, -1), (came, 1)):
        for row in rows:
            tab, mine, band = (row[column] for column in _COUNTED)
            for name in tabs_of(tab, mine, band):
                change[str(name), band] += sign
    quick(connection).executemany(
        "INSERT INTO tally (tab, band, count) VALUES (?, ?, ?) "
        "ON CONFLICT (tab, band) DO UPDATE SET count = count + excluded.count",
        [(tab, band, by) for (tab, band), by in change.items() if by],
    )


def stored_counts(connection: Connection) -> dict[tuple[str, int], int]:
    """Tab and band -> the stored count, without counts of zero."""
    rows = quick(connection).execute("SELECT tab, band, count FROM tally WHERE count <> 0")
    return {(tab, band): count for tab, band, count in rows}


def counted(connection: Connection) -> Counter[tuple[str, int]]:
    """Tab and band -> rows, counted from the rows themselves, to check the stored counts."""
    counts: Counter[tuple[str, int]] = Counter()
    for tab, mine, band in quick(connection).execute("SELECT tab, mine, band FROM item"):
        for name in tabs_of(tab, mine, band):
            counts[str(name), band] += 1
    return counts
