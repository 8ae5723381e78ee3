"""Pull: the source to the mirror, decided without touching either. Pure.

`step(state, event)`: a page comes and is saved together with its cursor; what it refers to and is
missing is fetched by id; then the next page. The watermark is the server's own time of the first
page and moves when the last page is on disk. An interruption leaves a cursor that continues; a
history, which begins with the newest, starts over, and one that is too long is read as a search. A
search that a server does not allow is named and left out; the others go on. A search whose end was
not reached, or that the server fails at, is named too: its watermark stays, and the pull is not
complete. A record that cannot be fetched does not hold up the others.
Not here: which searches there are (`search_plan.py`), where a search ends (`paging.py`), what a
page holds (`fhir/bundles.py`), unannounced deletions (`manifest/policy.py`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from carequeue.domain.timestamps import is_younger
from carequeue.fhir.bundles import Page
from carequeue.fhir.our_directory import own_reference
from carequeue.sync.protocol.failures import has_failed, is_away
from carequeue.sync.pull import paging
from carequeue.sync.pull.paging import TOO_LONG, Trail, onward
from carequeue.sync.pull.search_plan import (
    BY_ID,
    TIER_NAMES,
    Search,
    Tier,
    by_id_url,
    first_url,
    scope_fingerprint,
    tier,
)
from carequeue.sync.pull.state import (
    Begun,
    Cursor,
    Ended,
    Event,
    Fetch,
    Keep,
    Lost,
    PageCame,
    PageKept,
    PullState,
    Step,
)

#: Pages of a history; a longer one is read as a search, which can continue after an interruption.
MOST_HISTORY: Final = 25
#: How long "not modified" is believed, whatever proxy is in between.
BELIEVED: Final = timedelta(minutes=15)
#: Failures in a row, after which the server fails, and not one request.
MOST_FAILURES: Final = 5
_NOT_ASKED_SO: Final = frozenset({400, 422, 501})  # statuses for a parameter that is not supported
_ETAG: Final = re.compile(r"[!-~]{1,200}")  # one that fits into a request header


def step(state: PullState, event: Event) -> Step:
    """The next state and commands after an event."""
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
    """Begin the next search, or end."""
    if state.at >= len(state.searches):
        left_out = state.left_out
        why = "not shown by the server: " + ", ".join(left_out) if left_out else ""
        return state, (Ended(full=not state.cut, why=why, left_out=left_out),)
    search = state.searches[state.at]
    cursor = _in_scope(search, state.cursors.get(search.name, Cursor()))
    if search.known_only and not cursor.watermark:
        # Records that are referred to were just fetched by id: look for changes from here on.
        begun = replace(cursor, watermark=state.server_time, full_at=now.isoformat())
        return _with_cursor(state, search, begun), (Keep(search, Page(), begun),)
    lowest = state.lowest.get(search.name, Tier.HISTORY)
    how = max(lowest, tier(search, state.can, cursor.watermark))
    etag = ""
    if cursor.next_url:  # a history leaves no next_url
        how = max(how, Tier.CHANGED)
        first = first_url(search, how, cursor.watermark)
        trail = paging.resume(cursor.next_url, first, cursor.received)
    else:
        trail = paging.begin(first_url(search, how, cursor.watermark))
        believed = lowest is Tier.HISTORY and is_younger(cursor.full_at, now, BELIEVED)
        etag = cursor.etag if believed else ""
    state = _with_cursor(state, search, cursor)
    state = replace(state, trail=trail, tier=how, newest=frozenset(), conditional=bool(etag))
    return state, (Fetch(trail.url, etag=etag),)


def _in_scope(search: Search, cursor: Cursor) -> Cursor:
    """The cursor, or a new one if the search's parameters changed."""
    mark = scope_fingerprint(search)
    if cursor.scope in ("", mark):
        return replace(cursor, scope=mark)
    return Cursor(scope=mark)


def _came(state: PullState, event: PageCame) -> Step:
    if state.missing:
        return _came_by_id(state, event)
    if event.status == 304 and state.conditional:
        return _next_search(state, event)
    if event.page is None or not event.page.is_bundle or event.status >= 400:
        return _refused(state, event)
    if state.tier is Tier.HISTORY:
        return _history(state, event, event.page)
    return _page(state, event, event.page)


