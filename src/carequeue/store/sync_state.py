"""What sync knows of a source between two looks: cursors, abilities, health.

A cursor is written in the transaction of the page that it stands behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store import manifest
from carequeue.store.engine import storable
from carequeue.store.tables import CapabilityRow, HealthRow, Meta, SyncStateRow, table

_state: Final = table(SyncStateRow)
_capability: Final = table(CapabilityRow)
_health: Final = table(HealthRow)
_meta: Final = table(Meta)
#: In `meta`, beside the name of a source.
HELD: Final = "held"
_CURSOR: Final = ("watermark", "pending", "next_url", "received", "full_at", "scope", "etag")


class LastCycle(NamedTuple):
    """How a sync cycle ended. `online` None: no request was made; `why`: what went wrong, or ""."""

    online: int | None
    signed_out: int
    why: str


def cursors(connection: Connection, source: str) -> dict[str, dict[str, Any]]:
    """The cursors of a source by the names of its searches."""
    rows = connection.execute(select(_state).where(_state.c.source == source))
    return {row.search: {name: getattr(row, name) for name in _CURSOR} for row in rows}


def keep_cursor(connection: Connection, source: str, search: str, cursor: Any) -> None:
    """Write a cursor (anything with the attributes of `sync.pull_state.Cursor`)."""
    values = {name: getattr(cursor, name) for name in _CURSOR}
    for name in ("next_url", "etag"):  # the server's own text
        values[name] = storable(values[name])
    connection.execute(
        insert(_state)
        .values(source=source, search=search, **values)
        .on_conflict_do_update(index_elements=["source", "search"], set_=values)
    )


def capability(connection: Connection, source: str, name: str) -> tuple[str, str]:
    """What is declared under a name, and when that was read; "" where it never was."""
    row = connection.execute(
        select(_capability.c.declared, _capability.c.at).where(
            _capability.c.source == source, _capability.c.name == name
        )
    ).one_or_none()
    return (row.declared, row.at) if row else ("", "")


def observed(connection: Connection, source: str) -> dict[str, str]:
    """What experience says of a source."""
    rows = connection.execute(
        select(_capability.c.name, _capability.c.observed).where(
            _capability.c.source == source, _capability.c.observed != ""
        )
    )
    return dict(rows.all())


def unprotected(connection: Connection, source: str) -> bool:
    """Whether a source was seen to let a write go over what a colleague wrote meanwhile."""
    return observed(connection, source).get("if_match") in ("no", "none")


def declare(connection: Connection, source: str, name: str, declared: str, now: datetime) -> None:
    """Keep what a source declares. What was observed of it is to be seen anew from here on."""
    connection.execute(
        update(_capability).where(_capability.c.source == source).values(observed="")
    )
    _keep_capability(connection, source, name, {"declared": declared, "at": now.isoformat()})


def ask_anew(connection: Connection, source: str) -> None:
    """What a source can take is asked for with the next look: somebody says that it has changed."""
    connection.execute(
        update(_capability).where(_capability.c.source == source).values(at="", observed="")
    )


def observe(
    connection: Connection, source: str, name: str, observation: str, now: datetime
) -> None:
    """Keep what a source was seen to do; a status in its name can be the server's own text."""
    values = {"observed": observation, "at": now.isoformat()}
    _keep_capability(connection, source, storable(name), values)


def _keep_capability(
    connection: Connection, source: str, name: str, values: dict[str, str]
) -> None:
    whole = {"declared": "", "observed": "", **values}
    connection.execute(
        insert(_capability)
        .values(source=source, name=name, **whole)
        .on_conflict_do_update(index_elements=["source", "name"], set_=values)
    )


def note_progress(connection: Connection, source: str, words: str) -> None:
    """What is being fetched, for whoever looks at the header."""
    _keep_health(connection, source, {"progress": words})


def note_look(
    connection: Connection,
    source: str,
    *,
    online: bool,
    full: bool,
    why: str,
    now: datetime,
    signed_out: bool = False,
) -> None:
    """How a look ended. `full`: every search of the plan has finished.

    `why`: what went wrong, also where the look went on without it; "" where nothing did.
    """
    at = now.isoformat()
    values: dict[str, Any] = {"progress": "", "why": storable(why), "online": int(online)}
    values |= {"signed_out": int(signed_out), "last_look": at}
    if online:
        values["offline_since"] = ""
    if full:
        values["last_full"] = at
        connection.execute(
            insert(_meta)
            .values(name=f"first_full:{source}", value=str(int(now.timestamp())))
            .on_conflict_do_nothing()
        )
    if not online and not _offline_since(connection, source):
        values["offline_since"] = at
    _keep_health(connection, source, values)


def last_cycle(connection: Connection, source: str) -> LastCycle | None:
    """How the last cycle of a source ended; None where there was none."""
    row = connection.execute(
        select(_health.c.online, _health.c.signed_out, _health.c.why).where(
            _health.c.source == source
        )
    ).one_or_none()
    return LastCycle(*row) if row else None


def _offline_since(connection: Connection, source: str) -> str:
    found = connection.execute(
        select(_health.c.offline_since).where(_health.c.source == source)
    ).scalar_one_or_none()
    return found or ""


def _keep_health(connection: Connection, source: str, values: dict[str, Any]) -> None:
    words = dict.fromkeys(("offline_since", "why", "last_look", "last_full", "progress"), "")
    whole = {**words, "signed_out": 0, **values}
    connection.execute(
        insert(_health)
        .values(source=source, **whole)
        .on_conflict_do_update(index_elements=["source"], set_=values)
    )


def wanted(connection: Connection, source: str) -> tuple[str, ...]:
    """References that kept pages name and that are still to be fetched, also after a cut."""
    found = connection.execute(select(_meta.c.value).where(_meta.c.name == f"wanted:{source}"))
    return tuple((found.scalar_one_or_none() or "").split())


def want(connection: Connection, source: str, more: Iterable[str], asked: Iterable[str]) -> None:
    """In the transaction of a page: `more` is still to be fetched, `asked` no longer."""
    before = wanted(connection, source)
    over = frozenset(asked)
    left = [name for name in before if name not in over]  # in order as it was kept
    new = set(more).difference(over, left)
    if new or len(left) < len(before):
        set_meta(connection, f"wanted:{source}", " ".join(sorted((*left, *new)) if new else left))


def get_meta(connection: Connection, name: str) -> str:
    """A value of the cache itself; "" where there is none."""
    found = connection.execute(select(_meta.c.value).where(_meta.c.name == name))
    return found.scalar_one_or_none() or ""


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Keep a value of the cache itself."""
    connection.execute(
        insert(_meta)
        .values(name=name, value=(kept := storable(value)))
        .on_conflict_do_update(index_elements=["name"], set_={"value": kept})
    )


def held(connection: Connection, source: str) -> dict[str, Any] | None:
    """What a count found that is not done unasked, as the fields of `sync.reconcile.Held`.

    None where nothing waits for an answer.
    """
    try:
        found = json.loads(get_meta(connection, f"{HELD}:{source}") or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def release(connection: Connection, source: str, answer: str) -> bool:
    """A person's answer to what is held: "accept", the next count does it; "refuse", it stays.

    False, and nothing is changed, where nothing is held.
    """
    found = held(connection, source)
    if found is None:
        return False
    set_meta(connection, f"{HELD}:{source}", json.dumps({**found, "answer": answer}))
    manifest.count_anew(connection, source)
    return True
