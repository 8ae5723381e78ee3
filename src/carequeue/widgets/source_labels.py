"""Where a row comes from and how old it is: each source by its label, its mark and its age.

In:  `Health`, `now`, the zone. Out: one `Origin` a source, and one for a row of none of them.
A source is named on its rows only where there are several. An age is shown where the source is
away, where it has not been read whole for long (`worklist.health.LONG`), or where the person works
offline by choice: then no row is newer than that, and the screen must not look as if it were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from carequeue.worklist.health import Health


#: The age of what has never been read whole.
IN_PART: Final = "in part"


class Origin(NamedTuple):
    """A source as its rows show it; "" is not shown."""

    label: str = ""
    mark: str = ""  # one or two letters, no other source has them
    age: str = ""  # at most eleven cells: "as of 09:40", "3 d old"

    @property
    def sentence(self) -> str:
        """The same as a sentence for the detail."""
        where = f"from {self.label}" if self.label else ""
        since = f"{self.age}: not read since" if self.age and self.age != IN_PART else ""
        part = "read in part only" if self.age == IN_PART else ""
        words = ", ".join(text for text in (where, since, part) if text)
        return f"{words[:1].upper()}{words[1:]}." if words else ""


NOWHERE: Final = Origin()


class Origins(NamedTuple):
    """All of them."""

    known: Mapping[str, Origin] = {}
    other: Origin = NOWHERE
    label: int = 0  # cells of the longest label; 0 where there is one source only

    def of(self, source: str) -> Origin:
        """The origin of a row."""
        return self.known.get(source, self.other)


def origins(health: Health, now: datetime, zone: tzinfo) -> Origins:
    """The origins of a moment."""
    names = [one.shown for one in health.sources]
    several = len(names) > 1
    marks = _marks(names) if several else [""] * len(names)
    away = health.forced_offline or health.online is False or health.signed_out
    known = {
        one.name: Origin(
            one.shown if several else "",
            mark,
            age_words(one.last_full, now, zone) if health.forced_offline or one.old(now) else "",
        )
        for one, mark in zip(health.sources, marks, strict=True)
    }
    other = Origin(age=age_words(health.last_full, now, zone) if away else "")
    return Origins(known, other, max(map(cell_len, names)) if several else 0)


def age_words(read: datetime | None, now: datetime, zone: tzinfo) -> str:
    """How old a copy is: the time on the same day, else whole days; "in part" before the first."""
    if read is None:
        return IN_PART
    then, today = read.astimezone(zone), now.astimezone(zone)
    days = (today.date() - then.date()).days
    return f"as of {then:%H:%M}" if days <= 0 else f"{min(days, 9_999)} d old"


def _marks(names: Sequence[str]) -> list[str]:
    """One mark a name: its first two letters, or its first and another where those are taken."""
    marks: list[str] = []
    for name in names:
        letters = [name[:2], *(name[:1] + letter for letter in name[2:] if letter.isalnum())]
        numbers = (f"{name[:1]}{number}" for number in range(10))
        free = (mark for mark in (*letters, *numbers) if mark not in marks)
        marks.append(next(free, "??"))
    return marks
