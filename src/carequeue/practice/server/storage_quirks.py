"""The part of a resource that this server stores: all of it, with a quirk less.

In:  a resource that passed `checks.py`, and the one that it replaces. Out: what is stored.
Not here: `id`, `versionId` and `lastUpdated`, which every server gives itself
(`resource_store.py`).
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.practice.server.http_types import Refusal
from carequeue.practice.server.json_lossless import Tree
from carequeue.practice.server.quirks import Quirks

#: The Task of a server that knows open, done and dropped, and nothing between.
THREE_STATUSES: Final = ("requested", "completed", "cancelled")
_TAGS: Final = ("profile", "security", "tag")


def kept(tree: Tree, before: Tree | None, quirks: Quirks) -> Tree:
    """The resource as it will be stored. Raises Refusal 422 where it is not taken as it is."""
    task = tree["resourceType"] == "Task"
    if quirks.three_statuses and task and tree["status"] not in THREE_STATUSES:
        words = f"Task.status is one of {', '.join(THREE_STATUSES)} here"
        raise Refusal(422, "business-rule", f"{words}; {tree['status']} is not taken.")
    if quirks.drops_element_ids:
        tree = {name: _without_ids(value, name == "contained") for name, value in tree.items()}
    if quirks.merges_tags and before is not None:
        tree = _with_tags(tree, before)
    return tree


def _without_ids(value: Any, resources: bool = False) -> Any:
    """A value without Element.id; `resources` are contained ones, whose id is their name."""
    if isinstance(value, list):
        return [_without_ids(inner, resources) for inner in value]
    if isinstance(value, dict):
        return {
            name: _without_ids(inner) for name, inner in value.items() if name != "id" or resources
        }
    return value


def _with_tags(tree: Tree, before: Tree) -> Tree:
    """Keep entries of the lists of meta that an update omits (R4, resource.html#tag-updates)."""
    old, new = before.get("meta"), tree.get("meta", {})
    if not isinstance(old, dict):
        return tree
    lists = {}
    for name in _TAGS:
        was, given = old.get(name), new.get(name, [])
        if isinstance(was, list) and isinstance(given, list):
            lists[name] = given + [tag for tag in was if tag not in given]
    return tree | {"meta": new | {name: tags for name, tags in lists.items() if tags}}
