"""Networks lose, delay and refuse: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.client import Clinician
from tests.contract.server import change, held, of_client, refuse_write, sent, status, versions
from tests.servers.harness import FhirServer
from tests.servers.proxy import (
    Answered,
    Asked,
    Fault,
    FaultProxy,
    answer,
    cut_reply,
    drop_reply,
    drop_request,
    rewrite,
)
from tests.servers.small_clinic import (
    ACCEPTED_REFERRAL,
    DISCHARGE,
    ENDING_AUTHORIZATION,
    HANDOFF_TO_ME,
    LONE_REFERRAL,
    ME,
    OVERDUE_FOLLOW_UP,
    ROUTINE_REFERRAL,
    TEAM_FOLLOW_UP,
    UNDATED_FOLLOW_UP,
    URGENT_REFERRAL,
)


def in_its_place(body: bytes) -> Fault:
    """The server does its work, and something else than its answer comes back, with 200."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        forward()
        return Answered(200, [("Content-Type", "text/html")], body)

    return fault


def test_a_day_of_ten_acts_offline_is_sent_later_in_order(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.knows_that_it_looks()
    proxy.offline()
    dana.accept(URGENT_REFERRAL)
    dana.accept(HANDOFF_TO_ME)
    dana.decline(ROUTINE_REFERRAL)
    dana.log(DISCHARGE, outcome="no answer")
    dana.claim(TEAM_FOLLOW_UP)
    dana.done(OVERDUE_FOLLOW_UP)
    dana.note(UNDATED_FOLLOW_UP, text="Tried the landline")
    dana.note(TEAM_FOLLOW_UP, text="Form is in the drawer")
    dana.accept(LONE_REFERRAL)
    dana.prioritize(ACCEPTED_REFERRAL, to="urgent")
    report = dana.sync()
    assert not report.ok
    assert report.words.startswith("Offline")
    assert (report.waiting, report.checking) == (11, 0)  # a request without a Task makes two
    assert sent(proxy) == []

    proxy.online()
    report = dana.sync()
    assert report.ok, report.words
    assert (report.sent, dana.waiting()) == (11, 0)
    assert [held(clinic, one)["status"] for one in (URGENT_REFERRAL, HANDOFF_TO_ME)] == [
        "accepted",
        "accepted",
    ]
    assert status(clinic, ROUTINE_REFERRAL) == "rejected"
    (contact,) = of_client(clinic, "Communication", "client-05")
    assert contact["status"] == "not-done"
    claimed = held(clinic, TEAM_FOLLOW_UP)
    assert claimed["owner"]["reference"] == ME
    assert [note["text"] for note in claimed["note"]] == ["Form is in the drawer"]
    assert status(clinic, OVERDUE_FOLLOW_UP) == "completed"
    assert len(held(clinic, UNDATED_FOLLOW_UP)["note"]) == 2
    (made,) = of_client(clinic, "Task", "client-07")
    assert (made["status"], made["focus"]["reference"]) == ("accepted", LONE_REFERRAL)
    assert held(clinic, ACCEPTED_REFERRAL)["priority"] == "urgent"

    order = [line for line in sent(proxy) if line.startswith("PUT Task/")]
    assert order == [
        f"PUT {item}"
        for item in (
            URGENT_REFERRAL,
            HANDOFF_TO_ME,
            ROUTINE_REFERRAL,
            TEAM_FOLLOW_UP,
            OVERDUE_FOLLOW_UP,
            UNDATED_FOLLOW_UP,
            ACCEPTED_REFERRAL,
        )
    ]


def test_what_was_created_and_worked_on_offline_arrives_as_one(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    proxy.offline()
    dana.plan(UNDATED_FOLLOW_UP, text="Bring the bus pass", until="3bd")
    own = dana.titled("Bring the bus pass").key
    dana.note(own, text="It is on my desk")
    dana.prioritize(own, to="urgent")
    proxy.online()
    assert dana.sync().ok
    tasks = of_client(clinic, "Task", "client-10")
    (made,) = [task for task in tasks if task.get("description") == "Bring the bus pass"]
    assert [note["text"] for note in made["note"]] == ["It is on my desk"]
    assert made["priority"] == "urgent"
    assert dana.titled("Bring the bus pass").key == own


def test_after_a_reply_that_is_lost_each_act_has_exactly_one_effect(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.accept(URGENT_REFERRAL)
    proxy.once(drop_reply, "PUT", URGENT_REFERRAL)
    assert dana.sync().sent == 1
    assert status(clinic, URGENT_REFERRAL) == "accepted"
    assert versions(clinic, URGENT_REFERRAL) == 2

    dana.note(ROUTINE_REFERRAL, text="Left with the ward")
    proxy.once(drop_reply, "PUT", ROUTINE_REFERRAL)
    assert dana.sync().sent == 1
    assert [one["text"] for one in held(clinic, ROUTINE_REFERRAL)["note"]] == ["Left with the ward"]
    assert versions(clinic, ROUTINE_REFERRAL) == 2

    dana.log(UNDATED_FOLLOW_UP, outcome="left message")
    proxy.once(drop_reply, "PUT", "Communication")
    assert dana.sync().sent == 1
    (contact,) = of_client(clinic, "Communication", "client-10")
    assert versions(clinic, f"Communication/{contact['id']}") == 1

    dana.claim(ENDING_AUTHORIZATION)
    proxy.once(drop_reply, "POST", "Task")
    assert dana.sync().sent == 2  # the companion, and that it is hers
    tasks = of_client(clinic, "Task", "client-02")
    (companion,) = [task for task in tasks if f"Task/{task['id']}" != ROUTINE_REFERRAL]
    assert companion["owner"]["reference"] == ME
    assert versions(clinic, f"Task/{companion['id']}") == 1
    assert {row.sync for row in dana.rows()} == {""}


def test_a_reply_cut_short_or_empty_or_a_web_page_is_no_answer_and_nothing_is_done_twice(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    page = b"<html>Sign in to the guest network</html>"
    dana.note(ROUTINE_REFERRAL, text="Left with the ward")
    proxy.once(cut_reply(40), "PUT", ROUTINE_REFERRAL)
    assert dana.sync().sent == 1
    dana.log(UNDATED_FOLLOW_UP, outcome="left message")
    proxy.once(in_its_place(page), "PUT", "Communication")
    assert dana.sync().sent == 1
    dana.accept(URGENT_REFERRAL)
    proxy.once(in_its_place(b""), "PUT", URGENT_REFERRAL)
    assert dana.sync().sent == 1
    (contact,) = of_client(clinic, "Communication", "client-10")
    assert versions(clinic, f"Communication/{contact['id']}") == 1
    assert versions(clinic, ROUTINE_REFERRAL) == versions(clinic, URGENT_REFERRAL) == 2
    assert len(held(clinic, ROUTINE_REFERRAL)["note"]) == 1
    assert status(clinic, URGENT_REFERRAL) == "accepted"


def test_a_lost_reply_and_a_colleague_at_once_leave_both_changes_once(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    def both(asked: Asked, forward: Callable[[], Answered]) -> None:
        forward()
        change(clinic, ROUTINE_REFERRAL, priority="asap")

    dana.note(ROUTINE_REFERRAL, text="Left with the ward")
    proxy.once(both, "PUT", ROUTINE_REFERRAL)
    assert dana.sync().ok
    after = held(clinic, ROUTINE_REFERRAL)
    assert [note["text"] for note in after["note"]] == ["Left with the ward"]
    assert after["priority"] == "asap"
    assert versions(clinic, ROUTINE_REFERRAL) == 3


def test_a_request_lost_on_its_way_is_sent_again(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.note(ROUTINE_REFERRAL, text="Asked for the chart")
    proxy.once(drop_request, "PUT", ROUTINE_REFERRAL)
    assert dana.sync().ok
    assert len(held(clinic, ROUTINE_REFERRAL)["note"]) == 1
    assert sent(proxy) == [f"PUT {ROUTINE_REFERRAL}"] * 2
    assert versions(clinic, ROUTINE_REFERRAL) == 2


def test_a_network_that_goes_before_the_check_leaves_it_to_be_checked_later(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.knows_that_it_looks()
    dana.note(ROUTINE_REFERRAL, text="Asked for the chart")
    proxy.once(drop_reply, "PUT", ROUTINE_REFERRAL)
    proxy.once(drop_request, "GET", ROUTINE_REFERRAL)
    report = dana.sync()
    assert (report.ok, report.checking) == (False, 1)
    assert dana.shown(ROUTINE_REFERRAL).sync == "checking"
    assert dana.sync().ok
    assert len(held(clinic, ROUTINE_REFERRAL)["note"]) == 1
    assert versions(clinic, ROUTINE_REFERRAL) == 2


def test_a_server_that_closes_every_connection_is_asked_twice_a_look(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.knows_that_it_looks()
    items = (ROUTINE_REFERRAL, URGENT_REFERRAL, TEAM_FOLLOW_UP)
    dana.note(*items, text="Asked for the chart")
    for _ in range(3):
        before = len(proxy.asked())
        proxy.always(drop_request)
        report = dana.sync()
        assert len(proxy.asked()) - before <= 2
        assert report.words.startswith("Not answering")
        assert report.waiting + report.checking == 3
        proxy.heal()
    assert dana.sync().ok
    for item in items:
        assert len(held(clinic, item)["note"]) == 1


def test_what_was_created_in_doubt_is_looked_for_before_it_is_written_again(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.log(UNDATED_FOLLOW_UP, outcome="left message")
    proxy.once(drop_reply, "PUT", "Communication")
    proxy.once(drop_request, "GET", "Communication/")
    assert dana.sync().checking == 1
    (contact,) = of_client(clinic, "Communication", "client-10")
    theirs = change(
        clinic, f"Communication/{contact['id']}", note=[{"text": "He called back at five"}]
    )
    assert dana.sync().ok
    assert of_client(clinic, "Communication", "client-10") == [theirs]


def test_a_busy_server_is_given_the_time_that_it_asks_for(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    for busy, item in ((429, ROUTINE_REFERRAL), (503, URGENT_REFERRAL)):
        dana.accept(item)
        proxy.once(answer(busy, Retry_After="40"), "PUT", item)
        report = dana.sync()
        assert not report.ok
        assert "it is saved" in report.words
        dana.later(seconds=39)
        assert not dana.sync().ok
        assert len(proxy.asked("PUT", item)) == 1
        assert status(clinic, item) == "requested"
        dana.later(seconds=2)
        assert dana.sync().ok
        assert status(clinic, item) == "accepted"
        assert versions(clinic, item) == 2


@pytest.mark.parametrize(
    ("refusal", "batches"), [(422, True), (403, False)], ids=["in a batch", "one by one"]
)
def test_a_refused_act_needs_her_while_five_others_go(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, refusal: int, batches: bool
) -> None:
    others = (
        URGENT_REFERRAL,
        TEAM_FOLLOW_UP,
        OVERDUE_FOLLOW_UP,
        UNDATED_FOLLOW_UP,
        ACCEPTED_REFERRAL,
    )
    dana.note(*others[:3], ROUTINE_REFERRAL, *others[3:], text="Reviewed")
    if not batches:
        proxy.always(answer(405), "POST", "/fhir")
    words = "this referral is locked by intake"
    proxy.always(refuse_write(clinic, ROUTINE_REFERRAL, refusal, words))
    report = dana.sync()
    assert (report.sent, report.needs_attention, report.waiting) == (5, 1, 0)
    assert "1 need" in report.words
    for item in others:
        assert held(clinic, item)["note"][-1]["text"] == "Reviewed"
    assert "note" not in held(clinic, ROUTINE_REFERRAL)
    assert dana.shown(ROUTINE_REFERRAL).sync == "needs_you"
    tries = len(sent(proxy))
    dana.later(hours=1)
    assert dana.sync().needs_attention == 1
    assert len(sent(proxy)) == tries  # it is hers to say what becomes of it


def test_a_contact_that_is_refused_does_not_complete_what_it_was_to_meet(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.claim(DISCHARGE)
    assert dana.sync().ok
    tasks = of_client(clinic, "Task", "client-05")
    (made,) = [f"Task/{task['id']}" for task in tasks if task["id"] != "referral-declined"]
    dana.log(DISCHARGE, outcome="reached")
    proxy.once(answer(422), "PUT", "Communication")
    report = dana.sync()
    assert (report.needs_attention, report.waiting) == (1, 1)
    assert of_client(clinic, "Communication", "client-05") == []
    assert status(clinic, made) == "requested"


def test_without_a_token_all_is_kept_and_she_is_told_that_she_is_signed_out(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before, shown = held(clinic, ROUTINE_REFERRAL), len(dana.rows())
    dana.note(ROUTINE_REFERRAL, text="Asked for the chart")
    dana.quit()
    dana.sign_in(token="")
    report = dana.sync()
    assert not report.ok
    assert report.words.startswith("Signed out")
    assert len(dana.rows()) == shown
    assert held(clinic, ROUTINE_REFERRAL) == before
    dana.quit()
    dana.sign_in(token=clinic.token)
    assert dana.sync().ok
    assert [one["text"] for one in held(clinic, ROUTINE_REFERRAL)["note"]] == [
        "Asked for the chart"
    ]


def test_a_server_without_batches_gets_one_change_at_a_time(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    def declare(statement: Any) -> Any:
        statement["rest"][0].pop("interaction")
        return statement

    proxy.always(rewrite(declare), "GET", "/metadata")
    dana.later(days=1)  # its statement is read anew
    dana.note(URGENT_REFERRAL, ROUTINE_REFERRAL, TEAM_FOLLOW_UP, text="Reviewed")
    assert dana.sync().sent == 3
    writes = [request for request in proxy.asked() if request.method != "GET"]
    assert [(request.method, json.loads(request.body)["resourceType"]) for request in writes] == [
        ("PUT", "Task")
    ] * 4  # the first one twice: it is asked anew whether the server looks for what is stale
    for item in (URGENT_REFERRAL, ROUTINE_REFERRAL, TEAM_FOLLOW_UP):
        assert held(clinic, item)["note"][0]["text"] == "Reviewed"
