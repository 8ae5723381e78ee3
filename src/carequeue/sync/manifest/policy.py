"""What left the source without a word, what an update missed, and when to ask first. Pure.

A search by change never tells of what was deleted, of what left its scope, or of a row that became
visible too late. So once a day all that a search shows is counted: ids and versions, and what
differs from the mirror is looked at, row by row.
In:  what the mirror has, what the count has met, how each missing row was answered.
Out: what to fetch, what to take out, or that nothing is done before a person has answered.
Why the brake: an empty answer, a wrong right to read or a server that was set back to last night
look like a thousand deletions, and an emptied queue looks like a day without work.
Not here: asking and keeping (`runner.py`), pages (`paging.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from carequeue.fhir.bundles import Page
from carequeue.fhir.chart_to_items import shared
from carequeue.fhir.values import ID
from carequeue.sync.ports import Absence
from carequeue.sync.protocol.timestamps import instant, is_older, is_younger
from carequeue.sync.pull.search_plan import OVERLAP, Search, scope_fingerprint

EVERY: Final = timedelta(days=1)
#: A count that was cut is gone on with for so long; then what it has met is too old.
KEPT: Final = timedelta(hours=6)

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

Stamp = tuple[str, str]  # version, last updated
Stamps = Mapping[str, Stamp]  # by id


@dataclass(frozen=True, slots=True)
class Manifest:
    """The count of one search. `server_at`: when it began, by the server's time where it gave one.

    `scope`: how the search was narrowed when it was last counted to the end.
    """

    counted_at: str = ""
    scope: str = ""
    begun_at: str = ""
    server_at: str = ""
    next_url: str = ""
    received: int = 0


class ManifestReason(StrEnum):
    """Why a search is to be counted."""

    NOT_NOW = ""
    DAILY = "daily"
    ASKED = "asked"
    SCOPE = "scope"  # the person narrowed it in another way: what leaves is what was meant


def manifest_reason(
    search: Search, read_at: str, count: Manifest | None, now: datetime, asked: bool
) -> ManifestReason:
    """Whether a search is to be counted now. `read_at`: when it was last read to its end.

    What was never counted has just been read whole: `first` says so, and it is counted a day later.
    """
    if search.known_only or not read_at or count is None:
        return ManifestReason.NOT_NOW
    if count.scope != scope_fingerprint(search):
        return ManifestReason.SCOPE
    if asked or not count.counted_at:
        return ManifestReason.ASKED
    return (
        ManifestReason.NOT_NOW if is_younger(count.counted_at, now, EVERY) else ManifestReason.DAILY
    )


def first(search: Search, now: datetime) -> Manifest:
    """The count of a search that has just been read whole."""
    return Manifest(now.isoformat(), scope_fingerprint(search))


def goes_on(count: Manifest, now: datetime) -> bool:
    """Whether a count that was cut is gone on with."""
    if not count.begun_at:
        return False
    return abs(now - datetime.fromisoformat(count.begun_at)) < KEPT


def stamps(kind: str, page: Page) -> dict[str, Stamp]:
    """Id -> version and instant of what a page of a count shows of its own type.

    What has no id that could be asked for says nothing.
    """
    found = {}
    for one in page.entries:
        key, meta = one.get("id"), one.get("meta")
        if one.get("resourceType") == kind and isinstance(key, str) and ID.fullmatch(key):
            held = meta if isinstance(meta, dict) else {}
            found[key] = (_text(held.get("versionId")), _text(held.get("lastUpdated")))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class ManifestDifference:
    """Ids, sorted. `missed`: to be fetched. `back`: an older version than the one that is here.

    `returned`: to be fetched too, and kept although a deletion came after that version: a backup
    took the deletion back.
    """

    missing: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def compare(
    ours: Stamps, listed: Stamps, begun: datetime, deleted: Mapping[str, str] = _NONE
) -> ManifestDifference:
    """What the mirror has and a count has not met, and what the count has met otherwise.

    What changed shortly before the count is no step back: an index may lag behind. Nor is it one
    from an instant that is still to come. `deleted`: id -> instant, of what is known to be gone.
    """
    missed, back, returned = [], [], []
    for key, there in listed.items():
        here = ours.get(key)
        if here is None and key in deleted and not is_recent(deleted[key], begun):
            returned.append(key)
        elif here is None:
            missed.append(key)
        elif _differs(here, there):
            if not is_older(there[1], here[1]) or _is_to_come(here[1], begun):
                missed.append(key)
            elif not is_recent(here[1], begun):
                back.append(key)
    return ManifestDifference(
        tuple(sorted(ours.keys() - listed.keys())),
        tuple(sorted(missed)),
        tuple(sorted(back)),
        tuple(sorted(returned)),
    )


def _differs(here: Stamp, there: Stamp) -> bool:
    """By version where both have one; an instant counts too, for a version may come twice."""
    if here[0] and there[0] and here[0] != there[0]:
        return True
    one, other = instant(here[1]), instant(there[1])
    return one is not None and other is not None and one != other


def is_recent(updated: str, begun: datetime) -> bool:
    """Whether a row changed so shortly before a count that an index need not show it."""
    at = instant(updated)
    return at is not None and at > begun - OVERLAP


def _is_to_come(updated: str, begun: datetime) -> bool:
    """Whether a row says to have changed after the count began: a wrong stamp, no later version."""
    at = instant(updated)
    return at is not None and at > begun + OVERLAP


# --- what became of a row that a count has not met ------------------------------------------------


def fate(search: Search, status: int, updated: str, begun: datetime) -> Absence:
    """By a read of its own. `updated`: of the resource that came, "" where none did.

    A narrowed search that does not show a row has let it go; one that is not narrowed lags. Who
    somebody is never leaves by scope: any row may name them.
    """
    if status in (404, 410):
        return Absence.DELETED
    if status == 403:
        return Absence.FORBIDDEN
    if status != 200:
        return Absence.UNKNOWN
    narrowed = bool(search.params) and not shared(search.type)
    return Absence.OUT_OF_SCOPE if narrowed and not is_recent(updated, begun) else Absence.HERE
