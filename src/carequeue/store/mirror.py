"""The mirror: every resource as its source last gave it, whole, and what may move it.

A base moves by an acknowledgement, by a read back, or by a pull of a row that no intent holds back;
in every other case what the pull brought is stored next to it (`theirs_*`), so that nothing is lost
although the watermark moves on. Each change adds the charts that it touches to the scope.
Not here: how a resource becomes a row (`resource_rows.py`), what leaves (`removals.py`), the outbox
(`outbox.py`), the queue (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.timestamps import is_older
from carequeue.fhir import jsontext
from carequeue.fhir.base import Base, SavedPage
from carequeue.fhir.bundles import is_subset
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import references, shared
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.values import ID
from carequeue.store import client_search, cross_source_match
from carequeue.store.chart_membership import ChartMembership, directory_changed, follow_charts
from carequeue.store.engine import storable
from carequeue.store.intent_rows import held_rows
from carequeue.store.removals import SourceRemovals
from carequeue.store.resource_rows import (
    ResourceKey,
    ResourceValues,
    StoredRow,
    absent_references,
    resource_row,
    stored_rows,
    without_base,
)
from carequeue.store.source_scope import SourcePart, SourceScope
from carequeue.store.tables import ResourceRow, table

_resource: Final = table(ResourceRow)


class SourceMirror(SourcePart):
    """The mirrored resources of one source; see `sync.ports.MirrorPort`."""

    def __init__(self, scope: SourceScope) -> None:
        super().__init__(scope)
        self._membership = ChartMembership(scope)

    # --- reading ----------------------------------------------------------------------------------

    def base(self, kind: str, key: str) -> Base:
        """The mirrored state of one resource; an empty base if it holds nothing.

        A resource that is yet to be created here, and exists on the server all the same, has no
        body, and the server's version as `theirs`.
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

        A row with a newer version stored next to its base gives that version, and no instant. Rows
        whose id could not be asked for, or that are known to be gone, are left out.
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
        """Id -> ISO instant of the rows of a type whose deletion a history told."""
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
        """Save what a source gave. A malformed resource is saved and named, and stops nothing.

        A partial resource is never saved: it counts as missing, to be fetched whole.

        `known_only`: only resources that are mirrored already. A version that is older than the
        base by its own `meta.lastUpdated` is left out: a search may lag behind what the same server
        has answered already. `even_older`: a person has said that the server was restored.
        """
        if known_only:
            resources = self._only_known(resources)
        saved = SavedPage()
        page = self._page(resources, now, saved)
        known = stored_rows(self._scope, page.keys())
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
        """The resources that are mirrored already; none without a usable id is."""
        keys = [_key_of(resource) for resource in resources]
        known = stored_rows(self._scope, keys)
        return [resource for key, resource in zip(keys, resources, strict=True) if key in known]

    def _page(
        self, resources: Sequence[Any], now: datetime, saved: SavedPage
    ) -> dict[ResourceKey, tuple[ResourceValues, Any]]:
        """The rows of a page by type and id; partial resources are only named, in `saved`."""
        page: dict[ResourceKey, tuple[ResourceValues, Any]] = {}
        for resource in resources:
            if is_subset(resource):
                saved.parts.add(own_reference(resource))
                continue
            row = resource_row(self._scope.source, resource, now, self._scope.base_url)
            shown = page.get(_name(row))
            if shown and is_older(row["last_updated"], shown[0]["last_updated"], now):
                continue  # the page shows it twice: the newer counts, whatever their order
            page[_name(row)] = (row, resource)
        return page

    def _write(
        self, news: Sequence[ResourceValues], known: Mapping[ResourceKey, StoredRow]
    ) -> None:
        """New versions become bases, or are stored next to a base that an open intent holds."""
        held = held_rows(self._scope)
        bases = [row for row in news if _name(row) not in held]
        beside = [row for row in news if _name(row) in held]
        # We are creating a resource that exists already: the read back compares the two.
        empty = [row for row in beside if _name(row) not in known or not known[_name(row)].here]
        self._upsert(bases)
        self._upsert([without_base(row) for row in empty])
        self._scope.raw.executemany(
            "UPDATE resource SET theirs_body = :body, theirs_version = :version_id, "
            "theirs_digest = :digest, theirs_gone = '' "
            "WHERE source = :source AND type = :type AND id = :id",
            beside,
        )
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
        """Make what the server returned the base; nothing is stored next to it any more."""
        row = resource_row(self._scope.source, resource, now, self._scope.base_url)
        row["version_id"] = storable(version) or row["version_id"]
        self._membership.adopt(row)
        before = stored_rows(self._scope, [_name(row)]).get(_name(row))
        # Our own act is no news: the time of arrival stays.
        row["received_at"] = before.received_at if before else 0
        self._upsert([row])
        self._scope.touch([row["chart"]])
        if before and before.chart != row["chart"]:
            self._scope.touch([before.chart])
            self._membership.follow_moved({f"{row['type']}/{row['id']}": row["chart"]})

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        """Once the last intent on a row is closed, make the server's version its base.

        If the source no longer gives the resource, the row leaves.
        """
        base = self.base(kind, key)
        if not (base.gone or base.theirs) or (kind, key) in held_rows(self._scope):
            return
        if base.gone:
            SourceRemovals(self._scope).leave({f"{kind}/{key}": ""}, base.gone)
        elif base.theirs is not None:
            self.move_base(base.theirs, base.theirs_version, now)

    # --- rows -------------------------------------------------------------------------------------

    def _row(self, columns: str, kind: str, key: str) -> tuple[Any, ...] | None:
        """These columns of one row; None if there is no row."""
        row: tuple[Any, ...] | None = self._scope.raw.execute(
            f"SELECT {columns} FROM resource WHERE source = ? AND type = ? AND id = ?",
            (self._scope.source, kind, key),
        ).fetchone()
        return row

    def _upsert(self, rows: Sequence[ResourceValues]) -> None:
        if not rows:
            return
        self._scope.connection.execute(_UPSERT, list(rows))
        cross_source_match.keep(self._scope.connection, rows)
        client_search.keep(self._scope.connection, rows)
        if any(shared(row["type"]) for row in rows):
            directory_changed(self._scope.connection)
        follow_charts(self._scope.connection)


_INSERT: Final = insert(_resource)
_OWN: Final = ("source", "type", "id")
_UPSERT: Final = _INSERT.on_conflict_do_update(
    index_elements=_OWN,
    set_={col.name: col for col in _INSERT.excluded if col.name not in _OWN},
)


def _name(row: ResourceValues) -> ResourceKey:
    return row["type"], row["id"]


def _is_news(row: ResourceValues, old: StoredRow, now: datetime, even_older: bool) -> bool:
    if old.digest == row["digest"]:
        return False
    return even_older or not is_older(row["last_updated"], old.updated, now)


def _key_of(resource: Any) -> ResourceKey:
    kind, _, key = own_reference(resource).partition("/")
    return kind, key
