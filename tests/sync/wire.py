"""The other end of the wire for the tests of the transport: canned answers, and a real socket."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import httpx
import trustme

from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport

BASE: Final = "https://fhir.example.org/r4"

Handler = Callable[[httpx.Request], httpx.Response]


@cache
def authority() -> trustme.CA:
    """An authority that nobody trusts, for the length of a test run; its keys are never kept."""
    return trustme.CA()


@cache
def loopback() -> trustme.LeafCert:
    """Its certificate for 127.0.0.1."""
    return authority().issue_cert("127.0.0.1")


class Pieces(httpx.SyncByteStream):
    """A body that arrives piece by piece, as it is on the wire; may break in the middle."""

    def __init__(self, *pieces: bytes, breaks: Exception | None = None) -> None:
        self._pieces, self._breaks = pieces, breaks
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece
        if self._breaks:
            raise self._breaks


def answer(body: bytes = b"{}", status: int = 200, **headers: str) -> httpx.Response:
    """An answer whose body is these bytes, packed or not."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Pieces(body))


class Wire:
    """A transport whose server is a function; every request that left is in `requests`."""

    def __init__(self, handler: Handler, base: str = BASE, tokens: Tokens | None = None) -> None:
        self.requests: list[httpx.Request] = []

        def served(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        given = tokens or Tokens(fixed="secret")
        self.transport = Transport(base, given, handler=httpx.MockTransport(served))

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.requests]


@contextlib.contextmanager
def listener(talk: Callable[[socket.socket], None], tls: bool = False) -> Iterator[str]:
    """A server on loopback that does this with each connection; its base address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        loopback().configure_cert(context)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    if tls:
                        with context.wrap_socket(connection, server_side=True) as wrapped:
                            talk(wrapped)
                    else:
                        talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/fhir"
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def http(head: bytes, body: bytes = b"") -> Callable[[socket.socket], None]:
    """Read one request, and say these bytes; then the connection ends."""

    def talk(connection: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked and (more := connection.recv(65536)):
            asked += more
        connection.sendall(head + b"\r\n\r\n" + body)

    return talk


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
