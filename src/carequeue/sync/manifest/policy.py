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

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from carequeue.fhir.bundles import Page
from carequeue.fhir.chart_to_items import shared
from carequeue.fhir.values import ID
from carequeue.sync.protocol.timestamps import is_younger
from carequeue.sync.pull.search_plan import OVERLAP, Search, scope_mark

EVERY: Final = timedelta(days=1)
#: A count that was cut is gone on with for so long; then what it has met is too old.
KEPT: Final = timedelta(hours=6)
#: More than this share of all rows or of those of one type, and more than so many, are not taken
#: out unasked within a day: a directory of a thousand people must not make a hundred Tasks few.
SHARE: Final = 5
FEW: Final = 20
#: How far back acknowledged decisions are looked at where a server was set back.
REMEMBERED: Final = timedelta(days=30)

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

Stamp = tuple[str, str]  # version, last updated
Stamps = Mapping[str, Stamp]  # by id


@dataclass(frozen=True, slots=True)
class Count:
    """The count of one search. `server_at`: when it began, by the server's time where it gave one.

    `scope`: how the search was narrowed when it was last counted to the end.
    """

    counted_at: str = ""
    scope: str = ""
    begun_at: str = ""
    server_at: str = ""
    next_url: str = ""
    received: int = 0


class Why(StrEnum):
    """Why a search is to be counted."""

    NOT_NOW = ""
    DAILY = "daily"
    ASKED = "asked"
    SCOPE = "scope"  # the person narrowed it in another way: what leaves is what was meant


def why_count(search: Search, read_at: str, count: Count | None, now: datetime, asked: bool) -> Why:
    """Whether a search is to be counted now. `read_at`: when it was last read to its end.

    What was never counted has just been read whole: `first` says so, and it is counted a day later.
    """
    if search.known_only or not read_at or count is None:
        return Why.NOT_NOW
    if count.scope != scope_mark(search):
        return Why.SCOPE
    if asked or not count.counted_at:
        return Why.ASKED
    return Why.NOT_NOW if is_younger(count.counted_at, now, EVERY) else Why.DAILY


def first(search: Search, now: datetime) -> Count:
    """The count of a search that has just been read whole."""
    return Count(now.isoformat(), scope_mark(search))


def goes_on(count: Count, now: datetime) -> bool:
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
class Difference:
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
) -> Difference:
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
    return Difference(
        tuple(sorted(ours.keys() - listed.keys())),
        tuple(sorted(missed)),
        tuple(sorted(back)),
        tuple(sorted(returned)),
    )


def _differs(here: Stamp, there: Stamp) -> bool:
    """By version where both have one; an instant counts too, for a version may come twice."""
    if here[0] and there[0] and here[0] != there[0]:
        return True
    one, other = _instant(here[1]), _instant(there[1])
    return one is not None and other is not None and one != other


def is_older(one: str, other: str) -> bool:
    """Whether both are instants, and the first is the earlier."""
    at, than = _instant(one), _instant(other)
    return at is not None and than is not None and at < than


def is_recent(updated: str, begun: datetime) -> bool:
    """Whether a row changed so shortly before a count that an index need not show it."""
    at = _instant(updated)
    return at is not None and at > begun - OVERLAP


def _is_to_come(updated: str, begun: datetime) -> bool:
    """Whether a row says to have changed after the count began: a wrong stamp, no later version."""
    at = _instant(updated)
    return at is not None and at > begun + OVERLAP


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


# --- what became of a row that a count has not met ------------------------------------------------


class Fate(StrEnum):
    """What became of it; the words that the mirror keeps."""

    HERE = "here"  # a lagging index, or pages that moved: it is simply kept
    DELETED = "deleted"
    FORBIDDEN = "forbidden"
    OUT_OF_SCOPE = "out of scope"
    UNKNOWN = ""  # the answer says nothing: it stays


def fate(search: Search, status: int, updated: str, begun: datetime) -> Fate:
    """By a read of its own. `updated`: of the resource that came, "" where none did.

    A narrowed search that does not show a row has let it go; one that is not narrowed lags. Who
    somebody is never leaves by scope: any row may name them.
    """
    if status in (404, 410):
        return Fate.DELETED
    if status == 403:
        return Fate.FORBIDDEN
    if status != 200:
        return Fate.UNKNOWN
    narrowed = bool(search.params) and not shared(search.type)
    return Fate.OUT_OF_SCOPE if narrowed and not is_recent(updated, begun) else Fate.HERE


