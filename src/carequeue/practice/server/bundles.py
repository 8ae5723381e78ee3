"""Bundles that are posted: a batch of independent entries, or a transaction, all or nothing.

R4, http.html#transaction: a transaction runs DELETE, POST, PUT, GET, each identity once, its own
`urn:uuid:` references are replaced by what they became, and a failure is one OperationOutcome.
The entries of an answer stand in the order of the request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from carequeue.practice.server.fhir_dates import instant, second
from carequeue.practice.server.http_types import Refusal, Reply, Request, refused
from carequeue.practice.server.json_lossless import Tree, quoted

if TYPE_CHECKING:
    from carequeue.practice.server.quirks import Quirks
    from carequeue.practice.server.resource_store import Store

_ORDER: Final = ("DELETE", "POST", "PUT", "GET")
_HEADERS: Final = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifNoneExist": "if-none-exist",
}


class Service(Protocol):
    """Answers single requests; what the entries of a Bundle are taken apart into."""

    store: Store
    base: str

    @property
    def quirks(self) -> Quirks:
        """The quirks that are switched on."""
        ...

    def single(self, request: Request) -> Reply:
        """The answer to one request."""
        ...

    def future_id(self, request: Request) -> str:
        """The id that a create in a transaction is going to get."""
        ...


def take(service: Service, request: Request) -> Reply:
    """Answer a posted Bundle. Raises Refusal where it is none, or a transaction fails."""
    tree = request.resource()
    entries = tree.get("entry", [])
    if tree.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise Refusal(400, "invalid", "The body is no Bundle.")
    limit = service.quirks.batch_limit
    if limit and len(entries) > limit:
        raise Refusal(413, "too-long", f"A Bundle may have {limit} entries here.")
    if tree.get("type") == "batch":
        return _answer(service, "batch-response", [_alone(service, request, e) for e in entries])
    if tree.get("type") == "transaction":
        with service.store.whole():
            return _answer(service, "transaction-response", _together(service, request, entries))
    raise Refusal(422, "value", "The Bundle is neither a batch nor a transaction.")


def _alone(service: Service, whole: Request, entry: Any) -> Reply:
    try:
        with service.store.whole():
            return service.single(_request(service, whole, entry))
    except Refusal as no:
        return refused(no)


def _together(service: Service, whole: Request, entries: list[Any]) -> list[Reply]:
    requests = [_request(service, whole, entry) for entry in entries]
    _must_be_apart(requests)
    named: dict[str, str] = {}
    replies: dict[int, Reply] = {}
    for place in sorted(range(len(requests)), key=lambda at: _ORDER.index(requests[at].method)):
        try:
            if requests[place].method == "POST" and not named:
                named = _name_creates(service, requests, entries)
            replies[place] = service.single(requests[place])
        except Refusal as no:
            words = f"Entry {place + 1}: {no.words} Nothing was done."
            raise Refusal(no.status, no.code, words) from None
    return [replies[place] for place in range(len(requests))]


def _name_creates(service: Service, requests: list[Request], entries: list[Any]) -> dict[str, str]:
    """Give every create its id before the first one is made, and point references to it."""
    named: dict[str, str] = {}
    for place, one in enumerate(requests):
        if one.method == "POST" and len(one.path) == 1:
            key = service.future_id(one)
            requests[place] = replace(one, new_id=key)
            named[str(entries[place].get("fullUrl", ""))] = f"{one.path[0]}/{key}"
    for one in requests:
        _rename(one.tree, named)
    return named


def _must_be_apart(requests: list[Request]) -> None:
    changed = [one.path for one in requests if one.method in ("PUT", "DELETE")]
    if len(changed) != len(set(changed)):
        raise Refusal(400, "invalid", "The transaction changes one resource twice.")


def _rename(value: Any, named: dict[str, str]) -> None:
    """Every `reference` to a Bundle's own entry becomes one to what is made of it."""
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference in named:
            value["reference"] = named[reference]
        for inner in value.values():
            _rename(inner, named)
    elif isinstance(value, list):
        for inner in value:
            _rename(inner, named)


def _request(service: Service, whole: Request, entry: Any) -> Request:
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict):
        raise Refusal(400, "required", "An entry has no request.")
    method, url = asked.get("method"), asked.get("url")
    if method not in _ORDER or not isinstance(url, str):
        raise Refusal(400, "value", "An entry's request needs a method and a url.")
    url = url.removeprefix(service.base + "/").lstrip("/")
    parts = urlsplit(url)
    headers = {
        header: asked[name] for name, header in _HEADERS.items() if isinstance(asked.get(name), str)
    }
    if "prefer" in whole.headers:
        headers["prefer"] = whole.headers["prefer"]
    if service.quirks.bare_batches and not whole.prefers("return=representation"):
        headers["prefer"] = "return=minimal"
    tree: Tree | None = None
    if method in ("POST", "PUT"):
        tree = entry.get("resource")
        if not isinstance(tree, dict):
            raise Refusal(400, "required", "An entry has no resource.")
    return Request(
        method,
        tuple(unquote(part) for part in parts.path.split("/") if part),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers,
        b"",
        tree,
    )


def _answer(service: Service, kind: str, replies: list[Reply]) -> Reply:
    now = instant(service.store.now())
    meta = f'"meta":{{"lastUpdated":"{second(now) if service.quirks.second_precision else now}"}},'
    if service.quirks.no_meta:
        meta = ""
    entries = ",".join(_entry(reply, service.base) for reply in replies)
    said = f',"entry":[{entries}]' if replies else ""
    return Reply(200, f'{{"resourceType":"Bundle",{meta}"type":"{kind}"{said}}}')


def _entry(reply: Reply, base: str) -> str:
    said = reply.entry_response()
    if reply.status >= 400:
        return f'{{"response":{{{said},"outcome":{reply.body}}}}}'
    url = ""
    if reply.location:
        url = f'"fullUrl":{quoted(base + "/" + "/".join(reply.location.split("/")[:2]))},'
    body = f'"resource":{reply.body},' if reply.body else ""
    return f'{{{url}{body}"response":{{{said}}}}}'
