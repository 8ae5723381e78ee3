"""Intents of all sources, as the use cases ask for them: by id, group, state or item. Reads only.

In:  a connection, inside a transaction of the caller. Out: intents in the order of deciding.
Not here: the outbox of one source, and what changes an intent (`outbox.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from carequeue.domain.intents import Intent, IntentState
from carequeue.store.engine import quick
from carequeue.store.intent_rows import BY_IDS_SQL, OPEN_SQL, read_intents

#: The condition of an inverse that stands; a message to a partner about an undo undoes nothing.
_UNDOES: Final = "inverse_of <> '' AND state <> 'undone' AND kind <> 'create'"


class ActGroup(NamedTuple):
    """One act: its group, and the `seq` of its first intent."""

    group: str
    seq: int


class ItemState(NamedTuple):
    """A state of some intent of a group on one item; `undoes`: of an intent that undoes it."""

    group: str
    item_key: str
    state: IntentState
    undoes: bool


class IntentQueries:
    """The intents of all sources."""

    def __init__(self, connection: Connection) -> None:
        self._raw = quick(connection)

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """These intents, closed ones too."""
        return read_intents(self._raw, BY_IDS_SQL, json.dumps(ids))

    def open(self) -> list[Intent]:
        """The intents that are neither on their server nor undone."""
        return read_intents(self._raw, OPEN_SQL)

    def in_state(self, state: IntentState) -> list[Intent]:
        """All intents in one state."""
        return read_intents(self._raw, "state = ?", state.value)

    def in_group(self, group: str) -> list[Intent]:
        """A whole group, closed ones too."""
        return read_intents(self._raw, "group_id = ?", group)

    def groups_before(self, *authors: str, before: int, limit: int) -> list[ActGroup]:
        """The groups that a person decided, newest first, without those that undo others.

        `authors`: the person, as each of the sources names them. `before`: only groups that begin
        before this `seq`. It reads from the newest intent on and stops at `limit`, however long
        the history is.
        """
        known = sorted(set(authors))
        rows = self._raw.execute(
            f"SELECT group_id, seq FROM intent AS head WHERE seq < ? AND inverse_of = '' "
            f"AND author IN ({_marks(known)}) AND NOT EXISTS "
            "(SELECT 1 FROM intent WHERE group_id = head.group_id AND seq < head.seq) "
            "ORDER BY seq DESC LIMIT ?",
            (before, *known, limit),
        )
        return [ActGroup(group, seq) for group, seq in rows]

    def of_first_items(self, groups: Sequence[str]) -> list[Intent]:
        """The intents of these groups on the first item of each, closed intents too."""
        where = (
            "group_id IN (SELECT value FROM json_each(?)) AND item_key = (SELECT item_key "
            "FROM intent AS head WHERE head.group_id = intent.group_id ORDER BY seq LIMIT 1)"
        )
        return read_intents(self._raw, where, json.dumps(groups))

    def states_of(self, groups: Sequence[str]) -> list[ItemState]:
        """The states of the intents of these groups, by item, each once; and of what undoes them,
        under the group that is undone, without inverses that were dropped.
        """
        named = json.dumps(groups)
        rows = self._raw.execute(
            "SELECT DISTINCT group_id, item_key, state, 0 FROM intent "
            "WHERE group_id IN (SELECT value FROM json_each(?)) UNION ALL "
            f"SELECT DISTINCT inverse_of, item_key, state, 1 FROM intent WHERE {_UNDOES} "
            "AND inverse_of IN (SELECT value FROM json_each(?))",
            (named, named),
        )
        return [
            ItemState(group, key, IntentState(state), bool(by)) for group, key, state, by in rows
        ]

    def stuck_on(self, item_key: str) -> list[Intent]:
        """The intents about an item that the server did not accept."""
        where = "item_key = ? AND state IN ('conflict', 'needs_attention')"
        return read_intents(self._raw, where, item_key)

    def acknowledged_with_message(self, after: int) -> tuple[int, list[Intent]]:
        """Intents that were acknowledged with a message for the person, and the mark to go on from.

        `after` is the mark of the last call; -1 for none yet: then only the mark is read.
        """
        rows = self._raw.execute(
            "SELECT seq, intent_id FROM told WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
        mark = rows[-1][0] if rows else max(after, 0)
        if after < 0 or not rows:
            return mark, []
        intents = {intent.id: intent for intent in self.by_ids([key for _, key in rows])}
        return mark, [intents[key] for _, key in rows]

    def last_group(
        self, *authors: str, window: str | None = None, besides: Collection[str] = ()
    ) -> str:
        """The last group of a person's acts that is not undone; "" if there is none.

        An inverse that was dropped undid nothing.
        `authors`: the person, as each of the sources names them. `window`: only acts of this run of
        the program; None: of any. `besides`: groups that are passed over.
        """
        known = sorted(set(authors))
        where = f"author IN ({_marks(known)}) AND group_id NOT IN ({_marks(besides)})"
        values = (*known, *besides)
        if window is not None:
            where, values = f"window = ? AND {where}", (window, *values)
        row = self._raw.execute(
            f"SELECT group_id FROM intent AS done WHERE {where} "
            "AND inverse_of = '' AND state <> 'undone' AND NOT EXISTS "
            f"(SELECT 1 FROM intent WHERE {_UNDOES} AND inverse_of = done.group_id) "
            "ORDER BY seq DESC LIMIT 1",
            values,
        ).fetchone()
        return str(row[0]) if row else ""

    def is_undone(self, group: str) -> bool:
        """Whether an inverse of a group has been filed."""
        row = self._raw.execute(
            f"SELECT 1 FROM intent WHERE {_UNDOES} AND inverse_of = ? LIMIT 1", (group,)
        ).fetchone()
        return row is not None

    def recent_assignees(self) -> list[str]:
        """References of those to whom somebody assigned an item, the latest first.

        Not who took an item over themselves, and not what was undone.
        """
        rows = self._raw.execute(
            "SELECT author, args FROM intent WHERE kind = 'assign' AND state <> 'undone' "
            "ORDER BY seq DESC LIMIT 20"
        )
        owners = [
            (json.loads(args).get("owner", {}).get("reference", ""), author)
            for author, args in rows
        ]
        return list(dict.fromkeys(owner for owner, author in owners if owner != author))

    def recent_receivers(self) -> list[str]:
        """References of those to whom a client was referred, the latest first.

        Not those of what was undone.
        """
        rows = self._raw.execute(
            "SELECT args FROM intent WHERE kind = 'create' AND target_type = 'Task' "
            "AND verb IN ('refer', 'redirect') AND state <> 'undone' ORDER BY seq DESC LIMIT 20"
        )
        tasks = (json.loads(args).get("resource", {}) for (args,) in rows)
        owners = (task.get("owner", {}).get("reference", "") for task in tasks)
        return list(dict.fromkeys(filter(None, owners)))


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))
