"""Runs a pull: does what `machine.step` decides, and tells it what happened.

In:  the cache and the connection to the source. Out: a `Pulled`. A page, its cursor and the queue
rows that it changes are saved in one transaction.
Not here: what is decided (`machine.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from carequeue.domain.errors import ServerError
from carequeue.domain.timestamps import CLOCK_ERROR, http_date, instant
from carequeue.fhir.bundles import Page, outcome_words, read_page
from carequeue.sync.client_check import keys_of, part_from_clients
from carequeue.sync.ports import Absence, SourceCache, SourceRepository
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.protocol.sending import Sends, Unreachable
from carequeue.sync.pull import machine
from carequeue.sync.pull import state as p
from carequeue.sync.pull.search_plan import Search
from carequeue.sync.restore.brake import recent_removals, store_recent_removals

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
#: Why a reference has no resource.
ABSENT: Final = "not given"


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a part of a sync cycle: the cache, the connection, the time."""

    cache: SourceCache
    transport: Sends
    now: Callable[[], datetime]
    progress: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class Pulled:
    """The result of one pull.

    `nothing_new`: cursors of searches without changes, saved at once at the end: a cycle without
    changes is one write, not one for each search. If a crash loses them, the same is asked again.
    """

    received: int = 0
    left: int = 0  # rows that a history reported as deleted
    ended: p.Ended | None = None
    manifest_due: bool = False  # more deletions than may go unasked: fetch the manifest and ask
    nothing_new: dict[str, p.Cursor] = field(default_factory=dict)


class Pulling:
    """One pull of one source."""

    def __init__(self, context: Context) -> None:
        self._cache = context.cache
        self._transport = context.transport
        self._now = context.now
        self._progress = context.progress
        self._halfway: set[str] = set()  # searches whose stored cursor is not at its end
        self.done = Pulled()

    def run(self, can: Abilities, searches: Sequence[Search], stop: Callable[[], bool]) -> None:
        """Fetch all that is new, until `stop`; `done` holds the result.

        Without searches: only records that are referred to and still to be fetched.
        """
        with self._cache.reading() as rows:
            cursors = rows.sync_state.cursors()
            wanted = rows.sync_state.references_to_fetch()
        self._halfway = {name for name, values in cursors.items() if values["next_url"]}
        state = p.PullState(can, tuple(searches))
        cursors_read = {name: p.Cursor(**values) for name, values in cursors.items()}
        events: deque[p.Event] = deque([p.Begun(cursors_read, self._now(), wanted)])
        while events and not stop():
            state, commands = machine.step(state, events.popleft())
            for command in commands:
                match command:
                    case p.Fetch():
                        events.append(self._fetch(command))
                    case p.Keep():
                        events.append(self._keep(command))
                    case p.Ended():
                        self.done.ended = command
        self._cache.catch_up(self._now())

    def _fetch(self, command: p.Fetch) -> p.Event:
        try:
            headers = {"If-None-Match": command.etag} if command.etag else {}
            answer = self._transport.send("GET", command.url, headers=headers)
        except Unreachable as error:
            if error.unreadable:  # a reply came that could not be parsed
                return p.PageCame(0, None, "", error.why, self._now())
            return p.Lost(error.why)
        except ServerError as error:
            return p.PageCame(0, None, "", str(error), self._now())
        page = None
        words = outcome_words(answer.json)
        if answer.status == 200 and isinstance(answer.json, dict):
            page = read_page(answer.json, answer.url)
        elif answer.status == 200:
            words = "the answer was no Bundle"
        now = self._now()
        at, etag = server_time(answer, page, now), answer.headers.get("etag", "")
        return p.PageCame(answer.status, page, at, words, now, etag)

    def _keep(self, command: p.Keep) -> p.Event:
        now = self._now()
        search, cursor, page = command.search, command.cursor, command.page
        nothing = not (page.entries or page.deleted or command.asked or command.refused)
        ended = search and cursor and not cursor.next_url and search.name not in self._halfway
        if search and cursor and nothing and ended:
            self.done.nothing_new[search.name] = cursor
            return p.PageKept((), now)
        with self._cache.writing(now) as rows:
            saved = rows.mirror.save(
                page.entries, now, known_only=bool(search and search.known_only)
            )
            part_from_clients(rows, keys_of(page.entries), now)
            given = {f"{entry.get('resourceType')}/{entry.get('id')}" for entry in page.entries}
            missing = saved.missing - set(command.asked)  # asked for already
            rows.removals.record_absent(
                [name for name in command.asked if name not in given], ABSENT, now
            )
            rows.sync_state.enqueue_fetch(missing, command.asked)
            self._take_out(rows, page)
            for name in command.refused:
                rows.sync_state.observe(name, "no", now)
            if search and cursor:
                rows.sync_state.save_cursor(search.name, cursor)
                (self._halfway.add if cursor.next_url else self._halfway.discard)(search.name)
                words = _progress(search, cursor, page)
                rows.sync_state.record_progress(words)
                self._progress(words)
        self.done.received += saved.changed
        if cursor and not cursor.next_url:
            self._cache.catch_up(self._now())
        return p.PageKept(tuple(sorted(missing)), now)

    def _take_out(self, rows: SourceRepository, page: Page) -> None:
        """Remove what a history reports as deleted; if it is very much, the manifest is checked
        first.
        """
        if not page.deleted:
            return
        now = self._now()
        lately = recent_removals(rows.sync_state, now)
        kind = next(iter(page.deleted)).partition("/")[0]
        count = len(page.deleted)
        if lately.too_many(count, rows.mirror.count()) or (
            lately.too_many(count, 0, kind)
            and lately.too_many(count, len(rows.mirror.versions(kind)), kind)
        ):
            self.done.manifest_due = True
            return
        left = rows.removals.remove(page.deleted, Absence.DELETED)
        if left:
            store_recent_removals(rows.sync_state, lately.taking(kind, left, now))
        self.done.left += left


def server_time(answer: Any, page: Page | None, now: datetime) -> str:
    """The server's own instant: the Bundle's, otherwise the Date header; never the laptop's.

    An impossible one (the year 1, or next week) counts as none: as a watermark it would fail, or
    hide every change until then. If the two differ the earlier counts: a Bundle stamped in local
    time as if it were UTC would hide the changes of those hours.
    """
    texts = (page.updated if page else "", answer.headers.get("date", ""))
    read = (instant(text) or http_date(text) for text in texts)
    instants = [at for at in read if at is not None and _LONG_AGO < at < now + CLOCK_ERROR]
    return min(instants).isoformat() if instants else ""


def _progress(search: Search, cursor: p.Cursor, page: Page) -> str:
    if not cursor.next_url:
        return ""
    of = f" of {page.total:,}" if page.total else ""
    return f"Fetching {search.words or search.name}: {cursor.received:,}{of}"
