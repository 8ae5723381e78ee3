"""Requests to the FHIR service and its replies, without sockets.

The same `Request` comes from HTTP and from an entry of a batch; a `Refusal` becomes an
OperationOutcome.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from carequeue.practice.server.fhir_dates import http_date, instant
from carequeue.practice.server.json_lossless import NotJson, Tree, quoted, read

#: R4: `id` is letters, digits, `-` and `.`, at most 64.
RESOURCE_ID: Final = re.compile(r"[A-Za-z0-9.\-]{1,64}")


class Refusal(Exception):
    """An interaction that is not done: HTTP status, OperationOutcome code, words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One interaction: `path` below the base, decoded; header names in lower case."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    tree: Tree | None = None  # the resource, where it came inside a Bundle
    new_id: str = ""  # what a create in a transaction will be called, known beforehand

    def resource(self) -> Tree:
        """The resource in the body. Raises Refusal 400 where there is none."""
        if self.tree is not None:
            return self.tree
        try:
            tree = read(self.body)
        except NotJson as wrong:
            raise Refusal(400, "structure", str(wrong)) from None
        if not isinstance(tree, dict):
            raise Refusal(400, "structure", "The body is no JSON object.")
        return tree

    def prefers(self, what: str) -> bool:
        """True if the Prefer header asks for this, such as `handling=strict`."""
        wishes = re.split(r"[;,]", self.headers.get("prefer", ""))
        return what in {wish.strip() for wish in wishes}


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer: `etag`, `updated` (ms) and `location` (below the base) where it is about one."""

    status: int
    body: str = ""
    etag: str = ""
    updated: int | None = None
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def http_headers(self, base: str) -> dict[str, str]:
        """The headers that say what the body is."""
        headers = dict(self.headers)
        if self.etag:
            headers["ETag"] = self.etag
        if self.updated is not None:
            headers["Last-Modified"] = http_date(self.updated)
        if self.location:
            headers["Location"] = f"{base}/{self.location}"
        return headers

    def entry_response(self) -> str:
        """The `response` of a batch entry, as JSON members."""
        members = [f'"status":"{self.status} {HTTPStatus(self.status).phrase}"']
        if self.location:
            members.append(f'"location":{quoted(self.location)}')
        if self.etag:
            members.append(f'"etag":{quoted(self.etag)}')
        if self.updated is not None:
            members.append(f'"lastModified":"{instant(self.updated)}"')
        return ",".join(members)


def outcome(severity: str, code: str, words: str) -> str:
    """An OperationOutcome of one issue."""
    return (
        f'{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}",'
        f'"code":"{code}","diagnostics":{quoted(words)}}}]}}'
    )


def refused(no: Refusal) -> HttpReply:
    """The answer to an interaction that was not done."""
    return HttpReply(no.status, outcome("error", no.code, no.words))
