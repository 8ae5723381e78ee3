"""The source of a row and how old the row is: label, short label and age of each source.

In:  `Health`, `now`, the zone. Out: one `Origin` per source, and one for rows of any other source.
Rows name their source only if there are several. They show an age if the source is away, has had
no complete sync for long (`worklist.health.LONG`), or if the person works offline by choice: then
no row is newer than that, and the screen must say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from carequeue.worklist.health import Health


#: The age of a source that has never been read completely.
IN_PART: Final = "in part"


class Origin(NamedTuple):
    """A source as its rows show it; an empty text is not shown."""

    label: str = ""
    short_label: str = ""  # one or two letters, unique among the sources
    age: str = ""  # at most eleven cells: "as of 09:40", "3 d old"

    @property
    def sentence(self) -> str:
        """The origin as a sentence, for the detail."""
        where = f"from {self.label}" if self.label else ""
        since = f"{self.age}: not read since" if self.age and self.age != IN_PART else ""
        part = "only partly read" if self.age == IN_PART else ""
        sentence = ", ".join(text for text in (where, since, part) if text)
        return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


NOWHERE: Final = Origin()


class Origins(NamedTuple):
    """The labels and ages of every source, by its name; `other` is for an unknown source."""

    known: Mapping[str, Origin] = {}
    other: Origin = NOWHERE
    label: int = 0  # cells of the longest label; 0 if there is only one source

    def of(self, source: str) -> Origin:
        """The origin of a row, by its source."""
        return self.known.get(source, self.other)


def origins(health: Health, now: datetime, zone: tzinfo) -> Origins:
    """The origins at a time."""
    names = [source.shown for source in health.sources]
    several = len(names) > 1
    short_labels = _short_labels(names) if several else [""] * len(names)
    old = health.forced_offline
    away = old or health.online is False or health.signed_out
    known = {
        source.name: Origin(
            source.shown if several else "",
            short_label,
            age_words(source.last_full, now, zone) if old or source.old(now) else "",
        )
        for source, short_label in zip(health.sources, short_labels, strict=True)
    }
    other = Origin(age=age_words(health.last_full, now, zone) if away else "")
    return Origins(known, other, max(map(cell_len, names)) if several else 0)


def age_words(read: datetime | None, now: datetime, zone: tzinfo) -> str:
    """How old a copy is: the time on the same day, else whole days; "in part" if never complete."""
    if read is None:
        return IN_PART
    then, today = read.astimezone(zone), now.astimezone(zone)
    days = (today.date() - then.date()).days
    return f"as of {then:%H:%M}" if days <= 0 else f"{min(days, 9_999)} d old"


def _short_labels(names: Sequence[str]) -> list[str]:
    """A short label per name: its first two letters, or its first and another if taken."""
    short_labels: list[str] = []
    for name in names:
        letters = [name[:2], *(name[:1] + letter for letter in name[2:] if letter.isalnum())]
        numbers = (f"{name[:1]}{number}" for number in range(10))
        free = (label for label in (*letters, *numbers) if label not in short_labels)
        short_labels.append(next(free, "??"))
    return short_labels
