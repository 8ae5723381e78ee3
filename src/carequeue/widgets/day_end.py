"""The lines below a list of mine in which nothing is left to do now: what comes next, and when.

In:  the next times of my rows, the time, the zone of the profile. Out: sentences, or lines of
parts. A row without any time is named: nobody would think of it again.
Loaded when the list has come to that for the first time.
Not here: which rows are mine and when they come (`store/next_times.py`).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from carequeue.domain.spoken_dates import say_day
from carequeue.widgets.text_width import wrap
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.store.next_times import ComingRow, NextTimes


def day_end_sentences(times: NextTimes, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """What is said at the end; nothing if the time of a row has passed, or if I have no row."""
    if times.late or not (times.first or times.untimed):
        return ()
    return tuple(filter(None, (_headline(times), _first(times.first, now, zone))))


def day_end_lines(times: NextTimes, now: datetime, zone: tzinfo, width: int) -> list[Parts]:
    """The sentences as lines, with an empty line above."""
    lines: list[Parts] = [[]]
    for sentence, role in zip(
        day_end_sentences(times, now, zone), ("strong", "muted"), strict=False
    ):
        lines += [[("   ", "text"), (text, role)] for text in wrap(sentence, width - 6)]
    return lines if len(lines) > 1 else []


def _headline(times: NextTimes) -> str:
    untimed = times.untimed_first
    if untimed is None:
        return "Done for now: nothing of yours is without a next time."
    have = "1 of yours has" if times.untimed == 1 else f"{times.untimed} of yours have"
    more = "" if times.untimed == 1 else ", first"
    return f"Done for now, but {have} no next time{more}: {untimed.title}, {untimed.client}."


def _first(row: ComingRow | None, now: datetime, zone: tzinfo) -> str:
    """`First tomorrow: 08:00 Next try, OKAFOR, Amara J.`"""
    if row is None or row.due_at is None:
        return ""
    at = datetime.fromtimestamp(row.due_at, zone)
    days = (at.date() - now.astimezone(zone).date()).days
    year = "" if at.year == now.astimezone(zone).year else f" {at.year}"
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {say_day(at)}{year}")
    client = row.client if row.client.endswith(".") else f"{row.client}."
    return f"{'Next' if days == 0 else 'First'} {day}: {_what(row, f'{at:%H:%M}')}, {client}"


def _what(row: ComingRow, at: str) -> str:
    """The time of a row and what comes then: a clock is a last time, the others are a first one."""
    if row.unit == "try":
        return f"{at} Next try"
    if row.unit == "nudge":
        return f"{at} Nudge {row.move_name}" if row.move_name else f"{at} Nudge"
    if row.unit == "sleep":
        return f"{at} {row.title}"
    return f"by {at} {row.title}"
