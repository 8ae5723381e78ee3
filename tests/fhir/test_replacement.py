"""The request that replaces one that a partner did not fulfill."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.items import ResourceRef
from carequeue.fhir.chart import Resource
from carequeue.fhir.replacement import differing, replacing
from carequeue.fhir.task_facts import is_companion
from tests.fhir.clinic import CLINIC, DANA, HARBOR, NOEL, ref, request, task

OLD = request(
    requester=ref(CLINIC), performer=[ref(HARBOR)], reasonCode=[{"text": "No place to stay"}],
    identifier=[{"system": "https://harbor.example", "value": "7"}],
)  # fmt: skip
ABOUT = ResourceRef("main", "ServiceRequest", "s1")


def pair() -> tuple[Resource, Resource]:
    new = {"resourceType": "ServiceRequest", "id": "n1", "performer": [ref("Organization/shelter")]}
    return new, {"resourceType": "Task", "id": "n2"}


def identifiers(pair: tuple[Resource, Resource]) -> list[str]:
    return [resource["identifier"][0]["value"] for resource in pair]


def test_it_asks_for_the_same_of_somebody_else() -> None:
    made, _ = replacing(OLD, ABOUT, pair(), frozenset())
    assert made["replaces"] == [{"reference": "ServiceRequest/s1"}]
    assert (made["code"], made["reasonCode"]) == (OLD["code"], OLD["reasonCode"])
    assert made["performer"] == [ref("Organization/shelter")]
    made["reasonCode"][0]["text"] = "changed"
    assert OLD["reasonCode"] == [{"text": "No place to stay"}]


def test_two_people_make_one() -> None:
    first, second = (replacing(OLD, ABOUT, pair(), frozenset()) for _ in range(2))
    assert identifiers(first) == identifiers(second)
    assert len(set(identifiers(first))) == 2


def test_one_that_was_entered_in_error_is_not_taken_for_the_new_one() -> None:
    used = identifiers(replacing(OLD, ABOUT, pair(), frozenset()))
    again = identifiers(replacing(OLD, ABOUT, pair(), frozenset(used)))
    assert not set(again) & set(used)


def test_a_task_alone_replaces_no_request() -> None:
    made, _ = replacing({}, ResourceRef("main", "Task", "t1"), pair(), frozenset())
    assert "replaces" not in made


def test_its_task_stands_for_no_other_item_so_that_an_undo_ends_it() -> None:
    _, task = replacing(OLD, ABOUT, pair(), frozenset())
    assert not is_companion(task)


SHELTER = "Organization/shelter"
AT = "2026-03-09T14:00:00Z"


def sent_on(kind: str, to: str, by: str = DANA, at: str = AT, **elements: Any) -> Resource:
    """The new request, or its Task, of one person's act."""
    made = {"resourceType": kind, "requester": ref(by), "authoredOn": at}
    receiver = {"performer": [ref(to)]} if kind == "ServiceRequest" else {"owner": ref(to)}
    new, new_task = replacing(OLD, ABOUT, ({**made, **receiver}, {**made, **receiver}), frozenset())
    return {**(new if kind == "ServiceRequest" else new_task), **elements}


@pytest.mark.parametrize(("kind", "element"), [("ServiceRequest", "performer"), ("Task", "owner")])
class TestTwoPeoplesNewRequests:
    def test_differ_in_the_partner_whom_they_chose(self, kind: str, element: str) -> None:
        assert differing(sent_on(kind, SHELTER), sent_on(kind, HARBOR, NOEL)) == (element,)

    @pytest.mark.parametrize(
        "theirs", [SHELTER, f"https://fhir.example/r4/{SHELTER}"], ids=["relative", "absolute"]
    )
    def test_are_one_for_the_same_partner(self, kind: str, element: str, theirs: str) -> None:
        assert differing(sent_on(kind, SHELTER), sent_on(kind, theirs, NOEL)) == ()

    def test_are_one_where_the_partner_has_passed_ours_on(self, kind: str, element: str) -> None:
        """The reply to ours was lost, and the partner wrote on it before it was read back."""
        passed = sent_on(kind, "PractitionerRole/r1", at="2026-03-09T09:00:00-05:00")
        assert differing(sent_on(kind, SHELTER), passed) == ()
        later = sent_on(kind, "PractitionerRole/r1", at="2026-03-09T09:00:01-05:00")
        assert differing(sent_on(kind, SHELTER), later) == (element,)

    def test_differ_where_theirs_was_entered_in_error(self, kind: str, element: str) -> None:
        void = sent_on(kind, SHELTER, NOEL, status="entered-in-error")
        assert differing(sent_on(kind, SHELTER), void) == ("status",)

    @pytest.mark.parametrize(
        "hostile", [None, "x", 7, {}, [], [None, 7, {"reference": 9}], {"reference": ""}]
    )
    def test_whose_partner_cannot_be_read_are_taken_for_one(
        self, kind: str, element: str, hostile: Any
    ) -> None:
        assert differing(sent_on(kind, SHELTER), sent_on(kind, HARBOR, **{element: hostile})) == ()


def test_what_replaces_no_request_differs_in_nothing() -> None:
    mine = request(performer=[ref(SHELTER)], identifier=[{"value": "replaces-request:x"}])
    assert differing(mine, request(performer=[ref(HARBOR)], requester=ref(NOEL))) == ()
    assert differing(task(owner=ref(DANA)), task(owner=ref(NOEL))) == ()
