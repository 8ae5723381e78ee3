"""Acts for a client who was found by search: with a row, without one, and what they leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.ranking import Band
from carequeue.fhir import codes
from carequeue.store.queue_window import Tab
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.worklist.results import Acted, Shown
from tests.fhir.clinic import CLIENT, DANA, HARBOR, NOW, PATIENT, ref, task
from tests.store.cache import ALL, SOURCE, WRITABLE, Cache, clinic_of_dana
from tests.worklist.world import send

KEY = f"{SOURCE}:{CLIENT}"
NAME = "OKAFOR, Amara J"
REFERRAL = {"text": "Housing support", "to": "Harbor", "priority": "urgent"}
PLAN = {"text": "Call the school", "until": "2bd"}
#: A source that takes requests, too.
TAKES_REQUESTS = replace(
    WRITABLE,
    types={**WRITABLE.types, "ServiceRequest": TypeAbility(ALL, update_create=True)},
)


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[list[Cache]]:
    opened: list[Cache] = []
    yield opened
    for cache in opened:
        cache.close()


def clinic(
    caches: list[Cache], folder: Path, *resources: Any, can: Abilities = TAKES_REQUESTS
) -> Cache:
    cache = clinic_of_dana(folder, *resources, can=can)
    caches.append(cache)
    return cache


def act(cache: Cache, verb: str, answers: dict[str, str], key: str = KEY) -> Acted:
    acted: Acted = cache.desk.act(verb, (key,), answers, NOW)
    return acted


def made(cache: Cache) -> dict[str, dict[str, Any]]:
    """What was created, by type."""
    return {intent.target_type: dict(intent.args["resource"]) for intent in cache.intents()}


def test_a_follow_up_needs_no_row_to_begin_from(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    assert cache.rows() == []
    acted = act(cache, "new", PLAN)
    assert acted.message == f"New follow-up: {NAME} due Wed 11 Mar 08:00."
    (row,) = cache.rows(Tab.MINE)
    assert (row.client, row.title, row.band) == (NAME, "Call the school", Band.SOON)
    assert (row.sync, row.chart) == ("waiting", CLIENT)
    assert {intent.item_key for intent in cache.intents()} == {row.key}


def test_a_follow_up_for_a_client_who_has_rows(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path, task("t1", owner=ref(DANA), description="Call the group"))
    act(cache, "new", PLAN)
    assert {row.title for row in cache.rows()} == {"Call the group", "Call the school"}


def test_a_referral_is_a_request_and_the_task_that_carries_it(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache = clinic(caches, tmp_path)
    acted = act(cache, "refer", REFERRAL)
    assert acted.message == f"Referred: {NAME} to Harbor Primary Care, urgent."
    made_of = made(cache)
    request, carrier = made_of["ServiceRequest"], made_of["Task"]
    assert (request["status"], request["intent"], request["priority"]) == (
        "active", "order", "urgent",
    )  # fmt: skip
    assert request["code"] == {"text": "Housing support"}
    assert request["subject"]["reference"] == carrier["for"]["reference"] == CLIENT
    assert request["authoredOn"] == "2026-03-09T14:00:00Z"
    assert request["requester"]["reference"] == carrier["requester"]["reference"] == DANA
    assert [to["reference"] for to in request["performer"]] == [HARBOR]
    assert carrier["owner"]["reference"] == HARBOR
    assert carrier["focus"] == {"reference": f"ServiceRequest/{request['id']}"}
    assert carrier["code"]["coding"][0]["code"] == codes.FULFILL
    first, second = cache.intents()
    assert (first.target_type, second.after) == ("ServiceRequest", first.id)


def test_the_row_after_a_referral_waits_for_the_partner(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "refer", REFERRAL)
    (row,) = cache.rows()
    assert row.title == "Harbor Primary Care to answer: Housing support"
    assert (row.band, row.unit, row.kind) == (Band.WAITING, "nudge", "referral")
    send(cache)
    (row,) = cache.rows()
    assert (row.title, row.sync) == ("Harbor Primary Care to answer: Housing support", "")


def test_a_referral_to_a_team_of_ours_is_the_teams_to_answer(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, "refer", {**REFERRAL, "to": "Access", "priority": "routine"})
    (row,) = cache.rows(Tab.TEAM)
    assert (row.title, row.move_name) == ("Answer referral: Housing support", "Access")


def test_a_partner_or_a_team_can_be_named_and_nobody_else(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache = clinic(caches, tmp_path)
    people = cache.desk.people((KEY,), "receiver")
    assert [(person.name, person.team) for person in people] == [
        ("County Shelter", False),
        ("Harbor Primary Care", False),
        ("Access", True),
    ]
    with pytest.raises(BadQuestion, match="Ortiz"):
        act(cache, "refer", {**REFERRAL, "to": "Ortiz"})
    assert cache.intents() == []


def test_a_source_without_requests_keeps_the_request_here_and_takes_the_task(
    caches: list[Cache], tmp_path: Path
) -> None:
    types = {name: able for name, able in WRITABLE.types.items() if name != "ServiceRequest"}
    cache = clinic(caches, tmp_path, can=replace(WRITABLE, types=types))
    acted = act(cache, "refer", REFERRAL)
    states = {intent.target_type: str(intent.state) for intent in cache.intents()}
    assert states == {"ServiceRequest": "kept_here", "Task": "queued"}
    assert "Saved on this computer only" in acted.message
    (row,) = cache.rows()
    assert row.title == "Harbor Primary Care to answer: Housing support"


@pytest.mark.parametrize(("verb", "answers"), [("new", PLAN), ("refer", REFERRAL)])
@pytest.mark.parametrize("sent", [False, True])
def test_undo_takes_the_row_away(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str], sent: bool
) -> None:
    cache = clinic(caches, tmp_path)
    act(cache, verb, answers)
    if sent:
        send(cache)
    assert len(cache.rows()) == 1
    assert cache.desk.undo(NOW).changed
    assert cache.rows() == []
    if sent:
        send(cache)
        assert cache.rows() == []


@pytest.mark.parametrize(("verb", "answers"), [("new", PLAN), ("refer", REFERRAL)])
def test_nobody_is_asked_to_reach_a_client_who_has_died(
    caches: list[Cache], tmp_path: Path, verb: str, answers: dict[str, str]
) -> None:
    cache = clinic(caches, tmp_path)
    cache.pull({**PATIENT, "deceasedBoolean": True})
    acted = act(cache, verb, answers)
    assert not acted.changed
    assert "is recorded as deceased" in acted.message
    assert cache.intents() == []


def test_an_act_of_rows_is_not_done_to_a_client(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    acted = act(cache, "done", {})
    assert acted.message == (f"{NAME} was found by search: this act needs an item of the queue.")
    assert cache.intents() == []


@pytest.mark.parametrize("key", [f"{SOURCE}:Patient/nobody", f"nowhere:{CLIENT}", "Patient/c1"])
def test_a_client_who_is_not_here_is_refused(caches: list[Cache], tmp_path: Path, key: str) -> None:
    cache = clinic(caches, tmp_path)
    acted = act(cache, "new", PLAN, key)
    assert not acted.changed
    assert cache.intents() == []


def test_a_client_who_became_another_is_refused(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic(caches, tmp_path)
    shown = {KEY: Shown(CLIENT, NAME, "1990-02-03")}
    cache.pull({**PATIENT, "name": [{"family": "Reyes", "given": ["Tomas"]}]})
    acted = cache.desk.act("new", (KEY,), PLAN, NOW, shown)
    assert not acted.changed
    assert acted.message.startswith("REYES, Tomas is the client whom this item names now")
