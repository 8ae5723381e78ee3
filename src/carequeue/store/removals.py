"""Rows that a source does not give (any more): out of the queue, never out of the outbox.

A row that an open intent holds stays, with the reason why the resource is gone: a read back makes
that a conflict, and with the last intent the row leaves. The body of a row that left is not kept: a
resource that the person may no longer read does not belong on this disk either. The row itself
stays, without a digest, so that the same version is accepted if it comes back.
Not here: how a removal is noticed (`sync/manifest/policy.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.timestamps import is_older
from carequeue.fhir.chart_to_items import shared
from carequeue.store import client_search, cross_source_match
from carequeue.store.chart_membership import ChartMembership, directory_changed
from carequeue.store.engine import storable
from carequeue.store.intent_rows import held_rows
from carequeue.store.resource_rows import absent_row
from carequeue.store.source_scope import SourcePart
from carequeue.store.tables import ResourceRow, table

_resource: Final = table(ResourceRow)

#: Why a row left that is still on the server, but outside the scope of the profile.
OUT_OF_SCOPE: Final = "out of scope"
_ROW: Final = "WHERE source = ? AND type = ? AND id = ?"


class SourceRemovals(SourcePart):
    """The rows that left one source; see `sync.ports.RemovalsPort`."""

    def record_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        """Record that the source does not give these references: none is asked for again."""
        rows = [absent_row(self._scope.source, name, why, now) for name in names]
        if rows:
            self._scope.connection.execute(insert(_resource).on_conflict_do_nothing(), rows)

    def remove(self, names: Mapping[str, str], why: str) -> int:
        """Remove the rows of these references; returns how many rows this touched.

        `names`: reference -> ISO instant of the deletion, "" if it is not known. A row that was
        written after that instant has come back since, and stays.
        """
        held = held_rows(self._scope)
        leaving: dict[str, str] = {}
        beside = 0
        for name, at in names.items():
            kind, _, key = name.partition("/")
            updated = self._last_updated(kind, key)
            if updated is None or (at and is_older(at, updated)):
                continue
            if (kind, key) in held:
                self._scope.raw.execute(
                    "UPDATE resource SET theirs_body = NULL, theirs_version = NULL, "
                    f"theirs_digest = NULL, theirs_gone = ? {_ROW}",
                    (why, self._scope.source, kind, key),
                )
                beside += 1
            else:
                leaving[name] = at
        self.leave(leaving, why)
        if any(shared(name.partition("/")[0]) for name in leaving):
            ChartMembership(self._scope).mark_due()
        return len(leaving) + beside

    def leave(self, names: Mapping[str, str], why: str) -> None:
        """Empty the rows of these references. The instant of a deletion stays in the row: an older
        version that a history shows later has not come back.

        A row that only left the scope is deleted: if another row refers to it, it is fetched again.
        """
        for name, at in names.items():
            kind, _, key = name.partition("/")
            row = (self._scope.source, kind, key)
            if why == OUT_OF_SCOPE:
                charts = self._scope.raw.execute(
                    f"DELETE FROM resource {_ROW} RETURNING chart", row
                )
            else:
                charts = self._scope.raw.execute(
                    "UPDATE resource SET body = '', digest = '', version_id = '', focus = '', "
                    "trouble = '', theirs_body = NULL, theirs_version = NULL, "
                    "theirs_digest = NULL, theirs_gone = '', gone = ?, last_updated = ? "
                    f"{_ROW} RETURNING chart",
                    (why, storable(at), *row),
                )
            self._scope.touch([chart for (chart,) in charts.fetchall()])
        cross_source_match.forget(self._scope.connection, self._scope.source, names)
        client_search.forget(self._scope.connection, self._scope.source, names)
        if any(shared(name.partition("/")[0]) for name in names):
            directory_changed(self._scope.connection)

    def referenced(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """The rows among these to which a row of the same chart refers that stays itself.

        A row that is about to leave counts as no referrer, unless a row that stays refers to it.
        """
        leaving = set(ids)
        shown: set[str] = set()
        while named := {key for key in leaving if self._is_named(kind, key, leaving)}:
            shown |= named
            leaving -= named
        return frozenset(shown)

    def _is_named(self, kind: str, key: str, leaving: set[str]) -> bool:
        rows = self._scope.raw.execute(
            "SELECT by.type, by.id FROM resource AS of JOIN resource AS by "
            "ON by.source = of.source AND by.chart = of.chart AND by.body <> '' "
            "WHERE of.source = ? AND of.type = ? AND of.id = ? "
            "AND NOT (by.type = ? AND by.id = ?) AND instr(by.body, ?) > 0",
            (self._scope.source, kind, key, kind, key, f'{kind}/{key}"'),
        )
        return any(of != kind or name not in leaving for of, name in rows.fetchall())

    def _last_updated(self, kind: str, key: str) -> str | None:
        """`meta.lastUpdated` of a row that is here and not known to be gone; None without one."""
        row = self._scope.raw.execute(
            f"SELECT last_updated FROM resource {_ROW} AND body <> '' AND theirs_gone = ''",
            (self._scope.source, kind, key),
        ).fetchone()
        return str(row[0]) if row else None