def _history(state: PullState, event: PageCame, page: Page) -> Step:
    """A page of a history: of each row only its first appearance, which is the newest."""
    onward_from = onward(state.trail, page)
    if (
        not page.is_history
        or onward_from.why
        or (onward_from.url and len(state.trail.visited) >= MOST_HISTORY)
    ):
        return _lower(state, event)
    names = {own_reference(entry) for entry in page.entries} - {""}
    entries = [entry for entry in page.entries if own_reference(entry) not in state.newest]
    kind = f"{state.searches[state.at].type}/"
    fresh = {name: at for name, at in page.deleted.items() if name not in state.newest}
    deleted = {name: at for name, at in fresh.items() if name.startswith(kind)}
    state = replace(state, newest=state.newest | names | set(page.deleted))
    return _page(state, event, replace(page, entries=entries, deleted=deleted), onward_from)


def _page(
    state: PullState, event: PageCame, page: Page, onward_from: paging.Onward | None = None
) -> Step:
    """Save a page with its cursor."""
    search = state.searches[state.at]
    onward_from = onward_from or onward(state.trail, page)
    cursor = replace(
        state.cursors.get(search.name, Cursor()),
        next_url=onward_from.url,
        received=onward_from.trail.received,
    )
    cursor = replace(cursor, pending=cursor.pending or event.server_time)
    kept = cursor
    if onward_from.why:
        kept = cursor = _cut_off(cursor, onward_from)
        left_out = (f"the rest of {search.name} ({onward_from.why})",)
        state = replace(state, left_out=state.left_out + left_out, cut=True)
    elif not onward_from.url:
        kept = cursor = _finished(cursor, event, page, len(state.trail.visited) == 1)
    elif state.tier is Tier.HISTORY:
        kept = replace(cursor, pending="", next_url="", received=0)
    refused = _refused_names(state, search) if state.trail.received == 0 else ()
    state = replace(
        _with_cursor(state, search, cursor),
        trail=onward_from.trail if onward_from.url and not onward_from.why else Trail(),
        conditional=False,
        failures=0,
        server_time=state.server_time or event.server_time,
    )
    return state, (Keep(search, page, kept, refused=refused),)


def _cut_off(cursor: Cursor, onward_from: paging.Onward) -> Cursor:
    """The rest could not be read: the watermark stays. A search that was too long continues."""
    if onward_from.why == TOO_LONG:
        return replace(cursor, next_url=onward_from.trail.url)
    return replace(cursor, next_url="", pending="", received=0)


def _finished(cursor: Cursor, event: PageCame, page: Page, alone: bool) -> Cursor:
    """The last page is here. An empty reply with an ETag: the same request the next time."""
    empty = alone and not page.size and not page.entries and cursor.watermark
    etag = event.etag if empty and _ETAG.fullmatch(event.etag) else ""
    return replace(
        cursor,
        watermark=cursor.watermark if etag else cursor.pending,
        pending="",
        received=0,
        full_at=event.now.isoformat(),
        etag=etag,
    )


def _lower(state: PullState, event: PageCame) -> Step:
    """The same search with the next tier."""
    search = state.searches[state.at]
    lowest = {**state.lowest, search.name: Tier(state.tier + 1)}
    cursor = state.cursors.get(search.name, Cursor())
    cursor = replace(cursor, pending="", next_url="", received=0, etag="")
    return _search(_with_cursor(replace(state, lowest=lowest), search, cursor), event.now)


def _refused_names(state: PullState, search: Search) -> tuple[str, ...]:
    """The better tiers that failed, to remember once a lower tier has worked."""
    watermark = state.cursors.get(search.name, Cursor()).watermark
    tried = range(tier(search, state.can, watermark), state.lowest.get(search.name, Tier.HISTORY))
    return tuple(f"{name}:{search.type}" for how, name in TIER_NAMES.items() if how in tried)


def _refused(state: PullState, event: PageCame) -> Step:
    search = state.searches[state.at]
    cursor = state.cursors.get(search.name, Cursor())
    if event.status == 401:
        return state, (Ended(full=False, why=event.words, sign_in=True),)
    if state.tier is Tier.HISTORY and not is_away(event.status):
        return _lower(state, event)
    if state.tier is Tier.CHANGED and event.status in _NOT_ASKED_SO and not cursor.next_url:
        return _lower(state, event)
    if is_away(event.status):
        return state, (Ended(full=False, why=_why(event)),)
    if has_failed(event.status):
        return _without(state, event)
    if cursor.next_url and not state.restarted:  # the link has expired: start the search over
        cursor = replace(cursor, next_url="", pending="", received=0)
        return _search(replace(_with_cursor(state, search, cursor), restarted=True), event.now)
    if event.status < 400 and not state.restarted:
        return _without(state, event)
    reason = event.status if event.status >= 400 else "a link that cannot be followed"
    left_out = (*state.left_out, f"{search.name} ({reason})")
    cut = state.cut or state.restarted or bool(cursor.full_at)  # its rows get old unseen
    return _next_search(replace(state, left_out=left_out, cut=cut), event)


