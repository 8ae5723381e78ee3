"""What every part of one source's cache stands on: the transaction, the source, what it touched.

In:  a connection inside a transaction, the name of a source, its address. Out: a value that the
parts share (`outbox.py`, `mirror.py`, ...), so that none of them is handed three arguments a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from carequeue.domain.intents import Intent
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
        """Rows of these charts are to be projected."""
        self.charts.update((self.source, chart) for chart in charts)

    def touch_intents(self, intents: Iterable[Intent]) -> None:
        """Rows that show these decisions are to be projected."""
        self.charts.update((intent.source, intent.chart) for intent in intents)
