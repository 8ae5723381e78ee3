"""The state of a pull, its events and its commands: the vocabulary of `machine.step`. Pure.

In:  nothing. Out: frozen values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from carequeue.fhir.bundles import Page
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.pull.paging import Trail
from carequeue.sync.pull.search_plan import Search, Tier


@dataclass(frozen=True, slots=True)
class Cursor:
    """The progress of a search. `pending`: the watermark to set once the last page is here.

    `scope`: fingerprint of the search's parameters. `etag`: of an empty reply; while the server
    confirms it, the watermark stays, so that the request is the same.
    """

    watermark: str = ""
    pending: str = ""
    next_url: str = ""
    received: int = 0
    full_at: str = ""
    scope: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class PullState:
    """One pull of one source."""

    can: Abilities
    searches: tuple[Search, ...]
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    at: int = 0
    trail: Trail = Trail()  # noqa: RUF009 - frozen
    conditional: bool = False  # the request asks whether anything is new
    tier: Tier = Tier.CHANGED
    lowest: Mapping[str, Tier] = field(default_factory=dict)  # by search, after rejections
    newest: frozenset[str] = frozenset()  # rows that a history has shown: older versions follow
    missing: tuple[str, ...] = ()
    alone: frozenset[str] = frozenset()  # missing ones to ask for one at a time
    left_out: tuple[str, ...] = ()
    restarted: bool = False  # this search started over, because its link was rejected
    cut: bool = False  # a search was left out halfway
    failures: int = 0  # failures in a row
    server_time: str = ""  # of the first page of this pull


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The cursors on disk, and the references that an interruption left to be fetched."""

    cursors: Mapping[str, Cursor]
    now: datetime
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageCame:
    """A reply to `Fetch`. `page` None: no page, and `words` say why.

    `server_time`: an ISO instant that the server gave, "" if it gave none; never our own.
    """

    status: int
    page: Page | None
    server_time: str
    words: str
    now: datetime
    etag: str = ""


@dataclass(frozen=True, slots=True)
class PageKept:
    """A page is on disk; `missing` are references in it that are not in the mirror."""

    missing: tuple[str, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """The network went away."""

    why: str


Event = Begun | PageCame | PageKept | Lost

# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get this address. `asked`: the references, if it is a fetch by id.

    `etag`: of the last reply to the same request; 304 means that it still holds.
    """

    url: str
    asked: tuple[str, ...] = ()
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """Save a page and, in the same transaction, the cursor of its search (None: by id).

    `asked`: references that this answers; those that are not in the page are absent. `refused`:
    names of what the server was seen not to support, now that another way has worked.
    """

    search: Search | None
    page: Page
    cursor: Cursor | None
    asked: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The pull is over. `full`: every search of the plan has finished."""

    full: bool
    why: str = ""
    offline: bool = False
    sign_in: bool = False
    left_out: tuple[str, ...] = ()


Command = Fetch | Keep | Ended
Step = tuple[PullState, tuple[Command, ...]]
