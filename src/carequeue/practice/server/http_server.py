"""HTTP around the FHIR service, on 127.0.0.1 only, and the quirks that break a connection.

`/fhir` is what a client sees; every address but `/fhir/metadata` needs the bearer token that was
made when the server started, or the one that came after it. `/control` is for tests and
demonstrations (`control.py`). The Host header must name this machine, so that no web
page can reach the clinic by a name of its own (DNS rebinding).
"""

from __future__ import annotations

import gzip
import hmac
import socket
import socketserver
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from carequeue.practice.server.batches import answer
from carequeue.practice.server.control import control
from carequeue.practice.server.fhir_dates import http_date
from carequeue.practice.server.http_types import HttpReply, HttpRequest, Refusal, outcome
from carequeue.practice.server.paced_time import ColleagueSchedule
from carequeue.practice.server.quirks import ActiveQuirks
from carequeue.practice.server.service import FhirService
from carequeue.practice.server.websockets import WebsocketServer

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
#: Larger than any batch of 50 resources; a larger body is refused before it is read.
MAX_BODY: Final = 32 * 1024 * 1024
#: Below this a body is not worth packing.
_SMALL: Final = 1400
_LOG_LENGTH: Final = 10_000
_HTML: Final = "<!doctype html><html><body><h1>Welcome to this hotel</h1></body></html>"


class PracticeServer(socketserver.ThreadingMixIn, HTTPServer):
    """The listening socket and what its handlers share."""

    daemon_threads = True
    request_queue_size = 64

    #: What moves by itself, and the service; there from `open` on, before the first request.
    schedule: ColleagueSchedule
    fhir: FhirService

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), RequestHandler)
        self.token = self.control_token = token
        self.spent = 0  # requests that this token was good for
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self.changes: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self.sockets = WebsocketServer()

    def server_bind(self) -> None:
        """Bind without asking a name server who we are (`HTTPServer` does, and may wait)."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; nothing is printed over somebody's screen."""

    @property
    def base(self) -> str:
        """The FHIR base address."""
        return f"http://127.0.0.1:{self.server_port}/fhir"

    def open(self, service: FhirService, schedule: ColleagueSchedule) -> None:
        """Begin to answer, in threads of this process, and to let colleagues act."""
        self.fhir, self.schedule = service, schedule
        service.subscriptions.tell = self.sockets.tell
        self.sockets.open(service.bind)
        threading.Thread(target=self.serve_forever, daemon=True, name="practice").start()
        schedule.begin()


class ConnectionDropped(Exception):
    """The connection ends here without an answer."""


