"""JSON Patch (RFC 6902) over a resource, for the PATCH interaction of R4 (http.html#patch).

In:  the body of the request and the resource as it is. Out: a new tree; the old one is untouched.
Why so small: `add`, `remove`, `replace`, `move`, `copy` and `test` are all that there is. FHIRPath
Patch is not taken. What the outcome must be is asked elsewhere (`checks.py`).
"""

from __future__ import annotations

import sys
from copy import deepcopy
from typing import Any, Final

from carequeue.practice.server.http_types import Refusal
from carequeue.practice.server.json_lossless import NotJson, Tree, read

_NOTHING: Final = object()


def patched(tree: Tree, body: bytes) -> Tree:
    """The resource after the patch. Raises Refusal: 400 no patch, 422 one that does not apply."""
    try:
        steps = read(body)
    except NotJson as wrong:
        raise Refusal(400, "structure", str(wrong)) from None
    if not isinstance(steps, list):
        raise Refusal(400, "structure", "A patch is a list of operations.")
    whole: Any = deepcopy(tree)
    for step in steps:
        whole = _step(whole, step)
    if not isinstance(whole, dict):
        raise Refusal(422, "structure", "The patch leaves no resource.")
    return whole


def _step(whole: Any, step: Any) -> Any:
    if not isinstance(step, dict) or not isinstance(step.get("path"), str):
        raise Refusal(400, "structure", "An operation of the patch has no path.")
    path = step["path"]
    match step.get("op"):
        case "add" | "replace" | "test" as op if "value" in step:
            value = deepcopy(step["value"])
        case "move" | "copy" as op if isinstance(step.get("from"), str):
            value = deepcopy(_get(whole, step["from"]))
            if op == "move":
                whole = _set(whole, step["from"], _NOTHING, False)
        case "remove" as op:
            value = _NOTHING
        case _:
            raise Refusal(400, "structure", "An operation of the patch is not known.")
    if op == "test":
        if _get(whole, path) != value:
            raise Refusal(422, "processing", f"{path} is not what the patch says.")
        return whole
    return _set(whole, path, value, op in ("add", "move", "copy"))


def _set(whole: Any, path: str, value: Any, insert: bool) -> Any:
    """Put a value at a place, or take away what is there; only `insert` makes a new place."""
    *parents, last = _parts(path)
    if not last and not parents:
        return value
    parent = whole
    for part in parents[1:]:
        parent = _below(parent, part, path)
    if not insert:
        _below(parent, last, path)
    if isinstance(parent, dict) and value is not _NOTHING:
        parent[last] = value
    elif isinstance(parent, dict):
        del parent[last]
    elif not isinstance(parent, list):
        raise _nowhere(path)
    elif value is _NOTHING:
        del parent[int(last)]
    elif insert:
        parent.insert(_place(parent, last, path), value)
    else:
        parent[int(last)] = value
    return whole


def _get(whole: Any, path: str) -> Any:
    for part in _parts(path)[1:]:
        whole = _below(whole, part, path)
    return whole


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise _nowhere(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _below(value: Any, part: str, path: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and _number(part) < len(value):
        return value[int(part)]
    raise _nowhere(path)


def _place(value: list[Any], part: str, path: str) -> int:
    if part == "-":
        return len(value)
    if _number(part) <= len(value):
        return int(part)
    raise _nowhere(path)


def _number(part: str) -> int:
    """The index that a part of a path names; past every list where it names none."""
    return int(part) if part.isascii() and part.isdigit() and len(part) < 10 else sys.maxsize


def _nowhere(path: str) -> Refusal:
    return Refusal(422, "processing", f"The patch names a place that is not there: {path[:64]!r}.")
