"""What is begun by hand for any client: what the server holds after it, and after its undo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import SOURCE, Clinician
from tests.contract.server import change, held, sent
from tests.servers.harness import FhirServer, Resource
from tests.servers.proxy import FaultProxy
from tests.servers.small_clinic import ME, PARTNER

CLIENT = "Patient/client-02"
IDENTIFIER = "https://carequeue.dev/fhir/identifier/item"
HEARD = "https://carequeue.dev/fhir/CodeSystem/heard"

PLAN = ("new", {"text": "Call the school nurse", "until": "3bd"})
REFERRAL = ("refer", {"text": "Detox bed", "to": "Northside", "priority": "urgent"})
CRISIS = ("heard_crisis", {"when": "1h", "where": "988 call"})
DISCHARGE = (
    "heard_discharge",
    {"kind": "e", "when": "2h", "where": "Harbor ED", "reason": "p"},
)
ACTS: list[tuple[str, dict[str, str]]] = [PLAN, REFERRAL, CRISIS, DISCHARGE]
EVENTS = [CRISIS, DISCHARGE]
each_act = pytest.mark.parametrize(("verb", "answers"), ACTS, ids=[act[0] for act in ACTS])
each_event = pytest.mark.parametrize(("verb", "answers"), EVENTS, ids=[e[0] for e in EVENTS])


def made(clinic: FhirServer) -> list[Resource]:
    """What the server holds of ours about the client, made by these acts."""
    kinds = ("Task", "ServiceRequest", "Encounter")
    found = [part for kind in kinds for part in clinic.found(f"{kind}?_count=200")]
    return [
        part
        for part in found
        if CLIENT in (part.get("for") or part.get("subject") or {}).get("reference", "")
        and any(named.get("system") == IDENTIFIER for named in part.get("identifier", []))
    ]


def live(clinic: FhirServer) -> list[Resource]:
    return [part for part in made(clinic) if part["status"] != "entered-in-error"]


def of_type(resources: list[Resource], kind: str) -> Resource:
    (one,) = [part for part in resources if part["resourceType"] == kind]
    return one


def titles(person: Clinician) -> list[str]:
    return [row.title for row in person.rows() if row.chart == CLIENT]


def test_a_client_is_found_and_planned_for_without_a_row(
    dana: Clinician, clinic: FhirServer
) -> None:
    family = held(clinic, CLIENT)["name"][0]["family"]
    assert f"{SOURCE}:{CLIENT}" in [match.key for match in dana.clients(family[:4])]
    dana.for_client(PLAN[0], CLIENT, **PLAN[1])
    assert dana.sync().ok
    task = of_type(live(clinic), "Task")
    assert (task["status"], task["description"]) == ("accepted", "Call the school nurse")
    assert task["owner"]["reference"] == task["requester"]["reference"] == ME
    assert "Call the school nurse" in titles(dana)


def test_a_referral_is_a_request_and_its_task(dana: Clinician, clinic: FhirServer) -> None:
    dana.for_client(REFERRAL[0], CLIENT, **REFERRAL[1])
    assert dana.sync().ok
    request, task = of_type(live(clinic), "ServiceRequest"), of_type(live(clinic), "Task")
    assert (request["status"], request["intent"]) == ("active", "order")
    assert [to["reference"] for to in request["performer"]] == [PARTNER]
    assert task["focus"]["reference"] == f"ServiceRequest/{request['id']}"
    assert (task["owner"]["reference"], task["priority"]) == (PARTNER, "urgent")


@each_event
def test_an_event_that_was_heard_of_is_a_finished_encounter(
    dana: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    dana.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    encounter = of_type(live(clinic), "Encounter")
    assert (encounter["status"], encounter["class"]["code"]) == ("finished", "EMER")
    assert encounter["type"][0]["coding"][0]["system"] == HEARD
    row = next(row for row in dana.rows() if encounter["identifier"][0]["value"] in row.key)
    assert (row.sync, row.band < 2) == ("", True)


@each_act
def test_done_twice_by_a_lost_answer_it_is_there_once(
    dana: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    dana.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    before = live(clinic)
    assert dana.sync().ok
    assert live(clinic) == before
    assert len(before) == (2 if verb == "refer" else 1)


@each_act
def test_without_a_network_it_is_seen_at_once_and_sent_later(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, verb: str, answers: dict[str, str]
) -> None:
    known = set(titles(dana))
    proxy.offline()
    dana.for_client(verb, CLIENT, **answers)
    assert not dana.sync().ok
    assert len(set(titles(dana)) - known) == 1
    assert live(clinic) == []
    proxy.online()
    dana.later(minutes=10)
    assert dana.sync().ok
    assert dana.waiting() == dana.needs_her() == 0
    assert len(live(clinic)) == (2 if verb == "refer" else 1)


@each_act
def test_an_undo_before_it_was_sent_leaves_no_trace(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, verb: str, answers: dict[str, str]
) -> None:
    before = titles(dana)
    dana.for_client(verb, CLIENT, **answers)
    dana.undo()
    assert dana.sync().ok
    assert sent(proxy) == []
    assert titles(dana) == before


@each_act
def test_an_undo_of_what_was_sent_takes_it_back(
    dana: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    before = titles(dana)
    dana.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    dana.undo()
    assert dana.sync().ok
    assert made(clinic)
    assert live(clinic) == []
    assert titles(dana) == before


@each_event
def test_what_was_undone_can_be_heard_of_again(
    dana: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    before = titles(dana)
    dana.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    dana.undo()
    assert dana.sync().ok
    dana.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    assert len(live(clinic)) == 1
    assert len(titles(dana)) == len(before) + 1


@each_event
def test_two_people_who_hear_of_it_at_once_leave_one(
    dana: Clinician, priya: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    before = titles(dana)
    dana.for_client(verb, CLIENT, **answers)
    priya.for_client(verb, CLIENT, **answers)
    assert dana.sync().ok
    assert priya.sync().ok
    assert dana.sync().ok
    assert len(live(clinic)) == 1
    assert titles(dana) == titles(priya)
    assert len(titles(dana)) == len(before) + 1


@each_event
def test_two_people_who_tell_it_in_other_words_lose_none_and_leave_one_row(
    dana: Clinician, priya: Clinician, clinic: FhirServer, verb: str, answers: dict[str, str]
) -> None:
    before = titles(dana)
    dana.for_client(verb, CLIENT, **answers)
    priya.for_client(verb, CLIENT, **{**answers, "where": "called by the mother"})
    assert dana.sync().ok
    assert priya.sync().ok
    assert dana.sync().ok
    assert len(live(clinic)) == 2
    assert titles(dana) == titles(priya)
    assert len(titles(dana)) == len(before) + 1


def test_an_act_on_the_report_counts_for_the_record_that_comes(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.for_client(DISCHARGE[0], CLIENT, **DISCHARGE[1])
    row = dana.titled_for(CLIENT, "First contact after ED discharge")
    dana.claim(row.key)
    assert dana.sync().ok
    report = of_type(live(clinic), "Encounter")
    record: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": "stay-recorded",
        "status": "finished",
        "class": report["class"],
        "subject": {"reference": CLIENT},
        "period": report["period"],
    }
    assert clinic.put("Encounter/stay-recorded", record).status in (200, 201)
    assert dana.sync().ok
    joined = dana.titled_for(CLIENT, "First contact after ED discharge")
    assert joined.mine == 1
    assert of_type(live(clinic), "Task")["owner"]["reference"] == ME


@each_event
def test_a_server_that_takes_no_visits_leaves_it_here_and_the_clock_runs(
    arrives: Any, clinic: FhirServer, proxy: FaultProxy, verb: str, answers: dict[str, str]
) -> None:
    proxy.read_only("Encounter")
    dana: Clinician = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    acted = dana.for_client(verb, CLIENT, **answers)
    assert acted.kept_here == 1
    assert "Saved on this computer only" in acted.message
    assert dana.sync().ok
    assert live(clinic) == []
    assert [row.sync for row in dana.rows() if row.chart == CLIENT and row.band < 2] == [
        "kept_here"
    ]


def test_a_stale_client_is_refused(dana: Clinician, clinic: FhirServer) -> None:
    match = dana.clients(held(clinic, CLIENT)["name"][0]["family"])[0]
    change(clinic, match.chart, name=[{"family": "Renamed", "given": ["Other"]}])
    assert dana.sync().ok
    acted = dana.for_match("new", match, **PLAN[1])
    assert not acted.changed
    assert "Nothing was changed there" in acted.message
