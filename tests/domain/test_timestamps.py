"""Timestamps as text: which is older, which is recent, and which is no instant at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from carequeue.domain.timestamps import CLOCK_ERROR, http_date, instant, is_older, is_younger

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("text", ["", "soon", "2026-03-02", "2026-03-02T12:00:00", "12345678901"])
def test_a_text_without_a_date_or_a_time_zone_is_no_instant(text: str) -> None:
    assert instant(text) is None
    assert not is_older(text, NOW.isoformat())
    assert not is_older(NOW.isoformat(), text)


def test_the_earlier_of_two_instants_is_older_whatever_their_time_zones() -> None:
    assert is_older("2026-03-02T12:00:00+01:00", "2026-03-02T12:00:00Z")
    assert not is_older("2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z")


def test_an_instant_far_in_the_future_makes_nothing_older() -> None:
    at = NOW.isoformat()
    assert is_older(at, (NOW + CLOCK_ERROR).isoformat(), NOW)
    assert not is_older(at, (NOW + CLOCK_ERROR + HOUR).isoformat(), NOW)


def test_an_instant_is_young_for_a_while_and_never_before_it_came() -> None:
    assert is_younger((NOW - HOUR).isoformat(), NOW, 2 * HOUR)
    assert not is_younger((NOW - HOUR).isoformat(), NOW, HOUR)
    assert not is_younger((NOW + HOUR).isoformat(), NOW, HOUR)
    assert not is_younger("", NOW, HOUR)


def test_an_http_date_is_read_as_its_rfc_says() -> None:
    assert http_date("Mon, 02 Mar 2026 12:00:00 GMT") == NOW
    for text in ("", "soon", "Mon, 02 Mar 99999999999999999999 12:00:00 GMT", NOW.isoformat()):
        assert http_date(text) is None
