"""One transaction over the whole cache, for a use case: every source, and the rows of the queue.

In:  a connection, the projector of the site. Out: the repositories of the sources, queries over all
of them, and `project` for the charts that were touched.
Not here: when a transaction begins and ends (`engine.writing`, `worklist/desk.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from carequeue.domain.items import Us
from carequeue.store.audit import AuditLog
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.projection import Projector, Site
from carequeue.store.queue_items import QueueItems
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.store.source_scope import ChartName
from carequeue.store.views import ChartBases

_NOTHING_READ: Final[Mapping[ChartName, ChartBases]] = {}


class CacheTransaction:
    """The cache of one person inside one transaction, at one instant of it."""

    def __init__(self, connection: Connection, projector: Projector) -> None:
        self.connection = connection
        self.projector = projector
        self.intents = IntentQueries(connection)
        self.queue = QueueItems(connection)
        self._sources: dict[str, SqliteSourceRepository] = {}

    @property
    def site(self) -> Site:
        """Who we are, when we are open, and by which rules."""
        return self.projector.site

    def source(self, name: str) -> SqliteSourceRepository:
        """The parts of one source; `project` projects the charts that they touch."""
        if name not in self._sources:
            base_url = self.site.base_urls.get(name, "")
            self._sources[name] = SqliteSourceRepository(self.connection, name, base_url)
        return self._sources[name]

    def us(self, source: str, now: datetime | None = None) -> Us:
        """Who we are on a source; with `now` also the colleagues whom I cover then."""
        return self.projector.us(self.connection, source, now)

    def audit(self, now: datetime) -> AuditLog:
        """The log of acts, to add to."""
        return AuditLog(self.connection, now)

    def project(self, now: datetime, bases: Mapping[ChartName, ChartBases] = _NOTHING_READ) -> None:
        """Project the rows of the charts that were touched.

        `bases`: charts that were read in this transaction, and of which no base has moved since.
        """
        charts = {chart for source in self._sources.values() for chart in source.charts}
        self.projector.project(self.connection, charts, now, bases)
