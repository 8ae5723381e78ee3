"""A deadline as a distance: "3 h left", "2 bd over", "today", "nudge Wed", "try Wed",
"Mon 09:00".

In:  due time and `now` in whole seconds since 1970, the unit of the projection, the zone of the
profile (never the laptop's). Out: at most `WIDTH` cells, and whether the deadline has passed.
The projection counts business days, because it knows the calendar; here they only get words.
"Over" is a word, never a minus sign: people overlook a sign, and screen readers skip it.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

#: The longest text that `clock_words` returns, in cells.
WIDTH: Final = 11
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_HOUR: Final = 3600


def clock_words(
    due_at: int | None, unit: str, days_left: int | None, now: int, zone: tzinfo
) -> tuple[str, bool]:
    """The distance in words, and whether the deadline has passed; ("", False) for no deadline."""
    if due_at is None or not unit:
        return "", False
    if unit in ("nudge", "try"):
        return _again(unit, due_at, now, zone), False
    if unit == "sleep":
        return moment(due_at, now, zone), False
    if unit in ("d", "bd") and days_left is not None:
        return _days(due_at, unit, days_left, now)
    return _hours(due_at - now), due_at < now


def _days(due_at: int, unit: str, days_left: int, now: int) -> tuple[str, bool]:
    if days_left == 0:
        return ("today", False) if due_at >= now else (_hours(due_at - now), True)
    word = "left" if days_left > 0 else "over"
    return f"{min(abs(days_left), 999)} {unit} {word}", days_left < 0


def _hours(seconds: int) -> str:
    word = "left" if seconds >= 0 else "over"
    minutes = abs(seconds) // 60
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min {word}"
    if hours < 3 and rest:
        return f"{hours}h{rest:02d} {word}"
    return f"{hours} h {word}" if hours < 100 else f"{min(hours // 24, 999)} d {word}"


def _again(word: str, due_at: int, now: int, zone: tzinfo) -> str:
    """When to ask a partner, or to try to reach the client, again."""
    at, today = _local(due_at, zone), _local(now, zone)
    days = (at.date() - today.date()).days
    if days <= 0:
        return f"{word} today" if due_at > now else f"{word} now"
    return f"{word} {DAYS[at.weekday()]}" if days < 7 else _date(at, today)


def moment(at: int, now: int, zone: tzinfo) -> str:
    """A time near `now` as people say it: "14:00" today, "Mon 09:00", "12 Dec", "Jan 2027"."""
    then, today = _local(at, zone), _local(now, zone)
    days = (then.date() - today.date()).days
    if days == 0:
        return f"{then:%H:%M}"
    if -7 < days < 7:
        return f"{DAYS[then.weekday()]} {then:%H:%M}"
    return _date(then, today)


def _date(at: datetime, today: datetime) -> str:
    if at.year != today.year and abs((at.date() - today.date()).days) > 180:
        return f"{MONTHS[at.month - 1]} {at.year}"
    return f"{at.day} {MONTHS[at.month - 1]}"


def _local(at: int, zone: tzinfo) -> datetime:
    """The time in the zone; a time outside the calendar becomes the nearest one in it."""
    return datetime.fromtimestamp(min(max(at, 0), 253_000_000_000), zone)
