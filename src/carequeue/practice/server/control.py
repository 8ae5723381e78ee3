"""`/control`: what a test, a demonstration or a colleague does to the clinic, past every check.

In:  GET, or a POST of wishes (`_WISHES` lists them); done in the order of that list, each
answered under its own name. Out: JSON, 400 with `error` where a wish cannot be fulfilled.
Why by the first token for ever: a client's token may run out here (quirk `token-expires`), and
this is where it gets another (`token_command.py`).
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from carequeue.practice.server.http_types import Reply
from carequeue.practice.server.json_lossless import NotJson, Tree, read
from carequeue.practice.server.quirks import parse

if TYPE_CHECKING:
    from carequeue.practice.server.paced_time import Days
    from carequeue.practice.server.resource_store import Store, Version
    from carequeue.practice.server.service import Service
    from carequeue.practice.server.websockets import Sockets


class Controlled(Protocol):
    """The server that is controlled: its records, its time, its log and its token."""

    days: Days
    fhir: Service
    log: deque[dict[str, Any]]
    changes: deque[dict[str, Any]]
    sockets: Sockets
    token: str
    spent: int


def control(server: Controlled, method: str, path: tuple[str, ...], body: bytes) -> Reply:
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
        said = {name: _WISHES[name](server, asked[name]) for name in wishes}
        return _json(200, said | {"quirks": server.fhir.quirks.names()})
    except (NotJson, ValueError, KeyError, TypeError) as wrong:
        return _json(400, {"error": str(wrong)})


def _quirks(server: Controlled, names: Any) -> None:
    server.fhir.temper.set(parse(names))
    server.spent = 0


def _clear_log(server: Controlled, _: Any) -> None:
    server.log.clear()
    server.changes.clear()


def _put(server: Controlled, tree: Tree) -> str:
    done = server.fhir.edit(lambda store: store.put(tree["resourceType"], tree["id"], tree, "PUT"))
    return done.location


def _delete(server: Controlled, reference: Any) -> str:
    kind, _, key = str(reference).partition("/")
    return server.fhir.edit(lambda store: _gone(store, kind, key)).location


def _gone(store: Store, kind: str, key: str) -> Version:
    if store.current(kind, key) is None:
        raise ValueError(f"There is no {kind}/{key}.")
    return store.delete(kind, key)


def _snapshot(server: Controlled, _: Any) -> bool:
    server.fhir.back_up()
    return True


def _restore(server: Controlled, _: Any) -> bool:
    server.fhir.restore()
    return True


def _hang_up(server: Controlled, _: Any) -> bool:
    server.sockets.hang_up()
    return True


def _renew_token(server: Controlled, _: Any) -> str:
    server.token, server.spent = secrets.token_urlsafe(24), 0
    return server.token


def _advance(server: Controlled, seconds: Any) -> list[dict[str, Any]]:
    return server.days.advance(float(seconds))


def _step(server: Controlled, many: Any) -> list[dict[str, Any]]:
    return server.days.step(int(many))


_WISHES: Final[dict[str, Callable[[Controlled, Any], Any]]] = {
    "quirks": _quirks,
    "clear_log": _clear_log,
    "put": _put,
    "delete": _delete,
    "snapshot": _snapshot,
    "restore": _restore,
    "renew_token": _renew_token,
    "hang_up": _hang_up,
    "advance": _advance,
    "step": _step,
}


def _json(status: int, said: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(said), headers={"Content-Type": "application/json"})
