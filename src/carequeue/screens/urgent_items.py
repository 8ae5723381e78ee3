"""The items that have come into the bands Now and Safety, until the person has gone to them.

In:  all items in Now and Safety at each change of the cache, the time, the items that the person
went to. Out: the item to name next, and how many more there are. Pure.
An item is new here where it was not in these bands when the cache was last read, or stood lower:
it may have arrived, or time or a colleague may have moved it. What the first load of the program
finds is not new. An item that leaves and returns within `AGAIN` (an undo, a change that was taken
back) is not named a second time; a later return is a new event.
Of several, those that came last stand first: each of them has to be named when it comes.
Not here: how the message line says it (`widgets/message_line.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from carequeue.store.queue_window import Urgent

AGAIN: Final = timedelta(minutes=10)


class _Known(NamedTuple):
    """An item that has stood in Now or Safety: its band there, and when it left, if it has."""

    band: int
    left: datetime | None = None


class NewUrgent:
    """What of Now and Safety is new to the person; `found` is what the first load shows."""

    def __init__(self, found: Sequence[Urgent]) -> None:
        self._known = {one.key: _Known(one.band) for one in found}
        self._waiting: list[Urgent] = []
        self._aside: list[Urgent] = []

    @property
    def next(self) -> Urgent | None:
        """The item that the key goes to: the named one, else one that was set aside unvisited."""
        return self.first or (self._aside[0] if self._aside else None)

    @property
    def first(self) -> Urgent | None:
        """The item to name; None where nothing is new."""
        return self._waiting[0] if self._waiting else None

    @property
    def more(self) -> int:
        """How many others are new."""
        return max(0, len(self._waiting) - 1)

    def look(self, found: Sequence[Urgent], now: datetime, *, first_sync: bool = False) -> None:
        """The cache has changed; during the first sync all is new, so nothing is named."""
        came = [] if first_sync else [one for one in found if self._is_new(one, now)]
        here = {one.key: one for one in found}
        self._forget(here, now)
        came_keys = {one.key for one in came}
        still = [here[one.key] for one in self._waiting if one.key in here]
        self._waiting = came + [one for one in still if one.key not in came_keys]
        self._aside = [here[one.key] for one in self._aside if one.key in here]
        self._known |= {one.key: _Known(one.band) for one in found}

    def _forget(self, here: Collection[str], now: datetime) -> None:
        """Forget what has been away for long, and what left before it was named."""
        counted = {one.key for one in self._waiting[1:]}
        for key in [key for key in self._known if key not in here]:
            left = self._known[key].left or now
            self._known[key] = self._known[key]._replace(left=left)
            if now - left >= AGAIN or key in counted:
                del self._known[key]

    def _is_new(self, one: Urgent, now: datetime) -> bool:
        known = self._known.get(one.key)
        if known is None or one.band < known.band:
            return True
        return known.left is not None and now - known.left >= AGAIN

    def visit(self, key: str) -> None:
        """The person went to an item, or acted on it."""
        self._waiting = [one for one in self._waiting if one.key != key]
        self._aside = [one for one in self._aside if one.key != key]

    def set_aside(self) -> Sequence[Urgent]:
        """Name them no more, on the person's word; the key still goes to each of them."""
        named, self._waiting = self._waiting, []
        self._aside = [*named, *self._aside]
        return named
