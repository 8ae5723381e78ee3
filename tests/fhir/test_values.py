"""Reading single elements: tolerant of everything, exact where it matters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.fhir import values
from tests.fhir.clinic import ZONE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2026-03-09T09:00:00-05:00", at(2026, 3, 9, 14)),
        ("2026-03-09T14:00:00.123456789Z", at(2026, 3, 9, 14)),
        ("2026-03-09T09:00:00", at(2026, 3, 9, 14)),  # no offset: the site's, here CDT
        ("2026-03-06T09:00", at(2026, 3, 6, 15)),  # CST
        ("2026-03-06", at(2026, 3, 6, 6)),
        ("2026-03", at(2026, 3, 1, 6)),
        ("2026", at(2026, 1, 1, 6)),
        ("2026-12-31T23:59:60Z", at(2026, 12, 31, 23, 59, 59)),
    ],
)
def test_an_instant_is_the_earliest_that_was_meant(written: str, means: datetime) -> None:
    assert values.instant(written, ZONE) == means


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "2026-13-01", "2026-02-30", "0000-01-01", "2026-03-09T24:00:00Z",
     "0001-01-01T00:00:00+14:00", "2026-03-09T09:00:00+99:00", "٢٠٢٦-03-09", 20260309, None, [],
     "2026-03-09 ", "0001-01-01T00:00:00Z", "0001-12-31", "9999-12-31T23:59:59Z"],
)  # fmt: skip
def test_an_impossible_instant_is_none(written: Any) -> None:
    assert values.instant(written, ZONE) is None


@pytest.mark.parametrize(
    ("written", "open_"),
    [
        ("2026-03-09", True),
        ("2026-03-09T09:00:00", True),
        ("2026-03-09T09:00:00Z", False),
        ("x", False),
    ],
)
def test_a_date_and_a_time_without_offset_are_approximate(written: str, open_: bool) -> None:
    assert values.approximate(written) is open_


@pytest.mark.parametrize(
    ("end", "means"),
    [
        ("2026-03-09", at(2026, 3, 10, 4, 59, 59)),  # the whole day
        ("2026-12", at(2027, 1, 1, 5, 59, 59)),
        ("2026", at(2027, 1, 1, 5, 59, 59)),
        ("2026-03-09T10:00:00Z", at(2026, 3, 9, 10)),
        ("9999-12-31", None),
        ("9999-12-31T23:59:59Z", None),
        ("soon", None),
    ],
)
def test_a_period_ends_with_the_last_second_that_it_names(end: str, means: datetime | None) -> None:
    assert values.period_end({"end": end}, ZONE) == means


@pytest.mark.parametrize(
    ("written", "base", "means"),
    [
        ("Patient/1", "", "Patient/1"),
        ("Patient/1/_history/3", "", "Patient/1"),
        ("https://ehr.example/r4/Patient/1", "https://ehr.example/r4/", "Patient/1"),
        ("https://ehr.example/r4/Patient/1", "", ""),
        ("https://other.example/r4/Patient/1", "https://ehr.example/r4", ""),
        ("https://ehr.example/r4evil/Patient/1", "https://ehr.example/r4", ""),
        ("#contained", "", ""),
        ("urn:uuid:0b1c", "", ""),
        ("Patient/../Task/1", "", ""),
        ("Patient/" + "x" * 201, "", ""),
    ],
)
def test_a_reference_counts_only_on_its_own_server(written: str, base: str, means: str) -> None:
    assert values.reference({"reference": written}, base) == means


def test_a_person_is_called_by_the_official_name_and_never_by_the_old_one() -> None:
    names = [
        {"use": "old", "family": "Kovac"},
        {"use": "nickname", "given": ["Mari"]},
        {
            "use": "official",
            "family": "Okafor",
            "given": ["Amara", "Joy"],
            "text": "Amara J. Okafor",
        },
    ]
    assert values.human_name(names) == ("Okafor", "Amara Joy", "Amara J. Okafor")
    assert values.human_name([{"text": "王 小明"}]) == ("", "", "王 小明")
    assert values.human_name(names[:1]) == ("Kovac", "", "")


def test_a_concept_says_its_text_else_a_display_and_never_a_bare_code() -> None:
    assert values.concept_text({"text": "Housing", "coding": [{"display": "x"}]}) == "Housing"
    assert values.concept_text({"coding": [{"code": "1"}, {"display": "Shelter"}]}) == "Shelter"
    assert values.concept_text({"coding": [{"code": "1"}]}) == ""


@given(JSON, st.text(alphabet="ab.0123", min_size=1))
def test_no_element_of_any_shape_makes_an_accessor_raise(value: Any, path: str) -> None:
    values.get(value, path)
    values.text(value, path)
    values.objects(value, path)
    values.reference(value)
    values.instant(value, ZONE)
    values.approximate(value)
    values.period_end(value, ZONE)
    values.human_name(value)
    values.concept_text(value)
    values.codings(value)
    values.identifier_value(value, "x")
    values.record_number(value)
    values.phone(value)
    values.address(value)
    values.extension(value, "x")


@given(st.dates())
def test_the_end_of_a_day_is_never_before_its_start(day: date) -> None:
    start = values.instant(day.isoformat(), ZONE)
    end = values.period_end({"end": day.isoformat()}, ZONE)
    assert start is None or end is None or end > start
