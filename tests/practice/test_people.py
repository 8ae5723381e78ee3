"""The synthetic clinic: the same for the same seed, varied, and whole."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carequeue.practice.people.everybody import ME, ClinicPeople
from carequeue.practice.server.fhir_dates import milliseconds

NOW = datetime(2026, 11, 24, 15, 12, tzinfo=UTC)
Tree = dict[str, Any]


def laid(seed: int = 7, clients: int = 400, now: datetime = NOW) -> list[tuple[int, Tree]]:
    return ClinicPeople(seed, clients, now).resources()


@pytest.fixture(scope="module")
def trees() -> list[Tree]:
    return [tree for _, tree in laid()]


@pytest.fixture(scope="module")
def by_reference(trees: list[Tree]) -> dict[str, Tree]:
    return {f"{tree['resourceType']}/{tree['id']}": tree for tree in trees}


def tasks(trees: list[Tree]) -> list[Tree]:
    return [
        tree
        for tree in trees
        if tree["resourceType"] == "Task" and not tree["id"].startswith("broken")
    ]


def test_the_same_seed_and_time_give_the_same_clinic() -> None:
    assert json.dumps(laid(3, 60)) == json.dumps(laid(3, 60))
    assert json.dumps(laid(3, 60)) != json.dumps(laid(4, 60))


def test_every_id_is_given_once(trees: list[Tree], by_reference: dict[str, Tree]) -> None:
    assert len(by_reference) == len(trees)


@pytest.mark.parametrize("now", [NOW, datetime(2027, 3, 14, 8, 30, tzinfo=UTC)])
def test_nothing_is_written_down_after_now(now: datetime) -> None:
    assert max(at for at, _ in laid(now=now)) <= milliseconds(now)
    for _, tree in laid(now=now):
        for name in ("authoredOn", "lastModified", "sent", "effectiveDateTime"):
            if name in tree:
                assert datetime.fromisoformat(tree[name]) <= now, tree["id"]


@pytest.mark.parametrize("now", [NOW, NOW + timedelta(days=4, hours=14)])
def test_no_task_was_changed_before_it_was_written(now: datetime) -> None:
    for tree in tasks([tree for _, tree in laid(now=now)]):
        written, changed = (
            datetime.fromisoformat(tree[name]) for name in ("authoredOn", "lastModified")
        )
        assert written <= changed, tree["id"]


def test_every_reference_leads_somewhere(trees: list[Tree], by_reference: dict[str, Tree]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["reference"]] if "reference" in value else []
            return own + [found for inner in value.values() for found in references(inner)]
        if isinstance(value, list):
            return [found for inner in value for found in references(inner)]
        return []

    lost = {reference for tree in trees for reference in references(tree)} - set(by_reference)
    assert lost == {"Patient/who-is-this"}


def test_me_is_somebody(by_reference: dict[str, Tree]) -> None:
    name = by_reference[ME["practitioner"]]["name"][0]
    assert f"{name['given'][0]} {name['family']}, {name['suffix'][0]}" == ME["name"]
    [team] = ME["teams"]
    members = [
        participant["member"]["reference"] for participant in by_reference[team]["participant"]
    ]
    assert ME["practitioner"] in members
    assert by_reference[ME["organization"]]["name"] == ME["organization_name"]


def test_there_are_a_dozen_clinicians_in_four_teams(trees: list[Tree]) -> None:
    count = Counter(tree["resourceType"] for tree in trees)
    assert (count["Practitioner"], count["PractitionerRole"], count["CareTeam"]) == (12, 12, 4)
    assert count["Patient"] == 400
    sizes = [len(tree["participant"]) for tree in trees if tree["resourceType"] == "CareTeam"]
    assert sizes == [3, 3, 3, 3]


def test_names_are_of_many_kinds(trees: list[Tree]) -> None:
    names = [tree["name"][0] for tree in trees if tree["resourceType"] == "Patient"]
    text = " ".join(name["text"] for name in names)
    for part in ("山田 太郎", "رامي", "अनिता", "Ирина", "Nguyễn", "D'Angelo", "-", "O[/red]Brien"):
        assert part in text
    assert any("family" not in name for name in names)
    assert any("\x1b]52" in name["text"] and "\u202e" in name["text"] for name in names)
    assert max(len(name["text"]) for name in names) > 55
    alike = Counter((name.get("family"), name["given"][0][0]) for name in names[:30])
    assert [pair for pair, many in alike.items() if many > 1] == [("Kowalczyk", "M"), ("Trần", "L")]


def test_there_is_work_of_every_kind_status_and_priority(trees: list[Tree]) -> None:
    work = tasks(trees)
    statuses = {tree["status"] for tree in work}
    assert statuses >= {
        "draft", "requested", "received", "accepted", "rejected", "ready", "in-progress",
        "on-hold", "completed", "cancelled",
    }  # fmt: skip
    assert {tree["priority"] for tree in work} == {"routine", "urgent", "asap", "stat"}
    codes = {c.get("code") for tree in work for c in tree["code"].get("coding", [{}])}
    assert codes == {"fulfill", "handoff", "follow-up", None}
    levels = Counter(
        tree["valueCodeableConcept"]["coding"][0]["code"]
        for tree in trees
        if tree["resourceType"] == "Observation"
    )
    assert set(levels) == {"crisis", "urgent", "routine"}


def test_dana_has_a_dozen_moves_and_waits_for_another_dozen(trees: list[Tree]) -> None:
    open_ = ("requested", "received", "accepted", "in-progress", "on-hold", "ready")
    me = ME["practitioner"]
    hers = [
        tree
        for tree in tasks(trees)
        if tree["status"] in open_ and tree.get("owner", {}).get("reference") == me
    ]
    sent = [
        tree
        for tree in tasks(trees)
        if tree["requester"]["reference"] == me
        and tree["status"] in open_
        and tree.get("owner", {}).get("reference") != me
    ]
    assert (len(hers), len(sent)) == (14, 15)


def test_a_larger_clinic_has_more_work_and_the_same_dana() -> None:
    small, large = (
        {tree["id"]: tree for tree in tasks([t for _, t in laid(clients=size)])}
        for size in (40, 800)
    )
    assert len(large) > 2 * len(small)
    assert small["ho-001"]["for"] == large["ho-001"]["for"]


@pytest.mark.parametrize("clients", [1, 3, 33])
def test_a_very_small_clinic_is_a_clinic(clients: int) -> None:
    assert sum(tree["resourceType"] == "Patient" for _, tree in laid(clients=clients)) == clients


def test_broken_resources_are_served_as_they_are(trees: list[Tree]) -> None:
    broken = {tree["id"]: tree for tree in trees if tree["id"].startswith("broken")}
    assert len(broken) == 8
    assert "status" not in broken["broken-no-status"]
    assert broken["broken-string-client"]["for"] == "Patient/client-0001"
    assert broken["broken-impossible-date"]["restriction"]["period"]["end"] == "2026-13-45"
