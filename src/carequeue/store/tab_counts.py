"""The tally: how many rows a tab has in a band, updated by difference, so that no paint counts.

Not here: the tabs that count a row (`queue_window.py: tabs_of`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.queue_window import tabs_of
from carequeue.store.tables import ItemRow, TallyRow, table

_item: Final = table(ItemRow)
_tally: Final = table(TallyRow)
_INSERT: Final = insert(_tally)
_ADD: Final = _INSERT.on_conflict_do_update(
    index_elements=["tab", "band"],
    set_={"count": _tally.c.count + _INSERT.excluded["count"]},
)

CountedRow = tuple[str, int, int]  # tab, mine, band of a row


def move(connection: Connection, left: Iterable[CountedRow], came: Iterable[CountedRow]) -> None:
    """Rows left these places, and rows came to those."""
    change: Counter[tuple[str, int]] = Counter()
    for places, sign in ((left, -1), (came, 1)):
        for tab, mine, band in places:
            for name in tabs_of(tab, mine, band):
                change[name, band] += sign
    values = [{"tab": str(tab), "band": at, "count": by} for (tab, at), by in change.items() if by]
    if values:
        connection.execute(_ADD, values)


def stored(connection: Connection) -> dict[tuple[str, int], int]:
    """The counts as they are kept, without those that are zero."""
    rows = connection.execute(
        select(_tally.c.tab, _tally.c.band, _tally.c.count).where(_tally.c.count != 0)
    )
    return {(tab, band): count for tab, band, count in rows}


def counted(connection: Connection) -> Counter[tuple[str, int]]:
    """The tally counted from the rows themselves, to check the kept one against."""
    found: Counter[tuple[str, int]] = Counter()
    for tab, mine, band in connection.execute(select(_item.c.tab, _item.c.mine, _item.c.band)):
        for name in tabs_of(tab, mine, band):
            found[str(name), band] += 1
    return found
