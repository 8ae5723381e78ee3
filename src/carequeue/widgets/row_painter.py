"""The strip of one row of the list, kept until the row looks different.

In:  a row, its state, the columns and the time. Out: a strip; and which rows of the window show the
year of birth, because two people in it are named alike.
Not here: the text of a row (`queue_line.py`), where it stands (`queue_list.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Final

from textual.strip import Strip

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.queue_line import Columns, RowState, queue_line, tall_line
from carequeue.widgets.queue_pages import Pages, RowLine
from carequeue.widgets.themes import Painter

_STRIPS_KEPT: Final = 4_000


class RowPainter:
    """Draws rows as of now; a row that looks as before is not drawn again."""

    def __init__(self, painter: Painter, now: Callable[[], datetime], zone: tzinfo) -> None:
        self._painter, self._now, self._zone = painter, now, zone
        self._strips: dict[object, Strip] = {}

    def strip(
        self, row: QueueRow, state: RowState, columns: Columns, width: int, part: int | None
    ) -> Strip:
        """A row in one line, or one of the two lines of a row where the list is narrow (`part`)."""
        now = int(self._now().timestamp())
        if part is None:
            parts = queue_line(row, columns, now, self._zone, state)
        else:
            parts = tall_line(row, part, width, now, self._zone, state)
        cache_key = (*parts, state.cursor)
        strip = self._strips.get(cache_key)
        if strip is None:
            if len(self._strips) >= _STRIPS_KEPT:
                self._strips.clear()
            strip = self._painter.strip(parts, width, "cursor" if state.cursor else "ground")
            self._strips[cache_key] = strip
        return strip

    def forget(self) -> None:
        """The width has changed: draw every row again."""
        self._strips.clear()


def alike_in(pages: Pages, lines: Iterable[int]) -> frozenset[str]:
    """The values of `alike` that two different people in these lines share."""
    seen: dict[str, tuple[str, str]] = {}
    shared = set()
    for line in lines:
        content = pages.at(line)
        row = pages.row(content.row) if isinstance(content, RowLine) else None
        if row is not None and row.alike:
            person = (row.client, row.born)
            if seen.setdefault(row.alike, person) != person:
                shared.add(row.alike)
    return frozenset(shared)
