"""Ranking: where an item ranks, why, and when that next changes by itself.

In:  an item, its clocks, the site's calendar, `now`.
Out: a `Rank`: band, then points, then due time; ties are broken by the source's own id.
Why bands: a crisis is never outvoted by ten routine items. Why overdue and due today share one: an
item would fall at midnight otherwise, and an older one must never rank lower. For the same reason
nearness is scored in steps that rise over time (0…100 < 150 < 180 < 200…), never as a fraction of
the warning: a ten-day warning would beat a three-day one on their last day.
Laws, held by property tests: of two items alike in all else the older never ranks lower; a higher
priority never ranks lower; waiting on somebody ranks below one's own move until its nudge or its
warning, except in class C, which never waits; an attempt to reach the client rests a row until the
next try, inside its band where a person may be at risk, else among what waits; a snoozed item is
out until its time, unless a clock breaches or a class S clock warns.
Every point has a reason, and the reasons sum to the points.
Not here: how a clock is computed (`clocks.py`), how a distance is worded (`widgets/queue_line.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from carequeue.domain.calendar import DAY, SiteCalendar
from carequeue.domain.clocks import Clock, ClockState, class_of, flags_of
from carequeue.domain.contact_tries import next_try
from carequeue.domain.items import Kind, Mover, Priority, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.spoken_dates import say_when

HOUR: Final = timedelta(hours=1)
_CLOSE_BY: Final = 2 * HOUR


class Band(IntEnum):
    """The coarse order of the queue; a smaller one ranks higher."""

    NOW = 0
    SAFETY = 1
    DUE = 2
    SOON = 3
    ON_TRACK = 4
    WAITING = 5
    SNOOZED = 6

    @property
    def title(self) -> str:
        """The heading above the rows."""
        return _WORDS[self][0]

    @property
    def hint(self) -> str:
        """The meaning of the heading, in a clinician's words."""
        return _WORDS[self][1]


_WORDS: Final[Mapping[Band, tuple[str, str]]] = {
    Band.NOW: ("Now", "somebody has to act right away"),
    Band.SAFETY: ("Safety", "a person may be at risk"),
    Band.DUE: ("Due", "overdue, or due today"),
    Band.SOON: ("Soon", "a clock has begun to warn"),
    Band.ON_TRACK: ("On track", "your move, nothing is pressing"),
    Band.WAITING: ("Waiting", "somebody else’s move; comes back at its nudge"),
    Band.SNOOZED: ("Snoozed", "hidden until the time that was set"),
}

#: Points of a clock in its warning, by open days left; beyond the last step 0.
WARNING_STEPS: Final[tuple[tuple[int, int], ...]] = (
    (0, 100), (1, 80), (2, 60), (3, 40), (4, 30), (5, 20), (10, 10),
)  # fmt: skip
DUE_TODAY: Final = 150
DUE_IN_TWO_HOURS: Final = 180
BREACHED: Final = 200
LATE_STEP: Final = 20  # per open day (class T), per hour (C and S)
MOST_STEPS: Final = 10  # so a clock gives 400 points at most
POST_ACUTE: Final = 40
PAST_NUDGE: Final = 40
HIGH_RISK: Final = 120
NO_CONTACT: Final = 80
SELF_HARM: Final = 60
WATCHER: Final = 60
ASKED: Final[Mapping[Priority, int]] = {Priority.STAT: 60, Priority.ASAP: 40, Priority.URGENT: 30}
ATTEMPT: Final = 10
MOST_ATTEMPTS: Final = 3
#: As many as a clock gives at most: whom somebody tried stands behind whom nobody tried.
RESTS: Final = -400
_OTHERS: Final = (Mover.PARTNER, Mover.CLIENT)


@dataclass(frozen=True, slots=True)
class Reason:
    """Points, the reason for them, and its source. The text is not yet clean."""

    points: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Rank:
    """An item's rank at an instant.

    `due_at` with `unit` is the distance to show: to the due time of `clock` in `h`, `d` or `bd`
    (`days_left` of them, negative when over), to its nudge (`nudge`), to the end of a snooze
    (`sleep`), to the next try after an attempt (`try`); `""` if there is none. Nothing here changes
    by itself before `next_change_at`.
    """

    band: Band
    points: int
    clock: Clock | None
    due_at: datetime | None
    unit: str
    days_left: int | None
    reasons: tuple[Reason, ...]
    next_change_at: datetime | None
    nudge: bool

    @property
    def sort_key(self) -> tuple[int, int, datetime]:
        """The queue's sort key, before the tie of the source's own id."""
        return (self.band, -self.points, self.due_at or datetime.max.replace(tzinfo=UTC))


class _ClockAt(NamedTuple):
    """One open clock at an instant."""

    band: Band
    clock: Clock
    state: ClockState
    reasons: tuple[Reason, ...]

    @property
    def order(self) -> tuple[int, int, datetime, str]:
        points = sum(reason.points for reason in self.reasons)
        return (self.band, -points, self.clock.due, self.clock.rule)


