"""Entries of a list element that a decision owns: one note, one extension, one output. Pure.

In:  a resource, the name of an entry: `extension[<url>]`, `note[<id>]`, `output[<id>]`.
Out: the resource with these entries replaced, in place; all other entries stay as they are.
Not here: which decision owns which entry (`intent_effects.py`).
"""

from __future__ import annotations

import re
from typing import Any, Final

from carequeue.fhir.chart import Resource

#: The name of an entry: its element, and its URL or id.
ENTRY: Final = re.compile(r"(\w+)\[(.+)\]", re.DOTALL)


def entries_of(resource: Resource | None, element: str) -> list[Any]:
    """The entries of an element; a single value counts as a list of one."""
    value = resource.get(element) if resource is not None else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_entry(entry: re.Match[str], value: Any) -> bool:
    """True if an entry is the one that the name speaks of."""
    element, name = entry.groups()
    return isinstance(value, dict) and value.get("url" if element == "extension" else "id") == name


def put_entries(resource: Resource, element: str, mine: list[Any], name: str) -> None:
    """Replace the entries that a unit owns, in their place; all others stay as they are."""
    entry = ENTRY.fullmatch(name)
    if entry is None:
        raise ValueError(f"{name} names no entry of a list")
    old = entries_of(resource, element)
    at = next((i for i, other in enumerate(old) if is_entry(entry, other)), len(old))
    others = [other for other in old if not is_entry(entry, other)]
    if len(others) == len(old) and not mine:
        return
    set_entries(resource, element, [*others[:at], *mine, *others[at:]])


def set_entries(resource: Resource, element: str, entries: list[Any]) -> None:
    """Set all entries of an element; FHIR has no empty lists, so without entries it is left out."""
    if entries:
        resource[element] = entries
    else:
        resource.pop(element, None)
