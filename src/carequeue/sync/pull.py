"""Pull: the source to the mirror, decided without touching either. Pure.

`step(state, event)`: a page comes, it is kept together with its cursor, what it refers to and is
not here is fetched by id, and on to the next page. The watermark is the server's own time of the
first page and moves when the last page is on disk. A cut leaves a cursor that goes on where it was.
A search that a server does not allow is named and left out; the others go on. One whose pages end
before the last is named too, and then the pull is not complete.
Not here: which searches there are (`plan.py`), what a page holds (`fhir/bundles.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from carequeue.fhir.bundles import Page
from carequeue.sync.capabilities import Abilities
from carequeue.sync.plan import (
    BY_ID,
    PAGE,
    Search,
    by_id_url,
    first_url,
    from_instant,
    last_updated,
    offset_url,
)

#: Pages of one search in one pull; the next pull goes on where this one stopped.
MOST_PAGES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a search stands. `pending`: the watermark that holds once the last page is here."""

    watermark: str = ""
    pending: str = ""
    next_url: str = ""
    received: int = 0
    full_at: str = ""


@dataclass(frozen=True, slots=True)
class PullState:
    """One pull of one source."""

    can: Abilities
    searches: tuple[Search, ...]
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    at: int = 0
    url: str = ""
    visited: frozenset[str] = frozenset()
    last_ids: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    alone: frozenset[str] = frozenset()  # of the missing, to be asked for one by one
    left_out: tuple[str, ...] = ()
    restarted: bool = False  # this search, because its link was refused
    cut: bool = False  # a search was left out in the middle
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
    """Get this address. `asked`: references that it is to answer, where it is a fetch by id."""

    url: str
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep a page and, in the same transaction, the cursor of its search (None: by id).

    `asked`: references that this answers; of those, what is not in the page is absent.
    """

    search: Search | None
    page: Page
    cursor: Cursor | None
    asked: tuple[str, ...] = ()


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


def step(state: PullState, event: Event) -> Step:
    """What to do after an event."""
    match event:
        case Begun():
            state = replace(state, cursors=event.cursors, at=-1)
            return _kept(state, PageKept(event.missing, event.now))
        case PageCame():
            return _came(state, event)
        case PageKept():
            return _kept(state, event)
        case Lost():
            return state, (Ended(full=False, why=event.why, offline=True),)


def _search(state: PullState, now: datetime) -> Step:
    """Begin the search that is next, or end."""
    if state.at >= len(state.searches):
        full = not state.left_out
        return state, (Ended(full=True, left_out=state.left_out) if full else _partly(state),)
    search = state.searches[state.at]
    cursor = state.cursors.get(search.name, Cursor())
    if search.known_only and not cursor.watermark:
        # What is referred to has just been fetched by id: look for changes from here on.
        begun = replace(cursor, watermark=state.server_time, full_at=now.isoformat())
        return _with_cursor(state, search, begun), (Keep(search, Page(), begun),)
    url = cursor.next_url or first_url(search, state.can, cursor.watermark)
    state = replace(state, url=url, visited=frozenset({url}), last_ids=frozenset())
    return state, (Fetch(url),)


def _partly(state: PullState) -> Ended:
    return Ended(
        full=not state.cut,
        why="not shown by the server: " + ", ".join(state.left_out),
        left_out=state.left_out,
    )


def _came(state: PullState, event: PageCame) -> Step:
    if state.missing:
        return _came_by_id(state, event)
    if event.page is None or not event.page.is_bundle or event.status >= 400:
        return _refused(state, event)
    search = state.searches[state.at]
    cursor = state.cursors.get(search.name, Cursor())
    page = event.page
    following = _following(state, page, cursor.received)
    enough = bool(following) and len(state.visited) >= MOST_PAGES
    cursor = replace(
        cursor,
        pending=cursor.pending or event.server_time,
        next_url=following,
        received=cursor.received + len(page.entries),
    )
    if not following:
        cursor = replace(
            cursor, watermark=cursor.pending, pending="", received=0, full_at=event.now.isoformat()
        )
    state = replace(
        _with_cursor(state, search, cursor),
        url="" if enough else following,
        visited=state.visited | {following},
        last_ids=_ids(page),
        server_time=state.server_time or event.server_time,
        left_out=state.left_out + ((f"the rest of {search.name}",) if enough else ()),
        cut=state.cut or enough,
    )
    return state, (Keep(search, page, cursor),)


def _following(state: PullState, page: Page, received: int) -> str:
    """The next page's address; "" where this was the last. A page seen before ends the search."""
    following = page.next_url
    reached = received + len(page.entries)
    more = len(page.entries) >= PAGE or (page.total is not None and reached < page.total)
    if not following and page.entries and more:
        following = _without_link(state, page, received)
    return "" if following in state.visited else following


