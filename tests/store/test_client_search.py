"""Clients are found by part of a name, by birth date or number; merged ones by the survivor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.store import client_search
from carequeue.store.client_search import MOST, ClientMatch
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from tests.store.cache import SOURCE, Cache


def patient(key: str, family: str, given: str, born: str = "1984-03-12", **more: Any) -> Any:
    return {
        "resourceType": "Patient",
        "id": key,
        "name": [{"family": family, "given": [given]}],
        "birthDate": born,
        **more,
    }


def number(value: str) -> dict[str, Any]:
    kind = {"coding": [{"code": "MR"}]}
    return {"type": kind, "system": "https://riverbend.example/mrn", "value": value}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path)
    cache.pull(
        patient("p1", "Okafor", "Amara", identifier=[number("R-00421")]),
        patient("p2", "Okafor", "Amara", "1991-11-02"),
        patient("p3", "Johnson", "Zoë", "1950-01-05"),
        patient("p4", "Nguyễn", "Thị", name=[{"family": "Nguyễn"}, {"text": "Tina Nolan"}]),
    )
    yield cache
    cache.close()


def found(cache: Cache, text: str) -> list[str]:
    return [match.chart for match in cache.desk.clients(text)]


@pytest.mark.parametrize(
    ("text", "charts"),
    [
        ("okafor", ["Patient/p1", "Patient/p2"]),
        ("amara okaf", ["Patient/p1", "Patient/p2"]),
        ("OKAFOR, A", ["Patient/p1", "Patient/p2"]),
        ("okafor 1991", ["Patient/p2"]),
        ("11/02/1991", ["Patient/p2"]),
        ("00421", ["Patient/p1"]),
        ("r-004", ["Patient/p1"]),
        ("ohn", ["Patient/p3"]),
        ("zoe", ["Patient/p3"]),
        ("j", ["Patient/p3"]),
        ("jo zo", ["Patient/p3"]),
        ("zo jo", ["Patient/p3"]),
        ("am", ["Patient/p1", "Patient/p2"]),
        ("am o", ["Patient/p1", "Patient/p2"]),
        ("fo", []),
        ("okafor m", []),
        ("nguyen", ["Patient/p4"]),
        ("nolan", ["Patient/p4"]),
        ("", []),
        ("   ", []),
        ("xyz", []),
        ("okafor zoe", []),
        ('"', []),
        ('oka"for', []),
        ("oka*", []),
        ("oka OR zoe", []),
        ("%", []),
        ("a_a", []),
        ("\x00oka\x00for", ["Patient/p1", "Patient/p2"]),
        ("\ud800kaf", []),
    ],
)
def test_every_typed_word_has_to_be_there(cache: Cache, text: str, charts: list[str]) -> None:
    assert found(cache, text) == charts


def test_a_match_tells_namesakes_apart(cache: Cache) -> None:
    assert list(cache.desk.clients("okafor")) == [
        ClientMatch(SOURCE, "Patient/p1", "OKAFOR, Amara", "1984-03-12", "R-00421", ""),
        ClientMatch(SOURCE, "Patient/p2", "OKAFOR, Amara", "1991-11-02", "", ""),
    ]
    assert cache.desk.clients("okafor")[0].key == f"{SOURCE}:Patient/p1"


def test_names_that_begin_with_the_text_come_first(cache: Cache) -> None:
    cache.pull(patient("p5", "Ohnesorg", "Karl"))
    assert found(cache, "ohn") == ["Patient/p5", "Patient/p3"]


def test_a_new_name_takes_the_place_of_the_old(cache: Cache) -> None:
    cache.pull(patient("p3", "Abara", "Zoë", "1950-01-05"))
    assert found(cache, "johnson") == []
    assert found(cache, "abara") == ["Patient/p3"]


def test_who_left_the_source_is_not_found(cache: Cache) -> None:
    with writing(cache.session.engine()) as connection:
        source = SqliteSourceRepository(connection, SOURCE)
        source.removals.remove({"Patient/p3": ""}, "deleted")
    assert found(cache, "johnson") == []
    assert found(cache, "zoe") == []


def test_a_record_that_cannot_be_referred_to_is_not_found(cache: Cache) -> None:
    cache.pull({"resourceType": "Patient", "name": [{"family": "Nobody"}]})
    assert found(cache, "nobody") == []


def states(cache: Cache, text: str) -> list[tuple[str, str]]:
    return [(match.chart, match.state) for match in cache.desk.clients(text)]


def test_the_deceased_and_the_inactive_are_marked(cache: Cache) -> None:
    cache.pull(
        patient("d1", "Dead", "One", deceasedDateTime="2026-01-02"),
        patient("d2", "Gone", "Two", active=False),
    )
    assert states(cache, "dead") == [("Patient/d1", "deceased")]
    assert states(cache, "gone") == [("Patient/d2", "inactive")]


def merged(key: str, into: str, family: str) -> Any:
    link = {"type": "replaced-by", "other": {"reference": f"Patient/{into}"}}
    return patient(key, family, "Old", link=[link])


def test_a_merged_record_is_found_under_the_surviving_one(cache: Cache) -> None:
    cache.pull(merged("m1", "m2", "Maiden"), merged("m2", "p3", "Middle"))
    assert states(cache, "maiden") == [("Patient/p3", "")]
    assert states(cache, "old") == [("Patient/p3", "")]


@pytest.mark.parametrize("into", ["elsewhere", "m1"])
def test_a_merged_record_without_its_survivor_is_marked(cache: Cache, into: str) -> None:
    cache.pull(merged("m1", into, "Maiden"))
    assert states(cache, "maiden") == [("Patient/m1", "merged")]


def test_no_search_returns_more_than_a_person_reads(cache: Cache) -> None:
    cache.pull(*(patient(f"x{n}", f"Xavier{n:03}", "Xu") for n in range(MOST + 20)))
    assert len(found(cache, "x")) == len(found(cache, "avier")) == MOST


def test_a_cache_without_the_list_is_filled_from_its_mirror(cache: Cache) -> None:
    cache.pull(*(patient(f"x{n}", f"Xavier{n:04}", "Xu") for n in range(1200)))
    with writing(cache.session.engine()) as connection:
        connection.exec_driver_sql("DELETE FROM client")
        connection.exec_driver_sql("DELETE FROM client_trigram")
        assert found(cache, "okafor") == ["Patient/p1", "Patient/p2"]  # not yet committed
        client_search.rebuild(connection)
    assert found(cache, "okafor") == ["Patient/p1", "Patient/p2"]
    assert found(cache, "r1199") == found(cache, "xavier1199") == ["Patient/x1199"]
