"""FHIR Subscriptions: a server announces changes by websocket, so that a sync cycle starts at once.

In:  the connection to a source, its scope. Out: calls of `told`, at most one at a time. A message
is never read for its content: it only starts a cycle, and the cycle fetches what changed.
Decided here: only if the CapabilityStatement declares it; by criteria rather than by topic, because
a search of Tasks means the same on every server and a topic does not; on the source's own host
only; and any failure is silent, because the source is then polled as before. The Subscription ends
by itself after an hour, is renewed before that, and is deleted when the program ends; a program
that is killed leaves one that expires.
Sources: R4 subscription.html ("bind ID", "ping ID"); the R5 backport's $get-ws-binding-token.
Not here: when to sync (`poll_schedule.py`); the token and the host check (`transport.py`).
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from carequeue.fhir.values import ID, objects, text

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from carequeue.sync.net.transport import Dial, Transport

_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_SOCKET: Final = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
_TOPIC: Final = f"{_BACKPORT}capabilitystatement-subscriptiontopic-canonical"
_OPERATION: Final = "get-ws-binding-token"
#: Lifetime of a Subscription, and how long before its end a new one is created.
LIFE: Final = timedelta(hours=1)
RENEW: Final = timedelta(minutes=20)
#: Seconds until another try after a failure; doubled with each, up to the last.
_AGAIN: Final = 30.0
_AGAIN_LAST: Final = 1800.0
_CONNECT: Final = 10.0
#: A notification that says only that something happened has some hundred bytes.
MOST_BYTES: Final = 64 * 1024
#: Seconds between two messages that are read: a flood of them costs nothing.
_BREATH: Final = 0.05


@dataclass(frozen=True, slots=True)
class Declared:
    """An announcement of changes. `topic` "": by criteria. `socket` "": bound with a token."""

    topic: str = ""
    socket: str = ""


def declared(statement: Any) -> Declared | None:
    """The Subscriptions of a CapabilityStatement; None if it offers none that can be used."""
    for rest in objects(statement, "rest"):
        offered = [part for part in objects(rest, "resource") if part.get("type") == "Subscription"]
        codes = {
            part.get("code") for resource in offered for part in objects(resource, "interaction")
        }
        if "create" not in codes:
            continue
        address = next(_values(rest, _SOCKET), "")
        if address:
            return Declared(socket=address)
        names = {
            str(part.get("name")) for resource in offered for part in objects(resource, "operation")
        }
        if _OPERATION in {name.lstrip("$") for name in names}:
            topics = [topic for resource in offered for topic in _values(resource, _TOPIC)]
            if not topics or (topic := _topic(topics)):
                return Declared(topic=topic if topics else "")
    return None


def _topic(topics: list[str]) -> str:
    """The topic about Tasks: by its name, or because there is no other; "" if neither."""
    named = [topic for topic in topics if "task" in topic.rsplit("/", 1)[-1].lower()]
    return named[0] if named else topics[0] if len(topics) == 1 else ""


def subscription(how: Declared, scope: Mapping[str, str], end: str) -> dict[str, Any]:
    """A Subscription to changed Tasks in scope, without their content."""
    search = f"Task?{scope.get('Task', '')}"
    made: dict[str, Any] = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "CareQueue: a hint to look again",
        "criteria": how.topic or search,
        "channel": {"type": "websocket"},
        "end": end,
    }
    if how.topic:
        filtered = {"url": f"{_BACKPORT}backport-filter-criteria", "valueString": search}
        made["_criteria"] = {"extension": [filtered]}
        empty = {"url": f"{_BACKPORT}backport-payload-content", "valueCode": "empty"}
        made["channel"] |= {
            "payload": "application/fhir+json",
            "_payload": {"extension": [empty]},
        }
    return made


def meaning(message: str | bytes, key: str) -> str:
    """The meaning of a message: `bound`, `hint`, or "" for a heartbeat and anything unknown."""
    words = message if isinstance(message, str) else message.decode("utf-8", "replace")
    word, _, what = words.strip().partition(" ")
    if word in ("bound", "ping"):
        return {"bound": "bound", "ping": "hint"}[word] if what == key else ""
    try:
        bundle = json.loads(words)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return ""
    first = next(iter(objects(bundle, "entry")), {}).get("resource")
    kind = first.get("type") if isinstance(first, dict) else None
    for parameter in objects(first, "parameter"):
        if parameter.get("name") == "type":
            kind = parameter.get("valueCode")
    return {"handshake": "bound", "heartbeat": ""}.get(str(kind), "hint")


class SubscriptionListener:
    """Listens for notifications of one source. All but the listening runs on its sync thread."""

    def __init__(
        self,
        transport: Transport,
        scope: Mapping[str, str],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._scope = scope
        self._elapsed = elapsed
        self._id = ""
        self._ends = 0.0  # when the Subscription ends, by `elapsed`
        self._reader: SocketReader | None = None
        self._try_at = 0.0
        self._pause = _AGAIN

    def tend(self, told: Callable[[], None]) -> bool:
        """Open or keep the connection; whether it is bound. Never raises."""
        now = self._elapsed()
        if self._reader is not None and self._reader.alive:
            if now < self._ends - RENEW.total_seconds():
                if self._reader.bound:
                    self._pause = _AGAIN
                return self._reader.bound
            self._drop(quiet=False)
        if now < self._try_at:
            return False
        self._try_at, self._pause = now + self._pause, min(self._pause * 2, _AGAIN_LAST)
        with suppress(Exception):  # on any error the source is polled instead
            self._begin(told, now)
        return False

    def close(self, *, quiet: bool) -> None:
        """Close it; unless `quiet` the Subscription is deleted on the server. Never raises."""
        self._drop(quiet=quiet)
        self._try_at, self._pause = 0.0, _AGAIN

    def _begin(self, told: Callable[[], None], now: float) -> None:
        how = declared(self._transport.send("GET", "metadata").json)
        if how is None:
            self._try_at = now + _AGAIN_LAST
            return
        if not self._id or now >= self._ends - RENEW.total_seconds():
            self._subscribe(how, now)
        words, address = f"bind {self._id}", how.socket
        if not address:
            words, address = self._binding()
        dial = self._transport.dial(address) if self._id and address else None
        if dial is not None:
            self._reader = SocketReader(dial, words, self._id, told)

    def _subscribe(self, how: Declared, now: float) -> None:
        end = (self._transport.server_time() + LIFE).isoformat(timespec="seconds")
        answer = self._transport.send("POST", "Subscription", subscription(how, self._scope, end))
        location = answer.headers.get("location", "").partition("/_history")[0]
        given_id = answer.json.get("id") if isinstance(answer.json, dict) else None
        key = str(given_id or location.rsplit("/", 1)[-1])
        made = answer.status in (200, 201) and ID.fullmatch(key)
        self._id, self._ends = (key, now + LIFE.total_seconds()) if made else ("", 0.0)

    def _binding(self) -> tuple[str, str]:
        """The bind message, with a token for it alone, and the websocket address."""
        if not self._id:
            return "", ""
        answer = self._transport.send("GET", f"Subscription/{self._id}/${_OPERATION}")
        parameters = {
            str(parameter.get("name")): parameter for parameter in objects(answer.json, "parameter")
        }
        token = parameters.get("token", {}).get("valueString")
        address = parameters.get("websocket-url", {})
        url = address.get("valueUrl") or address.get("valueUri")
        if not isinstance(token, str) or not isinstance(url, str) or not token.isprintable():
            self._id = ""  # the server may have deleted it: the next try creates another
            return "", ""
        return f"bind-with-token {token}", url

    def _drop(self, *, quiet: bool) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._id and not quiet:
            with suppress(Exception):
                self._transport.send("DELETE", f"Subscription/{self._id}")
            self._id = ""


class SocketReader:
    """One websocket connection, and the thread that reads it until it ends."""

    def __init__(self, dial: Dial, words: str, key: str, told: Callable[[], None]) -> None:
        self._dial, self._words, self._key, self._told = dial, words, key, told
        self._closed = Event()
        self._socket: socket.socket | None = None
        self.bound = False
        self._thread = Thread(target=self._run, name="carequeue-hints", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it reads, or is about to."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Close the connection."""
        self._closed.set()
        if self._socket is not None:
            with suppress(OSError):
                # The plain socket: closing the TLS one would first take away what the other thread
                # reads by.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _run(self) -> None:
        with suppress(Exception):  # any end of the connection
            self._listen()
        was, self.bound = self.bound, False
        if was and not self._closed.is_set():
            self._told()  # a cycle fetches what it may have missed

    def _listen(self) -> None:
        from websockets.sync.client import connect

        parts = urlsplit(self._dial.url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        # A socket of our own: the library would follow a redirect, and send the token there.
        plain = socket.create_connection((parts.hostname or "", port), _CONNECT)
        with connect(
            self._dial.url,
            sock=plain,
            ssl=self._dial.secure,
            additional_headers=dict(self._dial.headers),
            compression=None,
            open_timeout=_CONNECT,
            close_timeout=1.0,
            max_size=MOST_BYTES,
            logger=_quiet(),
        ) as connection:
            self._socket = connection.socket
            connection.send(self._words)
            self._hear(connection)

    def _hear(self, connection: ClientConnection) -> None:
        until = time.monotonic() + _CONNECT
        while not self._closed.is_set():
            patience = None if self.bound else max(0.0, until - time.monotonic())
            heard = meaning(connection.recv(timeout=patience), self._key)
            if heard:
                self.bound = True
                self._told()
            self._closed.wait(_BREATH)


def _quiet() -> logging.Logger:
    """A logger that never writes over the screen."""
    logger = logging.getLogger("carequeue.hints")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return logger


def _values(value: Any, url: str) -> Any:
    """The text of each extension with this URL."""
    for extension in objects(value, "extension"):
        given = [text(extension, name) for name in ("valueUri", "valueUrl", "valueCanonical")]
        if extension.get("url") == url:
            yield from filter(None, given)