def _without_link(state: PullState, page: Page, received: int) -> str:
    """The next page of a server that gives no links: from the last instant that was seen.

    Not by offset where that can be helped: a row that changes between two pages moves to the end,
    and the row that steps into its place would never be read.
    """
    following = from_instant(state.url, last_updated(page.entries))
    if following and following not in state.visited:
        return following
    if _ids(page) == state.last_ids:  # the server does not know _offset
        return ""
    return offset_url(state.url, received + len(page.entries))


def _ids(page: Page) -> frozenset[str]:
    return frozenset(
        f"{one.get('resourceType')}/{one.get('id')}"
        for one in page.entries
        if isinstance(one, dict)
    )


def _refused(state: PullState, event: PageCame) -> Step:
    search = state.searches[state.at]
    cursor = state.cursors.get(search.name, Cursor())
    if event.status == 401:
        return state, (Ended(full=False, why=event.words, sign_in=True),)
    if event.status in (408, 425, 429) or event.status >= 500:
        return state, (Ended(full=False, why=_why(event)),)
    if cursor.next_url and not state.restarted:  # the link has expired: the search anew
        cursor = replace(cursor, next_url="", pending="", received=0)
        return _search(replace(_with_cursor(state, search, cursor), restarted=True), event.now)
    if event.status < 400 and not state.restarted:
        return state, (Ended(full=False, why=_why(event)),)
    reason = event.status if event.status >= 400 else "a link that cannot be followed"
    left_out = (*state.left_out, f"{search.name} ({reason})")
    return _next_search(replace(state, left_out=left_out, cut=state.cut or state.restarted), event)


def _why(event: PageCame) -> str:
    return event.words or f"the server answered {event.status}, and no page"


def _kept(state: PullState, event: PageKept) -> Step:
    wanted = tuple(dict.fromkeys((*state.missing, *event.missing)))
    if wanted:
        state = replace(state, missing=wanted)
        return state, (_fetch_missing(state),)
    if state.url:
        return state, (Fetch(state.url),)
    return _next_search(state, event)


def _fetch_missing(state: PullState) -> Fetch:
    kind = state.missing[0].partition("/")[0]
    asked = tuple(name for name in state.missing if name.startswith(f"{kind}/"))[:BY_ID]
    if state.missing[0] in state.alone:
        asked = state.missing[:1]
    return Fetch(by_id_url(kind, tuple(name.partition("/")[2] for name in asked)), asked)


def _came_by_id(state: PullState, event: PageCame) -> Step:
    asked = _fetch_missing(state).asked
    if event.status == 401:
        return state, (Ended(full=False, why=event.words, sign_in=True),)
    if event.status in (408, 425, 429) or event.status >= 500:
        return state, (Ended(full=False, why=_why(event)),)
    if event.status < 400 and (event.page is None or not event.page.is_bundle):
        return state, (Ended(full=False, why=_why(event)),)
    page = event.page or Page()
    answered = _answered(asked, page)
    if len(asked) > 1 and (event.status >= 400 or not answered):
        state = replace(state, alone=state.alone | frozenset(asked))
        return state, (_fetch_missing(state),)
    answered = answered or asked  # asked for alone, and not shown
    state = replace(state, missing=tuple(one for one in state.missing if one not in answered))
    return state, (Keep(None, page, None, answered),)


def _answered(asked: tuple[str, ...], page: Page) -> tuple[str, ...]:
    """Which references a page answers: all where it is the whole answer, else those it holds.

    What a page that was cut left out is asked for again, and only what nothing shows is absent.
    """
    if not page.next_url and (page.total or 0) <= len(page.entries):
        return asked
    given = _ids(page)
    return tuple(one for one in asked if one in given)


def _next_search(state: PullState, event: PageCame | PageKept) -> Step:
    return _search(replace(state, at=state.at + 1, restarted=False), event.now)


def _with_cursor(state: PullState, search: Search, cursor: Cursor) -> PullState:
    return replace(state, cursors={**state.cursors, search.name: cursor})