class RequestHandler(BaseHTTPRequestHandler):
    """One connection; keeps it open between requests (HTTP/1.1)."""

    protocol_version = "HTTP/1.1"
    server_version = "CareQueuePractice"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one write
    server: PracticeServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing on standard error; `/control/log` has it."""

    def _serve(self) -> None:
        try:
            body = self._body()
            if self._is_allowed():
                self._route(urlsplit(self.path), body)
        except Refusal as no:
            self.close_connection = True
            self._send(HttpReply(no.status, outcome("error", no.code, no.words)))
        except ConnectionDropped:
            self._hang_up()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _body(self) -> bytes:
        if "transfer-encoding" in self.headers:
            raise Refusal(411, "not-supported", "Send the length of the body.")
        length = self.headers.get("content-length", "0")
        if not length.isdigit():
            raise Refusal(400, "value", "Content-Length is no number.")
        if int(length) > MAX_BODY:
            raise Refusal(413, "too-long", "The body is larger than this server takes.")
        return self.rfile.read(int(length))

    def _is_allowed(self) -> bool:
        host = self.headers.get("host", "")
        if host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK:
            words = "This clinic answers only to the names of this machine."
            self._send(HttpReply(403, outcome("error", "forbidden", words)))
            return False
        if urlsplit(self.path).path == "/fhir/metadata":
            return True
        words = self._why_not()
        if not words:
            return True
        headers = {"WWW-Authenticate": 'Bearer realm="practice"'}
        self._send(HttpReply(401, outcome("error", "login", words), headers=headers))
        return False

    def _why_not(self) -> str:
        """Return why the bearer token is rejected, "" if it is accepted."""
        server = self.server
        token = server.token if self.path.startswith("/fhir") else server.control_token
        given = self.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            return "The bearer token is missing, or is not the one of this clinic."
        if self.path.startswith("/fhir") and server.fhir.quirks.token_expires:
            server.spent += 1
            if server.spent > server.fhir.quirks.token_expires:
                return "The bearer token has expired."
        return ""

    def _route(self, url: Any, body: bytes) -> None:
        parts = tuple(unquote(part) for part in url.path.split("/") if part)
        if parts[:1] == ("control",):
            self._send(control(self.server, self.command, parts[1:], body))
        elif parts[:1] == ("fhir",):
            request = HttpRequest(
                "GET" if self.command == "HEAD" else self.command,
                parts[1:],
                tuple(parse_qsl(url.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            self._fhir(request)
        else:
            words = "The FHIR base address ends in /fhir."
            self._send(HttpReply(404, outcome("error", "not-found", words)))

    # --- FHIR, with the quirks of a bad day ----------------------------------------------------

    def _fhir(self, request: HttpRequest) -> None:
        service = self.server.fhir
        quirks, writing = service.active_quirks, _writes(request)
        try:
            if quirks.now.slow:
                time.sleep(quirks.now.slow / 1000)
            if quirks.now.drop_request < 0 or (writing and quirks.use("drop_request")):
                raise ConnectionDropped
            reply = self._bad_day(request, quirks) or answer(service, request)
            if writing and quirks.use("drop_next_reply"):
                raise ConnectionDropped
        except ConnectionDropped:
            self._note(request, 0)
            raise
        self._note(request, reply.status)
        self._send(reply)

    def _bad_day(self, request: HttpRequest, quirks: ActiveQuirks) -> HttpReply | None:
        if quirks.now.html:
            return HttpReply(200, _HTML, headers={"Content-Type": "text/html; charset=utf-8"})
        if quirks.now.unavailable:
            words = "The server is being looked after. Try again later."
            return HttpReply(
                503, outcome("error", "transient", words), headers={"Retry-After": "1"}
            )
        if request.path != ("metadata",) and quirks.use("throttle_next"):
            words = "Too many requests. Try again later."
            return HttpReply(
                429, outcome("error", "throttled", words), headers={"Retry-After": "1"}
            )
        return None

    def _note(self, request: HttpRequest, status: int) -> None:
        self.server.log.append(
            {
                "method": request.method,
                "path": self.path,
                "if_match": request.headers.get("if-match"),
                "if_none_match": request.headers.get("if-none-match"),
                "if_none_exist": request.headers.get("if-none-exist"),
                "prefer": request.headers.get("prefer"),
                "status": status,
                "body": request.body.decode("utf-8", "replace"),
            }
        )

    # --- answering ---------------------------------------------------------------------------

    def _send(self, reply: HttpReply) -> None:
        payload = reply.body.encode()
        headers = {"Content-Type": "application/fhir+json; charset=utf-8"} if payload else {}
        headers |= reply.http_headers(self.server.base)
        if len(payload) > _SMALL and "gzip" in self.headers.get("accept-encoding", ""):
            payload = gzip.compress(payload, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        length = len(payload)
        quirks = self.server.fhir.quirks if self.path.startswith("/fhir") else None
        if quirks and quirks.cut_json and "Content-Encoding" not in headers:
            payload = payload[: length // 2]
            length = len(payload)
        if quirks and quirks.truncated:
            payload = payload[: length // 2]
            self.close_connection = True
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(payload)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header: the clinic's own time, which `--now` may have set."""
        if timestamp is None:
            return http_date(self.server.fhir.store.now())
        return super().date_time_string(timestamp)

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            self.close_connection = True  # the other side was quicker


def _writes(request: HttpRequest) -> bool:
    """True if a request changes something: not a read, not a search by POST."""
    return request.method not in ("GET", "HEAD", "OPTIONS") and request.path[-1:] != ("_search",)
