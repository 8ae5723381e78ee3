"""Which rows have come or changed since the person last looked at them.

In:  rows as they are drawn, with the time at which each last changed on the server (`fresh`), and
     the rows that the cursor has left. Out: "new", "changed" or "" for a row.
A mark stays until the cursor has been on the row: that is the one sign that it was looked at. What
changed longer than `NEWS_FOR` before the start is no news. One's own acts change no `fresh`.
"""

from __future__ import annotations

from typing import Final

from carequeue.store.queue_window import QueueRow

#: Seconds before the start within which a change is still news: since the last shift.
NEWS_FOR: Final = 12 * 3_600


class Arrivals:
    """What one session of the queue has shown, and what was looked at."""

    def __init__(self, start: int) -> None:
        self._since = start - NEWS_FOR
        self._first: dict[str, int] = {}  # as each row was when it was first drawn
        self._visited: dict[str, int] = {}

    def mark(self, row: QueueRow) -> str:
        """The mark of a row that is being drawn."""
        first = self._first.setdefault(row.key, row.fresh)
        if row.fresh <= self._since or self._visited.get(row.key) == row.fresh:
            return ""
        return "new" if row.fresh == first and row.key not in self._visited else "changed"

    def visit(self, row: QueueRow) -> None:
        """The cursor has been on it."""
        if row.fresh > self._since:
            self._visited[row.key] = row.fresh
