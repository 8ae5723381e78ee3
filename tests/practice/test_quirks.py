"""The ways of other servers: each switch changes what it says, and /metadata says what is so."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any

import pytest

from carequeue.domain.errors import ServerError
from carequeue.practice.server.quirks import Quirks, parse
from tests.practice.conftest import TOPIC, a_task, link, send
from tests.servers.controlled_clinic import ControlledClinic


def declared(clinic: ControlledClinic, kind: str) -> dict[str, Any] | None:
    resources = clinic.get("metadata")["rest"][0]["resource"]
    return next((resource for resource in resources if resource["type"] == kind), None)


def codes(clinic: ControlledClinic, kind: str = "Task") -> set[str]:
    one = declared(clinic, kind)
    assert one is not None
    return {interaction["code"] for interaction in one["interaction"]}


def test_by_the_book_the_statement_says_what_there_is(clinic: ControlledClinic) -> None:
    said = clinic.get("metadata")
    assert (said["fhirVersion"], said["software"]["name"]) == ("4.0.1", "CareQueue practice clinic")
    assert codes(clinic) >= {"read", "vread", "search-type", "create", "update", "delete"}
    task = declared(clinic, "Task")
    assert task is not None
    assert (task["versioning"], task["updateCreate"], task["conditionalCreate"]) == (
        "versioned", True, True,
    )  # fmt: skip
    assert {"_lastUpdated", "patient", "owner"} <= {
        parameter["name"] for parameter in task["searchParam"]
    }
    whole = {one["code"] for one in said["rest"][0]["interaction"]}
    assert whole == {"batch", "transaction", "history-system"}


def test_every_declared_parameter_is_understood(clinic: ControlledClinic) -> None:
    values = {"reference": "x", "token": "x", "string": "x", "date": "2026"}
    for resource in clinic.get("metadata")["rest"][0]["resource"]:
        for param in resource["searchParam"]:
            path = f"{resource['type']}?{param['name']}={values[param['type']]}&_count=1"
            assert send(clinic, "GET", path, Prefer="handling=strict").status == 200, path
        for include in resource["searchInclude"]:
            path = f"{resource['type']}?_include={include}&_count=1"
            assert send(clinic, "GET", path, Prefer="handling=strict").status == 200, path


@pytest.mark.parametrize(("quirk", "status"), [("conflict-409", 409), ("ignores-if-match", 200)])
def test_a_stale_update_is_answered_otherwise(
    clinic: ControlledClinic, quirk: str, status: int
) -> None:
    clinic.put(a_task(quirk))
    clinic.set_quirks(quirk)
    tree = a_task(quirk, status="accepted")
    assert send(clinic, "PUT", f"Task/{quirk}", tree, If_Match='W/"7"').status == status


def test_an_update_without_if_match_can_be_refused(clinic: ControlledClinic) -> None:
    clinic.put(a_task("needs"))
    clinic.set_quirks("requires-if-match")
    assert send(clinic, "PUT", "Task/needs", a_task("needs")).status == 428
    assert send(clinic, "PUT", "Task/needs", a_task("needs"), If_Match='W/"1"').status == 200


def test_task_can_be_read_only(clinic: ControlledClinic) -> None:
    clinic.put(a_task("read-only"))
    clinic.set_quirks("no-task-write")
    assert not codes(clinic) & {"create", "update", "delete"}
    assert clinic.get("Task/read-only")["status"] == "requested"
    assert send(clinic, "PUT", "Task/read-only", a_task("read-only")).status == 405
    assert send(clinic, "POST", "Task", a_task()).status == 405
    assert send(clinic, "DELETE", "Task/read-only").status == 405


def test_task_may_not_be_there_at_all(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-task")
    assert declared(clinic, "Task") is None
    assert send(clinic, "GET", "Task").status == 404
    kinds = {e["resource"]["resourceType"] for e in clinic.get("_history?_count=500")["entry"]}
    assert "ServiceRequest" in kinds
    assert "Task" not in kinds


def test_task_may_take_updates_and_no_creates(clinic: ControlledClinic) -> None:
    clinic.put(a_task("old-one"))
    clinic.set_quirks("task-no-create")
    assert "create" not in codes(clinic)
    assert send(clinic, "POST", "Task", a_task()).status == 405
    assert send(clinic, "PUT", "Task/new-one", a_task("new-one")).status == 405
    assert send(clinic, "PUT", "Task/old-one", a_task("old-one")).status == 200


def test_an_update_may_not_create(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-update-create")
    one = declared(clinic, "Task")
    assert one is not None
    assert one["updateCreate"] is False
    assert send(clinic, "PUT", "Task/unmade", a_task("unmade")).status == 405
    assert send(clinic, "POST", "Task", a_task()).status == 201


def test_a_dropped_reply_leaves_the_change_behind_once(clinic: ControlledClinic) -> None:
    clinic.set_quirks("drop-next-reply")
    assert clinic.get("Patient?_count=1")["entry"]
    with pytest.raises((HTTPException, OSError)):
        send(clinic, "PUT", "Task/dropped", a_task("dropped"))
    assert clinic.get("Task/dropped")["meta"]["versionId"] == "1"
    assert send(clinic, "PUT", "Task/dropped", a_task("dropped")).status == 200
    assert [request["status"] for request in clinic.log() if request["method"] == "PUT"] == [0, 200]


def test_two_replies_may_be_dropped(clinic: ControlledClinic) -> None:
    clinic.set_quirks("drop-next-reply=2")
    for _ in range(2):
        with pytest.raises((HTTPException, OSError)):
            send(clinic, "PUT", "Task/twice", a_task("twice"))
    assert clinic.get("Task/twice")["meta"]["versionId"] == "2"


def test_a_dropped_request_does_nothing(clinic: ControlledClinic) -> None:
    clinic.set_quirks("drop-request=1")
    with pytest.raises((HTTPException, OSError)):
        send(clinic, "PUT", "Task/undone", a_task("undone"))
    assert send(clinic, "GET", "Task/undone").status == 404
    clinic.set_quirks("drop-request")
    for _ in range(2):
        with pytest.raises((HTTPException, OSError)):
            send(clinic, "GET", "Task/undone")


@pytest.mark.parametrize(
    ("quirk", "status", "again"), [("unavailable", 503, 503), ("throttle-next", 429, 200)]
)
def test_a_busy_server_says_when_to_come_back(
    clinic: ControlledClinic, quirk: str, status: int, again: int
) -> None:
    clinic.set_quirks(quirk)
    answer = send(clinic, "GET", "Patient?_count=1")
    assert (answer.status, answer.headers["retry-after"]) == (status, "1")
    assert send(clinic, "GET", "Patient?_count=1").status == again


def test_bundles_may_not_be_taken(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-batch")
    batch = {"resourceType": "Bundle", "type": "batch", "entry": []}
    assert send(clinic, "POST", "", batch).status == 400
    whole = {one["code"] for one in clinic.get("metadata")["rest"][0]["interaction"]}
    assert whole == {"history-system"}


def test_meta_may_be_absent(clinic: ControlledClinic) -> None:
    clinic.put(a_task("bare", x=[1.5]))
    clinic.set_quirks("no-meta")
    answer = send(clinic, "GET", "Task/bare")
    assert "meta" not in answer.json
    assert answer.headers["etag"] == 'W/"1"'
    bundle = clinic.get("Task?_id=bare")
    assert "meta" not in bundle
    assert "meta" not in bundle["entry"][0]["resource"]


def test_last_updated_may_be_no_parameter(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-last-updated")
    bundle = clinic.get("CareTeam?_lastUpdated=gt2100&_sort=_lastUpdated&_count=4")
    assert len(bundle["entry"]) == 4
    assert link(bundle, "self") == f"{clinic.base}/CareTeam?_count=4"
    one = declared(clinic, "CareTeam")
    assert one is not None
    assert "_lastUpdated" not in {param["name"] for param in one["searchParam"]}


def test_it_may_be_no_fhir_r4_server(clinic: ControlledClinic) -> None:
    clinic.set_quirks("html")
    page = send(clinic, "GET", "metadata")
    assert (page.status, page.headers["content-type"][:9]) == (200, "text/html")
    clinic.set_quirks("r5")
    assert clinic.get("metadata")["fhirVersion"] == "5.0.0"


def test_a_body_may_end_in_the_middle(clinic: ControlledClinic) -> None:
    clinic.set_quirks("truncated")
    with pytest.raises(HTTPException):
        send(clinic, "GET", "Patient")
    clinic.set_quirks("cut-json")
    with pytest.raises(ValueError, match=r"line \d+ column \d+"):
        _ = send(clinic, "GET", "Patient").json


def test_a_next_link_may_lead_elsewhere(clinic: ControlledClinic) -> None:
    clinic.set_quirks("foreign-next")
    more = link(clinic.get("Patient?_count=1"), "next")
    assert more is not None
    assert more.startswith("http://elsewhere.invalid/fhir/Patient?")


def test_a_slow_server_answers_the_same(clinic: ControlledClinic) -> None:
    clinic.set_quirks("slow=1")
    assert clinic.get("CareTeam/access")["name"] == "Access"


def test_the_log_holds_what_was_sent(clinic: ControlledClinic) -> None:
    send(clinic, "PUT", "Task/logged", a_task("logged", x="é"), If_None_Match="*")
    send(clinic, "PUT", "Task/logged?_pretty=true", a_task("logged"), If_Match='W/"1"')
    first, second = clinic.log()
    assert (first["method"], first["path"]) == ("PUT", "/fhir/Task/logged")
    assert (first["if_none_match"], first["status"]) == ("*", 201)
    assert '"x"' in first["body"]
    assert (second["path"], second["if_match"]) == ("/fhir/Task/logged?_pretty=true", 'W/"1"')
    assert clinic.token not in str(clinic.log())


def test_a_colleague_edits_past_every_check(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-task-write")
    assert clinic.put({"resourceType": "Task", "id": "odd", "for": 3}) == "Task/odd/_history/1"
    assert clinic.get("Task/odd")["for"] == 3
    clinic.delete("Task/odd")
    assert send(clinic, "GET", "Task/odd").status == 410


@pytest.mark.parametrize(
    "asked",
    [{"quirks": ["no-such"]}, {"quirks": ["r5=2"]}, {"delete": "Task/never"}, {"put": {"id": "x"}}],
)
def test_control_refuses_what_it_does_not_know(
    clinic: ControlledClinic, asked: dict[str, Any]
) -> None:
    clinic.set_quirks("r5")
    with pytest.raises(ServerError):
        clinic.control(**asked)
    assert send(clinic, "GET", "/control").json == {"quirks": ["r5"]}


def test_names_are_read_back_as_they_are_said() -> None:
    names = ["conflict-409", "slow=20", "drop-next-reply", "drop-request", "throttle-next=3"]
    assert parse(parse(names).names()) == parse(names)
    assert parse([]) == Quirks()
    with pytest.raises(ValueError, match="conflict-409"):
        parse(["conflict-408"])


# --- writes ---------------------------------------------------------------------------------------


def test_a_stale_update_may_be_called_locked(clinic: ControlledClinic) -> None:
    clinic.put(a_task("locked"))
    clinic.set_quirks("locked-423")
    stale = send(clinic, "PUT", "Task/locked", a_task("locked"), If_Match='W/"7"')
    assert stale.status == 423
    assert clinic.get("Task/locked")["meta"]["versionId"] == "1"


def test_a_task_may_know_three_statuses_only(clinic: ControlledClinic) -> None:
    before = clinic.get("metadata")["rest"]
    clinic.set_quirks("three-statuses")
    assert clinic.get("metadata")["rest"] == before
    for status in ("requested", "completed", "cancelled"):
        assert send(clinic, "PUT", "Task/three", a_task("three", status=status)).status < 300
    for refused in (
        send(clinic, "PUT", "Task/three", a_task("three", status="accepted")),
        send(clinic, "POST", "Task", a_task(status="in-progress")),
    ):
        assert refused.status == 422
        assert "requested, completed, cancelled" in refused.json["issue"][0]["diagnostics"]
    assert clinic.get("Task/three")["status"] == "cancelled"
    appointment = {"resourceType": "Appointment", "status": "booked", "participant": [{}]}
    assert send(clinic, "POST", "Appointment", appointment).status == 201


def test_the_ids_of_elements_may_be_dropped_and_those_of_resources_are_not(
    clinic: ControlledClinic,
) -> None:
    note = {"id": "n1", "text": "hello", "authorReference": {"id": "r", "reference": "#who"}}
    tree = a_task("ids", note=[note], contained=[{"resourceType": "Patient", "id": "who"}])
    assert send(clinic, "PUT", "Task/ids", tree).json["note"][0]["id"] == "n1"
    clinic.set_quirks("drops-element-ids")
    kept = send(clinic, "PUT", "Task/ids", tree).json
    assert kept["note"] == [{"text": "hello", "authorReference": {"reference": "#who"}}]
    assert (kept["id"], kept["contained"][0]["id"]) == ("ids", "who")


def test_tags_may_be_merged_into_those_that_were_there(clinic: ControlledClinic) -> None:
    first, second = {"system": "urn:t", "code": "one"}, {"system": "urn:t", "code": "two"}
    send(clinic, "PUT", "Task/tags", a_task("tags", meta={"tag": [first]}))
    replaced = send(clinic, "PUT", "Task/tags", a_task("tags", meta={"tag": [second]}))
    assert replaced.json["meta"]["tag"] == [second]
    clinic.set_quirks("merges-tags")
    merged = send(clinic, "PUT", "Task/tags", a_task("tags", meta={"tag": [first]}))
    assert merged.json["meta"]["tag"] == [first, second]
    assert send(clinic, "PUT", "Task/tags", a_task("tags")).json["meta"]["tag"] == [first, second]


def test_a_conditional_create_may_be_none(clinic: ControlledClinic) -> None:
    clinic.set_quirks("ignores-if-none-exist")
    tree = a_task(identifier=[{"system": "urn:test", "value": "thrice"}])
    for _ in range(2):
        assert send(clinic, "POST", "Task", tree, If_None_Exist="identifier=thrice").status == 201
    assert len(clinic.get("Task?identifier=urn:test%7Cthrice")["entry"]) == 2


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_may_be_too_large(clinic: ControlledClinic, kind: str) -> None:
    def bundle(many: int) -> dict[str, Any]:
        request = {"method": "GET", "url": "CareTeam/access"}
        return {"resourceType": "Bundle", "type": kind, "entry": [{"request": request}] * many}

    clinic.set_quirks("batch-limit=3")
    assert send(clinic, "POST", "", bundle(3)).status == 200
    assert send(clinic, "POST", "", bundle(4)).status == 413


# --- subscriptions --------------------------------------------------------------------------------


def websocket(clinic: ControlledClinic) -> bool:
    return "extension" in clinic.get("metadata")["rest"][0]


def by_topic(clinic: ControlledClinic) -> bool:
    one = declared(clinic, "Subscription")
    assert one is not None
    return [operation["name"] for operation in one.get("operation", [])] == ["get-ws-binding-token"]


def wish(criteria: str) -> dict[str, Any]:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "to hear of it",
        "criteria": criteria,
        "channel": {"type": "websocket"},
    }


@pytest.mark.parametrize(
    ("quirk", "search", "topic"),
    [
        ("", 201, 201),
        ("r4-subscriptions-only", 201, 422),
        ("backport-subscriptions-only", 422, 201),
    ],
)
def test_the_styles_of_subscriptions_are_declared_and_taken_alike(
    clinic: ControlledClinic, quirk: str, search: int, topic: int
) -> None:
    clinic.set_quirks(*([quirk] if quirk else []))
    assert (websocket(clinic), by_topic(clinic)) == (search == 201, topic == 201)
    assert send(clinic, "POST", "Subscription", wish("Task?status=requested")).status == search
    made = send(clinic, "POST", "Subscription", wish(TOPIC))
    assert made.status == topic
    token = send(clinic, "GET", "Subscription/$get-ws-binding-token")
    assert token.status == (200 if topic == 201 else 404)


def test_there_may_be_no_subscriptions(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-subscriptions")
    assert declared(clinic, "Subscription") is None
    assert not websocket(clinic)
    assert send(clinic, "POST", "Subscription", wish("Task?")).status == 404
    assert send(clinic, "GET", "Subscription/$get-ws-binding-token").status == 404
