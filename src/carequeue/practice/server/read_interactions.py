"""Reads, searches and histories: what the service shows of the store, and in which Bundles.

Bodies go out as the text that was stored; Bundles are put together around them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from carequeue.practice.server.capability_statement import types
from carequeue.practice.server.fhir_dates import instant, second, span
from carequeue.practice.server.http_types import HttpReply, HttpRequest, Refusal
from carequeue.practice.server.json_lossless import Tree, quoted, read, write
from carequeue.practice.server.quirks import ActiveQuirks, Quirks
from carequeue.practice.server.resource_store import ResourceStore, ResourceVersion
from carequeue.practice.server.search import (
    DEFAULT_COUNT,
    MAX_COUNT,
    QueryPair,
    SearchQuery,
    SearchSupport,
    pack,
    understand,
    unpack,
    whole_number,
)
from carequeue.practice.server.search_params import PARAMS, REFERENCE

#: No sequence number is larger; the first page of a history starts before it.
_NEWEST: Final = 2**62
_ELSEWHERE: Final = "http://elsewhere.invalid/fhir"


class ReadInteractions:
    """Answers what changes nothing; the caller holds the lock."""

    def __init__(self, store: ResourceStore, active_quirks: ActiveQuirks, base: str) -> None:
        self._store, self._active_quirks, self._base = store, active_quirks, base

    @property
    def _quirks(self) -> Quirks:
        return self._active_quirks.now

    def known(self, kind: str, key: str) -> ResourceVersion:
        """The newest version, a deletion too. Raises Refusal 404."""
        version = self._store.current(kind, key)
        if version is None:
            raise Refusal(404, "not-found", f"There is no {kind}/{key[:64]}.")
        return version

    def vread(self, request: HttpRequest, kind: str, key: str, number: str) -> HttpReply:
        """One version by its number."""
        version = self._store.version(kind, key, number)
        if version is None:
            raise Refusal(404, "not-found", f"There is no such version of {kind}/{key[:64]}.")
        return self.read(request, version)

    def read(self, request: HttpRequest, version: ResourceVersion) -> HttpReply:
        """A version as an answer; 304 where the client has it. Raises Refusal 410 of a deletion."""
        if version.deleted:
            raise Refusal(410, "deleted", f"{version.reference} was deleted.")
        if request.headers.get("if-none-match") == version.etag:
            return HttpReply(304, etag=version.etag, updated=version.updated)
        return HttpReply(200, self.shown(version.body), version.etag, version.updated)

    def shown(self, body: str, elements: tuple[str, ...] = ()) -> str:
        """A stored body as it goes out: whole, a named subset, or with less in its meta."""
        coarse = self._quirks.second_precision
        if not elements and not self._quirks.no_meta and not coarse:
            return body
        tree = read(body)
        if elements:
            tree = _subset(tree, elements)
        if coarse:
            tree["meta"]["lastUpdated"] = second(tree["meta"]["lastUpdated"])
        if self._quirks.no_meta:
            tree.pop("meta", None)
        return write(tree)

    def support(self) -> SearchSupport:
        """The search features that the quirks leave at this moment."""
        unknown = {"_lastUpdated": self._quirks.no_last_updated}
        unknown["_elements"] = self._quirks.ignores_elements
        return SearchSupport(
            frozenset(name for name, is_so in unknown.items() if is_so),
            self._quirks.second_precision,
        )

    def search(self, request: HttpRequest, kind: str, pairs: Iterable[QueryPair]) -> HttpReply:
        """One page of what is looked for, or its number."""
        asked = list(pairs)
        query = understand(kind, asked, self._base, self.support())
        if query.ignored and request.prefers("handling=strict"):
            names = ", ".join(sorted(set(query.ignored)))
            raise Refusal(400, "not-supported", f"Not known for {kind}: {names}.")
        total = None
        if query.total or query.only_count:
            total = self._store.count(query.where, query.args)
        page = [pair for pair in asked if pair[0] == "_page"]
        links = [("self", self._link(kind, page or query.used))]
        if query.only_count:
            return self._unless_same(request, self.bundle("searchset", [], links, total))
        rows = self._store.select(*query.window(), query.count + 1)
        if len(rows) > 1 and self._active_quirks.use("cut_pages"):
            rows = rows[: min(len(rows), query.count) // 2]
            total = self._store.count(query.where, query.args)
        elif len(rows) > query.count:
            rows = rows[: query.count]
            links.append(("next", self._next(links[0][1], kind, query.token_after(rows[-1]))))
        entries = self._entries(query, rows)
        return self._unless_same(request, self.bundle("searchset", entries, links, total))

    def _unless_same(self, request: HttpRequest, page: HttpReply) -> HttpReply:
        """The answer to a search; 304 where the client has one that says the same."""
        same = page.etag and request.headers.get("if-none-match") == page.etag
        return HttpReply(304, etag=page.etag) if same else page

    def _entries(self, query: SearchQuery, rows: list[ResourceVersion]) -> list[str]:
        entries = [self._entry(row, self.shown(row.body, query.elements), "match") for row in rows]
        if self._quirks.doubled_entries:
            entries = [entry for entry in entries for _ in range(2)]
        if query.includes and rows:
            shown = {(row.type, row.id) for row in rows}
            entries += [
                self._entry(row, self.shown(row.body), "include")
                for row in self._store.referenced(
                    query.type, _names(query), [row.id for row in rows]
                )
                if (row.type, row.id) not in shown and row.type in types(self._quirks)
            ]
        return entries

    def _entry(self, row: ResourceVersion, body: str, mode: str) -> str:
        return (
            f'{{"fullUrl":"{self._base}/{row.reference}","resource":{body},'
            f'"search":{{"mode":"{mode}"}}}}'
        )

    def _link(self, path: str, pairs: Iterable[QueryPair]) -> str:
        query = urlencode(list(pairs), safe=":,|/")
        return f"{self._base}/{path}" + (f"?{query}" if query else "")

    def _next(self, this: str, path: str, token: str) -> str:
        if self._quirks.looping_next:
            return this
        if self._quirks.slashless_next:  # as HAPI FHIR does
            return f"{self._base}?_getpages={path}&_page={token}"
        if self._quirks.relative_next:
            return f"?_page={token}"
        base = _ELSEWHERE if self._quirks.foreign_next else self._base
        return f"{base}/{path}?_page={token}"

    def bundle(
        self,
        kind: str,
        entries: list[str],
        links: Iterable[QueryPair] = (),
        total: int | None = None,
    ) -> HttpReply:
        """A Bundle of these entries (JSON texts); a page, which has links, has an id as well."""
        now = instant(self._store.now())
        head = ['"resourceType":"Bundle"']
        if links:
            head.append(f'"id":"{uuid.uuid4()}"')
        if not self._quirks.no_meta:
            time = second(now) if self._quirks.second_precision else now
            head.append(f'"meta":{{"lastUpdated":"{time}"}}')
        parts = [f'"type":"{kind}"']
        if total is not None:
            parts.append(f'"total":{total}')
        if links:
            pages = (f'{{"relation":"{name}","url":{quoted(url)}}}' for name, url in links)
            parts.append(f'"link":[{",".join(pages)}]')
        if entries:
            parts.append(f'"entry":[{",".join(entries)}]')
        content = ",".join(parts)
        etag = ""
        if kind == "searchset" and not self._quirks.no_search_etag:
            etag = f'W/"{sha256(content.encode("utf-8", "replace")).hexdigest()[:32]}"'
        return HttpReply(200, "{" + ",".join(head) + "," + content + "}", etag)

    def history(self, request: HttpRequest, kind: str | None, key: str | None) -> HttpReply:
        """One page of the versions of all, of a type or of one, newest first."""
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
        rows = self._store.history(kind, key, since[0], before, max(count, 1) + 1)
        path = "/".join(part for part in (kind, key, "_history") if part)
        links = [("self", self._link(path, request.query))]
        if len(rows) > max(count, 1):
            rows = rows[:-1]
            token = pack([asked, rows[-1].seq])
            links.append(("next", self._next(links[0][1], path, token)))
        rows = [row for row in rows if row.type in types(self._quirks)]
        return self.bundle("history", [self._past(row) for row in rows], links)

    def timed(self, reply: HttpReply) -> HttpReply:
        """The answer with its instant as exact as we tell instants."""
        if reply.updated is None or not self._quirks.second_precision:
            return reply
        return replace(reply, updated=reply.updated // 1000 * 1000)

    def _past(self, row: ResourceVersion) -> str:
        body = "" if row.deleted else f'"resource":{self.shown(row.body)},'
        reply = self.timed(
            HttpReply(row.status, etag=row.etag, updated=row.updated, location=row.location)
        )
        return (
            f'{{"fullUrl":"{self._base}/{row.reference}",{body}'
            f'"request":{{"method":"{row.method}","url":"{row.written_to}"}},'
            f'"response":{{{reply.entry_response()}}}}}'
        )


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


def _names(query: SearchQuery) -> list[str]:
    if "*" in query.includes:
        return [name for name, param in PARAMS[query.type].items() if param.kind == REFERENCE]
    return query.includes
