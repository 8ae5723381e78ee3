"""The source to the mirror: does what `pull.step` decides, and tells it what happened.

In:  the cache and the way to the source. Out: what became of it. A page, its cursor and what it
touched in the queue are kept in one transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from carequeue.domain.errors import ServerError
from carequeue.fhir.bundles import Page, outcome_words, read_page
from carequeue.sync import pull
from carequeue.sync.capabilities import Abilities
from carequeue.sync.plan import plan
from carequeue.sync.rows import Cache
from carequeue.sync.transport import Transport, Unreachable

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=2)  # by which a laptop's clock may be behind
WHAT: Final = {
    "Task": "tasks", "ServiceRequest": "requests", "CareTeam": "teams",
    "PractitionerRole": "roles", "Practitioner": "people", "Appointment": "appointments",
    "Encounter": "visits", "Communication": "contacts", "Flag": "flags", "triage": "triage",
    "ClaimResponse": "authorizations", "Coverage": "coverage", "Patient": "clients",
    "Organization": "organizations",
}  # fmt: skip


@dataclass(slots=True)
class Pulled:
    """What one pull did.

    `nothing_new`: cursors of searches that brought nothing, to be kept in one go: a look that finds
    nothing new is one write, not one a search. Lost with a crash, they only ask the same again.
    """

    received: int = 0
    ended: pull.Ended | None = None
    nothing_new: dict[str, pull.Cursor] = field(default_factory=dict)


class Pulling:
    """One pull of one source."""

    def __init__(
        self,
        cache: Cache,
        transport: Transport,
        now: Callable[[], datetime],
        progress: Callable[[str], None],
    ) -> None:
        self._cache = cache
        self._transport = transport
        self._now = now
        self._progress = progress
        self.done = Pulled()

    def run(self, can: Abilities, scope: Mapping[str, str], stop: Callable[[], bool]) -> None:
        """Fetch all that is new, until nothing is or `stop` says so; `done` says what became."""
        with self._cache.reading() as rows:
            cursors = rows.cursors()
            wanted = rows.wanted()
        state = pull.PullState(can, plan(can, scope))
        found = {name: pull.Cursor(**values) for name, values in cursors.items()}
        events: deque[pull.Event] = deque([pull.Begun(found, self._now(), wanted)])
        while events and not stop():
            state, commands = pull.step(state, events.popleft())
            for command in commands:
                match command:
                    case pull.Fetch():
                        events.append(self._fetch(command))
                    case pull.Keep():
                        events.append(self._keep(command))
                    case pull.Ended():
                        self.done.ended = command
        self._cache.catch_up(self._now())

    def _fetch(self, command: pull.Fetch) -> pull.Event:
        try:
            answer = self._transport.send("GET", command.url)
        except Unreachable as error:
            return pull.Lost(error.why)
        except ServerError as error:
            return pull.PageCame(0, None, "", str(error), self._now())
        page = None
        words = outcome_words(answer.json)
        if answer.status == 200 and isinstance(answer.json, dict):
            page = read_page(answer.json)
        elif answer.status == 200:
            words = "the answer was no Bundle"
        now = self._now()
        return pull.PageCame(answer.status, page, server_time(answer, page, now), words, now)

    def _keep(self, command: pull.Keep) -> pull.Event:
        now = self._now()
        search, cursor = command.search, command.cursor
        entries = command.page.entries
        if search and cursor and not (entries or command.asked or cursor.next_url):
            self.done.nothing_new[search.name] = cursor
            return pull.PageKept((), now)
        with self._cache.writing(now) as rows:
            saved = rows.save(entries, now, known_only=bool(search and search.known_only))
            given = {f"{one.get('resourceType')}/{one.get('id')}" for one in entries}
            absent = [name for name in command.asked if name not in given]
            rows.note_absent(absent, "not given", now)
            rows.want(saved.missing, command.asked)
            if search and cursor:
                rows.keep_cursor(search.name, cursor)
                words = _progress(search.name, cursor, command.page)
                rows.note_progress(words)
                self._progress(words)
        self.done.received += saved.changed
        if cursor and not cursor.next_url:
            self._cache.catch_up(self._now())
        return pull.PageKept(tuple(sorted(saved.missing)), now)


def server_time(answer: Any, page: Page | None, now: datetime) -> str:
    """The server's own instant: the Bundle's, else the Date header; never the laptop's.

    One that cannot be (of the year 1, or of next week) is none: as a watermark it would end the
    search in a fault, or hide every change until then.
    """
    for text in (page.updated if page else "", answer.headers.get("date", "")):
        for read in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                at = read(text)
            except (TypeError, ValueError):
                continue
            if at.tzinfo is not None and _LONG_AGO < at < now + _AHEAD:
                return at.isoformat()
    return ""


def _progress(name: str, cursor: pull.Cursor, page: Page) -> str:
    what = WHAT.get(name, name)
    if not cursor.next_url:
        return ""
    of = f" of {page.total:,}" if page.total else ""
    return f"Fetching {what}: {cursor.received:,}{of}"
