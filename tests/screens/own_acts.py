"""A person's own acts, as the desk of the tests has them: what can be done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from carequeue.store.queue_window import QueueRow
from carequeue.worklist.results import Acted
from carequeue.worklist.undo_desk import UndoDesk


class FakeUndoDesk(UndoDesk):
    """`undone`: the groups that the desk undid, the last one at the end; `first`: the first row."""

    def __init__(self, undone: list[str], first: Callable[[], QueueRow]) -> None:
        self._groups, self._first = undone, first
        self.redone: list[str] = []  # the groups that were done again

    @property
    def redoable(self) -> str:
        return self._groups[-1] if self._groups else ""

    def redo(self, now: datetime, group: str = "") -> Acted:
        self.redone.append(group)
        row = self._first()
        return Acted(f"Done again: Acknowledged, {row.client}.", self._groups.pop(), (row.key,))
