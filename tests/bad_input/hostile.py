"""A server on loopback that answers as a test says, good or bad; it writes down what came.

In:  a function from a request to an answer, or the resources of an honest server. Out: its base
address, and the requests. Nothing here checks anything: it is the other end of the wire.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

TYPES: Final = ("Task", "ServiceRequest", "Communication", "Patient", "Practitioner")
TOKEN: Final = "needle-of-a-token"


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any

    @property
    def key(self) -> str:
        """`Type/id`, or the type alone of a search."""
        return self.path.removeprefix("/fhir/")


class Said(NamedTuple):
    """One answer; `body` is JSON unless it is bytes."""

    body: Any = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Asked], Said]


def statement(version: str = "4.0.1", batch: bool = False) -> dict[str, Any]:
    """What an honest server says of itself."""
    does = [{"code": code} for code in ("read", "search-type", "create", "update")]
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": version,
        "software": {"name": "a server"},
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": "batch"}] if batch else [],
                "resource": [
                    {"type": kind, "interaction": does, "updateCreate": True} for kind in TYPES
                ],
            }
        ],
    }


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    """A page of a search."""
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def outcome(words: str) -> dict[str, Any]:
    """A refusal in words."""
    issue = {"severity": "error", "code": "processing", "diagnostics": words}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def honest(*resources: dict[str, Any], batch: bool = False) -> Answer:
    """A server that has these, lets them be read, and takes no write."""

    def answer(asked: Asked) -> Said:
        if asked.key == "metadata":
            return Said(statement(batch=batch))
        kind, _, key = asked.key.partition("/")
        if asked.method != "GET":
            return Said(outcome("not now"), 409)
        if key:
            found = [one for one in resources if (one["resourceType"], one["id"]) == (kind, key)]
            return Said(found[0]) if found else Said(outcome("not here"), 404)
        return Said(bundle(*(one for one in resources if one["resourceType"] == kind)))

    return answer


class Hostile:
    """The server; `answer` may be exchanged while it runs."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requested: list[Asked] = []
        told = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20  # a client that stays away does not hold up the end of a test

            def handle_one_request(self) -> None:
                with contextlib.suppress(OSError):  # the client may have had enough
                    super().handle_one_request()

            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(size)
                parts = urlsplit(self.path)
                body = json.loads(sent) if sent else None
                asked = Asked(self.command, parts.path, parts.query, dict(self.headers), body)
                told.requested.append(asked)
                said = told.answer(asked)
                raw = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response_only(said.status)
                named = {name.lower() for name, _ in said.headers}
                if "content-length" not in named:
                    self.send_header("Content-Length", str(len(raw)))
                for name, value in said.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)
                self.close_connection = "content-length" in named

            do_PUT = do_POST = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.base = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/fhir"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._server.serve_forever(0.02)

    def writes(self) -> list[str]:
        """The requests that would change something, in order."""
        return [f"{one.method} {one.key}" for one in self.requested if one.method != "GET"]

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextlib.contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """A server for the length of a test."""
    server = Hostile(answer, tls)
    try:
        yield server
    finally:
        server.close()
