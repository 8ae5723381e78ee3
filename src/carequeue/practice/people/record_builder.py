"""The clinic's day book: collects resources, and counts days so that it looks alike on every day.

Times are business days (Monday to Friday, in the clinic's zone) or hours before now. Nothing is
written down as of a time after now; plans (due dates, visits) may lie ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from carequeue.practice.people.organizations import Tree
from carequeue.practice.server.fhir_dates import milliseconds

ZONE: Final = ZoneInfo("America/Chicago")


class RecordBuilder:
    """Collects (instant in ms, resource). `now` is an aware datetime; `mark` goes into new ids."""

    def __init__(self, now: datetime, mark: str = "") -> None:
        self._mark = mark
        self._numbers: dict[str, int] = {}
        self.turn_to(now)

    def turn_to(self, now: datetime) -> None:
        """A new page: another now, and nothing collected yet; ids go on counting."""
        self.now = now.astimezone(ZONE).replace(microsecond=0)
        self.made: list[tuple[int, Tree]] = []

    def ago(self, hours: float) -> datetime:
        """Elapsed hours before now."""
        return (self.now.astimezone(UTC) - timedelta(hours=hours)).astimezone(ZONE)

    def back(self, days: int, hour: int = 10) -> datetime:
        """An hour of the day that many business days back; never after now."""
        return min(self._at(self._business_day(-days), hour), self.ago(0.1))

    def ahead(self, days: int, hour: int = 17) -> datetime:
        """An hour of the day that many business days ahead (back where negative)."""
        return self._at(self._business_day(days), hour)

    def _business_day(self, days: int) -> datetime:
        if days == 0:
            return self.now
        step = timedelta(days=1 if days > 0 else -1)
        weeks, left = divmod(abs(days) - 1, 5)
        left, day = left + 1, self.now
        while left:
            day += step
            left -= day.weekday() < 5
        return day + weeks * 7 * step

    def _at(self, day: datetime, hour: int) -> datetime:
        return datetime.combine(day.date(), time(hour), tzinfo=ZONE)

    def add(self, at: datetime, tree: Mapping[str, Any]) -> None:
        """Write a resource down as it stood at an instant; empty elements are left out."""
        kept = {name: value for name, value in tree.items() if value not in (None, [], {}, "")}
        self.made.append((milliseconds(min(at, self.now)), kept))

    def new_id(self, prefix: str) -> str:
        """`ref-in-001`, `ref-in-002`, ..."""
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}-{self._mark}{self._numbers[prefix]:03d}"


def iso(when: datetime) -> str:
    """A FHIR dateTime with the clinic's own offset."""
    return when.astimezone(ZONE).isoformat(timespec="seconds")
