"""After a person's answer has moved a base: which decisions are about another client by now.

In:  resources whose base moved in this transaction. Out: the charts to project; the decisions are
conflicts (`sync/client_check.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from carequeue.store.projection import Projector
from carequeue.store.source_repository import SourceRows
from carequeue.sync.client_check import part_from_clients

Target = tuple[str, str, str]  # source, type, id


def recheck_clients(
    connection: Connection, projector: Projector, moved: Iterable[Target], now: datetime
) -> set[tuple[str, str]]:
    """Ask about each waiting decision whose resource names another client since its base moved."""
    by_source: dict[str, set[tuple[str, str]]] = {}
    for source, kind, key in moved:
        by_source.setdefault(source, set()).add((kind, key))
    charts: set[tuple[str, str]] = set()
    for source, keys in by_source.items():
        rows = SourceRows(connection, source, projector.site.base_urls.get(source, ""))
        part_from_clients(rows, keys, now)
        charts |= rows.charts
    return charts
