"""Manifests of a source, page by page on disk, so that an interruption loses none of them.

In:  ids and versions as a page of the source named them. Out: all entries so far.
Not here: what follows from a manifest (`sync/manifest/policy.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, update

from carequeue.store.engine import storable, upsert
from carequeue.store.source_scope import SourcePart
from carequeue.store.tables import ManifestEntryRow, ManifestRow, table

_manifest: Final = table(ManifestRow)
_entry: Final = table(ManifestEntryRow)
_STATE: Final = ("counted_at", "scope", "begun_at", "server_at", "next_url", "received")


class SourceManifest(SourcePart):
    """The manifests of one source; see `sync.ports.ManifestPort`."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Search -> the fields of its `policy.Manifest`."""
        rows = self._scope.raw.execute(
            f"SELECT search, {', '.join(_STATE)} FROM manifest WHERE source = ?",
            (self._scope.source,),
        )
        return {search: dict(zip(_STATE, state, strict=True)) for search, *state in rows}

    def save_page(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        """Save the state of a manifest, and the entries of a page: id -> (version, last updated).

        Of a manifest that is over (`begun_at` "") all entries are dropped.
        """
        source = self._scope.source
        values = {name: getattr(state, name) for name in _STATE}
        values["next_url"] = storable(values["next_url"])
        row = {"source": source, "search": search, **values}
        upsert(self._scope.connection, "manifest", row, ("source", "search"), values)
        if not state.begun_at:
            self._scope.connection.execute(
                delete(_entry).where(_entry.c.source == source, _entry.c.search == search)
            )
        if page:
            self._scope.raw.executemany(
                "INSERT OR REPLACE INTO manifest_entry VALUES (?, ?, ?, ?, ?)",
                [
                    (source, search, storable(key), storable(version), storable(updated))
                    for key, (version, updated) in page.items()
                ],
            )

    def entries(self, search: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated), of all pages of the manifest under way."""
        rows = self._scope.raw.execute(
            "SELECT id, version_id, last_updated FROM manifest_entry"
            " WHERE source = ? AND search = ?",
            (self._scope.source, search),
        )
        return {key: (version, updated) for key, version, updated in rows.fetchall()}

    def fetch_again(self) -> None:
        """Make every manifest due in the next cycle."""
        self._scope.connection.execute(
            update(_manifest).where(_manifest.c.source == self._scope.source).values(counted_at="")
        )
