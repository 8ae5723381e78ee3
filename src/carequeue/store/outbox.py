"""The outbox: what a person decided, until the server has it, and the history of it after.

An intent changes its state by an event of `domain.intents.TRANSITIONS` and in no other way;
nothing here deletes one. `mark` writes the attempt down before the bytes leave.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from carequeue.domain.intents import (
    CAUSES,
    OPEN_STATES,
    ClientIdentity,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
    step,
)
from carequeue.fhir import intent_effects, jsontext, values
from carequeue.store.engine import quick, storable
from carequeue.store.tables import AttemptRow, IntentRow, ToldRow, table

_intent: Final = table(IntentRow)
_attempt: Final = table(AttemptRow)
_told: Final = table(ToldRow)
_CLOSED: Final = frozenset({IntentState.ACKNOWLEDGED, IntentState.UNDONE})
_OPEN: Final = sorted(OPEN_STATES)
_COLUMNS: Final = (
    "id, group_id, seq, source, target_type, target_id, item_key, kind, args, verb, decided_at, "
    "author, author_name, chart, seen, after, inverse_of, state, attempts, settles, words, schema, "
    "busy, window, client, cause"
)


def append(connection: Connection, intents: Iterable[Intent]) -> None:
    """Keep decisions, in this order; their `seq` is given here."""
    rows = [
        {
            "id": intent.id,
            "group_id": intent.group,
            "after": intent.after,
            "source": intent.source,
            "target_type": intent.target_type,
            "target_id": intent.target_id,
            "chart": intent.chart,
            "item_key": intent.item_key,
            "kind": intent.kind.value,
            "args": jsontext.dumps(dict(intent.args)).decode(),
            "seen": jsontext.dumps(dict(intent.seen)).decode(),
            "verb": intent.verb,
            "decided_at": intent.decided_at.isoformat(),
            "author": intent.author,
            "author_name": intent.author_name,
            "inverse_of": intent.inverse_of,
            "state": intent.state.value,
            "attempts": 0,
            "settles": 0,
            "words": intent.words,
            "schema": intent.schema,
            "busy": 0,
            "window": intent.window,
            "client": _client_text(intent.client),
            "cause": intent.cause,
        }
        for intent in intents
    ]
    if rows:
        connection.execute(insert(_intent), rows)


def of_chart(connection: Connection, source: str, chart: str) -> list[Intent]:
    """The open intents of one client, in the order in which they were decided."""
    return _read(connection, "source = ? AND chart = ? AND " + _open_sql(), (source, chart))


def of_source(connection: Connection, source: str) -> list[Intent]:
    """All open intents for one source, in order."""
    return _read(connection, "source = ? AND " + _open_sql(), (source,))


def everything(connection: Connection) -> list[Intent]:
    """All open intents, of all sources, in order."""
    return _read(connection, _open_sql(), ())


def in_state(connection: Connection, state: IntentState) -> list[Intent]:
    """All intents in one state, in order."""
    return _read(connection, "state = ?", (state.value,))


def told(connection: Connection, after: int) -> tuple[int, list[Intent]]:
    """What was acknowledged with words for a person, in that order, and the mark to go on from.

    `after` is the mark of the last call; -1 for none yet: then only the mark is read.
    """
    rows = (
        quick(connection)
        .execute("SELECT seq, intent_id FROM told WHERE seq > ? ORDER BY seq", (after,))
        .fetchall()
    )
    mark = rows[-1][0] if rows else max(after, 0)
    if after < 0 or not rows:
        return mark, []
    found = {one.id: one for one in by_ids(connection, [key for _, key in rows])}
    return mark, [found[key] for _, key in rows]


def acknowledged(connection: Connection, source: str, since: datetime) -> list[Intent]:
    """What a source has taken since an instant, in the order in which it was decided."""
    return _read(
        connection,
        "source = ? AND state = 'acknowledged' AND closed_at >= ?",
        (source, since.isoformat()),
    )


def of_target(connection: Connection, source: str, kind: str, key: str) -> list[Intent]:
    """The open intents on one resource, in order."""
    return _read(
        connection,
        "source = ? AND target_type = ? AND target_id = ? AND " + _open_sql(),
        (source, kind, key),
    )


def of_group(connection: Connection, group: str) -> list[Intent]:
    """A whole group, closed ones too, in order."""
    return _read(connection, "group_id = ?", (group,))


def stuck(connection: Connection, item_key: str) -> list[Intent]:
    """What a person has decided about an item and the server did not take, in order."""
    return _read(
        connection, "item_key = ? AND state IN ('conflict', 'needs_attention')", (item_key,)
    )


def by_ids(connection: Connection, ids: Sequence[str]) -> list[Intent]:
    """Those intents, in order."""
    return _read(connection, f"id IN ({','.join('?' * len(ids))})", tuple(ids)) if ids else []


def _open_sql() -> str:
    return "state NOT IN ('acknowledged', 'undone')"


def _read(connection: Connection, where: str, values: tuple[Any, ...]) -> list[Intent]:
    found = quick(connection).execute(
        f"SELECT {_COLUMNS} FROM intent WHERE {where} ORDER BY seq", values
    )
    return [_intent_of(row) for row in found]


def _intent_of(row: Any) -> Intent:
    return Intent(
        id=row[0], group=row[1], seq=row[2], source=row[3], target_type=row[4], target_id=row[5],
        item_key=row[6], kind=IntentKind(row[7]), args=_loads(row[8]), verb=row[9],
        decided_at=datetime.fromisoformat(row[10]), author=row[11], author_name=row[12],
        chart=row[13], seen=_loads(row[14]), after=row[15], inverse_of=row[16],
        state=IntentState(row[17]), attempts=row[18], settles=row[19], words=row[20],
        schema=row[21], busy=row[22], window=row[23], client=_client_of(row[24]),
        cause=row[25],
    )  # fmt: skip


def _client_text(client: ClientIdentity | None) -> str:
    """The client of a decision as it is stored; "" where no version of the program recorded it."""
    if client is None:
        return ""
    fields = {
        "reference": client.reference,
        "identifiers": [list(pair) for pair in client.identifiers],
        "name": client.name,
        "through": list(client.through),
        "own": client.own,
        "assumed": client.assumed,
    }
    return jsontext.dumps({name: value for name, value in fields.items() if value}).decode()


def _client_of(text: str) -> ClientIdentity | None:
    if not text:
        return None
    found = jsontext.loads(text)
    return ClientIdentity(
        reference=values.text(found, "reference"),
        identifiers=tuple((system, value) for system, value in found.get("identifiers", ())),
        name=values.text(found, "name"),
        through=tuple(found.get("through", ())),
        own=values.text(found, "own"),
        assumed=bool(found.get("assumed")),
    )


def confirm_client(connection: Connection, intent: Intent, client: ClientIdentity) -> None:
    """Record whom a person confirmed as the client of a decision of an earlier version.

    A client that was recorded when it was decided never changes.
    """
    if intent.client is None or intent.client.assumed:
        connection.execute(
            update(_intent).where(_intent.c.id == intent.id).values(client=_client_text(client))
        )


def _loads(text: str) -> Any:
    """What was decided: an element that may be as deep as any, with what stands around it."""
    return jsontext.loads(text, depth=jsontext.MAX_DEPTH + 10)


def last_group(
    connection: Connection,
    *authors: str,
    window: str | None = None,
    besides: Collection[str] = (),
) -> str:
    """The last group that a person did and has not taken back; "" where there is none.

    `authors`: the person, as each of the sources names them. `window`: only what was decided in
    this run of the program; None: in any. `besides`: groups that are passed over.
    """
    known = sorted(set(authors))
    where = f"author IN ({_marks(known)}) AND group_id NOT IN ({_marks(besides)})"
    values = (*known, *besides)
    if window is not None:
        where, values = f"window = ? AND {where}", (window, *values)
    found = (
        quick(connection)
        .execute(
            f"SELECT group_id FROM intent AS one WHERE {where} "
            "AND inverse_of = '' AND state <> 'undone' AND NOT EXISTS "
            "(SELECT 1 FROM intent WHERE inverse_of <> '' AND inverse_of = one.group_id) "
            "ORDER BY seq DESC LIMIT 1",
            values,
        )
        .fetchone()
    )
    return str(found[0]) if found else ""


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))


def taken_back(connection: Connection, group: str) -> bool:
    """Whether an inverse of a group has been filed."""
    found = connection.execute(
        select(_intent.c.id)
        .where(_intent.c.inverse_of == group, _intent.c.state != IntentState.UNDONE.value)
        .limit(1)
    )
    return found.first() is not None


def happened(
    connection: Connection,
    intent: Intent,
    event: IntentEvent,
    words: str,
    now: datetime,
    counts: bool = True,
) -> IntentState:
    """Take one intent to its next state. Raises IllegalStep, and changes nothing, where none is."""
    state = step(intent.state, event)
    progress = event in (IntentEvent.ACKNOWLEDGED, IntentEvent.RETRIED, IntentEvent.KEPT_MINE)
    settled = counts and event is IntentEvent.FOUND_NOT_APPLIED
    connection.execute(
        update(_intent)
        .where(_intent.c.id == intent.id)
        .values(
            state=state.value,
            words=storable(words),
            cause=CAUSES.get(event, ""),
            settles=0 if progress else _intent.c.settles + int(settled),
            busy=_intent.c.busy if event is IntentEvent.ATTEMPT_RECORDED else 0,
            closed_at=now.isoformat() if state in _CLOSED else None,
        )
    )
    if words and state is IntentState.ACKNOWLEDGED:
        connection.execute(insert(_told).values(intent_id=intent.id))
    return state


def saw(connection: Connection, intent_id: str, seen: Mapping[str, Any]) -> None:
    """What the person has seen of the unit by now: the answer to a conflict is about just this."""
    connection.execute(
        update(_intent)
        .where(_intent.c.id == intent_id)
        .values(seen=jsontext.dumps(dict(seen)).decode())
    )


def gave_up(connection: Connection, intent: Intent, names: Sequence[str]) -> None:
    """These elements of an open decision belong to a later one from here on."""
    args = jsontext.dumps(dict(intent_effects.giving_up(intent, names).args)).decode()
    connection.execute(update(_intent).where(_intent.c.id == intent.id).values(args=args))


def mark(
    connection: Connection,
    intents: Sequence[Intent],
    method: str,
    path: str,
    if_match: str,
    now: datetime,
) -> None:
    """Write down that these are about to leave; from here on they may be on the server."""
    for intent in intents:
        if intent.state is IntentState.QUEUED:
            happened(connection, intent, IntentEvent.ATTEMPT_RECORDED, "", now)
    ids = [intent.id for intent in intents]
    connection.execute(
        update(_intent).where(_intent.c.id.in_(ids)).values(attempts=_intent.c.attempts + 1)
    )
    connection.execute(
        insert(_attempt).values(
            intent_ids=json.dumps(ids),
            method=method,
            path=path,
            if_match=if_match,
            sent_at=now.isoformat(),
            outcome="",
        )
    )


def postpone(connection: Connection, ids: Sequence[str], until: datetime | None) -> None:
    """Not before this instant (None: at once)."""
    connection.execute(
        update(_intent)
        .where(_intent.c.id.in_(list(ids)))
        .values(not_before=until.isoformat() if until else None)
    )


def held_up(connection: Connection, ids: Sequence[str], until: datetime, words: str) -> None:
    """The server said "not now" once more: when to ask again, and why it waits."""
    connection.execute(
        update(_intent)
        .where(_intent.c.id.in_(list(ids)))
        .values(not_before=until.isoformat(), words=storable(words), busy=_intent.c.busy + 1)
    )


def say(connection: Connection, ids: Sequence[str], words: str) -> None:
    """Why these stand where they stand; nothing else about them changes."""
    connection.execute(
        update(_intent).where(_intent.c.id.in_(list(ids))).values(words=storable(words))
    )


def not_before(connection: Connection, source: str) -> dict[str, datetime]:
    """Intent id -> instant before which it is not to be sent."""
    rows = connection.execute(
        select(_intent.c.id, _intent.c.not_before).where(
            _intent.c.source == source,
            _intent.c.not_before.is_not(None),
            _intent.c.state.in_(_OPEN),
        )
    )
    return {key: datetime.fromisoformat(at) for key, at in rows}


def counts(connection: Connection) -> dict[str, int]:
    """Open intents by state."""
    rows = connection.execute(
        select(_intent.c.state, func.count())
        .where(_intent.c.state.in_(_OPEN))
        .group_by(_intent.c.state)
    )
    return dict(rows.all())


def recent_assignees(connection: Connection) -> list[str]:
    """To whom something was given, the latest first, as references."""
    found = quick(connection).execute(
        "SELECT args FROM intent WHERE kind = 'assign' ORDER BY seq DESC LIMIT 20"
    )
    owners = [json.loads(args).get("owner", {}).get("reference", "") for (args,) in found]
    return list(dict.fromkeys(owners))
