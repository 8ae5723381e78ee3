"""The FHIR REST interactions of R4 (http.html) over the store, without a socket.

One request at a time (a lock): a conditional create therefore never makes two. A Bundle is taken
apart by `bundles.py`, which calls back into `single` for each entry.
Not here: HTTP, tokens, and the quirks that break a connection (`server.py`).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qsl, urlencode

from carequeue import __version__
from carequeue.practice import bundles
from carequeue.practice.checks import check
from carequeue.practice.lossless import Tree, quoted, read, write
from carequeue.practice.moments import instant, span
from carequeue.practice.params import PARAMS, REFERENCE
from carequeue.practice.quirks import Quirks, Temper
from carequeue.practice.replies import RESOURCE_ID, Refusal, Reply, Request, outcome, refused
from carequeue.practice.search import (
    DEFAULT_COUNT,
    MAX_COUNT,
    Pair,
    Query,
    pack,
    understand,
    unpack,
    whole_number,
)
from carequeue.practice.statement import statement, types, update_creates, writes
from carequeue.practice.store import Store, Version

#: No sequence number is larger; the first page of a history starts before it.
_NEWEST: Final = 2**62
_ELSEWHERE: Final = "http://elsewhere.invalid/fhir"


class Service:
    """Answers requests; `base` is the address under which clients know us."""

    def __init__(self, store: Store, temper: Temper, base: str) -> None:
        self.store, self.temper, self.base = store, temper, base
        self.lock = threading.RLock()

    @property
    def quirks(self) -> Quirks:
        """How we misbehave at this moment."""
        return self.temper.now

    def answer(self, request: Request) -> Reply:
        """The reply to any request; never raises for what the request holds."""
        with self.lock:
            try:
                if not request.path and request.method == "POST":
                    return self._bundle(request)
                with self.store.whole():
                    return self.single(request)
            except Refusal as no:
                return refused(no)

    def _bundle(self, request: Request) -> Reply:
        if self.quirks.no_batch:
            raise Refusal(400, "not-supported", "Batches and transactions are not taken here.")
        return bundles.take(self, request)

    def single(self, request: Request) -> Reply:
        """One interaction that is no Bundle. Raises Refusal; the caller holds a transaction."""
        match request.path:
            case ("metadata",) if request.method == "GET":
                said = statement(self.quirks, self.base, __version__, self.store.now())
                return Reply(200, json.dumps(said, separators=(",", ":")))
            case ("_history",) if request.method == "GET":
                return self._history(request, None, None)
            case (kind, *rest):
                self._must_exist(kind)
                return self._of_type(request, kind, tuple(rest))
        raise Refusal(404, "not-found", "There is nothing at this address.")

    def _must_exist(self, kind: str) -> None:
        if kind not in types(self.quirks):
            raise Refusal(404, "not-supported", f"There is no {kind[:64]} here.")

    def _of_type(self, request: Request, kind: str, rest: tuple[str, ...]) -> Reply:
        method = request.method
        match rest:
            case () if method == "GET":
                return self._search(request, kind, request.query)
            case () if method == "POST":
                return self._create(request, kind)
            case ("_search",) if method == "POST":
                form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
                return self._search(request, kind, (*request.query, *form))
            case ("_history",) if method == "GET":
                return self._history(request, kind, None)
            case (key,) if method == "GET" and not key.startswith(("_", "$")):
                return self._read(request, self._present(kind, key))
            case (key,) if method == "PUT":
                return self._update(request, kind, key)
            case (key,) if method == "DELETE":
                return self._delete(request, kind, key)
            case (key, "_history") if method == "GET":
                self._known(kind, key)
                return self._history(request, kind, key)
            case (key, "_history", number) if method == "GET":
                return self._vread(request, kind, key, number)
        raise Refusal(405, "not-supported", f"{method} is not taken at this address.")

    # --- reading ---------------------------------------------------------------------------

    def _known(self, kind: str, key: str) -> Version:
        found = self.store.current(kind, key)
        if found is None:
            raise Refusal(404, "not-found", f"There is no {kind}/{key[:64]}.")
        return found

    def _present(self, kind: str, key: str) -> Version:
        found = self._known(kind, key)
        if found.deleted:
            raise Refusal(410, "deleted", f"{kind}/{key} was deleted.")
        return found

    def _vread(self, request: Request, kind: str, key: str, number: str) -> Reply:
        found = self.store.version(kind, key, number)
        if found is None:
            raise Refusal(404, "not-found", f"There is no such version of {kind}/{key[:64]}.")
        if found.deleted:
            raise Refusal(410, "deleted", f"{kind}/{key} was deleted.")
        return self._read(request, found)

    def _read(self, request: Request, found: Version) -> Reply:
        if request.headers.get("if-none-match") == found.etag:
            return Reply(304, etag=found.etag, updated=found.updated)
        return Reply(200, self.shown(found.body), found.etag, found.updated)

    def shown(self, body: str, elements: tuple[str, ...] = ()) -> str:
        """A stored body as it goes out: whole, a named subset, or without its meta."""
        if not elements and not self.quirks.no_meta:
            return body
        tree = read(body)
        if elements:
            tree = _subset(tree, elements)
        if self.quirks.no_meta:
            tree.pop("meta", None)
        return write(tree)

    def _search(self, request: Request, kind: str, pairs: Iterable[Pair]) -> Reply:
        asked = list(pairs)
        query = understand(kind, asked, self.base, dated=not self.quirks.no_last_updated)
        if query.ignored and request.prefers("handling=strict"):
            names = ", ".join(sorted(set(query.ignored)))
            raise Refusal(400, "not-supported", f"Not known for {kind}: {names}.")
        total = None
        if query.total or query.only_count:
            total = self.store.count(query.where, [query.type, *query.args])
        page = [pair for pair in asked if pair[0] == "_page"]
        links = [("self", self._link(kind, page or query.used))]
        if query.only_count:
            return self._bundle_of("searchset", links, [], total)
        rows = self.store.select(*query.window(), query.count + 1)
        if len(rows) > query.count:
            rows = rows[: query.count]
            links.append(("next", self._next(kind, query.token_after(rows[-1]))))
        return self._bundle_of("searchset", links, self._found(query, rows), total)

    def _found(self, query: Query, rows: list[Version]) -> list[str]:
        entries = [self._entry(row, self.shown(row.body, query.elements), "match") for row in rows]
        if query.includes and rows:
            shown = {(row.type, row.id) for row in rows}
            entries += [
                self._entry(row, self.shown(row.body), "include")
                for row in self.store.referenced(
                    query.type, _names(query), [row.id for row in rows]
                )
                if (row.type, row.id) not in shown and row.type in types(self.quirks)
            ]
        return entries

    def _entry(self, row: Version, body: str, mode: str) -> str:
        return (
            f'{{"fullUrl":"{self.base}/{row.type}/{row.id}","resource":{body},'
            f'"search":{{"mode":"{mode}"}}}}'
        )

    def _link(self, path: str, pairs: Iterable[Pair]) -> str:
        query = urlencode(list(pairs), safe=":,|/")
        return f"{self.base}/{path}" + (f"?{query}" if query else "")

    def _next(self, path: str, token: str) -> str:
        base = _ELSEWHERE if self.quirks.foreign_next else self.base
        return f"{base}/{path}?_page={token}"

    def _bundle_of(
        self, kind: str, links: list[Pair], entries: list[str], total: int | None
    ) -> Reply:
        now = self.store.now()
        parts = ['"resourceType":"Bundle"', f'"id":"{uuid.uuid4()}"']
        if not self.quirks.no_meta:
            parts.append(f'"meta":{{"lastUpdated":"{instant(now)}"}}')
        parts.append(f'"type":"{kind}"')
        if total is not None:
            parts.append(f'"total":{total}')
        said = ",".join(f'{{"relation":"{rel}","url":{quoted(url)}}}' for rel, url in links)
        parts.append(f'"link":[{said}]')
        if entries:
            parts.append(f'"entry":[{",".join(entries)}]')
        return Reply(200, "{" + ",".join(parts) + "}")

    def _history(self, request: Request, kind: str | None, key: str | None) -> Reply:
        asked = dict(request.query)
        before = _NEWEST
        if "_page" in asked:
            match unpack(asked["_page"]):
                case [dict() as earlier, int() as place]:
                    asked, before = {str(k): str(v) for k, v in earlier.items()}, place
                case _:
                    raise Refusal(400, "value", "This page token is not known here.")
        count = min(whole_number("_count", asked.get("_count", str(DEFAULT_COUNT))), MAX_COUNT)
        since = span(asked.get("_since", "1970").replace(" ", "+"))
        if since is None:
            raise Refusal(400, "value", "_since is no instant.")
        rows = self.store.history(kind, key, since[0], before, max(count, 1) + 1)
        path = "/".join(part for part in (kind, key, "_history") if part)
        links = [("self", self._link(path, request.query))]
        if len(rows) > max(count, 1):
            rows = rows[:-1]
            links.append(("next", self._next(path, pack([asked, rows[-1].seq]))))
        rows = [row for row in rows if row.type in types(self.quirks)]
        return self._bundle_of("history", links, [self._past(row) for row in rows], None)

    def _past(self, row: Version) -> str:
        address = row.type if row.method == "POST" else f"{row.type}/{row.id}"
        status = "204" if row.deleted else "201" if row.number == 1 else "200"
        body = "" if row.deleted else f'"resource":{self.shown(row.body)},'
        reply = Reply(int(status), etag=row.etag, updated=row.updated, location=row.location)
        return (
            f'{{"fullUrl":"{self.base}/{row.type}/{row.id}",{body}'
            f'"request":{{"method":"{row.method}","url":"{address}"}},'
            f'"response":{{{reply.entry_response()}}}}}'
        )

    # --- writing ---------------------------------------------------------------------------

    def _create(self, request: Request, kind: str) -> Reply:
        self._may("create", kind)
        tree = request.resource()
        check(kind, None, tree)
        condition = request.headers.get("if-none-exist")
        if condition is not None:
            there = self._existing(kind, condition)
            if there is not None:
                return self._written(request, there, 200)
        key = request.new_id or str(uuid.uuid4())
        return self._written(request, self.store.put(kind, key, tree, "POST"), 201)

    def future_id(self, request: Request) -> str:
        """What a create in a transaction will be called: a new id, or the one that is there."""
        condition = request.headers.get("if-none-exist")
        self._must_exist(request.path[0])
        there = self._existing(request.path[0], condition) if condition is not None else None
        return there.id if there else str(uuid.uuid4())

    def _existing(self, kind: str, condition: str) -> Version | None:
        pairs = parse_qsl(condition.partition("?")[2] or condition, keep_blank_values=True)
        query = understand(kind, pairs, self.base)
        if not query.clauses or query.ignored:
            raise Refusal(400, "value", "If-None-Exist holds no search that is known here.")
        rows = self.store.select(*query.window(), 2)
        if len(rows) > 1:
            raise Refusal(412, "multiple-matches", "If-None-Exist matches more than one.")
        return rows[0] if rows else None

    def _update(self, request: Request, kind: str, key: str) -> Reply:
        self._may("update", kind)
        tree = request.resource()
        check(kind, key, tree)
        there = self.store.current(kind, key)
        self._must_match(request, there)
        exists = there is not None and not there.deleted
        if not exists and not update_creates(kind, self.quirks):
            raise Refusal(405, "not-supported", f"There is no {kind}/{key}, and none is made.")
        return self._written(
            request, self.store.put(kind, key, tree, "PUT"), 200 if exists else 201
        )

    def _delete(self, request: Request, kind: str, key: str) -> Reply:
        self._may("delete", kind)
        if not RESOURCE_ID.fullmatch(key):
            raise Refusal(400, "value", "This cannot be an id.")
        there = self.store.current(kind, key)
        if there is None or there.deleted:
            return Reply(204)
        self._must_match(request, there)
        gone = self.store.delete(kind, key)
        return Reply(204, etag=gone.etag, updated=gone.updated)

    def _may(self, what: str, kind: str) -> None:
        if what not in writes(kind, self.quirks):
            raise Refusal(405, "not-supported", f"{kind} takes no {what} here.")

    def _must_match(self, request: Request, there: Version | None) -> None:
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
            status = 409 if self.quirks.conflict_409 else 412
            raise Refusal(status, "conflict", "If-Match names another version than the newest.")

    def _written(self, request: Request, done: Version, status: int) -> Reply:
        body = self.shown(done.body)
        if request.prefers("return=minimal"):
            body = ""
        elif request.prefers("return=OperationOutcome"):
            body = outcome("information", "informational", "Done.")
        return Reply(status, body, done.etag, done.updated, done.location)

    # --- behind everybody's back -------------------------------------------------------------

    def edit(self, change: Callable[[Store], Version]) -> Version:
        """A change by somebody else: no check, no quirk, a version like any other."""
        with self.lock, self.store.whole():
            return change(self.store)


def _subset(tree: Tree, elements: tuple[str, ...]) -> Tree:
    """R4 `_elements`: what was asked for, what must be there, and the tag that says so."""
    kept = {"resourceType", "id", "meta", *elements, *(f"_{name}" for name in elements)}
    small = {name: value for name, value in tree.items() if name in kept}
    meta = dict(small.get("meta") or {})
    tag = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
    }
    meta["tag"] = [*(meta.get("tag") or []), tag]
    small["meta"] = meta
    return small


def _names(query: Query) -> list[str]:
    if "*" in query.includes:
        return [name for name, param in PARAMS[query.type].items() if param.kind == REFERENCE]
    return query.includes
