"""From a resource to a row of the mirror, and back to nothing but values. Pure.

In:  whatever a server gave, malformed or not. Out: the columns of `resource`. Content is known by
its digest: servers without versions exist.
Not here: when a row may be written (`mirror.py`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from carequeue.fhir import jsontext
from carequeue.fhir.chart_to_items import chart_of, trouble
from carequeue.fhir.values import ID, reference
from carequeue.store.engine import storable

#: The columns of one row, by name.
ResourceValues = dict[str, Any]


def resource_row(source: str, resource: Any, now: datetime, base_url: str) -> ResourceValues:
    """The row of a resource as it came at an instant; what has no id gets one that FHIR forbids."""
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
    """The same row without a base, for the server's own version to lie beside."""
    return {**row, "body": "", "digest": "", "version_id": "", "last_updated": ""}


def absent_row(source: str, name: str, why: str, now: datetime) -> ResourceValues:
    """The row of a reference that the source does not give, and why."""
    kind, _, key = name.partition("/")
    return {
        "source": source, "type": kind, "id": key, "version_id": "", "last_updated": "",
        "digest": "", "chart": name, "focus": "", "body": "", "theirs_body": None,
        "theirs_version": None, "theirs_digest": None, "theirs_gone": "", "trouble": "",
        "gone": why, "received_at": int(now.timestamp()),
    }  # fmt: skip


def _row_id(given: Any) -> str:
    """The id of a row: the resource's own, else a name that no FHIR id can have.

    A number, or a text that would have to be cut, must not become the name of another resource:
    it would take that one's place. "" where there is no id at all.
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
