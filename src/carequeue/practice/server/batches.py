"""The answer to any request: one interaction, or a posted Bundle of them.

A batch has independent entries, a transaction is all or nothing. R4, http.html#transaction: a
transaction runs DELETE, POST, PUT, GET, each identity once, its own `urn:uuid:` references are
replaced by what they became, and a failure is one OperationOutcome. The entries of an answer stand
in the order of the request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from carequeue.practice.server.http_types import HttpReply, HttpRequest, Refusal, refused
from carequeue.practice.server.json_lossless import Tree, quoted
from carequeue.practice.server.service import FhirService

_ORDER: Final = ("DELETE", "POST", "PUT", "GET")
_HEADERS: Final = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifNoneExist": "if-none-exist",
}


def answer(service: FhirService, request: HttpRequest) -> HttpReply:
    """The reply to any request; never raises for what the request holds."""
    with service.lock:
        try:
            if not request.path and request.method == "POST":
                return _bundle(service, request)
            with service.transaction():
                return service.single(request)
        except Refusal as no:
            return refused(no)
        except RecursionError:
            return refused(Refusal(400, "structure", "The body is nested too deeply."))


def _bundle(service: FhirService, request: HttpRequest) -> HttpReply:
    """Answer a posted Bundle. Raises Refusal where it is none, or a transaction fails."""
    if service.quirks.no_batch:
        raise Refusal(400, "not-supported", "Batches and transactions are not taken here.")
    tree = request.resource()
    entries = tree.get("entry", [])
    if tree.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise Refusal(400, "invalid", "The body is no Bundle.")
    limit = service.quirks.batch_limit
    if limit and len(entries) > limit:
        raise Refusal(413, "too-long", f"A Bundle may have {limit} entries here.")
    if tree.get("type") == "batch":
        replies = [_alone(service, request, entry) for entry in entries]
    elif tree.get("type") == "transaction":
        with service.transaction():
            replies = _together(service, request, entries)
    else:
        raise Refusal(422, "value", "The Bundle is neither a batch nor a transaction.")
    lines = [_entry(reply, service.base) for reply in replies]
    return service.reading.bundle(f"{tree['type']}-response", lines)


def _alone(service: FhirService, whole: HttpRequest, entry: Any) -> HttpReply:
    try:
        with service.transaction():
            return service.single(_request(service, whole, entry))
    except Refusal as no:
        return refused(no)


def _together(service: FhirService, whole: HttpRequest, entries: list[Any]) -> list[HttpReply]:
    requests = [_request(service, whole, entry) for entry in entries]
    _must_be_apart(requests)
    named: dict[str, str] = {}
    replies: dict[int, HttpReply] = {}
    for place in sorted(range(len(requests)), key=lambda at: _ORDER.index(requests[at].method)):
        try:
            if requests[place].method == "POST" and not named:
                named = _name_creates(service, requests, entries)
            replies[place] = service.single(requests[place])
        except Refusal as no:
            words = f"Entry {place + 1}: {no.words} Nothing was done."
            raise Refusal(no.status, no.code, words) from None
    return [replies[place] for place in range(len(requests))]


def _name_creates(
    service: FhirService, requests: list[HttpRequest], entries: list[Any]
) -> dict[str, str]:
    """Give every create its id before the first one is made, and point references to it."""
    named: dict[str, str] = {}
    for place, request in enumerate(requests):
        if request.method == "POST" and len(request.path) == 1:
            key = service.future_id(request)
            requests[place] = replace(request, new_id=key)
            named[str(entries[place].get("fullUrl", ""))] = f"{request.path[0]}/{key}"
    for request in requests:
        _rename(request.tree, named)
    return named


def _must_be_apart(requests: list[HttpRequest]) -> None:
    changed = [request.path for request in requests if request.method in ("PUT", "DELETE")]
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


def _request(service: FhirService, whole: HttpRequest, entry: Any) -> HttpRequest:
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
    return HttpRequest(
        method,
        tuple(unquote(part) for part in parts.path.split("/") if part),
        tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers,
        b"",
        tree,
    )


def _entry(reply: HttpReply, base: str) -> str:
    response = reply.entry_response()
    if reply.status >= 400:
        return f'{{"response":{{{response},"outcome":{reply.body}}}}}'
    url = ""
    if reply.location:
        url = f'"fullUrl":{quoted(base + "/" + "/".join(reply.location.split("/")[:2]))},'
    body = f'"resource":{reply.body},' if reply.body else ""
    return f'{{{url}{body}"response":{{{response}}}}}'
