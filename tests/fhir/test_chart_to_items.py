"""Reading a chart: everything is shown or named, and nothing stops the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.items import FACTS, FLAGS, Us
from carequeue.fhir import codes, follow_up, jsontext
from carequeue.fhir.chart import Chart, Resource, Trouble
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.chart_to_items import (
    DIRECTORY_TYPES,
    PULLED_TYPES,
    chart_of,
    read_chart,
    references,
    shared,
    trouble,
)
from tests.fhir.clinic import (
    CLIENT,
    DANA,
    HARBOR,
    PATIENT,
    TODAY,
    US,
    ZONE,
    chart,
    contact,
    handoff,
    read,
    ref,
    referral,
    request,
    stay,
    task,
)

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from([ref(CLIENT), "2026-03-09", "requested", jsontext.Exact("1.50")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "system", "reference", "period", "end", "text"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
ELEMENTS = (
    "status", "code", "focus", "for", "subject", "requester", "owner", "authoredOn", "input",
    "lastModified", "meta", "priority", "restriction", "note", "identifier", "extension", "output",
    "businessStatus", "statusReason", "partOf", "period", "class", "participant", "sent", "payload",
    "recipient", "sender", "about", "beneficiary", "patient", "preAuthPeriod", "use", "performer",
    "basedOn", "valueCodeableConcept", "statusHistory", "category", "contained", "name", "telecom",
)  # fmt: skip
HOSTILE = st.builds(
    lambda kind, key, elements: {**elements, "resourceType": kind, "id": key},
    st.sampled_from([*PULLED_TYPES, "Patient"]),
    st.sampled_from(["c1", "s1", "t1", "x"]),
    st.dictionaries(st.sampled_from(ELEMENTS), ODD, max_size=12),
)
BENT = st.builds(
    lambda good, elements: {**good, **elements},
    st.sampled_from([referral(), request(), task(), handoff(), stay(), contact(), PATIENT]),
    st.dictionaries(st.sampled_from(ELEMENTS), ODD, max_size=4),
)


@given(st.lists(HOSTILE | BENT, max_size=6))
def test_no_chart_of_any_shape_makes_the_reading_raise_or_guess_a_word(resources: Any) -> None:
    found = read_chart(chart(PATIENT, *resources), US, ZONE, TODAY)
    keys = [item.key for item in found.items]
    assert len(keys) == len(set(keys))
    for item in found.items:
        assert set(item.facts) <= FACTS
        assert item.flags <= FLAGS
        assert all(moment.tzinfo is not None for moment in item.facts.values())
    assert not any("could not be read" in trouble.why for trouble in found.troubles)


@given(HOSTILE | BENT | ODD)
def test_no_resource_of_any_shape_makes_a_question_about_it_raise(resource: Any) -> None:
    trouble(resource)
    chart_of(resource)
    assert all(reference.count("/") == 1 for reference in references(resource))


def test_a_fault_of_ours_in_one_resource_names_it_and_keeps_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(_reading: Any, _task: Any) -> Any:
        raise RuntimeError("something nobody foresaw")

    monkeypatch.setattr(follow_up, "from_task", faulty)
    found = read(task("bad"), request(), referral("Organization/harbor"))
    assert [item.key for item in found.items] == ["main:Task/t1"]
    (fault,) = found.troubles
    assert fault.reference == "Task/bad"
    assert "RuntimeError" in fault.why
    assert "foresaw" not in fault.why  # the words of an exception may hold a name


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ([], "not a resource"),
        ("text", "not a resource"),
        ({"id": "1"}, "type is missing"),
        ({"resourceType": "task", "id": "1"}, "type is missing"),
        ({"resourceType": "Task"}, "id is missing"),
        ({"resourceType": "Task", "id": "../1"}, "id is missing"),
        ({"resourceType": "Task", "id": "x" * 201}, "id is missing"),
        (task(status=["requested"]), "status is not a code"),
        (task() | {"for": CLIENT}, "not a reference"),
    ],
)
def test_what_is_malformed_is_named_without_its_content(resource: Any, why: str) -> None:
    assert why in (trouble(resource) or "")


def test_a_sound_resource_is_no_trouble_nor_one_with_elements_of_tomorrow() -> None:
    assert trouble(task(somethingNew={"a": [1]}, status="a status of tomorrow")) is None
    assert trouble(task(id="x" * 200)) is None


def test_a_task_without_a_readable_status_is_shown_and_named() -> None:
    found = read(task(status=["requested"], description="Call"))
    assert [item.title for item in found.items] == ["Call"]
    assert found.troubles == (Trouble("Task/t1", "its status is not a code"),)


def test_an_element_that_came_twice_makes_its_row_read_only() -> None:
    text = jsontext.dumps(task(description="Call"))
    doubled = jsontext.loads(text.replace(b'"intent":"order"', b'"intent":"order","intent":"plan"'))
    found = read(doubled)
    (item,) = found.items
    assert "read-only" in item.flags
    assert "twice" in found.troubles[0].why


def test_an_identifier_of_ours_that_was_copied_does_not_hide_a_row() -> None:
    mine = [{"system": codes.IDENTIFIER, "value": "0b1c2d3e"}]
    found = read(task("a", identifier=mine), task("b", identifier=mine))
    assert {item.key for item in found.items} == {"main:0b1c2d3e", "main:Task/b"}


def test_an_identifier_cannot_take_the_key_of_another_task() -> None:
    fake = [{"system": codes.IDENTIFIER, "value": "Task/other"}]
    assert [item.key for item in read(task(identifier=fake)).items] == ["main:Task/t1"]


@pytest.mark.parametrize(
    ("resource", "owner"),
    [
        (task(), CLIENT),
        (request(), CLIENT),
        (contact(), CLIENT),
        (PATIENT, CLIENT),
        ({"resourceType": "ClaimResponse", "id": "1", "patient": ref(CLIENT)}, CLIENT),
        ({"resourceType": "Coverage", "id": "1", "beneficiary": ref(CLIENT)}, CLIENT),
        (
            {
                "resourceType": "Appointment",
                "id": "1",
                "participant": [{"actor": ref(DANA)}, {"actor": ref(CLIENT)}],
            },
            CLIENT,
        ),
        (task() | {"for": ref("Group/g1")}, "Task/t1"),
        (task(focus=ref("ServiceRequest/s1")) | {"for": None}, "ServiceRequest/s1"),
        (task() | {"for": ref("https://other.example/Patient/c1")}, "Task/t1"),
    ],
)
def test_a_resource_belongs_to_the_chart_of_its_client(resource: Resource, owner: str) -> None:
    assert chart_of(resource) == owner


def test_a_reference_in_full_is_read_below_the_sources_own_base() -> None:
    base = "https://ehr.example/r4"
    full = task(description="Call", owner=ref(f"{base}/{DANA}")) | {"for": ref(f"{base}/{CLIENT}")}
    assert chart_of(full, base) == CLIENT
    (item,) = read_chart(chart(PATIENT, full, base=base), US, ZONE, TODAY).items
    assert item.move.name == "you"


def test_a_task_for_a_group_has_its_words_and_no_client() -> None:
    group = task(description="Call all") | {"for": {"reference": "Group/g1", "display": "Group A"}}
    (item,) = read_chart(chart(group, client="Task/t1"), US, ZONE, TODAY).items
    assert (item.client.reference, item.label) == ("", "Group A")


def test_a_client_that_is_not_here_yet_has_the_name_of_the_reference() -> None:
    known = task() | {"for": {"reference": CLIENT, "display": "Amara Okafor"}}
    (item,) = read_chart(chart(known), US, ZONE, TODAY).items
    assert (item.client.reference, item.label) == (CLIENT, "Amara Okafor")


def test_what_a_row_needs_is_named_to_be_fetched() -> None:
    found = references(referral(HARBOR, DANA, contained=[], encounter=ref("Encounter/9")))
    assert found == {CLIENT, HARBOR, DANA, "ServiceRequest/s1"}
    assert references(task(requester=ref("#p"), owner=ref("Device/d"))) == {CLIENT}


def test_one_resource_does_not_send_us_after_a_million_others() -> None:
    crowd = [{"actor": ref(f"Practitioner/{number}")} for number in range(10_000)]
    found = references(task(participant=crowd))
    assert CLIENT in found
    assert len(found) <= 200


def test_the_directory_belongs_to_no_client() -> None:
    assert all(map(shared, DIRECTORY_TYPES))
    assert not any(map(shared, PULLED_TYPES))


def test_the_same_chart_is_read_the_same_whatever_the_order_in_it() -> None:
    parts = [request(), referral(), handoff(), stay(), contact(sent="2026-03-01T00:00:00Z")]
    there = read(*parts)
    back = read(*reversed(parts))
    assert set(map(repr, there.items)) == set(map(repr, back.items))


def test_without_a_profile_a_chart_is_still_read() -> None:
    found = read_chart(chart(PATIENT, request(), referral(), handoff(), stay()), Us(), ZONE, TODAY)
    assert len(found.items) == 3


def test_the_rows_are_the_same_without_the_story() -> None:
    parts = chart(PATIENT, request(), referral(), handoff(), stay())
    told = read_chart(parts, US, ZONE, TODAY).items
    bare = read_chart(parts, US, ZONE, TODAY, described=False).items
    assert all(item.story for item in told)
    assert [replace(item, story=()) for item in told] == list(bare)


def test_every_type_of_a_chart_is_looked_through_once_however_many_rows_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    whole = Chart.of

    def of(chart: Chart, kind: str) -> list[Resource]:
        looked.append(kind)
        return whole(chart, kind)

    monkeypatch.setattr(Chart, "of", of)
    read(*_carried_requests(3))
    few = looked.copy()
    looked.clear()
    read(*_carried_requests(30))
    assert looked == few


def test_whether_a_request_is_carried_costs_no_look_at_every_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    plain = ChartReader.ref

    def asks(reading: ChartReader, value: Any) -> str:
        asked.append(value)
        return plain(reading, value)

    monkeypatch.setattr(ChartReader, "ref", asks)
    assert len(read(*_carried_requests(10)).items) == 10
    few = len(asked)
    asked.clear()
    assert len(read(*_carried_requests(40)).items) == 40
    assert len(asked) == 4 * few


def _carried_requests(number: int) -> list[Resource]:
    """As many requests of one client, each with the Task that carries it."""
    return [
        each
        for key in map(str, range(number))
        for each in (
            request(f"s{key}"),
            {**referral(), "id": f"t{key}", "focus": ref(f"ServiceRequest/s{key}")},
        )
    ]
