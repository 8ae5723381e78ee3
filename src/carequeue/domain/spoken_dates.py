"""The small grammar of "until?" and "due?": a few keys to a time, and a time in a few words.

In:  what a person typed, `now`, the site's calendar.
Out: an instant in UTC, or None for what cannot be read, is over, or is more than ten years off.
Why our own: the general parsers lose the 9 of "tomorrow 9" and do not know "3bd".
The grammar (a time is `9`, `9:30`, `14`, `2pm`; a day alone means its opening time):

    30m  4h             from now             2d  1w  3bd       a day; bd counts open days
    9  9:30  14         the next such hour   today 15  tomorrow  tomorrow 9
    mon  fri 14:30      after today          12-24  12/24  dec 24  24 dec 9  2026-12-24 09:00

`parse_past` reads what is over, in the same words: `now`, `20:00` (the last such hour), `2h` and
`30m` ago, `yesterday 20:00`, `mon 14` (the last Monday), `12-24 9` (the last such date). A day
without a time stays a day: nobody knows the hour.

A weekday alone moves to the next open day (a Monday holiday means Tuesday); with a time, and in all
other forms, the day is used as typed. A date without a year is the next such date.
Not here: when the person is asked (`verbs/`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from carequeue.domain.calendar import DAY, SiteCalendar

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_FARTHEST: Final = timedelta(days=3653)
_LONGEST: Final = 64  # nothing longer is a time; keeps the patterns from long hostile input

_SPAN: Final = re.compile(r"(\d{1,4}) ?(m|min|h|d|w|bd)", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2})(?::(\d{2}))?(am|pm)?", re.ASCII)
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_MONTH_DAY: Final = re.compile(r"(\d{1,2})[-/](\d{1,2})(?:/(\d{4}))?", re.ASCII)
_DAY_NAME: Final = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]* )?(\d{1,2}) ([a-z]{3,9})(?: (\d{4}))?", re.ASCII
)
_NAME_DAY: Final = re.compile(r"([a-z]{3,9}) (\d{1,2})(?: (\d{4}))?", re.ASCII)
_HALF: Final = re.compile(r"(?<=\d) (?=[ap]m\b)", re.ASCII)


def parse_when(text: str, now: datetime, calendar: SiteCalendar) -> datetime | None:
    """The instant that a person means, later than `now`; None if there is none."""
    words = _words(text)
    if words is None:
        return None
    now = now.astimezone(UTC)
    try:
        instant = (
            _span(words, now, calendar) or _instant(words) or _day_and_time(words, now, calendar)
        )
    except (ValueError, OverflowError):
        return None  # 31 February, 25:00, the year 0
    return instant if instant is not None and now < instant <= now + _FARTHEST else None


def parse_past(text: str, now: datetime, calendar: SiteCalendar) -> datetime | date | None:
    """The instant that a person means, not later than `now`, in UTC; a date (not a datetime) for a
    day without a time; None for what cannot be read, is to come, or is more than ten years past.
    """
    words = _words(text)
    if words is None:
        return None
    now = now.astimezone(UTC)
    try:
        past = _past(words.removesuffix(" ago"), now, calendar)
    except (ValueError, OverflowError):
        return None
    if isinstance(past, datetime):
        return past if now - _FARTHEST <= past <= now else None
    today = calendar.local_date(now)
    return past if past is not None and today - _FARTHEST <= past <= today else None


def past_from(text: str) -> datetime | date:
    """A past time as it is stored: an ISO instant, or an ISO date for a day without a time."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def say_past(past: datetime | date, now: datetime, calendar: SiteCalendar) -> str:
    """`Mon 1 Dec 09:00`, or `Mon 1 Dec` for a day without a time; with the year if it differs."""
    if isinstance(past, datetime):
        return say_when(past, now, calendar)
    year = "" if past.year == calendar.local_date(now).year else f" {past.year:04}"
    return f"{say_day(past)}{year}"


def say_when(instant: datetime, now: datetime, calendar: SiteCalendar) -> str:
    """`Mon 1 Dec 09:00` at the site; with the year if it differs; `parse_when` reads it."""
    local = instant.astimezone(calendar.zone)
    year = "" if local.year == calendar.local_date(now).year else f" {local.year:04}"
    return f"{say_day(local)}{year} {local:%H:%M}"


def say_day(day: date) -> str:
    """`Mon 1 Dec`."""
    weekday, month = WEEKDAYS[day.weekday()][:3].title(), MONTHS[day.month - 1][:3].title()
    return f"{weekday} {day.day} {month}"


def _words(text: str) -> str | None:
    """The typed text as the grammar reads it; None for nothing, or for more than a time can be."""
    words = _HALF.sub("", " ".join(text[: _LONGEST + 1].casefold().replace(",", " ").split()))
    return words if 0 < len(words) <= _LONGEST else None


