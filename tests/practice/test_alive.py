"""The clinic moves: what colleagues do, when, and that it is written like anything else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from queue import Queue
from typing import Any

import pytest

from carequeue.cli.demo import PACES as OFFERED
from carequeue.domain.errors import ServerError
from carequeue.practice.people.everybody import ClinicPeople
from carequeue.practice.people.simulated_colleagues import SimulatedColleagues
from carequeue.practice.server.paced_time import (
    _GAPS,
    PACES,
    ColleagueChange,
    ColleagueSchedule,
    PacedTime,
)
from carequeue.practice.server.quirks import ActiveQuirks, Quirks
from carequeue.practice.server.resource_store import ResourceStore
from carequeue.practice.server.service import FhirService
from tests.practice.conftest import NOW, a_task, found, send
from tests.servers.controlled_clinic import ControlledClinic

Changes = list[dict[str, Any]]
EVERYTHING = {
    "accepted", "completed", "reassigned", "noted", "partner accepted", "authorization answered",
    "referral arrived", "appointment missed", "left hospital",
}  # fmt: skip


@pytest.fixture
def alive() -> Iterator[ControlledClinic]:
    """A quiet clinic of its own, because its time is moved on."""
    with ControlledClinic(seed=3, clients=40, now=NOW, pace="quiet") as clinic:
        yield clinic


def plain(changes: Changes) -> list[tuple[str, str, tuple[str, ...]]]:
    """What, who and which versions, without the instant."""
    return [(change["what"], change["who"], tuple(change["wrote"])) for change in changes]


def written(clinic: ControlledClinic, changes: Changes) -> list[Any]:
    """The versions that the changes left, as the server gives them."""
    return [clinic.get(version) for change in changes for version in change["wrote"]]


def test_the_command_line_offers_the_paces_that_there_are() -> None:
    assert OFFERED == PACES


def test_with_the_pace_off_nothing_moves_whatever_the_time(clinic: ControlledClinic) -> None:
    assert clinic.advance(3600) == []
    assert clinic.changes() == []


@pytest.mark.parametrize(("pace", "least", "most"), [("quiet", 45, 90), ("busy", 3, 8)])
def test_changes_come_as_the_pace_says(pace: str, least: int, most: int) -> None:
    with ControlledClinic(seed=3, clients=20, now=NOW, pace=pace) as clinic:
        assert clinic.changes() == clinic.advance(least - 2.5) == []
        assert len(clinic.advance(most - least + 2.5)) >= 1
        many = len(clinic.advance(most * 100))
        assert 100 <= many <= most * 100 // least + 2


def test_two_clinics_of_one_seed_live_alike() -> None:
    lives = []
    for _ in range(2):
        with ControlledClinic(seed=5, clients=40, now=NOW, pace="busy") as clinic:
            lives.append(plain(clinic.advance(300)))
    assert len(lives[0]) > 35
    assert lives[0] == lives[1]


def test_every_change_is_a_version_like_any_other(alive: ControlledClinic) -> None:
    changes = alive.advance(3600)
    assert changes == alive.changes()
    for change in changes:
        for version in change["wrote"]:
            reference, _, number = version.partition("/_history/")
            entries = alive.get(f"{reference}/_history")["entry"]
            assert [entry["response"]["etag"] for entry in entries][-int(number)] == f'W/"{number}"'
            stamp = entries[-int(number)]["resource"]["meta"]["lastUpdated"]
            assert stamp <= change["at"]
            kind, _, key = reference.partition("/")
            assert found(send(alive, "GET", f"{kind}?_id={key}&_lastUpdated=ge{NOW[:19]}Z"))


def test_everything_happens_within_thirty_changes_and_by_colleagues_only(
    clinic: ControlledClinic,
) -> None:
    changes = clinic.step(30)
    assert {change["what"] for change in changes} >= EVERYTHING
    whos = {change["who"] for change in changes}
    assert all(who.startswith("Practitioner/") for who in whos)
    assert len(whos) > 3
    assert clinic.me["practitioner"] not in whos


def test_what_colleagues_do_changes_what_it_says_and_keeps_the_rest() -> None:
    with ControlledClinic(seed=11, clients=150, now=NOW) as clinic:
        by_what = {change["what"]: change["wrote"][0] for change in clinic.step(60)}
        for what, element, value in (
            ("accepted", "status", "accepted"),
            ("completed", "status", "completed"),
            ("partner accepted", "status", "accepted"),
        ):
            after = clinic.get(by_what[what])
            assert after[element] == value, what
        reference, _, number = by_what["noted"].partition("/_history/")
        before = clinic.get(f"{reference}/_history/{int(number) - 1}")
        after = clinic.get(by_what["noted"])
        assert after["note"][:-1] == before.get("note", [])
        assert after["note"][-1]["authorReference"]["reference"] != clinic.me["practitioner"]
        changed = {name for name in after if after[name] != before.get(name)}
        assert changed - {"lastModified"} == {"meta", "note"}


def test_newcomers_are_clients_with_a_name_and_a_payer(clinic: ControlledClinic) -> None:
    changes = clinic.step(40)
    trees = written(clinic, changes)
    patients = [tree for tree in trees if tree["resourceType"] == "Patient"]
    assert patients
    for patient in patients:
        assert patient["name"][0]["text"]
        covered = clinic.get(f"Coverage?beneficiary=Patient/{patient['id']}")
        assert covered["entry"]
    asked = [tree for tree in trees if tree["id"].startswith("ref-in-new-")]
    assert {tree["resourceType"] for tree in asked} == {"Task", "ServiceRequest"}
    known = {tree["for"]["reference"] for tree in asked if tree["resourceType"] == "Task"}
    assert known - {f"Patient/{patient['id']}" for patient in patients}


def test_the_script_goes_on_over_what_others_have_broken(clinic: ControlledClinic) -> None:
    who = {"reference": "Practitioner/nathan-ortiz"}
    clinic.put(a_task("odd-note", owner=who, note="call her"))
    clinic.put({"resourceType": "Task", "id": "odd", "status": "requested", "owner": who})
    clinic.delete("Task/fu-001")
    assert len(clinic.step(60)) == 60


def test_a_change_is_refused_like_any_stale_write_afterwards(clinic: ControlledClinic) -> None:
    [version] = next(change["wrote"] for change in clinic.step(30) if change["what"] == "noted")
    reference, _, number = version.partition("/_history/")
    tree = clinic.get(reference)
    stale = f'W/"{int(number) - 1}"'
    assert send(clinic, "PUT", reference, tree, If_Match=stale).status == 412


@pytest.mark.parametrize("asked", [{"advance": -1}, {"advance": 1e12}, {"step": -1}, {"step": "x"}])
def test_time_and_steps_that_cannot_be_are_refused(
    clinic: ControlledClinic, asked: dict[str, Any]
) -> None:
    with pytest.raises(ServerError):
        clinic.control(**asked)
    assert clinic.changes() == []


def test_the_time_of_all_answers_moves_on_with_the_clinic(alive: ControlledClinic) -> None:
    before = datetime.fromisoformat(alive.get("CareTeam?_count=1")["meta"]["lastUpdated"])
    alive.advance(86_400)
    after = datetime.fromisoformat(alive.get("CareTeam?_count=1")["meta"]["lastUpdated"])
    assert (after - before).total_seconds() >= 86_400
    alive.put(a_task("late"))
    assert datetime.fromisoformat(alive.get("Task/late")["meta"]["lastUpdated"]) > after
    assert after.tzinfo == UTC


def test_what_is_due_happens_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_GAPS, "busy", (1, 2))
    opened = datetime.fromisoformat(NOW)
    people, clock = ClinicPeople(7, 20, opened), PacedTime(opened)
    noted = Queue[dict[str, Any]](maxsize=1)  # full, it holds the clinic still after the test
    store = ResourceStore(clock.now, "")
    store.seed(people.resources())

    service = FhirService(store, ActiveQuirks(Quirks()), "")
    colleagues = SimulatedColleagues(7, people.clients, store)

    def make_change() -> ColleagueChange:
        with service.transaction():
            return colleagues.step()

    ColleagueSchedule(make_change, 7, clock, noted.put, "busy").begin()
    changes = [noted.get(timeout=10) for _ in range(3)]
    for version in changes[-1]["wrote"]:
        kind, key, _, number = version.split("/")
        assert store.version(kind, key, number) is not None
