"""The search parameters of each type, and the index entries of a resource.

`PARAMS` is the one table: the index, the search and the CapabilityStatement read it. A path is
dotted; arrays on the way are walked. What has the wrong type is left out of the index, never
refused: a broken resource is stored and found by its id.
Names and paths: R4, the search parameters of each resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from carequeue.practice.server.fhir_dates import FIRST, LAST, span
from carequeue.practice.server.json_lossless import NumberText

REFERENCE: Final = "reference"
TOKEN: Final = "token"  # noqa: S105 - a kind of search parameter
STRING: Final = "string"
DATE: Final = "date"


class SearchParam(NamedTuple):
    """A search parameter: its kind, the elements it looks at, the one type it keeps to."""

    kind: str
    paths: tuple[tuple[str, ...], ...]
    only: str = ""  # the type of resource that a reference must name


def _param(kind: str, *paths: str, only: str = "") -> SearchParam:
    return SearchParam(kind, tuple(tuple(path.split(".")) for path in paths), only)


_REF: Final = partial(_param, REFERENCE)
_TOKEN: Final = partial(_param, TOKEN)
_TEXT: Final = partial(_param, STRING)
_DATE: Final = partial(_param, DATE)


def _same(kind: str, names: str) -> dict[str, SearchParam]:
    """Parameters that are named as their element: `based-on` looks at `basedOn`."""
    elements = {name: re.sub(r"-(.)", lambda sign: sign[1].upper(), name) for name in names.split()}
    return {name: _param(kind, element) for name, element in elements.items()}


def _client(path: str) -> dict[str, SearchParam]:
    """The two names of the same thing: `subject` may be a group, `patient` may not."""
    return {"subject": _REF(path), "patient": _REF(path, only="Patient")}


_PATIENT: Final = {"patient": _REF("patient", only="Patient")}
_PERSON: Final = {
    "name": _TEXT("name.text", "name.family", "name.given", "name.prefix"),
    "family": _TEXT("name.family"),
    "given": _TEXT("name.given"),
    "phone": _TOKEN("telecom"),
    "active": _TOKEN("active"),
}

PARAMS: Final[dict[str, dict[str, SearchParam]]] = {
    "Subscription": {
        "status": _TOKEN("status"),
        "criteria": _TEXT("criteria"),
        "type": _TOKEN("channel.type"),
    },
    "Task": {
        **_client("for"),
        **_same(REFERENCE, "focus owner requester part-of based-on encounter"),
        **_same(TOKEN, "intent priority business-status status code"),
        **_same(DATE, "authored-on"),
        "modified": _DATE("lastModified"),
        "period": _DATE("executionPeriod"),
    },
    "ServiceRequest": {
        **_client("subject"),
        **_same(REFERENCE, "requester performer replaces based-on encounter"),
        **_same(TOKEN, "category intent priority status code"),
        "authored": _DATE("authoredOn"),
    },
    "Patient": {
        **_PERSON,
        **_same(REFERENCE, "general-practitioner"),
        "organization": _REF("managingOrganization"),
        "birthdate": _DATE("birthDate"),
        "gender": _TOKEN("gender"),
    },
    "Practitioner": dict(_PERSON),
    "PractitionerRole": {
        **_same(REFERENCE, "practitioner organization"),
        "role": _TOKEN("code"),
        "active": _TOKEN("active"),
    },
    "Organization": {
        **_same(TOKEN, "type active"),
        "name": _TEXT("name", "alias"),
        "partof": _REF("partOf"),
    },
    "CareTeam": {
        **_client("subject"),
        **_same(TOKEN, "category status"),
        "encounter": _REF("encounter"),
        "participant": _REF("participant.member"),
        "date": _DATE("period"),
    },
    "Encounter": {
        **_client("subject"),
        **_same(REFERENCE, "service-provider appointment based-on"),
        **_same(TOKEN, "class type status"),
        "participant": _REF("participant.individual"),
        "date": _DATE("period"),
    },
    "Appointment": {
        "patient": _REF("participant.actor", only="Patient"),
        "actor": _REF("participant.actor"),
        "date": _DATE("start"),
        "based-on": _REF("basedOn"),
        "status": _TOKEN("status"),
    },
    "Communication": {
        **_client("subject"),
        **_same(REFERENCE, "sender recipient based-on encounter"),
        **_same(TOKEN, "category status"),
        **_same(DATE, "sent received"),
    },
    "Observation": {
        **_client("subject"),
        **_same(REFERENCE, "performer based-on encounter"),
        **_same(TOKEN, "category status code"),
        "value-concept": _TOKEN("valueCodeableConcept"),
        "date": _DATE("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    },
    "Flag": {
        **_client("subject"),
        **_same(REFERENCE, "author encounter"),
        **_same(TOKEN, "status code"),
        "date": _DATE("period"),
    },
    "Coverage": {
        "patient": _REF("beneficiary", only="Patient"),
        **_same(REFERENCE, "beneficiary payor"),
        **_same(TOKEN, "type status"),
        **_same(DATE, "period"),
    },
    "ClaimResponse": {
        **_PATIENT,
        **_same(REFERENCE, "insurer request requestor"),
        **_same(TOKEN, "outcome use status"),
        **_same(DATE, "created"),
        "period": _DATE("preAuthPeriod"),
    },
    "RelatedPerson": {**_PATIENT, **_PERSON},
    "Location": {"name": _TEXT("name"), "status": _TOKEN("status")},
    "HealthcareService": {"name": _TEXT("name"), "organization": _REF("providedBy")},
    "Basic": {**_client("subject"), "code": _TOKEN("code")},
}
for _params in PARAMS.values():
    _params["identifier"] = _TOKEN("identifier")


class IndexEntry(NamedTuple):
    """One line of the index; a date is a range of milliseconds, everything else a value."""

    name: str
    system: str  # of a token its system, of a reference the type
    value: str
    low: int = 0
    high: int = 0


def index_entries(kind: str, tree: dict[str, Any], base: str) -> set[IndexEntry]:
    """All index entries of a resource; `base` is our own address, taken off absolute references."""
    lines: set[IndexEntry] = set()
    for name, param in PARAMS.get(kind, {}).items():
        for path in param.paths:
            if path[0] in tree:
                for value in _walk(tree, path):
                    lines.update(_READ[param.kind](name, param, value, base))
    return lines


def split_reference(text: str, base: str) -> tuple[str, str]:
    """Type and id of a reference; an absolute one of elsewhere keeps its whole address as id."""
    if base and text.startswith(base + "/"):
        text = text[len(base) + 1 :]
    if "://" in text or text.startswith(("urn:", "#")):
        return "", text
    parts = text.split("/")
    return (parts[0], parts[1]) if len(parts) in (2, 4) else ("", text)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _walk(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _walk(value[path[0]], path[1:])


def _references(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    text = value.get("reference") if isinstance(value, dict) else None
    if isinstance(text, str) and text:
        kind, key = split_reference(text, base)
        if not param.only or kind == param.only:
            yield IndexEntry(name, kind, key)


def _tokens(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    if isinstance(value, bool):
        yield IndexEntry(name, "", "true" if value else "false")
    elif isinstance(value, str) and not isinstance(value, NumberText):
        yield IndexEntry(name, "", value)
    elif isinstance(value, dict):
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else [value]:
            if isinstance(coding, dict):
                system = coding.get("system", "")
                code = coding.get("code", coding.get("value"))
                if isinstance(code, str) and isinstance(system, str):
                    yield IndexEntry(name, system, str(code))


def _strings(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    if isinstance(value, str):
        yield IndexEntry(name, "", value.casefold())


def _dates(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    if isinstance(value, str):
        if bounds := span(value):
            yield IndexEntry(name, "", "", *bounds)
    elif isinstance(value, dict):
        start, end = (span(str(value.get(side, ""))) for side in ("start", "end"))
        if start or end:
            yield IndexEntry(name, "", "", start[0] if start else FIRST, end[1] if end else LAST)


_READ: Final = {REFERENCE: _references, TOKEN: _tokens, STRING: _strings, DATE: _dates}
