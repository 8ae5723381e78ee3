"""What messages between us and a partner say of a referral, from FHIR JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.domain.items import Mover
from carequeue.fhir import codes
from carequeue.fhir.partner_messages import is_cancellation_request, is_message
from tests.fhir.clinic import (
    CLINIC,
    DANA,
    HARBOR,
    contact,
    none,
    only,
    ref,
    referral,
    request,
    task,
)

REMINDER = {"coding": [{"system": codes.MESSAGE, "code": codes.REMINDER}]}
SENT_AT = "2026-03-08T15:00:00Z"


def state(status: str) -> dict[str, Any]:
    return {"coding": [{"system": codes.TASK_STATUS, "code": status}]}


def reminder(status: str = "requested", **elements: Any) -> dict[str, Any]:
    """A reminder to Harbor about the referral, sent in this state of it."""
    basic: dict[str, Any] = {
        "category": [REMINDER, state(status)],
        "sender": ref(DANA),
        "recipient": [ref(HARBOR)],
        "about": [ref("Task/r1")],
        "medium": None,
    }
    return contact(**{**basic, **elements})


def sent_out(*others: dict[str, Any], **elements: Any) -> Any:
    """The row of a referral that we sent to Harbor."""
    asked = request(requester=ref(CLINIC))
    return only(referral(CLINIC, HARBOR, id="r1", **elements), asked, *others)


def abort(status: str, **elements: Any) -> dict[str, Any]:
    """Our Task that asks Harbor to stop."""
    code = {"coding": [{"system": codes.TASK_CODE_HL7, "code": codes.ABORT}]}
    basic: dict[str, Any] = {
        "status": status, "code": code, "focus": ref("Task/r1"), "owner": ref(HARBOR),
        "requester": ref(CLINIC), "authoredOn": SENT_AT,
    }  # fmt: skip
    return task("abort", **{**basic, **elements})


def test_a_reminder_is_known_with_its_time() -> None:
    item = sent_out(reminder())
    assert item.facts["reminded_at"] == datetime(2026, 3, 8, 15, tzinfo=UTC)
    assert "reminded" in item.flags


@pytest.mark.parametrize("status", ["rejected", "failed", "cancelled"])
def test_a_call_about_what_the_partner_ended_is_no_reminder(status: str) -> None:
    """The next step is ours: nobody is to be called because a reminder was not answered."""
    call = {"coding": [{"system": codes.MESSAGE, "code": codes.CALL}]}
    item = sent_out(reminder(category=[call, state(status)]), status=status)
    assert "reminded_at" not in item.facts
    assert "reminded" not in item.flags


def test_a_call_about_the_partners_question_is_no_reminder() -> None:
    waiting = {"coding": [{"code": codes.AWAITING_INFORMATION}]}
    item = sent_out(reminder("received"), status="received", businessStatus=waiting)
    assert item.move.who is not Mover.PARTNER
    assert "reminded_at" not in item.facts


def test_whom_we_asked_to_stop_owes_us_the_answer_and_not_we_theirs() -> None:
    item = sent_out(abort("requested"), status="on-hold")
    assert item.move.who is Mover.PARTNER
    assert "info_asked_at" not in item.facts
    assert "reply_awaited_at" in item.facts


@pytest.mark.parametrize(
    "message",
    [
        reminder("accepted"),
        reminder(about=[ref("Task/other")]),
        reminder() | {"status": "entered-in-error"},
        reminder(category=[state("requested")]),
    ],
    ids=["sent in another state", "about another Task", "undone", "no reminder"],
)
def test_no_reminder_of_this_state(message: dict[str, Any]) -> None:
    assert "reminded_at" not in sent_out(message).facts


def test_a_reminder_is_no_contact_with_the_client() -> None:
    assert is_message(reminder())
    assert not is_message(contact())
    assert not sent_out(reminder()).facts.keys() & {"contacted_at", "attempted_at"}


@pytest.mark.parametrize(
    ("status", "flag", "mover"),
    [
        ("requested", "withdrawal:asked", Mover.PARTNER),
        ("in-progress", "withdrawal:asked", Mover.PARTNER),
        ("rejected", "withdrawal:refused", None),
        ("completed", "", None),
        ("entered-in-error", "", None),
    ],
)
def test_the_answer_to_a_request_to_stop_is_shown(
    status: str, flag: str, mover: Mover | None
) -> None:
    item = sent_out(abort(status), status="in-progress")
    assert {word for word in item.flags if word.startswith("withdrawal:")} == {flag} - {""}
    assert mover is None or item.move.who is mover


def test_the_latest_request_to_stop_counts() -> None:
    earlier = abort("rejected", id="first", authoredOn="2026-03-07T15:00:00Z")
    item = sent_out(earlier, abort("requested"), status="in-progress")
    assert "withdrawal:asked" in item.flags


def test_our_request_to_stop_has_no_row_of_its_own() -> None:
    """A request to stop what is no longer there has its own row, so that nothing is hidden."""
    assert is_cancellation_request(abort("requested"))
    assert not is_cancellation_request(task())
    assert sent_out(abort("requested"), status="in-progress").target.id == "r1"
    assert not none(abort("requested"))


def test_the_senders_message_ends_our_wait() -> None:
    waiting = {"coding": [{"code": codes.AWAITING_INFORMATION}]}
    came_in = referral(
        HARBOR, DANA, id="r1", businessStatus=waiting, lastModified="2026-03-07T15:00:00Z"
    )
    asked = request(requester=ref(HARBOR))
    assert only(came_in, asked).move.who is Mover.PARTNER
    answer = contact(sender=ref(HARBOR), recipient=[ref(DANA)], about=[ref("Task/r1")], medium=None)
    assert only(came_in, asked, answer).move.who is Mover.ME
    older = answer | {"sent": "2026-03-06T15:00:00Z"}
    assert only(came_in, asked, older).move.who is Mover.PARTNER
