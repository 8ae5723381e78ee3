"""Taking back: before it was sent nothing is known of it anywhere, after it all is as it was."""

from __future__ import annotations

from collections.abc import Callable

from carequeue.fhir.task_facts import is_companion
from carequeue.verbs.offers import names_of
from carequeue.worklist.results import Acted
from tests.contract.client import Clinician
from tests.contract.server import change, code, held, of_client, sent, status, text_of, versions
from tests.servers.harness import FhirServer
from tests.servers.proxy import FaultProxy, drop_reply, drop_request
from tests.servers.small_clinic import (
    DISCHARGE,
    HANDOFF_TO_ME,
    OVERDUE_FOLLOW_UP,
    ROUTINE_REFERRAL,
    TEAM_FOLLOW_UP,
    UNDATED_FOLLOW_UP,
    URGENT_REFERRAL,
)


def test_an_act_taken_back_before_it_was_sent_leaves_no_trace(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held(clinic, ROUTINE_REFERRAL)
    dana.accept(ROUTINE_REFERRAL)
    dana.undo()
    dana.log(DISCHARGE, outcome="reached")
    dana.undo()
    assert dana.sync().ok
    assert sent(proxy) == []
    assert held(clinic, ROUTINE_REFERRAL) == before
    assert of_client(clinic, "Communication", "client-05") == []
    assert dana.shown(DISCHARGE).sync == ""


def test_taking_back_what_was_sent_restores_every_own_element(
    dana: Clinician, clinic: FhirServer
) -> None:
    acts: list[tuple[str, Callable[[str], Acted]]] = [
        (URGENT_REFERRAL, dana.accept),
        (ROUTINE_REFERRAL, dana.decline),
        (HANDOFF_TO_ME, dana.accept),
        (TEAM_FOLLOW_UP, dana.claim),
        (OVERDUE_FOLLOW_UP, lambda item: dana.assign(item, to="Omar Haddad")),
        (UNDATED_FOLLOW_UP, lambda item: dana.note(item, text="By mistake")),
        (UNDATED_FOLLOW_UP, lambda item: dana.prioritize(item, to="stat")),
        (UNDATED_FOLLOW_UP, lambda item: dana.snooze(item, until="3bd")),
        (UNDATED_FOLLOW_UP, dana.done),
    ]
    # When it was last changed is true, and stays: it was changed.
    before = {item: text_of(held(clinic, item), "lastModified") for item, _ in acts}
    for item, act in acts:
        was = text_of(held(clinic, item), "lastModified")
        act(item)
        assert dana.sync().sent == 1
        assert text_of(held(clinic, item), "lastModified") != was
    # A partner is told what became of the two referrals; the handoff came from a colleague.
    for item, _ in reversed(acts):
        dana.undo()
        told = item in (URGENT_REFERRAL, ROUTINE_REFERRAL)
        assert dana.sync().sent == (2 if told else 1)
    assert {item: text_of(held(clinic, item), "lastModified") for item in before} == before
    assert versions(clinic, ROUTINE_REFERRAL) == 3
    assert {row.sync for row in dana.rows()} == {""}


def test_a_partner_is_told_of_a_reopening_after_it(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.decline(ROUTINE_REFERRAL)
    assert dana.sync().ok
    assert "will be told." in dana.undo().message
    since = len(proxy.asked())
    assert dana.sync().ok
    assert [line.split()[1].split("/")[0] for line in sent(proxy, since)] == [
        "Task", "Communication",
    ]  # fmt: skip
    assert status(clinic, ROUTINE_REFERRAL) == "requested"
    client = held(clinic, ROUTINE_REFERRAL)["for"]["reference"].partition("/")[2]
    (message,) = of_client(clinic, "Communication", client)
    assert message["payload"][0]["contentString"] == (
        "We reopened this referral, which we had declined."
    )
    assert ROUTINE_REFERRAL in [part["reference"] for part in message["about"]]
    assert message["recipient"][0]["reference"].startswith("Organization/")
    assert dana.shown(ROUTINE_REFERRAL).sync == ""


def test_a_partner_is_not_told_where_a_colleague_kept_the_referral_closed(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.accept(ROUTINE_REFERRAL)
    assert dana.sync().ok
    change(clinic, ROUTINE_REFERRAL, status="completed")
    dana.undo()
    assert dana.sync().conflicts == 1
    client = held(clinic, ROUTINE_REFERRAL)["for"]["reference"].partition("/")[2]
    assert of_client(clinic, "Communication", client) == []
    dana.answer(ROUTINE_REFERRAL, "theirs")
    assert dana.sync().ok
    assert of_client(clinic, "Communication", client) == []
    assert dana.waiting() == 0


def test_an_act_done_again_before_it_was_sent_arrives_once(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.log(UNDATED_FOLLOW_UP, outcome="no answer")
    dana.undo()
    dana.redo()
    dana.accept(ROUTINE_REFERRAL)
    dana.undo()
    dana.redo()
    assert dana.sync().sent == 2
    (contact,) = of_client(clinic, "Communication", "client-10")
    assert contact["status"] != "entered-in-error"
    assert status(clinic, ROUTINE_REFERRAL) == "accepted"


def test_an_act_done_again_after_its_undo_was_sent_is_true_again(
    dana: Clinician, clinic: FhirServer
) -> None:
    acts: list[tuple[str, Callable[[str], Acted]]] = [
        (UNDATED_FOLLOW_UP, lambda item: dana.log(item, outcome="no answer")),
        (DISCHARGE, dana.claim),
        (ROUTINE_REFERRAL, dana.accept),
    ]
    for item, act in acts:
        act(item)
        assert dana.sync().ok
        dana.undo()
        assert dana.sync().ok
        dana.redo()
        assert dana.sync().ok
    contacts = of_client(clinic, "Communication", "client-10")
    wrong = [contact["status"] == "entered-in-error" for contact in contacts]
    assert sorted(wrong) == [False, True]
    assert status(clinic, ROUTINE_REFERRAL) == "accepted"
    tasks = of_client(clinic, "Task", "client-05")
    (task,) = [task for task in tasks if is_companion(task)]
    assert task["owner"]["reference"].startswith("Practitioner/")
    assert {row.sync for row in dana.rows()} == {""}


def test_what_is_still_being_checked_can_be_taken_back(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana.knows_that_it_looks()
    before = held(clinic, ROUTINE_REFERRAL)
    for lost in (drop_reply, drop_request):
        dana.accept(ROUTINE_REFERRAL)
        proxy.once(lost, "PUT", ROUTINE_REFERRAL)
        proxy.once(drop_request, "GET", ROUTINE_REFERRAL)
        assert dana.sync().checking == 1
        dana.undo()
        assert dana.sync().ok
        assert text_of(held(clinic, ROUTINE_REFERRAL), "lastModified") == text_of(
            before, "lastModified"
        )
        assert dana.shown(ROUTINE_REFERRAL).sync == ""


def test_a_contact_still_being_checked_can_be_taken_back(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    for item, client, lost in (
        (UNDATED_FOLLOW_UP, "client-10", drop_reply),
        (TEAM_FOLLOW_UP, "client-09", drop_request),
    ):
        dana.log(item, outcome="no answer")
        proxy.once(lost, "PUT", "Communication")
        proxy.once(drop_request, "GET", "Communication/")
        assert dana.sync().checking == 1
        dana.undo()
        assert dana.sync().ok
        contacts = of_client(clinic, "Communication", client)
        assert {contact["status"] for contact in contacts} <= {"entered-in-error"}
        assert len(contacts) <= 1


def test_taking_back_what_was_created_marks_it_as_an_error(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.log(UNDATED_FOLLOW_UP, outcome="no answer")
    assert dana.sync().ok
    (contact,) = of_client(clinic, "Communication", "client-10")
    dana.undo()
    assert dana.sync().ok
    (after,) = of_client(clinic, "Communication", "client-10")
    assert after["status"] == "entered-in-error"
    assert after["id"] == contact["id"]

    dana.plan(UNDATED_FOLLOW_UP, text="Not needed after all", until="3bd")
    assert dana.sync().ok
    dana.undo()
    assert dana.sync().ok
    states = {
        one.get("description"): one["status"] for one in of_client(clinic, "Task", "client-10")
    }
    assert states["Not needed after all"] == "entered-in-error"


def test_a_claimed_discharge_taken_back_is_open_again_for_everybody(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.claim(DISCHARGE)
    assert dana.sync().ok
    dana.undo()
    assert dana.sync().ok
    (task,) = [
        one for one in of_client(clinic, "Task", "client-05") if code(one["code"]) == "follow-up"
    ]
    assert task["status"] == "requested"
    assert "owner" not in task
    assert "claim" in names_of(dana.shown(DISCHARGE).verbs)


def test_a_whole_group_is_taken_back_at_once(dana: Clinician, clinic: FhirServer) -> None:
    items = (URGENT_REFERRAL, ROUTINE_REFERRAL)
    before = [held(clinic, item) for item in items]
    dana.accept(*items)
    assert dana.sync().ok
    assert [status(clinic, item) for item in items] == ["accepted", "accepted"]
    dana.undo()
    assert dana.sync().ok
    after = [held(clinic, item) for item in items]
    assert [text_of(resource, "lastModified") for resource in after] == [
        text_of(resource, "lastModified") for resource in before
    ]


def test_taking_back_does_not_undo_what_a_colleague_did_since(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.accept(ROUTINE_REFERRAL)
    assert dana.sync().ok
    theirs = change(clinic, ROUTINE_REFERRAL, status="completed")
    dana.undo()
    assert dana.sync().conflicts == 1
    assert held(clinic, ROUTINE_REFERRAL) == theirs
