from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from carequeue.domain.spoken_dates import parse_past, parse_when, past_from, say_past, say_when
from tests.domain.builders import CLINIC, local, moments, wall

MONDAY = local("2026-11-23 10:15")  # the week of Thanksgiving, the 26th


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("30m", "2026-11-23 10:45"),
        ("30 min", "2026-11-23 10:45"),
        ("4h", "2026-11-23 14:15"),
        ("2d", "2026-11-25 08:00"),
        ("1w", "2026-11-30 08:00"),
        ("3bd", "2026-11-27 08:00"),  # Thursday is a holiday
        ("tomorrow", "2026-11-24 08:00"),
        ("tomorrow 9", "2026-11-24 09:00"),
        ("Tomorrow 2pm", "2026-11-24 14:00"),
        ("today 15", "2026-11-23 15:00"),
        ("14", "2026-11-23 14:00"),
        ("9", "2026-11-24 09:00"),
        ("9:30", "2026-11-24 09:30"),
        ("12 am", "2026-11-24 00:00"),
        ("mon", "2026-11-30 08:00"),
        ("fri 14:30", "2026-11-27 14:30"),
        ("friday", "2026-11-27 08:00"),
        ("thu", "2026-11-27 08:00"),  # goes on to the next open day
        ("thu 9", "2026-11-26 09:00"),  # with a time it is meant
        ("sat", "2026-11-30 08:00"),
        ("12-24", "2026-12-24 08:00"),
        ("12/24", "2026-12-24 08:00"),
        ("12/24/2027", "2027-12-24 08:00"),
        ("dec 24", "2026-12-24 08:00"),
        ("24 dec", "2026-12-24 08:00"),
        ("24 December 9:05", "2026-12-24 09:05"),
        ("dec 12", "2026-12-12 08:00"),  # an explicit date may be a closed day
        ("11-01", "2027-11-01 08:00"),
        ("feb 29", "2028-02-29 08:00"),
        ("2026-12-24", "2026-12-24 08:00"),
        ("2026-12-24 09:00", "2026-12-24 09:00"),
        ("2026-12-24T09:00", "2026-12-24 09:00"),
        ("2026-12-24T09:00:00-05:00", "2026-12-24 08:00"),
        ("Mon 1 Dec 2031 09:00", "2031-12-01 09:00"),
    ],
)
def test_what_a_person_means(typed: str, meant: str) -> None:
    assert wall(parse_when(typed, MONDAY, CLINIC)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "", "soon", "0h", "0d", "today", "today 9", "2026-11-22", "25", "9:75", "13pm", "feb 30",
        "31 feb 9", "0000-01-01", "9999-12-31", "9999bd", "２h", "mon tue", "dec", "1e9h", "-3d",
        "2026-11-24T09:00:00-99:00", "x" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_meant(typed: str) -> None:
    assert parse_when(typed, MONDAY, CLINIC) is None


def test_how_a_time_is_said() -> None:
    assert say_when(local("2026-12-01 09:00"), MONDAY, CLINIC) == "Tue 1 Dec 09:00"
    assert say_when(local("2027-01-04 14:30"), MONDAY, CLINIC) == "Mon 4 Jan 2027 14:30"


@given(st.integers(1, 5_000_000))
def test_what_is_said_can_be_typed(minutes: int) -> None:
    meant = MONDAY + timedelta(minutes=minutes)
    assume(meant.replace(fold=0).utcoffset() == meant.replace(fold=1).utcoffset())
    assert parse_when(say_when(meant, MONDAY, CLINIC), MONDAY, CLINIC) == meant


@given(st.text(max_size=40) | st.text("0123456789 :-/apmdhbwtonfri", max_size=14))
def test_nothing_that_is_typed_fails_or_lies_in_the_past(typed: str) -> None:
    found = parse_when(typed, MONDAY, CLINIC)
    assert found is None or found > MONDAY


@given(moments("2020-01-01 00:00", "2030-01-01 00:00"), st.integers(1, 30))
def test_a_count_of_business_days_opens_an_open_day(now: datetime, n: int) -> None:
    found = parse_when(f"{n}bd", now, CLINIC)
    assert found is not None
    assert CLINIC.business_days(CLINIC.local_date(now), CLINIC.local_date(found)) == n
    assert found == CLINIC.opening(CLINIC.local_date(found))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", "2026-11-23 10:15"),
        ("30m", "2026-11-23 09:45"),
        ("2h ago", "2026-11-23 08:15"),
        ("9", "2026-11-23 09:00"),
        ("20:00", "2026-11-22 20:00"),
        ("8pm", "2026-11-22 20:00"),
        ("today 9:30", "2026-11-23 09:30"),
        ("yesterday 20:00", "2026-11-22 20:00"),
        ("Yesterday, 8 pm", "2026-11-22 20:00"),
        ("fri 14", "2026-11-20 14:00"),
        ("mon 9", "2026-11-23 09:00"),
        ("mon 14", "2026-11-16 14:00"),  # this Monday at 14 is to come
        ("11-22 9", "2026-11-22 09:00"),
        ("dec 24 9", "2025-12-24 09:00"),
        ("2026-11-20T14:30", "2026-11-20 14:30"),
    ],
)
def test_what_a_person_means_of_the_past(typed: str, meant: str) -> None:
    assert parse_past(typed, MONDAY, CLINIC) == local(meant)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("today", date(2026, 11, 23)),
        ("yesterday", date(2026, 11, 22)),
        ("mon", date(2026, 11, 23)),
        ("sunday", date(2026, 11, 22)),
        ("tue", date(2026, 11, 17)),
        ("2d", date(2026, 11, 21)),
        ("1w ago", date(2026, 11, 16)),
        ("12-24", date(2025, 12, 24)),
        ("feb 29", date(2024, 2, 29)),
        ("2026-11-01", date(2026, 11, 1)),
    ],
)
def test_a_day_of_the_past_without_a_time_stays_a_day(typed: str, day: date) -> None:
    past = parse_past(typed, MONDAY, CLINIC)
    assert past == day
    assert not isinstance(past, datetime)


@pytest.mark.parametrize(
    "typed",
    ["", "soon", "tomorrow", "tomorrow 9", "today 15", "2027-01-01", "3bd", "31-31", "25:00",
     "2010-01-01", "x" * 80, "now now"],
)  # fmt: skip
def test_what_is_not_past(typed: str) -> None:
    assert parse_past(typed, MONDAY, CLINIC) is None


@given(st.text(max_size=40) | st.text("0123456789 :-/apmdhbwtonfriyes", max_size=14))
def test_nothing_that_is_typed_fails_or_is_to_come(typed: str) -> None:
    past = parse_past(typed, MONDAY, CLINIC)
    if isinstance(past, datetime):
        assert past <= MONDAY
    elif past is not None:
        assert past <= CLINIC.local_date(MONDAY)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("yesterday 20:00", "Sun 22 Nov 20:00"), ("yesterday", "Sun 22 Nov"),
     ("12-24", "Wed 24 Dec 2025")],
)  # fmt: skip
def test_how_a_past_time_is_said_and_stored(typed: str, said: str) -> None:
    past = parse_past(typed, MONDAY, CLINIC)
    assert past is not None
    assert say_past(past, MONDAY, CLINIC) == said
    assert past_from(past.isoformat()) == past
