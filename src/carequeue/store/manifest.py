"""Counts: which rows a source shows, page by page on the disk, so that a cut loses none of it.

In:  ids and versions as a page of the source named them. Out: all that a count has met so far.
Not here: what follows from it (`sync/manifest/policy.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, update

from carequeue.store.engine import storable, upsert
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import CountRow, ListedRow, table

_count: Final = table(CountRow)
_listed: Final = table(ListedRow)
_STATE: Final = ("counted_at", "scope", "begun_at", "server_at", "next_url", "received")


class SourceManifest:
    """What counts of one source have met; see `sync.ports.ManifestPort`."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Where the counts of the source are, by search, as the fields of `policy.Count`."""
        rows = self._scope.raw.execute(
            f"SELECT search, {', '.join(_STATE)} FROM count_state WHERE source = ?",
            (self._scope.source,),
        )
        return {search: dict(zip(_STATE, state, strict=True)) for search, *state in rows}

    def save_page(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        """One page more (id -> version, last updated), and where its count is now.

        A count that has not begun (`begun_at` "") has met nothing.
        """
        source = self._scope.source
        values = {name: getattr(state, name) for name in _STATE}
        values["next_url"] = storable(values["next_url"])
        row = {"source": source, "search": search, **values}
        upsert(self._scope.connection, "count_state", row, ("source", "search"), values)
        if not state.begun_at:
            self._scope.connection.execute(
                delete(_listed).where(_listed.c.source == source, _listed.c.search == search)
            )
        if page:
            self._scope.raw.executemany(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?, ?)",
                [
                    (source, search, storable(key), storable(version), storable(updated))
                    for key, (version, updated) in page.items()
                ],
            )

    def entries(self, search: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of all that the count under way has met."""
        rows = self._scope.raw.execute(
            "SELECT id, version_id, last_updated FROM listed WHERE source = ? AND search = ?",
            (self._scope.source, search),
        )
        return {key: (version, updated) for key, version, updated in rows.fetchall()}

    def fetch_again(self) -> None:
        """At the next cycle everything is counted."""
        self._scope.connection.execute(
            update(_count).where(_count.c.source == self._scope.source).values(counted_at="")
        )
