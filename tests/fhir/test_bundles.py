"""Pages, batches and refusals, whatever the server sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.fhir.bundles import (
    BatchRequest,
    batch,
    is_conflict_issue,
    outcome_words,
    read_batch,
    read_page,
)
from tests.fhir.clinic import task

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "link", "response", "issue"]),
            inner | st.sampled_from(["Bundle", "OperationOutcome"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


def outcome(code: str = "invalid", **issue: Any) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"code": code, **issue}]}


HERE = "https://h.example/fhir/Task?_count=2"


def page_after(url: str, link: object) -> str:
    links = [{"relation": "next", "url": link}]
    return read_page({"resourceType": "Bundle", "link": links}, url).next_url


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("https://h.example/fhir?_getpages=a", "https://h.example/fhir?_getpages=a"),
        ("/fhir?_getpages=a", "https://h.example/fhir?_getpages=a"),
        ("/fhir/Task?page=2", "https://h.example/fhir/Task?page=2"),
        ("?_getpages=a", "https://h.example/fhir/Task?_getpages=a"),
        ("Task?page=2", "https://h.example/fhir/Task?page=2"),
        ("./Task?page=2", "https://h.example/fhir/Task?page=2"),
        ("//other.example/fhir?x", "https://other.example/fhir?x"),
        ("../admin", "https://h.example/admin"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://[oops/fhir", "https://[oops/fhir"),
        ("", ""),
        (7, ""),
    ],
)
def test_a_link_leads_on_from_the_address_of_its_page(link: object, leads_to: str) -> None:
    """RFC 3986, 5.2. Whether CareQueue goes there is decided where it is sent."""
    assert page_after(HERE, link) == leads_to


def test_a_further_page_at_the_base_itself_leads_on_by_a_query_alone() -> None:
    second = page_after(HERE, "https://h.example/fhir?_getpages=a")
    assert page_after(second, "?_getpages=b") == "https://h.example/fhir?_getpages=b"


def test_a_page_has_its_entries_its_next_and_the_servers_time() -> None:
    said = outcome(diagnostics="a filter was ignored")
    patient = {"resourceType": "Patient", "id": "c1"}
    page = read_page(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 7,
            "meta": {"lastUpdated": "2026-03-09T14:00:00Z"},
            "link": [
                {"relation": "self", "url": "https://ehr.example/Task"},
                {"relation": "next", "url": "https://ehr.example/next"},
            ],
            "entry": [
                {"resource": task("1"), "search": {"mode": "match"}},
                {"resource": patient, "search": {"mode": "include"}},
                {"resource": said, "search": {"mode": "outcome"}},
            ],
        }
    )
    assert [resource["id"] for resource in page.entries] == ["1", "c1"]
    assert page.next_url == "https://ehr.example/next"
    assert (page.total, page.updated) == (7, "2026-03-09T14:00:00Z")
    assert page.words == "a filter was ignored"
    assert page.is_bundle


def test_one_bad_entry_does_not_stop_a_page() -> None:
    page = read_page(
        {"resourceType": "Bundle", "entry": [None, {"resource": 7}, {"resource": task()}]}
    )
    assert len(page.entries) == 1


def test_an_answer_that_is_no_bundle_is_not_an_empty_page() -> None:
    page = read_page(outcome(diagnostics="signed out"))
    assert not page.is_bundle
    assert page.words == "signed out"
    assert read_page({"resourceType": "Bundle"}).is_bundle


def test_a_batch_carries_what_protects_each_write() -> None:
    bundle = batch(
        [
            BatchRequest("PUT", "Task/1", task("1"), if_match='W/"3"'),
            BatchRequest("POST", "Task", task("2"), if_none_exist="identifier=s|v"),
        ]
    )
    assert bundle["type"] == "batch"
    assert [each["request"] for each in bundle["entry"]] == [
        {"method": "PUT", "url": "Task/1", "ifMatch": 'W/"3"'},
        {"method": "POST", "url": "Task", "ifNoneExist": "identifier=s|v"},
    ]


def test_answers_are_read_in_the_order_of_the_requests() -> None:
    answers = read_batch(
        {
            "resourceType": "Bundle",
            "type": "batch-response",
            "entry": [
                {"response": {"status": "200 OK", "etag": 'W/"4"', "lastModified": "2026"},
                 "resource": task("1")},
                {"response": {"status": "412", "outcome": outcome("conflict")}},
                {"response": {"status": "400 Bad Request"}, "resource": outcome()},
                {},
            ],
        },
        4,
    )  # fmt: skip
    assert answers is not None
    assert [answer.status for answer in answers] == [200, 412, 400, 0]
    assert answers[0].etag == 'W/"4"'
    assert answers[0].resource == task("1")
    assert is_conflict_issue(answers[1].outcome)
    assert answers[2].resource is None
    assert answers[2].outcome == outcome()


@pytest.mark.parametrize(
    "bundle",
    [
        None,
        outcome(),
        {"resourceType": "Bundle", "type": "batch-response", "entry": [{}]},
        {"resourceType": "Bundle", "type": "searchset", "entry": [{}, {}]},
        {"resourceType": "Bundle", "type": "batch-response"},
    ],
)
def test_an_answer_that_cannot_be_matched_says_nothing_of_any_entry(bundle: Any) -> None:
    assert read_batch(bundle, 2) is None


def test_a_refusal_is_said_in_the_servers_words() -> None:
    said = outcome(details={"text": "Task is\nlocked"}, diagnostics="HAPI-0989")
    assert outcome_words(said) == "Task is locked"
    assert outcome_words(outcome("invalid")) == "invalid"
    assert len(outcome_words(outcome(diagnostics="x" * 5000))) == 300
    assert outcome_words(task()) == ""


@pytest.mark.parametrize("code", ["conflict", "duplicate", "multiple-matches"])
def test_a_conflict_is_known_by_its_issue(code: str) -> None:
    assert is_conflict_issue(outcome(code))
    assert not is_conflict_issue(outcome("invalid"))


@given(JSON, st.integers(0, 3))
def test_no_answer_of_any_shape_makes_the_reading_raise(answer: Any, count: int) -> None:
    read_page(answer, "https://h.example/fhir/Task?_count=2")
    read_batch(answer, count)
    outcome_words(answer)
    is_conflict_issue(answer)
