"""A loopback proxy that does to a server's answers what networks do.

In:  the address of a server, and the faults that a test asks for, by request.
Out: the address of the proxy, and every exchange, byte for byte as it passed.
Why between and not inside: a server that nobody here wrote cannot be told to lose a reply. What
passes is not altered, but for two things: the server's own address becomes the proxy's, or the
links of a search would lead around the proxy; and a packed answer is unpacked, to be read.
Not here: what a server itself can be told to do (`PracticeServer.behave`).
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, cast
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]

#: Headers of one connection, not of the message (RFC 9110 7.6.1); the lengths are set anew.
HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the client sent it; `path` has the query."""

    method: str
    path: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """One header by its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer; `cut` is how many bytes of the body pass before the connection breaks."""

    status: int
    headers: Headers
    body: bytes
    cut: int | None = None


@dataclass(slots=True)
class Exchange:
    """One request, what the server said (None: not asked), what the client got (None: nothing)."""

    asked: Asked
    server_said: Answered | None = None
    client_got: Answered | None = None


#: What happens to one request; `forward` asks the server. None breaks the connection.
Fault = Callable[[Asked, Callable[[], Answered]], Answered | None]


def drop_request(asked: Asked, forward: Callable[[], Answered]) -> None:
    """Break the connection before the server has seen anything."""


def drop_reply(asked: Asked, forward: Callable[[], Answered]) -> None:
    """Break the connection after the server has done its work."""
    forward()


def answer(status: int, body: bytes = b"", kind: str = "text/html", **headers: str) -> Fault:
    """Answer in the server's place; `Retry_After="1"` sets the header Retry-After."""
    own = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda asked, forward: Answered(status, [("Content-Type", kind), *own], body)


