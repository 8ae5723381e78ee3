"""What a server holds and what it was asked, read by plain HTTP and from the proxy's own record.

Nothing here knows CareQueue's mapping; the codes stand in the cases as they go over the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.servers.harness import FhirServer, Resource, send
from tests.servers.proxy import Answered, Asked, Fault, FaultProxy

#: What a server itself changes at every write.
STAMPS = ("meta",)


def held(server: FhirServer, reference: str) -> Resource:
    """One resource as the server gives it now."""
    reply = server.get(reference)
    assert reply.status == 200, (reference, reply)
    found: Resource = reply.json
    return found


def status(server: FhirServer, reference: str) -> str:
    return str(held(server, reference)["status"])


def text_of(resource: Resource, *without: str) -> dict[str, str]:
    """Each element as text, in the order of its parts, so that equal means byte for byte."""
    left_out = {*STAMPS, *without}
    return {
        name: json.dumps(value, ensure_ascii=False)
        for name, value in resource.items()
        if name not in left_out
    }


def versions(server: FhirServer, reference: str) -> int:
    """How often it was written, its creation included."""
    return len(server.get(f"{reference}/_history").json["entry"])


def change(server: FhirServer, reference: str, **elements: Any) -> Resource:
    """A colleague changes elements of a resource; None takes one away."""
    changed = {**held(server, reference), **elements}
    kept = {name: value for name, value in changed.items() if value is not None}
    reply = server.put(reference, kept)
    assert reply.status == 200, reply
    made: Resource = reply.json
    return made


def of_client(server: FhirServer, kind: str, client: str) -> list[Resource]:
    """All Tasks or Communications of one client, picked by reading each."""
    named = {"Task": "for", "Communication": "subject"}[kind]
    return [
        resource
        for resource in server.found(f"{kind}?_count=200")
        if resource.get(named, {}).get("reference") == f"Patient/{client}"
    ]


def code(concept: Resource) -> str:
    """The one code of a CodeableConcept."""
    (coding,) = concept["coding"]
    return str(coding["code"])


def sent(proxy: FaultProxy, since: int = 0) -> list[str]:
    """The writes that left, in order, those inside a batch one by one: `PUT Task/1`."""
    found = []
    for asked in proxy.asked()[since:]:
        if asked.method == "GET":
            continue
        path = _path(proxy, asked)
        if path:
            found.append(f"{asked.method} {path}")
        else:
            entries = [entry["request"] for entry in json.loads(asked.body)["entry"]]
            found += [
                f"{entry['method']} {entry['url']}" for entry in entries if entry["method"] != "GET"
            ]
    return found


def refuse_write(server: FhirServer, reference: str, code: int, words: str) -> Fault:
    """The server will not take one resource, alone or in a batch; the others are done.

    For `FaultProxy.always` on every method: what is refused never reaches the server.
    """
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "business-rule", "diagnostics": words}],
    }
    refusal = json.dumps(outcome).encode()
    kind = [("Content-Type", "application/fhir+json")]

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        if asked.method == "PUT" and urlsplit(asked.path).path.endswith(f"/{reference}"):
            return Answered(code, kind, refusal)
        bundle = json.loads(asked.body) if asked.method == "POST" and asked.body else {}
        entries = bundle.get("entry", [])
        refused = [at for at, entry in enumerate(entries) if entry["request"]["url"] == reference]
        if not refused:
            return forward()
        bundle["entry"] = [entry for at, entry in enumerate(entries) if at not in refused]
        status, _, body = send("POST", server.base, server.token, json.dumps(bundle).encode())
        said = json.loads(body)
        for at in refused:
            said["entry"].insert(at, {"response": {"status": str(code), "outcome": outcome}})
        return Answered(status, kind, json.dumps(said).encode())

    return fault


def ignores_if_match(server: FhirServer) -> Fault:
    """A server that reads no If-Match, alone or in a batch. For `FaultProxy.always`."""

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        body = asked.body
        if asked.method == "POST" and b'"ifMatch"' in body:
            bundle = json.loads(body)
            for entry in bundle["entry"]:
                entry["request"].pop("ifMatch", None)
            body = json.dumps(bundle).encode()
        elif asked.header("if-match") is None:
            return forward()
        path = asked.path.removeprefix(urlsplit(server.base).path).lstrip("/")
        url = f"{server.base}/{path}".rstrip("/")
        status, headers, said = send(asked.method, url, server.token, body)
        return Answered(status, list(headers.items()), said)

    return fault


def _path(proxy: FaultProxy, asked: Asked) -> str:
    root = urlsplit(proxy.base).path
    return urlsplit(asked.path).path.removeprefix(root).strip("/")
