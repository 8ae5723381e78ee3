"""The laws of the order, over items that start any of the rules, at any minute of three years."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from carequeue.domain.clocks import ClockState, clocks_of
from carequeue.domain.items import Direction, Kind, Move, Mover, Priority, WorkItem
from carequeue.domain.ranking import MOST_STEPS, Band, Rank, rank
from carequeue.domain.rules import ClockClass, ClockRule, site_rules
from tests.domain.builders import CLINIC, item, local, moments, place

RULES = site_rules({"access-triage": {"enabled": True}})
WAITS = (Mover.PARTNER, Mover.CLIENT)
PERSON = ("high-risk", "self-harm", "overdose", "no-contact", "deceased")
RISING = (Priority.ROUTINE, Priority.URGENT, Priority.ASAP, Priority.STAT)


def _direction(rule: ClockRule) -> Direction:
    named = {direction for direction in Direction if direction.value in rule.when}
    allowed = [direction for direction in Direction if direction.value not in rule.unless]
    return named.pop() if named else allowed[-1]


@st.composite
def items(draw: st.DrawFn) -> tuple[WorkItem, str]:
    """An item that starts one rule, often with a due date beside it; and its starting fact."""
    rule = draw(st.sampled_from(RULES))
    start = draw(moments("2025-11-01 00:00", "2026-12-31 00:00"))
    facts = {rule.starts: start}
    if draw(st.booleans()) and rule.starts != "due_at":
        facts["due_at"] = start + timedelta(minutes=draw(st.integers(-30_000, 30_000)))
    flags = {mark for mark in rule.when if mark.partition(":")[0] in ("triage", "severity")}
    flags |= rule.when & {"discharge"}
    flags |= draw(st.frozensets(st.sampled_from(PERSON), max_size=3))
    urgent = "priority:urgent" in rule.when
    wished = st.sampled_from(RISING[1:] if urgent else RISING)
    thing = item(
        draw(st.sampled_from(sorted(rule.kinds))),
        facts=facts,
        flags=flags,
        direction=_direction(rule),
        move=draw(st.sampled_from(list(Mover))),
        priority=Priority.ROUTINE if "priority:urgent" in rule.unless else draw(wished),
        attempts=draw(st.integers(0, 5)),
    )
    if draw(st.integers(0, 3)) == 0:
        until = start + timedelta(minutes=draw(st.integers(-2_000, 20_000)))
        thing = replace(thing, snoozed_until=until)
    return thing, rule.starts


@st.composite
def scenes(draw: st.DrawFn) -> tuple[WorkItem, str, datetime]:
    """An item, its starting fact, and a `now` that is seldom far from where something happens."""
    thing, starts = draw(items())
    clocks = clocks_of(thing, RULES, CLINIC)
    corners = [thing.facts[starts]]
    for clock in clocks:
        corners += [clock.due, clock.warns_at, clock.due - timedelta(hours=2)]
    near = timedelta(seconds=draw(st.sampled_from([0, -1, 1]) | st.integers(-900_000, 900_000)))
    return thing, starts, draw(st.sampled_from(corners)).astimezone(UTC) + near


def ranked(thing: WorkItem, now: datetime) -> Rank:
    return place(thing, now, CLINIC, RULES)


def moved(thing: WorkItem, who: Mover) -> WorkItem:
    return replace(thing, move=Move(who, "somebody"))


@given(scenes(), st.integers(1, 100_000))
def test_the_older_of_two_alike_never_ranks_lower(
    scene: tuple[WorkItem, str, datetime], minutes: int
) -> None:
    """No shipped rule is outside this law; `verify-coverage`, which would be, is not shipped."""
    thing, starts, now = scene
    longer = thing.facts[starts].astimezone(UTC) - timedelta(minutes=minutes)
    older = replace(thing, facts={**thing.facts, starts: longer})
    assert ranked(older, now).sort_key <= ranked(thing, now).sort_key


@given(scenes(), st.integers(1, 50_000))
def test_an_open_item_never_falls_in_its_band_or_to_a_lower_one_while_time_goes(
    scene: tuple[WorkItem, str, datetime], minutes: int
) -> None:
    thing, _, now = scene
    assume(thing.snoozed_until is None)
    before, after = ranked(thing, now), ranked(thing, now + timedelta(minutes=minutes))
    assert (after.band, -after.points) <= (before.band, -before.points)


@given(scenes())
def test_a_higher_priority_never_ranks_lower(scene: tuple[WorkItem, str, datetime]) -> None:
    thing, _, now = scene
    places = [ranked(replace(thing, priority=wish), now).sort_key for wish in RISING]
    assert places == sorted(places, reverse=True)


@given(scenes())
def test_waiting_ranks_below_ones_own_move_until_something_happens(
    scene: tuple[WorkItem, str, datetime],
) -> None:
    thing, _, now = scene
    assume(thing.snoozed_until is None)
    mine, theirs = ranked(moved(thing, Mover.ME), now), ranked(moved(thing, Mover.PARTNER), now)
    assert theirs.band >= mine.band
    if mine.band >= Band.ON_TRACK:
        assert (mine.band, theirs.band) == (Band.ON_TRACK, Band.WAITING)
    else:
        assert theirs.band == mine.band


@given(scenes())
def test_a_crisis_never_waits_and_never_sleeps(scene: tuple[WorkItem, str, datetime]) -> None:
    thing, _, now = scene
    clocks = clocks_of(thing, RULES, CLINIC)
    is_crisis = any(clock.open and clock.cls is ClockClass.CRISIS for clock in clocks)
    assert (ranked(thing, now).band is Band.NOW) == is_crisis


@given(scenes(), st.integers(1, 20_000))
def test_what_is_snoozed_is_out_unless_a_clock_runs_out_or_safety_warns(
    scene: tuple[WorkItem, str, datetime], minutes: int
) -> None:
    thing, _, now = scene
    asleep = replace(thing, snoozed_until=now + timedelta(minutes=minutes))
    real = [clock for clock in clocks_of(thing, RULES, CLINIC) if clock.open and not clock.fallback]
    wakes = any(
        clock.cls is ClockClass.CRISIS
        or clock.state_at(now) is ClockState.BREACHED
        or (clock.cls is ClockClass.SAFETY and clock.warns_at <= now)
        for clock in real
    )
    found = ranked(asleep, now)
    assert (found.band is Band.SNOOZED) == (not wakes)
    assert ranked(asleep, now + timedelta(minutes=minutes)).band is not Band.SNOOZED


@settings(max_examples=300)
@given(scenes(), st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_instant_at_which_it_may(
    scene: tuple[WorkItem, str, datetime], part: float
) -> None:
    thing, _, now = scene
    found = ranked(thing, now)
    start = now.astimezone(UTC)
    if found.next_change_at is None:
        assert ranked(thing, start + timedelta(days=4000 * part)) == found
        return
    assert found.next_change_at > now
    last = found.next_change_at - start - timedelta(microseconds=1)
    for later in (last * part, last):
        assert ranked(thing, start + later) == found


@given(scenes())
def test_the_reasons_sum_to_the_points(scene: tuple[WorkItem, str, datetime]) -> None:
    thing, _, now = scene
    found = ranked(thing, now)
    assert sum(reason.points for reason in found.reasons) == found.points
    assert all(reason.text for reason in found.reasons)
    assert found.clock is None or any(found.clock.label in reason.text for reason in found.reasons)


@given(scenes())
def test_the_unit_goes_with_what_it_counts(scene: tuple[WorkItem, str, datetime]) -> None:
    thing, _, now = scene
    found = ranked(thing, now)
    assert (found.days_left is not None) == (found.unit in ("d", "bd"))
    assert (found.due_at is None) == (found.unit == "")
    assert (found.unit == "sleep") == (found.band is Band.SNOOZED)
    assert not found.nudge or found.band is Band.WAITING


@pytest.fixture(params=["America/Denver", "Asia/Kolkata", "Pacific/Kiritimati"])
def laptop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """A laptop set to another zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield ZoneInfo(request.param)
    time.tzset()


