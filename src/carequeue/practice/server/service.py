"""The FHIR REST interactions of R4 (http.html) over the store, without a socket.

One request at a time (a lock): a conditional create therefore never makes two.
Not here: Bundles of requests (`batches.py`), HTTP, tokens, and the quirks that break a connection
(`http_server.py`).
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from carequeue import __version__
from carequeue.practice.server.capability_statement import statement, types, update_creates, writes
from carequeue.practice.server.checks import check
from carequeue.practice.server.http_types import (
    RESOURCE_ID,
    HttpReply,
    HttpRequest,
    Refusal,
    outcome,
)
from carequeue.practice.server.json_lossless import NotJson, Tree, read
from carequeue.practice.server.quirks import ActiveQuirks, Quirks
from carequeue.practice.server.read_interactions import ReadInteractions
from carequeue.practice.server.resource_store import ResourceStore, ResourceVersion
from carequeue.practice.server.search import understand
from carequeue.practice.server.storage_quirks import kept
from carequeue.practice.server.subscriptions import Subscriptions

_BIND: Final = "$get-ws-binding-token"


class FhirService:
    """Answers requests; `base` is the address under which clients know us, `socket` for pings."""

    def __init__(
        self, store: ResourceStore, active_quirks: ActiveQuirks, base: str, socket: str = ""
    ) -> None:
        self.store, self.active_quirks, self.base = store, active_quirks, base
        self.reading = ReadInteractions(store, active_quirks, base)
        self.subscriptions = Subscriptions(store, active_quirks, base, socket)
        self._socket = socket
        self.lock = threading.RLock()

    @property
    def quirks(self) -> Quirks:
        """The quirks that are active at this moment."""
        return self.active_quirks.now

    @contextmanager
    def transaction(self) -> Iterator[ResourceStore]:
        """All writes inside happen, or none; searches see them as late as the quirks say."""
        with self.lock:
            self.store.lag = self.quirks.late_visibility * 1000
            with self.store.whole():
                yield self.store

    def single(self, request: HttpRequest) -> HttpReply:
        """One interaction that is no Bundle. Raises Refusal; the caller holds a transaction."""
        try:
            return self.reading.timed(self._interaction(request))
        except (NotJson, RecursionError):
            raise Refusal(400, "structure", "The body is nested too deeply.") from None
        except UnicodeError:
            raise Refusal(400, "value", "The address holds what is no text.") from None
        except sqlite3.Error as wrong:
            raise Refusal(500, "exception", f"The store cannot do this: {wrong}.") from None

    def _interaction(self, request: HttpRequest) -> HttpReply:
        match request.path:
            case ("metadata",) if request.method == "GET":
                now = self.store.now()
                tree = statement(self.quirks, self.base, __version__, now, self._socket)
                return HttpReply(200, json.dumps(tree, separators=(",", ":")))
            case (*_, "_history") | (*_, "_history", _) if self.quirks.no_history:
                raise Refusal(404, "not-supported", "Earlier versions are not shown here.")
            case ("_history",) if request.method == "GET":
                return self.reading.history(request, None, None)
            case () if request.method == "GET":
                return self._interaction(_further(request))
            case (kind, *rest):
                self._must_exist(kind)
                return self._of_type(request, kind, tuple(rest))
        raise Refusal(404, "not-found", "There is nothing at this address.")

    def _must_exist(self, kind: str) -> None:
        if kind not in types(self.quirks):
            raise Refusal(404, "not-supported", f"There is no {kind[:64]} here.")

    def _of_type(self, request: HttpRequest, kind: str, rest: tuple[str, ...]) -> HttpReply:
        method = request.method
        match rest:
            case () if method == "GET":
                return self.reading.search(request, kind, request.query)
            case () if method == "POST":
                return self._create(request, kind)
            case ("_search",) if method == "POST":
                form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
                return self.reading.search(request, kind, (*request.query, *form))
            case (key,) if method == "PUT":
                return self._update(request, kind, key)
            case (key,) if method == "DELETE":
                return self._delete(request, kind, key)
            case (*keys, name) if name == _BIND and kind == "Subscription" and len(keys) < 2:
                return self.subscriptions.token(request, keys[0] if keys else None)
        if method != "GET":
            raise Refusal(405, "not-supported", f"{method} is not taken at this address.")
        return self._read(request, kind, rest)

    def _read(self, request: HttpRequest, kind: str, rest: tuple[str, ...]) -> HttpReply:
        match rest:
            case ("_history",):
                return self.reading.history(request, kind, None)
            case (key,) if not key.startswith(("_", "$")):
                return self.reading.read(request, self.reading.known(kind, key))
            case (key, "_history"):
                self.reading.known(kind, key)
                return self.reading.history(request, kind, key)
            case (key, "_history", number):
                return self.reading.vread(request, kind, key, number)
        raise Refusal(405, "not-supported", "GET is not taken at this address.")

    def _create(self, request: HttpRequest, kind: str) -> HttpReply:
        self._may("create", kind)
        tree = request.resource()
        check(kind, None, tree)
        there = self._existing(request, kind)
        if there is not None:
            return self._written(request, there, 200)
        key = request.new_id or str(uuid.uuid4())
        done = self.store.put(kind, key, self._taken(tree, None), "POST")
        return self._written(request, done, 201)

    def _taken(self, tree: Tree, there: ResourceVersion | None) -> Tree:
        """The resource as it will be stored. Raises Refusal 422 if it is rejected."""
        if tree["resourceType"] == "Subscription":
            tree = self.subscriptions.taken(tree)
        before = read(there.body) if there is not None and there.body else None
        return kept(tree, before, self.quirks)

    def future_id(self, request: HttpRequest) -> str:
        """The id for a create in a transaction: a new id, or the id of the match."""
        self._must_exist(request.path[0])
        there = self._existing(request, request.path[0])
        return there.id if there else str(uuid.uuid4())

    def _existing(self, request: HttpRequest, kind: str) -> ResourceVersion | None:
        """The match of a conditional create; it sees every write, however late searches are."""
        condition = request.headers.get("if-none-exist")
        if condition is None or self.quirks.ignores_if_none_exist:
            return None
        pairs = parse_qsl(condition.partition("?")[2] or condition, keep_blank_values=True)
        query = understand(kind, pairs, self.base)
        if not query.clauses or query.ignored:
            raise Refusal(400, "value", "If-None-Exist holds no search that is known here.")
        with self.store.all_seen():
            rows = self.store.select(*query.window(), 2)
        if len(rows) > 1:
            raise Refusal(412, "multiple-matches", "If-None-Exist matches more than one.")
        return rows[0] if rows else None

    def _update(self, request: HttpRequest, kind: str, key: str) -> HttpReply:
        self._may("update", kind)
        tree = request.resource()
        check(kind, key, tree)
        there = self.store.current(kind, key)
        self._must_match(request, there)
        exists = there is not None and not there.deleted
        if not exists and not update_creates(kind, self.quirks):
            raise Refusal(405, "not-supported", f"There is no {kind}/{key}, and none is made.")
        done = self.store.put(kind, key, self._taken(tree, there), "PUT")
        return self._written(request, done, 200 if exists else 201)

    def _delete(self, request: HttpRequest, kind: str, key: str) -> HttpReply:
        self._may("delete", kind)
        if not RESOURCE_ID.fullmatch(key):
            raise Refusal(400, "value", "This cannot be an id.")
        there = self.store.current(kind, key)
        if there is None or there.deleted:
            return HttpReply(204)
        self._must_match(request, there)
        gone = self.store.delete(kind, key)
        return HttpReply(204, etag=gone.etag, updated=gone.updated)

    def _may(self, what: str, kind: str) -> None:
        if what not in writes(kind, self.quirks):
            raise Refusal(405, "not-supported", f"{kind} takes no {what} here.")

    def _must_match(self, request: HttpRequest, there: ResourceVersion | None) -> None:
        present = there is not None and not there.deleted
        if request.headers.get("if-none-match") == "*" and present:
            raise Refusal(412, "conflict", "It exists already.")
        wanted = request.headers.get("if-match")
        if self.quirks.ignores_if_match:
            return
        if wanted is None:
            if self.quirks.requires_if_match and present:
                raise Refusal(428, "required", "An update needs If-Match.")
            return
        if there is None or there.deleted or wanted not in (there.etag, f'"{there.number}"', "*"):
            status = 409 if self.quirks.conflict_409 else 423 if self.quirks.locked_423 else 412
            raise Refusal(status, "conflict", "If-Match names another version than the newest.")

    def _written(self, request: HttpRequest, done: ResourceVersion, status: int) -> HttpReply:
        body = self.reading.shown(done.body)
        if self.quirks.ignores_prefer or request.prefers("return=minimal"):
            body = ""
        elif request.prefers("return=OperationOutcome"):
            body = outcome("information", "informational", "Done.")
        return HttpReply(status, body, done.etag, done.updated, done.location)

    def bind(self, message: str, join: Callable[[str], None]) -> list[str]:
        """The answers to a websocket; it joins first, so that it misses nothing after that."""
        with self.lock:
            answers = self.subscriptions.bind(message)
            for key, _ in answers:
                join(key)
            return [text for _, text in answers]

    def back_up(self) -> None:
        """Remember all data as they are now."""
        with self.lock:
            self.store.snapshot()

    def restore(self) -> None:
        """All data as they were remembered. Raises ValueError where nothing was."""
        with self.lock:
            self.store.restore()
            self.subscriptions.reread()


def _further(request: HttpRequest) -> HttpRequest:
    """The request behind a next link at the base itself. Raises Refusal 404 for other queries."""
    asked = dict(request.query)
    path = tuple(part for part in asked.pop("_getpages", "").split("/") if part)
    if not path:
        raise Refusal(404, "not-found", "There is nothing at this address.")
    return replace(request, path=path, query=tuple(asked.items()))
