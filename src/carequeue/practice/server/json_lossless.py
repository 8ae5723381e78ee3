"""JSON that comes back as it came: 1.50 stays 1.50, twenty digits stay twenty digits.

In:  the text of a resource. Out: plain dicts and lists whose numbers are `Number`, the token as it
was written, and the way back to text.
Why not `json` alone: it reads 1.50 as a float and writes 1.5, and keeps the last of two equal keys
without a word; FHIR decimals mean their digits.
"""

from __future__ import annotations

import json
from typing import Any, Final

Tree = dict[str, Any]

#: Deeper nesting than any resource has; a guard against a body made to exhaust the stack.
MAX_DEPTH: Final = 200


class NumberText(str):
    """A JSON number as it was spelled."""

    __slots__ = ()


class NotJson(ValueError):
    """The text is no JSON that a FHIR server takes; the message says why."""


def read(text: bytes | str) -> Any:
    """The tree of a JSON text. Raises NotJson on bad UTF-8, bad JSON, NaN or a doubled key."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return json.loads(
            text,
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as wrong:
        raise NotJson(f"The body is not JSON: {wrong}") from None
    except RecursionError:
        raise NotJson("The body is nested too deeply.") from None


def write(tree: Any, depth: int = 0) -> str:
    """The text of a tree, compact, every number as it was spelled."""
    if depth > MAX_DEPTH:
        raise NotJson("The body is nested too deeply.")
    if isinstance(tree, dict):
        members = (f"{quoted(name)}:{write(value, depth + 1)}" for name, value in tree.items())
        return f"{{{','.join(members)}}}"
    if isinstance(tree, list):
        return f"[{','.join(write(value, depth + 1) for value in tree)}]"
    if isinstance(tree, NumberText):
        return str(tree)
    return quoted(tree) if isinstance(tree, str) else json.dumps(tree)


def quoted(text: str) -> str:
    """A JSON string; escapes what UTF-8 cannot carry (a lone surrogate)."""
    plain = json.dumps(text, ensure_ascii=False)
    try:
        plain.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return plain


def _no_constant(name: str) -> Any:
    raise NotJson(f"The body is not JSON: {name} is no number.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise NotJson("The body has an element twice.")
    return tree
