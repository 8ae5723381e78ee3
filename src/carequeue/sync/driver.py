"""The loop: does what push and pull decide, and tells them what happened.

The only module of sync that touches the world: `transport` for the network, the store for the
disk, `now` and chance from outside. A push, a pull, and a push again for what was decided
meanwhile. Whoever runs this holds the sync lock (`wiring.py`); the outbox may grow while it runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sqlalchemy import Engine

from carequeue.domain.errors import CareQueueError, ServerError, SignInError
from carequeue.fhir.bundles import Page, outcome_words, read_page
from carequeue.store import ledger, mirror
from carequeue.store.engine import writing
from carequeue.store.projection import Projector
from carequeue.sync import messages as m
from carequeue.sync import pull, push
from carequeue.sync.capabilities import Abilities, from_json, read_statement, to_json
from carequeue.sync.exchange import exchange, read_back
from carequeue.sync.failures import words_of
from carequeue.sync.lanes import charts_in_doubt, load_lanes, mark_requests, save_changes
from carequeue.sync.plan import plan
from carequeue.sync.transport import Transport, Unreachable

_STATEMENT_AGE: Final = timedelta(hours=12)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=2)  # by which a laptop's clock may be behind
_WHAT: Final = {
    "Task": "tasks", "ServiceRequest": "requests", "CareTeam": "teams",
    "PractitionerRole": "roles", "Practitioner": "people", "Appointment": "appointments",
    "Encounter": "visits", "Communication": "contacts", "Flag": "flags", "triage": "triage",
    "ClaimResponse": "authorizations", "Coverage": "coverage", "Patient": "clients",
    "Organization": "organizations",
}  # fmt: skip


@dataclass(slots=True)
class Looked:
    """What one look at one source did."""

    sent: int = 0
    received: int = 0
    full: bool = False
    offline: bool = False
    sign_in: bool = False
    why: str = ""


class Syncer:
    """One source: its outbox to it, its changes from it."""

    def __init__(
        self,
        source: str,
        scope: Mapping[str, str],
        engine: Engine,
        projector: Projector,
        transport: Transport,
        now: Callable[[], datetime],
        seed: int = 0,
    ) -> None:
        self.source = source
        self._scope = scope
        self._engine = engine
        self._projector = projector
        self._transport = transport
        self._base_url = transport.base_url
        self._now = now
        self._seed = seed
        self._looked = Looked()
        self._aside: frozenset[m.LaneKey] = frozenset()  # for the rest of this look
        #: Cursors of searches that brought nothing, kept in one go: a look that finds nothing new
        #: is one write, not one a search. Lost with a crash, they only ask the same again.
        self._nothing_new: dict[str, pull.Cursor] = {}

    def look(
        self,
        progress: Callable[[str], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Looked:
        """Push, pull, push what was decided meanwhile. Never raises for the network's faults."""
        self._looked = looked = Looked()
        self._aside = frozenset()
        try:
            can = self.abilities()
            self._part(self._push, can, stop)
            if not (looked.offline or looked.sign_in or stop()):
                self._part(self._pull, can, progress, stop)
            if not (looked.offline or looked.sign_in or stop()):
                self._part(self._push, self.abilities(), stop)
        except Unreachable as error:
            looked.offline, looked.why = True, error.why
        except SignInError as error:
            looked.sign_in, looked.why = True, str(error)
        except ServerError as error:
            looked.why = str(error)
        self._note_health()
        return looked

    def _part(self, work: Callable[..., None], *given: Any) -> None:
        """One part of a look. A fault of our own in it is named and does not stop the others."""
        try:
            work(*given)
        except (Unreachable, CareQueueError):
            raise
        except Exception as fault:  # noqa: BLE001 - an answer that nobody foresaw is not the end
            self._looked.full = False
            self._looked.why = words_of(fault)

    def push_only(self, stop: Callable[[], bool] = lambda: False) -> Looked:
        """Only the outbox: what was just decided leaves without waiting for a whole look."""
        self._looked = looked = Looked()
        self._aside = frozenset()
        try:
            self._part(self._push, self.abilities(), stop)
        except Unreachable as error:
            looked.offline, looked.why = True, error.why
        except (SignInError, ServerError) as error:
            looked.sign_in = isinstance(error, SignInError)
            looked.why = str(error)
        if looked.offline or looked.sign_in:
            self._note_health()
        return looked

    def close(self) -> None:
        """Close the connections to the source."""
        self._transport.close()

    # --- capabilities -----------------------------------------------------------------------------

    def abilities(self) -> Abilities:
        """What the source can take; its statement is read twice a day."""
        now = self._now()
        with self._engine.connect() as connection:
            kept, at = ledger.capability(connection, self.source, "statement")
            observed = ledger.observed(connection, self.source)
        if kept and at and now - datetime.fromisoformat(at) < _STATEMENT_AGE:
            return from_json(kept, observed)
        answer = self._transport.send("GET", "metadata")
        if answer.status in (401, 403):
            raise SignInError("The server asks who you are. What you did is kept here.")
        if answer.status >= 500 or answer.status in (408, 429):
            raise Unreachable(f"it is busy ({answer.status})", left=False)
        can = read_statement(answer.json, {})  # what was seen of it may have been mended since
        with writing(self._engine) as connection:
            ledger.declare(connection, self.source, "statement", to_json(can), now)
        return can

    # --- push -------------------------------------------------------------------------------------

    def _push(self, can: Abilities, stop: Callable[[], bool]) -> None:
        with self._engine.connect() as connection:
            lanes = load_lanes(connection, self.source)
            aliases = mirror.aliases(connection, self.source)
        state = push.PushState(can, self._seed, aliases=aliases, aside=self._aside)
        events: deque[m.Event] = deque([m.Loaded(lanes, self._now())])
        while events and not stop():
            state, commands = push.step(state, events.popleft())
            for command in commands:
                events.extend(self._do(command, state))
        self._aside = state.aside
        self._show_doubt()

    def _show_doubt(self) -> None:
        """What has left and was not answered is shown as being checked, not as waiting."""
        with self._engine.connect() as connection:
            charts = charts_in_doubt(connection, self.source)
        if charts:
            with writing(self._engine) as connection:
                self._projector.project(connection, charts, self._now())

    def _do(self, command: m.Command, state: push.PushState) -> Sequence[m.Event]:
        match command:
            case m.Mark():
                with writing(self._engine) as connection:
                    return mark_requests(connection, self.source, command.requests, self._now())
            case m.Exchange():
                refused: list[bool] = []
                replies = exchange(self._transport, command, refused.append)
                if any(refused):
                    self._no_batch()
                return [m.Answered(replies, self._now(), batch=not refused)]
            case m.ReadBack():
                return [m.WasRead(read_back(self._transport, command.requests), self._now())]
            case m.Save():
                return [self._save(command)]
            case m.Stop():
                self._looked.offline |= command.offline
                self._looked.sign_in |= command.sign_in
                self._looked.why = command.why
                return []

    def _save(self, command: m.Save) -> m.Saved:
        now = self._now()
        with writing(self._engine) as connection:
            done = save_changes(connection, self.source, command.changes, now, self._base_url)
            self._projector.project(connection, done.charts, now)
        self._looked.sent += done.acknowledged
        return done.event

    def _no_batch(self) -> None:
        with writing(self._engine) as connection:
            ledger.observe(connection, self.source, "batch", "no", self._now())

    # --- pull -------------------------------------------------------------------------------------

    def _pull(
        self, can: Abilities, progress: Callable[[str], None], stop: Callable[[], bool]
    ) -> None:
        with self._engine.connect() as connection:
            cursors = ledger.cursors(connection, self.source)
            wanted = ledger.wanted(connection, self.source)
        state = pull.PullState(can, plan(can, self._scope))
        found = {name: pull.Cursor(**values) for name, values in cursors.items()}
        events: deque[pull.Event] = deque([pull.Begun(found, self._now(), wanted)])
        while events and not stop():
            state, commands = pull.step(state, events.popleft())
            for command in commands:
                match command:
                    case pull.Fetch():
                        events.append(self._fetch(command))
                    case pull.Keep():
                        events.append(self._keep(command, progress))
                    case pull.Ended():
                        self._ended(command)
        self._catch_up()

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
        return pull.PageCame(answer.status, page, _server_time(answer, page, now), words, now)

    def _keep(self, command: pull.Keep, progress: Callable[[str], None]) -> pull.Event:
        now = self._now()
        search, cursor = command.search, command.cursor
        entries = command.page.entries
        if search and cursor and not (entries or command.asked or cursor.next_url):
            self._nothing_new[search.name] = cursor
            return pull.PageKept((), now)
        with writing(self._engine) as connection:
            if search and search.known_only:
                entries = mirror.only_known(connection, self.source, entries)
            saved = mirror.save(connection, self.source, entries, now, self._base_url)
            given = {f"{one.get('resourceType')}/{one.get('id')}" for one in entries}
            absent = [name for name in command.asked if name not in given]
            mirror.note_absent(connection, self.source, absent, "not given", now)
            ledger.want(connection, self.source, saved.missing, command.asked)
            if search and cursor:
                ledger.keep_cursor(connection, self.source, search.name, cursor)
            if saved.directory_changed:
                mirror.mark_due(connection, self.source)
            self._projector.project(connection, saved.charts, now)
            if search and cursor:
                words = _progress(search.name, cursor, command.page)
                ledger.note_progress(connection, self.source, words)
                progress(words)
        self._looked.received += saved.changed
        if cursor and not cursor.next_url:
            self._catch_up()
        return pull.PageKept(tuple(sorted(saved.missing)), now)

    def _catch_up(self) -> None:
        """Make the rows anew that are due, some at a time: an act may come between."""
        with self._engine.connect() as connection:
            due = self._projector.has_moved(connection, self._now())
        while due:
            with writing(self._engine) as connection:
                due = self._projector.move_time(connection, self._now())

    def _ended(self, command: pull.Ended) -> None:
        looked = self._looked
        looked.full = command.full
        looked.offline |= command.offline
        looked.sign_in |= command.sign_in
        if command.why:
            looked.why = command.why

    def _note_health(self) -> None:
        looked = self._looked
        broken_off = not (looked.full or looked.offline or looked.sign_in or looked.why)
        with writing(self._engine) as connection:
            for name, cursor in self._nothing_new.items():
                ledger.keep_cursor(connection, self.source, name, cursor)
            self._nothing_new.clear()
            if broken_off:  # the program was left: what the look before found still stands
                ledger.note_progress(connection, self.source, "")
                return
            ledger.note_look(
                connection,
                self.source,
                online=not looked.offline,
                signed_out=looked.sign_in,
                full=looked.full,
                why=looked.why,
                now=self._now(),
            )


def _server_time(answer: Any, page: Page | None, now: datetime) -> str:
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
    what = _WHAT.get(name, name)
    if not cursor.next_url:
        return ""
    of = f" of {page.total:,}" if page.total else ""
    return f"Fetching {what}: {cursor.received:,}{of}"
