"""The chart of a row that names no client, and the rows that a change touches.

A Task that names no client belongs to the chart of its focus, whichever of the two came first. Open
intents follow their resource, also if it names another client meanwhile. Any row may show a name of
the directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from carequeue.fhir import jsontext
from carequeue.fhir.chart_to_items import chart_of
from carequeue.store.engine import quick
from carequeue.store.source_scope import SourcePart

_MOVE: Final = "UPDATE resource SET chart = ? WHERE source = ? AND type = ? AND id = ?"


class ChartMembership(SourcePart):
    """The charts of one source; charts whose rows move are added to the scope."""

    def adopt(self, row: dict[str, Any]) -> None:
        """Put a Task that names no client into the chart of its focus, if that is here."""
        if not row["focus"] or row["chart"].startswith("Patient/"):
            return
        kind, _, key = row["focus"].partition("/")
        focus = self._scope.raw.execute(
            "SELECT chart FROM resource WHERE source = ? AND type = ? AND id = ?",
            (self._scope.source, kind, key),
        ).fetchone()
        if focus and focus[0]:
            row["chart"] = focus[0]

    def follow_focus(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put Tasks without a client that came before these rows into the charts of these rows."""
        source = self._scope.source
        orphans = self._scope.raw.execute(
            "SELECT type, id, focus, chart FROM resource INDEXED BY resource_orphan "
            "WHERE source = ? AND focus <> '' AND substr(chart, 1, 8) <> 'Patient/'",
            (source,),
        )
        by_focus: dict[str, list[tuple[str, str, str]]] = {}
        for kind, key, focus, chart in orphans.fetchall():
            by_focus.setdefault(focus, []).append((kind, key, chart))
        for row in rows:
            for kind, key, chart in by_focus.get(f"{row['type']}/{row['id']}", ()):
                self._scope.raw.execute(_MOVE, (row["chart"], source, kind, key))
                self._scope.touch([chart, row["chart"]])
        follow_charts(self._scope.connection)

    def follow_moved(self, moved: Mapping[str, str]) -> None:
        """Move Tasks that name no client after their focus into another chart, step by step.

        `moved`: reference -> new chart, of resources whose chart has changed.
        """
        ahead = list(moved.items())
        seen: set[tuple[str, str]] = set()
        for focus, chart in ahead:
            for kind, key, was, body in self._about(focus):
                name = f"{kind}/{key}"
                own = chart_of(jsontext.loads(body), self._scope.base_url) if body else ""
                if was == chart or (name, chart) in seen or own.startswith("Patient/"):
                    continue
                self._scope.raw.execute(_MOVE, (chart, self._scope.source, kind, key))
                self._scope.touch([was, chart])
                seen.add((name, chart))
                ahead.append((name, chart))
        if seen:
            follow_charts(self._scope.connection)

    def _about(self, focus: str) -> list[tuple[str, str, str, str]]:
        tasks = self._scope.raw.execute(
            "SELECT type, id, chart, body FROM resource INDEXED BY resource_focus "
            "WHERE source = ? AND focus = ? AND focus <> ''",
            (self._scope.source, focus),
        )
        return [(kind, key, chart, body) for kind, key, chart, body in tasks.fetchall()]

    def mark_due(self) -> None:
        """Mark all rows as due: any of them may show a name of the directory."""
        self._scope.raw.execute(
            "UPDATE item SET next_change_at = 0 WHERE source = ?", (self._scope.source,)
        )


def follow_charts(connection: Connection) -> None:
    """Put open intents into the chart of their resource, also if it names another client now."""
    quick(connection).execute(
        "UPDATE intent SET chart = of.chart FROM resource AS of "
        "WHERE intent.state NOT IN ('acknowledged', 'undone') AND of.source = intent.source "
        "AND of.type = intent.target_type AND of.id = intent.target_id AND of.chart <> intent.chart"
    )


def directory_changed(connection: Connection) -> None:
    """Void what was read of any directory."""
    quick(connection).execute(
        "INSERT INTO meta VALUES ('directory', '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def directory_revision(connection: Connection) -> str:
    """Changes with the directory of any source, as this transaction sees it."""
    row = quick(connection).execute("SELECT value FROM meta WHERE name = 'directory'").fetchone()
    return str(row[0]) if row else ""
