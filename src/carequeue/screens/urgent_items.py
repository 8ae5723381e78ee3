"""The items that are new in the bands Now and Safety, until the person has gone to them.

In:  all items in Now and Safety at each change of the cache, the time, the items that the person
went to. Out: the item to name next, and how many others are new. Pure.
An item is new if it was not in these bands when the cache was last read, or was in a lower band: it
arrived, or time or a colleague moved it. The items of the program's first load are not new. An
item that leaves and returns within `AGAIN` (an undo, say) is not named again; a later return is.
The newest items come first, because each item has to be named when it arrives.
Not here: how the message line says it (`widgets/message_line.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from carequeue.store.queue_window import Urgent

AGAIN: Final = timedelta(minutes=10)


class _Known(NamedTuple):
    """An item that has been in Now or Safety: its band, and when it left, if it has."""

    band: int
    left: datetime | None = None


class NewUrgent:
    """The items of Now and Safety that are new to the person; `first_load` is not new."""

    def __init__(self, first_load: Sequence[Urgent]) -> None:
        self._known = {item.key: _Known(item.band) for item in first_load}
        self._waiting: list[Urgent] = []
        self._aside: list[Urgent] = []

    @property
    def next(self) -> Urgent | None:
        """The item that the key goes to: the named item, else one that was set aside."""
        return self.first or (self._aside[0] if self._aside else None)

    @property
    def first(self) -> Urgent | None:
        """The item to name; None if no item is new."""
        return self._waiting[0] if self._waiting else None

    @property
    def more(self) -> int:
        """How many other items are new."""
        return max(0, len(self._waiting) - 1)

    def update(self, items: Sequence[Urgent], now: datetime, *, first_sync: bool = False) -> None:
        """Compare all items of Now and Safety; in the first sync every item is new, so none is."""
        arrived = [] if first_sync else [item for item in items if self._is_new(item, now)]
        by_key = {item.key: item for item in items}
        self._forget(by_key, now)
        arrived_keys = {item.key for item in arrived}
        still_here = [by_key[item.key] for item in self._waiting if item.key in by_key]
        self._waiting = arrived + [item for item in still_here if item.key not in arrived_keys]
        self._aside = [by_key[item.key] for item in self._aside if item.key in by_key]
        self._known |= {item.key: _Known(item.band) for item in items}

    def _forget(self, here: Collection[str], now: datetime) -> None:
        """Forget items that left long ago, and items that left before they were named."""
        only_counted = {item.key for item in self._waiting[1:]}
        for key in [key for key in self._known if key not in here]:
            left = self._known[key].left or now
            self._known[key] = self._known[key]._replace(left=left)
            if now - left >= AGAIN or key in only_counted:
                del self._known[key]

    def _is_new(self, item: Urgent, now: datetime) -> bool:
        known = self._known.get(item.key)
        if known is None or item.band < known.band:
            return True
        return known.left is not None and now - known.left >= AGAIN

    def visit(self, key: str) -> None:
        """The person went to an item, or acted on it."""
        self._waiting = [item for item in self._waiting if item.key != key]
        self._aside = [item for item in self._aside if item.key != key]

    def set_aside(self) -> Sequence[Urgent]:
        """Stop naming the new items because the person said so; the key still goes to each."""
        named, self._waiting = self._waiting, []
        self._aside = [*named, *self._aside]
        return named
