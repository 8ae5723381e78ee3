"""A FHIR server in a function, that keeps every text as it was written, and every request.

In:  resources as JSON text, and faults that a test asks for.
Out: answers for a `Transport`, and what was received, to be compared token by token.
Why a parser of its own: what is compared must not pass through our reading of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.sync.wire import Pieces

BASE: Final = "https://fhir.example.org/r4"
DATE: Final = "Mon, 09 Mar 2026 14:00:00 GMT"


class Number(str):
    """A number by its spelling."""

    __slots__ = ()


class Pairs(tuple[tuple[str, Any], ...]):
    """An object as it was written: its names in their order, also those that come twice."""

    __slots__ = ()

    def get(self, name: str, default: Any = None) -> Any:
        return dict(self).get(name, default)

    def without(self, *names: str) -> Pairs:
        return Pairs(pair for pair in self if pair[0] not in names)

    def having(self, name: str, value: Any) -> Pairs:
        """The same with another value in its place, or at the end."""
        if name not in dict(self):
            return Pairs((*self, (name, value)))
        return Pairs((key, value if key == name else part) for key, part in self)


def read(text: str | bytes) -> Any:
    """The tokens of a JSON text as a tree."""
    return json.loads(
        text, object_pairs_hook=Pairs, parse_float=Number, parse_int=Number, parse_constant=Number
    )


def write(tree: Any) -> str:
    """The text of a tree, every number as it was spelled."""
    if isinstance(tree, Number):
        return str(tree)
    if isinstance(tree, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{write(part)}" for name, part in tree) + "}"
    if isinstance(tree, list | tuple):
        return "[" + ",".join(map(write, tree)) + "]"
    return json.dumps(tree)


def tree_of(value: Any) -> Any:
    """A tree of plain dicts and lists."""
    return read(json.dumps(value))


#: What happens to a request; `forward` does the server's work and gives its answer.
Fault = Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response]


class Recorder:
    """The server. `resources`: reference -> (tree, version)."""

    def __init__(self, batch: bool = False, types: Iterable[str] = ("Task",)) -> None:
        self.batch = batch
        self.types = tuple(types)
        self.resources: dict[str, tuple[Pairs, int]] = {}
        self.received: list[tuple[str, str, Pairs]] = []  # method, path, body of each write
        self.asked: list[str] = []
        self.fault: Fault = lambda request, forward: forward()

    def put(self, resource: Any) -> None:
        """A resource as a colleague wrote it; a dict, or a tree."""
        tree = resource if isinstance(resource, Pairs) else tree_of(resource)
        self._keep(tree)

    def now(self, reference: str) -> Pairs:
        return self.resources[reference][0]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = str(request.url).removeprefix(BASE).lstrip("/")
        self.asked.append(f"{request.method} {path}")
        guard = request.headers.get("if-match", "")
        return self.fault(
            request, lambda: self._answer(request.method, path, request.content, guard)
        )

    def _answer(self, method: str, path: str, content: bytes, guard: str) -> httpx.Response:
        if path.partition("?")[0] == "metadata":
            return said(write(tree_of(self._statement())))
        if method == "POST" and not path:
            return self._batch(read(content))
        if method == "PUT":
            return self._put(path, read(content), guard)
        if method == "POST":
            return said("{}", 405)
        kind, _, query = path.partition("?")
        return self._search(kind, query) if "/" not in kind else self._read(kind)

    def _read(self, reference: str) -> httpx.Response:
        if reference not in self.resources:
            return said("", 404)
        tree, version = self.resources[reference]
        return said(write(tree), etag=f'W/"{version}"')

    def _search(self, kind: str, query: str) -> httpx.Response:
        found = {ref: one for ref, one in self.resources.items() if ref.startswith(f"{kind}/")}
        if ids := parse_qs(query).get("_id"):
            found = {
                ref: found[ref] for key in ids[0].split(",") if (ref := f"{kind}/{key}") in found
            }
        entries = ",".join(f'{{"resource":{write(tree)}}}' for tree, _ in found.values())
        return said(f'{{"resourceType":"Bundle","type":"searchset","entry":[{entries}]}}')

    def _put(self, path: str, body: Pairs, guard: str) -> httpx.Response:
        self.received.append(("PUT", path, body))
        if self._is_stale(path, guard):
            return said("", 412)
        return said(write(self._keep(body)))

    def _is_stale(self, path: str, guard: str) -> bool:
        return bool(guard) and guard != f'W/"{self.resources.get(path, (None, 0))[1]}"'

    def _batch(self, bundle: Pairs) -> httpx.Response:
        entries = []
        for entry in bundle.get("entry"):
            body, request = entry.get("resource"), entry.get("request")
            if request.get("method") == "GET":
                entries.append(self._shown(request.get("url")))
                continue
            self.received.append((request.get("method"), request.get("url"), body))
            if self._is_stale(request.get("url"), request.get("ifMatch", "")):
                entries.append('{"response":{"status":"412"}}')
                continue
            kept = write(self._keep(body))
            entries.append(f'{{"resource":{kept},"response":{{"status":"200"}}}}')
        whole = ",".join(entries)
        return said(f'{{"resourceType":"Bundle","type":"batch-response","entry":[{whole}]}}')

    def _shown(self, path: str) -> str:
        """What a batch answers to a reading."""
        read = self._answer("GET", path, b"", "")
        body = f'"resource":{read.read().decode()},' if read.status_code == 200 else ""
        return f'{{{body}"response":{{"status":"{read.status_code}"}}}}'

    def _keep(self, tree: Pairs) -> Pairs:
        reference = f"{tree.get('resourceType')}/{tree.get('id')}"
        version = self.resources.get(reference, (tree, 0))[1] + 1
        kept = tree.having("meta", Pairs([("versionId", str(version))]))
        self.resources[reference] = (kept, version)
        return kept

    def _statement(self) -> dict[str, Any]:
        able = [{"code": code} for code in ("read", "search-type", "create", "update")]
        kinds = [{"type": kind, "interaction": able, "updateCreate": True} for kind in self.types]
        rest: dict[str, Any] = {"mode": "server", "resource": kinds}
        if self.batch:
            rest["interaction"] = [{"code": "batch"}]
        return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}


def said(text: str, status: int = 200, **headers: str) -> httpx.Response:
    """An answer with this body, with the server's time on it."""
    return httpx.Response(status, headers={"date": DATE, **headers}, stream=Pieces(text.encode()))


def path_of(request: httpx.Request) -> str:
    return urlsplit(str(request.url)).path.removeprefix("/r4/")
