"""The acts on referrals: what each writes in full, and what comes of it.

Codes stand here as they go over the wire; the clinic is `tests/servers/small_clinic.py`. What goes
wrong on the way is in `test_every_verb.py`.
"""

from __future__ import annotations

import pytest

from tests.contract.client import Clinician
from tests.contract.effects import held_of
from tests.contract.server import change, held, of_client, status
from tests.servers.harness import FhirServer, Resource
from tests.servers.small_clinic import (
    ACCEPTED_REFERRAL,
    ME,
    PARTNER,
    QUESTIONED_REFERRAL,
    ROUTINE_REFERRAL,
    UNANSWERED_REFERRAL,
)

MESSAGE = "https://carequeue.dev/fhir/CodeSystem/message"
TRIAGE = "https://carequeue.dev/fhir/CodeSystem/triage"
BUSINESS_STATUS = "https://carequeue.dev/fhir/CodeSystem/business-status"
TASK_STATUS = "http://hl7.org/fhir/task-status"


def client_of(clinic: FhirServer, item: str) -> str:
    return str(held(clinic, item)["for"]["reference"].removeprefix("Patient/"))


def messages(clinic: FhirServer, item: str) -> list[Resource]:
    """The messages to partners about a client that the server holds."""
    return [
        communication
        for communication in of_client(clinic, "Communication", client_of(clinic, item))
        if any(
            coding["system"] == MESSAGE
            for category in communication.get("category", [])
            for coding in category["coding"]
        )
    ]


def triages(clinic: FhirServer, item: str) -> list[Resource]:
    client = f"Patient/{client_of(clinic, item)}"
    return [
        observation
        for observation in clinic.found("Observation?_count=200")
        if observation["subject"]["reference"] == client
        and observation["code"]["coding"][0]["system"] == TRIAGE
    ]


def codes(message: Resource) -> list[tuple[str, str]]:
    codings = [category["coding"][0] for category in message["category"]]
    return [(coding["system"], coding["code"]) for coding in codings]


