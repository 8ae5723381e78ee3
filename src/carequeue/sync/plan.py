"""Which searches a pull makes, in which order, and how one is asked. Pure.

The order is that of urgency: who people are, then what waits, then what it rests on. Each search
has a cursor of its own; a row that is only referred to is fetched by id when it is missing, and
refreshed by a search whose unknown rows are left alone (`known_only`).
Why one lower bound with an overlap: a server stamps a row before it shows it (up to 120 s later),
nodes differ by seconds, and a second bound is ignored by some (docs/servers.md, "Seen of other
servers").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from carequeue.fhir import codes
from carequeue.sync.capabilities import Abilities

PAGE: Final = 200
OVERLAP: Final = timedelta(minutes=5)
#: Ids asked for in one request when rows that are referred to are missing.
BY_ID: Final = 50


@dataclass(frozen=True, slots=True)
class Search:
    """One search of the plan; `name` is its cursor's name."""

    name: str
    type: str
    params: tuple[tuple[str, str], ...] = ()
    known_only: bool = False


_PLAN: Final = (
    Search("CareTeam", "CareTeam"),
    Search("PractitionerRole", "PractitionerRole"),
    Search("Practitioner", "Practitioner"),
    Search("Task", "Task"),
    Search("ServiceRequest", "ServiceRequest"),
    Search("Flag", "Flag"),
    Search("triage", "Observation", (("code", f"{codes.TRIAGE}|"),)),
    Search("Encounter", "Encounter"),
    Search("Communication", "Communication"),
    Search("Appointment", "Appointment"),
    Search("ClaimResponse", "ClaimResponse"),
    Search("Coverage", "Coverage"),
    Search("Patient", "Patient", known_only=True),
    Search("Organization", "Organization", known_only=True),
)


def plan(can: Abilities, scope: Mapping[str, str]) -> tuple[Search, ...]:
    """The searches for a source. `scope`: type -> further parameters, as in a query string."""
    searches = []
    for search in _PLAN:
        if can.known and not can.can("search-type", search.type):
            continue
        more = tuple(parse_qsl(scope.get(search.type, "")))
        searches.append(Search(search.name, search.type, search.params + more, search.known_only))
    return tuple(searches)


def first_url(search: Search, can: Abilities, watermark: str) -> str:
    """The address of a search's first page, relative to the base. `watermark`: server's instant."""
    params = list(search.params)
    if _has_last_updated(can, search.type):
        if watermark:
            params.append(("_lastUpdated", f"ge{_minus_overlap(watermark)}"))
        params.append(("_sort", "_lastUpdated"))
    params.append(("_count", str(PAGE)))
    return f"{search.type}?{urlencode(params)}"


def _has_last_updated(can: Abilities, kind: str) -> bool:
    declared = can.of(kind).search
    return not declared or "_lastUpdated" in declared


def _minus_overlap(watermark: str) -> str:
    return (datetime.fromisoformat(watermark) - OVERLAP).isoformat(timespec="milliseconds")


def offset_url(url: str, offset: int) -> str:
    """The same search from `offset` on, for a server that gives no link to the next page."""
    path, _, query = url.partition("?")
    params = [(name, value) for name, value in parse_qsl(query) if name != "_offset"]
    return f"{path}?{urlencode([*params, ('_offset', str(offset))])}"


def from_instant(url: str, instant: str) -> str:
    """The same search from an instant on; "" where it is not sorted by `_lastUpdated`."""
    path, _, query = url.partition("?")
    params = parse_qsl(query)
    if not instant or ("_sort", "_lastUpdated") not in params:
        return ""
    kept = [(name, value) for name, value in params if name not in ("_lastUpdated", "_offset")]
    return f"{path}?{urlencode([('_lastUpdated', f'ge{instant}'), *kept])}"


def last_updated(entries: Sequence[Any]) -> str:
    """The `meta.lastUpdated` of the last row of a sorted page; "" where it has none."""
    meta = entries[-1].get("meta") if entries and isinstance(entries[-1], dict) else None
    found = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        return found if isinstance(found, str) and datetime.fromisoformat(found).tzinfo else ""
    except ValueError:
        return ""


def by_id_url(kind: str, ids: tuple[str, ...]) -> str:
    """The address that gives these rows, or those of them that the server lets be seen."""
    return f"{kind}?{urlencode({'_id': ','.join(ids), '_count': str(max(len(ids), 1))})}"