def test_the_zone_of_the_laptop_moves_nothing(laptop: ZoneInfo) -> None:
    """Due by a local date: it is a Friday evening here, a Saturday there."""
    thing = item(
        Kind.REFERRAL,
        direction=Direction.INBOUND,
        flags=["triage:routine"],
        facts={"requested_at": local("2026-03-06 20:30").astimezone(laptop)},
    )
    here = place(thing, local("2026-03-20 16:00"), CLINIC, RULES)
    assert place(thing, local("2026-03-20 16:00").astimezone(laptop), CLINIC, RULES) == here
    assert (here.band, here.points) == (Band.DUE, 180)


# Edges that a table shows better than a law


@pytest.mark.parametrize(
    ("now", "unit", "days_left", "points"),
    [
        ("2026-03-05 09:00", "bd", 4, 0),
        ("2026-03-06 00:00", "bd", 3, 40),  # the warning begins with its day
        ("2026-03-07 12:00", "bd", 3, 40),  # a closed day takes none away
        ("2026-03-09 12:00", "bd", 2, 60),
        ("2026-03-10 23:59", "bd", 1, 80),
        ("2026-03-11 00:00", "bd", 0, 150),
        ("2026-03-11 15:00", "bd", 0, 180),
        ("2026-03-11 17:00", "h", None, 200),
        ("2026-03-12 00:00", "bd", -1, 220),
        ("2026-03-14 12:00", "bd", -2, 240),
        ("2026-06-01 12:00", "bd", -57, 400),  # never more
    ],
)
def test_how_a_routine_request_rises(
    now: str, unit: str, days_left: int | None, points: int
) -> None:
    asked = item(
        Kind.REFERRAL,
        direction=Direction.INBOUND,
        flags=["triage:routine"],
        facts={"requested_at": "2026-02-25 10:00"},
    )
    found = place(asked, now)
    assert (found.unit, found.days_left, found.points) == (unit, days_left, points)


