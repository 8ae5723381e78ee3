"""The request that replaces one that a partner did not fulfill."""

from __future__ import annotations

from carequeue.domain.items import ResourceRef
from carequeue.fhir.chart import Resource
from carequeue.fhir.replacement import replacing
from carequeue.fhir.task_facts import is_companion
from tests.fhir.clinic import CLINIC, HARBOR, ref, request

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
