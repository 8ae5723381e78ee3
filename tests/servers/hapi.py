"""A server that pages and answers batches as HAPI FHIR does, in memory.

In:  resources, a form for its `next` links, and how much it says of a write. Out: an `answer` for
`tests.bad_input.hostile.Hostile`, and the requests that it has done.
HAPI cuts the pages of a search from a list of its own, named by `_getpages`; their address is the
base with a query and without a slash. A batch is answered without resources unless `Prefer` asks
for them (`HapiSystemProviderR4`, `BaseTransactionProcessor`); a stale `If-Match` is 409.
Not here: the network, and what CareQueue does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.bad_input.hostile import Asked, Said, outcome

Resource = dict[str, Any]

#: How servers write the address of the next page; what is asked there is the same for all.
LINKS: Final = {
    "the base and a query": "{origin}/fhir?{query}",
    "the base, a slash and a query": "{origin}/fhir/?{query}",
    "the type and a query": "{origin}/fhir/{kind}?{query}",
    "the path of the base": "/fhir?{query}",
    "the path of the base and a slash": "/fhir/?{query}",
    "the path of the type": "/fhir/{kind}?{query}",
    "a query alone": "?{query}",
    "a relative path": "{kind}?{query}",
    "a relative path with a step": "./{kind}?{query}",
    "no scheme": "//{host}/fhir?{query}",
    "a host inside a proxy": "http://hapi.internal:8080/fhir?{query}",
}
_TYPES: Final = (
    "CareTeam", "Communication", "Encounter", "Organization", "Patient", "Practitioner",
    "PractitionerRole", "ServiceRequest", "Task",
)  # fmt: skip


@dataclass
class Kept:
    """One resource and its version."""

    body: Resource
    version: int


@dataclass
class Hapi:
    """The server. `prefer`: it gives the resource of a write where `Prefer` asks; else never.

    `statuses`: a status that it answers in the place of another. `location`: of what was written,
    "" for none. `etags`: whether it names versions of what was written.
    """

    base: str = ""
    link: str = LINKS["the base and a query"]
    prefer: bool = True
    statuses: dict[int, int] = field(default_factory=dict)
    location: str = "{kind}/{key}/_history/{version}"
    etags: bool = True
    batches: bool = True
    reads_in_batches: bool = True
    #: What happens before the next reading of a resource, once.
    before_read: Callable[[], None] | None = None
    rows: dict[tuple[str, str], Kept] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    searches: list[list[Kept]] = field(default_factory=list)

    def load(self, resources: Iterable[Resource]) -> None:
        """These are here, each in its first version or a further one."""
        for one in resources:
            self._keep(one["resourceType"], one["id"], one)

    def purge(self, reference: str) -> None:
        """Take a resource away without a trace (`$expunge`)."""
        del self.rows[_key(reference)]

    def now(self, reference: str) -> Resource:
        """A resource as it is."""
        return self.rows[_key(reference)].body

    def of_type(self, kind: str) -> list[Resource]:
        """All resources of a type."""
        return [one.body for (of, _), one in self.rows.items() if of == kind]

    def requests(self, since: int = 0) -> list[str]:
        """What it was asked, as `GET Task/1`; a batch is `POST `."""
        return [f"{one.method} {_below(one)}" for one in self.asked[since:]]

    # --- answering --------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Said:
        """One request, done."""
        self.asked.append(asked)
        path = _below(asked)
        prefer = asked.headers.get("Prefer", "") == "return=representation"
        if path == "metadata":
            return Said(self._statement())
        if not path and asked.method == "POST":
            return self._batch(asked.body, prefer)
        names = {"If-Match": "ifMatch", "If-None-Exist": "ifNoneExist"}
        guards = {ours: asked.headers.get(name, "") for name, ours in names.items()}
        query = f"{path}?{asked.query}" if asked.query else path
        status, said, body = self._one(asked.method, query, asked.body, guards)
        shown = body if asked.method == "GET" or status >= 400 or (prefer and self.prefer) else b""
        heads = tuple((name, value) for name, value in said.items() if name != "status")
        return Said(shown, status, heads)

    def _batch(self, bundle: Any, prefer: bool) -> Said:
        if not self.batches:
            return Said(outcome("no batches"), 405)
        entries = []
        for one in bundle["entry"]:
            asked = one["request"]
            method, url = asked["method"], asked["url"]
            status, said, body = self._one(method, url, one.get("resource"), asked)
            if method == "GET" and not self.reads_in_batches:
                status, said, body = 404, {}, outcome("no readings in a batch")
            entry: Resource = {"response": {"status": str(status), **said}}
            if status >= 400:
                entry["response"]["outcome"] = body
            elif method == "GET" or (prefer and self.prefer):
                entry["resource"] = body
            else:
                entry["response"]["outcome"] = outcome("done")
            entries.append(entry)
        return Said({"resourceType": "Bundle", "type": "batch-response", "entry": entries})

    def _one(
        self, method: str, url: str, body: Any, guards: Any
    ) -> tuple[int, dict[str, str], Any]:
        """Status, what a response says beside, and the resource."""
        parts = urlsplit(url)
        kind, _, key = parts.path.partition("/")
        if method == "GET":
            return self._get(kind, key, parts.query)
        if method == "POST" and (there := self._existing(kind, guards.get("ifNoneExist", ""))):
            return self._yes(200, there)
        if method == "POST":
            return self._yes(201, self._keep(kind, str(len(self.rows) + 9000), body))
        there = self.rows.get((kind, key))
        guard = guards.get("ifMatch", "")
        if there and guard and guard != f'W/"{there.version}"':
            return 409, {}, outcome("somebody was quicker")
        return self._yes(200 if there else 201, self._keep(kind, key, body))

    def _yes(self, status: int, kept: Kept) -> tuple[int, dict[str, str], Any]:
        kind, key = kept.body["resourceType"], kept.body["id"]
        said = {"etag": f'W/"{kept.version}"'} if self.etags else {}
        if self.location:
            said["location"] = self.location.format(kind=kind, key=key, version=kept.version)
        return self.statuses.get(status, status), said, kept.body

    def _get(self, kind: str, key: str, query: str) -> tuple[int, dict[str, str], Any]:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if "_getpages" in asked:
            number, at = int(asked["_getpages"]), int(asked["_getpagesoffset"])
            return 200, {}, self._page(number, at, int(asked["_count"]))
        if key:
            happens, self.before_read = self.before_read, None
            if happens is not None:
                happens()
            kept = self.rows.get((kind, key))
            if kept is None:
                return 404, {}, outcome("not known")
            return 200, {"etag": f'W/"{kept.version}"'}, kept.body
        self.searches.append(list(self._found(kind, asked)))
        return 200, {}, self._page(len(self.searches) - 1, 0, int(asked.get("_count", "20")))

    def _found(self, kind: str, asked: dict[str, str]) -> Iterator[Kept]:
        since = asked.get("_lastUpdated", "ge").removeprefix("ge")
        ids, named = asked.get("_id", ""), asked.get("identifier", "").rpartition("|")[2]
        for (of, key), kept in self.rows.items():
            names = [one.get("value") for one in kept.body.get("identifier", ())]
            late = not since or _at(kept.body) >= datetime.fromisoformat(since)
            if of != kind or not late or (ids and key not in ids.split(",")):
                continue
            if not named or named in names:
                yield kept

    def _page(self, number: int, at: int, count: int) -> Resource:
        found = self.searches[number]
        part = found[at : at + count]
        page: Resource = {
            "resourceType": "Bundle",
            "type": "searchset",
            "meta": {"lastUpdated": datetime.now(UTC).isoformat()},
            "total": len(found),
            "entry": [{"resource": one.body} for one in part],
        }
        if at + count < len(found):
            query = f"_getpages={number}&_getpagesoffset={at + count}&_count={count}"
            origin, _, _ = self.base.rpartition("/")
            where = {"origin": origin, "host": urlsplit(origin).netloc, "query": query}
            url = self.link.format(kind=part[0].body["resourceType"], **where)
            page["link"] = [{"relation": "next", "url": url}]
        return page

    def _existing(self, kind: str, condition: str) -> Kept | None:
        if not condition:
            return None
        asked = {name: values[0] for name, values in parse_qs(condition).items()}
        return next(self._found(kind, asked), None)

    def _keep(self, kind: str, key: str, body: Resource) -> Kept:
        there = self.rows.get((kind, key))
        version = there.version + 1 if there else 1
        meta = {"versionId": str(version), "lastUpdated": datetime.now(UTC).isoformat()}
        kept = Kept({**json.loads(json.dumps(body)), "id": key, "meta": meta}, version)
        self.rows[kind, key] = kept
        return kept

    def _statement(self) -> Resource:
        able = [{"code": code} for code in ("read", "search-type", "create", "update")]
        does = {"interaction": able, "updateCreate": True, "conditionalCreate": True}
        search = [{"name": name} for name in ("_id", "_lastUpdated", "identifier")]
        kinds = [
            {"type": kind, "versioning": "versioned", "searchParam": search, **does}
            for kind in _TYPES
        ]
        whole = [{"code": "batch"}] if self.batches else []
        rest = {"mode": "server", "resource": kinds, "interaction": whole}
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": "a server that pages as HAPI FHIR does"},
            "rest": [rest],
        }


def _below(asked: Asked) -> str:
    return asked.path.removeprefix("/fhir").strip("/")


def _key(reference: str) -> tuple[str, str]:
    kind, _, key = reference.partition("/")
    return kind, key


def _at(body: Resource) -> datetime:
    return datetime.fromisoformat(body["meta"]["lastUpdated"])
