"""Decisions of all sources, as the use cases ask for them: by id, group, state or item. Reads only.

In:  a connection, inside a transaction of the caller's. Out: intents in the order of deciding.
Not here: the outbox of one source, and what changes a decision (`outbox.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from carequeue.domain.intents import Intent, IntentState
from carequeue.store.engine import quick
from carequeue.store.intent_rows import OPEN_SQL, read_intents


class IntentQueries:
    """What was decided, on whatever source."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """Those intents, closed ones too."""
        if not ids:
            return []
        return read_intents(self._connection, f"id IN ({_marks(ids)})", tuple(ids))

    def open(self) -> list[Intent]:
        """What is neither on its server nor undone."""
        return read_intents(self._connection, OPEN_SQL, ())

    def in_state(self, state: IntentState) -> list[Intent]:
        """All intents in one state."""
        return read_intents(self._connection, "state = ?", (state.value,))

    def in_group(self, group: str) -> list[Intent]:
        """A whole group, closed ones too."""
        return read_intents(self._connection, "group_id = ?", (group,))

    def stuck_on(self, item_key: str) -> list[Intent]:
        """What a person has decided about an item and the server did not take."""
        where = "item_key = ? AND state IN ('conflict', 'needs_attention')"
        return read_intents(self._connection, where, (item_key,))

    def acknowledged_with_message(self, after: int) -> tuple[int, list[Intent]]:
        """What was acknowledged with words for a person, in that order, and the mark to go on from.

        `after` is the mark of the last call; -1 for none yet: then only the mark is read.
        """
        rows = (
            quick(self._connection)
            .execute("SELECT seq, intent_id FROM told WHERE seq > ? ORDER BY seq", (after,))
            .fetchall()
        )
        mark = rows[-1][0] if rows else max(after, 0)
        if after < 0 or not rows:
            return mark, []
        intents = {intent.id: intent for intent in self.by_ids([key for _, key in rows])}
        return mark, [intents[key] for _, key in rows]

    def last_group(
        self, *authors: str, window: str | None = None, besides: Collection[str] = ()
    ) -> str:
        """The last group that a person did and has not undone; "" where there is none.

        `authors`: the person, as each of the sources names them. `window`: only what was decided in
        this run of the program; None: in any. `besides`: groups that are passed over.
        """
        known = sorted(set(authors))
        where = f"author IN ({_marks(known)}) AND group_id NOT IN ({_marks(besides)})"
        values = (*known, *besides)
        if window is not None:
            where, values = f"window = ? AND {where}", (window, *values)
        found = (
            quick(self._connection)
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

    def is_undone(self, group: str) -> bool:
        """Whether an inverse of a group has been filed."""
        row = (
            quick(self._connection)
            .execute(
                "SELECT 1 FROM intent WHERE inverse_of = ? AND state <> 'undone' LIMIT 1", (group,)
            )
            .fetchone()
        )
        return row is not None

    def recent_assignees(self) -> list[str]:
        """To whom something was given, the latest first, as references."""
        rows = quick(self._connection).execute(
            "SELECT args FROM intent WHERE kind = 'assign' ORDER BY seq DESC LIMIT 20"
        )
        owners = [json.loads(args).get("owner", {}).get("reference", "") for (args,) in rows]
        return list(dict.fromkeys(owners))


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))
