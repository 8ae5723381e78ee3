"""The CapabilityStatement: what this server does, as it is at this moment with its quirks.

A client may believe it: what is not declared is refused. The two exceptions are the quirks that
are about lying (`ignores-if-match`, `r5`).
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.practice.moments import instant
from carequeue.practice.params import PARAMS, REFERENCE
from carequeue.practice.quirks import Quirks

_READING: Final = ("read", "vread", "history-instance", "history-type", "search-type")


def types(quirks: Quirks) -> list[str]:
    """The resource types that exist here."""
    return [kind for kind in PARAMS if not (quirks.no_task and kind == "Task")]


def writes(kind: str, quirks: Quirks) -> set[str]:
    """Which of create, update and delete are taken for a type."""
    if kind == "Task" and quirks.no_task_write:
        return set()
    if kind == "Task" and quirks.task_no_create:
        return {"update", "delete"}
    return {"create", "update", "delete"}


def update_creates(kind: str, quirks: Quirks) -> bool:
    """Whether an update of what does not exist makes it."""
    return not quirks.no_update_create and "create" in writes(kind, quirks)


def statement(quirks: Quirks, base: str, version: str, now: int) -> dict[str, Any]:
    """The resource that /metadata answers with; `version` is the software's, `now` in ms."""
    system = ["history-system"] + ([] if quirks.no_batch else ["batch", "transaction"])
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(now),
        "kind": "instance",
        "software": {"name": "CareQueue practice clinic", "version": version},
        "implementation": {
            "description": "A synthetic clinic on this machine; nobody in it is real",
            "url": base,
        },
        "fhirVersion": "5.0.0" if quirks.r5 else "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A bearer token, printed when the clinic starts"},
                "resource": [_resource(kind, quirks) for kind in types(quirks)],
                "interaction": [{"code": code} for code in system],
            }
        ],
    }


def _resource(kind: str, quirks: Quirks) -> dict[str, Any]:
    params = PARAMS[kind]
    common = [{"name": "_id", "type": "token"}]
    if not quirks.no_last_updated:
        common.append({"name": "_lastUpdated", "type": "date"})
    writing = writes(kind, quirks)
    return {
        "type": kind,
        "interaction": [{"code": code} for code in (*_READING, *sorted(writing))],
        "versioning": "versioned-update" if quirks.requires_if_match else "versioned",
        "readHistory": True,
        "updateCreate": update_creates(kind, quirks),
        "conditionalCreate": "create" in writing,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchInclude": [
            "*",
            *(f"{kind}:{name}" for name, param in params.items() if param.kind == REFERENCE),
        ],
        "searchParam": [
            *common,
            *({"name": name, "type": param.kind} for name, param in sorted(params.items())),
        ],
    }
