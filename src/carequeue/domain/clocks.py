"""Clocks: the deadlines of one item, from its facts and the rules.

In:  an item, rules, the site's calendar.
Out: one `Clock` for each rule that applies, met ones included (*why here* lists them all).
Why without `now`: a clock is the same at every hour; only its state depends on an instant, so a
clock is computed when the item changes and ranked whenever time has moved it. A due time that is
reached is breached: "due 09:00" at 09:00 is over.
Not here: what may be a rule (`rules.py`), what a clock does to the order (`ranking.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.items import Priority, WorkItem
from carequeue.domain.rules import ClockClass, ClockRule, Length, LengthUnit

#: Outside these years an instant is a typo or a placeholder (9999-12-31), never a deadline.
USABLE_YEARS: Final = range(1900, 2200)
#: Events that meet a clock only if they came after its start; a reply counts whenever it came,
#: because the clocks of two servers differ.
_EVENTS: Final = frozenset({"served_at", "contacted_at", "attempted_at", "scheduled_at"})
_URGENT: Final = frozenset({Priority.URGENT, Priority.ASAP, Priority.STAT})
_ELAPSED: Final = {
    LengthUnit.MINUTE: timedelta(minutes=1),
    LengthUnit.HOUR: timedelta(hours=1),
    LengthUnit.OPEN_HOUR: timedelta(hours=1),
}


class ClockState(StrEnum):
    """The state of a clock at an instant."""

    RUNNING = "running"
    MET = "met"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline with its source. All instants are UTC.

    `unit` is the unit of the distance to `due`: `h`, `d` or `bd`. `works_by` is the last open
    moment at or before due. `nudge`: due is when to ask a partner again. `fallback`: stands in for
    a date that nobody gave. `approximate`: the start was not given, but taken from the next best
    element.
    """

    rule: str
    label: str
    start: datetime
    due: datetime
    cls: ClockClass
    unit: str
    warns_at: datetime
    works_by: datetime
    citation: str
    provenance: str
    met_at: datetime | None = None
    nudge: bool = False
    fallback: bool = False
    post_acute: bool = False
    approximate: bool = False
    year: int | None = None

    def state_at(self, now: datetime) -> ClockState:
        """The state: met whenever it was met, breached from the due time on."""
        if self.met_at is not None:
            return ClockState.MET
        return ClockState.BREACHED if self.due <= now else ClockState.RUNNING

    @property
    def open(self) -> bool:
        """True if it still runs, in time or late."""
        return self.met_at is None


def flags_of(item: WorkItem) -> frozenset[str]:
    """The flags of an item, with those that its other fields imply."""
    implied = {item.direction.value}
    if item.priority in _URGENT:
        implied.add("priority:urgent")
    elif item.priority is Priority.ROUTINE:
        implied.add("priority:routine")
    if not any(mark.startswith("triage:") for mark in item.flags):
        implied.add("triage:none")
    if item.client.deceased:
        implied.add("deceased")
    return item.flags | implied


def clocks_of(
    item: WorkItem, rules: Iterable[ClockRule], calendar: SiteCalendar
) -> tuple[Clock, ...]:
    """The clocks of an item in the order of the rules; a fallback only if no other one is open.

    Facts of an impossible year are ignored.
    """
    facts = {
        name: instant.astimezone(UTC)
        for name, instant in item.facts.items()
        if instant.year in USABLE_YEARS
    }
    flags = flags_of(item)
    clocks: list[Clock] = []
    fallbacks: list[Clock] = []
    for rule in rules:
        applies = item.kind in rule.kinds and rule.starts in facts
        if applies and rule.when <= flags and not rule.unless & flags:
            clock = _clock(rule, facts, flags, calendar)
            (fallbacks if rule.fallback else clocks).append(clock)
    if not any(clock.open for clock in clocks):
        clocks += fallbacks
    return tuple(clocks)


def class_of(clocks: Iterable[Clock]) -> ClockClass | None:
    """The most serious class among the open clocks; bulk acts and snooze ask for it first."""
    open_classes = {clock.cls for clock in clocks if clock.open}
    return next((cls for cls in ClockClass if cls in open_classes), None)


def _clock(
    rule: ClockRule, facts: Mapping[str, datetime], flags: frozenset[str], calendar: SiteCalendar
) -> Clock:
    start = facts[rule.starts]
    due = _due(start, rule, calendar)
    unit = "h" if rule.length.unit in _ELAPSED else rule.length.unit.value
    works_by = due if unit == "h" else calendar.work_by(due)
    # A clock that counts back from an end warns before the end, not before the due time.
    anchor = start if rule.length.count < 0 else works_by
    met = (
        facts[name]
        for name in rule.met_by
        if name in facts and (name not in _EVENTS or facts[name] >= start)
    )
    return Clock(
        rule=rule.id,
        label=rule.label,
        start=start,
        due=due,
        cls=rule.cls,
        unit=unit,
        warns_at=start if rule.warn is None else _warns_at(anchor, due, rule.warn, calendar),
        works_by=works_by,
        citation=rule.citation,
        provenance=rule.provenance.value,
        met_at=min(met, default=None),
        nudge=rule.nudge,
        fallback=rule.fallback,
        post_acute=rule.post_acute,
        approximate="approximate" in flags,
        year=rule.year,
    )


def _due(start: datetime, rule: ClockRule, calendar: SiteCalendar) -> datetime:
    """The end of a rule's length from a start; a negative length ends before it.

    A nudge keeps the hour: a partner who was asked at eleven is asked again at eleven.
    """
    length = rule.length
    count = length.count
    if count == 0:
        return start
    if length.unit is LengthUnit.OPEN_HOUR and count > 0:
        return calendar.add_open_time(start, timedelta(hours=count))
    if length.unit in _ELAPSED:
        return start + count * _ELAPSED[length.unit]
    if length.unit is LengthUnit.DAY:
        return calendar.end_of_day(calendar.local_date(start) + timedelta(days=count))
    if count > 0:
        same_time = True if rule.nudge else None
        return calendar.add_business_days(start, count, same_time=same_time)
    return calendar.business_days_before(start, -count)


def _warns_at(anchor: datetime, due: datetime, warn: Length, calendar: SiteCalendar) -> datetime:
    """The start of the warning: a number of hours before, or the start of a day before."""
    if warn.count == 0:
        return due
    if warn.unit in _ELAPSED:
        return min(anchor - warn.count * _ELAPSED[warn.unit], due)
    day = calendar.local_date(anchor)
    if warn.unit is LengthUnit.DAY:
        day -= timedelta(days=warn.count)
    else:
        day = calendar.open_date_after(day, -warn.count)
    return min(calendar.start_of_day(day), due)
