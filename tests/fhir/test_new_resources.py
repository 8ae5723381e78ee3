"""The resources that decisions create."""

from __future__ import annotations

from itertools import count

import pytest

from carequeue.fhir import codes, values
from carequeue.fhir.new_resources import NewResources, reference_to
from carequeue.fhir.task_facts import is_companion
from tests.fhir.clinic import DANA, HARBOR, NOW, US, only, ref, request, task


def new(*resources: object) -> NewResources:
    numbers = count(1)
    return NewResources(only(*(resources or (task(),))), US, NOW, lambda: f"new-{next(numbers)}")


def test_only_the_task_that_stands_for_an_item_has_the_key_of_the_item() -> None:
    lone = new(request("s3", requester=ref(HARBOR), code={"text": "Lone request"}))
    companion = lone.companion_task()
    assert values.identifier_value(companion, codes.IDENTIFIER) == "ServiceRequest/s3"
    assert is_companion(companion)
    follow_up = lone.own_task("Call", "2026-03-10T14:00:00+00:00")
    assert values.identifier_value(follow_up, codes.IDENTIFIER) == follow_up["id"]
    assert not is_companion(follow_up)


def test_a_due_date_stands_on_our_own_task_alone() -> None:
    made = new()
    until = "2026-03-10T14:00:00+00:00"
    assert made.own_task("Call", until)["restriction"] == {"period": {"end": until}}
    assert "restriction" not in made.companion_task()
    assert "restriction" not in made.handoff_task(ref(DANA), "stat", {})


def test_a_handoff_leaves_out_what_was_not_said() -> None:
    content = {codes.SUMMARY: "Steady", codes.ACTIONS: ""}
    made = new().handoff_task(ref(DANA), "urgent", content)
    assert [entry["valueString"] for entry in made["input"]] == ["Steady"]
    assert (made["priority"], made["owner"]) == ("urgent", ref(DANA))


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("reached", "completed"), ("no answer", "not-done"), ("letter sent", "completed")],
)
def test_a_contact_that_reached_nobody_was_not_done(outcome: str, status: str) -> None:
    contact = new().contact(outcome, "  ")
    assert (contact["status"], contact["statusReason"]["text"]) == (status, outcome)
    assert "payload" not in contact


def test_a_reference_without_a_name_has_no_display() -> None:
    assert reference_to("Patient/1", "") == {"reference": "Patient/1"}
    assert reference_to("Patient/1", "Ana") == {"reference": "Patient/1", "display": "Ana"}
