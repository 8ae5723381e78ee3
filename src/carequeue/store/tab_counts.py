"""The tally: how many rows a view has in a band, kept by difference, so that no paint ever counts.

Not here: in which views a row stands (`queue_window.py: views_of`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.queue_window import views_of
from carequeue.store.tables import ItemRow, TallyRow, table

_item: Final = table(ItemRow)
_tally: Final = table(TallyRow)
_INSERT: Final = insert(_tally)
_ADD: Final = _INSERT.on_conflict_do_update(
    index_elements=["view", "band"],
    set_={"count": _tally.c.count + _INSERT.excluded["count"]},
)

CountedRow = tuple[str, int, int]  # lane, mine, band of a row


def move(connection: Connection, left: Iterable[CountedRow], came: Iterable[CountedRow]) -> None:
    """Rows left these places, and rows came to those."""
    change: Counter[tuple[str, int]] = Counter()
    for places, sign in ((left, -1), (came, 1)):
        for lane, mine, band in places:
            for view in views_of(lane, mine, band):
                change[view, band] += sign
    values = [
        {"view": str(view), "band": at, "count": by} for (view, at), by in change.items() if by
    ]
    if values:
        connection.execute(_ADD, values)


def stored(connection: Connection) -> dict[tuple[str, int], int]:
    """The counts as they are kept, without those that are zero."""
    rows = connection.execute(
        select(_tally.c.view, _tally.c.band, _tally.c.count).where(_tally.c.count != 0)
    )
    return {(view, band): count for view, band, count in rows}


def counted(connection: Connection) -> Counter[tuple[str, int]]:
    """The tally counted from the rows themselves, to check the kept one against."""
    found: Counter[tuple[str, int]] = Counter()
    for lane, mine, band in connection.execute(select(_item.c.lane, _item.c.mine, _item.c.band)):
        for view in views_of(lane, mine, band):
            found[str(view), band] += 1
    return found
