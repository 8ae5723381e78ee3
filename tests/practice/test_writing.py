"""One resource: its versions; what update, create and delete promise (R4, http.html)."""

from __future__ import annotations

import pytest

from tests.practice.conftest import a_task, found, send
from tests.servers.controlled_clinic import ControlledClinic


def test_an_update_with_a_client_id_creates(clinic: ControlledClinic) -> None:
    made = send(clinic, "PUT", "Task/made-here", a_task("made-here"))
    assert made.status == 201
    assert made.headers["etag"] == 'W/"1"'
    assert made.headers["location"] == f"{clinic.base}/Task/made-here/_history/1"
    assert made.json["meta"]["versionId"] == "1"


def test_an_update_of_the_newest_version_makes_the_next_one(clinic: ControlledClinic) -> None:
    send(clinic, "PUT", "Task/next", a_task("next"))
    again = send(clinic, "PUT", "Task/next", a_task("next", status="accepted"), If_Match='W/"1"')
    assert (again.status, again.headers["etag"]) == (200, 'W/"2"')
    assert clinic.get("Task/next")["status"] == "accepted"


def test_an_update_of_a_stale_version_is_refused_and_changes_nothing(
    clinic: ControlledClinic,
) -> None:
    send(clinic, "PUT", "Task/stale", a_task("stale"))
    clinic.put(a_task("stale", description="a colleague was here"))
    late = send(clinic, "PUT", "Task/stale", a_task("stale"), If_Match='W/"1"')
    assert late.status == 412
    assert late.json["resourceType"] == "OperationOutcome"
    assert clinic.get("Task/stale")["description"] == "a colleague was here"


def test_if_none_match_star_never_overwrites(clinic: ControlledClinic) -> None:
    first = send(clinic, "PUT", "Task/once", a_task("once"), If_None_Match="*")
    second = send(clinic, "PUT", "Task/once", a_task("once"), If_None_Match="*")
    assert (first.status, second.status) == (201, 412)


def test_if_match_on_nothing_is_refused(clinic: ControlledClinic) -> None:
    assert send(clinic, "PUT", "Task/none", a_task("none"), If_Match='W/"1"').status == 412
    assert send(clinic, "GET", "Task/none").status == 404


def test_every_version_can_be_read_again(clinic: ControlledClinic) -> None:
    send(clinic, "PUT", "Task/past", a_task("past", description="first"))
    send(clinic, "PUT", "Task/past", a_task("past", description="second"))
    assert clinic.get("Task/past/_history/1")["description"] == "first"
    assert clinic.get("Task/past/_history/2")["description"] == "second"
    assert send(clinic, "GET", "Task/past/_history/3").status == 404


def test_what_was_deleted_is_gone_and_can_come_back(clinic: ControlledClinic) -> None:
    send(clinic, "PUT", "Task/gone", a_task("gone"))
    assert send(clinic, "DELETE", "Task/gone").status == 204
    assert send(clinic, "GET", "Task/gone").status == 410
    assert send(clinic, "GET", "Task/gone/_history/2").status == 410
    assert found(send(clinic, "GET", "Task?_id=gone")) == []
    assert send(clinic, "PUT", "Task/gone", a_task("gone"), If_Match='W/"1"').status == 412
    assert send(clinic, "DELETE", "Task/gone").status == 204
    assert send(clinic, "PUT", "Task/gone", a_task("gone")).headers["etag"] == 'W/"3"'


def test_a_conditional_create_never_makes_two(clinic: ControlledClinic) -> None:
    tree = a_task(identifier=[{"system": "urn:test", "value": "twin"}])
    condition = "identifier=urn:test|twin"
    first = send(clinic, "POST", "Task", tree, If_None_Exist=condition)
    second = send(clinic, "POST", "Task", tree, If_None_Exist=condition)
    assert (first.status, second.status) == (201, 200)
    assert second.json["id"] == first.json["id"]
    send(clinic, "POST", "Task", tree)
    assert send(clinic, "POST", "Task", tree, If_None_Exist=condition).status == 412