def _without(state: PullState, event: PageCame) -> Step:
    """The server fails at this search: the others go on, unless it fails at every one."""
    name = state.searches[state.at].name
    state = _failed(state, f"{name} ({_reason(event)})")
    if state.failures >= MOST_FAILURES:
        return state, (Ended(full=False, why=_why(event)),)
    return _next_search(state, event)


def _failed(state: PullState, what: str) -> PullState:
    left_out = tuple(dict.fromkeys((*state.left_out, what)))
    return replace(state, left_out=left_out, cut=True, failures=state.failures + 1)


def _reason(event: PageCame) -> str:
    return event.words or (str(event.status) if event.status >= 400 else "no page came")


def _why(event: PageCame) -> str:
    return event.words or f"the server answered {event.status}, and no page"


def _kept(state: PullState, event: PageKept) -> Step:
    if event.missing:
        state = replace(state, missing=tuple(dict.fromkeys((*state.missing, *event.missing))))
    if state.missing:
        return state, (_fetch_missing(state),)
    if state.trail.url:
        return state, (Fetch(state.trail.url),)
    return _next_search(state, event)


def _fetch_missing(state: PullState) -> Fetch:
    kind = state.missing[0].partition("/")[0]
    alike = (name for name in state.missing if name.startswith(f"{kind}/"))
    asked = tuple(islice(alike, BY_ID))
    if state.missing[0] in state.alone:
        asked = state.missing[:1]
    return Fetch(by_id_url(kind, tuple(name.partition("/")[2] for name in asked)), asked)


def _came_by_id(state: PullState, event: PageCame) -> Step:
    asked = _fetch_missing(state).asked
    if event.status == 401:
        return state, (Ended(full=False, why=event.words, sign_in=True),)
    if is_away(event.status):
        return state, (Ended(full=False, why=_why(event)),)
    page = event.page or Page()
    no_page = event.status < 400 and (event.page is None or not page.is_bundle)
    answered = () if no_page else _answered(asked, page)
    if len(asked) > 1 and (event.status >= 400 or not answered):
        state = replace(state, alone=state.alone | frozenset(asked))
        return state, (_fetch_missing(state),)
    if no_page or has_failed(event.status):
        return _passed_over(state, event, asked)
    answered = answered or asked  # asked for alone, and not shown
    over = frozenset(answered)
    left = tuple(reference for reference in state.missing if reference not in over)
    return replace(state, missing=left, failures=0), (Keep(None, page, None, answered),)


def _passed_over(state: PullState, event: PageCame, asked: tuple[str, ...]) -> Step:
    """The server fails at this record: fetch the others first, and this one with the next pull.

    If it fails at one after the other, all of them wait; the searches may work.
    """
    state = _failed(state, f"some of what is referred to ({_reason(event)})")
    left = tuple(reference for reference in state.missing if reference not in asked)
    if state.failures >= MOST_FAILURES:
        state, left = replace(state, failures=0), ()
    return _kept(replace(state, missing=left), PageKept((), event.now))


def _answered(asked: tuple[str, ...], page: Page) -> tuple[str, ...]:
    """The references that a page answers: all if it is the whole reply, otherwise those it holds.

    What a cut page left out is asked for again; only what no page shows is absent.
    """
    if not page.next_url and (page.total or 0) <= len(page.entries):
        return asked
    given = {own_reference(reference) for reference in page.entries}
    return tuple(reference for reference in asked if reference in given)


def _next_search(state: PullState, event: PageCame | PageKept) -> Step:
    state = replace(state, at=state.at + 1, restarted=False, trail=Trail())
    return _search(state, event.now)


def _with_cursor(state: PullState, search: Search, cursor: Cursor) -> PullState:
    return replace(state, cursors={**state.cursors, search.name: cursor})
