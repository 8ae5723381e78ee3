"""Whether the cache is whole, and how much is in it: for the doctor and before going offline.

In:  a connection. Out: counts and SQLite's own words. Reads only.
Not here: what is said about it (`worklist/doctor.py`, `worklist/offline_readiness.py`); the chain
of the audit log (`audit.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from carequeue.store.engine import Raw, quick


def integrity(connection: Connection) -> str:
    """SQLite's own check of the file: "ok", or the first problem."""
    (result,) = quick(connection).execute("PRAGMA quick_check").fetchone()
    return str(result)


def is_whole(raw: Raw) -> bool:
    """Whether a cache that was just opened (`engine.connect`) can be read to its end."""
    (result,) = raw.execute("PRAGMA quick_check(1)").fetchone()
    return bool(result == "ok")


def resource_count(connection: Connection) -> int:
    """How many resources are here, of all sources."""
    (count,) = (
        quick(connection).execute("SELECT count(*) FROM resource WHERE body <> ''").fetchone()
    )
    return int(count)


def resources_by_type(connection: Connection, source: str) -> Mapping[str, int]:
    """Type -> how many resources of a source are here."""
    rows = quick(connection).execute(
        "SELECT type, count(*) FROM resource WHERE source = ? AND body <> '' GROUP BY type",
        (source,),
    )
    return dict(rows.fetchall())


def malformed(connection: Connection, source: str) -> list[tuple[str, str]]:
    """(reference, what is wrong with it) of the malformed resources of a source."""
    rows = quick(connection).execute(
        "SELECT type || '/' || id, trouble FROM resource WHERE source = ? AND trouble <> '' "
        "ORDER BY type, id",
        (source,),
    )
    return [(name, why) for name, why in rows]
