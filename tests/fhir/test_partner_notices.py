"""Who is told of an undo, and in which words: from an intent and a row alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Kind, Party, Us, WorkItem
from carequeue.fhir import codes
from carequeue.fhir.partner_notices import changes_status, may_be_told, sentence, told_of
from tests.domain.builders import item
from tests.sync.parts import create, decision

ZONE = ZoneInfo("America/Chicago")
US = Us(me="Practitioner/dana", people=frozenset({"CareTeam/access"}))
HARBOR = Party("Organization/harbor", "Harbor Primary Care")
OURS = Party("CareTeam/access", "Access", ours=True)


def status(to: str, seen: str = "requested", **args: Any) -> Intent:
    return replace(decision(IntentKind.SET_STATUS, to=to, **args), seen={"status": seen})


def made(kind: str, **elements: Any) -> Intent:
    resource = {"resourceType": kind, "id": "new", **elements}
    return replace(create(), target_type=kind, args={"resource": resource})


def row(kind: Kind = Kind.REFERRAL, **fields: Any) -> WorkItem:
    return item(kind, requester=HARBOR, owner=OURS, **fields)


def message(code: str, **elements: Any) -> Intent:
    category = [{"coding": [{"system": codes.MESSAGE, "code": code}]}]
    recipient = [{"reference": HARBOR.reference, "display": HARBOR.name}]
    return made("Communication", category=category, recipient=recipient, **elements)


class TestWhatMayBeTold:
    def test_a_status_only_if_the_act_changed_it(self) -> None:
        assert changes_status(status("accepted"))
        assert not changes_status(status("requested"))

    def test_not_a_status_that_was_left_to_a_later_decision(self) -> None:
        assert not changes_status(status("accepted", given_up=["status"]))

    @pytest.mark.parametrize("code", [codes.REMINDER, codes.QUESTION, codes.ANSWER])
    def test_a_message_and_no_call_and_no_contact(self, code: str) -> None:
        assert may_be_told(message(code))
        assert not may_be_told(message(codes.CALL))
        assert not may_be_told(made("Communication", status="completed"))

    def test_a_task_but_none_that_stands_for_an_item(self) -> None:
        assert may_be_told(create())
        assert not may_be_told(create(identifier="ServiceRequest/s3"))

    @pytest.mark.parametrize("kind", ["Observation", "Appointment", "ServiceRequest", "Encounter"])
    def test_no_other_resource(self, kind: str) -> None:
        assert not may_be_told(made(kind))


class TestWhoIsTold:
    def test_the_sides_of_the_item_that_are_not_ours(self) -> None:
        assert told_of(status("accepted"), row(), US, "") == (HARBOR,)
        assert told_of(status("accepted"), None, US, "") == ()

    @pytest.mark.parametrize("person", ["Patient/c1", "RelatedPerson/mother"])
    def test_never_the_client_or_a_relative(self, person: str) -> None:
        asked = item(Kind.REFERRAL, requester=Party(person, "Amara"), owner=OURS)
        assert told_of(status("accepted"), asked, US, "") == ()

    def test_never_a_payer(self) -> None:
        assert told_of(status("completed"), row(Kind.AUTHORIZATION), US, "") == ()

    def test_of_a_task_its_owner_if_the_owner_is_no_team_of_ours(self) -> None:
        partner = {"reference": HARBOR.reference, "display": HARBOR.name}
        assert told_of(made("Task", owner=partner), None, US, "") == (HARBOR,)
        ours = {"reference": "CareTeam/access"}
        assert told_of(made("Task", owner=ours), None, US, "") == ()

    @pytest.mark.parametrize("broken", [None, "Harbor", 7, [], [None, {"reference": 3}], {}])
    def test_nobody_where_the_record_names_nobody(self, broken: Any) -> None:
        assert told_of(made("Task", owner=broken), None, US, "") == ()
        assert told_of(made("Communication", recipient=broken), None, US, "") == ()


class TestTheWords:
    @pytest.mark.parametrize(
        ("to", "now", "words"),
        [
            ("rejected", "requested", "We reopened this referral, which we had declined."),
            (
                "in-progress", "accepted",
                "This referral is open again. Please disregard that we had started it.",
            ),
            (
                "ready", "on-hold",
                "This referral is on hold again. Please disregard that we had set it to ready.",
            ),
        ],
    )  # fmt: skip
    def test_are_a_reopening_only_where_the_act_had_closed_it(
        self, to: str, now: str, words: str
    ) -> None:
        assert sentence(status(to), row(status=now), ZONE) == words

    def test_name_the_kind_of_item(self) -> None:
        assert "this task" in sentence(status("completed"), row(Kind.FOLLOW_UP), ZONE)
        assert "this handoff" in sentence(status("rejected"), row(Kind.HANDOFF), ZONE)

    def test_have_the_day_of_a_message_in_the_zone_of_the_site(self) -> None:
        sent = message(codes.REMINDER, sent="2026-03-10T03:00:00Z")
        assert sentence(sent, None, ZONE) == (
            "Our message of March 9, 2026 was withdrawn. Please disregard it."
        )

    def test_leave_out_a_day_that_cannot_be_read(self) -> None:
        sent = message(codes.REMINDER, sent="yesterday")
        assert sentence(sent, None, ZONE) == "Our message was withdrawn. Please disregard it."
