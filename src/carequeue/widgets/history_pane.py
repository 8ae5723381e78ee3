"""The person's own acts to read, newest first, under the day on which they were done.

In:  acts, `now`, the zone, the width, the chosen act. Out: lines of parts.
Each line has the time, where the act stands, the client and the act; the chosen line also says more
about where it stands. Undone acts are dimmed. The lines are made once per width: a key remakes only
the chosen line, however many acts were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from carequeue.widgets.clock_words import DAYS, MONTHS
from carequeue.widgets.detail_pane import Lines
from carequeue.widgets.outbox_pane import LEAST, WORDS_FROM
from carequeue.widgets.queue_line import SYNC
from carequeue.widgets.text_width import fill, wrap
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.results import PastAct

EMPTY: Final = "You have done nothing on this computer yet."
END: Final = "That is all that you have done on this computer."
EARLIER: Final = "Earlier acts follow when you go down."
_HEAD: Final = 16
_TIME: Final = 7
_UNDONE: Final = frozenset({"undone", "partly undone"})
#: Sign and role of each state; the words are the states themselves.
_SIGNS: Final = {
    "waiting": SYNC["waiting"][::2],
    "checking": SYNC["checking"][::2],
    "conflict": SYNC["conflict"][::2],
    "refused": SYNC["needs_you"][::2],
    "local only": SYNC["kept_here"][::2],
    "sent": ("✓", "done"),
    "undone": ("←", "muted"),
    "partly undone": ("←", "soon"),
}


class HistoryPane:
    """The list at a time. `complete`: no earlier acts are left to read."""

    def __init__(
        self, acts: Sequence[PastAct], now: datetime, zone: tzinfo, *, complete: bool
    ) -> None:
        self.acts, self.complete = acts, complete
        self.chosen = 0
        self._now, self._zone = now, zone
        self._made: tuple[int, Lines, list[int]] = (-1, [], [])

    @property
    def act(self) -> PastAct | None:
        """The chosen act."""
        return self.acts[self.chosen] if self.acts else None

    def last_line_of_chosen(self, width: int) -> int:
        """The number of the last line on the screen that belongs to the chosen act; of the last
        act, the words at the end of the list belong to it.
        """
        act = self.act
        if act is None or not self.chosen:
            return 0
        lines, positions = self._make(width)
        last = len(lines) - 1 if act is self.acts[-1] else positions[self.chosen]
        return last + len(self._more(act, width))

    def parts(self, width: int) -> Lines:
        """The whole list."""
        lines, positions = self._make(width)
        act = self.act
        if act is None:
            return lines
        at = positions[self.chosen]
        return [
            *lines[:at], self._line(act, width, chosen=True), *self._more(act, width),
            *lines[at + 1 :],
        ]  # fmt: skip

    def _make(self, width: int) -> tuple[Lines, list[int]]:
        if self._made[0] != width:
            lines: Lines = []
            positions: list[int] = []
            day: date | None = None
            for act in self.acts:
                if day != (day := self._local(act.at).date()):
                    lines += [*([[]] if lines else []), self._heading(day, width)]
                positions.append(len(lines))
                lines.append(self._line(act, width, chosen=False))
            end = EMPTY if not self.acts else END if self.complete else EARLIER
            role = "muted" if self.acts else "strong"
            lines += [*([[]] if lines else []), *([(text, role)] for text in wrap(end, width))]
            self._made = (width, lines, positions)
        return self._made[1:]

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self._zone)

    def _heading(self, day: date, width: int) -> Parts:
        title = _day_words(day, self._local(self._now).date())
        return [(f"{title} ", "strong"), ("─" * max(0, width - cell_len(title) - 1), "rule")]

    def _line(self, act: PastAct, width: int, *, chosen: bool) -> Parts:
        sign, role = _SIGNS.get(act.state, ("·", "muted"))
        wide = width >= WORDS_FROM
        head = fill(f"{sign} {act.state}" if wide else sign, _HEAD if wide else 2)
        client, did = _columns(act, width)
        dim = act.state == "undone"
        return [
            ("▌" if chosen else " ", "me"),
            (fill(f"{self._local(act.at):%H:%M}", _TIME), "muted"),
            (head, role),
            (fill(act.client, client) + " ", "muted" if dim else "strong"),
            (fill(act.did, did), "muted" if dim else "text"),
        ]

    def _more(self, act: PastAct, width: int) -> Lines:
        """The text below the chosen act: whatever its columns cut, and where it stands."""
        client, did = _columns(act, width)
        whole = cell_len(act.client) <= client and cell_len(act.did) <= did
        texts: list[Part] = [] if whole else [(f"{act.client}: {act.did}", "text")]
        texts.append((act.note, "soon" if act.state in ("conflict", "refused") else "muted"))
        lines: Lines = [
            [("▌" + " " * _TIME, "me"), (part, role)]
            for text, role in texts
            for part in wrap(text, max(8, width - _TIME - 2))
        ]
        blank: Parts = [("▌", "me")]
        return [*lines, *[blank] * (LEAST - len(lines))]


def _columns(act: PastAct, width: int) -> tuple[int, int]:
    """The cells for the client and for the act; a long name takes cells from the act."""
    room = width - 2 - _TIME - (_HEAD if width >= WORDS_FROM else 2)
    client = max(room * 2 // 5, min(cell_len(act.client), room - 16))
    return client, room - client


def _day_words(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `Mon 9 Mar`; with the year if it is another one."""
    if today - day in (timedelta(), timedelta(days=1)):
        return "Yesterday" if day < today else "Today"
    words = f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
    return words if day.year == today.year else f"{words} {day.year}"
