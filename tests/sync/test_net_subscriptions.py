"""Subscriptions by websocket: what is declared, what a message means, and a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.sync.server import ServerConnection, serve

from carequeue.sync.net.addresses import socket_address
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.subscriptions import (
    LIFE,
    MOST_BYTES,
    RENEW,
    Declared,
    SubscriptionListener,
    declared,
    meaning,
)
from carequeue.sync.net.transport import Transport
from tests.sync.wire import answer

PATIENCE = 10.0
TOPIC = "https://clinic.example/SubscriptionTopic/any-change"
_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_SOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"


def statement(socket: str = "", topics: tuple[str, ...] = (), token: bool = False) -> Any:
    """A CapabilityStatement that offers Subscriptions in these ways."""
    offered: dict[str, Any] = {"type": "Subscription", "interaction": [{"code": "create"}]}
    url = f"{_BACKPORT}capabilitystatement-subscriptiontopic-canonical"
    offered["extension"] = [{"url": url, "valueCanonical": topic} for topic in topics]
    if token:
        offered["operation"] = [{"name": "$get-ws-binding-token"}]
    rest: dict[str, Any] = {"mode": "server", "resource": [offered]}
    if socket:
        rest["extension"] = [{"url": _SOCKET, "valueUri": socket}]
    return {"resourceType": "CapabilityStatement", "rest": [rest]}


def notification(kind: str, events: int = 1) -> str:
    """A notification Bundle of the backport, without content."""
    parameters = [
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(events)},
    ]
    status = {"resourceType": "Parameters", "parameter": parameters}
    return json.dumps(
        {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]}
    )


class TestWhatIsDeclared:
    def test_criteria_come_before_a_topic(self) -> None:
        both = statement("wss://clinic.example/ws", (TOPIC,), token=True)
        assert declared(both) == Declared(socket="wss://clinic.example/ws")

    def test_of_several_topics_the_one_of_tasks_is_taken(self) -> None:
        topics = ("https://c.example/encounter-start", "https://c.example/task-changed")
        assert declared(statement(topics=topics, token=True)) == Declared(topic=topics[1])

    def test_topics_that_may_tell_of_something_else_are_not_taken(self) -> None:
        topics = ("https://c.example/encounter-start", "https://c.example/admission")
        assert declared(statement(topics=topics, token=True)) is None

    def test_criteria_may_be_bound_with_a_token(self) -> None:
        assert declared(statement(token=True)) == Declared()

    @pytest.mark.parametrize(
        "odd",
        [None, [], {}, {"rest": 7}, {"rest": [7, {"resource": {}}]}, statement(),
         {"rest": [{"resource": [{"type": "Subscription"}]}]}],
    )  # fmt: skip
    def test_nothing_is_made_of_what_declares_nothing(self, odd: Any) -> None:
        assert declared(odd) is None


class TestAnAddress:
    @pytest.mark.parametrize(
        ("said", "taken"),
        [
            ("wss://fhir.example.org/ws", "wss://fhir.example.org/ws"),
            ("https://FHIR.example.org:8443/ws", "wss://FHIR.example.org:8443/ws"),
            ("/websocket", "wss://fhir.example.org/websocket"),
            ("wss://other.example.org/ws", None),
            ("ws://fhir.example.org/ws", None),
            ("wss://fhir.example.org@evil.example/ws", None),
            ("wss://fhir.example.org:port/ws", None),
            ("javascript:alert(1)", None),
            ("wss://fhir.example.org/\x1b", None),
            pytest.param("wss://fhir.example.org/" + "a" * 20_000, None, id="long"),
        ],
    )
    def test_is_on_the_host_of_the_source_and_encrypted_or_it_is_none(
        self, said: str, taken: str | None
    ) -> None:
        assert socket_address("https://fhir.example.org/r4", said) == taken

    def test_gets_the_token_only_at_the_very_origin(self) -> None:
        with Transport("https://fhir.example.org/r4", Tokens(fixed="secret")) as transport:
            same = transport.dial("wss://fhir.example.org/ws")
            beside = transport.dial("wss://fhir.example.org:8443/ws")
            assert same is not None
            assert beside is not None
            assert same.headers == {"Authorization": "Bearer secret"}
            assert beside.headers == {}
            assert transport.dial("wss://evil.example/ws") is None


class TestAMessage:
    @pytest.mark.parametrize(
        ("message", "means"),
        [
            ("bound s1", "bound"),
            ("ping s1", "hint"),
            ("ping another", ""),
            (b"ping s1", "hint"),
            (notification("handshake", 0), "bound"),
            (notification("heartbeat"), ""),
            (notification("event-notification"), "hint"),
            (json.dumps({"resourceType": "Bundle", "entry": [
                {"resource": {"resourceType": "SubscriptionStatus", "type": "heartbeat"}}]}), ""),
            (json.dumps({"resourceType": "Bundle"}), "hint"),
            ("", ""),
            ("[" * 100_000, ""),
            ('{"resourceType": "Patient"}', ""),
            (b"\xff\xfe", ""),
        ],
    )  # fmt: skip
    def test_is_a_hint_a_sign_of_life_or_nothing(self, message: str | bytes, means: str) -> None:
        assert meaning(message, "s1") == means


class Clinic:
    """A server with one Subscription: HTTP by a function, the websocket for real."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.made: list[Any] = []
        self.heard: list[str] = []
        self.headers: list[Any] = []
        self.says: Callable[[ServerConnection], None] = lambda _: None
        self.statement: Any = None
        self.refuses = 0
        self.seconds = 0.0
        self.told = threading.Semaphore(0)
        self._server = serve(self._talk, "127.0.0.1", 0)
        self.port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def hints(self, base: str = "http://127.0.0.1:9/fhir") -> SubscriptionListener:
        handler = httpx.MockTransport(self._answer)
        transport = Transport(base, Tokens(fixed="secret"), handler=handler)
        return SubscriptionListener(
            transport, {"Task": "owner=Practitioner/1"}, lambda: self.seconds
        )

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(PATIENCE)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/fhir/")
        self.asked.append((request.method, path))
        if path == "metadata":
            return answer(json.dumps(self.statement).encode())
        if request.method == "POST":
            self.made.append(json.loads(request.content))
            return answer(b"", self.refuses or 201, Location="Subscription/s1/_history/1")
        if path.endswith("$get-ws-binding-token"):
            parts = [
                {"name": "token", "valueString": "for-this-alone"},
                {"name": "websocket-url", "valueUrl": self.url},
            ]
            said = {"resourceType": "Parameters", "parameter": parts}
            return answer(json.dumps(said).encode())
        return answer(b"", 204)

    def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(dict(connection.request.headers))
        self.heard.append(str(connection.recv(PATIENCE)))
        if self.heard[-1].startswith("bind-with-token"):
            connection.send(notification("handshake", 0))
        else:
            connection.send(f"bound {self.heard[-1].split()[1]}")
        self.says(connection)


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    made = Clinic()
    made.statement = statement(made.url)
    yield made
    made.close()


