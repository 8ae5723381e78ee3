"""Manifests of what a source shows: which are due, and page by page to their end.

In:  the cache, the connection to the source, the searches. Out: the entries of each manifest, on
disk, so that an interruption loses none. A page of a manifest shows parts of resources: nothing of
it is ever saved as a resource.
Not here: what follows from a manifest (`policy.py`, `runner.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from carequeue.domain.errors import ServerError, SignInError
from carequeue.fhir.bundles import Page, read_page
from carequeue.fhir.chart import Resource
from carequeue.fhir.our_directory import own_reference
from carequeue.sync.manifest import policy as r
from carequeue.sync.protocol.failures import has_failed, is_away
from carequeue.sync.protocol.sending import HttpResponse
from carequeue.sync.pull import paging, search_plan
from carequeue.sync.pull.runner import Context, server_time
from carequeue.sync.pull.search_plan import Search

_NOT_ASKED_SO: Final = frozenset({400, 422, 501})  # statuses for a parameter that is not supported


class NotNow(Exception):
    """The source is busy, or the program is being closed: continued in the next cycle."""


class ManifestFetcher:
    """The manifests of one source. `left_out`: searches whose manifest failed, and why."""

    def __init__(self, context: Context, stop: Callable[[], bool]) -> None:
        self._cache = context.cache
        self._transport = context.transport
        self._now = context.now
        self._progress = context.progress
        self._stop = stop
        self.left_out: list[str] = []

    def due(self, searches: Sequence[Search], asked: bool) -> list[tuple[Search, r.ManifestReason]]:
        """The searches whose manifest is due now; `asked`: all that have been read."""
        now = self._now()
        with self._cache.reading() as rows:
            counts = {name: r.Manifest(**values) for name, values in rows.manifest.states().items()}
            cursors = rows.sync_state.cursors()
        due, begun = [], []
        for search in searches:
            cursor = cursors.get(search.name, {})
            read_at = "" if cursor.get("next_url") else str(cursor.get("full_at", ""))
            count = counts.get(search.name)
            if why := r.manifest_reason(search, read_at, count, now, asked):
                due.append((search, why))
            elif read_at and count is None and not search.known_only:
                begun.append(search)
        if begun:
            with self._cache.writing(now) as rows:
                for search in begun:
                    rows.manifest.save_page(search.name, r.first(search, now), {})
        return due

    def fetch(self, search: Search) -> bool:
        """Fetch the manifest of a search; whether its end was reached. Raises NotNow."""
        manifest = self._begun(search)
        if manifest.begun_at and not manifest.next_url:
            return True  # all of it was fetched before an interruption
        first = search_plan.manifest_url(search)
        trail = paging.begin(first, search_plan.MANIFEST_PAGE)
        if manifest.begun_at:
            trail = paging.resume(
                manifest.next_url, first, manifest.received, search_plan.MANIFEST_PAGE
            )
        while True:
            answer = self.get(trail.url, failing=True)
            if answer.status in _NOT_ASKED_SO and trail.url == first:
                trail = paging.begin(
                    search_plan.manifest_url(search, whole=True), search_plan.MANIFEST_PAGE
                )
                continue
            page = read_page(answer.json, answer.url) if answer.status == 200 else None
            if page is None or not page.is_bundle:
                return self._not_counted(search, manifest, str(answer.status))
            onward = paging.onward(trail, page)
            if onward.why:
                return self._not_counted(search, manifest, onward.why)
            manifest = self._on(manifest, answer, page)
            manifest = replace(manifest, next_url=onward.url, received=onward.trail.received)
            self._keep(search, manifest, page)
            if not onward.url:
                return True
            trail = onward.trail

    def _begun(self, search: Search) -> r.Manifest:
        """The manifest that an interruption left, or a new one."""
        now = self._now()
        with self._cache.reading() as rows:
            count = r.Manifest(**rows.manifest.states().get(search.name, {}))
        if r.goes_on(count, now):
            return count
        fresh = replace(count, begun_at="", next_url="", received=0)
        if count.begun_at:
            with self._cache.writing(now) as rows:
                rows.manifest.save_page(search.name, fresh, {})
        return fresh

    def _on(self, count: r.Manifest, answer: HttpResponse, page: Page) -> r.Manifest:
        if count.begun_at:
            return count
        now = self._now()
        server_at = server_time(answer, page, now) or now.isoformat()
        return replace(count, begun_at=now.isoformat(), server_at=server_at)

    def _keep(self, search: Search, count: r.Manifest, page: Page) -> None:
        words = f"Counting {search.name}: {count.received:,}" if count.next_url else ""
        with self._cache.writing(self._now()) as rows:
            rows.manifest.save_page(search.name, count, r.stamps(search.type, page))
            rows.sync_state.record_progress(words)
        self._progress(words)

    def _not_counted(self, search: Search, count: r.Manifest, why: str) -> bool:
        """Wait a day: a page that cannot be read says nothing about what is missing."""
        self.left_out.append(f"{search.name} ({why})")
        now = self._now()
        over = replace(count, counted_at=now.isoformat(), begun_at="", next_url="", received=0)
        with self._cache.writing(now) as rows:
            rows.manifest.save_page(search.name, over, {})
        return False

    # --- asking -----------------------------------------------------------------------------------

    def batched(self, ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Ids in batches; raises NotNow if the program is being closed."""
        for at in range(0, len(ids), search_plan.BY_ID):
            self._go_on()
            yield tuple(ids[at : at + search_plan.BY_ID])

    def by_ids(
        self, kind: str, ids: Sequence[str], params: Sequence[tuple[str, str]] = ()
    ) -> list[Resource]:
        """The resources with these ids that the source returns; none if it does not search by id.

        What did not fit on its page is asked for once more.
        """
        resources: dict[str, Resource] = {}
        left = tuple(ids)
        while left:
            answer = self.get(search_plan.by_id_url(kind, left, params))
            page = read_page(answer.json, answer.url) if answer.status == 200 else Page()
            given = {
                own_reference(resource).partition("/")[2]: resource for resource in page.entries
            }
            resources |= {key: given[key] for key in left if key in given}
            more = page.next_url or (page.total or 0) > len(page.entries)
            rest = tuple(key for key in left if key not in given)
            left = rest if more and len(rest) < len(left) else ()
        return list(resources.values())

    def get(self, url: str, *, failing: bool = False) -> HttpResponse:
        """A usable reply. Raises NotNow, SignInError and Unreachable.

        `failing`: a server error for this request is a usable reply too.
        """
        self._go_on()
        try:
            answer = self._transport.send("GET", url)
        except ServerError as error:
            raise NotNow(str(error)) from None
        if answer.status == 401:
            raise SignInError("The server asks you to sign in. Your work is saved here.")
        if is_away(answer.status) or (has_failed(answer.status) and not failing):
            raise NotNow(f"the server is busy ({answer.status})")
        return answer

    def _go_on(self) -> None:
        if self._stop():
            raise NotNow("the program was closed")
