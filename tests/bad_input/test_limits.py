"""What a server may cost us: size, parts and time end in a sentence, not in a hang."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from carequeue.domain.errors import ServerError
from carequeue.fhir import jsontext
from carequeue.sync.net import transport as wire
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.protocol.sending import Unreachable
from carequeue.sync.workers import Background, SourceConnection, SourceWorker
from carequeue.wiring import Session
from tests.bad_input.home import Home, task
from tests.bad_input.hostile import honest, serving
from tests.sync.wire import authority, listener

BASE = "https://fhir.example.org/r4"


class Endless(httpx.SyncByteStream):
    """A body without end; counts what was taken of it."""

    def __init__(self, first: bytes, again: bytes) -> None:
        self._first, self._again = first, again
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        while self.taken < 10_000:
            self.taken += 1
            yield self._again


def asked(body: Endless, **headers: str) -> None:
    """Ask a server that answers with this body."""

    def served(request: httpx.Request) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(200, headers=named, stream=body)

    with Transport(BASE, Tokens(), handler=httpx.MockTransport(served)) as transport:
        transport.send("GET", "Task")


class TestABody:
    def test_without_end_is_left_at_the_cap(self) -> None:
        body = Endless(b"[", b" " * 1_000_000)
        with pytest.raises(ServerError, match="Your data is still saved"):
            asked(body)
        assert body.taken < 40

    def test_that_goes_on_behind_the_end_of_what_is_packed_is_left_at_the_cap(self) -> None:
        body = Endless(gzip.compress(b"{}"), b"\0" * 1_000_000)
        with pytest.raises(ServerError, match="Your data is still saved"):
            asked(body, Content_Encoding="gzip")
        assert body.taken < 40

    @pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
    @pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n["], ids=["head", "body"])
    def test_that_drips_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, head: bytes, tls: bool
    ) -> None:
        """A byte now and then keeps every timeout of a connection from running out."""
        monkeypatch.setattr(wire, "RESPONSE_SECONDS", 0.5)
        hung_up = threading.Event()

        def drip(connection: socket.socket) -> None:
            connection.recv(65536)
            try:
                connection.sendall(head or b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not hung_up.wait(0.02):
                    connection.sendall(b" ")
            except OSError:
                hung_up.set()

        bundle = tmp_path / "authority.pem"
        authority().cert_pem.write_to_path(str(bundle))
        with (
            listener(drip, tls=tls) as base,
            Transport(base, Tokens(), ca_bundle=str(bundle)) as transport,
            pytest.raises(Unreachable, match="no complete reply in time") as gone,
        ):
            transport.send("GET", "Task")
        assert gone.value.left
        assert hung_up.wait(30)

    @pytest.mark.parametrize("part", [b"{},", b"[],", b'{"a":1},', b"1.5,", b'"ab",'])
    def test_of_a_million_parts_is_not_taken_apart(self, part: bytes) -> None:
        text = b"[" + part * 1_000_001 + b"0]"
        tracemalloc.start()
        try:
            with pytest.raises(jsontext.TooMuch):
                jsontext.loads(text)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2 * len(text) + 1_000_000  # its text, and nothing of what it would become

    def test_of_a_page_as_large_as_any_is_taken_apart(self) -> None:
        page = {"entry": [{"resource": task(f"t{number}")} for number in range(10_000)]}
        assert jsontext.loads(jsontext.dumps(page)) == page


class TestTheThread:
    """The sync beside the queue: a fault never ends it in silence."""

    def test_goes_on_after_a_fault_and_says_it(self, tmp_path: Path) -> None:
        told: list[str] = []
        looked = threading.Event()
        calls = 0

        def make() -> SourceConnection:
            nonlocal calls
            calls += 1
            if calls > 1:
                looked.set()
            raise KeyError("needle of a client's name")

        sync = Background([SourceWorker("main", tmp_path / "lock", make, told.append)])
        sync.start()
        deadline = time.monotonic() + 30
        while not looked.is_set() and time.monotonic() < deadline:
            sync.sync_now()
            looked.wait(0.01)
        sync.stop()
        assert looked.is_set()
        assert "KeyError" in told[0]
        assert "needle" not in told[0]
        assert "still saved" in told[0]

    def test_says_in_the_header_why_nothing_can_be_synced(self, home: Home) -> None:
        home.write_profile("https://127.0.0.1:9/fhir", ca_bundle=str(home.root / "none.pem"))
        with home.session() as session:
            assert _in_the_header(session, "none.pem")

    def test_says_in_the_header_that_the_disk_was_full(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with serving(honest(task())) as server:
            home.write_profile(server.base)
            monkeypatch.setattr("carequeue.sync.sync_cycle.Syncer.run_cycle", full)
            with home.session() as session:
                assert _in_the_header(session, "No space left")


def _in_the_header(session: Session, words: str) -> bool:
    """Whether the header comes to say this, while the sync runs beside."""
    sync = session.background()
    sync.start()
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            if words in session.desk.health(session.now()).why_offline:
                return True
            time.sleep(0.01)
    finally:
        sync.stop()
    return False