class _Place(NamedTuple):
    """The band of an item, and the distance to show (`Rank`)."""

    band: Band
    due_at: datetime | None
    unit: str
    days_left: int | None


class _Instant(NamedTuple):
    """`now` in the two forms that ranking needs, and the calendar between them."""

    now: datetime
    today: date
    calendar: SiteCalendar


def rank(item: WorkItem, clocks: Iterable[Clock], calendar: SiteCalendar, now: datetime) -> Rank:
    """An item's rank at an instant. Its most urgent clock decides; *why here* lists the rest."""
    now = now.astimezone(UTC)
    at = _Instant(now, calendar.local_date(now), calendar)
    clocks_at = [_clock_at(item, clock, at) for clock in clocks if clock.open]
    best = min(clocks_at, key=lambda clock_at: clock_at.order, default=None)
    again = _next_try(item, clocks_at, at)
    place = _place(item, best, clocks_at, again, at)
    reasons = _weighed(item, (*(best.reasons if best else ()), *_common(item)))
    if again is not None:
        reasons = (*reasons, _rest(item, place.band, again, at))
    if "deceased" in flags_of(item):
        words = "recorded as deceased: close it with care, no outreach"
        reasons = (Reason(0, words, "the record"), *reasons)
    return Rank(
        band=place.band,
        points=sum(reason.points for reason in reasons),
        clock=best.clock if best else None,
        due_at=place.due_at,
        unit=place.unit,
        days_left=place.days_left,
        reasons=reasons,
        next_change_at=min([*_changes(item, clocks_at, at), *filter(None, [again])], default=None),
        nudge=place.unit == "nudge",
    )


def _place(
    item: WorkItem,
    best: _ClockAt | None,
    clocks_at: Sequence[_ClockAt],
    again: datetime | None,
    at: _Instant,
) -> _Place:
    """`again`: the next try to reach the client, None where it is time for it."""
    if _sleeps(item, clocks_at, at.now):
        return _Place(Band.SNOOZED, item.snoozed_until, "sleep", None)
    waits = item.move.who in _OTHERS
    band = best.band if best else (Band.WAITING if waits else Band.ON_TRACK)
    if again is not None and band > Band.SAFETY:
        return _Place(Band.WAITING, again, "try", None)
    return _Place(band, *(_distance(best, band, at) if best else (None, "", None)))


def _next_try(item: WorkItem, clocks_at: Sequence[_ClockAt], at: _Instant) -> datetime | None:
    """When to try again to reach the client, if that is ours and still to come."""
    tried = item.facts.get("tried_at")
    if tried is None or item.move.who in _OTHERS:
        return None
    clocks = [clock_at.clock for clock_at in clocks_at]
    again = next_try(tried, class_of(clocks), [clock.due for clock in clocks], at.calendar)
    return again if again > at.now else None


def _rest(item: WorkItem, band: Band, again: datetime, at: _Instant) -> Reason:
    tried = say_when(item.facts["tried_at"], at.now, at.calendar)
    words = f"tried {tried}; next try {say_when(again, at.now, at.calendar)}"
    return Reason(RESTS if band is Band.SAFETY else 0, words, "site practice")


def _sleeps(item: WorkItem, clocks_at: Iterable[_ClockAt], now: datetime) -> bool:
    """True if a snooze hides it: never from a crisis, a breach, or a warning of class S."""
    if item.snoozed_until is None or item.snoozed_until <= now:
        return False
    for clock_at in clocks_at:
        clock = clock_at.clock
        if clock.fallback:  # a snooze is the decision that this clock asks for
            continue
        if clock.cls is ClockClass.CRISIS or clock_at.state is ClockState.BREACHED:
            return False
        if clock.cls is ClockClass.SAFETY and clock.warns_at <= now:
            return False
    return True


def _clock_at(item: WorkItem, clock: Clock, at: _Instant) -> _ClockAt:
    state = clock.state_at(at.now)
    reasons = _weighed(item, _clock_reasons(clock, at))
    return _ClockAt(_band(item, clock, state, at), clock, state, reasons)


