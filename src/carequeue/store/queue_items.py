"""Rows of the queue, looked up by key or by client, for the use cases.

In:  a connection, inside a transaction of the caller's. Out: plain values of the table `item`.
Not here: what fills the table (`projection.py`), the pages that a screen shows
(`queue_window.py`), which must not load SQLAlchemy.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from carequeue.store.engine import quick


class RowRank(NamedTuple):
    """Where a row stands in the queue; `due_at` in seconds since 1970, None without a clock."""

    band: int
    due_at: int | None
    title: str


class QueueItems:
    """The rows of the queue, of all sources."""

    def __init__(self, connection: Connection) -> None:
        self._raw = quick(connection)

    def chart_of(self, key: str) -> tuple[str, str] | None:
        """Source and chart of a row; None where the queue has no such row."""
        row = self._raw.execute("SELECT source, chart FROM item WHERE key = ?", (key,)).fetchone()
        return (row[0], row[1]) if row else None

    def rank_of(self, key: str) -> RowRank | None:
        """Band, due time and title of a row; None where the queue has no such row."""
        row = self._raw.execute(
            "SELECT band, due_at, title FROM item WHERE key = ?", (key,)
        ).fetchone()
        return RowRank._make(row) if row else None

    def client_title_kind(self, key: str, chart: str) -> tuple[str, str, str] | None:
        """What a row of this client shows: the same identifier may stand in another chart too."""
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
        """How many rows there are."""
        (count,) = self._raw.execute("SELECT count(*) FROM item").fetchone()
        return int(count)

    def count_in(self, source: str, chart: str) -> int:
        """How many rows one client has."""
        (count,) = self._raw.execute(
            "SELECT count(*) FROM item WHERE source = ? AND chart = ?", (source, chart)
        ).fetchone()
        return int(count)
