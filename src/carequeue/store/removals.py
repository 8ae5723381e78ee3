"""What a source does not give (any more): out of the queue, never out of the outbox.

A row that an open intent holds stays, and why it is gone is laid beside it: settling makes that a
conflict, and with the last intent the row leaves. The body of a row that left is not kept: what
somebody may no longer read is not for this disk either. The row itself stays, without a digest, so
that the same version is taken again where it comes back.
Not here: how it is found out (`sync/manifest/policy.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from carequeue.fhir.chart_to_items import shared
from carequeue.fhir.values import ID
from carequeue.store import cross_source_match
from carequeue.store.base_lock import held_rows, is_before
from carequeue.store.chart_membership import directory_changed
from carequeue.store.engine import quick, storable
from carequeue.store.tables import ResourceRow, table

_resource: Final = table(ResourceRow)

#: Why a row left that is still there, and no longer ours to see.
OUT_OF_SCOPE: Final = "out of scope"
_ROW: Final = "WHERE source = ? AND type = ? AND id = ?"

Charts = set[tuple[str, str]]


def note_absent(
    connection: Connection, source: str, names: Iterable[str], why: str, now: datetime
) -> None:
    """Remember that the source does not give these, so that they are not asked for each time."""
    rows = []
    for name in names:
        kind, _, key = name.partition("/")
        rows.append(
            {
                "source": source, "type": kind, "id": key, "version_id": "", "last_updated": "",
                "digest": "", "chart": name, "focus": "", "body": "", "theirs_body": None,
                "theirs_version": None, "theirs_digest": None, "theirs_gone": "", "trouble": "",
                "gone": why, "received_at": int(now.timestamp()),
            }
        )  # fmt: skip
    if rows:
        connection.execute(insert(_resource).on_conflict_do_nothing(), rows)


def take_out(
    connection: Connection, source: str, names: Mapping[str, str], why: str
) -> tuple[int, Charts]:
    """These references left the source; how many rows this touched, and which charts.

    `names`: reference -> ISO instant at which it was deleted, "" where nobody said. What was
    written after that instant has come back since, and stays.
    """
    held = held_rows(connection, source)
    leaving = []
    beside = 0
    for name, at in names.items():
        kind, _, key = name.partition("/")
        row = _row(connection, source, kind, key)
        if row is None or (at and is_before(at, row[0])):
            continue
        if (kind, key) in held:
            _lay_beside(connection, source, kind, key, why)
            beside += 1
        else:
            leaving.append((name, at))
    charts = leave(connection, source, [name for name, _ in leaving], why)
    for name, at in leaving:
        if at:
            _deleted_at(connection, source, name, at)
    return len(leaving) + beside, charts


def leave(connection: Connection, source: str, names: Sequence[str], why: str) -> Charts:
    """These rows are shown no more; the charts in which they stood.

    Of what only left the scope nothing is kept: where a row refers to it, it is to be fetched.
    """
    charts = set()
    for name in names:
        kind, _, key = name.partition("/")
        row = (source, kind, key)
        if why == OUT_OF_SCOPE:
            found = quick(connection).execute(f"DELETE FROM resource {_ROW} RETURNING chart", row)
        else:
            found = quick(connection).execute(
                "UPDATE resource SET body = '', digest = '', version_id = '', focus = '', "
                "trouble = '', theirs_body = NULL, theirs_version = NULL, theirs_digest = NULL, "
                f"theirs_gone = '', gone = ?, last_updated = '' {_ROW} RETURNING chart",
                (why, *row),
            )
        charts |= {(source, chart) for (chart,) in found.fetchall()}
    cross_source_match.forget(connection, source, names)
    if any(shared(name.partition("/")[0]) for name in names):
        directory_changed(connection)
    return charts


def _deleted_at(connection: Connection, source: str, name: str, at: str) -> None:
    """Keep the instant of a deletion: an older version that a history shows later is no return."""
    kind, _, key = name.partition("/")
    quick(connection).execute(
        "UPDATE resource SET last_updated = ? WHERE source = ? AND type = ? AND id = ?",
        (storable(at), source, kind, key),
    )


def _row(connection: Connection, source: str, kind: str, key: str) -> tuple[str] | None:
    found = quick(connection).execute(
        "SELECT last_updated FROM resource "
        "WHERE source = ? AND type = ? AND id = ? AND body <> '' AND theirs_gone = ''",
        (source, kind, key),
    )
    row: tuple[str] | None = found.fetchone()
    return row


def _lay_beside(connection: Connection, source: str, kind: str, key: str, why: str) -> None:
    quick(connection).execute(
        "UPDATE resource SET theirs_body = NULL, theirs_version = NULL, theirs_digest = NULL, "
        "theirs_gone = ? WHERE source = ? AND type = ? AND id = ?",
        (why, source, kind, key),
    )


def mirrored(connection: Connection, source: str, kind: str) -> dict[str, tuple[str, str]]:
    """Id -> (version, last updated) of the rows of a type that are here, as a count compares them.

    Of a row beside which the server's own stands, that one's version. What has no id that could be
    asked for is left out, and so is what is known to be gone.
    """
    found = quick(connection).execute(
        "SELECT id, version_id, last_updated, theirs_version, theirs_body IS NOT NULL "
        "FROM resource WHERE source = ? AND type = ? AND body <> '' AND theirs_gone = ''",
        (source, kind),
    )
    return {
        key: (theirs or "", "") if beside else (version, updated)
        for key, version, updated, theirs, beside in found.fetchall()
        if ID.fullmatch(key)
    }


def deleted(connection: Connection, source: str, kind: str) -> dict[str, str]:
    """Id -> ISO instant of the rows of a type of which a history told when they were deleted."""
    found = quick(connection).execute(
        "SELECT id, last_updated FROM resource "
        "WHERE source = ? AND type = ? AND body = '' AND gone <> '' AND last_updated <> ''",
        (source, kind),
    )
    return dict(found.fetchall())


def here(connection: Connection, source: str) -> int:
    """How many resources of a source are here."""
    found = quick(connection).execute(
        "SELECT count(*) FROM resource WHERE source = ? AND body <> ''", (source,)
    )
    return int(found.fetchone()[0])


def referred(connection: Connection, source: str, kind: str, ids: Iterable[str]) -> frozenset[str]:
    """Those of these rows to which another row of their chart, or the open outbox, refers.

    What is about to leave counts as no referrer, unless something that stays refers to it.
    """
    leaving = set(ids)
    shown: set[str] = set()
    while found := {key for key in leaving if _is_named(connection, source, kind, key, leaving)}:
        shown |= found
        leaving -= found
    return frozenset(shown)


def _is_named(connection: Connection, source: str, kind: str, key: str, leaving: set[str]) -> bool:
    rows = quick(connection).execute(
        "SELECT by.type, by.id FROM resource AS of JOIN resource AS by "
        "ON by.source = of.source AND by.chart = of.chart AND by.body <> '' "
        "WHERE of.source = ? AND of.type = ? AND of.id = ? AND NOT (by.type = ? AND by.id = ?) "
        "AND instr(by.body, ?) > 0",
        (source, kind, key, kind, key, f'{kind}/{key}"'),
    )
    return any(of != kind or name not in leaving for of, name in rows.fetchall())
