"""The items that the arguments of a command name, by whole or short keys.

In:  a desk and what the person typed. Out: keys of the queue, or an error that says what was not
found. Not here: which texts name an item (`worklist/short_keys.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carequeue.domain.errors import NoSuchItem
from carequeue.printing import Outcome

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk

_LIST = "Nothing was changed. See the keys with: carequeue list --tab whole --plain"


def item_key(desk: Desk, text: str) -> str:
    """The key of the one item that a text names.

    Raises NoSuchItem if it names none, BadQuestion if it names several.
    """
    keys, _ = desk.resolve_keys([text])
    if text not in keys:
        raise NoSuchItem(f"{text} is not in the queue. {_LIST}")
    return keys[text]


def item_keys(desk: Desk, texts: Sequence[str]) -> tuple[list[str], list[Outcome]]:
    """The keys that these texts name, each once, and a result for each text that names no item.

    Raises BadQuestion if a text names several items, and NoSuchItem if no text names any: a row
    that left between `list` and `act` must not stop the others, but a mistyped key must be named.
    """
    keys, unknown = desk.resolve_keys(texts)
    if not keys:
        more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
        raise NoSuchItem(f"{texts[0]}{more}: no such item in the queue. {_LIST}")
    missing = [Outcome(text, "missing", why="no longer in the queue") for text in unknown]
    return list(dict.fromkeys(keys.values())), missing
