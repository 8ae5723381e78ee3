"""Short keys of items: `Task/12` or `12` for `main:Task/12`, where it names exactly one item.

In:  what a person typed; key and resource of every row. Out: keys. Pure.
An item is named by its key, by its key without the source, by its resource (the Task that an act
changes, or what the item is about), and by the id of that resource, each whole: a part of an id
would name another item tomorrow. A whole key comes before every other reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carequeue.domain.errors import BadQuestion
from carequeue.domain.sanitize import clean

_SHOWN = 10


def resolve_keys(
    texts: Sequence[str], rows: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], list[str]]:
    """Text -> the key that it names, and the texts that name no item.

    Raises BadQuestion, with the items, for a text that names several.
    """
    keys = {key for key, _ in rows}
    short = {text for text in texts if text not in keys}
    named: dict[str, dict[str, None]] = {text: {} for text in short}
    if short:
        for key, resource in rows:
            for name in short.intersection(_names(key, resource)):
                named[name][key] = None
    for text, items in named.items():
        if len(items) > 1:
            raise _several(text, list(items))
    resolved = {text: next(iter(named.get(text, {text: None})), "") for text in texts}
    return {text: key for text, key in resolved.items() if key}, [
        text for text, key in resolved.items() if not key
    ]


def _names(key: str, resource: str) -> Iterator[str]:
    """The short names of an item."""
    source, _, own = key.partition(":")
    yield own
    yield own.rpartition("/")[2]
    if resource:
        yield resource
        yield f"{source}:{resource}"
        yield resource.rpartition("/")[2]


def _several(text: str, keys: Sequence[str]) -> BadQuestion:
    shown = ", ".join(clean(key, 200) for key in keys[:_SHOWN])
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return BadQuestion(
        f"{clean(text, 80)} names {len(keys)} items: {shown}{more}. Nothing was changed. "
        "Type the whole key of one of them."
    )
