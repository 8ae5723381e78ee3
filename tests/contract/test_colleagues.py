"""Two people at one clinic: what does not collide is kept, what does is asked, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

from tests.contract.client import Clinician
from tests.contract.server import change, code, held, of_client, sent, status, versions
from tests.servers.harness import FhirServer, Resource
from tests.servers.proxy import Answered, Asked, Fault, FaultProxy, answer, before
from tests.servers.small_clinic import (
    DISCHARGE,
    LONE_REFERRAL,
    ME,
    OVERDUE_FOLLOW_UP,
    ROUTINE_REFERRAL,
    TEAM_FOLLOW_UP,
    UNDATED_FOLLOW_UP,
    URGENT_REFERRAL,
)


def discharge_tasks(server: FhirServer) -> list[Resource]:
    """The Tasks that stand for the contact after a discharge."""
    tasks = of_client(server, "Task", "client-05")
    return [task for task in tasks if code(task["code"]) == "follow-up"]


def test_two_people_on_the_same_discharge_and_the_same_request_make_one_task_of_each(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.claim(DISCHARGE)
    priya.note(DISCHARGE, text="His mother called")
    dana.accept(LONE_REFERRAL)
    priya.prioritize(LONE_REFERRAL, to="asap")
    assert dana.sync().ok
    assert priya.sync().ok
    (contact,) = discharge_tasks(clinic)
    assert contact["owner"]["reference"] == ME
    assert [note["text"] for note in contact["note"]] == ["His mother called"]
    (referral,) = of_client(clinic, "Task", "client-07")
    assert referral["focus"]["reference"] == LONE_REFERRAL
    assert (referral["status"], referral["priority"]) == ("accepted", "asap")
    assert dana.sync().ok
    assert dana.shown(DISCHARGE).key == priya.shown(DISCHARGE).key


def test_two_people_who_claim_the_same_discharge_make_one_task_and_one_question(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.claim(DISCHARGE)
    priya.claim(DISCHARGE)
    assert dana.sync().ok
    report = priya.sync()
    assert (report.conflicts, report.waiting) == (1, 0)
    (task,) = discharge_tasks(clinic)
    assert task["owner"]["reference"] == ME
    assert priya.shown(DISCHARGE).sync == "conflict"


def test_a_change_of_something_else_meanwhile_is_kept_beside_hers(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.accept(URGENT_REFERRAL)
    change(clinic, URGENT_REFERRAL, priority="stat", description="Bed 4, ask for Nurse Okoye")
    assert dana.sync().ok
    both = held(clinic, URGENT_REFERRAL)
    assert (both["status"], both["owner"]["reference"]) == ("accepted", ME)
    assert (both["priority"], both["description"]) == ("stat", "Bed 4, ask for Nurse Okoye")
    assert versions(clinic, URGENT_REFERRAL) == 3
    guards = [request.header("if-match") for request in proxy.asked("PUT", URGENT_REFERRAL)]
    assert len(set(guards)) == 2  # the stale one was refused, and the new one sent
    assert None not in guards


def test_a_change_of_the_same_thing_meanwhile_is_a_conflict_and_theirs_stays(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.accept(ROUTINE_REFERRAL)
    theirs = change(clinic, ROUTINE_REFERRAL, status="cancelled", statusReason={"text": "moved"})
    report = dana.sync()
    assert (report.conflicts, report.waiting, report.sent) == (1, 0, 0)
    assert "1 need" in report.words
    assert held(clinic, ROUTINE_REFERRAL) == theirs
    assert dana.needs_her() == 1
    assert dana.shown(ROUTINE_REFERRAL).sync == "conflict"
    tries = len(sent(proxy))
    dana.later(hours=1)
    assert dana.sync().conflicts == 1
    assert len(sent(proxy)) == tries  # it waits for her, and is never sent of itself
    assert held(clinic, ROUTINE_REFERRAL) == theirs


def test_a_change_that_arrives_while_hers_waits_is_not_taken_for_what_she_saw(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.knows_that_it_looks()
    dana.accept(ROUTINE_REFERRAL)
    proxy.once(answer(503), "PUT", ROUTINE_REFERRAL)
    theirs = change(clinic, ROUTINE_REFERRAL, status="rejected")
    assert dana.sync().received == 1
    dana.later(minutes=1)
    assert dana.sync().conflicts == 1
    assert held(clinic, ROUTINE_REFERRAL) == theirs


def test_a_change_in_the_very_moment_of_sending_is_not_overwritten(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.accept(ROUTINE_REFERRAL)
    refuse = before(lambda: change(clinic, ROUTINE_REFERRAL, status="rejected"))
    proxy.once(refuse, "PUT", ROUTINE_REFERRAL)
    assert dana.sync().conflicts == 1
    assert status(clinic, ROUTINE_REFERRAL) == "rejected"


def test_the_number_by_which_a_server_refuses_a_stale_version_decides_nothing(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    for number, item, theirs in (
        (409, URGENT_REFERRAL, {"priority": "stat"}),
        (423, TEAM_FOLLOW_UP, {"description": "Send both forms"}),
        (428, ROUTINE_REFERRAL, {"status": "rejected"}),
    ):
        dana.act("claim" if item == TEAM_FOLLOW_UP else "accept", item)
        change(clinic, item, **theirs)
        proxy.once(_as_number(number), "PUT", item)
        dana.sync()
    assert (dana.waiting(), dana.needs_her()) == (0, 1)
    first, second = held(clinic, URGENT_REFERRAL), held(clinic, TEAM_FOLLOW_UP)
    assert (first["status"], first["priority"]) == ("accepted", "stat")
    assert (second["owner"]["reference"], second["description"]) == (ME, "Send both forms")
    assert status(clinic, ROUTINE_REFERRAL) == "rejected"


def _as_number(number: int) -> Fault:
    """A server that refuses a stale version as others do."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        said = forward()
        assert said.status == 412
        return Answered(number, said.headers, b"")

    return fault


