"""Hearing of an event at the desk: the message, the row, its band and its undo, from FHIR JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.ranking import Band
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.worklist.results import Acted
from tests.fhir.clinic import CLIENT, NOW, PATIENT, stay
from tests.store.cache import ALL, SOURCE, WRITABLE, Cache, clinic_of_dana
from tests.worklist.world import send

KEY = f"{SOURCE}:{CLIENT}"
NAME = "OKAFOR, Amara J"
CRISIS = {"where": "988 call, at home"}
DISCHARGE = {"kind": "e", "when": "yesterday 20:00", "where": "Harbor ED", "reason": "p"}
BOTH = [("heard_crisis", CRISIS), ("heard_discharge", DISCHARGE)]
each_event = pytest.mark.parametrize(("verb", "answers"), BOTH, ids=["crisis", "discharge"])
TAKES_VISITS = replace(
    WRITABLE,
    types={**WRITABLE.types, "Encounter": TypeAbility(ALL, update_create=True)},
)


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[list[Cache]]:
    opened: list[Cache] = []
    yield opened
    for cache in opened:
        cache.close()


def clinic(
    caches: list[Cache], folder: Path, *resources: Any, can: Abilities = TAKES_VISITS
) -> Cache:
    cache = clinic_of_dana(folder, *resources, can=can)
    caches.append(cache)
    return cache


def act(cache: Cache, verb: str, answers: dict[str, str], key: str = KEY) -> Acted:
    acted: Acted = cache.desk.act(verb, (key,), answers, cache.instant)
    return acted


#: verb, answers, message, title and band of the row.
AFTER = [
    (
        "heard_crisis", CRISIS,
        f"Heard of a crisis: {NAME}, Mon 9 Mar 09:00. Response due by Mon 9 Mar 12:00.",
        "Respond to a crisis: 988 call, at home", Band.NOW,
    ),
    (
        "heard_crisis", {"when": "yesterday"},
        f"Heard of a crisis: {NAME}, Sun 8 Mar. Response due by Sun 8 Mar 04:00.",
        "Respond to a crisis", Band.NOW,
    ),
    (
        "heard_discharge", DISCHARGE,
        f"Heard of a discharge: {NAME}, Sun 8 Mar 20:00. Contact due by Mon 9 Mar 20:00.",
        "First contact after ED discharge", Band.SAFETY,
    ),
    (
        "heard_discharge", {"kind": "inpatient", "reason": "medical"},
        f"Heard of a discharge: {NAME}, Mon 9 Mar 09:00. Contact due by Tue 10 Mar 09:00.",
        "First contact after inpatient discharge", Band.SAFETY,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "answers", "message", "title", "band"), AFTER)
def test_the_clock_starts_as_for_a_record(
    caches: list[Cache],
    tmp_path: Path,
    verb: str,
    answers: dict[str, str],
    message: str,
    title: str,
    band: Band,
) -> None:
    cache = clinic(caches, tmp_path)
    assert act(cache, verb, answers).message == message
    (row,) = cache.rows()
    assert (row.title, row.band, row.client, row.sync) == (title, band, NAME, "waiting")
    send(cache)
    (row,) = cache.rows()
    assert (row.title, row.band, row.sync) == (title, band, "")


@each_event
def test_a_source_without_visits_keeps_it_here_and_the_clock_runs_here(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str]
) -> None:
    cache = clinic(caches, tmp_path, can=WRITABLE)
    acted = act(cache, verb, answers)
    assert acted.kept_here == 1
    assert "Saved on this computer only" in acted.message
    (row,) = cache.rows()
    assert (row.sync, row.band < Band.DUE) == ("kept_here", True)


@each_event
@pytest.mark.parametrize("sent", [False, True])
def test_undo_takes_it_back_and_it_can_be_heard_of_again(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str], sent: bool
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, verb, answers)
    if sent:
        send(cache)
    assert cache.desk.undo(NOW).changed
    assert cache.rows() == []
    if sent:
        send(cache)
    act(cache, verb, answers)
    assert len(cache.rows()) == 1
    created = [intent for intent in cache.intents() if intent.kind == "create"]
    names = {intent.args["resource"]["identifier"][0]["value"] for intent in created}
    assert len(names) == (2 if sent else 1)


@each_event
def test_a_contact_closes_it(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str]
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, verb, answers)
    (row,) = cache.rows()
    cache.later(minutes=5)
    acted = act(cache, "log", {"outcome": "reached"}, row.key)
    assert acted.changed
    assert cache.rows() == []


def test_a_claim_on_the_report_stays_when_the_server_gives_the_report_another_id(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "heard_discharge", DISCHARGE)
    (row,) = cache.rows()
    act(cache, "claim", {}, row.key)
    (claimed,) = cache.rows()
    assert claimed.mine == 1
    made = {intent.target_type: intent.args.get("resource") for intent in cache.intents()[:2]}
    assert made["Encounter"]
    assert made["Task"]
    other = clinic(caches, tmp_path / "other")
    other.pull({**made["Encounter"], "id": "77"}, {**made["Task"], "id": "78"})
    (there,) = other.rows()
    assert (there.key, there.title) == (row.key, "First contact after ED discharge")


def test_the_record_takes_the_place_of_the_report(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "heard_discharge", DISCHARGE)
    cache.pull(stay(period={"start": "2026-03-08T20:00:00Z", "end": "2026-03-09T01:30:00Z"}))
    (row,) = cache.rows()
    assert row.key == f"{SOURCE}:discharge-contact:Encounter/e1"
    detail = cache.desk.detail(row.key, NOW)
    assert [clock.label for clock in detail.clocks] == ["Contact after discharge"]
    assert any(line.text.startswith("heard: left the ED") for line in detail.story)


def test_a_claimed_report_becomes_the_claimed_record(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "heard_discharge", DISCHARGE)
    (row,) = cache.rows()
    act(cache, "claim", {}, row.key)
    cache.pull(stay(period={"start": "2026-03-08T20:00:00Z", "end": "2026-03-09T01:30:00Z"}))
    (joined,) = cache.rows()
    assert (joined.key, joined.mine) == (row.key, 1)
    assert joined.due_at == int(NOW.timestamp()) + (11 * 60 + 30) * 60


def test_hearing_the_same_twice_is_one_row(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "heard_discharge", DISCHARGE)
    act(cache, "heard_discharge", {**DISCHARGE, "where": "County ED"})
    assert len(cache.rows()) == 1


@each_event
def test_nothing_is_heard_of_the_dead(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str]
) -> None:
    cache = clinic(caches, tmp_path)
    cache.pull({**PATIENT, "deceasedBoolean": True})
    acted = act(cache, verb, answers)
    assert "is recorded as deceased" in acted.message
    assert cache.intents() == []


@pytest.mark.parametrize("when", ["tomorrow", "in a bit", "2027-01-01"])
def test_a_time_that_is_not_past_changes_nothing(
    caches: list[Cache], tmp_path: Path, when: str
) -> None:
    cache = clinic(caches, tmp_path)
    with pytest.raises(BadQuestion, match="is not a past time"):
        act(cache, "heard_crisis", {"when": when})
    assert cache.intents() == []
