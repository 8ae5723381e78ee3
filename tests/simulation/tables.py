"""What is on the disk of a cache in memory: dicts, and a journal to take a transaction back.

Not here: what may be done to them (`rows.py`), leases and transactions (`memory.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from carequeue.domain.intents import HOLDING_STATES, OPEN_STATES, Intent
from carequeue.fhir.chart import Resource

Key = tuple[str, str]
_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the mirror; `body` None: the source does not give it."""

    body: Resource | None
    version: str
    digest: bytes
    last_updated: str
    theirs: Resource | None = None
    theirs_version: str = ""
    theirs_digest: bytes = b""
    theirs_gone: str = ""
    gone: str = ""

    @property
    def shown(self) -> bytes:
        """The digest of the newest that is known of it."""
        return b"" if self.theirs_gone else self.theirs_digest or self.digest


@dataclass(slots=True)
class Tables:
    """Everything that is on disk."""

    intents: dict[str, Intent] = field(default_factory=dict)
    open: dict[str, Intent] = field(default_factory=dict)
    later: dict[str, datetime] = field(default_factory=dict)
    closed: dict[str, datetime] = field(default_factory=dict)
    resources: dict[Key, Kept] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    capability: dict[str, tuple[str, str]] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)


class Journal:
    """The tables inside one transaction: what is changed through it can be taken back."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._changes: list[tuple[dict[Any, Any], Any, Any]] = []

    def set(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._changes.append((table, key, table.get(key, _GONE)))
        table[key] = value

    def delete(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self._changes.append((table, key, table.pop(key)))

    def keep(self, intent: Intent) -> None:
        """The decision as it is now; what is closed leaves the table of the open ones."""
        self.set(self.tables.intents, intent.id, intent)
        if intent.state in OPEN_STATES:
            self.set(self.tables.open, intent.id, intent)
        else:
            self.delete(self.tables.open, intent.id)

    def take_back(self) -> None:
        """Undo all that was done through it. Open intents keep their order by `seq`."""
        for table, key, old in reversed(self._changes):
            if old is _GONE:
                table.pop(key, None)
            else:
                table[key] = old
        ordered = sorted(self.tables.open.items(), key=lambda pair: pair[1].seq)
        self.tables.open.clear()
        self.tables.open.update(ordered)


def held_rows(tables: Tables) -> set[Key]:
    """Type and id of the rows whose base an open intent holds back."""
    return {
        (intent.target_type, intent.target_id)
        for intent in tables.open.values()
        if intent.state in HOLDING_STATES
    }
