"""The same client on another source: the identifiers of every Patient, stored with the mirror.

In:  rows of the mirror. Out: charts of other sources that share an identifier, and which.
A match is shown and never written: it is a reason to look, not to merge. A value that many clients
of one source have is a dummy ("000-00-0000") and identifies nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from carequeue.fhir import jsontext
from carequeue.fhir.client_identifiers import identifiers
from carequeue.store.engine import quick, storable
from carequeue.store.source_scope import SourceScope

#: So many clients of one source may share a value before it is taken for a dummy.
SHARED: Final = 20
_PATIENT: Final = "Patient"
_READ: Final = 500  # rows of one value that are read; a value with more is a dummy as well
_MOST: Final = 20  # matches that are shown


class Same(NamedTuple):
    """A chart of another source with an identifier that this client has too."""

    source: str
    chart: str
    system: str


def keep(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace the identifiers of the Patients among these rows of the mirror."""
    for row in rows:
        if row["type"] == _PATIENT:
            forget(connection, row["source"], [f"{_PATIENT}/{row['id']}"])
            _add(connection, row["source"], row["id"], row["body"])


def forget(connection: Connection, source: str, names: Iterable[str]) -> None:
    """Drop the identifiers of the Patients among these references."""
    gone = [(source, name) for name in names if name.startswith(f"{_PATIENT}/")]
    quick(connection).executemany("DELETE FROM identifier WHERE source = ? AND chart = ?", gone)


def rebuild(connection: Connection) -> None:
    """Read all identifiers from the mirror again."""
    quick(connection).execute("DELETE FROM identifier")
    patients = quick(connection).execute(
        "SELECT source, id, body FROM resource WHERE type = ? AND body <> ''", (_PATIENT,)
    )
    for source, key, body in patients.fetchall():
        _add(connection, source, key, body)


def same(scope: SourceScope, chart: str) -> list[Same]:
    """The charts of this client on other sources, as far as identifiers say."""
    mine = scope.raw.execute(
        "SELECT system, value FROM identifier WHERE source = ? AND chart = ?",
        (scope.source, chart),
    )
    matches: dict[tuple[str, str], Same] = {}
    for system, value in mine.fetchall():
        have = scope.raw.execute(
            "SELECT source, chart FROM identifier WHERE system = ? AND value = ? LIMIT ?",
            (system, value, _READ),
        ).fetchall()
        if max(Counter(of for of, _ in have).values()) > SHARED or len(have) == _READ:
            continue
        for of, other in have:
            if of != scope.source:
                matches.setdefault((of, other), Same(of, other, system))
    return sorted(matches.values())[:_MOST]


def _add(connection: Connection, source: str, key: str, body: str) -> None:
    if body and key[:1] not in ("?", "!"):
        quick(connection).executemany(
            "INSERT OR IGNORE INTO identifier VALUES (?, ?, ?, ?)",
            [
                (source, f"{_PATIENT}/{key}", storable(system), storable(value))
                for system, value in identifiers(jsontext.loads(body))
            ],
        )
