"""The proxy loses, delays and invents answers where a test says so, and is honest otherwise."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.servers.harness import FhirServer, Resource, send
from tests.servers.proxy import (
    FaultProxy,
    answer,
    before,
    cut_reply,
    drop_reply,
    drop_request,
    rewrite,
)

NETWORK_ERRORS = (OSError, http.client.HTTPException)


class Caller:
    """A client of the proxy that keeps its connection, as CareQueue does."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy, self.root = proxy, urlsplit(proxy.base)
        self.line = http.client.HTTPConnection(str(self.root.hostname), self.root.port, timeout=5)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.proxy.token}", "If-None-Match": "x"}
        try:
            self.line.request(method, f"{self.root.path}/{path}", body, headers)
            with self.line.getresponse() as reply:
                return reply.status, reply.read()
        except NETWORK_ERRORS:
            self.line.close()
            raise

    def close(self) -> None:
        self.line.close()

    def put(self, status: str) -> tuple[int, bytes]:
        return self.ask("PUT", "Task/1", json.dumps(task(status)).encode())


def task(status: str) -> Resource:
    return {"resourceType": "Task", "id": "1", "status": status, "intent": "order"}


@pytest.fixture
def caller(proxy: FaultProxy, server: FhirServer) -> Iterator[Caller]:
    server.load([task("requested")])
    with closing(Caller(proxy)) as made:
        yield made


@pytest.fixture
def another(proxy: FaultProxy) -> Iterator[Caller]:
    with closing(Caller(proxy)) as made:
        yield made


def held(server: FhirServer) -> str:
    return str(server.get("Task/1").json["status"])


def test_what_passes_is_not_altered(caller: Caller, proxy: FaultProxy, server: FhirServer) -> None:
    assert caller.ask("GET", "Task/1") == (200, server.raw("GET", "Task/1"))
    odd = b'{"resourceType":"Task", "id":"1",\n"status":"accepted","intent":"order","x":1.50}'
    assert caller.ask("PUT", "Task/1", odd)[0] == 200
    sent = proxy.asked("PUT")[0]
    assert (sent.path, sent.body, sent.header("if-none-match")) == ("/fhir/Task/1", odd, "x")


def test_a_search_leads_back_to_the_proxy(
    caller: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    server.load([{**task("requested"), "id": str(number)} for number in range(60)])
    text = caller.ask("GET", "Task?_count=2")[1].decode()
    assert f"{server.base}/" not in text
    links = json.loads(text).get("link", [])
    assert all(link["url"].startswith(proxy.base + "/") for link in links)


def test_a_dropped_reply_is_one_that_the_server_gave(
    caller: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    proxy.once(drop_reply, "PUT")
    with pytest.raises(NETWORK_ERRORS):
        caller.put("accepted")
    assert held(server) == "accepted"
    lost = proxy.exchanges[-1]
    assert lost.server_said is not None
    assert lost.server_said.status == 200
    assert lost.client_got is None
    assert caller.put("rejected")[0] == 200


def test_a_dropped_request_never_arrives(
    caller: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    proxy.once(drop_request, "PUT")
    with pytest.raises(NETWORK_ERRORS):
        caller.put("accepted")
    assert held(server) == "requested"
    assert proxy.exchanges[-1].server_said is None


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_in_the_servers_place_comes_once(
    caller: Caller, proxy: FaultProxy, server: FhirServer, status: int
) -> None:
    proxy.once(answer(status, Retry_After="3"), "PUT", "Task")
    assert caller.ask("GET", "Task/1")[0] == 200
    assert caller.put("accepted")[0] == status
    got = proxy.exchanges[-1].client_got
    assert got is not None
    assert ("Retry-After", "3") in got.headers
    assert held(server) == "requested"
    assert caller.put("accepted")[0] == 200


def test_offline_refuses_and_breaks_what_is_open(
    caller: Caller, another: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    assert caller.put("accepted")[0] == 200
    proxy.offline()
    with pytest.raises(NETWORK_ERRORS):
        caller.put("rejected")
    with pytest.raises(ConnectionRefusedError):
        another.put("rejected")
    assert held(server) == "accepted"
    proxy.online()
    assert caller.put("rejected")[0] == 200
    assert held(server) == "rejected"


def test_a_reply_that_ends_in_the_middle(caller: Caller, proxy: FaultProxy) -> None:
    proxy.once(cut_reply(20), "GET")
    with pytest.raises(NETWORK_ERRORS):
        caller.ask("GET", "Task/1")
    assert caller.ask("GET", "Task/1")[0] == 200


def test_a_colleague_is_a_moment_quicker(
    caller: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    proxy.once(before(lambda: server.put("Task/1", task("rejected"))), "GET", "Task/1")
    assert json.loads(caller.ask("GET", "Task/1")[1])["status"] == "rejected"


def test_an_answer_can_be_held_for_as_long_as_a_test_likes(
    caller: Caller, another: Caller, proxy: FaultProxy
) -> None:
    arrived, gate = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        gate.wait()

    proxy.once(before(hold), "GET")
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(caller.ask("GET", "Task/1")[0]))
    waiting.start()
    arrived.wait()
    assert another.ask("GET", "Task/1")[0] == 200
    assert answers == []
    gate.set()
    waiting.join()
    assert answers == [200]


def test_what_is_asked_once_comes_before_what_is_always(caller: Caller, proxy: FaultProxy) -> None:
    proxy.always(answer(503))
    proxy.once(answer(429))
    assert [caller.ask("GET", "Task/1")[0] for _ in range(3)] == [429, 503, 503]
    proxy.heal()
    assert caller.ask("GET", "Task/1")[0] == 200


def test_json_can_be_changed_on_its_way(caller: Caller, proxy: FaultProxy) -> None:
    proxy.once(rewrite(lambda said: {**said, "status": "received"}))
    assert json.loads(caller.ask("GET", "Task/1")[1])["status"] == "received"


def test_a_server_that_takes_no_task_says_so_and_means_it(
    caller: Caller, proxy: FaultProxy, server: FhirServer
) -> None:
    proxy.read_only("Task")
    declared = json.loads(send("GET", f"{proxy.base}/metadata")[2])["rest"][0]["resource"]
    codes = {one["type"]: {c["code"] for c in one["interaction"]} for one in declared}
    assert codes["Task"] == {"read", "search-type"}
    assert "update" in codes["Communication"]
    assert caller.put("accepted")[0] == 405
    entry = {"request": {"method": "PUT", "url": "Task/1"}, "resource": task("accepted")}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    assert caller.ask("POST", "", json.dumps(batch).encode())[0] == 405
    assert held(server) == "requested"
    patient = b'{"resourceType":"Patient","id":"p"}'
    assert caller.ask("PUT", "Patient/p", patient)[0] in (200, 201)
