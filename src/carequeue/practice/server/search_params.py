"""What can be searched for, and how a resource is laid down in the index.

`PARAMS` is the one table: the index, the search and the CapabilityStatement read it. A path is
dotted; arrays on the way are walked. What has the wrong type is left out of the index, never
refused: a broken resource is stored and found by its id.
Names and paths: R4, the search parameters of each resource.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def _param(kind: str, paths: tuple[str, ...], only: str = "") -> SearchParam:
    return SearchParam(kind, tuple(tuple(path.split(".")) for path in paths), only)


def _ref(*paths: str, only: str = "") -> SearchParam:
    return _param(REFERENCE, paths, only)


def _token(*paths: str) -> SearchParam:
    return _param(TOKEN, paths)


def _text(*paths: str) -> SearchParam:
    return _param(STRING, paths)


def _date(*paths: str) -> SearchParam:
    return _param(DATE, paths)


def _of(path: str) -> dict[str, SearchParam]:
    """The two names of the same thing: `subject` may be a group, `patient` may not."""
    return {"subject": _ref(path), "patient": _ref(path, only="Patient")}


_STATUS: Final = {"status": _token("status")}
_CODE: Final = {"code": _token("code")}
_ENCOUNTER: Final = {"encounter": _ref("encounter")}
_PERSON: Final = {
    "name": _text("name.text", "name.family", "name.given", "name.prefix"),
    "family": _text("name.family"),
    "given": _text("name.given"),
    "phone": _token("telecom"),
    "active": _token("active"),
}
_BASED_ON: Final = {"based-on": _ref("basedOn")}

PARAMS: Final[dict[str, dict[str, SearchParam]]] = {
    "Subscription": {**_STATUS, "criteria": _text("criteria"), "type": _token("channel.type")},
    "Task": {
        "patient": _ref("for", only="Patient"),
        "subject": _ref("for"),
        "focus": _ref("focus"),
        "owner": _ref("owner"),
        "requester": _ref("requester"),
        "part-of": _ref("partOf"),
        "intent": _token("intent"),
        "priority": _token("priority"),
        "business-status": _token("businessStatus"),
        "authored-on": _date("authoredOn"),
        "modified": _date("lastModified"),
        "period": _date("executionPeriod"),
        **_BASED_ON,
        **_ENCOUNTER,
        **_STATUS,
        **_CODE,
    },
    "ServiceRequest": {
        **_of("subject"),
        "requester": _ref("requester"),
        "performer": _ref("performer"),
        "replaces": _ref("replaces"),
        "authored": _date("authoredOn"),
        "category": _token("category"),
        "intent": _token("intent"),
        "priority": _token("priority"),
        **_BASED_ON,
        **_ENCOUNTER,
        **_STATUS,
        **_CODE,
    },
    "Patient": {
        **_PERSON,
        "birthdate": _date("birthDate"),
        "gender": _token("gender"),
        "general-practitioner": _ref("generalPractitioner"),
        "organization": _ref("managingOrganization"),
    },
    "Practitioner": dict(_PERSON),
    "PractitionerRole": {
        "practitioner": _ref("practitioner"),
        "organization": _ref("organization"),
        "role": _token("code"),
        "active": _token("active"),
    },
    "Organization": {
        "name": _text("name", "alias"),
        "type": _token("type"),
        "partof": _ref("partOf"),
        "active": _token("active"),
    },
    "CareTeam": {
        **_of("subject"),
        "participant": _ref("participant.member"),
        "category": _token("category"),
        "date": _date("period"),
        **_ENCOUNTER,
        **_STATUS,
    },
    "Encounter": {
        **_of("subject"),
        "class": _token("class"),
        "type": _token("type"),
        "date": _date("period"),
        "participant": _ref("participant.individual"),
        "service-provider": _ref("serviceProvider"),
        "appointment": _ref("appointment"),
        **_BASED_ON,
        **_STATUS,
    },
    "Appointment": {
        "patient": _ref("participant.actor", only="Patient"),
        "actor": _ref("participant.actor"),
        "date": _date("start"),
        **_BASED_ON,
        **_STATUS,
    },
    "Communication": {
        **_of("subject"),
        "sender": _ref("sender"),
        "recipient": _ref("recipient"),
        "sent": _date("sent"),
        "received": _date("received"),
        "category": _token("category"),
        **_BASED_ON,
        **_ENCOUNTER,
        **_STATUS,
    },
    "Observation": {
        **_of("subject"),
        "category": _token("category"),
        "performer": _ref("performer"),
        "value-concept": _token("valueCodeableConcept"),
        "date": _date("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        **_BASED_ON,
        **_ENCOUNTER,
        **_STATUS,
        **_CODE,
    },
    "Flag": {
        **_of("subject"),
        "author": _ref("author"),
        "date": _date("period"),
        **_ENCOUNTER,
        **_STATUS,
        **_CODE,
    },
    "Coverage": {
        "patient": _ref("beneficiary", only="Patient"),
        "beneficiary": _ref("beneficiary"),
        "payor": _ref("payor"),
        "type": _token("type"),
        "period": _date("period"),
        **_STATUS,
    },
    "ClaimResponse": {
        "patient": _ref("patient", only="Patient"),
        "insurer": _ref("insurer"),
        "request": _ref("request"),
        "requestor": _ref("requestor"),
        "outcome": _token("outcome"),
        "use": _token("use"),
        "created": _date("created"),
        "period": _date("preAuthPeriod"),
        **_STATUS,
    },
    "RelatedPerson": {"patient": _ref("patient", only="Patient"), **_PERSON},
    "Location": {"name": _text("name"), **_STATUS},
    "HealthcareService": {"name": _text("name"), "organization": _ref("providedBy")},
    "Basic": {**_of("subject"), **_CODE},
}
for _params in PARAMS.values():
    _params["identifier"] = _token("identifier")


class IndexEntry(NamedTuple):
    """One line of the index; a date is a range of milliseconds, everything else a value."""

    name: str
    system: str  # of a token its system, of a reference the type
    value: str
    low: int = 0
    high: int = 0


def terms(kind: str, tree: dict[str, Any], base: str) -> set[IndexEntry]:
    """All index lines of a resource; `base` is our own address, taken off absolute references."""
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
        for one in value:
            yield from _walk(one, path)
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
        for one in codings if isinstance(codings, list) else [value]:
            if isinstance(one, dict):
                system = one.get("system", "")
                code = one.get("code", one.get("value"))
                if isinstance(code, str) and isinstance(system, str):
                    yield IndexEntry(name, system, str(code))


def _strings(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    if isinstance(value, str):
        yield IndexEntry(name, "", value.casefold())


def _dates(name: str, param: SearchParam, value: Any, base: str) -> Iterator[IndexEntry]:
    if isinstance(value, str):
        found = span(value)
        if found:
            yield IndexEntry(name, "", "", *found)
    elif isinstance(value, dict):
        start, end = (span(str(value.get(side, ""))) for side in ("start", "end"))
        if start or end:
            yield IndexEntry(name, "", "", start[0] if start else FIRST, end[1] if end else LAST)


_READ: Final = {REFERENCE: _references, TOKEN: _tokens, STRING: _strings, DATE: _dates}
