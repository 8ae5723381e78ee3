"""Each act, one by one: what the server holds after it. Codes stand here as they go over the wire.

Dana Whitfield acts; the clinic is `tests/servers/small_clinic.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.contract.client import Clinician
from tests.contract.server import change, code, held, of_client, sent, status, text_of, versions
from tests.servers.harness import FhirServer
from tests.servers.proxy import FaultProxy
from tests.servers.small_clinic import (
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

IDENTIFIER = "https://carequeue.dev/fhir/identifier/item"
SNOOZED_UNTIL = "https://carequeue.dev/fhir/StructureDefinition/snoozed-until"
ABOUT = "https://carequeue.dev/fhir/StructureDefinition/about"

OWN_STATUS = ("status", "statusReason", "businessStatus", "lastModified")


def test_the_first_sync_shows_every_kind_and_writes_nothing(
    dana: Clinician, proxy: FaultProxy
) -> None:
    shown = {(row.kind, row.key.split(":")[-1]) for row in dana.rows()}
    assert {
        ("referral", URGENT_REFERRAL),
        ("referral", LONE_REFERRAL),
        ("follow_up", OVERDUE_FOLLOW_UP),
        ("follow_up", DISCHARGE),
        ("handoff", HANDOFF_TO_ME),
    } <= shown
    assert dana.shown(ENDING_AUTHORIZATION).kind == "authorization"
    assert len(shown) == 16
    assert sent(proxy) == []


def test_accepting_a_referral_to_the_team_makes_it_hers(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = held(clinic, URGENT_REFERRAL)
    dana.accept(URGENT_REFERRAL)
    assert dana.sync().ok
    after = held(clinic, URGENT_REFERRAL)
    assert after["status"] == "accepted"
    assert after["owner"]["reference"] == ME
    own = (*OWN_STATUS, "owner")
    assert text_of(after, *own) == text_of(before, *own)
    assert versions(clinic, URGENT_REFERRAL) == 2


def test_a_handoff_is_acknowledged_with_a_read_back(dana: Clinician, clinic: FhirServer) -> None:
    before = held(clinic, HANDOFF_TO_ME)
    dana.accept(HANDOFF_TO_ME)
    assert dana.sync().ok
    after = held(clinic, HANDOFF_TO_ME)
    assert after["status"] == "accepted"
    assert after["owner"]["reference"] == ME
    assert after["input"] == before["input"]
    (read_back,) = after["output"]
    assert code(read_back["type"]) == "read-back"
    for heard in ("Dana Whitfield", "unstable", "Passive ideation", "Call before noon", "988"):
        assert heard in read_back["valueString"]


def test_a_referral_is_declined_with_the_reason(dana: Clinician, clinic: FhirServer) -> None:
    dana.decline(ROUTINE_REFERRAL, reason="no capacity before spring")
    assert dana.sync().ok
    after = held(clinic, ROUTINE_REFERRAL)
    assert after["status"] == "rejected"
    assert after["statusReason"] == {"text": "no capacity before spring"}
    assert dana.row(ROUTINE_REFERRAL) is None


def test_claiming_makes_the_teams_item_hers_and_changes_nothing_else(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = held(clinic, TEAM_FOLLOW_UP)
    dana.claim(TEAM_FOLLOW_UP)
    assert dana.sync().ok
    after = held(clinic, TEAM_FOLLOW_UP)
    assert after["owner"] == {"reference": ME, "display": "Dana Whitfield"}
    assert text_of(after, "owner") == text_of(before, "owner")


def test_what_she_does_for_a_colleague_whom_she_covers_stays_the_colleagues(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.assign(UNDATED_FOLLOW_UP, to="Priya Raman")
    assert dana.sync().ok
    before = held(clinic, UNDATED_FOLLOW_UP)
    dana.cover("Priya Raman", "3bd")
    assert dana.shown(UNDATED_FOLLOW_UP).covered_for == "Priya R."
    dana.done(UNDATED_FOLLOW_UP)
    assert dana.sync().ok
    after = held(clinic, UNDATED_FOLLOW_UP)
    assert after["status"] == "completed"
    assert after["owner"]["reference"] == "Practitioner/priya-raman"
    assert text_of(after, *OWN_STATUS) == text_of(before, *OWN_STATUS)


def test_items_are_assigned_to_a_colleague_and_to_a_team(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.assign(OVERDUE_FOLLOW_UP, to="Priya Raman")
    dana.assign(UNDATED_FOLLOW_UP, to="Mobile Crisis")
    assert dana.sync().ok
    owners = [held(clinic, item)["owner"] for item in (OVERDUE_FOLLOW_UP, UNDATED_FOLLOW_UP)]
    assert owners == [
        {"reference": "Practitioner/priya-raman", "display": "Priya Raman"},
        {"reference": "CareTeam/mobile-crisis", "display": "Mobile Crisis"},
    ]
    assert status(clinic, OVERDUE_FOLLOW_UP) == status(clinic, UNDATED_FOLLOW_UP) == "requested"


def test_done_completes_a_follow_up(dana: Clinician, clinic: FhirServer) -> None:
    dana.done(OVERDUE_FOLLOW_UP)
    assert dana.row(OVERDUE_FOLLOW_UP) is None
    assert dana.sync().ok
    assert status(clinic, OVERDUE_FOLLOW_UP) == "completed"


def test_contacts_are_logged_as_reached_left_message_and_no_answer(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.log(UNDATED_FOLLOW_UP, outcome="reached")
    dana.log(TEAM_FOLLOW_UP, outcome="left message")
    dana.log(ROUTINE_REFERRAL, outcome="no answer")
    assert dana.sync().ok
    (reached,) = of_client(clinic, "Communication", "client-10")
    (message,) = of_client(clinic, "Communication", "client-09")
    (nothing,) = of_client(clinic, "Communication", "client-02")
    assert [one["status"] for one in (reached, message, nothing)] == [
        "completed",
        "not-done",
        "not-done",
    ]
    assert code(reached["statusReason"]) == "reached"
    assert code(message["statusReason"]) == "left-message"
    assert code(nothing["statusReason"]) == "no-answer"
    for contact, item in (
        (reached, UNDATED_FOLLOW_UP),
        (message, TEAM_FOLLOW_UP),
        (nothing, ROUTINE_REFERRAL),
    ):
        assert contact["sender"]["reference"] == ME
        assert {"reference": item} in contact["about"]
        assert versions(clinic, item) == 1


def test_reaching_a_client_after_a_discharge_meets_it(dana: Clinician, clinic: FhirServer) -> None:
    dana.log(DISCHARGE, outcome="reached")
    assert dana.row(DISCHARGE) is None
    assert dana.sync().ok
    (contact,) = of_client(clinic, "Communication", "client-05")
    assert (contact["status"], contact["about"]) == ("completed", [{"reference": DISCHARGE}])
    assert dana.row(DISCHARGE) is None
    assert [one["id"] for one in of_client(clinic, "Task", "client-05")] == ["referral-declined"]


def test_a_snooze_is_on_the_server_until_it_is_taken_back(
    dana: Clinician, clinic: FhirServer, now: datetime
) -> None:
    before = held(clinic, UNDATED_FOLLOW_UP)
    until = (now + timedelta(days=2)).replace(microsecond=0)
    dana.snooze(UNDATED_FOLLOW_UP, until=until.isoformat())
    assert dana.sync().ok
    asleep = held(clinic, UNDATED_FOLLOW_UP)
    (own,) = [one for one in asleep["extension"] if one["url"] == SNOOZED_UNTIL]
    assert datetime.fromisoformat(own["valueDateTime"]) == until
    dana.undo()
    assert dana.sync().ok
    assert text_of(held(clinic, UNDATED_FOLLOW_UP)) == text_of(before)


def test_a_note_is_added_beside_the_others(dana: Clinician, clinic: FhirServer) -> None:
    (there,) = held(clinic, UNDATED_FOLLOW_UP)["note"]
    dana.note(UNDATED_FOLLOW_UP, text="Sister answers after six")
    assert dana.sync().ok
    first, mine = held(clinic, UNDATED_FOLLOW_UP)["note"]
    assert first == there
    assert mine["text"] == "Sister answers after six"
    assert mine["authorReference"]["reference"] == ME
    assert mine["id"]  # by which it is known again, whatever else has the same words


def test_the_priority_is_set(dana: Clinician, clinic: FhirServer) -> None:
    dana.prioritize(ROUTINE_REFERRAL, to="urgent")
    assert dana.sync().ok
    assert held(clinic, ROUTINE_REFERRAL)["priority"] == "urgent"
    assert status(clinic, ROUTINE_REFERRAL) == "requested"


def test_handing_off_asks_the_receiver_with_all_that_he_needs_to_know(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.hand_off(
        UNDATED_FOLLOW_UP,
        to="Mobile Crisis",
        severity="watcher",
        summary="Stopped his medication",
        actions="See him tonight; if he does not open, call his sister",
    )
    assert dana.sync().ok
    (handoff,) = [
        one for one in of_client(clinic, "Task", "client-10") if code(one["code"]) == "handoff"
    ]
    assert (handoff["status"], handoff["intent"]) == ("requested", "order")
    assert handoff["requester"]["reference"] == ME
    assert handoff["owner"]["reference"] == "CareTeam/mobile-crisis"
    assert handoff["focus"] == {"reference": UNDATED_FOLLOW_UP}
    said = {code(one["type"]): one["valueString"] for one in handoff["input"]}
    assert said == {
        "illness-severity": "watcher",
        "patient-summary": "Stopped his medication",
        "action-list": "See him tonight; if he does not open, call his sister",
    }
    assert versions(clinic, UNDATED_FOLLOW_UP) == 1


def test_a_new_follow_up_has_its_due_date_and_is_hers(
    dana: Clinician, clinic: FhirServer, now: datetime
) -> None:
    due = (now + timedelta(days=3)).replace(microsecond=0)
    dana.plan(ROUTINE_REFERRAL, text="Call the school", until=due.isoformat())
    assert dana.sync().ok
    tasks = of_client(clinic, "Task", "client-02")
    (planned,) = [task for task in tasks if task.get("description") == "Call the school"]
    assert datetime.fromisoformat(planned["restriction"]["period"]["end"]) == due
    assert planned["owner"]["reference"] == ME
    assert planned["status"] == "accepted"
    assert "restriction" not in held(clinic, ROUTINE_REFERRAL)


def test_acting_on_a_request_without_a_task_makes_exactly_one(
    dana: Clinician, clinic: FhirServer
) -> None:
    request = held(clinic, LONE_REFERRAL)
    dana.accept(LONE_REFERRAL)
    assert dana.sync().ok
    dana.note(LONE_REFERRAL, text="Called the ward")
    assert dana.sync().ok
    (task,) = of_client(clinic, "Task", "client-07")
    assert task["focus"]["reference"] == LONE_REFERRAL
    assert code(task["code"]) == "fulfill"
    assert (task["status"], task["owner"]["reference"]) == ("accepted", ME)
    assert task["requester"]["reference"] == "Organization/harbor-hospital"
    assert [note["text"] for note in task["note"]] == ["Called the ward"]
    assert held(clinic, LONE_REFERRAL) == request


def test_acting_on_an_authorization_makes_one_companion(
    dana: Clinician, clinic: FhirServer
) -> None:
    granted = held(clinic, ENDING_AUTHORIZATION)
    dana.claim(ENDING_AUTHORIZATION)
    dana.note(ENDING_AUTHORIZATION, text="Asked for 12 more sessions")
    assert dana.sync().ok
    about = [{"url": ABOUT, "valueReference": {"reference": ENDING_AUTHORIZATION}}]
    tasks = of_client(clinic, "Task", "client-02")
    (task,) = [task for task in tasks if task.get("extension") == about]
    (identifier,) = task["identifier"]
    assert identifier["system"] == IDENTIFIER
    assert ENDING_AUTHORIZATION in identifier["value"]
    assert task["owner"]["reference"] == ME
    assert [note["text"] for note in task["note"]] == ["Asked for 12 more sessions"]
    assert held(clinic, ENDING_AUTHORIZATION) == granted


def test_what_carequeue_does_not_know_survives_its_writes(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = change(
        clinic,
        UNDATED_FOLLOW_UP,
        _status={"extension": [{"url": "https://vendor.example/why", "valueCode": "auto"}]},
        contained=[{"resourceType": "Basic", "id": "b1", "code": {"text": "vendor's own"}}],
        modifierExtension=[{"url": "https://vendor.example/queue", "valueInteger": 7}],
        groupIdentifier={"system": "https://vendor.example/group", "value": "G-1"},
    )
    assert dana.sync().ok
    dana.note(UNDATED_FOLLOW_UP, text="Called")
    dana.prioritize(UNDATED_FOLLOW_UP, to="asap")
    dana.assign(UNDATED_FOLLOW_UP, to="Priya Raman")
    dana.done(UNDATED_FOLLOW_UP, met="others did it")
    assert dana.sync().ok
    after = held(clinic, UNDATED_FOLLOW_UP)
    own = (*OWN_STATUS, "owner", "priority", "note")
    assert text_of(after, *own) == text_of(before, *own)
    assert after["note"][0] == before["note"][0]
    assert (after["status"], after["priority"]) == ("completed", "asap")
