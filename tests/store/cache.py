"""A real encrypted cache with chosen resources in it, and no server behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from carequeue.domain.intents import Intent
from carequeue.fhir import jsontext
from carequeue.fhir.base import Base, SavedPage
from carequeue.store.engine import writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile, profile_paths
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility, to_json
from carequeue.verbs.table import item_verbs
from carequeue.wiring import Session
from tests.fhir.clinic import CLINIC, DANA, DIRECTORY, NOW, PATIENT
from tests.store.template import begin_with

SOURCE: Final = "main"
#: Nothing listens there (the discard port), so that a test that should not send anything cannot.
NOWHERE: Final = "http://127.0.0.1:9/fhir"
PROFILE: Final = Profile(
    name="mine",
    me=DANA,
    my_name="Dana Whitfield",
    teams=("CareTeam/access",),
    organization=CLINIC,
    organization_name="Riverbend",
    time_zone="America/Chicago",
    closed_days=(),
    sources=(SourceProfile(SOURCE, NOWHERE),),
)
#: Types that our verbs write.
WRITTEN: Final = ("Task", "Communication", "Observation", "ServiceRequest", "Appointment")
ALL: Final = frozenset({"read", "search-type", "create", "update"})
WRITABLE: Final = Abilities(
    "a server",
    "4.0.1",
    {kind: TypeAbility(ALL, update_create=True) for kind in WRITTEN},
    batch=True,
    known=True,
)
READ_ONLY: Final = Abilities(
    "a server",
    "4.0.1",
    {kind: TypeAbility(ALL - {"create", "update"}) for kind in WRITTEN},
    known=True,
)


@dataclass
class Cache:
    """One person's cache. `instant` is the time as she sees it."""

    folder: Path
    profile: Profile = PROFILE
    instant: datetime = NOW
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start the program on the cache that is in the folder, or on one with nothing in it."""
        if not self.paths.cache.exists():
            begin_with(self.profile.name, self.folder, self._make_empty)
        self.session = Session(self.profile, self.paths, now=lambda: self.instant)

    def _make_empty(self, folder: Path) -> None:
        Session(self.profile, profile_paths(self.profile.name, folder)).close()

    def close(self) -> None:
        self.session.close()

    @property
    def paths(self) -> ProfilePaths:
        return profile_paths(self.profile.name, self.folder)

    @property
    def desk(self) -> Any:
        return self.session.desk

    def later(self, **span: float) -> None:
        self.instant += timedelta(**span)

    # --- what a pull does, without a server -------------------------------------------------------

    def pull(self, *resources: Any) -> SavedPage:
        """These came from the server, in one page."""
        projector = self.session.projector()
        with writing(self.session.engine()) as connection:
            source = SqliteSourceRepository(connection, SOURCE)
            saved = source.mirror.save(resources, self.instant)
            projector.project(connection, source.charts, self.instant)
        return saved

    def declare(self, can: Abilities) -> None:
        """The server says what it can take."""
        with writing(self.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.declare(
                "statement", to_json(can), self.instant
            )

    # --- looking ----------------------------------------------------------------------------------

    def rows(self, view: Tab = Tab.WHOLE) -> list[QueueRow]:
        return list(self.desk.window(view, "", 0, 10_000))

    def find(self, key: str) -> QueueRow | None:
        """The row of a key; None if the key is not in the queue."""
        return next((row for row in self.rows() if row.key == key), None)

    def row(self, key: str) -> QueueRow:
        row = self.find(key)
        assert row is not None, f"{key} is not in the queue"
        return row

    def intents(self, states: Iterable[str] = ()) -> list[Intent]:
        """The whole outbox, closed intents too, in order; or those in these states."""
        with self.session.engine().connect() as connection:
            groups = connection.exec_driver_sql("SELECT DISTINCT group_id FROM intent").all()
            found = [
                one for (group,) in groups for one in IntentQueries(connection).in_group(group)
            ]
        wanted = set(states)
        found.sort(key=lambda one: one.seq)
        return [one for one in found if not wanted or one.state in wanted]

    def base(self, reference: str) -> Base:
        kind, _, key = reference.partition("/")
        with self.session.engine().connect() as connection:
            return SqliteSourceRepository(connection, SOURCE).mirror.base(kind, key)

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a table, all columns, in one order."""
        with self.session.engine().connect() as connection:
            return sorted(
                map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}").all()), key=repr
            )


def clinic_of_dana(folder: Path, *resources: Any, can: Abilities = WRITABLE) -> Cache:
    """A cache with the directory, one client and these resources of hers."""

    def make(made: Path) -> None:
        cache = Cache(made)
        cache.declare(can)
        cache.pull(*DIRECTORY, PATIENT, *resources)
        cache.close()

    verbs = [verb.name for verb in item_verbs()]  # each row says which apply
    begin_with((to_json(can), jsontext.dumps([resources, verbs])), folder, make)
    return Cache(folder)