def _past(words: str, now: datetime, calendar: SiteCalendar) -> datetime | date | None:
    if words == "now":
        return now
    if match := _SPAN.fullmatch(words):
        count, unit = int(match[1]), match[2]
        if unit in ("m", "min", "h"):
            return now - (timedelta(hours=count) if unit == "h" else timedelta(minutes=count))
        days = count * (7 if unit == "w" else 1)
        return None if unit == "bd" else calendar.local_date(now) - timedelta(days=days)
    if (instant := _instant(words)) is not None:
        return instant
    wall = _time(words)
    if wall is not None:
        today = calendar.local_date(now)
        soon = calendar.at(today, wall)
        return soon if soon <= now else calendar.at(today - DAY, wall)
    day = _past_day(words, now, calendar)
    if day is not None:
        return day
    head, _, tail = re.sub(r"(?<=\d)t(?=\d)", " ", words).rpartition(" ")
    wall, day = _time(tail), _past_day(head, now, calendar)
    if wall is None or day is None:
        return None
    instant = calendar.at(day, wall)
    named = _index(head, WEEKDAYS) is not None  # "tue 14" on a Tuesday morning: a week ago
    return calendar.at(day - 7 * DAY, wall) if named and instant > now else instant


def _past_day(words: str, now: datetime, calendar: SiteCalendar) -> date | None:
    """The last day of this name, today among them."""
    today = calendar.local_date(now)
    near = {"today": today, "tod": today, "yesterday": today - DAY, "yes": today - DAY}
    if words in near:
        return near[words]
    weekday = _index(words, WEEKDAYS)
    if weekday is not None:
        return today - timedelta(days=(today.weekday() - weekday) % 7)
    parts = _date_parts(words)
    if parts is None:
        return None
    year, month, number = parts
    if year is not None:
        return date(year, month, number)
    return _last_such(today, month, number)


def _last_such(today: date, month: int, number: int) -> date | None:
    """The last date of this month and day; 29 February may be some years back."""
    for year in range(today.year, today.year - 9, -1):
        try:
            day = date(year, month, number)
        except ValueError:
            continue
        if day <= today:
            return day
    return None


def _span(words: str, now: datetime, calendar: SiteCalendar) -> datetime | None:
    """`30m`, `4h`: from now. `2d`, `1w`, `3bd`: the opening of a day."""
    match = _SPAN.fullmatch(words)
    if not match:
        return None
    count, unit = int(match[1]), match[2]
    if unit in ("m", "min", "h"):
        return now + (timedelta(hours=count) if unit == "h" else timedelta(minutes=count))
    today = calendar.local_date(now)
    if unit == "bd":
        return calendar.opening(calendar.open_date_after(today, count))
    return calendar.opening(today + timedelta(days=count * (7 if unit == "w" else 1)))


def _instant(words: str) -> datetime | None:
    """A full ISO instant with its offset, as scripts write it."""
    try:
        instant = datetime.fromisoformat(words.upper())
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else None


def _day_and_time(words: str, now: datetime, calendar: SiteCalendar) -> datetime | None:
    """A day, a time, or both: the whole is tried as a day first, for the 24 of "dec 24"."""
    wall = _time(words)
    if wall is not None:
        today = calendar.local_date(now)
        soon = calendar.at(today, wall)
        return soon if soon > now else calendar.at(today + DAY, wall)
    instant = _at(words, None, now, calendar)
    if instant is not None:
        return instant
    # The T of "2026-12-24T09:00" parts a day and a time as well as a space does.
    head, _, tail = re.sub(r"(?<=\d)t(?=\d)", " ", words).rpartition(" ")
    wall = _time(tail)
    return _at(head, wall, now, calendar) if wall is not None else None


def _time(words: str) -> time | None:
    """A time of day; raises ValueError for one that looks like it and is impossible."""
    match = _TIME.fullmatch(words)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            raise ValueError(words)
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return time(hour, minute)


def _at(words: str, wall: time | None, now: datetime, calendar: SiteCalendar) -> datetime | None:
    """An instant on a named day, at its opening if no time was given."""

    def on(day: date) -> datetime:
        return calendar.opening(day) if wall is None else calendar.at(day, wall)

    today = calendar.local_date(now)
    near = {"today": today, "tod": today, "tomorrow": today + DAY, "tom": today + DAY}
    if words in near:
        return on(near[words])
    weekday = _index(words, WEEKDAYS)
    if weekday is not None:
        day = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
        return on(
            day if wall is not None or calendar.is_open(day) else calendar.open_date_after(day, 1)
        )
    parts = _date_parts(words)
    if parts is None:
        return None
    year, month, number = parts
    if year is not None:
        return on(date(year, month, number))
    return _next_such(today.year, month, number, now, on)


def _next_such(
    year: int, month: int, number: int, now: datetime, on: Callable[[date], datetime]
) -> datetime | None:
    """The next date of this month and day; 29 February may be some years off."""
    for candidate in range(year, year + 9):
        try:
            instant = on(date(candidate, month, number))
        except ValueError:
            continue
        if instant > now:
            return instant
    return None


def _date_parts(words: str) -> tuple[int | None, int, int] | None:
    """Year if it was given, month, day of the month."""
    if match := _ISO.fullmatch(words):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _MONTH_DAY.fullmatch(words):
        return _year(match[3]), int(match[1]), int(match[2])
    if match := _DAY_NAME.fullmatch(words):
        day, name, year = match[1], match[2], match[3]
    elif match := _NAME_DAY.fullmatch(words):
        name, day, year = match[1], match[2], match[3]
    else:
        return None
    month = _index(name, MONTHS)
    return None if month is None else (_year(year), month + 1, int(day))


def _year(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _index(word: str, names: tuple[str, ...]) -> int | None:
    """The name that a word of three letters or more begins."""
    if len(word) < 3:
        return None
    return next((n for n, name in enumerate(names) if name.startswith(word)), None)
