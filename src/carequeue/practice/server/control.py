"""`/control`: what a test, a demonstration or a colleague does to the clinic, past every check.

In:  GET, or a POST of wishes (`_WISHES` lists them); done in the order of that list, each
answered under its own name. Out: JSON, 400 with `error` where a wish cannot be fulfilled.
Why by the first token for ever: a client's token may run out here (quirk `token-expires`), and
this is where it gets another.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from carequeue.practice.server.http_types import HttpReply
from carequeue.practice.server.json_lossless import NotJson, Tree, read
from carequeue.practice.server.paced_time import ColleagueSchedule
from carequeue.practice.server.quirks import parse
from carequeue.practice.server.service import FhirService
from carequeue.practice.server.websockets import WebsocketServer


class ControlledServer(Protocol):
    """The server that is controlled: its records, its time, its log and its token."""

    schedule: ColleagueSchedule
    fhir: FhirService
    log: deque[dict[str, Any]]
    changes: deque[dict[str, Any]]
    sockets: WebsocketServer
    token: str
    spent: int


def control(server: ControlledServer, method: str, path: tuple[str, ...], body: bytes) -> HttpReply:
    """The answer to a request below `/control`."""
    if path == ("log",) and method == "GET":
        return _json(200, {"log": list(server.log), "changes": list(server.changes)})
    if path == () and method == "GET":
        return _json(200, {"quirks": server.fhir.quirks.names()})
    if path != () or method != "POST":
        return _json(404, {"error": "There are /control and /control/log."})
    try:
        asked = read(body)
        if not isinstance(asked, dict):
            raise ValueError("The body is no JSON object.")
        wishes = [name for name in _WISHES if asked.get(name) not in (None, False)]
        results = {name: _WISHES[name](server, asked[name]) for name in wishes}
        return _json(200, results | {"quirks": server.fhir.quirks.names()})
    except (NotJson, ValueError, KeyError, TypeError) as wrong:
        return _json(400, {"error": str(wrong)})


def _quirks(server: ControlledServer, names: Any) -> None:
    server.fhir.active_quirks.set(parse(names))
    server.spent = 0


def _clear_log(server: ControlledServer, _: Any) -> None:
    server.log.clear()
    server.changes.clear()


def _put(server: ControlledServer, tree: Tree) -> str:
    with server.fhir.transaction() as store:
        return store.put(tree["resourceType"], tree["id"], tree, "PUT").location


def _delete(server: ControlledServer, reference: Any) -> str:
    kind, _, key = str(reference).partition("/")
    with server.fhir.transaction() as store:
        if store.current(kind, key) is None:
            raise ValueError(f"There is no {kind}/{key}.")
        return store.delete(kind, key).location


def _renew_token(server: ControlledServer, _: Any) -> str:
    server.token, server.spent = secrets.token_urlsafe(24), 0
    return server.token


_WISHES: Final[dict[str, Callable[[ControlledServer, Any], Any]]] = {
    "quirks": _quirks,
    "clear_log": _clear_log,
    "put": _put,
    "delete": _delete,
    "snapshot": lambda server, _: server.fhir.back_up(),
    "restore": lambda server, _: server.fhir.restore(),
    "renew_token": _renew_token,
    "hang_up": lambda server, _: server.sockets.hang_up(),
    "advance": lambda server, seconds: server.schedule.advance(float(seconds)),
    "step": lambda server, count: server.schedule.step(int(count)),
}


def _json(status: int, body: dict[str, Any]) -> HttpReply:
    return HttpReply(status, json.dumps(body), headers={"Content-Type": "application/json"})
