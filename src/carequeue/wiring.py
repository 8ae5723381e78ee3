"""Builds the parts of the program and hands each to the next; nothing is decided here.

A `Session` is a profile, its open cache and its desk. To open it is the way to the first frame: the
key, one connection, one statement. The parts that need SQLModel and httpx load them after it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from carequeue.domain.errors import CacheError, CareQueueError
from carequeue.store.encryption_keys import read_or_make_key
from carequeue.store.engine import connect
from carequeue.store.migrations import migrate
from carequeue.store.private_files import private_file, private_folder
from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile, load, profile_paths
from carequeue.store.queue_window import Window
from carequeue.worklist.desk import Desk, DeskOwner
from carequeue.worklist.health import FORCED_OFFLINE

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carequeue.store.projection import Projector
    from carequeue.sync.net.transport import Transport
    from carequeue.sync.sync_cycle import CycleResult, Syncer
    from carequeue.sync.workers import Background, SourceConnection
    from carequeue.worklist.offline_readiness import Readiness
    from carequeue.worklist.results import Finding, SyncReport

    Progress = Callable[[str], None]

_LOCK_PATIENCE: Final = 3.0
_SITE: Final = "site"  # in `meta`: the fingerprint of the profile by which the rows were built


def now() -> datetime:
    """The source of time of the program."""
    return datetime.now(UTC)


class Session(AbstractContextManager["Session"]):
    """One profile at work. `tokens` are for the practice clinic, whose token no file knows.

    `run`: the beginning of the id of this run of the program; its acts carry that id as window.
    """

    def __init__(
        self,
        profile: Profile,
        where: ProfilePaths,
        tokens: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = now,
        run: str = "",
    ) -> None:
        self.profile = profile
        self.zone: ZoneInfo = profile.zone
        self.paths = where
        self.now = now
        self._tokens = tokens or {}
        private_folder(where.folder, CacheError)
        self._key = read_or_make_key(where, may_create=not where.cache.exists())
        private_file(where.cache, CacheError)
        connection = connect(where.cache, self._key)
        try:
            migrate(connection)
        except CareQueueError:
            connection.close()
            raise
        self._window = Window(connection)
        self._building, self._rebuilding = Lock(), Lock()
        self._engine: Engine | None = None
        self._projector: Projector | None = None
        self._background: Background | None = None
        owner = DeskOwner(
            " · ".join(part for part in (profile.organization_name, profile.my_name) if part),
            profile.me,
            {source.name: source.shown for source in profile.sources},
            f"{run}{uuid4()}",
            profile.contact_notes,
        )
        self.desk = Desk(self._window, owner, self.engine, self.projector, now)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- parts, built when they are needed --------------------------------------------------------

    def engine(self) -> Engine:
        """The engine of the cache, for all that writes; loads the ORM."""
        with self._building:
            if self._engine is None:
                from carequeue.store.engine import orm

                self._engine = orm(self.paths.cache, self._key)
            return self._engine

    def projector(self) -> Projector:
        """The projection for this profile: who we are, when we are open, our rules."""
        with self._building:
            if self._projector is None:
                from carequeue.store.profile_to_site import site_of
                from carequeue.store.projection import Projector

                self._projector = Projector(site_of(self.profile))
            return self._projector

    def transport(self, source: SourceProfile) -> Transport:
        """The HTTP transport to one source."""
        from carequeue.sync.net.auth import Tokens
        from carequeue.sync.net.transport import Transport

        fixed = self._tokens.get(source.name, "")
        tokens = Tokens(source.token_env, source.token_command, fixed)
        return Transport(source.base_url, tokens, source.ca_bundle)

    def syncer(self, source: SourceProfile, transport: Transport | None = None) -> Syncer:
        """The syncer of one source, with the rows and the transport of that source alone."""
        from carequeue.store.source_repository import SqliteSourceCache
        from carequeue.sync.sync_cycle import Syncer

        transport = transport or self.transport(source)
        cache = SqliteSourceCache(source.name, self.engine(), self.projector(), transport.base_url)
        return Syncer(source.name, source.scope, cache, transport, self.now)

    def _connection(self, source: SourceProfile) -> SourceConnection:
        """The parts that the thread of a source works with; loads what is heavy."""
        from carequeue.sync.net.subscriptions import SubscriptionListener
        from carequeue.sync.workers import SourceConnection

        self.rebuild_if_profile_changed()
        transport = self.transport(source)
        syncer = self.syncer(source, transport)
        return SourceConnection(syncer, transport, SubscriptionListener(transport, source.scope))

    def rebuild_if_profile_changed(self) -> None:
        """Rebuild every row if who we are, our hours or our rules have changed."""
        from carequeue.store import sync_state
        from carequeue.store.engine import writing
        from carequeue.store.profile_to_site import fingerprint_of

        fingerprint = fingerprint_of(self.profile)
        with self._rebuilding:  # one thread does it, the others that sync wait for the rows
            with self.engine().connect() as connection:
                if sync_state.get_meta(connection, _SITE) == fingerprint:
                    return
            with writing(self.engine()) as connection:
                self.projector().rebuild(connection, self.now())
                sync_state.set_meta(connection, _SITE, fingerprint)

    def ask_again(self, source: str) -> None:
        """Ask a source in the next sync what it supports: that may have changed."""
        from carequeue.store.engine import writing
        from carequeue.store.source_repository import SqliteSourceRepository

        with writing(self.engine()) as connection:
            SqliteSourceRepository(connection, source).sync_state.ask_again()

    def background(self) -> Background:
        """The threads that keep the cache up to date, one a source."""
        if self._background is None:
            from carequeue.sync.workers import Background, SourceWorker

            self._background = background = Background(
                [
                    SourceWorker(
                        source.name,
                        self.paths.lock(source.name),
                        partial(self._connection, source),
                        partial(self._failed, source),
                        self._by_choice,
                    )
                    for source in self.profile.sources
                ]
            )
            self.desk.syncing = lambda: background.syncing
            self.desk.other_syncs = lambda: background.other_syncs
            self.desk.waits = lambda: background.waits
            self.desk.decided = background.send
            self.desk.chose_offline = background.offline
        return self._background

    def _failed(self, source: SourceProfile, why: str) -> None:
        """Record for the header why a source cannot be synced at all."""
        from carequeue.store.engine import writing
        from carequeue.store.source_repository import SqliteSourceRepository

        with writing(self.engine()) as connection:
            SqliteSourceRepository(connection, source.name).sync_state.record_cycle(
                online=False, full=False, why=why, now=self.now()
            )

    def _by_choice(self) -> bool:
        """Whether the person works offline by choice; nothing is sent then."""
        from carequeue.store import sync_state

        with self.engine().connect() as connection:
            return sync_state.get_meta(connection, FORCED_OFFLINE) == "1"

    # --- use cases that need more than the cache --------------------------------------------------

    def answer_removals(self, choice: str) -> tuple[str, ...]:
        """Record "accept" or "refuse" for the sources that a sync has asked about; their names."""
        from carequeue.store.cache_transaction import CacheTransaction
        from carequeue.store.engine import writing
        from carequeue.worklist.brake_answer import answer

        names = [source.name for source in self.profile.sources]
        with writing(self.engine()) as connection:
            cache = CacheTransaction(connection, self.projector())
            return answer(cache, names, choice, self.profile.me, self.now())

    def sync_once(self, progress: Progress = lambda _: None) -> SyncReport:
        """One sync of every source, in parallel; nothing if the person is offline by choice."""
        from carequeue.sync.parallel import in_parallel
        from carequeue.worklist.sync_summary import by_choice, sync_report

        if self._by_choice():
            return by_choice(self._window.outbox_counts())
        self.rebuild_if_profile_changed()
        stop = Event()
        cycles = [partial(self._cycle, source, progress, stop) for source in self.profile.sources]
        names = (source.shown for source in self.profile.sources)
        results = dict(zip(names, in_parallel(cycles, stop.set), strict=True))
        return sync_report(results, self._window.outbox_counts())

    def _cycle(self, source: SourceProfile, progress: Progress, stop: Event) -> CycleResult | None:
        """One sync cycle of one source; None if another process syncs it."""
        from carequeue.sync.workers import locked

        several = len(self.profile.sources) > 1

        def tell(text: str) -> None:
            progress(f"{source.shown}: {text}" if several and text else text)

        with self.transport(source) as transport:
            run = partial(self.syncer(source, transport).run_cycle, tell, stop.is_set)
            return locked(self.paths.lock(source.name), run, _LOCK_PATIENCE)

    def before_outreach(self, progress: Progress = lambda _: None) -> Readiness:
        """One sync of every source, and whether a person can go where there is no network."""
        from carequeue.worklist.offline_readiness import Known, readiness

        report = self.sync_once(progress)
        read = {source.name for source in report.sources if source.full}
        apart: dict[str, float] = {}
        for source in self.profile.sources:
            if source.shown in read:
                with self.transport(source) as transport:
                    if transport.ping() and transport.date:
                        apart[source.name] = (transport.server_time() - self.now()).total_seconds()
        now = self.now()
        known = Known(report, self.desk.health(now), self._window.outbox_counts(), apart)
        with self.desk.reading() as cache:
            return readiness(cache, self.paths, known, now, self.zone)

    def doctor(self) -> list[Finding]:
        """The findings about this profile's cache and sources."""
        from carequeue.worklist.doctor import examine

        with self.desk.reading() as cache:
            return examine(cache, self.now())

    def close(self) -> None:
        """End the sync threads, and close every connection."""
        if self._background is not None:
            self._background.stop()
        self._window.close()
        if self._engine is not None:
            self._engine.dispose()