def cut_reply(at: int) -> Fault:
    """Let so many bytes of the body pass, then break the connection."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        said = forward()
        return Answered(said.status, said.headers, said.body, cut=at)

    return fault


def before(happening: Callable[[], object]) -> Fault:
    """Let something happen (a colleague's change, a wait) just before the server is asked."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        happening()
        return forward()

    return fault


def rewrite(change: Callable[[Any], Any]) -> Fault:
    """Change the JSON of an answer on its way."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        said = forward()
        return Answered(
            said.status, said.headers, json.dumps(change(json.loads(said.body))).encode()
        )

    return fault


@dataclass(slots=True)
class _Rule:
    fault: Fault
    method: str
    path: str
    left: int | None  # None: for ever

    def fits(self, asked: Asked) -> bool:
        return self.method in ("", asked.method) and self.path in asked.path


class FaultProxy:
    """Stands before one server. Faults come in the order asked for, those for once first."""

    def __init__(self, base: str, token: str = "") -> None:
        target = urlsplit(base)
        self._host, self._port = target.hostname or "127.0.0.1", target.port
        self._rules: list[_Rule] = []
        self._root = target.path
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._accepting = False
        self._thread = threading.Thread()
        self.exchanges: list[Exchange] = []
        self._listener = self._bind(0)
        self._address = self._listener.getsockname()
        self.base = f"http://127.0.0.1:{self._address[1]}{target.path}"
        self.token = token
        self.online()

    def once(self, fault: Fault, method: str = "", path: str = "", times: int = 1) -> None:
        """The next request (or the next so many) of this method, with this text in its path."""
        with self._guard:
            self._rules.append(_Rule(fault, method, path, times))

    def always(self, fault: Fault, method: str = "", path: str = "") -> None:
        """Every such request, until `heal`."""
        with self._guard:
            self._rules.append(_Rule(fault, method, path, None))

    def read_only(self, *kinds: str) -> None:
        """A server that declares no write of these types, and refuses one: 405."""

        def declare(statement: Any) -> Any:
            for entry in statement["rest"][0]["resource"]:
                if entry["type"] in kinds:
                    entry["interaction"] = [{"code": "read"}, {"code": "search-type"}]
                    entry.pop("updateCreate", None)
                    entry.pop("conditionalCreate", None)
            return statement

        def refuse(asked: Asked, forward: Callable[[], Answered]) -> Answered | None:
            refused = not self._written(asked).isdisjoint(kinds)
            return answer(405)(asked, forward) if refused else forward()

        self.always(rewrite(declare), "GET", "/metadata")
        for method in ("PUT", "POST", "PATCH", "DELETE"):
            self.always(refuse, method)

    def _written(self, asked: Asked) -> set[str]:
        """The types that a request would write, also inside a batch."""
        path = urlsplit(asked.path).path.removeprefix(self._root).strip("/")
        if not path:
            entries = [entry["request"] for entry in json.loads(asked.body).get("entry", [])]
            return {one["url"].split("/")[0] for one in entries if one["method"] != "GET"}
        return set() if path.endswith("_search") else {path.split("/")[0]}

    def heal(self) -> None:
        """Forget every fault that was asked for, and answer again."""
        with self._guard:
            self._rules.clear()
        self.online()

    def offline(self) -> None:
        """Refuse connections and break those that are open; the port stays ours."""
        if self._accepting:
            self._accepting = False
            with contextlib.suppress(OSError):  # wakes `accept` where closing alone does not
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._thread.join()
            self._listener = self._bind(self._address[1])
            self._break_open()

    def online(self) -> None:
        """Answer again; without effect where it already does."""
        if not self._accepting:
            self._accepting = True
            self._listener.listen(64)
            self._thread = threading.Thread(target=self._accept, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop answering and give the port back."""
        self.offline()
        self._listener.close()

    def asked(self, method: str = "", path: str = "") -> list[Asked]:
        """The requests so far, of one method or with a text in their path."""
        rule = _Rule(drop_reply, method, path, None)
        return [one.asked for one in list(self.exchanges) if rule.fits(one.asked)]

    @staticmethod
    def _bind(port: int) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        return made

    def _accept(self) -> None:
        listener = self._listener
        while self._accepting:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._guard:
                self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            _Conversation(client, client.getpeername(), cast("Any", self))
        with self._guard:
            self._open.discard(client)
        client.close()

    def _break_open(self) -> None:
        with self._guard:
            for client in self._open:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def _fault(self, asked: Asked) -> Fault | None:
        with self._guard:
            fitting = [rule for rule in self._rules if rule.fits(asked)]
            once = next((rule for rule in fitting if rule.left), None)
            if once and once.left:
                once.left -= 1
        rule = once or next((rule for rule in fitting if rule.left is None), None)
        return rule.fault if rule else None

    def pass_on(self, asked: Asked) -> Answered | None:
        """Record one request, let its fault happen, and say what the client is to get."""
        exchange = Exchange(asked)
        self.exchanges.append(exchange)

        def forward() -> Answered:
            exchange.server_said = self._ask(asked)
            return exchange.server_said

        fault = self._fault(asked)
        exchange.client_got = fault(asked, forward) if fault else forward()
        return exchange.client_got

    def _ask(self, asked: Asked) -> Answered:
        server = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            server.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers:
                if name.lower() not in HOP:
                    server.putheader(name, value)
            if asked.body or asked.method in ("PUT", "POST", "PATCH"):
                server.putheader("Content-Length", str(len(asked.body)))
            server.putheader("Connection", "close")
            server.endheaders(asked.body or None)
            reply = server.getresponse()
            return self._readable(reply.status, reply.getheaders(), reply.read())
        finally:
            server.close()

    def _readable(self, status: int, headers: Headers, body: bytes) -> Answered:
        if any(pair == ("Content-Encoding", "gzip") for pair in headers):
            body = gzip.decompress(body)
            headers = [pair for pair in headers if pair[0] != "Content-Encoding"]
        there, here = f"http://{self._host}:{self._port}/", f"http://127.0.0.1:{self._address[1]}/"
        moved = [(name, value.replace(there, here)) for name, value in headers]
        return Answered(status, moved, body.replace(there.encode(), here.encode()))


class _Conversation(BaseHTTPRequestHandler):
    """One kept-alive connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _relay(self) -> None:
        proxy = cast("FaultProxy", self.server)
        if "Transfer-Encoding" in self.headers:
            self.send_error(411)
            return
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(self.command, self.path, list(self.headers.items()), self.rfile.read(length))
        try:
            said = proxy.pass_on(asked)
        except (OSError, http.client.HTTPException):
            said = None
        if said is None or said.cut is not None:
            self.close_connection = True
        if said is None:
            # An immediate reset: the client must not take this for an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.sendall(self._message(said))

    def _message(self, said: Answered) -> bytes:
        head = [f"HTTP/1.1 {said.status} {http.client.responses.get(said.status, '')}"]
        head += [f"{name}: {value}" for name, value in said.headers if name.lower() not in HOP]
        if said.status not in (204, 304):
            head.append(f"Content-Length: {len(said.body)}")
        return "\r\n".join([*head, "", ""]).encode("latin-1") + said.body[: said.cut]

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _relay  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the exchanges are kept where a test can read them."""