@contextmanager
def listening(hints: SubscriptionListener, clinic: Clinic) -> Iterator[None]:
    """Bound: the first hint is that what came before the binding is to be looked for."""
    assert not hints.tend(clinic.told.release)
    assert clinic.told.acquire(timeout=PATIENCE)
    assert hints.tend(clinic.told.release)
    try:
        yield
    finally:
        hints.close(quiet=True)


class TestAConnection:
    def test_by_criteria_tells_of_each_change(self, clinic: Clinic) -> None:
        change, over = threading.Event(), threading.Event()

        def says(connection: ServerConnection) -> None:
            change.wait(PATIENCE)
            connection.send("ping s1")
            over.wait(PATIENCE)

        clinic.says = says
        with listening(clinic.hints(), clinic):
            change.set()
            assert clinic.told.acquire(timeout=PATIENCE)
            over.set()
        assert clinic.heard == ["bind s1"]
        assert clinic.made[0]["criteria"] == "Task?owner=Practitioner/1"
        assert clinic.made[0]["end"]

    def test_by_topic_is_bound_with_a_token_for_that_alone(self, clinic: Clinic) -> None:
        clinic.statement = statement(topics=(TOPIC,), token=True)
        over = threading.Event()
        clinic.says = lambda _: (over.wait(PATIENCE), None)[1]
        with listening(clinic.hints(), clinic):
            over.set()
        assert clinic.heard == ["bind-with-token for-this-alone"]
        assert clinic.made[0]["criteria"] == TOPIC
        assert "secret" not in json.dumps([clinic.heard, *map(str, clinic.headers)])

    def test_that_breaks_is_a_hint_and_is_made_again_with_the_same_subscription(
        self, clinic: Clinic
    ) -> None:
        hints = clinic.hints()
        with listening(hints, clinic):
            assert clinic.told.acquire(timeout=PATIENCE)  # `says` ends at once
            while hints._reader is not None and hints._reader.alive:
                threading.Event().wait(0.01)
            clinic.seconds += 100
            assert not hints.tend(clinic.told.release)
            assert clinic.told.acquire(timeout=PATIENCE)
        assert len(clinic.made) == 1
        assert clinic.heard == ["bind s1", "bind s1"]

    def test_is_renewed_before_its_subscription_ends(self, clinic: Clinic) -> None:
        over = threading.Event()
        clinic.says = lambda _: (over.wait(PATIENCE), None)[1]
        hints = clinic.hints()
        with listening(hints, clinic):
            clinic.seconds += (LIFE - RENEW).total_seconds() + 1
            assert not hints.tend(clinic.told.release)
            assert clinic.told.acquire(timeout=PATIENCE)
            over.set()
        assert len(clinic.made) == 2
        assert ("DELETE", "Subscription/s1") in clinic.asked

    def test_at_the_end_the_server_forgets_us(self, clinic: Clinic) -> None:
        over = threading.Event()
        clinic.says = lambda _: (over.wait(PATIENCE), None)[1]
        hints = clinic.hints()
        with listening(hints, clinic):
            hints.close(quiet=False)
            over.set()
        assert clinic.asked[-1] == ("DELETE", "Subscription/s1")

    def test_offline_by_choice_nothing_is_sent_at_its_end(self, clinic: Clinic) -> None:
        over = threading.Event()
        clinic.says = lambda _: (over.wait(PATIENCE), None)[1]
        hints = clinic.hints()
        with listening(hints, clinic):
            before = list(clinic.asked)
            hints.close(quiet=True)
            over.set()
        assert clinic.asked == before

    def test_a_message_as_large_as_none_should_be_ends_it(self, clinic: Clinic) -> None:
        change = threading.Event()

        def says(connection: ServerConnection) -> None:
            change.wait(PATIENCE)
            connection.send("x" * (MOST_BYTES + 1))

        clinic.says = says
        hints = clinic.hints()
        with listening(hints, clinic):
            ear = hints._reader
            change.set()
            assert clinic.told.acquire(timeout=PATIENCE)
            assert ear is not None
            ear._thread.join(PATIENCE)
            assert not ear.alive


