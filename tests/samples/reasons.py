"""Why a resource of a set has no row in the queue, read from the set itself.

In:  what the cache holds of a set, by reference, with the chart in which it stands. Out: words, or
"" where nothing in the data explains it, which is a fault of ours.
Why not asked of the mapping: its answer would be right by definition. Codes and the reach of a
stay are the mapping's, so that the words change with the rule; the reading is done anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from carequeue.fhir import codes, jsontext, values
from carequeue.fhir.chart_to_items import references
from carequeue.fhir.follow_up import REACH
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.pull.search_plan import plan

_UTC: Final = ZoneInfo("UTC")
_SEARCHED: Final = {one.type for one in plan(Abilities(), {}) if not one.known_only}
_IN_PART: Final = {one.type for one in plan(Abilities(), {}) if one.params}
#: Fetched by id where something that was fetched needs them.
_BY_REFERENCE: Final = frozenset({"Patient", "Organization", "Location", "HealthcareService"})
_REFERENCE: Final = re.compile(r'"reference": ?"([A-Za-z]+/[A-Za-z0-9\-.]+)')
_ENDS: Final = {"Coverage": "period", "ClaimResponse": "preAuthPeriod"}
_NO_ORDER: Final = frozenset({"proposal", "plan", "option"})


class Kept(NamedTuple):
    """One resource of the cache: itself, what is wrong with it, the chart it stands in."""

    resource: Any
    trouble: str
    chart: str


class Cache:
    """What the cache holds of a set, by reference; `now` is aware."""

    def __init__(self, kept: Mapping[str, Kept], now: datetime) -> None:
        self.kept = kept
        self.now = now
        self._by_chart: dict[tuple[str, str], list[Any]] = {}
        self.needed: set[str] = set()
        self.named: set[str] = set()
        for reference, one in kept.items():
            kind = reference.partition("/")[0]
            self._by_chart.setdefault((one.chart, kind), []).append(one.resource)
            self.needed |= references(one.resource)
            self.named |= set(_REFERENCE.findall(jsontext.dumps(one.resource).decode()))

    def beside(self, reference: str, kind: str) -> list[Any]:
        """All resources of a type in the chart of another."""
        return self._by_chart.get((self.kept[reference].chart, kind), [])


def why_not_fetched(cache: Cache, reference: str, resource: Any) -> str:
    """Why the server's resource is not in the cache."""
    kind = reference.partition("/")[0]
    if reference in cache.needed:
        return ""
    if kind in _IN_PART and not _has_system(resource, codes.TRIAGE):
        return f"{kind}s that are no triage record"
    if kind in _SEARCHED:
        return ""
    if kind not in _BY_REFERENCE:
        return "types that the queue does not read"
    if reference in cache.named:
        return "named only where no row needs it"
    return "nothing that was fetched names it"


def why_no_row(cache: Cache, reference: str) -> str:
    """Why a Task, a request, a stay, an authorization or a coverage of the cache has no row."""
    resource = cache.kept[reference].resource
    match reference.partition("/")[0]:
        case "Task":
            return _task(cache, reference, resource)
        case "ServiceRequest":
            return _request(cache, reference, resource)
        case "Encounter":
            return _stay(cache, reference, resource)
        case "Coverage" | "ClaimResponse" as kind:
            return _ending(cache, reference, resource, kind)
    return ""


def is_work(reference: str, resource: Any) -> bool:
    """Whether a resource may have a row of its own; of Encounters, a stay that may ask for one."""
    kind = reference.partition("/")[0]
    if kind == "Encounter":
        return values.text(resource, "class.code") in codes.STAY_CLASSES
    return kind in ("Task", "ServiceRequest", "Coverage", "ClaimResponse")


def _has_system(resource: Any, system: str) -> bool:
    return any(coding.system == system for coding in values.codings(values.get(resource, "code")))


def _task(cache: Cache, reference: str, task: Any) -> str:
    status = values.text(task, "status")
    if status == "draft":
        return "a draft: nobody was asked yet"
    if status in codes.TASK_CLOSED:
        return f"closed: {status}"
    outputs = values.objects(task, "output")
    if any(values.has_code(one.get("type"), codes.READ_BACK) for one in outputs):
        return "a handoff that was taken"
    parents = {values.reference(one) for one in values.objects(task, "partOf")}
    if parents & cache.kept.keys():
        return "a step among others, inside a Task that is here"
    return ""


def _request(cache: Cache, reference: str, request: Any) -> str:
    status, intent = values.text(request, "status"), values.text(request, "intent")
    if status in ("draft", "revoked", "completed", "entered-in-error"):
        return f"a request that is {status}"
    if intent in _NO_ORDER:
        return f"nobody is asked: intent {intent}"
    if values.get(request, "doNotPerform") is True:
        return "an order to leave it be"
    categories = {one.code for one in values.codings(values.get(request, "category"))}
    if categories & codes.NO_REFERRAL:
        return "laboratory or imaging by its category"
    tasks = [one.resource for key, one in cache.kept.items() if key.startswith("Task/")]
    if any(values.reference(values.get(task, "focus")) == reference for task in tasks):
        return "its Task has no row"
    return ""


def _stay(cache: Cache, reference: str, stay: Any) -> str:
    if values.text(stay, "status") != "finished":
        return "a stay that is not over"
    end = _end(stay, "period")
    if end is None:
        return "a stay without an end"
    if cache.now - end > REACH:
        return f"a stay that ended more than {REACH.days} days ago"
    client = cache.kept[reference].chart
    if not client.startswith("Patient/"):
        return "a stay of nobody who is named"
    person = cache.kept.get(client)
    if person and ("deceasedDateTime" in person.resource or person.resource.get("deceasedBoolean")):
        return "a stay of a client who has died"
    others = [one for one in cache.beside(reference, "Encounter") if one is not stay]
    began = [one for one in others if (_start(one) or end) > (_start(stay) or end)]
    if any(is_work("Encounter/", one) for one in began):
        return "a stay before a later one"
    visits = [_start(one) for one in others if not is_work("Encounter/", one)]
    said = [_when(one, "sent") for one in cache.beside(reference, "Communication")]
    if any(moment and moment >= end for moment in visits + said):
        return "a stay after which there was a contact"
    return _companion(cache, reference)


def _ending(cache: Cache, reference: str, resource: Any, kind: str) -> str:
    if values.text(resource, "status") != "active":
        return f"{kind} that is not in force"
    if kind == "ClaimResponse" and values.text(resource, "use") != "preauthorization":
        return "an answer to a claim, not to a preauthorization"
    end = _end(resource, _ENDS[kind])
    if end is None:
        return f"{kind} without an end"
    for other in cache.beside(reference, kind):
        ends, begins = _end(other, _ENDS[kind]), _when(other, f"{_ENDS[kind]}.start")
        later = other is not resource and (ends is None or ends > end)
        if later and (begins is None or begins <= end + timedelta(days=1)):
            return f"{kind} that another one follows"
    return _companion(cache, reference)


def _companion(cache: Cache, reference: str) -> str:
    for task in cache.beside(reference, "Task"):
        if f":{reference}" in values.identifier_value(task, codes.IDENTIFIER):
            return "a Task stands for it"
    return ""


def _when(resource: Any, path: str) -> datetime | None:
    return values.instant(values.text(resource, path), _UTC)


def _start(resource: Any) -> datetime | None:
    return _when(resource, "period.start")


def _end(resource: Any, path: str) -> datetime | None:
    return values.period_end(values.get(resource, path), _UTC)


def utc_now() -> datetime:
    """The present, for who runs this on the real clock."""
    return datetime.now(UTC)
