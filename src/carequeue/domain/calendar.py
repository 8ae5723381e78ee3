"""The site's calendar: which days and hours count, and in which zone.

In:  aware datetimes of any zone, local dates.
Out: aware datetimes in UTC, local dates, counts of open days.
Why UTC out: two datetimes of one zone subtract as wall clocks, an hour wrong across a DST change;
elapsed hours must add in UTC. Why the site's zone: a laptop that travels must not move a deadline.
How a business day is counted: "within one business day of the time the request is made" (24 Miss.
Admin. Code Pt. 2 R. 54.7, the state text of CCBHC criterion 2.b).
Not here: what is counted (`rules.py`, `clocks.py`), how a date is typed (`spoken_dates.py`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from carequeue.domain.errors import ProfileError

DAY: Final = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6

#: Weekday (Monday is 0) -> opening and closing, unless the site sets its own.
DEFAULT_HOURS: Final[Mapping[int, tuple[time, time]]] = {
    day: (time(8), time(17)) for day in range(MONDAY, SATURDAY)
}
#: The years whose federal holidays a calendar knows by default.
DEFAULT_YEARS: Final = range(1990, 2061)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The nth such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    """Saturday is observed on Friday, Sunday on Monday."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


def federal_holidays(years: Iterable[int]) -> frozenset[date]:
    """Observed days of the US federal holidays in these years (New Year may fall on 31 December).

    Source: 5 U.S.C. 6103; observed days: Executive Order 11582. Martin Luther King's birthday
    counts from 1986, Juneteenth from 2021.
    """
    days: set[date] = set()
    for year in years:
        fixed = [(1, 1), (7, 4), (11, 11), (12, 25)] + ([(6, 19)] if year >= 2021 else [])
        days.update(_observed(date(year, month, day)) for month, day in fixed)
        days.add(_nth(year, 2, MONDAY, 3))
        days.add(_nth(year, 6, MONDAY, 1) - timedelta(days=7))  # the last Monday of May
        days.add(_nth(year, 9, MONDAY, 1))
        days.add(_nth(year, 10, MONDAY, 2))
        days.add(_nth(year, 11, THURSDAY, 4))
        if year >= 1986:
            days.add(_nth(year, 1, MONDAY, 3))
    return frozenset(days)


@lru_cache(maxsize=1)
def _default_closed() -> frozenset[date]:
    return federal_holidays(DEFAULT_YEARS)


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """Zone, opening hours by weekday (Monday is 0) and closed dates of one site.

    Raises ProfileError for a site that never opens, or closes before it opens.
    """

    zone: ZoneInfo
    hours: Mapping[int, tuple[time, time]] = field(default_factory=lambda: DEFAULT_HOURS)
    closed: frozenset[date] = field(default_factory=_default_closed)
    _closed_weekdays: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.hours:
            raise ProfileError("The site has no opening hours; name at least one open weekday.")
        for weekday, (opens, closes) in self.hours.items():
            if weekday not in range(7) or opens >= closes:
                raise ProfileError(
                    f"Opening hours of weekday {weekday} are {opens:%H:%M} to {closes:%H:%M}; "
                    "weekdays are 0 (Monday) to 6, and closing comes after opening."
                )
        days = tuple(sorted(day for day in self.closed if day.weekday() in self.hours))
        object.__setattr__(self, "_closed_weekdays", days)

    # Dates

    def local_date(self, instant: datetime) -> date:
        """The date at the site at an instant."""
        return instant.astimezone(self.zone).date()

    def is_open(self, day: date) -> bool:
        """True if a date is a business day."""
        return day.weekday() in self.hours and day not in self.closed

    def business_days(self, first: date, last: date) -> int:
        """Open dates after `first`, up to and including `last`; negative if `last` is earlier."""
        if last < first:
            return -self.business_days(last, first)
        weeks, rest = divmod((last - first).days, 7)
        count = weeks * len(self.hours)
        count += sum((first.weekday() + step) % 7 in self.hours for step in range(1, rest + 1))
        days = self._closed_weekdays
        return count - (bisect_right(days, last) - bisect_right(days, first))

    def open_date_after(self, day: date, n: int) -> date:
        """The nth open date after a date (before it if `n` is negative); the date itself if 0."""
        step = DAY if n >= 0 else -DAY
        left = abs(n)
        while left:
            day += step
            left -= self.is_open(day)
        return day

    # Instants

    def at(self, day: date, wall: time) -> datetime:
        """An instant by date and wall time at the site; UTC.

        A time that a DST change skips becomes the first one after the gap; one that occurs twice is
        the earlier: so a later wall time is never an earlier instant.
        """
        local = datetime.combine(day, wall.replace(fold=0))
        instant = local.replace(tzinfo=self.zone).astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None, fold=0) == local:
            return instant
        local = local.replace(second=0, microsecond=0)
        while True:
            local += timedelta(minutes=1)
            instant = local.replace(tzinfo=self.zone).astimezone(UTC)
            if instant.astimezone(self.zone).replace(tzinfo=None, fold=0) == local:
                return instant

    def start_of_day(self, day: date) -> datetime:
        """00:00 at the site."""
        return self.at(day, time(0))

    def end_of_day(self, day: date) -> datetime:
        """23:59:59 at the site, when a clock of calendar days ends."""
        return self.at(day, time(23, 59, 59))

    def opening(self, day: date) -> datetime:
        """The opening of a date; on a day without hours, the earliest opening of the week."""
        hours = self.hours.get(day.weekday())
        return self.at(day, hours[0] if hours else min(opens for opens, _ in self.hours.values()))

    def closing(self, day: date) -> datetime:
        """The closing of a date; on a day without hours, the latest closing of the week."""
        hours = self.hours.get(day.weekday())
        return self.at(day, hours[1] if hours else max(closes for _, closes in self.hours.values()))

    def add_business_days(
        self, start: datetime, n: int, *, same_time: bool | None = None
    ) -> datetime:
        """The end of `n` business days from a start.

        Day 0 is the local date of the start, whatever the hour. One day ends at the same wall time
        of day 1, within its opening hours; more days end at the closing of day n; `same_time`
        overrides this. A start on a closed day always has until closing: with the wall time of a
        Saturday morning it would be due before what came on Friday afternoon.
        """
        local = start.astimezone(self.zone)
        day = self.open_date_after(local.date(), n)
        closing = self.closing(day)
        keeps_time = n <= 1 if same_time is None else same_time
        if not keeps_time or not self.is_open(local.date()):
            return closing
        return min(max(self.at(day, local.time()), self.opening(day)), closing)

    def business_days_before(self, end: datetime, n: int) -> datetime:
        """The closing of the nth open date before the local date of an end."""
        return self.closing(self.open_date_after(self.local_date(end), -n))

    def add_open_time(self, start: datetime, length: timedelta) -> datetime:
        """The end of a length of opening hours from a start."""
        start = start.astimezone(UTC)
        day = self.local_date(start)
        left = length
        while True:
            if self.is_open(day):
                begin, end = max(start, self.opening(day)), self.closing(day)
                if begin + left <= end:
                    return begin + left
                left -= max(end - begin, timedelta(0))
            day += DAY

    def work_by(self, due: datetime) -> datetime:
        """The last open moment at or before a due time: Friday's, for a Sunday."""
        due = due.astimezone(UTC)
        day = self.local_date(due)
        if self.is_open(day) and due >= self.opening(day):
            return min(due, self.closing(day))
        return self.closing(self.open_date_after(day, -1))