def test_a_due_date_counts_calendar_days_and_an_hour_of_the_day_counts_hours() -> None:
    by_evening = item(facts={"due_at": "2026-03-11 23:59"})
    at_two = item(facts={"due_at": "2026-03-11 14:00"})
    assert (place(by_evening, "2026-03-08 10:00").days_left) == 3
    assert (place(by_evening, "2026-03-11 09:00").unit) == "d"
    assert (place(at_two, "2026-03-11 09:00").unit) == "h"


def test_lateness_of_a_safety_clock_steps_by_the_hour_and_then_rests() -> None:
    left = item(facts={"discharged_at": "2026-03-07 20:00"}, flags=["discharge"])
    early = place(left, "2026-03-08 21:30")
    assert early.points == 200 + 40
    assert early.next_change_at == local("2026-03-08 22:00").astimezone(UTC)
    rested = place(left, local("2026-03-08 21:00") + timedelta(hours=MOST_STEPS))
    assert (rested.points, rested.next_change_at) == (400 + 40, None)


def test_a_silent_partner_is_called_by_priority() -> None:
    """An urgent referral past its nudge comes back to Due, a routine one to Soon."""
    facts = {"sent_at": "2026-03-02 10:00"}
    out = Direction.OUTBOUND
    routine = item(Kind.REFERRAL, direction=out, facts=facts, move=Mover.PARTNER)
    urgent = replace(routine, priority=Priority.URGENT)
    assert place(routine, "2026-03-03 10:00").unit == "nudge"
    assert place(routine, "2026-03-04 10:00").band is Band.SOON
    assert place(urgent, "2026-03-03 10:00").band is Band.DUE


def test_what_waits_and_has_no_clock_stands_in_waiting() -> None:
    thing = item(move=Mover.CLIENT)
    found = rank(thing, (), CLINIC, local("2026-03-09 09:00"))
    assert (found.band, found.due_at, found.next_change_at) == (Band.WAITING, None, None)


def test_tries_count_ten_each_and_thirty_at_most() -> None:
    points = [place(item(attempts=tries), "2026-03-09 09:00").points for tries in range(6)]
    assert points == [0, 10, 20, 30, 30, 30]


def test_every_band_has_its_word_and_its_hint() -> None:
    titles = ["Now", "Safety", "Due", "Soon", "On track", "Waiting", "Snoozed"]
    assert [band.title for band in Band] == titles
    assert all(band.hint for band in Band)
