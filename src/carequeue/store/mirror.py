"""The mirror: every resource as its source last gave it, whole, and what may move it.

A base moves by acknowledgement, by settling, or by a pull of a row that no intent holds back;
in every other case what the pull brought is laid beside it (`theirs_*`), so that nothing is lost
although the watermark moves on. Content is compared by digest: servers without versions exist.
Not here: reading FHIR (`fhir/`), the outbox (`outbox.py`), the queue (`projection.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.intents import HOLDING_STATES
from carequeue.fhir import jsontext
from carequeue.fhir.base import Base, Saved
from carequeue.fhir.bundles import is_subset
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import chart_of, references, shared, trouble
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.values import ID, reference
from carequeue.store import cross_source_match, removals
from carequeue.store.base_lock import held_rows, is_before
from carequeue.store.chart_membership import (
    directory_changed,
    follow_charts,
    follow_focus,
    follow_moved,
    place,
)
from carequeue.store.engine import storable
from carequeue.store.tables import IntentRow, ResourceRow, table

resource_table: Final = table(ResourceRow)
_intent: Final = table(IntentRow)
_CHUNK: Final = 400  # rows a statement, well under SQLite's limit of variables


class _Known(NamedTuple):
    """What is mirrored of a row: the digest is that of what lies beside, if anything does."""

    digest: str
    chart: str
    updated: str
    here: bool


def save(
    connection: Connection,
    source: str,
    resources: Sequence[Any],
    now: datetime,
    base_url: str = "",
    *,
    even_older: bool = False,
) -> Saved:
    """Keep what a source gave. Malformed resources are kept and named, and stop nothing.

    What is a part of a resource only is never kept: it is missing, to be fetched whole.

    A version that is older than the base by its own `meta.lastUpdated` is left out: a search may
    lag behind what the same server has answered already. `even_older`: a person has said that the
    server was set back.
    `base_url`: references that begin with it are the source's own.
    """
    saved = Saved()
    rows: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}
    for resource in resources:
        if is_subset(resource):
            saved.parts.add(own_reference(resource))
            continue
        row = _row(source, resource, now, base_url)
        name = (row["type"], row["id"])
        if name in rows and is_before(row["last_updated"], rows[name][0]["last_updated"], now):
            continue  # the page shows it twice: the newer holds, whatever their order
        rows[name] = (row, resource)
    known = _known(connection, source, list(rows))
    held = held_rows(connection, source)
    upserts, asides, shells = [], [], []
    for name, (row, resource) in rows.items():
        place(connection, row, resource)
        old = known.get(name)
        if isinstance(resource, dict):
            saved.missing |= references(resource, base_url)
        if old and not _is_news(row, old, now, even_older):
            continue
        saved.changed += 1
        if name in held:
            asides.append(row)
            if not (old and old.here):  # what we are making is there already: settling compares it
                shells.append(_shell(row))
        else:
            upserts.append(row)
            saved.directory_changed |= shared(row["type"])
            saved.charts.add((source, row["chart"]))
            if old:
                saved.charts.add((source, old.chart))
    _upsert(connection, upserts)
    _upsert(connection, shells)
    _lay_beside(connection, asides)
    saved.charts |= follow_focus(connection, source, upserts)
    moved = {
        f"{row['type']}/{row['id']}": row["chart"]
        for row in upserts
        if (old := known.get((row["type"], row["id"]))) and old.chart != row["chart"]
    }
    saved.charts |= follow_moved(connection, source, moved, base_url)
    saved.missing = _absent(connection, source, saved.missing) | (saved.parts - {""})
    return saved


def _is_news(row: dict[str, Any], old: _Known, now: datetime, even_older: bool) -> bool:
    if old.digest == row["digest"]:
        return False
    return even_older or not is_before(row["last_updated"], old.updated, now)


def _shell(row: dict[str, Any]) -> dict[str, Any]:
    """A row without a base, for something to lie beside."""
    return {**row, "body": "", "digest": "", "version_id": "", "last_updated": ""}


def _row(source: str, resource: Any, now: datetime, base_url: str) -> dict[str, Any]:
    body = jsontext.dumps(resource).decode()
    why = trouble(resource) or ""
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    kind, key, focus, chart = "", "", "", ""
    meta: Any = None
    if isinstance(resource, dict):
        kind, key = _text(resource, "resourceType"), _row_id(resource.get("id"))
        meta = resource.get("meta")
        focus = reference(resource.get("focus"), base_url) if kind == "Task" else ""
        chart = chart_of(resource, base_url)
    return {
        "source": source,
        "type": kind[:64] or "?",
        "id": key or f"?{digest}",
        "version_id": _text(meta, "versionId"),
        "last_updated": _text(meta, "lastUpdated"),
        "digest": digest,
        "chart": chart or f"?/{digest}",
        "focus": focus,
        "body": body,
        "theirs_body": None,
        "theirs_version": None,
        "theirs_digest": None,
        "theirs_gone": "",
        "trouble": why,
        "gone": "",
        "received_at": int(now.timestamp()),
    }


def _row_id(found: Any) -> str:
    """The id of a row: the resource's own, else a name that no FHIR id can have.

    A number, or a text that would have to be cut, must not become the name of another resource:
    it would take that one's place. "" where there is no id at all.
    """
    if isinstance(found, str) and (ID.fullmatch(found) or not found):
        return found
    if found is None:
        return ""
    mark = hashlib.blake2b(jsontext.dumps(found), digest_size=8).hexdigest()
    return f"!{storable(str(found))[:100]}!{mark}"


def _text(holder: Any, name: str) -> str:
    value = holder.get(name, "") if isinstance(holder, dict) else ""
    return storable(value if isinstance(value, str) else str(value))


def _known(
    connection: Connection, source: str, names: list[tuple[str, str]]
) -> dict[tuple[str, str], _Known]:
    """(type, id) -> what is mirrored of it. What is gone has no digest: it may come back."""
    found: dict[tuple[str, str], _Known] = {}
    columns = resource_table.c
    for kind in {kind for kind, _ in names}:
        keys = [key for of, key in names if of == kind]
        for start in range(0, len(keys), _CHUNK):
            rows = connection.execute(
                select(
                    columns.id,
                    columns.digest,
                    columns.theirs_digest,
                    columns.theirs_gone,
                    columns.chart,
                    columns.last_updated,
                ).where(
                    columns.source == source,
                    columns.type == kind,
                    columns.id.in_(keys[start : start + _CHUNK]),
                )
            )
            for key, digest, theirs, left, chart, updated in rows:
                shown = "" if left else theirs or digest
                found[kind, key] = _Known(shown, chart, updated, bool(digest))
    return found


def _upsert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(resource_table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "type", "id"],
            set_={
                name: statement.excluded[name]
                for name in rows[0]
                if name not in ("source", "type", "id")
            },
        ),
        rows,
    )
    cross_source_match.keep(connection, rows)
    if any(shared(row["type"]) for row in rows):
        directory_changed(connection)
    follow_charts(connection)


def _lay_beside(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = resource_table.c
    connection.execute(
        update(resource_table)
        .where(
            columns.source == bindparam("of_source"),
            columns.type == bindparam("of_type"),
            columns.id == bindparam("of_id"),
        )
        .values(
            theirs_body=bindparam("new_body"),
            theirs_version=bindparam("new_version"),
            theirs_digest=bindparam("new_digest"),
            theirs_gone="",
        ),
        [
            {
                "of_source": row["source"],
                "of_type": row["type"],
                "of_id": row["id"],
                "new_body": row["body"],
                "new_version": row["version_id"],
                "new_digest": row["digest"],
            }
            for row in rows
        ],
    )


def _absent(connection: Connection, source: str, names: set[str]) -> set[str]:
    """Those references that no row answers, not even one that says "not found"."""
    pairs = [tuple(name.split("/", 1)) for name in names if "/" in name]
    known = _known(connection, source, [(kind, key) for kind, key in pairs])
    return {f"{kind}/{key}" for kind, key in pairs if (kind, key) not in known}


def base(connection: Connection, source: str, kind: str, key: str) -> Base:
    """What the mirror holds of one resource; an empty base where it holds nothing.

    Of what is yet to be created and is there all the same: no body, and the server's own beside.
    """
    columns = resource_table.c
    row = connection.execute(
        select(
            columns.body,
            columns.version_id,
            columns.theirs_body,
            columns.theirs_version,
            columns.theirs_gone,
        ).where(columns.source == source, columns.type == kind, columns.id == key)
    ).one_or_none()
    if row is None:
        return Base(None, "")
    theirs = jsontext.loads(row.theirs_body) if row.theirs_body else None
    body = jsontext.loads(row.body) if row.body else None
    return Base(body, row.version_id, theirs, row.theirs_version or "", row.theirs_gone)


def is_malformed(connection: Connection, source: str, kind: str, key: str) -> bool:
    """Whether a resource came in a form that could not be read whole."""
    columns = resource_table.c
    trouble = connection.execute(
        select(columns.trouble).where(
            columns.source == source, columns.type == kind, columns.id == key
        )
    ).scalar_one_or_none()
    return bool(trouble)


def move_base(
    connection: Connection,
    source: str,
    resource: Resource,
    version: str,
    now: datetime,
    base_url: str = "",
) -> set[tuple[str, str]]:
    """Make what the server returned the base; the charts that this touches. Nothing lies beside."""
    row = _row(source, resource, now, base_url)
    row["version_id"] = storable(version) or row["version_id"]
    place(connection, row, resource)
    known = _known(connection, source, [(row["type"], row["id"])])
    old = known.get((row["type"], row["id"]))
    if old:  # our own act is no news: the time of arrival stays
        columns = resource_table.c
        row["received_at"] = connection.execute(
            select(columns.received_at).where(
                columns.source == source, columns.type == row["type"], columns.id == row["id"]
            )
        ).scalar_one()
    else:
        row["received_at"] = 0
    _upsert(connection, [row])
    charts = {(source, row["chart"])}
    if old and old.chart != row["chart"]:
        moved = {f"{row['type']}/{row['id']}": row["chart"]}
        charts |= {(source, old.chart)} | follow_moved(connection, source, moved, base_url)
    return charts


def apply_theirs(
    connection: Connection,
    source: str,
    kind: str,
    key: str,
    now: datetime,
    base_url: str = "",
) -> set[tuple[str, str]]:
    """Once the last intent on a row is closed, what lay beside it becomes its base.

    Or it leaves, where the source no longer gives it.
    """
    columns = resource_table.c
    held = connection.execute(
        select(_intent.c.id)
        .where(
            _intent.c.source == source,
            _intent.c.target_type == kind,
            _intent.c.target_id == key,
            _intent.c.state.in_(sorted(HOLDING_STATES)),
        )
        .limit(1)
    ).first()
    row = connection.execute(
        select(columns.theirs_body, columns.theirs_version, columns.theirs_gone).where(
            columns.source == source, columns.type == kind, columns.id == key
        )
    ).one_or_none()
    if held or row is None:
        return set()
    if row.theirs_gone:
        return removals.leave(connection, source, [f"{kind}/{key}"], row.theirs_gone)
    if not row.theirs_body:
        return set()
    return move_base(
        connection, source, jsontext.loads(row.theirs_body), row.theirs_version or "", now, base_url
    )


def only_known(connection: Connection, source: str, resources: Sequence[Any]) -> list[Any]:
    """Those that are mirrored already: the refresh of what is only referred to adds nothing.

    What has no id that could be referred to is none of them.
    """
    named = [(_pair(one), one) for one in resources]
    known = _known(connection, source, [pair for pair, _ in named])
    return [one for pair, one in named if pair in known]


def _pair(resource: Any) -> tuple[str, str]:
    kind, _, key = own_reference(resource).partition("/")
    return kind, key
