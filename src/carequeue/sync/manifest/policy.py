"""Rows that left the source unannounced or that an update missed, and when a manifest is due. Pure.

A search for changes never tells of deletions, of records that left its scope, or of a row that
became visible too late. So once a day the manifest of each search is fetched: ids and versions.
What differs from the mirror is checked, row by row.
In:  the mirror, the manifest, the reply about each missing row.
Out: what to fetch, what to remove, or that nothing is done before a person has answered.
Not here: asking and saving (`runner.py`), pages (`paging.py`), the brake (`restore/brake.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from carequeue.domain.timestamps import instant, is_older, is_younger
from carequeue.fhir.bundles import Page
from carequeue.fhir.chart_to_items import shared
from carequeue.fhir.values import ID, text
from carequeue.sync.ports import Absence
from carequeue.sync.pull.search_plan import OVERLAP, Search, scope_fingerprint

EVERY: Final = timedelta(days=1)
#: An interrupted manifest is continued for this long; then its entries are too old.
KEPT: Final = timedelta(hours=6)

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

Stamp = tuple[str, str]  # version, last updated
Stamps = Mapping[str, Stamp]  # by id


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one search. `server_at`: when it began, in the server's time if it gave one.

    `scope`: fingerprint of the search's parameters when its last manifest was complete.
    """

    counted_at: str = ""
    scope: str = ""
    begun_at: str = ""
    server_at: str = ""
    next_url: str = ""
    received: int = 0


class ManifestReason(StrEnum):
    """Why a manifest is due."""

    NOT_NOW = ""
    DAILY = "daily"
    ASKED = "asked"
    SCOPE = "scope"  # the person changed the scope: what leaves was meant to leave


def manifest_reason(
    search: Search, read_at: str, count: Manifest | None, now: datetime, asked: bool
) -> ManifestReason:
    """Why the manifest of a search is due now. `read_at`: when it was last read to its end.

    A search without a manifest has just been read whole: `first` records that, and its manifest is
    due a day later.
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
    """The manifest record of a search that has just been read whole."""
    return Manifest(now.isoformat(), scope_fingerprint(search))


def goes_on(count: Manifest, now: datetime) -> bool:
    """Whether an interrupted manifest is continued."""
    if not count.begun_at:
        return False
    return abs(now - datetime.fromisoformat(count.begun_at)) < KEPT


def stamps(kind: str, page: Page) -> dict[str, Stamp]:
    """Id -> version and instant of the entries of a manifest page, of its own type.

    An entry without an id that could be asked for says nothing.
    """
    return {
        text(entry, "id"): (text(entry, "meta.versionId"), text(entry, "meta.lastUpdated"))
        for entry in page.entries
        if entry.get("resourceType") == kind and ID.fullmatch(text(entry, "id"))
    }


@dataclass(frozen=True, slots=True)
class ManifestDifference:
    """Ids, sorted. `missed`: to be fetched. `back`: an older version than the one in the mirror.

    `returned`: to be fetched too, and saved although a deletion came after that version: a backup
    undid the deletion.
    """

    missing: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def compare(
    ours: Stamps, listed: Stamps, begun: datetime, deleted: Mapping[str, str] = _NONE
) -> ManifestDifference:
    """Compare the mirror with a manifest.

    A row that changed shortly before the manifest has not gone back: an index may lag. Nor has one
    with an instant in the future. `deleted`: id -> instant, of what is known to be deleted.
    """
    missed, back, returned = [], [], []
    for key, remote in listed.items():
        local = ours.get(key)
        if local is None and key in deleted and not is_recent(deleted[key], begun):
            returned.append(key)
        elif local is None:
            missed.append(key)
        elif _differs(local, remote):
            if not is_older(remote[1], local[1]) or _is_to_come(local[1], begun):
                missed.append(key)
            elif not is_recent(local[1], begun):
                back.append(key)
    return ManifestDifference(
        tuple(sorted(ours.keys() - listed.keys())),
        tuple(sorted(missed)),
        tuple(sorted(back)),
        tuple(sorted(returned)),
    )


def _differs(here: Stamp, there: Stamp) -> bool:
    """By version if both have one; an instant counts too, because a version may come twice."""
    if here[0] and there[0] and here[0] != there[0]:
        return True
    ours, theirs = instant(here[1]), instant(there[1])
    return ours is not None and theirs is not None and ours != theirs


def is_recent(updated: str, begun: datetime) -> bool:
    """Whether a row changed so shortly before a manifest that an index need not show it."""
    at = instant(updated)
    return at is not None and at > begun - OVERLAP


def _is_to_come(updated: str, begun: datetime) -> bool:
    """Whether a row claims a change after the manifest began: a wrong timestamp."""
    at = instant(updated)
    return at is not None and at > begun + OVERLAP


# --- what became of a row that is missing ---------------------------------------------------------


def fate(search: Search, status: int, updated: str, begun: datetime) -> Absence:
    """The reason why a row is missing, by a read of it. `updated`: of the resource read, or "".

    A search with parameters that does not show a row has it out of scope; one without lags. Client
    and directory records never leave by scope: any row may refer to them.
    """
    if status in (404, 410):
        return Absence.DELETED
    if status == 403:
        return Absence.FORBIDDEN
    if status != 200:
        return Absence.UNKNOWN
    has_scope = bool(search.params) and not shared(search.type)
    return Absence.OUT_OF_SCOPE if has_scope and not is_recent(updated, begun) else Absence.HERE
