"""The mirror: every resource as its source last gave it, whole, and what may move it.

A base moves by acknowledgement, by settling, or by a pull of a row that no intent holds back;
in every other case what the pull brought is laid beside it (`theirs_*`), so that nothing is lost
although the watermark moves on. Content is compared by digest: servers without versions exist.
Not here: reading FHIR (`fhir/`), the outbox (`outbox.py`), the queue (`projection.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.domain.intents import HOLDING_STATES
from carequeue.fhir import jsontext
from carequeue.fhir.chart import Resource
from carequeue.fhir.read import chart_of, references, shared, trouble
from carequeue.fhir.values import ID, reference
from carequeue.store.engine import quick, storable
from carequeue.store.tables import AliasRow, IntentRow, ResourceRow, table

resource_table: Final = table(ResourceRow)
_intent: Final = table(IntentRow)
_alias: Final = table(AliasRow)
_CHUNK: Final = 400  # rows a statement, well under SQLite's limit of variables


@dataclass(slots=True)
class Saved:
    """What a page changed: charts to project anew, rows, and references that are not here yet."""

    charts: set[tuple[str, str]] = field(default_factory=set)
    changed: int = 0
    directory_changed: bool = False
    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Base:
    """The mirrored state of one resource; `theirs` is what the server has meanwhile, if known."""

    body: Resource | None
    version: str
    theirs: Resource | None = None
    theirs_version: str = ""


def save(
    connection: Connection,
    source: str,
    resources: Sequence[Any],
    now: datetime,
    base_url: str = "",
) -> Saved:
    """Keep what a source gave. Malformed resources are kept and named, and stop nothing.

    A version that is older than the base by its own `meta.lastUpdated` is left out: a search may
    lag behind what the same server has answered already.
    `base_url`: references that begin with it are the source's own.
    """
    saved = Saved()
    rows = {}
    for resource in resources:
        row = _row(source, resource, now, base_url)
        rows[row["type"], row["id"]] = (row, resource)
    known = _known(connection, source, list(rows))
    held = _held(connection, source)
    upserts, asides = [], []
    for name, (row, resource) in rows.items():
        _place(connection, row, resource)
        old = known.get(name)
        if isinstance(resource, dict):
            saved.missing |= references(resource, base_url)
        if old and (old[0] == row["digest"] or _is_before(row["last_updated"], old[2])):
            continue
        saved.changed += 1
        if name in held and old and old[0]:
            asides.append(row)
        else:
            upserts.append(row)
            saved.directory_changed |= shared(row["type"])
            saved.charts.add((source, row["chart"]))
            if old:
                saved.charts.add((source, old[1]))
    _upsert(connection, upserts)
    _lay_beside(connection, asides)
    _follow_focus(connection, source, upserts, saved)
    saved.missing = _absent(connection, source, saved.missing)
    return saved


def _is_before(came: str, kept: str) -> bool:
    """Whether both are instants, and what came is the earlier."""
    try:
        one, other = datetime.fromisoformat(came), datetime.fromisoformat(kept)
    except ValueError:
        return False
    return bool(one.tzinfo and other.tzinfo) and one < other


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


def _place(connection: Connection, row: dict[str, Any], resource: Any) -> None:
    """A Task that names no client stands in the chart of what it is about, if that is here."""
    if not row["focus"] or row["chart"].startswith("Patient/"):
        return
    kind, _, key = row["focus"].partition("/")
    found = connection.execute(
        select(resource_table.c.chart).where(
            resource_table.c.source == row["source"],
            resource_table.c.type == kind,
            resource_table.c.id == key,
        )
    ).scalar_one_or_none()
    if found:
        row["chart"] = found


def _follow_focus(
    connection: Connection, source: str, rows: Iterable[dict[str, Any]], saved: Saved
) -> None:
    """The other way round: what is about these rows and came before them moves to their chart."""
    orphans = quick(connection).execute(
        "SELECT type, id, focus, chart FROM resource INDEXED BY resource_orphan "
        "WHERE source = ? AND focus <> '' AND substr(chart, 1, 8) <> 'Patient/'",
        (source,),
    )
    by_focus: dict[str, list[tuple[str, str, str]]] = {}
    for kind, key, focus, chart in orphans.fetchall():
        by_focus.setdefault(focus, []).append((kind, key, chart))
    for row in rows:
        for kind, key, chart in by_focus.get(f"{row['type']}/{row['id']}", ()):
            quick(connection).execute(
                "UPDATE resource SET chart = ? WHERE source = ? AND type = ? AND id = ?",
                (row["chart"], source, kind, key),
            )
            saved.charts |= {(source, chart), (source, row["chart"])}
    _follow_charts(connection)


def _known(
    connection: Connection, source: str, names: list[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(type, id) -> (digest, chart, last updated) of what is mirrored.

    The digest is that of what lies beside, if any; the instant is the base's.
    """
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    columns = resource_table.c
    for kind in {kind for kind, _ in names}:
        keys = [key for of, key in names if of == kind]
        for start in range(0, len(keys), _CHUNK):
            rows = connection.execute(
                select(
                    columns.id,
                    columns.digest,
                    columns.theirs_digest,
                    columns.chart,
                    columns.last_updated,
                ).where(
                    columns.source == source,
                    columns.type == kind,
                    columns.id.in_(keys[start : start + _CHUNK]),
                )
            )
            for key, digest, theirs, chart, updated in rows:
                found[kind, key] = (theirs or digest, chart, updated)
    return found