class TestNoConnection:
    def test_where_the_server_refuses_nothing_is_said_and_it_is_tried_ever_more_seldom(
        self, clinic: Clinic
    ) -> None:
        clinic.refuses = 403
        hints = clinic.hints()
        tries = 0
        for _ in range(24 * 60):
            clinic.seconds += 60
            assert not hints.tend(clinic.told.release)
        tries = clinic.asked.count(("POST", "Subscription"))
        assert 10 < tries < 60
        assert clinic.heard == []

    def test_nobody_is_called_on_another_host(self, clinic: Clinic) -> None:
        clinic.statement = statement("ws://localhost:9/ws")
        hints = clinic.hints()
        assert not hints.tend(clinic.told.release)
        assert hints._reader is None

    def test_a_redirect_is_not_followed(self, clinic: Clinic) -> None:
        moved = threading.Event()

        def redirect(connection: ServerConnection, request: Any) -> Any:
            moved.set()
            answer = connection.respond(307, "")
            answer.headers["Location"] = clinic.url
            return answer

        with serve(lambda _: None, "127.0.0.1", 0, process_request=redirect) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            port = server.socket.getsockname()[1]
            clinic.statement = statement(f"ws://127.0.0.1:{port}/ws")
            hints = clinic.hints()
            hints.tend(clinic.told.release)
            assert moved.wait(PATIENCE)
            assert hints._reader is not None
            hints._reader._thread.join(PATIENCE)
            server.shutdown()
            thread.join(PATIENCE)
        assert clinic.heard == []
        hints.close(quiet=True)
