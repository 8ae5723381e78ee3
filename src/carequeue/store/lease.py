"""Who may write what a sync of a source found: the holder of the latest token, and nobody else.

The lock of the operating system keeps two processes from syncing at once; this is what holds where
that is not enough: a process that was suspended for an hour, a lock on a shared folder that does
not lock. Every sync takes a token of its own, one higher than the last, and each of its commits
checks that it is still the latest (a fencing token): what a late one found is thrown away, and
found again by whoever holds the lease. Nor does a late one send what it has written down: whoever
holds the lease has settled that since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.errors import CareQueueError
from carequeue.store.engine import quick
from carequeue.store.tables import LeaseRow, table

_lease: Final = table(LeaseRow)


class LeaseLost(CareQueueError):
    """Another process has begun to sync this source meanwhile; nothing of ours was written."""

    def __init__(self) -> None:
        super().__init__(
            "Another CareQueue has begun to sync this cache meanwhile. What you did is kept and "
            "goes with it; nothing else needs to be done."
        )


def take(connection: Connection, source: str, holder: str, now: datetime) -> int:
    """Begin: the token of this holder; every earlier one is void from here on."""
    values = {"holder": holder, "taken_at": now.isoformat()}
    connection.execute(
        insert(_lease)
        .values(source=source, token=1, **values)
        .on_conflict_do_update(
            index_elements=["source"], set_={"token": _lease.c.token + 1, **values}
        )
    )
    return latest(connection, source)


def check(connection: Connection, source: str, token: int) -> None:
    """In the transaction of what is to be kept, and before anything is sent.

    Raises LeaseLost where a later token was taken.
    """
    if latest(connection, source) != token:
        raise LeaseLost


def latest(connection: Connection, source: str) -> int:
    """The last token that was given; 0 where there was none."""
    row = (
        quick(connection).execute("SELECT token FROM lease WHERE source = ?", (source,)).fetchone()
    )
    return row[0] if row else 0
