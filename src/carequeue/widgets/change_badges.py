"""The rows that have arrived or changed since the person last saw them.

In:  rows as they are drawn, with the time at which each last changed on the server (`fresh`), and
the rows that the cursor has left. Out: "new", "changed" or "" for a row.
A badge stays until the cursor has been on the row: only that shows that the person saw it. A change
longer than `NEWS_FOR` before the start is no news. A person's own acts do not change `fresh`.
"""

from __future__ import annotations

from typing import Final

from carequeue.store.queue_window import QueueRow

#: Seconds before the start in which a change is still news: since the last shift.
NEWS_FOR: Final = 12 * 3_600


class ChangeBadges:
    """The rows that one session of the queue has shown, and those that the person has visited."""

    def __init__(self, start: int) -> None:
        self._since = start - NEWS_FOR
        self._first: dict[str, int] = {}  # key -> `fresh` when the row was first drawn
        self._visited: dict[str, int] = {}

    def badge(self, row: QueueRow) -> str:
        """The badge of a row that is being drawn."""
        first = self._first.setdefault(row.key, row.fresh)
        if row.fresh <= self._since or self._visited.get(row.key) == row.fresh:
            return ""
        return "new" if row.fresh == first and row.key not in self._visited else "changed"

    def visit(self, row: QueueRow) -> None:
        """The cursor has been on the row."""
        if row.fresh > self._since:
            self._visited[row.key] = row.fresh
