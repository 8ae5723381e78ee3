"""The desk for one's own acts: undo and redo in one window, and the list of all acts.

In:  the person, the run of the program, transactions. Out: acts that were undone or done again.
What was undone is remembered as long as the window is open; a new act ends it, because what was
undone before it may no longer fit.
Not here: how an act is undone (`undo.py`) or done again (`redo.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from carequeue.domain.errors import BadQuestion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.history import NEWEST, history
from carequeue.worklist.redo import redo
from carequeue.worklist.results import Acted, HistoryPage, Undoable
from carequeue.worklist.undo import ChangedSince, undo
from carequeue.worklist.undoable import Undoer, last_of, not_undone, undoable
from carequeue.worklist.undone import Undone, remember

Transaction = Callable[[], AbstractContextManager[CacheTransaction]]


class UndoDesk:
    """Undo and redo of one window. `opened`: when the window was opened."""

    def __init__(
        self, author: str, run: str, opened: datetime, reading: Transaction, writing: Transaction
    ) -> None:
        self._author, self._run, self._opened = author, run, opened
        self._reading, self._writing = reading, writing
        self._passed: set[str] = set()  # groups that were changed since: undo goes past them
        self._undone: list[Undone] = []  # the last one at the end

    @property
    def undoer(self) -> Undoer:
        """The person at this window."""
        return Undoer(self._author, self._opened, self._run, frozenset(self._passed))

    def acted(self) -> None:
        """A new act was done: there is nothing to redo any more."""
        self._undone.clear()

    def undoable(self, now: datetime) -> Undoable | None:
        """The act that is the next to undo; None if there is none."""
        with self._reading() as cache:
            return undoable(cache, self.undoer, now)

    def history(self, now: datetime, before: int = NEWEST, limit: int = 100) -> HistoryPage:
        """A page of the person's own acts on this computer, newest first. *Slow*.

        `before`: where the page before it says that this page begins.
        """
        with self._reading() as cache:
            return history(cache, self._author, now, before, limit)

    def undo(self, now: datetime, group: str) -> Acted:
        """Undo a group, or the last of this window; see `Desk.undo`."""
        try:
            with self._writing() as cache:
                group = group or last_of(cache, self.undoer, anywhere=False)
                before = not_undone(cache, group)
                acted = undo(cache, self.undoer, now, group)
                undone = remember(cache, before, acted)
        except ChangedSince as error:
            self._passed.add(error.group)
            raise
        self._undone.append(undone)
        return acted

    @property
    def redoable(self) -> str:
        """The group that is the next to redo: what was undone last; "" if there is none."""
        return self._undone[-1].group if self._undone else ""

    def redo(self, now: datetime, group: str = "") -> Acted:
        """Do again what this window undid last, unless something was done since. *Slow*.

        `group`: the act to redo, as `redoable` named it; no other is done instead.
        Raises BadQuestion, with the reason, if there is nothing to redo, if it no longer applies,
        or if somebody has changed it since the undo; nothing is changed then.
        """
        if not self._undone:
            raise BadQuestion("There is nothing to redo.")
        if group and group != self.redoable:
            raise BadQuestion("Something else was undone or done since. Nothing was done again.")
        with self._writing() as cache:
            acted = redo(cache, self.undoer, self._undone[-1], now)
        self._undone.pop()
        return acted
