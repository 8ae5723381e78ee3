"""What a pull knows, what can happen to it and what it asks for: the words of `machine.step`.
Pure.
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
    """Where a search stands. `pending`: the watermark that holds once the last page is here.

    `scope`: how the search was narrowed. `etag`: of an empty answer; as long as the server
    acknowledges it, the watermark stays, so that the question is the same.
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
    conditional: bool = False  # the question is whether anything is new
    tier: Tier = Tier.CHANGED
    lowest: Mapping[str, Tier] = field(default_factory=dict)  # by search, after refusals
    newest: frozenset[str] = frozenset()  # what a history has shown: the rest of it is older
    missing: tuple[str, ...] = ()
    alone: frozenset[str] = frozenset()  # of the missing, to be asked for one by one
    left_out: tuple[str, ...] = ()
    restarted: bool = False  # this search, because its link was refused
    cut: bool = False  # a search was left out in the middle
    failures: int = 0  # of the last questions, one after the other
    server_time: str = ""  # of the first page of this pull


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """The cursors as they stand on disk, and the references that a cut left to be fetched."""

    cursors: Mapping[str, Cursor]
    now: datetime
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageCame:
    """An answer to `Fetch`. `page` None: no page, and `words` say why.

    `server_time`: an ISO instant that the server gave, "" where it gave none; never our own.
    """

    status: int
    page: Page | None
    server_time: str
    words: str
    now: datetime
    etag: str = ""


@dataclass(frozen=True, slots=True)
class PageKept:
    """A page is on disk; `missing` are references that it names and that are not here."""

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
    """Get this address. `asked`: references that it is to answer, where it is a fetch by id.

    `etag`: of the last answer to the same question; 304 means that it still holds.
    """

    url: str
    asked: tuple[str, ...] = ()
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep a page and, in the same transaction, the cursor of its search (None: by id).

    `asked`: references that this answers; of those, what is not in the page is absent.
    `refused`: names of what the server was seen not to do, now that another way has worked.
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
