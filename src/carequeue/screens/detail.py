"""The detail of the item under the cursor: asked for in the background, shown if still wanted.

While it is read, the pane shows what the row itself says, so that it never shows another client
than the cursor. One question is under way at a time; cursor moves in between ask once more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import CareQueueError
from carequeue.screens.overlay import Stage
from carequeue.store.queue_window import QueueRow
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.queue_line import clock_role
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.text_view import Sheet
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Detail


def _detail(desk: Desk, key: str, now: datetime) -> Detail | None:
    """The detail; without one the pane goes on showing what the row itself says."""
    try:
        return desk.detail(key, now)
    except CareQueueError:
        return None


class DetailView:
    """What is shown beside the list, or in its place."""

    def __init__(
        self,
        stage: Stage,
        zone: tzinfo,
        sheets: Callable[[], list[Sheet]],
        origin: Callable[[str], Origin],
    ) -> None:
        self._stage, self._zone, self._sheets, self._origin = stage, zone, sheets, origin
        self._row: QueueRow | None = None
        self._detail: Detail | None = None
        self._asked: str | None = None  # the key whose detail is being read
        self.why = False

    def want(self, row: QueueRow | None, *, again: bool = False) -> None:
        """Show the detail of a row as soon as it has been read; `again`: its data may be other."""
        same = row is not None and self._row is not None and row.key == self._row.key
        self._row = row
        if not same:
            self._detail = None
        if not self._sheets():
            return
        if not same:
            self.show(top=0)
        if row is not None and (again or self._detail is None):
            self._ask(row.key)

    def unfold(self) -> None:
        """Show all about *why*, or less again."""
        self.why = not self.why
        self.show(top=0)

    def _ask(self, key: str) -> None:
        if self._asked is not None:
            return
        self._asked = key
        stage = self._stage
        now = stage.now()
        stage.look(lambda: _detail(stage.desk, key, now), partial(self._read, key))

    def _read(self, key: str, detail: Detail | None) -> None:
        self._asked = None
        if self._row is None:
            return
        if self._row.key != key:
            self._ask(self._row.key)
        else:
            self._detail = detail
            self.show()

    def show(self, top: int | None = None) -> None:
        """Draw it wherever it is in sight."""
        for sheet in self._sheets():
            sheet.show(self._lines(self._stage.now()), top=top)

    def _lines(self, now: datetime) -> Callable[[int], list[Parts]]:
        row, detail = self._row, self._detail
        if row is None:
            return lambda width: []
        words, over = clock_words(
            row.due_at, row.unit, row.days_left, int(now.timestamp()), self._zone
        )
        clock: Part = (words, clock_role(row.band, over))
        from carequeue.widgets.detail_pane import brief_lines, detail_lines

        if detail is None:
            return partial(brief_lines, row, clock, self._origin(row.source))
        return partial(
            detail_lines,
            detail,
            now,
            self._zone,
            why=self.why,
            clock=clock,
            origin=self._origin(row.source),
        )
