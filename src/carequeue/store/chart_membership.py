"""In whose chart a row stands where it does not say so itself, and whose rows a change touches.

A Task that names no client stands with what it is about, whichever of the two came first, and open
intents follow their resource, also where another client is named meanwhile. A name in the directory
may stand in any row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from carequeue.fhir import jsontext
from carequeue.fhir.chart_to_items import chart_of
from carequeue.store.engine import quick
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import ResourceRow, table

_resource: Final = table(ResourceRow)
_MOVE: Final = "UPDATE resource SET chart = ? WHERE source = ? AND type = ? AND id = ?"


class ChartMembership:
    """The charts of one source; what moves is added to the scope."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope

    def adopt(self, row: dict[str, Any]) -> None:
        """A Task that names no client stands in the chart of what it is about, if that is here."""
        if not row["focus"] or row["chart"].startswith("Patient/"):
            return
        kind, _, key = row["focus"].partition("/")
        chart = self._scope.connection.execute(
            select(_resource.c.chart).where(
                _resource.c.source == row["source"],
                _resource.c.type == kind,
                _resource.c.id == key,
            )
        ).scalar_one_or_none()
        if chart:
            row["chart"] = chart

    def follow_focus(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """The other way round: what is about these rows and came before them joins their chart."""
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
        """Tasks that name no client follow what they are about into another chart, step by step.

        `moved`: references of resources whose chart has changed, with the chart that they are in
        now.
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
        """A name in the directory may stand in any row: each row is due."""
        self._scope.raw.execute(
            "UPDATE item SET next_change_at = 0 WHERE source = ?", (self._scope.source,)
        )


def follow_charts(connection: Connection) -> None:
    """Open intents stand in the chart of their resource, also when another client was named."""
    quick(connection).execute(
        "UPDATE intent SET chart = of.chart FROM resource AS of "
        "WHERE intent.state NOT IN ('acknowledged', 'undone') AND of.source = intent.source "
        "AND of.type = intent.target_type AND of.id = intent.target_id AND of.chart <> intent.chart"
    )


def directory_changed(connection: Connection) -> None:
    """What was read of a directory is to be read anew."""
    quick(connection).execute(
        "INSERT INTO meta VALUES ('directory', '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def directory_revision(connection: Connection) -> str:
    """Changes with the directory of any source, as this transaction sees it."""
    row = quick(connection).execute("SELECT value FROM meta WHERE name = 'directory'").fetchone()
    return str(row[0]) if row else ""
