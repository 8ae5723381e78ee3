"""The queue as a list of lines, drawn from a window over the rows, however many there are.

In:  pages of rows (`show`), motions, marks. Out: the row under the cursor; a call when it moves.
The cursor is held by key, not by index: when the data change, it keeps its item and its line on the
screen. Only if the top of the list is in sight, the top stays in sight, so that the person sees new
and more urgent items (`keep_top`; not while keys are pressed: then the cursor keeps its line).
An act belongs to `aim`, the item that was painted under the cursor when the key was pressed: a
change of the data moves the aim only with the next paint.
The mouse moves nothing while a question is open (`still`): the question is about the row that was
under the cursor when it came.
`tail` are lines below the last row; they stay in sight at the bottom if the list is longer.
A move redraws two lines; at the edge the list jumps by half a page, because a scroll by one line
repaints as much as a jump. After a change of data only the changed lines are redrawn.
Not here: the strip of a row (`row_painter.py`), its text (`queue_line.py`), when data are taken
over (`screens/refresh.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, tzinfo
from time import monotonic, perf_counter
from typing import Final

from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.change_badges import ChangeBadges
from carequeue.widgets.queue_line import TALL_BELOW, Columns, RowState, band_line, columns
from carequeue.widgets.queue_pages import BandLine, Pages, RowLine
from carequeue.widgets.row_painter import RowPainter, alike_in
from carequeue.widgets.source_labels import Origins
from carequeue.widgets.themes import Painter, Parts

#: The clock of Textual's event times, in seconds.
seconds: Final = perf_counter if sys.platform == "win32" else monotonic


class QueueList(ScrollView, can_focus=False):
    """The list. `selected` are the keys of marked items, `acted` of items just acted on."""

    def __init__(
        self,
        painter: Painter,
        now: Callable[[], datetime],
        zone: tzinfo,
        moved: Callable[[], None],
        *,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._painter, self._moved = painter, moved
        self._row_painter = RowPainter(painter, now, zone)
        self.pages = Pages(lambda offset, limit: (), {})
        self.index = 0
        self.key: str | None = None
        self.selected: Collection[str] = frozenset()
        self.acted: set[str] = set()
        self.moves = False
        self.origins = Origins()
        self.change_badges = ChangeBadges(int(now().timestamp()))
        self.empty: Callable[[int], list[Parts]] = lambda width: []
        self.tail: Callable[[int], list[Parts]] = lambda width: []
        self.still: Callable[[], bool] = lambda: False
        self._tail: Sequence[Parts] = ()
        self._aim: QueueRow | None = None
        self._aim_before: QueueRow | None = None
        self._aim_since = 0.0
        self._columns: Columns = columns(80, False)
        self._drawn: dict[int, Strip] = {}
        self._alike: tuple[object, frozenset[str]] = (None, frozenset())

    # --- the data

    @property
    def row(self) -> QueueRow | None:
        """The row under the cursor."""
        return self.pages.row(self.index)

    def aim(self, key_time: float) -> QueueRow | None:
        """The row that a key pressed at `key_time` (monotonic seconds) was meant for."""
        return self._aim_before if key_time < self._aim_since else self._aim

    def show(
        self,
        pages: Pages,
        index: int,
        *,
        moves: bool,
        keep_line: bool = True,
        keep_top: bool = True,
    ) -> None:
        """Show other data, with the cursor on `index`; only changed lines are redrawn."""
        at = self.pages.line_of(self.index) - self.scroll_offset.y
        self.pages, self.moves = pages, moves
        self.index = max(0, min(index, pages.rows - 1))
        row = self.row
        changed, self.key = self.key != (row.key if row else None), row.key if row else None
        if self._aim is not None and self._aim.key == self.key:
            self._aim = row
        self._alike = (None, frozenset())
        self._measure(self.size.width)
        if self.size.height:
            line = pages.line_of(self.index)
            at_the_top = keep_top and not self.scroll_offset.y and line < self._room
            top = line - at if keep_line and not at_the_top else 0
            self._scroll(top)
            self._into_view()
            self.redraw()
        if changed:
            self._moved()

    def set_origins(self, origins: Origins) -> None:
        """Take other sources, or other ages of the same; the next `redraw` draws them."""
        self.origins = origins
        self._measure(self.size.width)

    def _measure(self, width: int) -> None:
        """Compute the columns and the tail for a width; if it is small, each row has two lines."""
        self._columns = columns(max(1, width), self.moves, self.origins.label)
        tall = 2 if 0 < width < TALL_BELOW else 1
        if tall != self.pages.tall:
            self.pages.set_row_height(tall)
        self._tail = self.tail(width) if self.pages.rows else ()
        if (size := Size(0, self.pages.lines + len(self._tail))) != self.virtual_size:
            self.virtual_size = size

    @property
    def _room(self) -> int:
        """How many lines the rows and bands have."""
        return max(0, self.size.height - len(self._tail))

    def redraw(self) -> None:
        """Redraw the lines that have changed, and no others."""
        for y in range(self.size.height):
            if self._drawn.get(y) != self._line(y + self.scroll_offset.y):
                self.refresh_line(y + self.scroll_offset.y)

    # --- the cursor

    def move(self, steps: int) -> None:
        """Move the cursor by rows."""
        self.go(self.index + steps)

    def page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self.go(self.index + pages * max(1, self._room - 2))

    def band(self, step: int) -> None:
        """Move the cursor to the first row of the next or previous band."""
        bands = self.pages.bands
        here = self.pages.band_at(self.index)
        if bands and step < 0 and self.index > bands[here].first:
            self.go(bands[here].first)
        elif 0 <= here + step < len(bands):
            self.go(bands[here + step].first)

    def go(self, index: int) -> None:
        """Put the cursor on a row; the person moved it, so the aim moves too."""
        index = max(0, min(index, self.pages.rows - 1))
        row = self.pages.row(index)
        left, old = self.row, self.index
        self.index, self.key = index, row.key if row else None
        self._aim = self._aim_before = row
        if old != index:
            if left is not None:
                self.change_badges.visit(left)
            self._into_view()
            for changed in (old, index):
                self.refresh_lines(self.pages.line_of(changed), self.pages.tall)
            self.park()
            self._moved()

    def _into_view(self) -> None:
        """Jump by half a page if the cursor has left the window; show its band's line if near."""
        top, height = self.scroll_offset.y, self._room
        line = self.pages.line_of(self.index)
        if height and not top <= line <= top + height - self.pages.tall:
            self._scroll(line - height // 2)
        elif height > 1 and line == top and isinstance(self.pages.at(line - 1), BandLine):
            self._scroll(line - 1)

    def _scroll(self, top: int) -> None:
        last = max(0, self.pages.lines - self._room)
        self.scroll_to(
            y=max(0, min(top, last)), animate=False, immediate=True, force=True, level="none"
        )

    def park(self) -> None:
        """Put the terminal's own cursor on the row: magnifiers and Braille lines follow it."""
        line = self.pages.line_of(self.index) - self.scroll_offset.y
        self.app.cursor_position = Offset(self.region.x, self.region.y + max(0, line))

    # --- drawing

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        strip = self._drawn[y] = self._line(y + self.scroll_offset.y)
        self.take_aim()
        return strip

    def take_aim(self) -> None:
        """The row under the cursor has been painted: keys are meant for it from now on."""
        if (self._aim.key if self._aim else None) != self.key:  # the data moved the cursor
            self._aim_before, self._aim, self._aim_since = self._aim, self.row, seconds()

    def _line(self, line: int) -> Strip:
        width = self.size.width
        if not self.pages.rows:
            return self._empty_line(line, width)
        if line >= (end := self._end):
            below = self._tail[line - end : line - end + 1]
            return self._painter.strip(below[0] if below else (), width)
        content = self.pages.at(line)
        if isinstance(content, BandLine):
            parts = band_line(content.band, content.rows, width)
            return self._painter.strip(parts, width)
        row = None if content is None else self.pages.row(content.row)
        if content is None or row is None:
            return self._painter.blank(width)
        return self._row(row, content.part, content.row == self.index)

    @property
    def _end(self) -> int:
        """The line at which the tail begins."""
        return min(self.pages.lines, self.scroll_offset.y + self._room)

    def _row(self, row: QueueRow, part: int, cursor: bool) -> Strip:
        row_state = RowState(
            cursor,
            row.key in self.selected,
            row.key in self.acted,
            row.alike in self._alikes(),
            self.change_badges.badge(row),
            self.origins.of(row.source),
        )
        tall = None if self.pages.tall == 1 else part
        return self._row_painter.strip(row, row_state, self._columns, self.size.width, tall)

    def _alikes(self) -> frozenset[str]:
        """The values of `alike` that two different people on this screen share."""
        top, height = self.scroll_offset.y, self.size.height
        window = (self.pages, top, height)
        if self._alike[0] != window:
            self._alike = (window, alike_in(self.pages, range(top, top + height)))
        return self._alike[1]

    def _empty_line(self, line: int, width: int) -> Strip:
        texts = self.empty(width)
        index = line - max(1, self.size.height // 3)
        if 0 <= index < len(texts):
            return self._painter.strip(texts[index], width)
        return self._painter.blank(width)

    def on_resize(self, event: events.Resize) -> None:
        """Compute other columns; the cursor stays in the window."""
        self._measure(event.size.width)
        self._row_painter.forget()
        self._drawn.clear()
        if self.pages.rows:
            self._into_view()
        self.park()
        self.refresh()

    # --- the mouse: the wheel moves the cursor, so that no act is on an item out of sight

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows down."""
        self._wheel(event, 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows up."""
        self._wheel(event, -3)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        event.prevent_default()
        if not self.still():
            self.move(rows)

    def on_click(self, event: events.Click) -> None:
        """Go to the row that was clicked."""
        line = event.y + self.scroll_offset.y
        content = self.pages.at(line) if line < self._end else None
        if isinstance(content, RowLine) and not self.still():
            self.go(content.row)
