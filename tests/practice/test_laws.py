"""Laws of the server, for anything that may come: nothing is lost, nothing makes it fall over."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.practice.people.record_builder import RecordBuilder
from carequeue.practice.server.batches import answer
from carequeue.practice.server.fhir_dates import instant, milliseconds, span
from carequeue.practice.server.http_types import HttpRequest
from carequeue.practice.server.json_lossless import NotJson, read, write
from carequeue.practice.server.quirks import ActiveQuirks, Quirks
from carequeue.practice.server.resource_store import ResourceStore
from carequeue.practice.server.service import FhirService

BASE = "http://127.0.0.1:1/fhir"
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
SCALARS = st.one_of(
    NUMBERS, st.sampled_from(["null", "true", "false"]), st.text().map(lambda t: json.dumps(t))
)
JSON_TEXTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda found: f"[{','.join(found)}]"),
        st.dictionaries(st.text(max_size=5).map(json.dumps), inner, max_size=4).map(
            lambda found: "{" + ",".join(f"{k}:{v}" for k, v in found.items()) + "}"
        ),
    ),
    max_leaves=12,
)


def a_service() -> FhirService:
    store = ResourceStore(lambda: milliseconds(datetime(2026, 1, 1, tzinfo=UTC)), BASE)
    store.seed([(0, {"resourceType": "Task", "id": "one", "status": "requested"})])
    return FhirService(store, ActiveQuirks(Quirks()), BASE)


SERVICE = a_service()


def spelled(text: str) -> object:
    """The tree of a JSON text by another reader, its numbers as they are spelled."""
    return json.loads(text, parse_float=lambda n: ("number", n), parse_int=lambda n: ("number", n))


@given(text=JSON_TEXTS)
def test_json_comes_back_with_every_digit(text: str) -> None:
    assert spelled(write(read(text))) == spelled(text)


@given(body=st.one_of(st.binary(max_size=60), JSON_TEXTS.map(str.encode)))
def test_any_body_is_taken_or_refused_in_words(body: bytes) -> None:
    for method, path in (("PUT", ("Task", "x")), ("POST", ("Task",)), ("POST", ())):
        reply = answer(SERVICE, HttpRequest(method, path, body=body))
        assert 200 <= reply.status < 500
        assert reply.status < 400 or json.loads(reply.body)["issue"][0]["diagnostics"]


NAMES = st.sampled_from(
    [
        "_id", "_lastUpdated", "_sort", "_count", "_total", "_summary", "_elements", "_include",
        "_page", "status", "owner", "owner:missing", "subject:Patient", "status:not",
        "status:odd", "identifier", "authored-on", "name",
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [",", "|", "a|", "|a", "\\", "\\,", "ge", "ge2026", "0000", "9999-12-31", "true", "*",
         "Task:owner", "-_lastUpdated", "0", "5", "W10", "Patient/", "/", "a/b/c/d/e"]
    ),
)  # fmt: skip


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=4), strict=st.booleans())
def test_any_search_is_answered_or_refused_in_words(
    pairs: list[tuple[str, str]], strict: bool
) -> None:
    headers = {"prefer": "handling=strict"} if strict else {}
    for path in (("Task",), ("Patient",), ("Task", "_history"), ("_history",)):
        reply = answer(SERVICE, HttpRequest("GET", path, tuple(pairs), headers))
        assert reply.status in (200, 400), reply.body
        assert json.loads(reply.body)["resourceType"] in ("Bundle", "OperationOutcome")


@given(path=st.lists(st.text(max_size=8), max_size=4), method=st.sampled_from(["GET", "DELETE"]))
def test_any_address_is_answered_or_refused_in_words(path: list[str], method: str) -> None:
    reply = answer(SERVICE, HttpRequest(method, tuple(path)))
    assert reply.status in (200, 204, 400, 404, 405, 410)


@pytest.mark.parametrize("depth", [150, 400, 900, 3000])
def test_depth_is_bounded_for_a_resource_and_in_a_bundle(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    task = (
        '{"resourceType":"Task","id":"deep","status":"requested","intent":"order","x":' + deep + "}"
    )
    entry = '{"request":{"method":"PUT","url":"Task/deep"},"resource":' + task + "}"
    bundle = '{"resourceType":"Bundle","type":"transaction","entry":[' + entry + "]}"
    wanted = (200, 201) if depth == 150 else (400,)
    for path, method, body in ((("Task", "deep"), "PUT", task), ((), "POST", bundle)):
        assert answer(a_service(), HttpRequest(method, path, body=body.encode())).status in wanted


def test_a_doubled_element_is_refused() -> None:
    with pytest.raises(NotJson, match="twice"):
        read('{"a":1,"a":1}')


@given(when=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_an_instant_is_itself_and_lies_in_its_day_month_and_year(when: datetime) -> None:
    ms = milliseconds(when.replace(tzinfo=UTC))
    text = instant(ms)
    assert span(text) == (ms, ms)
    for shorter in (text[:4], text[:7], text[:10], text[:16] + "Z", text[:19] + "Z"):
        bounds = span(shorter)
        assert bounds is not None
        assert bounds[0] <= ms <= bounds[1]


@pytest.mark.parametrize(
    "text", ["", "2026-13-45", "2026-02-30", "0000", "yesterday", "2026-01-01T25:00", "9999-12-31x"]
)
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert span(text) is None


@given(days=st.integers(-300, 300), start=st.integers(1, 28))
def test_business_days_are_counted_one_by_one(days: int, start: int) -> None:
    book = RecordBuilder(datetime(2026, 2, start, 18, tzinfo=UTC))
    day = book.ahead(days).date()
    if days:
        assert day.weekday() < 5
        nearer = book.ahead(days - (1 if days > 0 else -1)).date()
        assert 1 <= abs((day - nearer).days) <= 3
    else:
        assert day == book.now.date()
