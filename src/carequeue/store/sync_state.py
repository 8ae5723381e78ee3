"""What sync knows of a source between two cycles: cursors, abilities, health.

A cursor is written in the transaction of the page that it stands behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.engine import quick, storable, upsert
from carequeue.store.manifest import SourceManifest
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import CapabilityRow, HealthRow, Meta, table

_capability: Final = table(CapabilityRow)
_health: Final = table(HealthRow)
_meta: Final = table(Meta)
#: In `meta`, beside the name of a source.
HELD: Final = "held"
_WANTED: Final = "wanted"
_CURSOR: Final = ("watermark", "pending", "next_url", "received", "full_at", "scope", "etag")


class LastCycle(NamedTuple):
    """How a sync cycle ended. `online` None: no request was made; `why`: what went wrong, or ""."""

    online: int | None
    signed_out: int
    why: str


class SourceSyncState:
    """What is known of one source; see `sync.ports.SyncStatePort`."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope

    # --- cursors, and what is still to be fetched -------------------------------------------------

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        """The cursors of the source by the names of its searches."""
        rows = self._scope.raw.execute(
            f"SELECT search, {', '.join(_CURSOR)} FROM sync_state WHERE source = ?",
            (self._scope.source,),
        )
        return {search: dict(zip(_CURSOR, cursor, strict=True)) for search, *cursor in rows}

    def save_cursor(self, search: str, cursor: Any) -> None:
        """Write a cursor (anything with the attributes of `sync.pull.state.Cursor`)."""
        values = {name: getattr(cursor, name) for name in _CURSOR}
        for name in ("next_url", "etag"):  # the server's own text
            values[name] = storable(values[name])
        row = {"source": self._scope.source, "search": search, **values}
        upsert(self._scope.connection, "sync_state", row, ("source", "search"), values)

    def references_to_fetch(self) -> tuple[str, ...]:
        """References that kept pages name and that are still to be fetched, also after a cut."""
        return tuple(self.get_meta(_WANTED).split())

    def enqueue_fetch(self, more: Iterable[str], asked: Iterable[str]) -> None:
        """In the transaction of a page: `more` is still to be fetched, `asked` no longer."""
        before = self.references_to_fetch()
        over = frozenset(asked)
        left = [name for name in before if name not in over]  # in order as it was kept
        new = set(more).difference(over, left)
        if new or len(left) < len(before):
            self.set_meta(_WANTED, " ".join(sorted((*left, *new)) if new else left))

    # --- what the source can do -------------------------------------------------------------------

    def capability(self, name: str) -> tuple[str, str]:
        """What is declared under a name, and when that was read; "" where it never was."""
        row = self._scope.raw.execute(
            "SELECT declared, at FROM capability WHERE source = ? AND name = ?",
            (self._scope.source, name),
        ).fetchone()
        return row or ("", "")

    def observed(self) -> Mapping[str, str]:
        """What experience says of the source."""
        rows = self._scope.raw.execute(
            "SELECT name, observed FROM capability WHERE source = ? AND observed <> ''",
            (self._scope.source,),
        )
        return dict(rows.fetchall())

    def is_unprotected(self) -> bool:
        """Whether the source was seen to let a write go over what a colleague wrote meanwhile."""
        return self.observed().get("if_match") in ("no", "none")

    def declare(self, name: str, declared: str, now: datetime) -> None:
        """Keep what the source declares; what was observed of it is to be seen anew."""
        self._update_capabilities(observed="")
        self._save_capability(name, {"declared": declared, "at": now.isoformat()})

    def ask_again(self) -> None:
        """The next cycle asks what the source can take: somebody says that it has changed."""
        self._update_capabilities(at="", observed="")

    def observe(self, name: str, observation: str, now: datetime) -> None:
        """Keep what the source was seen to do; a status in a name can be the server's own text."""
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
        """What is being fetched, for whoever looks at the header."""
        self._save_health({"progress": words})

    def record_cycle(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        """How a cycle ended. `full`: every search of the plan has finished.

        `why`: what went wrong, also where the cycle went on without it; "" where nothing did.
        """
        at = now.isoformat()
        values: dict[str, Any] = {"progress": "", "why": storable(why), "online": int(online)}
        values |= {"signed_out": int(signed_out), "last_look": at}
        if online:
            values["offline_since"] = ""
        if full:
            values["last_full"] = at
            self._scope.connection.execute(
                insert(_meta)
                .values(name=f"first_full:{self._scope.source}", value=str(int(now.timestamp())))
                .on_conflict_do_nothing()
            )
        if not online and not self._offline_since():
            values["offline_since"] = at
        self._save_health(values)

    def last_cycle(self) -> LastCycle | None:
        """How the last cycle ended; None where there was none."""
        row = self._scope.connection.execute(
            select(_health.c.online, _health.c.signed_out, _health.c.why).where(
                _health.c.source == self._scope.source
            )
        ).one_or_none()
        return LastCycle(*row) if row else None

    def _offline_since(self) -> str:
        since = self._scope.connection.execute(
            select(_health.c.offline_since).where(_health.c.source == self._scope.source)
        ).scalar_one_or_none()
        return since or ""

    def _save_health(self, values: dict[str, Any]) -> None:
        words = dict.fromkeys(("offline_since", "why", "last_look", "last_full", "progress"), "")
        row = {"source": self._scope.source, **words, "signed_out": 0, **values}
        upsert(self._scope.connection, "health", row, ("source",), values)

    # --- names and values -------------------------------------------------------------------------

    def get_meta(self, name: str) -> str:
        """A value of the cache about this source; "" where there is none."""
        return get_meta(self._scope.connection, f"{name}:{self._scope.source}")

    def set_meta(self, name: str, value: str) -> None:
        """Keep a value of the cache about this source."""
        set_meta(self._scope.connection, f"{name}:{self._scope.source}", value)

    def held(self) -> dict[str, Any] | None:
        """What a count found that is not done unasked, as the fields of `restore.brake.Held`.

        None where nothing waits for an answer.
        """
        try:
            held = json.loads(self.get_meta(HELD) or "null")
        except ValueError:
            return None
        return held if isinstance(held, dict) else None

    def release(self, answer: str) -> bool:
        """A person's answer to what is held: "accept", the next count does it; "refuse", it stays.

        False, and nothing is changed, where nothing is held.
        """
        held = self.held()
        if held is None:
            return False
        self.set_meta(HELD, json.dumps({**held, "answer": answer}))
        SourceManifest(self._scope).fetch_again()
        return True


def get_meta(connection: Connection, name: str) -> str:
    """A value of the cache itself; "" where there is none."""
    row = quick(connection).execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Keep a value of the cache itself."""
    upsert(connection, "meta", {"name": name, "value": storable(value)}, ("name",), ("value",))
