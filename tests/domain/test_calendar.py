from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.calendar import SiteCalendar, federal_holidays
from carequeue.domain.errors import ProfileError
from tests.domain.builders import CHICAGO, CLINIC, closed_too, local, moments, utc, wall

days = st.dates(date(2024, 1, 1), date(2029, 12, 31))
instants = moments("2024-01-01 00:00", "2029-12-31 00:00")


@pytest.mark.parametrize(
    ("start", "n", "due", "because"),
    [
        ("2026-03-06 16:30", 1, "2026-03-09 16:30", "Friday afternoon: the same time on Monday"),
        ("2026-03-06 19:40", 1, "2026-03-09 17:00", "after closing: not later than closing"),
        ("2026-03-06 00:00", 1, "2026-03-09 08:00", "a date only: not earlier than opening"),
        ("2026-03-07 10:00", 1, "2026-03-09 17:00", "a closed day: until day 1 closes"),
        ("2026-02-13 10:00", 1, "2026-02-17 10:00", "Presidents' Day is no business day"),
        ("2026-02-20 11:00", 10, "2026-03-06 17:00", "ten days end at closing"),
        ("2026-02-13 09:00", 10, "2026-03-02 17:00", "ten days over Presidents' Day"),
    ],
)
def test_when_business_days_are_over(start: str, n: int, due: str, because: str) -> None:
    assert wall(CLINIC.add_business_days(local(start), n)) == due, because


def test_a_state_day_moves_a_business_day_clock() -> None:
    """Illinois keeps Casimir Pulaski's day, Minnesota does not."""
    illinois = closed_too(date(2026, 3, 2))
    assert wall(illinois.add_business_days(local("2026-02-20 11:00"), 10)) == "2026-03-09 17:00"


def test_elapsed_hours_add_across_the_change_of_the_clocks() -> None:
    left = local("2026-03-07 20:00").astimezone(UTC)
    assert wall(left + timedelta(hours=24)) == "2026-03-08 21:00"


def test_open_time_counts_opening_hours_only() -> None:
    due = CLINIC.add_open_time(local("2026-03-06 16:50"), timedelta(hours=4))
    assert wall(due) == "2026-03-09 11:50"


def test_what_starts_after_closing_runs_from_the_next_opening() -> None:
    due = CLINIC.add_open_time(local("2026-03-06 18:00"), timedelta(minutes=30))
    assert wall(due) == "2026-03-09 08:30"


@pytest.mark.parametrize(
    ("due", "by"),
    [
        ("2026-03-15 23:59", "2026-03-13 17:00"),
        ("2026-03-09 23:59", "2026-03-09 17:00"),
        ("2026-03-09 11:00", "2026-03-09 11:00"),
        ("2026-03-09 06:00", "2026-03-06 17:00"),
    ],
)
def test_work_by_is_the_last_open_moment(due: str, by: str) -> None:
    assert wall(CLINIC.work_by(local(due))) == by


def test_days_before_an_end_are_open_days() -> None:
    assert wall(CLINIC.business_days_before(local("2026-03-10 23:59"), 2)) == "2026-03-06 17:00"


def test_a_time_that_the_change_leaves_out_is_the_first_after_it() -> None:
    night = SiteCalendar(CHICAGO, {day: (time(0), time(23, 59)) for day in range(7)})
    assert wall(night.at(date(2026, 3, 8), time(2, 30))) == "2026-03-08 03:00"


def test_the_local_date_is_the_sites_and_not_the_laptops() -> None:
    assert CLINIC.local_date(utc("2026-03-07 02:30")) == date(2026, 3, 6)
    kolkata = local("2026-03-07 08:00", ZoneInfo("Asia/Kolkata"))
    assert CLINIC.local_date(kolkata) == date(2026, 3, 6)


def test_federal_holidays_are_kept_on_their_observed_days() -> None:
    """As the Office of Personnel Management lists them for 2021, 2022 and 2026."""
    listed = {
        2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
        2022: "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
        2021: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    }
    known = federal_holidays(range(2020, 2028))
    for year, text in listed.items():
        expected = [date.fromisoformat(f"{year}-{day}") for day in text.split()]
        assert sorted(day for day in known if day.year == year) == expected


@given(days, days)
def test_counting_open_days_is_counting_them_one_by_one(first: date, last: date) -> None:
    low, high = min(first, last), max(first, last)
    span = (low + timedelta(days=n) for n in range(1, (high - low).days + 1))
    count = sum(CLINIC.is_open(day) for day in span)
    assert CLINIC.business_days(first, last) == (count if first <= last else -count)


@given(instants, instants, st.integers(1, 10))
def test_what_starts_earlier_is_never_due_later(one: datetime, other: datetime, n: int) -> None:
    first, second = sorted((one, other), key=lambda at: at.astimezone(UTC))
    assert CLINIC.add_business_days(first, n) <= CLINIC.add_business_days(second, n)


@given(instants, st.integers(1, 10))
def test_a_business_day_ends_on_an_open_day_within_hours(start: datetime, n: int) -> None:
    due = CLINIC.add_business_days(start, n)
    day = CLINIC.local_date(due)
    assert CLINIC.is_open(day)
    assert CLINIC.opening(day) <= due <= CLINIC.closing(day)
    assert CLINIC.business_days(CLINIC.local_date(start), day) == n


@pytest.mark.parametrize("hours", [{}, {0: (time(17), time(8))}, {7: (time(8), time(17))}])
def test_a_site_that_never_opens_is_refused(hours: dict[int, tuple[time, time]]) -> None:
    with pytest.raises(ProfileError):
        SiteCalendar(CHICAGO, hours)