def _weighed(item: WorkItem, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Reasons without points if the client has died, because nobody can be helped."""
    if "deceased" in flags_of(item):
        return tuple(replace(reason, points=0) for reason in reasons)
    return tuple(reasons)


def _band(item: WorkItem, clock: Clock, state: ClockState, at: _Instant) -> Band:
    """The band that one clock puts the item in."""
    quiet = Band.WAITING if item.move.who in _OTHERS else Band.ON_TRACK
    late = state is ClockState.BREACHED
    if clock.cls is ClockClass.CRISIS:
        return Band.NOW
    if clock.cls is ClockClass.SAFETY:
        return Band.SAFETY if late or clock.warns_at <= at.now else quiet
    if clock.fallback:  # an unknown never outranks a known breach
        return Band.SOON if late else quiet
    if clock.nudge:
        urgent = item.priority in ASKED
        return (Band.DUE if urgent else Band.SOON) if late else quiet
    if late or at.calendar.local_date(clock.due) == at.today:
        return Band.DUE
    return Band.SOON if clock.warns_at <= at.now else quiet


def _clock_reasons(clock: Clock, at: _Instant) -> Iterator[Reason]:
    """The points of a clock, in steps that only rise over time."""
    if clock.fallback:
        yield Reason(0, clock.label, clock.citation)
        return
    yield _nearness(clock, at)
    if clock.nudge and clock.due <= at.now:
        yield Reason(PAST_NUDGE, "time to ask again", "site practice")
    if clock.post_acute:
        yield Reason(POST_ACUTE, "after an emergency, inpatient or crisis stay", "site practice")


def _nearness(clock: Clock, at: _Instant) -> Reason:
    left = at.calendar.business_days(at.today, at.calendar.local_date(clock.due))
    if clock.due <= at.now:
        by_hour = clock.cls is not ClockClass.STANDARD
        late = int((at.now - clock.due) / HOUR) if by_hour else -left
        steps = min(late, MOST_STEPS)
        more = " or more" if late >= MOST_STEPS else ""
        over = f"{steps} {'h' if by_hour else 'bd'} over{more}" if steps else "over"
        return Reason(BREACHED + LATE_STEP * steps, f"{clock.label}: {over}", clock.citation)
    if clock.due - at.now <= _CLOSE_BY:
        return Reason(DUE_IN_TWO_HOURS, f"{clock.label}: within 2 h", clock.citation)
    if at.calendar.local_date(clock.due) == at.today:
        return Reason(DUE_TODAY, f"{clock.label}: due today", clock.citation)
    if clock.warns_at > at.now:
        return Reason(0, f"{clock.label}: not yet near", clock.citation)
    points = next((points for most, points in WARNING_STEPS if left <= most), 0)
    words = f"{left} bd left" if left else "no open day left before it is due"
    return Reason(points, f"{clock.label}: {words}", clock.citation)


def _common(item: WorkItem) -> Iterator[Reason]:
    """The points for the person, the sender and the attempts, whatever the clock."""
    flags = item.flags
    if "high-risk" in flags:
        yield Reason(HIGH_RISK, "flagged as high risk", "flag")
    elif "severity:unstable" in flags:
        yield Reason(HIGH_RISK, "handed off as unstable", "handoff")
    if {"no-contact", "discharge"} <= flags:
        yield Reason(NO_CONTACT, "nobody has reached the client since discharge", "record")
    if "self-harm" in flags:
        yield Reason(SELF_HARM, "self-harm", "flag")
    elif "overdose" in flags:
        yield Reason(SELF_HARM, "overdose", "flag")
    if item.priority in ASKED:
        yield Reason(ASKED[item.priority], f"asked for as {item.priority}", "sender")
    if item.kind is Kind.HANDOFF and "severity:watcher" in flags:
        yield Reason(WATCHER, "handed off as one to watch", "handoff")
    tries = min(item.attempts, MOST_ATTEMPTS)
    if tries > 0:
        times = ("once", "twice", "3 times or more")[tries - 1]
        unnamed = "; a record does not say who took part" if item.attempts_unnamed else ""
        yield Reason(ATTEMPT * tries, f"attempted {times}, not reached{unnamed}", "record")


def _distance(clock_at: _ClockAt, band: Band, at: _Instant) -> tuple[datetime, str, int | None]:
    """The distance to due: in hours on the day itself, unless the whole day counts."""
    clock = clock_at.clock
    if clock.nudge and band is Band.WAITING:
        return clock.due, "nudge", None
    if clock.unit == "h":
        return clock.due, "h", None
    due_date = at.calendar.local_date(clock.due)
    days = (
        at.calendar.business_days(at.today, due_date)
        if clock.unit == "bd"
        else (due_date - at.today).days
    )
    whole_day = clock.cls is ClockClass.STANDARD and clock.due >= at.calendar.closing(due_date)
    if days == 0 and (clock_at.state is ClockState.BREACHED or not whole_day):
        return clock.due, "h", None
    return clock.due, clock.unit, days


def _changes(item: WorkItem, clocks_at: Iterable[_ClockAt], at: _Instant) -> Iterator[datetime]:
    """Instants after now at which the rank can change by itself."""
    if item.snoozed_until is not None and item.snoozed_until > at.now:
        yield item.snoozed_until.astimezone(UTC)
    by_day = False
    for clock_at in clocks_at:
        clock = clock_at.clock
        for instant in (clock.warns_at, clock.due - _CLOSE_BY, clock.due):
            if instant > at.now:
                yield instant
        hours_late = int((at.now - clock.due) / HOUR) + 1
        if clock_at.state is ClockState.BREACHED and hours_late <= MOST_STEPS:
            yield clock.due + hours_late * HOUR
        by_day = by_day or clock.unit != "h" or clock_at.state is not ClockState.BREACHED
    if by_day:
        yield at.calendar.start_of_day(at.today + DAY)