# --- the brake ------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What is not done unasked."""

    REMOVAL = "removal"
    RESTORED = "restored"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for a person's answer: "accept", "refuse", or none yet.

    `found` rows `of` those that are here are gone, and `back` are older there; of a server, who
    answers now.
    """

    kind: Kind
    found: int = 0
    back: int = 0
    of: int = 0
    at: str = ""
    answer: str = ""
    server: str = ""

    @property
    def asks(self) -> bool:
        """Whether nobody has answered yet."""
        return not self.answer


def held_from(values: Mapping[str, Any] | None) -> Held | None:
    """What is held, of what the disk has; None where nothing is, or it cannot be read."""
    try:
        values = dict(values or {})
        return Held(Kind(values.pop("kind")), **values)
    except (KeyError, TypeError, ValueError):
        return None


def too_many(leaving: int, of: int) -> bool:
    """Whether so many rows are not taken out unasked."""
    return leaving > max(FEW, of // SHARE)


@dataclass(frozen=True, slots=True)
class Lately:
    """What was taken out unasked within a day, by type: many small steps are one large one."""

    since: str = ""
    by_type: Mapping[str, int] = field(default_factory=dict)

    def taking(self, kind: str, count: int, now: datetime) -> Lately:
        """With so many more of a type; after a day it begins anew."""
        if not self.since or now - datetime.fromisoformat(self.since) >= EVERY:
            return Lately(now.isoformat(), {kind: count})
        return replace(self, by_type={**self.by_type, kind: self.by_type.get(kind, 0) + count})

    def too_many(self, leaving: int, of: int, kind: str = "") -> bool:
        """Whether so many more (of one type, or of all) are not taken out unasked."""
        gone = self.by_type.get(kind, 0) if kind else sum(self.by_type.values())
        return too_many(gone + leaving, gone + of)


def lately_from(text: str, now: datetime) -> Lately:
    """What the disk has of it, as `json`; nothing where that is a day old."""
    since, by_type = json.loads(text or '["", {}]')
    found = Lately(since, by_type)
    old = since and now - datetime.fromisoformat(since) >= EVERY
    return Lately() if old else found


def lately_to(lately: Lately) -> str:
    """As `lately_from` reads it."""
    return json.dumps([lately.since, dict(lately.by_type)])


def brake(
    leaving: int, back: int, of: int, was: Held | None, now: datetime, *, much: bool = False
) -> Held | None:
    """What to ask before anything is taken out or moved back; None where it may be done.

    A version that goes back is never normal: one is enough. `much`: it is too much in another
    respect, such as nearly all of one type. An answer holds for what it was given to, and for a few
    rows more.
    """
    if not back and not much and not too_many(leaving, of):
        return None
    kind = Kind.RESTORED if back else Kind.REMOVAL
    found = Held(kind, leaving, back, of, now.isoformat())
    if was is None or was.kind is not kind:
        return found
    if leaving > was.found + FEW or back > was.back + FEW:
        return found
    return None if was.answer == "accept" else was


def words(held: Held) -> str:
    """What is held and how to answer, in a sentence."""
    if held.kind is Kind.SERVER:
        who = " ".join(held.server.split())[:120]
        return (
            f"another server answers ({who}); nothing is sent or fetched until you say whether it "
            "has the same records: carequeue sync --accept-removals, or --refuse-removals"
        )
    what = (
        f"the server was set back: {held.back:,} records are older there than here, "
        f"{held.found:,} are not there"
        if held.kind is Kind.RESTORED
        else f"{held.found:,} of {held.of:,} records are no longer there"
    )
    return (
        f"{what}; nothing was removed or moved back here. If that is right: "
        "carequeue sync --accept-removals; if not, tell whoever runs the server"
    )


def another_server(known: str, base: str, software: str) -> bool:
    """Whether who answers is not who answered before. `known`: as `identity` gave it, or ""."""
    was_base, _, was_software = known.partition("\n")
    if not known:
        return False
    name = _whole(software)
    return was_base != base or bool(was_software and name and was_software != name)


def _whole(text: str) -> str:
    """A text as the disk gives it back: half a character is none there."""
    return text.encode("utf-8", "replace").decode()


def identity(base: str, software: str) -> str:
    """Who answers: by address, and by the name of its software."""
    return f"{base}\n{_whole(software)}"
