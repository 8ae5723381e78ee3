"""The cache of one source, as its sync uses it: its parts in a transaction, behind a lease.

The protocols are `sync.ports`; here they are kept in SQLite. What a transaction touched is
projected in the same transaction, so that the queue never shows a half.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine

from carequeue.store import lease
from carequeue.store.engine import writing
from carequeue.store.id_aliases import SourceIdAliases
from carequeue.store.manifest import SourceManifest
from carequeue.store.mirror import SourceMirror
from carequeue.store.outbox import SourceOutbox
from carequeue.store.projection import Projector, catch_up
from carequeue.store.removals import SourceRemovals
from carequeue.store.source_scope import ChartName, SourceScope
from carequeue.store.sync_state import SourceSyncState
from carequeue.store.views import SourceViews


class SqliteSourceRepository:
    """The parts of one source inside one transaction; `charts` are those that they touched."""

    def __init__(self, connection: Connection, source: str, base_url: str = "") -> None:
        scope = self.scope = SourceScope(connection, source, base_url)
        self.base_url = base_url
        self.charts: set[ChartName] = scope.charts
        self.outbox = SourceOutbox(scope)
        self.mirror = SourceMirror(scope)
        self.removals = SourceRemovals(scope)
        self.id_aliases = SourceIdAliases(scope)
        self.manifest = SourceManifest(scope)
        self.sync_state = SourceSyncState(scope)
        self.views = SourceViews(scope)


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
        """Begin a cycle."""
        holder = f"{socket.gethostname()}:{os.getpid()}"
        with writing(self._engine) as connection:
            self._token = lease.take(connection, self._source, holder, now)

    def check_lease(self) -> None:
        """Raises LeaseLost where another sync has begun since."""
        with self._engine.connect() as connection:
            lease.check(connection, self._source, self._token)

    @contextmanager
    def reading(self) -> Iterator[SqliteSourceRepository]:
        """The cache as it is at one instant."""
        with self._engine.connect() as connection:
            yield SqliteSourceRepository(connection, self._source, self._base_url)

    @contextmanager
    def writing(self, now: datetime) -> Iterator[SqliteSourceRepository]:
        """The cache, to change it; what was touched is projected before the commit."""
        with writing(self._engine) as connection:
            lease.check(connection, self._source, self._token)
            repository = SqliteSourceRepository(connection, self._source, self._base_url)
            yield repository
            self._projector.project(connection, repository.charts, now)

    def catch_up(self, now: datetime) -> None:
        """Make the rows anew that are due, some at a time: an act may come between."""
        catch_up(self._engine, self._projector, now)
