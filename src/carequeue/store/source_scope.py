"""The common ground of the parts of one source's cache: transaction, source, touched charts.

In:  a connection inside a transaction, the name of a source, its base URL. Out: a `SourceScope`,
and `SourcePart`, the base class of the parts (`outbox.py`, `mirror.py`, ...).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from carequeue.store.engine import Raw, quick

#: Source and chart: one client on one server, the unit in which rows of the queue are projected.
ChartName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SourceScope:
    """One source inside one transaction.

    `base_url`: absolute references below it are the source's own. `charts`: those whose rows of
    the queue have to be projected before the commit; the parts add to it.
    """

    connection: Connection
    source: str
    base_url: str = ""
    charts: set[ChartName] = field(default_factory=set)

    @property
    def raw(self) -> Raw:
        """The driver's own connection, in the same transaction: for small reads."""
        return quick(self.connection)

    def touch(self, charts: Iterable[str]) -> None:
        """Project the rows of these charts before the commit."""
        self.charts.update((self.source, chart) for chart in charts)


class SourcePart:
    """A part of one source's cache; all that it reads and writes belongs to that source."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope
