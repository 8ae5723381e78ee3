"""The audit log: one row per act, appended in the act's own transaction, chained by hash.

What the chain shows: a row changed or taken out of the middle. What it does not: a tail cut off
by the owner of the machine, or the whole chain made anew (docs/security.md).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from carequeue.store.tables import AuditRow, table

_audit = table(AuditRow)


class AuditLog:
    """Appends to the log, in the caller's transaction, at one instant."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._at = now.isoformat()

    def append(self, actor: str, action: str, item_key: str, group: str) -> None:
        """Add one act; `action` is a verb's name, never a client's."""
        last = self._connection.execute(
            select(_audit.c.hash).order_by(_audit.c.seq.desc()).limit(1)
        ).scalar_one_or_none()
        previous = last or ""
        self._connection.execute(
            insert(_audit).values(
                at=self._at,
                actor=actor,
                action=action,
                item_key=item_key,
                group_id=group,
                previous=previous,
                hash=_hash((self._at, actor, action, item_key, group, previous)),
            )
        )


def length(connection: Connection) -> int:
    """How many acts the log holds."""
    return int(connection.execute(select(func.count()).select_from(_audit)).scalar_one())


def first_break(connection: Connection) -> int | None:
    """The number of the first row whose hash does not fit; None where the chain is whole."""
    previous = ""
    for row in connection.execute(select(_audit).order_by(_audit.c.seq)):
        values = (row.at, row.actor, row.action, row.item_key, row.group_id, row.previous)
        if row.previous != previous or row.hash != _hash(values):
            return int(row.seq)
        previous = row.hash
    return None


def _hash(values: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()
