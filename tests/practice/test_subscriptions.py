"""Subscribers over a websocket: who may bind, and what they are told of which change."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from carequeue.practice.server.capability_statement import BACKPORT
from tests.practice.conftest import TOPIC, a_task, send
from tests.servers.controlled_clinic import ControlledClinic

SECONDS = 10.0
WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
Resource = dict[str, Any]


def address(clinic: ControlledClinic) -> str:
    [one] = clinic.get("metadata")["rest"][0]["extension"]
    assert one["url"] == WEBSOCKET
    assert one["valueUri"].startswith("ws://127.0.0.1:")
    return str(one["valueUri"])


def make(clinic: ControlledClinic, criteria: str, **more: Any) -> str:
    """A Subscription; its id."""
    tree = {
        "resourceType": "Subscription", "status": "requested", "reason": "to hear of it",
        "criteria": criteria, "channel": {"type": "websocket"},
    } | more  # fmt: skip
    made = send(clinic, "POST", "Subscription", tree)
    assert made.status == 201, made.text
    assert made.json["status"] == "active"
    return str(made.json["id"])


def by_topic(clinic: ControlledClinic, *filters: str, content: str = "") -> str:
    """A Subscription to the topic, with filters and a content of payload."""
    narrowed = [
        {"url": f"{BACKPORT}/StructureDefinition/backport-filter-criteria", "valueString": criteria}
        for criteria in filters
    ]
    channel: Resource = {"type": "websocket", "payload": "application/fhir+json"}
    if content:
        url = f"{BACKPORT}/StructureDefinition/backport-payload-content"
        channel["_payload"] = {"extension": [{"url": url, "valueCode": content}]}
    beside = {"_criteria": {"extension": narrowed}} if narrowed else {}
    return make(clinic, TOPIC, channel=channel, **beside)


def token_for(clinic: ControlledClinic, key: str) -> dict[str, str]:
    """What $get-ws-binding-token gives, by the names of its parameters."""
    said = clinic.get(f"Subscription/{key}/$get-ws-binding-token")
    assert said["resourceType"] == "Parameters"
    return {
        part["name"]: next(value for name, value in part.items() if name.startswith("value"))
        for part in said["parameter"]
    }


@contextmanager
def bound(clinic: ControlledClinic, key: str) -> Iterator[ClientConnection]:
    """A socket that is bound to a Subscription by criteria."""
    with connect(address(clinic)) as line:
        line.send(f"bind {key}")
        assert line.recv(SECONDS) == f"bound {key}"
        yield line


@contextmanager
def listening(clinic: ControlledClinic, key: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """The next notification of a Subscription by topic, after its handshake."""
    got = token_for(clinic, key)
    with connect(got["websocket-url"]) as line:
        line.send(f"bind-with-token {got['token']}")

        def following() -> dict[str, Any]:
            return told(line.recv(SECONDS))

        assert following()["type"] == "handshake"
        yield following


def told(message: str | bytes) -> dict[str, Any]:
    """A notification Bundle: its status parameters, the numbers of its events, its entries."""
    bundle = json.loads(message)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "history")
    status, *entries = bundle["entry"]
    parts = status["resource"]["parameter"]
    plain = {
        part["name"]: next(value for name, value in part.items() if name.startswith("value"))
        for part in parts
        if "part" not in part
    }
    events = [part["part"] for part in parts if part["name"] == "notification-event"]
    return plain | {"events": events, "entries": entries}


def closed_with(line: ClientConnection) -> int:
    """The code with which the clinic ends a connection."""
    with pytest.raises(ConnectionClosed) as ended:
        line.recv(SECONDS)
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


# --- by criteria ----------------------------------------------------------------------------------


def test_a_change_that_matches_is_told_and_another_is_not(clinic: ControlledClinic) -> None:
    mine, other = make(clinic, "Task?status=accepted"), make(clinic, "Patient?")
    with bound(clinic, mine) as line:
        line.send(f"bind {other}")
        assert line.recv(SECONDS) == f"bound {other}"
        clinic.put(a_task("told"))
        clinic.put(a_task("told", status="accepted"))
        assert line.recv(SECONDS) == f"ping {mine}"
        send(clinic, "PUT", "Patient/told", {"resourceType": "Patient", "id": "told"})
        assert line.recv(SECONDS) == f"ping {other}"
        clinic.delete("Task/told")
        send(clinic, "PUT", "Task/told", a_task("told", status="accepted"))
        assert line.recv(SECONDS) == f"ping {mine}"


def test_what_colleagues_do_by_themselves_is_told(clinic: ControlledClinic) -> None:
    key = make(clinic, "Task?")
    with bound(clinic, key) as line:
        clinic.step(5)
        assert line.recv(SECONDS) == f"ping {key}"


def test_a_transaction_is_told_once_and_one_that_fails_is_not(clinic: ControlledClinic) -> None:
    def transaction(last: str) -> Resource:
        entries = [
            {"resource": a_task(f"in-one-{n}", status=status),
             "request": {"method": "PUT", "url": f"Task/in-one-{n}"}}
            for n, status in enumerate(["on-hold", "on-hold", last])
        ]  # fmt: skip
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    key, end = make(clinic, "Task?status=on-hold"), make(clinic, "Task?status=failed")
    with bound(clinic, key) as line:
        line.send(f"bind {end}")
        assert line.recv(SECONDS) == f"bound {end}"
        assert send(clinic, "POST", "", transaction("no-such-code")).status == 422
        assert send(clinic, "POST", "", transaction("failed")).status == 200
        assert {line.recv(SECONDS), line.recv(SECONDS)} == {f"ping {key}", f"ping {end}"}
        clinic.put(a_task("last", status="failed"))
        assert line.recv(SECONDS) == f"ping {end}"


def test_two_clients_are_told_alike_and_one_that_left_disturbs_nobody(
    clinic: ControlledClinic,
) -> None:
    key = make(clinic, "Task?")
    with bound(clinic, key) as first:
        with bound(clinic, key) as second:
            clinic.put(a_task("both"))
            assert {first.recv(SECONDS), second.recv(SECONDS)} == {f"ping {key}"}
        clinic.put(a_task("both"))
        assert first.recv(SECONDS) == f"ping {key}"


def test_a_subscription_that_is_off_over_or_gone_tells_nothing(clinic: ControlledClinic) -> None:
    off, over, gone = (make(clinic, "Task?") for _ in range(3))
    still = make(clinic, "Task?")
    with bound(clinic, off) as line:
        for key in (over, gone, still):
            line.send(f"bind {key}")
            assert line.recv(SECONDS) == f"bound {key}"
        tree = clinic.get(f"Subscription/{off}")
        send(clinic, "PUT", f"Subscription/{off}", tree | {"status": "off"})
        tree = clinic.get(f"Subscription/{over}")
        send(clinic, "PUT", f"Subscription/{over}", tree | {"end": "2026-11-24T15:00:00Z"})
        send(clinic, "DELETE", f"Subscription/{gone}")
        for _ in range(2):
            clinic.put(a_task("quiet"))
            assert line.recv(SECONDS) == f"ping {still}"
    with connect(address(clinic)) as line:
        line.send(f"bind {off}")
        assert closed_with(line) == 1008


@pytest.mark.parametrize("words", ["bind nothing-there", "bind", "hello", "bind-with-token x", ""])
def test_what_binds_to_nothing_is_shut_out(clinic: ControlledClinic, words: str) -> None:
    with connect(address(clinic)) as line:
        line.send(words)
        assert closed_with(line) == 1008


EVIL = Origin("http://evil.example")


def test_a_page_of_the_web_cannot_connect(clinic: ControlledClinic) -> None:
    with pytest.raises(InvalidStatus), connect(address(clinic), origin=EVIL):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"criteria": "Spaceship?status=x"},
        {"criteria": "Task?colour=red"},
        {"criteria": "Task?authored-on=yesterday"},
        {"criteria": "https://riverbend.example/fhir/SubscriptionTopic/no-such"},
        {"criteria": TOPIC, "_criteria": {"extension": [
            {"url": f"{BACKPORT}/StructureDefinition/backport-filter-criteria",
             "valueString": "Task?colour=red"}]}},
        {"channel": {"type": "rest-hook", "endpoint": "http://evil.example"}},
        {"channel": "websocket"},
        {"criteria": 7},
        {"status": "on"},
        {"reason": ""},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_kept_is_refused(clinic: ControlledClinic, change: Resource) -> None:
    tree = {
        "resourceType": "Subscription", "status": "requested", "reason": "x",
        "criteria": "Task?", "channel": {"type": "websocket"},
    } | change  # fmt: skip
    assert send(clinic, "POST", "Subscription", tree).status == 422


def test_a_subscription_and_a_binding_token_need_the_token(clinic: ControlledClinic) -> None:
    key = by_topic(clinic)
    nobody = {"Authorization": ""}
    for method, path in (
        ("POST", "Subscription"),
        ("GET", "Subscription"),
        ("GET", f"Subscription/{key}/$get-ws-binding-token"),
        ("POST", "Subscription/$get-ws-binding-token"),
    ):
        assert clinic.request(method, path, "{}", nobody).status == 401


# --- by topic -------------------------------------------------------------------------------------


def test_the_statement_names_the_topic_and_the_operation(clinic: ControlledClinic) -> None:
    resources = clinic.get("metadata")["rest"][0]["resource"]
    [one] = [resource for resource in resources if resource["type"] == "Subscription"]
    assert [extension["valueCanonical"] for extension in one["extension"]] == [TOPIC]
    assert one["operation"][0]["name"] == "get-ws-binding-token"


def test_a_token_binds_and_events_are_counted(clinic: ControlledClinic) -> None:
    key = by_topic(clinic, "Task?status=accepted", "Patient?")
    got = token_for(clinic, key)
    assert (got["subscription"], len(got["token"]) >= 32) == (key, True)
    with connect(got["websocket-url"]) as line:
        line.send(f"bind-with-token {got['token']}")
        first = told(line.recv(SECONDS))
        assert (first["type"], first["events-since-subscription-start"]) == ("handshake", "0")
        assert first["subscription"] == {"reference": f"{clinic.base}/Subscription/{key}"}
        assert (first["topic"], first["status"], first["events"]) == (TOPIC, "active", [])
        clinic.put(a_task("event", status="requested"))
        clinic.put(a_task("event", status="accepted"))
        event = told(line.recv(SECONDS))
        assert event["type"] == "event-notification"
        assert event["events-since-subscription-start"] == "1"
        assert [[part["name"] for part in one] for one in event["events"]] == [
            ["event-number", "timestamp"]
        ]
        assert event["entries"] == []
        clinic.put({"resourceType": "Patient", "id": "event"})
        assert told(line.recv(SECONDS))["events-since-subscription-start"] == "2"


def test_the_changes_of_one_transaction_are_events_of_one_notification(
    clinic: ControlledClinic,
) -> None:
    entries = [
        {
            "resource": a_task(f"at-once-{n}"),
            "request": {"method": "PUT", "url": f"Task/at-once-{n}"},
        }
        for n in range(3)
    ]
    with listening(clinic, by_topic(clinic, "Task?", content="id-only")) as following:
        clinic.put(a_task("before"))
        assert following()["events-since-subscription-start"] == "1"
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        assert send(clinic, "POST", "", bundle).status == 200
        event = following()
    assert event["events-since-subscription-start"] == "4"
    assert [one[0]["valueString"] for one in event["events"]] == ["2", "3", "4"]
    assert [entry["request"]["url"] for entry in event["entries"]] == [
        f"Task/at-once-{n}" for n in range(3)
    ]


def test_events_are_counted_while_nobody_listens(clinic: ControlledClinic) -> None:
    key = by_topic(clinic, "Task?status=failed")
    clinic.put(a_task("unheard", status="failed"))
    clinic.put(a_task("unheard", status="failed"))
    with connect(token_for(clinic, key)["websocket-url"]) as line:
        line.send(f"bind-with-token {token_for(clinic, key)['token']}")
        assert told(line.recv(SECONDS))["events-since-subscription-start"] == "2"


def test_without_a_filter_every_change_is_told_and_with_one_its_deletions(
    clinic: ControlledClinic,
) -> None:
    everything, tasks = by_topic(clinic), by_topic(clinic, "Task?status=requested")
    clinic.put(a_task("brief"))
    with listening(clinic, everything) as any_change, listening(clinic, tasks) as of_tasks:
        clinic.delete("Task/brief")
        assert any_change()["events-since-subscription-start"] == "2"
        assert of_tasks()["events-since-subscription-start"] == "2"
        clinic.put({"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
        assert any_change()["events-since-subscription-start"] == "3"
        clinic.put(a_task("brief"))
        assert of_tasks()["events-since-subscription-start"] == "3"


@pytest.mark.parametrize(("content", "whole"), [("id-only", False), ("full-resource", True)])
def test_the_payload_holds_what_was_asked_for(
    clinic: ControlledClinic, content: str, whole: bool
) -> None:
    key = by_topic(clinic, "Task?", content=content)
    with listening(clinic, key) as following:
        clinic.put(a_task("shown", description="what it says"))
        event = following()
        [entry] = event["entries"]
        assert entry["fullUrl"] == f"{clinic.base}/Task/shown"
        assert entry["request"] == {"method": "PUT", "url": "Task/shown"}
        assert ("resource" in entry) is whole
        assert not whole or entry["resource"]["description"] == "what it says"
        [[_, _, focus]] = event["events"]
        assert focus["valueReference"] == {"reference": f"{clinic.base}/Task/shown"}


def test_a_binding_token_is_good_for_a_minute(clinic: ControlledClinic) -> None:
    got = token_for(clinic, by_topic(clinic))
    clinic.advance(61)
    with connect(got["websocket-url"]) as line:
        line.send(f"bind-with-token {got['token']}")
        assert closed_with(line) == 1008


def test_one_token_may_bind_to_several_that_are_named(clinic: ControlledClinic) -> None:
    first, second, third = by_topic(clinic), by_topic(clinic), make(clinic, "Task?")
    asked = {
        "resourceType": "Parameters",
        "parameter": [{"name": "id", "valueId": first}, {"name": "id", "valueId": second}],
    }
    said = send(clinic, "POST", "Subscription/$get-ws-binding-token", asked).json["parameter"]
    named = [part["valueString"] for part in said if part["name"] == "subscription"]
    assert named == [first, second]
    for wrong in ("never", third):
        path = f"Subscription/$get-ws-binding-token?id={wrong}"
        assert send(clinic, "GET", path).status == 404


# --- when something goes wrong --------------------------------------------------------------------


def test_the_clinic_can_hang_up_and_be_bound_again(clinic: ControlledClinic) -> None:
    key = make(clinic, "Task?")
    with bound(clinic, key) as line:
        clinic.hang_up()
        assert closed_with(line) == 1001
    with bound(clinic, key) as line:
        clinic.put(a_task("again"))
        assert line.recv(SECONDS) == f"ping {key}"


def test_a_ping_may_come_before_searches_know(clinic: ControlledClinic) -> None:
    key = make(clinic, "Task?_id=early")
    with bound(clinic, key) as line:
        clinic.set_quirks("late-visibility=60")
        clinic.put(a_task("early"))
        assert line.recv(SECONDS) == f"ping {key}"
        assert "entry" not in clinic.get("Task?_id=early")


def test_after_a_restore_only_the_subscriptions_of_the_backup_tell(
    clinic: ControlledClinic,
) -> None:
    kept = make(clinic, "Task?")
    clinic.snapshot()
    lost = make(clinic, "Task?")
    with bound(clinic, lost) as line:
        line.send(f"bind {kept}")
        assert line.recv(SECONDS) == f"bound {kept}"
        clinic.restore()
        for _ in range(2):
            clinic.put(a_task("after"))
            assert line.recv(SECONDS) == f"ping {kept}"


def test_many_changes_at_once_reach_a_client_that_reads_later(clinic: ControlledClinic) -> None:
    key = by_topic(clinic, "Task?")

    def some(worker: int) -> None:
        for place in range(25):
            send(clinic, "PUT", f"Task/m-{worker}-{place}", a_task(f"m-{worker}-{place}"))

    with listening(clinic, key) as following:
        workers = [threading.Thread(target=some, args=(n,)) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        counted = [int(following()["events-since-subscription-start"]) for _ in range(100)]
    assert counted == list(range(1, 101))
