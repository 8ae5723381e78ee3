"""When each row of mine comes next: the first of them, and those without any time.

In:  a connection, an instant. Out: `NextTimes`. All rows that are mine count: my moves, what I wait
for, what rests until its next try, what is snoozed.
Not here: how a list says that its work is done (`widgets/day_end.py`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from carequeue.store.engine import Raw


class ComingRow(NamedTuple):
    """A row of mine and when it comes: seconds since 1970, None for no time; `unit` says what is
    due then, as in `queue_window.QueueRow`.
    """

    key: str
    client: str
    title: str
    due_at: int | None
    unit: str
    move_name: str


_COLUMNS: Final = ", ".join(ComingRow._fields)


class NextTimes(NamedTuple):
    """`first`: the row whose time comes first; `late`: how many rows have one that has passed.

    `untimed`: how many rows have no time; `untimed_first`: the first of them, by name.
    """

    first: ComingRow | None
    late: int
    untimed: int
    untimed_first: ComingRow | None


def next_times(connection: Raw, now: int) -> NextTimes:
    """The next times of my rows; `now` in seconds since 1970."""
    late, untimed = connection.execute(
        "SELECT count(*) FILTER (WHERE due_at <= ?), count(*) FILTER (WHERE due_at IS NULL) "
        "FROM item WHERE mine > 0",
        (now,),
    ).fetchone()
    return NextTimes(
        _row(connection, "due_at > ? ORDER BY due_at, tie", now),
        late,
        untimed,
        _row(connection, "due_at IS NULL ORDER BY client, tie"),
    )


def _row(connection: Raw, condition: str, *values: int) -> ComingRow | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM item WHERE mine > 0 AND {condition} LIMIT 1", values
    ).fetchone()
    return ComingRow._make(row) if row else None
