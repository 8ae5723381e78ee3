"""Bundles: pages of a search, batches and their replies, OperationOutcomes in words.

In:  anything that a server sent. Out: plain values; nothing here raises.
Why a different count is no reply: entries are matched by position, so a bundle with one less says
nothing about any of them, and every entry is in doubt.
Not here: which `next` may be followed (`sync/net/addresses.py`), what an error leads to (`sync/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from carequeue.fhir import values
from carequeue.fhir.chart import Resource

_CONFLICT: Final = frozenset({"conflict", "duplicate", "multiple-matches"})
_WORDS: Final = 300
_STATUS: Final = re.compile(r"\s*(\d{3})\b", re.ASCII)
_VERSION: Final = re.compile(r"/_history/[^/]*$")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `updated` is the server's own time, unchanged. `is_bundle` is False for any other
    reply, which is not an empty page. An entry that is no object has no id to store it by and is
    left out.

    `size`: entries of any kind. `per_page`: how many the server says it returns at most; None if it
    does not say.
    `deleted`, of a history: reference -> ISO instant of the deletion, "" if none is given.
    """

    entries: list[Resource] = field(default_factory=list)
    next_url: str = ""
    total: int | None = None
    updated: str = ""
    words: str = ""  # text of an OperationOutcome among the entries
    is_bundle: bool = True
    is_history: bool = False
    size: int = 0
    deleted: Mapping[str, str] = field(default_factory=dict)
    per_page: int | None = None


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One entry of a batch; `url` is relative to the base. Empty parts are left out."""

    method: str
    url: str
    resource: Resource | None = None
    if_match: str = ""
    if_none_exist: str = ""
    if_none_match: str = ""


class BatchAnswer(NamedTuple):
    """The reply to one entry; `status` is 0 if the server gave none."""

    status: int
    etag: str
    resource: Resource | None
    outcome: Resource | None
    location: str = ""


class Issue(NamedTuple):
    """One issue of an OperationOutcome; `where` are paths of elements. It may name a client."""

    code: str
    where: tuple[str, ...]
    words: str


def read_page(bundle: Any, url: str = "") -> Page:
    """A page of a search, or of a history: of each resource the first entry, which is the newest.

    One bad entry does not stop the others. `url`: the absolute URL of the page; `next_url` is
    resolved against it (RFC 3986, 5.2), because servers write relative links too.
    """
    if values.text(bundle, "resourceType") != "Bundle":
        return Page(words=outcome_words(bundle), is_bundle=False)
    entries: list[Resource] = []
    words: list[str] = []
    deleted: dict[str, str] = {}
    listed = values.get(bundle, "entry")
    is_history = values.text(bundle, "type") == "history"
    for entry in _newest(listed) if is_history else listed if isinstance(listed, list) else []:
        resource, mode = values.get(entry, "resource"), values.text(entry, "search.mode")
        if is_history and values.text(entry, "request.method") == "DELETE":
            deleted[_subject(entry)] = values.text(entry, "response.lastModified")
            deleted.pop("", None)
            continue
        if mode == "outcome" or values.text(resource, "resourceType") == "OperationOutcome":
            words.append(outcome_words(resource))
        elif isinstance(resource, dict):
            entries.append(resource)
    total = values.get(bundle, "total")
    return Page(
        entries=entries,
        next_url=_from(url, _link(bundle, "next")),
        total=total if isinstance(total, int) and not isinstance(total, bool) else None,
        updated=values.text(bundle, "meta.lastUpdated"),
        words="; ".join(filter(None, words))[:_WORDS],
        is_history=is_history,
        size=len(listed) if isinstance(listed, list) else 0,
        deleted=deleted,
        per_page=_per_page(_link(bundle, "self")),
    )


def is_subset(resource: Any) -> bool:
    """True if a server tags this as a partial resource: it must never be a base."""
    tags = values.objects(resource, "meta.tag")
    return any(values.text(tag, "code") == "SUBSETTED" for tag in tags)


def _newest(listed: Any) -> list[Any]:
    """Of a history, the first entry of each resource, and all whose name cannot be read."""
    newest: dict[str, Any] = {}
    for number, entry in enumerate(listed if isinstance(listed, list) else []):
        newest.setdefault(_subject(entry) or f"?{number}", entry)
    return list(newest.values())


def _subject(entry: Any) -> str:
    """The resource of an entry of a history: "Task/1"; "" if it does not say."""
    resource = values.get(entry, "resource")
    named = f"{values.text(resource, 'resourceType')}/{values.text(resource, 'id')}"
    places = (named, values.text(entry, "request.url"), values.text(entry, "fullUrl"))
    for place in places:
        tail = "/".join(_VERSION.sub("", place).split("/")[-2:])
        if reference := values.reference({"reference": tail}):
            return reference
    return ""


def _per_page(url: str) -> int | None:
    try:
        (count,) = parse_qs(urlsplit(url).query).get("_count", [""])
        return int(count) if count.isascii() and count.isdigit() and int(count) > 0 else None
    except ValueError:
        return None


def batch(requests: Iterable[BatchRequest]) -> Resource:
    """A Bundle of independent requests: a stale one must not veto the others."""
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [_entry(request) for request in requests],
    }


def read_batch(bundle: Any, count: int) -> list[BatchAnswer] | None:
    """The replies in the order of the requests; None if they cannot be told apart."""
    listed = values.get(bundle, "entry")
    kind = values.text(bundle, "type")
    if values.text(bundle, "resourceType") != "Bundle" or kind != "batch-response":
        return None
    if not isinstance(listed, list) or len(listed) != count:
        return None
    return [_answer(entry) for entry in listed]


def outcome_words(resource: Any) -> str:
    """The text of an OperationOutcome, on one line; "" if it is none. It may name a client."""
    if values.text(resource, "resourceType") != "OperationOutcome":
        return ""
    texts = (
        values.concept_text(issue.get("details"))
        or values.text(issue, "diagnostics")
        or values.text(issue, "code")
        for issue in values.objects(resource, "issue")
    )
    return values.squeeze("; ".join(dict.fromkeys(filter(None, texts))), _WORDS)


def issues(resource: Any) -> tuple[Issue, ...]:
    """The issues of an OperationOutcome; none if it is none."""
    if values.text(resource, "resourceType") != "OperationOutcome":
        return ()
    return tuple(_issue(issue) for issue in values.objects(resource, "issue"))


def _issue(issue: Any) -> Issue:
    where = [
        path
        for name in ("expression", "location")
        if isinstance(paths := values.get(issue, name), list)
        for path in paths
        if isinstance(path, str)
    ]
    texts = values.concept_text(issue.get("details")), values.text(issue, "diagnostics")
    words = values.squeeze(" ".join(filter(None, texts)), _WORDS)
    return Issue(values.text(issue, "code"), tuple(where), words)


def is_conflict_issue(resource: Any) -> bool:
    """True if an OperationOutcome reports a conflict, whatever its HTTP status was."""
    return any(issue.code in _CONFLICT for issue in issues(resource))


def _link(bundle: Any, relation: str) -> str:
    for link in values.objects(bundle, "link"):
        if values.text(link, "relation") == relation:
            return values.text(link, "url")
    return ""


def _from(url: str, link: str) -> str:
    """The target of a link on the page with this URL; unchanged if it is no valid URL."""
    try:
        return urljoin(url, link) if link else ""
    except ValueError:
        return link


def _entry(request: BatchRequest) -> dict[str, Any]:
    asked = {
        "method": request.method,
        "url": request.url,
        "ifMatch": request.if_match,
        "ifNoneExist": request.if_none_exist,
        "ifNoneMatch": request.if_none_match,
    }
    entry: dict[str, Any] = {"request": {name: value for name, value in asked.items() if value}}
    return entry if request.resource is None else {"resource": request.resource, **entry}


def _answer(entry: Any) -> BatchAnswer:
    status = _STATUS.match(values.text(entry, "response.status"))
    resource, outcome = values.get(entry, "resource"), values.get(entry, "response.outcome")
    if values.text(resource, "resourceType") == "OperationOutcome":
        resource, outcome = None, outcome or resource
    return BatchAnswer(
        status=int(status.group(1)) if status else 0,
        etag=values.text(entry, "response.etag"),
        resource=resource if isinstance(resource, dict) else None,
        outcome=outcome if isinstance(outcome, dict) else None,
        location=values.text(entry, "response.location"),
    )
