"""The key of a row where its identifier was copied with it, as some systems copy a whole Task.

One identifier in two charts is two people's work, and neither may hide the other's. The chart that
sorts first keeps the key; the row of the other one goes by its own reference. So it is the same
whichever of the two came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from carequeue.domain.items import WorkItem
from carequeue.store.engine import quick


def apart(
    connection: Connection, source: str, chart: str, items: Sequence[WorkItem]
) -> tuple[WorkItem, ...]:
    """The items of a chart, each with a key that no chart before it has."""
    return tuple(
        replace(item, key=own)
        if (own := _own(item)) != item.key and _is_taken(connection, source, chart, item.key)
        else item
        for item in items
    )


def _own(item: WorkItem) -> str:
    return f"{item.source}:{(item.target or item.anchor).reference}"


def _is_taken(connection: Connection, source: str, chart: str, key: str) -> bool:
    found = quick(connection).execute(
        "SELECT 1 FROM item WHERE key = ? AND source = ? AND chart < ?", (key, source, chart)
    )
    return found.fetchone() is not None
