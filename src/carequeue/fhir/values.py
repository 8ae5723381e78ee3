"""Read one element of a resource without trusting it: nothing here ever raises.

In:  any JSON value, also one of the wrong type. Out: text ("" if there is none), an aware datetime
in UTC or None, or a plain list.
Why UTC: two local times of one zone are subtracted by the wall clock, an hour wrong twice a year.
Not here: what an element means for the queue (`chart_reader.py` and the modules of the kinds).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

#: 64 characters by the standard; servers with 88 have been seen. A `.` or `..` alone is a step in
#: a path and no name, whatever the standard's pattern lets through.
ID: Final = re.compile(r"(?!\.\.?(?![A-Za-z0-9\-.]))[A-Za-z0-9\-.]{1,200}")
TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,60}")
_REFERENCE: Final = re.compile(rf"({TYPE.pattern}/{ID.pattern})(?:/_history/{ID.pattern})?")
_INSTANT: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_FIRST: Final = 1
_LAST: Final = 9999
#: Uses of a HumanName, best first; a nickname or an old name only if there is no other.
_NAME_USES: Final = ("official", "usual", "", "temp", "anonymous", "nickname", "maiden", "old")
_PHONE_USES: Final = ("mobile", "home", "work", "", "temp", "old")


class Coded(NamedTuple):
    """One coding; all parts may be empty."""

    system: str
    code: str
    display: str


def get(value: Any, path: str) -> Any:
    """The value at a path such as `participant.0.actor`, None if the path breaks off."""
    if type(value) is dict and "." not in path:  # nine in ten, and a chart asks a thousand times
        return value.get(path)
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def text(value: Any, path: str) -> str:
    """The string at a path, "" if there is none or it is no string."""
    element = get(value, path)
    return element if isinstance(element, str) else ""


def objects(value: Any, path: str) -> list[dict[str, Any]]:
    """The objects at a path; a single object that should have been a list is a list of one."""
    element = get(value, path)
    elements = element if isinstance(element, list) else [element]
    return [element for element in elements if isinstance(element, dict)]


def squeeze(words: str, cap: int = 200) -> str:
    """One line of text, cut at `cap` characters with an ellipsis."""
    line = " ".join(words[: cap * 4].split())
    return line if len(line) <= cap else line[: cap - 1] + "…"


def reference(value: Any, base: str = "") -> str:
    """`Type/id` of a Reference; "" for a contained, logical, foreign or malformed one.

    An absolute URL counts only below `base`: another server's `Patient/1` is another person.
    """
    written = text(value, "reference")
    if base and written.startswith(base.rstrip("/") + "/"):
        written = written[len(base.rstrip("/")) + 1 :]
    match = _REFERENCE.fullmatch(written)
    return match.group(1) if match else ""


def instant(value: Any, zone: ZoneInfo) -> datetime | None:
    """A FHIR date, dateTime or instant in UTC; the earliest that a partial one can mean.

    A time without an offset is read in `zone`, the site's, never the laptop's. Fractions of a
    second are dropped. Impossible dates are None.
    """
    parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not parts:
        return None
    year, month, day, hour, minute, second, offset = parts.groups()
    try:
        moment = datetime(  # noqa: DTZ001 - the zone is set in the next line
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            min(int(second or 0), 59),
        )  # fmt: skip
        result = moment.replace(tzinfo=_offset(offset) or zone).astimezone(UTC)
        # At either end of the calendar some zones have no such instant.
        return result if _FIRST < result.year < _LAST else None
    except (ValueError, OverflowError):
        return None


def approximate(value: Any) -> bool:
    """True if a date or time leaves the instant open: no time of day, or no offset."""
    parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    return bool(parts) and not parts.group(7)  # type: ignore[union-attr]


def period_end(value: Any, zone: ZoneInfo) -> datetime | None:
    """The end of a Period in UTC; a date means the whole of its day (FHIR R4, Period.end).

    None also for "for ever", which servers write as 9999-12-31.
    """
    end = get(value, "end")
    if not isinstance(end, str) or end.startswith("9999"):
        return None
    if len(end) > len("2026-03-09"):
        return instant(end, zone)
    try:
        first = instant(end, zone)
        local = first.astimezone(zone) if first else None
        after = _next(local, len(end)) if local else None
        return after.astimezone(UTC) - timedelta(seconds=1) if after else None
    except (ValueError, OverflowError):
        return None


def human_name(names: Any) -> tuple[str, str, str]:
    """Family name, given names and the server's own rendering of the best of some HumanNames."""
    known = objects({"name": names}, "name")
    if not known:
        return "", "", ""
    best = min(known, key=lambda name: _rank(_NAME_USES, text(name, "use")))
    given = get(best, "given")
    parts = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    first = " ".join(part for part in parts if isinstance(part, str))
    return text(best, "family").strip(), first.strip(), text(best, "text").strip()