def test_a_reminder_goes_to_the_partner_and_changes_nothing_else(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = held(clinic, UNANSWERED_REFERRAL)
    dana.act("remind", UNANSWERED_REFERRAL)
    assert dana.sync().sent == 1
    (message,) = messages(clinic, UNANSWERED_REFERRAL)
    assert codes(message) == [(MESSAGE, "reminder"), (TASK_STATUS, before["status"])]
    assert [recipient["reference"] for recipient in message["recipient"]] == [PARTNER]
    assert message["sender"]["reference"] == ME
    assert {about["reference"] for about in message["about"]} >= {UNANSWERED_REFERRAL}
    assert message["payload"][0]["contentString"].startswith("Please tell us")
    assert held(clinic, UNANSWERED_REFERRAL) == before


def test_a_withdrawal_before_work_began_cancels_the_task(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.act("withdraw", UNANSWERED_REFERRAL, reason="client declined")
    assert dana.sync().ok
    after = held(clinic, UNANSWERED_REFERRAL)
    assert (after["status"], after["statusReason"]) == ("cancelled", {"text": "client declined"})
    assert dana.row(UNANSWERED_REFERRAL) is None


def test_a_withdrawal_of_work_that_began_asks_the_partner_to_stop(
    dana: Clinician, clinic: FhirServer
) -> None:
    change(clinic, UNANSWERED_REFERRAL, status="in-progress")
    assert dana.sync().ok
    dana.act("withdraw", UNANSWERED_REFERRAL, reason="found another place")
    assert dana.sync().ok
    assert status(clinic, UNANSWERED_REFERRAL) == "in-progress"
    tasks = of_client(clinic, "Task", client_of(clinic, UNANSWERED_REFERRAL))
    (abort,) = [
        task for task in tasks if task.get("focus", {}).get("reference") == UNANSWERED_REFERRAL
    ]
    assert abort["code"]["coding"][0]["code"] == "abort"
    assert (abort["status"], abort["reasonCode"]) == ("requested", {"text": "found another place"})
    assert abort["owner"]["reference"] == PARTNER
    change(clinic, f"Task/{abort['id']}", status="rejected")
    assert dana.sync().ok
    assert "goes on, although asked to stop" in dana.shown(UNANSWERED_REFERRAL).title


def test_an_answer_gives_the_move_back_to_the_partner(dana: Clinician, clinic: FhirServer) -> None:
    before = held(clinic, QUESTIONED_REFERRAL)
    dana.act("answer", QUESTIONED_REFERRAL, text="Medicaid, number on file")
    assert dana.sync().ok
    (message,) = messages(clinic, QUESTIONED_REFERRAL)
    assert codes(message)[0] == (MESSAGE, "answer")
    assert message["payload"] == [{"contentString": "Medicaid, number on file"}]
    after = held(clinic, QUESTIONED_REFERRAL)
    assert (after["status"], after["owner"]) == (before["status"], before["owner"])
    (coding,) = after["businessStatus"]["coding"]
    assert (coding["system"], coding["code"]) == (BUSINESS_STATUS, "information-sent")


def test_a_question_goes_to_the_sender_and_the_referral_waits(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = held(clinic, ROUTINE_REFERRAL)
    dana.act("ask", ROUTINE_REFERRAL, text="Which medication?")
    assert dana.sync().ok
    (message,) = messages(clinic, ROUTINE_REFERRAL)
    assert codes(message)[0] == (MESSAGE, "question")
    assert message["recipient"][0]["reference"] == before["requester"]["reference"]
    after = held(clinic, ROUTINE_REFERRAL)
    assert after["status"] == before["status"]
    assert after["businessStatus"]["coding"] == [{"code": "awaiting-information"}]


def test_a_hold_has_its_reason_and_its_end_and_can_be_taken_up_again(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.act("hold", ACCEPTED_REFERRAL, reason="client away", until="3bd")
    assert dana.sync().ok
    after = held(clinic, ACCEPTED_REFERRAL)
    assert (after["status"], after["statusReason"]) == ("on-hold", {"text": "client away"})
    dana.act("resume", ACCEPTED_REFERRAL)
    assert dana.sync().ok
    after = held(clinic, ACCEPTED_REFERRAL)
    assert after["status"] == "in-progress"
    assert "statusReason" not in after
    assert "snoozed-until" not in str(after.get("extension", ""))


@pytest.mark.parametrize("alone", [False, True], ids=["with a request", "a Task alone"])
def test_a_booked_visit_names_what_it_is_for_and_the_row_says_so(
    dana: Clinician, clinic: FhirServer, alone: bool
) -> None:
    task = held(clinic, ACCEPTED_REFERRAL)
    if alone:
        change(clinic, ACCEPTED_REFERRAL, focus=None, description="Outpatient therapy, intake")
        assert dana.sync().ok
    before = held_of(clinic)
    dana.act("schedule", ACCEPTED_REFERRAL, at="3bd")
    title = "See the client: Outpatient therapy, intake"
    assert dana.shown(ACCEPTED_REFERRAL).title == title
    assert dana.sync().ok
    assert dana.shown(ACCEPTED_REFERRAL).title == title
    after = held_of(clinic)
    (new,) = after.keys() - before.keys()
    visit = after[new]
    assert (visit["resourceType"], visit["status"]) == ("Appointment", "booked")
    if alone:
        assert visit["supportingInformation"] == [{"reference": ACCEPTED_REFERRAL}]
        assert "basedOn" not in visit
    else:
        assert visit["basedOn"] == [task["focus"]]


def test_a_triage_is_an_observation_of_the_request(dana: Clinician, clinic: FhirServer) -> None:
    known = len(triages(clinic, ROUTINE_REFERRAL))
    dana.act("triage", ROUTINE_REFERRAL, level="c", risk="y")
    assert dana.sync().ok
    triage = triages(clinic, ROUTINE_REFERRAL)[known:][-1]
    assert triage["valueCodeableConcept"]["coding"] == [{"system": TRIAGE, "code": "crisis"}]
    assert triage["component"][0]["valueBoolean"] is True
    assert triage["basedOn"] == [held(clinic, ROUTINE_REFERRAL)["focus"]]
    assert triage["performer"][0]["reference"] == ME