def open_session(name: str, root: Path | None = None, run: str = "") -> Session:
    """The profile of a name, its cache and its desk; `run` as for `Session`.

    Raises ProfileError or CacheError.
    """
    return Session(load(name, root), profile_paths(name, root), run=run)


# --- the practice clinic --------------------------------------------------------------------------


@contextmanager
def practice(
    seed: int, clients: int, quirks: Sequence[str], pace: str = "off"
) -> Iterator[Session]:
    """A session of an invented clinician at the practice clinic; no file is left after it."""
    from carequeue.practice.clinic import PracticeClinic

    folder = Path(tempfile.mkdtemp(prefix="carequeue-demo-"))
    try:
        with (
            PracticeClinic(seed, clients, tuple(quirks), pace=pace) as clinic,
            practice_session(clinic.base, clinic.token, clinic.me, folder) as session,
        ):
            session.desk.is_persistent = False
            yield session
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def practice_session(
    base: str,
    token: str,
    me: Mapping[str, object],
    folder: Path,
    now: Callable[[], datetime] = now,
) -> Session:
    """A session of `me`, as the practice clinic names her, on a server; its files in `folder`."""
    teams = me.get("teams")
    profile = Profile(
        name="practice",
        me=str(me["practitioner"]),
        my_name=str(me["name"]),
        teams=tuple(str(team) for team in teams) if isinstance(teams, list | tuple) else (),
        organization=str(me["organization"]),
        organization_name=str(me["organization_name"]),
        time_zone=str(me["time_zone"]),
        sources=(SourceProfile("practice", base),),
    )
    return Session(profile, profile_paths("practice", folder), {"practice": token}, now)
