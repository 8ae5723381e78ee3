"""The same client on two servers: recognized by what both gave them, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.store import cross_source_match
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.store.source_scope import SourceScope
from tests.store.cache import SOURCE
from tests.store.two_sources import COUNTY, SSN, TwoSources, client, ssn, two_sources


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[TwoSources]:
    cache = two_sources(tmp_path)
    yield cache
    cache.close()


def matches(cache: TwoSources, source: str = SOURCE, chart: str = "Patient/c1") -> list[str]:
    with cache.session.engine().connect() as connection:
        return [
            f"{one.source}:{one.chart}"
            for one in cross_source_match.same(SourceScope(connection, source), chart)
        ]


def test_a_shared_identifier_recognizes_them_from_either_side(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("123-45-6789")))
    cache.come(COUNTY, client("77", ssn("123-45-6789"), family="Okafor-Reed"))
    assert matches(cache) == ["county:Patient/77"]
    assert matches(cache, COUNTY, "Patient/77") == ["main:Patient/c1"]


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [ssn("123-45-6780")],
        [{"system": "https://county.example/mrn", "value": "123-45-6789"}],
        [{"value": "123-45-6789"}],
        [ssn("123-45-6789", use="old")],
        [{"system": SSN}],
    ],
    ids=["name and birth date", "value", "system", "no system", "old", "no value"],
)
def test_nothing_less_does(cache: TwoSources, theirs: list[dict[str, Any]]) -> None:
    cache.come(SOURCE, client("c1", ssn("123-45-6789"), {"value": "123-45-6789"}))
    cache.come(COUNTY, client("77", *theirs))
    assert matches(cache) == []


def test_nobody_is_matched_within_one_source(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("1")), client("c2", ssn("1")))
    assert matches(cache) == []


def test_a_dummy_that_many_have_recognizes_nobody(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("078-05-1120"), ssn("123-45-6789")))
    cache.come(
        COUNTY, *(client(str(n), ssn("078-05-1120")) for n in range(cross_source_match.SHARED))
    )
    assert len(matches(cache)) == cross_source_match.SHARED  # as many as may be chance
    cache.come(COUNTY, client("one-more", ssn("078-05-1120")), client("77", ssn("123-45-6789")))
    assert matches(cache) == ["county:Patient/77"]


def test_an_identifier_that_is_taken_away_recognizes_no_more(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("1")))
    cache.come(COUNTY, client("77", ssn("1")))
    cache.come(COUNTY, client("77", ssn("2")))
    assert matches(cache) == []


def test_of_a_client_who_left_nothing_is_kept(cache: TwoSources) -> None:
    cache.come(COUNTY, client("77", ssn("1")))
    with writing(cache.session.engine()) as connection:
        SqliteSourceRepository(connection, COUNTY).removals.remove({"Patient/77": ""}, "deleted")
    assert cache.table("identifier") == []


def test_all_of_it_comes_back_from_the_mirror(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("1"), ssn("2")))
    cache.come(COUNTY, client("77", ssn("1")))
    before = cache.table("identifier")
    with writing(cache.session.engine()) as connection:
        connection.exec_driver_sql("DELETE FROM identifier")
        cache.session.projector().rebuild(connection, cache.instant)
    assert cache.table("identifier") == before
    assert len(before) == 3


@pytest.mark.parametrize(
    ("system", "value"),
    [
        (SSN, "000-00-0000"),
        (SSN, "UNKNOWN"),
        (SSN, "-"),
        (SSN, "\u200b"),
        ("http://terminology.hl7.org/CodeSystem/v2-0203", "12345"),
        ("http://hl7.org/fhir/v2/0203/", "12345"),
    ],
)
def test_what_only_fills_the_place_of_one_recognizes_nobody(
    cache: TwoSources, system: str, value: str
) -> None:
    junk = {"system": system, "value": value}
    cache.come(SOURCE, client("c1", junk))
    cache.come(COUNTY, client("77", junk, family="Somebody-Else"))
    assert matches(cache) == []


def test_a_value_that_only_looks_alike_is_another(cache: TwoSources) -> None:
    cache.come(SOURCE, client("c1", ssn("A12345")))
    cache.come(COUNTY, client("77", ssn("\u041012345")), client("78", ssn("A12\u200b345")))
    assert matches(cache) == []
