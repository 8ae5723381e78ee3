"""A person's own acts, as the desk of the tests has them: the history, and what can be redone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from carequeue.store.queue_window import QueueRow
from carequeue.worklist.results import Acted, HistoryPage, PastAct
from carequeue.worklist.undo_desk import UndoDesk

NEWEST: Final = 1_000_000


def past_act(number: int, client: str, did: str, state: str, note: str, at: datetime) -> PastAct:
    """An act of the group `group-<number>` on one item."""
    return PastAct(f"group-{number}", at, client, did, state, note, "okafor")


def acts_of_a_week(now: datetime) -> list[PastAct]:
    """One act in each state, newest first, over a week and the turn of a year."""
    today, yesterday = now, now - timedelta(days=1)
    many = past_act(6, "12 items", "Assigned to Ortiz, Nadia", "sent", "The server has it.",
        yesterday - timedelta(hours=2))  # fmt: skip
    return [
        past_act(9, "OKAFOR, Amara", "Acknowledged", "waiting", "It waits to be sent.", today),
        past_act(8, "NGUYỄN, Thị Minh Châu", "Noted: called twice, nobody answered; the sister "
            "says that she is at work until five", "refused",
            "The server refused it: Business rule 17, a note needs a category.",
            today - timedelta(minutes=7)),
        past_act(7, "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade Oluwaseun",
            "Attempted to reach: left message", "sent", "The server has it.",
            today - timedelta(minutes=31)),
        replace(many, key=""),
        past_act(5, "BRANDT, Sofie", "Done", "conflict",
            "A colleague changed it meanwhile: x in the queue asks you.",
            yesterday - timedelta(hours=3)),
        past_act(4, "REYES, Tomás", "Snoozed until Mon 30 Nov 08:00", "undone",
            "Undone; the undo waits to be sent.", yesterday - timedelta(hours=4)),
        past_act(3, "SØRENSEN, Ida", "Priority urgent", "local only",
            "Saved on this computer only: the server cannot store it.", now - timedelta(days=4)),
        past_act(2, "山田, 太郎", "Accepted", "checking",
            "It may be on the server: that is checked first.", now - timedelta(days=5)),
        replace(many, group="group-1", at=now - timedelta(days=400), state="partly undone",
            note="Undone on 9 of 12 items; the server has the undo.", key=""),
    ]  # fmt: skip


class FakeUndoDesk(UndoDesk):
    """`undone`: the groups that the desk undid, the last one at the end; `first`: the first row."""

    def __init__(self, undone: list[str], first: Callable[[], QueueRow]) -> None:
        self._groups, self._first = undone, first
        self.redone: list[str] = []  # the groups that were done again
        self.acts: list[PastAct] = []
        self.pages: list[tuple[int, int]] = []  # the number and the size of each page read

    @property
    def redoable(self) -> str:
        return self._groups[-1] if self._groups else ""

    def redo(self, now: datetime, group: str = "") -> Acted:
        self.redone.append(group)
        row = self._first()
        return Acted(f"Done again: Acknowledged, {row.client}.", self._groups.pop(), (row.key,))

    def history(self, now: datetime, before: int = NEWEST, limit: int = 100) -> HistoryPage:
        first = 0 if before > len(self.acts) else len(self.acts) - before
        self.pages.append((first, limit))
        end = first + limit
        acts = tuple(
            replace(act, state="undone", note="Undone.") if act.group in self._groups else act
            for act in self.acts[first:end]
        )
        return HistoryPage(acts, len(self.acts) - end if end < len(self.acts) else 0)
