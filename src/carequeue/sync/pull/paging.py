"""From page to page of one search, and whether it has really ended. Pure.

In:  the trail so far and the page that came. Out: the next address, or that this was the last page,
or that the rest cannot be reached. Only the second lets a watermark move: a page that is cut short,
links in a circle and a repeated page are never taken for an end.
Why not by offset if there are no links: a row that changes between two pages moves to the end, and
the row that takes its place would never be read. So paging resumes from the last timestamp, if the
pages are sorted by it.
Not here: which addresses may be followed (`transport.py`), the form of a search (`search_plan.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from carequeue.fhir.bundles import Page
from carequeue.fhir.values import get
from carequeue.sync.pull.search_plan import (
    PAGE,
    from_instant,
    last_updated,
    offset_url,
    without_offset,
)

#: Pages of one search in one pull; the next pull continues where this one stopped.
MOST_PAGES: Final = 5_000
CIRCLE: Final = "its pages lead in a circle"
TOO_LONG: Final = "it has more pages than are read at once"


@dataclass(frozen=True, slots=True)
class Trail:
    """The pages so far. `start`: our own address; `received` of its rows have been seen."""

    url: str = ""
    start: str = ""
    received: int = 0
    seen: frozenset[str] = frozenset()  # rows since `start`, as far as this process knows
    visited: frozenset[str] = frozenset()
    asks_for: int = PAGE
    doubted: bool = False  # empty although it counts more: asked for once again


class Onward(NamedTuple):
    """The next address. Neither `url` nor `why`: that was the last page. `why`: the rest is
    unreachable.
    """

    trail: Trail
    url: str
    why: str = ""


def begin(url: str, asks_for: int = PAGE) -> Trail:
    """The trail at the beginning of a search."""
    return Trail(url, url, visited=frozenset({url}), asks_for=asks_for)


def resume(url: str, first: str, received: int, asks_for: int = PAGE) -> Trail:
    """The trail after an interruption. `first`: the address of the search's beginning.

    An address of ours contains its own beginning; for a link of the server it is `first`. A search
    that continued from an instant restarts there: hours later other rows may carry it, and an
    offset would skip one that is still to be read.
    """
    if "://" in url or url.startswith("/"):
        return replace(begin(url, asks_for), start=first, received=received)
    start, offset = without_offset(url)
    if start != first:
        return begin(start, asks_for)
    return replace(begin(url, asks_for), start=start, received=offset)


def onward(trail: Trail, page: Page) -> Onward:
    """The trail after a page."""
    rows = row_versions(page)
    again = bool(rows) and rows <= trail.seen
    fresh = page.size if page.is_history else len(rows - trail.seen)
    reached = trail.received + (0 if again else fresh)
    asked = trail.url
    trail = replace(trail, url="", seen=trail.seen | rows, received=reached)
    link = page.next_url
    if link and link not in trail.visited and not again:
        return _go(trail, link)
    if not rows and (page.total or 0) > reached and not trail.doubted:
        return Onward(replace(trail, url=asked, doubted=True), asked)
    if not rows or (page.total is not None and reached >= page.total):
        return Onward(trail, "")
    if not link and not again and not _more(trail, page, len(rows)):
        return Onward(trail, "")
    return _without_link(trail, page)


def _more(trail: Trail, page: Page, rows: int) -> bool:
    if page.total is not None:
        return True
    shown = page.size if page.is_history else rows
    return shown >= min(trail.asks_for, page.per_page or trail.asks_for)


def _go(trail: Trail, url: str) -> Onward:
    if len(trail.visited) >= MOST_PAGES:
        return Onward(replace(trail, url=url), "", TOO_LONG)
    trail = replace(trail, url=url, visited=trail.visited | {url}, doubted=False)
    return Onward(trail, url)


def _without_link(trail: Trail, page: Page) -> Onward:
    """Continue from the last instant, or by offset, if there is no link."""
    later = from_instant(trail.start, last_updated(page.entries))
    if later and later not in trail.visited:
        return _go(replace(trail, start=later, received=0, seen=frozenset()), later)
    if not page.is_history:
        following = offset_url(trail.start, trail.received)
        if following not in trail.visited:
            return _go(trail, following)
    return Onward(trail, "", CIRCLE)


def row_versions(page: Page) -> frozenset[str]:
    """The rows of a page, each as type, id and version; a row that is listed twice counts once."""
    shown = set(page.deleted)
    for entry in page.entries:
        version = get(entry, "meta.versionId") if page.is_history else ""
        shown.add(f"{entry.get('resourceType')}/{entry.get('id')}/{version}")
    return frozenset(shown)
