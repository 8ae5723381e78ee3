"""From an intent to its row in the table `intent`, and back.

In:  intents, or a condition of SQL. Out: columns, or intents in the order of deciding.
Not here: how an intent changes (`outbox.py`), which intents a use case asks for
(`intent_queries.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from carequeue.domain.intents import ClientIdentity, Intent, IntentKind, IntentState
from carequeue.fhir import jsontext, values
from carequeue.store.engine import quick

#: The condition of what is neither on the server nor undone.
OPEN_SQL: Final = "state NOT IN ('acknowledged', 'undone')"
_COLUMNS: Final = (
    "id, group_id, seq, source, target_type, target_id, item_key, kind, args, verb, decided_at, "
    "author, author_name, chart, seen, after, inverse_of, state, attempts, settles, words, schema, "
    "busy, window, client, cause"
)


def new_row(intent: Intent) -> dict[str, Any]:
    """The columns of a decision that was just made; `seq` is given by the table."""
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


def read_intents(connection: Connection, where: str, arguments: tuple[Any, ...]) -> list[Intent]:
    """The intents that meet a condition, in the order in which they were decided."""
    rows = quick(connection).execute(
        f"SELECT {_COLUMNS} FROM intent WHERE {where} ORDER BY seq", arguments
    )
    return [_intent_of(row) for row in rows]


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


def _loads(text: str) -> Any:
    """What was decided: an element that may be as deep as any, with what stands around it."""
    return jsontext.loads(text, depth=jsontext.MAX_DEPTH + 10)
