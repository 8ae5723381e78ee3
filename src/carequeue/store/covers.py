"""The colleagues of one source whom the person at this computer covers, each until an instant.

In:  a source inside a transaction. Out: covers; the charts whose rows begin or cease to be mine are
touched. Saved in `meta` as JSON: to cover somebody is a decision of this person on this computer,
and no server is told. A cover ends without a write: its rows change next at that instant.
Not here: which rows are mine by a cover (`item_rows.py`), whom a name means (`worklist/`).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from carequeue.domain.items import Cover
from carequeue.domain.sanitize import clean
from carequeue.fhir import values
from carequeue.store.chart_membership import directory_changed
from carequeue.store.source_scope import SourcePart
from carequeue.store.sync_state import SourceSyncState

_COVERS: Final = "covers"


class SourceCovers(SourcePart):
    """The covers of one source."""

    def saved(self) -> tuple[Cover, ...]:
        """Every saved cover, also one that has ended; a malformed entry is left out."""
        try:
            entries = json.loads(SourceSyncState(self._scope).get_meta(_COVERS) or "[]")
        except (ValueError, RecursionError):
            return ()
        covers = map(_read, entries if isinstance(entries, list) else ())
        return tuple(cover for cover in covers if cover is not None)

    def begin(self, cover: Cover, now: datetime) -> None:
        """Save a cover, in the place of an earlier one of the same colleague."""
        self._save(cover.person, [cover], now)

    def end(self, person: str, now: datetime) -> None:
        """End the cover of a colleague, if there is one."""
        self._save(person, [], now)

    def moves_of(self, person: str) -> int:
        """How many rows are my move because I cover a colleague, once they are projected."""
        (count,) = self._scope.raw.execute(
            "SELECT count(*) FROM item WHERE source = ? AND ? IN (mover, owner, requester) "
            "AND covered_for <> '' AND mine = 1 AND band < 6",
            (self._scope.source, person),
        ).fetchone()
        return int(count)

    def _save(self, person: str, covers: list[Cover], now: datetime) -> None:
        others = [saved for saved in self.saved() if saved.person != person and saved.until > now]
        entries = [_entry(cover) for cover in (*others, *covers)]
        SourceSyncState(self._scope).set_meta(_COVERS, json.dumps(entries) if entries else "")
        directory_changed(self._scope.connection)  # voids the covers that were read
        charts = self._scope.raw.execute(
            "SELECT DISTINCT chart FROM item WHERE source = ? AND ? IN (mover, owner, requester)",
            (self._scope.source, person),
        )
        self._scope.touch(chart for (chart,) in charts.fetchall())


def _entry(cover: Cover) -> dict[str, str]:
    until = cover.until.replace(microsecond=0).isoformat()
    return {"person": cover.person, "name": cover.name, "until": until}


def _read(entry: Any) -> Cover | None:
    """One saved cover; None if it is malformed."""
    person = values.reference({"reference": values.text(entry, "person")})
    name = clean(values.text(entry, "name"), 60)
    try:
        until = datetime.fromisoformat(values.text(entry, "until")).replace(microsecond=0)
    except ValueError:
        return None
    return Cover(person, name, until) if person and name and until.tzinfo is not None else None
