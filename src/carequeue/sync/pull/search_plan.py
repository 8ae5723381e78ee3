"""The searches of a pull, their order, and their addresses. Pure.

In:  what a source supports, the scope of the profile, a cursor's watermark. Out: addresses.

The order is by urgency: who people are, then what waits, then what it is based on. Each search has
its own cursor; a record that is only referred to is fetched by id when it is missing, and refreshed
by a search whose unknown rows are ignored (`known_only`).
Why one lower bound with an overlap: a server stamps a row before it shows it (up to 120 s later),
nodes differ by seconds, and a second bound is ignored by some (docs/servers.md, "Seen of other
servers").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from carequeue.domain.timestamps import instant
from carequeue.fhir import codes
from carequeue.fhir.values import text
from carequeue.sync.protocol.capabilities import Abilities

PAGE: Final = 200
OVERLAP: Final = timedelta(minutes=5)
#: Rows in a page of a manifest, which shows little of each.
MANIFEST_PAGE: Final = 500
#: Ids in one request for missing records.
BY_ID: Final = 50
_OFFSET_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Search:
    """One search of the plan; `name` is its cursor's name, `words` are for its progress."""

    name: str
    type: str
    params: tuple[tuple[str, str], ...] = ()
    known_only: bool = False
    words: str = ""


_PLAN: Final = (
    Search("CareTeam", "CareTeam", words="teams"),
    Search("PractitionerRole", "PractitionerRole", words="roles"),
    Search("Practitioner", "Practitioner", words="people"),
    Search("Task", "Task", words="tasks"),
    Search("ServiceRequest", "ServiceRequest", words="requests"),
    Search("Flag", "Flag", words="flags"),
    Search("triage", "Observation", (("code", f"{codes.TRIAGE}|"),), words="triage"),
    Search("Encounter", "Encounter", words="visits"),
    Search("Communication", "Communication", words="contacts"),
    Search("Appointment", "Appointment", words="appointments"),
    Search("ClaimResponse", "ClaimResponse", words="authorizations"),
    Search("Coverage", "Coverage", words="coverage"),
    Search("Patient", "Patient", known_only=True, words="clients"),
    Search("Organization", "Organization", known_only=True, words="organizations"),
)


def plan(can: Abilities, scope: Mapping[str, str]) -> tuple[Search, ...]:
    """The searches for a source. `scope`: type -> more parameters, as in a query string."""
    searches = []
    for search in _PLAN:
        if can.known and not can.can("search-type", search.type):
            continue
        more = tuple(parse_qsl(scope.get(search.type, "")))
        searches.append(replace(search, params=search.params + more))
    return tuple(searches)


class Tier(IntEnum):
    """The way to ask for changes of a search; after a rejection the next is used."""

    HISTORY = 0
    CHANGED = 1
    WHOLE = 2


#: Names remembered of a source that rejected a tier: `f"{name}:{type}"` -> "no".
TIER_NAMES: Final = {Tier.HISTORY: "history-type", Tier.CHANGED: "search-by-change"}


def tier(search: Search, can: Abilities, watermark: str) -> Tier:
    """The best tier for a search. A history has no parameters, so it serves no narrower search.

    Nor does it serve records that are only referred to: it would name every client of the
    organization.
    """
    declared = can.of(search.type)
    plain = not search.params and not search.known_only
    told = "history-type" in declared.interactions
    if watermark and plain and can.known and told and _not_refused(can, Tier.HISTORY, search):
        return Tier.HISTORY
    by_change = not declared.search or "_lastUpdated" in declared.search
    if by_change and _not_refused(can, Tier.CHANGED, search):
        return Tier.CHANGED
    return Tier.WHOLE


def _not_refused(can: Abilities, how: Tier, search: Search) -> bool:
    return can.observed.get(f"{TIER_NAMES[how]}:{search.type}") != "no"


def scope_fingerprint(search: Search) -> str:
    """Fingerprint of a search's parameters, stored in its cursor; a changed one starts it over."""
    return blake2b(urlencode(search.params).encode(), digest_size=8).hexdigest()


def first_url(search: Search, how: Tier, watermark: str) -> str:
    """The address of a search's first page, relative to the base. `watermark`: server's instant."""
    if how is Tier.HISTORY:
        asked = {"_since": _minus_overlap(watermark), "_count": str(PAGE)}
        return f"{search.type}/_history?{urlencode(asked)}"
    params = list(search.params)
    if how is Tier.CHANGED:
        if watermark:
            params.append(("_lastUpdated", f"ge{_minus_overlap(watermark)}"))
        params.append(("_sort", "_lastUpdated"))
    params.append(("_count", str(PAGE)))
    return f"{search.type}?{urlencode(params)}"


def _minus_overlap(watermark: str) -> str:
    return (datetime.fromisoformat(watermark) - OVERLAP).isoformat(timespec="milliseconds")


def manifest_url(search: Search, *, whole: bool = False) -> str:
    """The address of the first page of a manifest: ids and versions of all that the search shows.

    `whole`: for a server that does not support `_elements`.
    """
    part = [] if whole else [("_elements", "id,meta")]
    return f"{search.type}?{urlencode([*search.params, *part, ('_count', str(MANIFEST_PAGE))])}"


def offset_url(url: str, offset: int) -> str:
    """The same search from `offset` on, for a server without a link to the next page."""
    path, _, query = url.partition("?")
    params = [(name, value) for name, value in parse_qsl(query) if name != "_offset"]
    return f"{path}?{urlencode([*params, ('_offset', str(offset))])}"


def without_offset(url: str) -> tuple[str, int]:
    """An address of ours without its offset, and the offset."""
    path, _, query = url.partition("?")
    params = parse_qsl(query)
    offset = next((value for name, value in params if name == "_offset"), "0")
    kept = [(name, value) for name, value in params if name != "_offset"]
    # A relative link of a server can look like ours: more digits than these are no offset.
    read = offset.isdecimal() and len(offset) <= _OFFSET_DIGITS
    return f"{path}?{urlencode(kept)}", int(offset) if read else 0


def from_instant(url: str, instant: str) -> str:
    """The same search from an instant on; "" if it is not sorted by `_lastUpdated`."""
    path, _, query = url.partition("?")
    params = parse_qsl(query)
    if not instant or ("_sort", "_lastUpdated") not in params:
        return ""
    kept = [(name, value) for name, value in params if name not in ("_lastUpdated", "_offset")]
    return f"{path}?{urlencode([('_lastUpdated', f'ge{instant}'), *kept])}"


def last_updated(entries: Sequence[Any]) -> str:
    """The `meta.lastUpdated` of the last row of a page that is sorted by it; otherwise ""."""
    texts = [text(entry, "meta.lastUpdated") for entry in entries]
    instants = [at for at in map(instant, texts) if at is not None]
    is_sorted = len(instants) == len(texts) and instants == sorted(instants)
    return texts[-1] if texts and is_sorted else ""


def by_id_url(kind: str, ids: Sequence[str], params: Sequence[tuple[str, str]] = ()) -> str:
    """The address of these rows, as far as the server shows them.

    `params`: only those that the search with these parameters shows.
    """
    asked = [*params, ("_id", ",".join(ids)), ("_count", str(max(len(ids), 1)))]
    return f"{kind}?{urlencode(asked)}"
