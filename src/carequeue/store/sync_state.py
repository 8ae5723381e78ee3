"""The state of a source between two sync cycles: cursors, abilities, health.

A cursor is saved in the transaction of the page that it continues.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.engine import quick, storable, upsert
from carequeue.store.source_scope import SourcePart
from carequeue.store.tables import CapabilityRow, HealthRow, Meta, table

_capability: Final = table(CapabilityRow)
_health: Final = table(HealthRow)
_meta: Final = table(Meta)
#: In `meta`, with the name of a source: references that are still to be fetched.
_WANTED: Final = "wanted"
_CURSOR: Final = ("watermark", "pending", "next_url", "received", "full_at", "scope", "etag")


class LastCycle(NamedTuple):
    """The end of a sync cycle. `online` None: no request was made; `why`: what failed, or ""."""

    online: int | None
    signed_out: int
    why: str


class SourceSyncState(SourcePart):
    """The state of one source; see `sync.ports.SyncStatePort`."""

    # --- cursors, and references to fetch ---------------------------------------------------------

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        """Search -> the fields of its cursor."""
        rows = self._scope.raw.execute(
            f"SELECT search, {', '.join(_CURSOR)} FROM sync_state WHERE source = ?",
            (self._scope.source,),
        )
        return {search: dict(zip(_CURSOR, cursor, strict=True)) for search, *cursor in rows}

    def save_cursor(self, search: str, cursor: Any) -> None:
        """Save a cursor (anything with the attributes of `sync.pull.state.Cursor`)."""
        values = {name: getattr(cursor, name) for name in _CURSOR}
        for name in ("next_url", "etag"):  # the server's own text
            values[name] = storable(values[name])
        row = {"source": self._scope.source, "search": search, **values}
        upsert(self._scope.connection, "sync_state", row, ("source", "search"), values)

    def references_to_fetch(self) -> tuple[str, ...]:
        """References of saved pages that are still to be fetched, also after an interruption."""
        return tuple(self.get_meta(_WANTED).split())

    def enqueue_fetch(self, more: Iterable[str], asked: Iterable[str]) -> None:
        """Add `more` to the references to fetch, and drop `asked` from them."""
        before = self.references_to_fetch()
        over = frozenset(asked)
        left = [name for name in before if name not in over]  # in the saved order
        new = set(more).difference(over, left)
        if new or len(left) < len(before):
            self.set_meta(_WANTED, " ".join(sorted((*left, *new)) if new else left))

    # --- what the source supports -----------------------------------------------------------------

    def capability(self, name: str) -> tuple[str, str]:
        """The declaration under a name, and the ISO instant at which it was read; "" if never."""
        row = self._scope.raw.execute(
            "SELECT declared, at FROM capability WHERE source = ? AND name = ?",
            (self._scope.source, name),
        ).fetchone()
        return row or ("", "")

    def observed(self) -> Mapping[str, str]:
        """The observations of the source, by name."""
        rows = self._scope.raw.execute(
            "SELECT name, observed FROM capability WHERE source = ? AND observed <> ''",
            (self._scope.source,),
        )
        return dict(rows.fetchall())

    def is_unprotected(self) -> bool:
        """Whether the source was seen to let a write replace a colleague's change unseen."""
        return self.observed().get("if_match") in ("no", "none")

    def declare(self, name: str, declared: str, now: datetime) -> None:
        """Save what the source declares, and forget all observations of it."""
        self._update_capabilities(observed="")
        self._save_capability(name, {"declared": declared, "at": now.isoformat()})

    def ask_again(self) -> None:
        """Read the declaration again in the next cycle: a person says that the source changed."""
        self._update_capabilities(at="", observed="")

    def observe(self, name: str, observation: str, now: datetime) -> None:
        """Save an observation of the source; a status in its name can be the server's own text."""
        self._save_capability(storable(name), {"observed": observation, "at": now.isoformat()})

    def _update_capabilities(self, **values: str) -> None:
        self._scope.connection.execute(
            update(_capability).where(_capability.c.source == self._scope.source).values(**values)
        )

    def _save_capability(self, name: str, values: dict[str, str]) -> None:
        key = {"source": self._scope.source, "name": name}
        row = {**key, "declared": "", "observed": "", **values}
        upsert(self._scope.connection, "capability", row, tuple(key), values)

    # --- health -----------------------------------------------------------------------------------

    def record_progress(self, words: str) -> None:
        """Show in the header what is being fetched."""
        self._save_health({"progress": words})

    def record_cycle(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        """Record how a cycle ended. `full`: every search of the plan has finished.

        `why`: what went wrong, also if the cycle went on without it; "" if nothing did.
        """
        at = now.isoformat()
        values: dict[str, Any] = {"progress": "", "why": storable(why), "online": int(online)}
        values |= {"signed_out": int(signed_out), "last_cycle": at}
        if online:
            values["offline_since"] = ""
        elif self._health("offline_since") in (None, ("",)):
            values["offline_since"] = at
        if full:
            values["last_full"] = at
            self._scope.connection.execute(
                insert(_meta)
                .values(name=f"first_full:{self._scope.source}", value=str(int(now.timestamp())))
                .on_conflict_do_nothing()
            )
        self._save_health(values)

    def last_cycle(self) -> LastCycle | None:
        """The end of the last cycle; None if there was none."""
        row = self._health("online, signed_out, why")
        return LastCycle(*row) if row else None

    def _health(self, columns: str) -> Any:
        return self._scope.raw.execute(
            f"SELECT {columns} FROM health WHERE source = ?", (self._scope.source,)
        ).fetchone()

    def _save_health(self, values: dict[str, Any]) -> None:
        words = dict.fromkeys(("offline_since", "why", "last_cycle", "last_full", "progress"), "")
        row = {"source": self._scope.source, **words, "signed_out": 0, **values}
        upsert(self._scope.connection, "health", row, ("source",), values)

    # --- names and values -------------------------------------------------------------------------

    def get_meta(self, name: str) -> str:
        """A value of `meta` about this source; "" if there is none."""
        return get_meta(self._scope.connection, f"{name}:{self._scope.source}")

    def set_meta(self, name: str, value: str) -> None:
        """Save a value of `meta` about this source."""
        set_meta(self._scope.connection, f"{name}:{self._scope.source}", value)


def get_meta(connection: Connection, name: str) -> str:
    """A value of `meta` about the cache itself; "" if there is none."""
    row = quick(connection).execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Save a value of `meta` about the cache itself."""
    upsert(connection, "meta", {"name": name, "value": storable(value)}, ("name",), ("value",))