def codings(concept: Any) -> tuple[Coded, ...]:
    """The codings of a CodeableConcept, of a Coding, or of a list of either."""
    return tuple(
        Coded(text(coding, "system"), text(coding, "code"), text(coding, "display"))
        for element in objects({"concept": concept}, "concept")
        for coding in objects(element, "coding") or ([element] if "code" in element else [])
    )


def has_code(concept: Any, code: str, system: str = "") -> bool:
    """True if a concept holds a code, in `system` where one is asked for."""
    return any(c.code == code and system in ("", c.system) for c in codings(concept))


def concept_text(concept: Any) -> str:
    """The words of a concept: its text, else the first display; never a bare code."""
    for element in objects({"concept": concept}, "concept"):
        displays = (coding.display for coding in codings(element))
        for words in (text(element, "text"), *displays):
            if words.strip():
                return words.strip()
    return ""


def contained(resource: Any, reference: str) -> dict[str, Any]:
    """The resource inside this one that a reference such as `#p1` names, empty if there is none."""
    inner = objects(resource, "contained") if reference.startswith("#") else []
    return next((part for part in inner if text(part, "id") == reference[1:] != ""), {})


def identifier_value(resource: Any, system: str) -> str:
    """The first identifier of a resource in a system, "" where it has none."""
    for identifier in objects(resource, "identifier"):
        if text(identifier, "system") == system:
            return text(identifier, "value")
    return ""


def record_number(patient: Any) -> str:
    """The medical record number: the identifier of type MR (HL7 v2-0203)."""
    for identifier in objects(patient, "identifier"):
        if has_code(get(identifier, "type"), "MR"):
            return text(identifier, "value")
    return ""


def phone(resource: Any) -> str:
    """The telephone number to try first."""
    numbers = [t for t in objects(resource, "telecom") if text(t, "system") in ("phone", "sms")]
    numbers.sort(key=lambda number: _rank(_PHONE_USES, text(number, "use")))
    return next((text(n, "value") for n in numbers if text(n, "value")), "")


def address(resource: Any) -> str:
    """The first address on one line."""
    for element in objects(resource, "address"):
        if text(element, "text"):
            return squeeze(text(element, "text"))
        lines = get(element, "line")
        parts = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
        parts += [text(element, "city"), f"{text(element, 'state')} {text(element, 'postalCode')}"]
        return squeeze(", ".join(part for part in parts if part.strip()))
    return ""


def extension(resource: Any, url: str) -> dict[str, Any]:
    """The first extension with a URL, empty if there is none."""
    return next((e for e in objects(resource, "extension") if text(e, "url") == url), {})


def _offset(written: str | None) -> timezone | None:
    if written is None:
        return None
    if written == "Z":
        return UTC
    hours, minutes = int(written[1:3]), int(written[4:6])
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1))


def _next(start: datetime, length: int) -> datetime:
    """The first local instant after the day, month or year that a date of `length` names."""
    if length == len("2026"):
        return start.replace(year=start.year + 1)
    if length == len("2026-03"):
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start + timedelta(days=1)


def _rank(order: tuple[str, ...], use: str) -> int:
    return order.index(use) if use in order else order.index("")
