"""The mirror: every resource as its source last gave it, whole, and what may move it.

A base moves by acknowledgement, by settling, or by a pull of a row that no intent holds back;
in every other case what the pull brought is laid beside it (`theirs_*`), so that nothing is lost
although the watermark moves on. Content is compared by digest: servers without versions exist.
Each change adds the charts that it touches to the scope. Not here: how a resource becomes a row
(`resource_rows.py`), what leaves (`removals.py`), the outbox (`outbox.py`), the queue
(`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.fhir import jsontext
from carequeue.fhir.base import Base, SavedPage
from carequeue.fhir.bundles import is_subset
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import references, shared
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.values import ID
from carequeue.store import cross_source_match
from carequeue.store.base_lock import HOLDING_SQL, held_rows, is_before
from carequeue.store.chart_membership import ChartMembership, directory_changed, follow_charts
from carequeue.store.engine import storable
from carequeue.store.mirrored_rows import (
    MirroredRow,
    ResourceKey,
    absent_references,
    mirrored_rows,
)
from carequeue.store.removals import SourceRemovals
from carequeue.store.resource_rows import ResourceValues, resource_row, without_base
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import ResourceRow, table

_resource: Final = table(ResourceRow)


class SourceMirror:
    """The mirrored resources of one source; see `sync.ports.MirrorPort`."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope
        self._membership = ChartMembership(scope)
        self._removals = SourceRemovals(scope)

    # --- reading ----------------------------------------------------------------------------------

    def base(self, kind: str, key: str) -> Base:
        """What the mirror holds of one resource; an empty base where it holds nothing.

        Of what is yet to be created and is there all the same: no body, and the server's own
        beside.
        """
        columns = "body, version_id, theirs_body, theirs_version, theirs_gone"
        row = self._row(columns, kind, key)
        if row is None:
            return Base(None, "")
        body, version, their_body, their_version, gone = row
        theirs = jsontext.loads(their_body) if their_body else None
        own = jsontext.loads(body) if body else None
        return Base(own, version, theirs, their_version or "", gone)

    def is_malformed(self, kind: str, key: str) -> bool:
        """Whether a resource came in a form that could not be read whole."""
        row = self._row("trouble", kind, key)
        return row is not None and bool(row[0])

    def versions(self, kind: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of the rows of a type that are here, as a manifest has it.

        Of a row beside which the server's own stands, that one's version. What has no id that
        could be asked for is left out, and so is what is known to be gone.
        """
        rows = self._scope.raw.execute(
            "SELECT id, version_id, last_updated, theirs_version, theirs_body IS NOT NULL "
            "FROM resource WHERE source = ? AND type = ? AND body <> '' AND theirs_gone = ''",
            (self._scope.source, kind),
        )
        return {
            key: (theirs or "", "") if beside else (version, updated)
            for key, version, updated, theirs, beside in rows.fetchall()
            if ID.fullmatch(key)
        }

    def deletions(self, kind: str) -> Mapping[str, str]:
        """Id -> ISO instant of the rows of a type of which a history told when they left."""
        rows = self._scope.raw.execute(
            "SELECT id, last_updated FROM resource "
            "WHERE source = ? AND type = ? AND body = '' AND gone <> '' AND last_updated <> ''",
            (self._scope.source, kind),
        )
        return dict(rows.fetchall())

    def count(self) -> int:
        """How many resources of the source are here, of all types."""
        (count,) = self._scope.raw.execute(
            "SELECT count(*) FROM resource WHERE source = ? AND body <> ''", (self._scope.source,)
        ).fetchone()
        return int(count)

    # --- a page of a pull -------------------------------------------------------------------------

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> SavedPage:
        """Keep what a source gave. Malformed resources are kept and named, and stop nothing.

        What is a part of a resource only is never kept: it is missing, to be fetched whole.

        `known_only`: only of what is mirrored already. A version that is older than the base by its
        own `meta.lastUpdated` is left out: a search may lag behind what the same server has
        answered already. `even_older`: a person has said that the server was set back.
        """
        if known_only:
            resources = self._only_known(resources)
        saved = SavedPage()
        page = self._page(resources, now, saved)
        known = mirrored_rows(self._scope, list(page))
        news: list[ResourceValues] = []
        for name, (row, resource) in page.items():
            if isinstance(resource, dict):
                saved.missing |= references(resource, self._scope.base_url)
            if name not in known or _is_news(row, known[name], now, even_older):
                self._membership.adopt(row)
                news.append(row)
        saved.changed = len(news)
        self._write(news, known)
        saved.missing = absent_references(self._scope, saved.missing) | (saved.parts - {""})
        return saved

    def _only_known(self, resources: Sequence[Any]) -> list[Any]:
        """Those that are mirrored already: the refresh of what is only referred to adds nothing.

        What has no id that could be referred to is none of them.
        """
        named = [(_key_of(resource), resource) for resource in resources]
        known = mirrored_rows(self._scope, [key for key, _ in named])
        return [resource for key, resource in named if key in known]

    def _page(
        self, resources: Sequence[Any], now: datetime, saved: SavedPage
    ) -> dict[ResourceKey, tuple[ResourceValues, Any]]:
        """The rows of a page by type and id; parts of resources are only named, in `saved`."""
        page: dict[ResourceKey, tuple[ResourceValues, Any]] = {}
        for resource in resources:
            if is_subset(resource):
                saved.parts.add(own_reference(resource))
                continue
            row = resource_row(self._scope.source, resource, now, self._scope.base_url)
            shown = page.get(_name(row))
            if shown and is_before(row["last_updated"], shown[0]["last_updated"], now):
                continue  # the page shows it twice: the newer holds, whatever their order
            page[_name(row)] = (row, resource)
        return page

    def _write(
        self, news: Sequence[ResourceValues], known: Mapping[ResourceKey, MirroredRow]
    ) -> None:
        """New versions become bases, or lie beside the base where an open intent holds the row."""
        held = held_rows(self._scope)
        bases = [row for row in news if _name(row) not in held]
        beside = [row for row in news if _name(row) in held]
        # What we are making is there already: settling compares it.
        empty = [row for row in beside if _name(row) not in known or not known[_name(row)].here]
        self._upsert(bases)
        self._upsert([without_base(row) for row in empty])
        self._lay_beside(beside)
        self._membership.follow_focus(bases)
        before = {_name(row): known[_name(row)].chart for row in bases if _name(row) in known}
        self._membership.follow_moved(
            {
                f"{row['type']}/{row['id']}": row["chart"]
                for row in bases
                if before.get(_name(row), row["chart"]) != row["chart"]
            }
        )
        self._scope.touch([*(row["chart"] for row in bases), *before.values()])
        if any(shared(row["type"]) for row in bases):
            self._membership.mark_due()

    # --- moving a base ----------------------------------------------------------------------------

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        """Make what the server returned the base; nothing lies beside it then."""
        row = resource_row(self._scope.source, resource, now, self._scope.base_url)
        row["version_id"] = storable(version) or row["version_id"]
        self._membership.adopt(row)
        before = mirrored_rows(self._scope, [_name(row)]).get(_name(row))
        # Our own act is no news: the time of arrival stays.
        received = self._row("received_at", *_name(row)) if before else None
        row["received_at"] = received[0] if received else 0
        self._upsert([row])
        self._scope.touch([row["chart"]])
        if before and before.chart != row["chart"]:
            self._scope.touch([before.chart])
            self._membership.follow_moved({f"{row['type']}/{row['id']}": row["chart"]})

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        """Once the last intent on a row is closed, what lay beside it becomes its base.

        Or the row leaves, where the source no longer gives it.
        """
        row = self._row("theirs_body, theirs_version, theirs_gone", kind, key)
        if row is None or self._is_held(kind, key):
            return
        body, version, gone = row
        if gone:
            self._removals.leave([f"{kind}/{key}"], gone)
        elif body:
            self.move_base(jsontext.loads(body), version or "", now)

    # --- rows -------------------------------------------------------------------------------------

    def _row(self, columns: str, kind: str, key: str) -> tuple[Any, ...] | None:
        """These columns of one row; None where there is no row."""
        row: tuple[Any, ...] | None = self._scope.raw.execute(
            f"SELECT {columns} FROM resource WHERE source = ? AND type = ? AND id = ?",
            (self._scope.source, kind, key),
        ).fetchone()
        return row

    def _is_held(self, kind: str, key: str) -> bool:
        """Whether an open intent holds the base of a row."""
        held = self._scope.raw.execute(
            f"SELECT 1 FROM intent WHERE {HOLDING_SQL} "
            "AND source = ? AND target_type = ? AND target_id = ? LIMIT 1",
            (self._scope.source, kind, key),
        )
        return held.fetchone() is not None

    def _upsert(self, rows: Sequence[ResourceValues]) -> None:
        if not rows:
            return
        self._scope.connection.execute(_UPSERT, list(rows))
        cross_source_match.keep(self._scope.connection, rows)
        if any(shared(row["type"]) for row in rows):
            directory_changed(self._scope.connection)
        follow_charts(self._scope.connection)

    def _lay_beside(self, rows: Sequence[ResourceValues]) -> None:
        if rows:
            self._scope.connection.execute(_LAY_BESIDE, [_beside(row) for row in rows])


_INSERT: Final = insert(_resource)
_OWN: Final = ("source", "type", "id")
_UPSERT: Final = _INSERT.on_conflict_do_update(
    index_elements=_OWN,
    set_={col.name: col for col in _INSERT.excluded if col.name not in _OWN},
)
_LAY_BESIDE: Final = (
    update(_resource)
    .where(
        _resource.c.source == bindparam("of_source"),
        _resource.c.type == bindparam("of_type"),
        _resource.c.id == bindparam("of_id"),
    )
    .values(
        theirs_body=bindparam("new_body"),
        theirs_version=bindparam("new_version"),
        theirs_digest=bindparam("new_digest"),
        theirs_gone="",
    )
)


def _beside(row: ResourceValues) -> dict[str, Any]:
    return {
        "of_source": row["source"],
        "of_type": row["type"],
        "of_id": row["id"],
        "new_body": row["body"],
        "new_version": row["version_id"],
        "new_digest": row["digest"],
    }


def _name(row: ResourceValues) -> ResourceKey:
    return row["type"], row["id"]


def _is_news(row: ResourceValues, old: MirroredRow, now: datetime, even_older: bool) -> bool:
    if old.digest == row["digest"]:
        return False
    return even_older or not is_before(row["last_updated"], old.updated, now)


def _key_of(resource: Any) -> ResourceKey:
    kind, _, key = own_reference(resource).partition("/")
    return kind, key
