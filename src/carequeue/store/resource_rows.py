"""Rows of the table `resource`: made of what a server gave, and compared with what is stored.

In:  resources, malformed or not; types and ids. Out: the columns of a row; a `StoredRow` for each
name that has one. Content is known by its digest: servers without versions exist.
Not here: when a row may be written (`mirror.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from carequeue.fhir import jsontext
from carequeue.fhir.chart_to_items import chart_of, trouble
from carequeue.fhir.values import ID, reference
from carequeue.store.engine import storable
from carequeue.store.source_scope import SourceScope

#: The columns of one row, by name.
ResourceValues = dict[str, Any]
ResourceKey = tuple[str, str]  # type and id


class StoredRow(NamedTuple):
    """One row of the mirror. `digest`: of the newest version known, "" if the row is gone.

    `here`: the row has a base; otherwise it only says that the source does not give it.
    """

    digest: str
    chart: str
    updated: str
    received_at: int
    here: bool


def resource_row(source: str, resource: Any, now: datetime, base_url: str) -> ResourceValues:
    """The row of a resource received at `now`; without an id it gets one that FHIR forbids."""
    body = jsontext.dumps(resource).decode()
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    kind, key, focus, chart = "", "", "", ""
    meta: Any = None
    if isinstance(resource, dict):
        kind, key = _text(resource, "resourceType"), _row_id(resource.get("id"))
        meta = resource.get("meta")
        focus = reference(resource.get("focus"), base_url) if kind == "Task" else ""
        chart = chart_of(resource, base_url)
    return {
        "source": source,
        "type": kind[:64] or "?",
        "id": key or f"?{digest}",
        "version_id": _text(meta, "versionId"),
        "last_updated": _text(meta, "lastUpdated"),
        "digest": digest,
        "chart": chart or f"?/{digest}",
        "focus": focus,
        "body": body,
        "theirs_body": None,
        "theirs_version": None,
        "theirs_digest": None,
        "theirs_gone": "",
        "trouble": trouble(resource) or "",
        "gone": "",
        "received_at": int(now.timestamp()),
    }


def without_base(row: ResourceValues) -> ResourceValues:
    """The same row without a base, so that the server's version can be stored next to it."""
    return {**row, "body": "", "digest": "", "version_id": "", "last_updated": ""}


def absent_row(source: str, name: str, why: str, now: datetime) -> ResourceValues:
    """The row that says why the source does not give a reference."""
    kind, _, key = name.partition("/")
    return {
        "source": source, "type": kind, "id": key, "version_id": "", "last_updated": "",
        "digest": "", "chart": name, "focus": "", "body": "", "theirs_body": None,
        "theirs_version": None, "theirs_digest": None, "theirs_gone": "", "trouble": "",
        "gone": why, "received_at": int(now.timestamp()),
    }  # fmt: skip


def _row_id(given: Any) -> str:
    """The id of a row: the resource's own, or a name that no FHIR id can have; "" without an id.

    A number, or a text that would have to be cut, must not become the id of another resource: it
    would replace that resource.
    """
    if isinstance(given, str) and (ID.fullmatch(given) or not given):
        return given
    if given is None:
        return ""
    digest = hashlib.blake2b(jsontext.dumps(given), digest_size=8).hexdigest()
    return f"!{storable(str(given))[:100]}!{digest}"


def _text(holder: Any, name: str) -> str:
    value = holder.get(name, "") if isinstance(holder, dict) else ""
    return storable(value if isinstance(value, str) else str(value))


def stored_rows(scope: SourceScope, names: Collection[ResourceKey]) -> dict[ResourceKey, StoredRow]:
    """The row of each name that has one."""
    stored: dict[ResourceKey, StoredRow] = {}
    for kind in {kind for kind, _ in names}:
        rows = scope.raw.execute(
            "SELECT id, CASE theirs_gone WHEN '' THEN coalesce(theirs_digest, digest) ELSE '' END, "
            "chart, last_updated, received_at, digest <> '' FROM resource "
            "WHERE source = ? AND type = ? AND id IN (SELECT value FROM json_each(?))",
            (scope.source, kind, json.dumps([key for of, key in names if of == kind])),
        )
        for key, digest, chart, updated, received_at, here in rows.fetchall():
            stored[kind, key] = StoredRow(digest, chart, updated, received_at, bool(here))
    return stored


def absent_references(scope: SourceScope, names: Iterable[str]) -> set[str]:
    """The references among these that have no row, not even one that says "not found"."""
    pairs = [(kind, key) for kind, slash, key in (name.partition("/") for name in names) if slash]
    stored = stored_rows(scope, pairs)
    return {f"{kind}/{key}" for kind, key in pairs if (kind, key) not in stored}
