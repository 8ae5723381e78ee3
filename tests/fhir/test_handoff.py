"""Handoffs: closed only when the receiver has read them back."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.items import Kind, Mover
from carequeue.fhir import codes
from tests.fhir.clinic import DANA, NOEL, handoff, i_pass, none, only, read, ref, request

READ_BACK = [i_pass(codes.READ_BACK, "Read back: call tonight")]


def test_a_handoff_to_me_is_mine_to_acknowledge() -> None:
    item = only(handoff())
    assert item.kind is Kind.HANDOFF
    assert item.title == "Acknowledge handoff from Noel Ortiz"
    assert item.move.who is Mover.ME
    assert "severity:unstable" in item.flags
    assert item.facts["sent_at"] == item.facts["authored_at"]
    assert item.about == "Left the ED an hour ago\nCall tonight"


def test_a_handoff_that_i_sent_waits_for_its_receiver() -> None:
    item = only(handoff(requester=ref(DANA), owner=ref(NOEL)))
    assert item.title == "Noel Ortiz to acknowledge your handoff"
    assert item.move.who is Mover.TEAM


def test_a_handoff_that_was_read_back_is_closed() -> None:
    assert none(handoff(status="accepted", output=READ_BACK))


def test_accepted_without_a_read_back_is_not_yet_acknowledged() -> None:
    item = only(handoff(status="accepted"))
    assert "acknowledged_at" not in item.facts
    assert "accepted" in item.flags


@pytest.mark.parametrize("status", ["completed", "cancelled", "entered-in-error", "draft"])
def test_what_is_over_or_withdrawn_has_no_row(status: str) -> None:
    assert none(handoff(status=status))


def test_a_refused_handoff_is_the_senders_again() -> None:
    item = only(handoff(requester=ref(DANA), owner=ref(NOEL), status="rejected"))
    assert item.move.who is Mover.ME
    assert item.title == "Find somebody else: Noel Ortiz cannot take this client over"
    assert "declined_at" in item.facts


def test_a_question_turns_the_move_back_to_the_sender() -> None:
    waiting = {"coding": [{"code": codes.AWAITING_INFORMATION}]}
    item = only(handoff(businessStatus=waiting, requester=ref(DANA), owner=ref(NOEL)))
    assert item.move.who is Mover.ME
    assert item.title == "Answer Noel Ortiz’s question on the handoff"
    assert "info_asked_at" in item.facts


@pytest.mark.parametrize(
    ("inputs", "mark"),
    [
        ([], "severity:stable"),
        ([i_pass(codes.SEVERITY, " Watcher ")], "severity:watcher"),
        ([i_pass(codes.SEVERITY, "rather bad")], "severity:watcher"),
    ],
)
def test_a_severity_that_cannot_be_read_is_watched(inputs: Any, mark: str) -> None:
    assert mark in only(handoff(input=inputs)).flags


def test_a_handoff_about_a_request_does_not_hide_the_request() -> None:
    found = read(request(), handoff(focus=ref("ServiceRequest/s1")))
    assert {item.kind for item in found.items} == {Kind.HANDOFF, Kind.REFERRAL}
