"""The cache of one source, as its sync uses it: its parts in a transaction, behind a lease.

In:  an engine, a source. Out: the protocols of `sync.ports`, implemented in SQLite. The charts that
a transaction touched are projected in the same transaction, so that the queue never shows half of a
change.
Why a lease beside the lock of the operating system: a process may have been suspended for an hour,
and a lock on a shared folder may not lock. Every sync takes a token, one higher than the last, and
checks in each commit, and before it sends anything, that its token is still the latest (a fencing
token). What a late process found is discarded; the holder of the lease finds it again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.errors import LeaseLost
from carequeue.store.covers import SourceCovers
from carequeue.store.engine import quick, writing
from carequeue.store.manifest import SourceManifest
from carequeue.store.mirror import SourceMirror
from carequeue.store.outbox import SourceOutbox
from carequeue.store.projection import Projector, catch_up
from carequeue.store.removals import SourceRemovals
from carequeue.store.source_scope import ChartName, SourceScope
from carequeue.store.sync_state import SourceSyncState
from carequeue.store.tables import LeaseRow, table
from carequeue.store.views import SourceViews

_lease: Final = table(LeaseRow)


class SqliteSourceRepository:
    """The parts of one source inside one transaction; `charts` are those that they touched."""

    def __init__(self, connection: Connection, source: str, base_url: str = "") -> None:
        scope = self.scope = SourceScope(connection, source, base_url)
        self.base_url = base_url
        self.charts: set[ChartName] = scope.charts
        self.outbox = SourceOutbox(scope)
        self.mirror = SourceMirror(scope)
        self.removals = SourceRemovals(scope)
        self.manifest = SourceManifest(scope)
        self.sync_state = SourceSyncState(scope)
        self.views = SourceViews(scope)
        self.covers = SourceCovers(scope)


class SqliteSourceCache:
    """The cache of one source behind a lease of its own; see `sync.ports.SourceCache`."""

    def __init__(
        self, source: str, engine: Engine, projector: Projector, base_url: str = ""
    ) -> None:
        self._source = source
        self._engine = engine
        self._projector = projector
        self._base_url = base_url
        self._token = 0

    def take_lease(self, now: datetime) -> None:
        """Begin a cycle: every earlier token is void from here on."""
        holder = f"{socket.gethostname()}:{os.getpid()}"
        values = {"holder": holder, "taken_at": now.isoformat()}
        statement = insert(_lease).values(source=self._source, token=1, **values)
        statement = statement.on_conflict_do_update(
            index_elements=["source"], set_={"token": _lease.c.token + 1, **values}
        )
        with writing(self._engine) as connection:
            self._token = connection.execute(statement.returning(_lease.c.token)).scalar_one()

    def check_lease(self) -> None:
        """Raises LeaseLost if another sync has begun since."""
        with self._engine.connect() as connection:
            self._check_token(connection)

    def _check_token(self, connection: Connection) -> None:
        rows = quick(connection).execute(
            "SELECT token FROM lease WHERE source = ?", (self._source,)
        )
        if (rows.fetchone() or (0,))[0] != self._token:
            raise LeaseLost

    @contextmanager
    def reading(self) -> Iterator[SqliteSourceRepository]:
        """The cache as it is at one instant."""
        with self._engine.connect() as connection:
            yield SqliteSourceRepository(connection, self._source, self._base_url)

    @contextmanager
    def writing(self, now: datetime) -> Iterator[SqliteSourceRepository]:
        """The cache, to change it; the touched charts are projected before the commit."""
        with writing(self._engine) as connection:
            self._check_token(connection)
            repository = SqliteSourceRepository(connection, self._source, self._base_url)
            yield repository
            self._projector.project(connection, repository.charts, now)

    def catch_up(self, now: datetime) -> None:
        """Project the rows that are due, some at a time; an act may come between."""
        catch_up(self._engine, self._projector, now)