def _held(connection: Connection, source: str) -> set[tuple[str, str]]:
    rows = connection.execute(
        select(_intent.c.target_type, _intent.c.target_id).where(
            _intent.c.source == source, _intent.c.state.in_(sorted(HOLDING_STATES))
        )
    )
    return {(kind, key) for kind, key in rows}


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
    if any(shared(row["type"]) for row in rows):
        quick(connection).execute(
            "INSERT INTO meta VALUES ('directory', '1') "
            "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
        )
    _follow_charts(connection)


def _follow_charts(connection: Connection) -> None:
    """Open intents stand in the chart of their resource, also when another client was named."""
    quick(connection).execute(
        "UPDATE intent SET chart = of.chart FROM resource AS of "
        "WHERE intent.state NOT IN ('acknowledged', 'undone') AND of.source = intent.source "
        "AND of.type = intent.target_type AND of.id = intent.target_id AND of.chart <> intent.chart"
    )


def directory_revision(connection: Connection) -> str:
    """Changes with the directory of any source, as this transaction sees it."""
    found = quick(connection).execute("SELECT value FROM meta WHERE name = 'directory'").fetchone()
    return str(found[0]) if found else ""


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
                "theirs_version": None, "theirs_digest": None, "trouble": "", "gone": why,
                "received_at": int(now.timestamp()),
            }
        )  # fmt: skip
    if rows:
        connection.execute(insert(resource_table).on_conflict_do_nothing(), rows)


def base(connection: Connection, source: str, kind: str, key: str) -> Base:
    """What the mirror holds of one resource; an empty base where it holds nothing."""
    columns = resource_table.c
    row = connection.execute(
        select(columns.body, columns.version_id, columns.theirs_body, columns.theirs_version).where(
            columns.source == source, columns.type == kind, columns.id == key
        )
    ).one_or_none()
    if row is None or not row.body:
        return Base(None, "")
    theirs = jsontext.loads(row.theirs_body) if row.theirs_body else None
    return Base(jsontext.loads(row.body), row.version_id, theirs, row.theirs_version or "")


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
    _place(connection, row, resource)
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
    return charts | {(source, old[1])} if old else charts


def apply_theirs(
    connection: Connection,
    source: str,
    kind: str,
    key: str,
    now: datetime,
    base_url: str = "",
) -> set[tuple[str, str]]:
    """Once the last intent on a row is closed, what lay beside it becomes its base."""
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
        select(columns.theirs_body, columns.theirs_version).where(
            columns.source == source, columns.type == kind, columns.id == key
        )
    ).one_or_none()
    if held or row is None or not row.theirs_body:
        return set()
    return move_base(
        connection, source, jsontext.loads(row.theirs_body), row.theirs_version or "", now, base_url
    )


def only_known(connection: Connection, source: str, resources: Sequence[Any]) -> list[Any]:
    """Those that are mirrored already: the refresh of what is only referred to adds nothing."""
    named = [
        (str(one.get("resourceType", "")), str(one.get("id", "")))
        for one in resources
        if isinstance(one, dict)
    ]
    known = _known(connection, source, named)
    return [
        one
        for one in resources
        if isinstance(one, dict)
        and (str(one.get("resourceType", "")), str(one.get("id", ""))) in known
    ]


def charts(connection: Connection, source: str) -> set[str]:
    """Every chart of a source."""
    found = quick(connection).execute(
        "SELECT DISTINCT chart FROM resource WHERE source = ? AND body <> ''", (source,)
    )
    return {chart for (chart,) in found}


def mark_due(connection: Connection, source: str) -> None:
    """A name in the directory may stand in any row: each is made anew, as if its time had come."""
    quick(connection).execute("UPDATE item SET next_change_at = 0 WHERE source = ?", (source,))


def aliases(connection: Connection, source: str) -> dict[str, str]:
    """Local reference -> server reference of all that was created here."""
    rows = connection.execute(select(_alias).where(_alias.c.source == source))
    return {f"{row.type}/{row.local_id}": f"{row.type}/{row.server_id}" for row in rows}


def name_on_server(
    connection: Connection, source: str, kind: str, local_id: str, server_id: str
) -> None:
    """Write down the server's id of what was created here; its intents follow it."""
    if local_id == server_id:
        return
    connection.execute(
        insert(_alias)
        .values(source=source, type=kind, local_id=local_id, server_id=server_id)
        .on_conflict_do_update(
            index_elements=["source", "type", "local_id"], set_={"server_id": server_id}
        )
    )
    connection.execute(
        update(_intent)
        .where(
            _intent.c.source == source,
            _intent.c.target_type == kind,
            _intent.c.target_id == local_id,
        )
        .values(target_id=server_id)
    )
