"""Counts: which rows a source shows, page by page on the disk, so that a cut loses none of it.

In:  ids and versions as a page of the source named them. Out: all that a count has met so far.
Not here: what follows from it (`sync/manifest/policy.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.engine import quick, storable
from carequeue.store.tables import CountRow, ListedRow, table

_count: Final = table(CountRow)
_listed: Final = table(ListedRow)
_STATE: Final = ("counted_at", "scope", "begun_at", "server_at", "next_url", "received")


def states(connection: Connection, source: str) -> dict[str, dict[str, Any]]:
    """Where the counts of a source stand, by search, as the fields of `policy.Count`."""
    rows = connection.execute(select(_count).where(_count.c.source == source))
    return {row.search: {name: getattr(row, name) for name in _STATE} for row in rows}


def keep(
    connection: Connection,
    source: str,
    search: str,
    state: Any,
    page: Mapping[str, tuple[str, str]],
) -> None:
    """One page more (id -> version, last updated), and where its count stands now.

    A count that has not begun (`begun_at` "") has met nothing.
    """
    values = {name: getattr(state, name) for name in _STATE}
    values["next_url"] = storable(values["next_url"])
    connection.execute(
        insert(_count)
        .values(source=source, search=search, **values)
        .on_conflict_do_update(index_elements=["source", "search"], set_=values)
    )
    if not state.begun_at:
        connection.execute(
            delete(_listed).where(_listed.c.source == source, _listed.c.search == search)
        )
    if page:
        quick(connection).executemany(
            "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?, ?)",
            [
                (source, search, storable(key), storable(version), storable(updated))
                for key, (version, updated) in page.items()
            ],
        )


def listed(connection: Connection, source: str, search: str) -> dict[str, tuple[str, str]]:
    """Id -> (version, last updated) of all that the count under way has met."""
    found = quick(connection).execute(
        "SELECT id, version_id, last_updated FROM listed WHERE source = ? AND search = ?",
        (source, search),
    )
    return {key: (version, updated) for key, version, updated in found.fetchall()}


def count_anew(connection: Connection, source: str) -> None:
    """At the next look everything is counted."""
    connection.execute(update(_count).where(_count.c.source == source).values(counted_at=""))
