"""Rows of the table `intent`: from an intent to its columns, and back.

In:  intents, or a condition of SQL. Out: columns, or intents in the order of deciding.
Not here: how an intent changes (`outbox.py`), which intents a use case asks for
(`intent_queries.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from carequeue.domain.intents import (
    HOLDING_STATES,
    ClientIdentity,
    Intent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import jsontext, values
from carequeue.store.engine import Raw
from carequeue.store.source_scope import SourceScope

#: The condition of an intent that is neither on the server nor undone.
OPEN_SQL: Final = "state NOT IN ('acknowledged', 'undone')"
#: The condition of an id in a JSON list: one variable, however long the list is.
BY_IDS_SQL: Final = "id IN (SELECT value FROM json_each(?))"
_COLUMNS: Final = (
    "id, group_id, seq, source, target_type, target_id, item_key, kind, args, verb, decided_at, "
    "author, author_name, chart, seen, after, inverse_of, state, attempts, settles, words, schema, "
    "busy, window, client, cause"
)


def new_row(intent: Intent) -> dict[str, Any]:
    """The columns of a new intent; the table assigns its `seq`."""
    return {
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
        "client": client_text(intent.client),
        "cause": intent.cause,
    }


def read_intents(raw: Raw, where: str, *arguments: str) -> list[Intent]:
    """The intents that meet a condition, in the order in which they were decided."""
    rows = raw.execute(f"SELECT {_COLUMNS} FROM intent WHERE {where} ORDER BY seq", arguments)
    return [_intent_of(row) for row in rows]


def held_rows(scope: SourceScope) -> set[tuple[str, str]]:
    """Type and id of the resources whose base an open intent holds back."""
    holding = ", ".join(f"'{state}'" for state in sorted(HOLDING_STATES))
    rows = scope.raw.execute(
        "SELECT DISTINCT target_type, target_id FROM intent "
        f"WHERE source = ? AND state IN ({holding}) AND {OPEN_SQL}",
        (scope.source,),
    )
    return {(kind, key) for kind, key in rows}


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


def client_text(client: ClientIdentity | None) -> str:
    """The client of an intent as it is stored; "" if an earlier version did not record it."""
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
    stored = jsontext.loads(text)
    return ClientIdentity(
        reference=values.text(stored, "reference"),
        identifiers=tuple((system, value) for system, value in stored.get("identifiers", ())),
        name=values.text(stored, "name"),
        through=tuple(stored.get("through", ())),
        own=values.text(stored, "own"),
        assumed=bool(stored.get("assumed")),
    )


def _loads(text: str) -> Any:
    """The arguments of an intent: an element may be as deep as any, with levels around it."""
    return jsontext.loads(text, depth=jsontext.MAX_DEPTH + 10)
