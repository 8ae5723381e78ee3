"""The cache on a real disk: an encrypted file, as the program has it (`store.source_repository`).

One file a process, emptied between two runs; `synchronous=OFF`, since a run dies by exceptions and
not by power. The projector is the real one, or none for runs where only sync is looked at.
Not here: SIGKILL and a full disk (`tests/crash`).
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, event

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.intents import Intent
from carequeue.domain.items import Us
from carequeue.domain.rules import site_rules
from carequeue.fhir import jsontext
from carequeue.store.engine import connect, orm, quick, writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.migrations import migrate
from carequeue.store.projection import Projector, Site
from carequeue.store.source_repository import SqliteSourceCache, SqliteSourceRepository
from tests.simulation.tables import Kept

SOURCE: Final = "main"
#: Without those in which FTS5 keeps its index: a delete from the virtual table empties them.
_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
    "AND name NOT LIKE 'client_trigram_%'"
)


class _NoRows(Projector):
    """No rows of the queue."""

    def project(
        self, connection: Connection, charts: Any, now: datetime, bases: Any = None
    ) -> bool:
        """Nothing is made."""
        return False

    def has_moved(self, connection: Connection, now: datetime) -> bool:
        return False


@cache
def _engine() -> Engine:
    folder = Path(tempfile.mkdtemp(prefix="carequeue-simulation-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, key = folder / "cache.db", bytes(32)
    connection = connect(path, key)
    migrate(connection)
    connection.close()
    engine = orm(path, key)

    @event.listens_for(engine, "connect")
    def fast(raw: Any, _: Any) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    return engine


@cache
def _site(base_url: str) -> Site:
    us = Us("Practitioner/dana", "Dana", frozenset(), "Organization/riverbend")
    zone = ZoneInfo("America/Chicago")
    return Site({SOURCE: us}, {SOURCE: base_url}, zone, SiteCalendar(zone), site_rules({}))


class RealDisk:
    """The cache itself."""

    name: Final = "real"

    def __init__(self, base_url: str, *, projected: bool = False) -> None:
        self.base_url = base_url
        self.engine = _engine()
        self.projector = (Projector if projected else _NoRows)(_site(base_url))
        with writing(self.engine) as connection:
            raw = quick(connection)
            for (table,) in raw.execute(_TABLES).fetchall():
                raw.execute(f"DELETE FROM {table}")
            raw.execute("DELETE FROM sqlite_sequence")

    def cache(self) -> SqliteSourceCache:
        """For one more process."""
        return SqliteSourceCache(SOURCE, self.engine, self.projector, self.base_url)

    @contextmanager
    def acting(self, now: datetime) -> Iterator[SqliteSourceRepository]:
        """One transaction, of whoever: all of it or nothing."""
        with writing(self.engine) as connection:
            rows = SqliteSourceRepository(connection, SOURCE, self.base_url)
            yield rows
            self.projector.project(connection, rows.charts, now)

    def everything(self) -> list[Intent]:
        """The outbox, what is closed too, in order."""
        with self.engine.connect() as connection:
            ids = [key for (key,) in quick(connection).execute("SELECT id FROM intent")]
            return IntentQueries(connection).by_ids(ids)

    def mirrored(self) -> dict[tuple[str, str], Kept]:
        """What the mirror holds."""
        with self.engine.connect() as connection:
            rows = quick(connection).execute(
                "SELECT type, id, body, version_id, last_updated, theirs_body, theirs_version, gone"
                " FROM resource"
            )
            return {
                (kind, key): Kept(
                    jsontext.loads(body) if body else None,
                    version,
                    b"",
                    updated,
                    jsontext.loads(theirs) if theirs else None,
                    theirs_version or "",
                    gone=gone,
                )
                for kind, key, body, version, updated, theirs, theirs_version, gone in rows
            }

    def close(self) -> None:
        """The file stays for the next run."""