@pytest.mark.parametrize("condition", ["", "no-such-parameter=1", "_count=1"])
def test_a_condition_that_says_nothing_creates_nothing(
    clinic: ControlledClinic, condition: str
) -> None:
    before = clinic.get("Task?_summary=count")["total"]
    assert send(clinic, "POST", "Task", a_task(), If_None_Exist=condition).status == 400
    assert clinic.get("Task?_summary=count")["total"] == before


@pytest.mark.parametrize(
    ("path", "tree", "status"),
    [
        ("Task/a", {"resourceType": "Patient", "id": "a"}, 400),
        ("Task/a", a_task("b"), 400),
        ("Task/a_b", a_task("a_b"), 400),
        ("Task/a", {"resourceType": "Task", "id": "a", "intent": "order"}, 422),
        ("Task/a", {"resourceType": "Task", "id": "a", "status": "requested"}, 422),
        ("Task/a", a_task("a", status="almost-done"), 422),
        ("Task/a", a_task("a", **{"for": "Patient/1"}), 422),
        ("Task/a", a_task("a", note="call her"), 422),
        ("Task/a", "[1, 2]", 400),
        ("Task/a", "{", 400),
        ("Task/a", '{"resourceType":"Task","resourceType":"Task"}', 400),
        ("Task/a", '{"resourceType":"Task","a":' + "[" * 100_000, 400),
        ("Task/a", '{"resourceType":"Task","a":NaN}', 400),
        ("Nothing/a", a_task("a"), 404),
        ("Task/a/b/c", a_task("a"), 405),
    ],
)
def test_what_is_clearly_wrong_is_refused_with_words(
    clinic: ControlledClinic, path: str, tree: object, status: int
) -> None:
    answer = send(clinic, "PUT", path, tree)
    assert answer.status == status
    assert answer.json["issue"][0]["diagnostics"]
    assert send(clinic, "GET", "Task/a").status == 404


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType":"Task","id":"exact","status":"requested","intent":"order",'
        '"extension":[{"url":"urn:x","valueDecimal":1.50},{"url":"urn:y","valueInteger":-0}],'
        '"weight":12345678901234567890,"tiny":1E-7,"_given":[null,{"id":"a"}],'
        '"odd":{"nested":[null,true,0.10,"\\u0000\\ud800 ü 山"]}}'
    ],
)
def test_every_element_and_every_digit_comes_back(clinic: ControlledClinic, text: str) -> None:
    assert send(clinic, "PUT", "Task/exact", text).status == 201
    body = send(clinic, "GET", "Task/exact").text
    for kept in (
        '"valueDecimal":1.50',
        '"valueInteger":-0',
        '"weight":12345678901234567890',
        '"tiny":1E-7',
        '"_given":[null,{"id":"a"}]',
        '"nested":[null,true,0.10,"\\u0000\\ud800 ',
    ):
        assert kept in body


def test_the_server_alone_gives_versions_and_keeps_the_rest_of_meta(
    clinic: ControlledClinic,
) -> None:
    meta = {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "tag": [{"code": "mine"}]}
    kept = send(clinic, "PUT", "Task/meta", a_task("meta", meta=meta)).json["meta"]
    assert kept["versionId"] == "1"
    assert kept["lastUpdated"].startswith("2026-11-24T15:1")
    assert kept["tag"] == [{"code": "mine"}]


def test_last_updated_rises_with_every_write_of_anything(clinic: ControlledClinic) -> None:
    stamps = [
        send(clinic, "PUT", f"Task/rise-{place}", a_task(f"rise-{place}")).json["meta"][
            "lastUpdated"
        ]
        for place in range(20)
    ]
    assert stamps == sorted(set(stamps))
    assert all(len(stamp) == len("2026-11-24T15:12:00.123Z") for stamp in stamps)


def test_a_client_may_ask_for_no_body(clinic: ControlledClinic) -> None:
    quiet = send(clinic, "PUT", "Task/quiet", a_task("quiet"), Prefer="return=minimal")
    assert (quiet.status, quiet.text, quiet.headers["etag"]) == (201, "", 'W/"1"')


def test_a_read_of_the_version_at_hand_has_no_body(clinic: ControlledClinic) -> None:
    send(clinic, "PUT", "Task/same", a_task("same"))
    assert send(clinic, "GET", "Task/same", If_None_Match='W/"1"').status == 304
