"""The CapabilityStatement: what this server does, as it is at this moment with its quirks.

A client may believe it: what is not declared is refused. The exceptions are the quirks that are
about what no statement tells, such as `ignores-if-match` or `three-statuses`, and `r5`.
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.practice.server.fhir_dates import instant
from carequeue.practice.server.quirks import Quirks
from carequeue.practice.server.search_params import PARAMS, REFERENCE

_READING: Final = ("read", "search-type")
_HISTORY: Final = ("vread", "history-instance", "history-type")
_WRITES: Final = frozenset({"create", "update", "delete"})

BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport"
#: The one topic of this server: anything that was made, changed or deleted.
TOPIC: Final = "https://riverbend.example/fhir/SubscriptionTopic/any-change"
_TOPICS: Final = f"{BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
_WEBSOCKET: Final = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"


def types(quirks: Quirks) -> list[str]:
    """The resource types that exist here."""
    absent = {"Task": quirks.no_task, "Subscription": quirks.no_subscriptions}
    return [kind for kind in PARAMS if not absent.get(kind)]


def writes(kind: str, quirks: Quirks) -> frozenset[str]:
    """The interactions among create, update and delete that a type supports."""
    if kind == "Task" and quirks.no_task_write:
        return frozenset()
    if kind == "Task" and quirks.task_no_create:
        return _WRITES - {"create"}
    return _WRITES


def update_creates(kind: str, quirks: Quirks) -> bool:
    """True if an update of what does not exist makes it."""
    return not quirks.no_update_create and "create" in writes(kind, quirks)


def statement(
    quirks: Quirks, base: str, version: str, now: int, socket: str = ""
) -> dict[str, Any]:
    """The resource that /metadata answers with; `version` is the software's, `now` in ms.

    `socket` is the address at which a websocket of R4 is bound.
    """
    system = [] if quirks.no_history else ["history-system"]
    system += [] if quirks.no_batch else ["batch", "transaction"]
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
                **_socket(quirks, socket),
                "mode": "server",
                "security": {"description": "A bearer token, printed when the clinic starts"},
                "resource": [_resource(kind, quirks) for kind in types(quirks)],
                "interaction": [{"code": code} for code in system],
            }
        ],
    }


def _socket(quirks: Quirks, address: str) -> dict[str, Any]:
    """Where websockets are, for subscriptions by criteria (R4, subscription.html#websocket)."""
    if not address or quirks.no_subscriptions or quirks.backport_subscriptions_only:
        return {}
    return {"extension": [{"url": _WEBSOCKET, "valueUri": address}]}


def _by_topic(kind: str, quirks: Quirks) -> dict[str, Any]:
    """The declarations of the backport of R5 subscriptions for Subscription."""
    if kind != "Subscription" or quirks.r4_subscriptions_only:
        return {}
    return {
        "extension": [{"url": _TOPICS, "valueCanonical": TOPIC}],
        "supportedProfile": [f"{BACKPORT}/StructureDefinition/backport-subscription"],
        "operation": [
            {
                "name": "get-ws-binding-token",
                "definition": (
                    f"{BACKPORT}/OperationDefinition/backport-subscription-get-ws-binding-token"
                ),
            }
        ],
    }


def _resource(kind: str, quirks: Quirks) -> dict[str, Any]:
    params = PARAMS[kind]
    common = [{"name": "_id", "type": "token"}]
    if not quirks.no_last_updated:
        common.append({"name": "_lastUpdated", "type": "date"})
    writing = writes(kind, quirks)
    reading = _READING if quirks.no_history else _READING + _HISTORY
    return {
        "type": kind,
        **_by_topic(kind, quirks),
        "interaction": [{"code": code} for code in (*reading, *sorted(writing))],
        "versioning": "versioned-update" if quirks.requires_if_match else "versioned",
        "readHistory": not quirks.no_history,
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
