"""The key of a row where its identifier was copied with it, as some systems copy a whole Task.

One identifier in two charts is two people's work, and neither may hide the other's. The chart that
sorts first keeps the key; the row of the other one goes by its own reference. So it is the same
whichever of the two came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from carequeue.domain.items import WorkItem
from carequeue.store.source_scope import SourceScope

_CHUNK: Final = 400  # keys a statement, well under SQLite's limit of variables


def apart(scope: SourceScope, chart: str, items: Sequence[WorkItem]) -> tuple[WorkItem, ...]:
    """The items of a chart, each with a key that no chart before it has."""
    named = [item.key for item in items if item.key != _own(item)]
    taken = _taken(scope, chart, named)
    return tuple(replace(item, key=_own(item)) if item.key in taken else item for item in items)


def _own(item: WorkItem) -> str:
    return f"{item.source}:{(item.target or item.anchor).reference}"


def _taken(scope: SourceScope, chart: str, keys: Sequence[str]) -> set[str]:
    """Of these keys, those that a row of a chart before this one has."""
    found: set[str] = set()
    for start in range(0, len(keys), _CHUNK):
        some = keys[start : start + _CHUNK]
        there = scope.raw.execute(
            "SELECT key FROM item WHERE source = ? AND chart < ? "
            f"AND key IN ({','.join('?' * len(some))})",
            (scope.source, chart, *some),
        )
        found |= {key for (key,) in there}
    return found