def test_who_did_the_same_thing_meanwhile_leaves_nothing_to_do(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.done(OVERDUE_FOLLOW_UP)
    theirs = change(clinic, OVERDUE_FOLLOW_UP, status="completed")
    assert dana.sync().ok
    assert held(clinic, OVERDUE_FOLLOW_UP) == theirs


def test_acts_beside_a_conflict_still_go(dana: Clinician, clinic: FhirServer) -> None:
    dana.accept(ROUTINE_REFERRAL)
    dana.note(ROUTINE_REFERRAL, text="Intake on Monday")
    dana.claim(TEAM_FOLLOW_UP)
    change(clinic, ROUTINE_REFERRAL, status="rejected")
    report = dana.sync()
    assert (report.conflicts, report.waiting) == (1, 0)
    after = held(clinic, ROUTINE_REFERRAL)
    assert after["status"] == "rejected"
    assert [note["text"] for note in after["note"]] == ["Intake on Monday"]
    assert held(clinic, TEAM_FOLLOW_UP)["owner"]["reference"] == ME


def test_two_notes_of_two_people_both_stay(dana: Clinician, clinic: FhirServer) -> None:
    (first,) = held(clinic, UNDATED_FOLLOW_UP)["note"]
    dana.note(UNDATED_FOLLOW_UP, text="Prefers mornings")
    change(clinic, UNDATED_FOLLOW_UP, note=[first, {"text": "Moved to Elm Street"}])
    assert dana.sync().ok
    notes = [note["text"] for note in held(clinic, UNDATED_FOLLOW_UP)["note"]]
    assert notes == ["Prefers the phone", "Moved to Elm Street", "Prefers mornings"]


def test_a_task_deleted_meanwhile_is_a_conflict_and_is_not_made_again(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.note(TEAM_FOLLOW_UP, text="Form is in the drawer")
    assert clinic.delete(TEAM_FOLLOW_UP).status < 300
    report = dana.sync()
    assert (report.conflicts, report.sent) == (1, 0)
    assert clinic.get(TEAM_FOLLOW_UP).status in (404, 410)
    assert dana.shown(TEAM_FOLLOW_UP).sync == "conflict"
    dana.later(hours=1)
    assert dana.sync().conflicts == 1
    assert clinic.get(TEAM_FOLLOW_UP).status in (404, 410)


def test_a_change_of_a_colleague_arrives_with_the_next_sync(
    dana: Clinician, clinic: FhirServer
) -> None:
    priya = {"reference": "Practitioner/priya-raman"}
    change(clinic, URGENT_REFERRAL, owner=priya)
    change(clinic, OVERDUE_FOLLOW_UP, description="Call about the missed group, ask for Ana")
    assert dana.shown(URGENT_REFERRAL).move_name != "Priya Raman"
    assert dana.sync().received == 2
    assert dana.shown(URGENT_REFERRAL).move_name == "Priya Raman"
    assert dana.shown(OVERDUE_FOLLOW_UP).title == "Call about the missed group, ask for Ana"
    assert held(clinic, URGENT_REFERRAL)["owner"] == priya
