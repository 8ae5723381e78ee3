"""The detail of the item under the cursor: read in the background, shown if still wanted.

While the detail is read, the pane shows the text of the row itself, so that it never shows another
client than the cursor. Only one read runs at a time; cursor moves meanwhile start one more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import CareQueueError
from carequeue.screens.screen_context import ScreenContext
from carequeue.store.queue_window import QueueRow
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.queue_line import clock_role
from carequeue.widgets.text_view import TextView
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Detail


def _detail(desk: Desk, key: str, now: datetime) -> Detail | None:
    """The detail; None if it cannot be read, and the pane goes on showing the row."""
    try:
        return desk.detail(key, now)
    except CareQueueError:
        return None


class DetailView:
    """The detail beside the list, or in its place."""

    def __init__(self, context: ScreenContext, text_views: Callable[[], list[TextView]]) -> None:
        self._context, self._text_views = context, text_views
        self._row: QueueRow | None = None
        self._detail: Detail | None = None
        self._reading: str | None = None  # the key whose detail is being read
        self.unfolded = False  # whether every reason for the rank is shown

    def request(self, row: QueueRow | None, *, again: bool = False) -> None:
        """Show the detail of a row as soon as it is read; `again`: its data may have changed."""
        same = row is not None and self._row is not None and row.key == self._row.key
        self._row = row
        if not same:
            self._detail = None
        if not self._text_views():
            return
        if not same:
            self.show(top=0)
        if row is not None and (again or self._detail is None):
            self._start_read(row.key)

    def toggle_reasons(self) -> None:
        """Show every reason for the item's rank, or fewer again."""
        self.unfolded = not self.unfolded
        self.show(top=0)

    def _start_read(self, key: str) -> None:
        if self._reading is not None:
            return
        self._reading = key
        context = self._context
        now = context.now()
        context.submit_read(lambda: _detail(context.desk, key, now), partial(self._received, key))

    def _received(self, key: str, detail: Detail | None) -> None:
        self._reading = None
        if self._row is None:
            return
        if self._row.key != key:
            self._start_read(self._row.key)
        else:
            self._detail = detail
            self.show()

    def show(self, top: int | None = None) -> None:
        """Draw the detail wherever it is in sight."""
        for text_view in self._text_views():
            text_view.show(self._lines(self._context.now()), top=top)

    def _lines(self, now: datetime) -> Callable[[int], list[Parts]]:
        row, detail = self._row, self._detail
        if row is None:
            return lambda width: []
        text, over = clock_words(
            row.due_at, row.unit, row.days_left, int(now.timestamp()), self._context.zone
        )
        clock: Part = (text, clock_role(row.band, over))
        origin = self._context.origin(row.source)
        from carequeue.widgets.detail_pane import DetailText, brief_lines

        if detail is None:
            return partial(brief_lines, row, clock, origin)
        return DetailText(detail, now, self._context.zone, clock, origin, full=self.unfolded).lines
