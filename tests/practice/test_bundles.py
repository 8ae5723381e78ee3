"""Batches, whose entries stand alone, and transactions, which happen whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.practice.conftest import a_task, send
from tests.servers.controlled_clinic import ControlledClinic


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def change(method: str, url: str, tree: Any = None, **request: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    return entry | ({"resource": tree} if tree is not None else {})


def statuses(answer: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer["entry"]]


def test_each_entry_of_a_batch_has_its_own_answer(clinic: ControlledClinic) -> None:
    clinic.put(a_task("b-1"))
    clinic.put(a_task("b-2"))
    one = {"identifier": [{"system": "urn:b", "value": "1"}]}
    answer = send(
        clinic,
        "POST",
        "",
        bundle(
            "batch",
            change("PUT", "Task/b-1", a_task("b-1", status="accepted"), ifMatch='W/"1"'),
            change("PUT", "Task/b-2", a_task("b-2", status="accepted"), ifMatch='W/"9"'),
            change("POST", "Task", a_task(**one), ifNoneExist="identifier=urn:b|1"),
            change("POST", "Task", a_task(**one), ifNoneExist="identifier=urn:b|1"),
            change("GET", "Task/b-2"),
            change("GET", "Task?_id=b-1,b-2"),
            change("DELETE", "Task/b-2"),
            {"resource": a_task()},
        ),
    ).json
    assert answer["type"] == "batch-response"
    assert statuses(answer) == ["200", "412", "201", "200", "200", "200", "204", "400"]
    done, stale, made, there, read, searched, _, _ = answer["entry"]
    assert done["response"]["etag"] == 'W/"2"'
    assert done["resource"]["status"] == "accepted"
    assert stale["response"]["outcome"]["issue"][0]["code"] == "conflict"
    assert made["resource"]["id"] == there["resource"]["id"]
    assert read["resource"]["status"] == "requested"
    assert len(searched["resource"]["entry"]) == 2


def test_a_transaction_happens_whole_and_its_references_become_real(
    clinic: ControlledClinic,
) -> None:
    asked = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/client-0001"},
    }
    task = change("POST", "Task", a_task(focus={"reference": "urn:uuid:ask"}))
    request = change("POST", "ServiceRequest", asked) | {"fullUrl": "urn:uuid:ask"}
    answer = send(clinic, "POST", "", bundle("transaction", task, request)).json
    assert answer["type"] == "transaction-response"
    assert statuses(answer) == ["201", "201"]
    made = answer["entry"][1]["resource"]["id"]
    assert answer["entry"][0]["resource"]["focus"]["reference"] == f"ServiceRequest/{made}"
    assert clinic.get(f"ServiceRequest/{made}")["status"] == "active"


def test_a_transaction_that_fails_anywhere_does_nothing(clinic: ControlledClinic) -> None:
    clinic.put(a_task("t-1"))
    failed = send(
        clinic,
        "POST",
        "",
        bundle(
            "transaction",
            change("DELETE", "Task/t-1"),
            change("PUT", "Task/t-2", a_task("t-2")),
            change("PUT", "Task/t-3", a_task("t-3"), ifMatch='W/"4"'),
        ),
    )
    assert failed.status == 412
    assert failed.json["resourceType"] == "OperationOutcome"
    assert "Entry 3" in failed.json["issue"][0]["diagnostics"]
    assert clinic.get("Task/t-1")["meta"]["versionId"] == "1"
    assert send(clinic, "GET", "Task/t-2").status == 404


def test_a_transaction_may_name_one_resource_once(clinic: ControlledClinic) -> None:
    put = change("PUT", "Task/t-4", a_task("t-4"))
    assert send(clinic, "POST", "", bundle("transaction", put, put)).status == 400


def test_what_is_no_bundle_is_refused(clinic: ControlledClinic) -> None:
    assert send(clinic, "POST", "", a_task()).status == 400
    assert send(clinic, "POST", "", bundle("collection")).status == 422
    assert send(clinic, "POST", "", {"resourceType": "Bundle", "entry": 3}).status == 400


def test_numbers_in_a_bundle_keep_their_digits(clinic: ControlledClinic) -> None:
    text = (
        '{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"PUT",'
        '"url":"Task/digits"},"resource":{"resourceType":"Task","id":"digits",'
        '"status":"requested","intent":"order","x":1.50}}]}'
    )
    assert send(clinic, "POST", "", text).status == 200
    assert '"x":1.50' in send(clinic, "GET", "Task/digits").text


REPRESENTATION = "return=representation"


@pytest.mark.parametrize(
    ("quirk", "prefer", "shown"),
    [
        ("", "", True),
        ("", REPRESENTATION, True),
        ("", "return=minimal", False),
        ("bare-batches", "", False),
        ("bare-batches", "respond-async, " + REPRESENTATION, True),
        ("ignores-prefer", REPRESENTATION, False),
    ],
)
def test_the_resource_of_a_write_may_be_left_out_of_a_batch(
    clinic: ControlledClinic, quirk: str, prefer: str, shown: bool
) -> None:
    clinic.put(a_task("bare"))
    clinic.set_quirks(*filter(None, [quirk]))
    put = change("PUT", "Task/bare", a_task("bare"))
    asked = bundle("batch", put, change("POST", "Task", a_task()), change("GET", "Task/bare"))
    headers = {"Prefer": prefer} if prefer else {}
    *writes, read = send(clinic, "POST", "", asked, **headers).json["entry"]
    assert statuses({"entry": writes}) == ["200", "201"]
    assert ["resource" in entry for entry in writes] == [shown, shown]
    assert all(entry["response"]["etag"] and entry["response"]["location"] for entry in writes)
    assert read["resource"]["id"] == "bare"


def test_the_resource_of_a_single_write_may_be_left_out_too(clinic: ControlledClinic) -> None:
    clinic.set_quirks("bare-batches")
    assert send(clinic, "PUT", "Task/alone", a_task("alone")).json["id"] == "alone"
    clinic.set_quirks("ignores-prefer")
    answer = send(clinic, "PUT", "Task/alone", a_task("alone"), Prefer=REPRESENTATION)
    assert (answer.status, answer.text, answer.headers["etag"]) == (200, "", 'W/"2"')
