"""Which public names have no docstring, and which docstrings only say the name once more.

A docstring echoes where all its words, less those that carry nothing, stand in the name or in that
of its class: `def open_intents: "All open intents."`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.house.source import House

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Words that carry nothing.
_EMPTY: Final = frozenset(
    _WORD.findall(
        "a all an and are as at be by for from get gets given has have in is it its of on or "
        "return returns s set sets that the their them there these they this those to what "
        "whether which who with"
    )
)


def documented(house: House) -> Iterator[tuple[str, str | None]]:
    """Every public module, class and function by name, and its docstring."""
    for module in house.modules:
        if not module.tree.body:
            continue  # an empty `__init__`: its folder has a line in docs/architecture.md
        yield module.name or house.package, ast.get_docstring(module.tree)
    for owner in house.classes:
        if owner.public:
            yield owner.name, ast.get_docstring(owner.node)
    for function in house.functions:
        if function.needs_docstring:
            yield function.name, ast.get_docstring(function.node)


def echoes(name: str, docstring: str) -> bool:
    """Whether a docstring adds nothing to a dotted name and the name before it."""
    return _words(docstring) <= _words(" ".join(name.split(".")[-2:]))


def _words(text: str) -> set[str]:
    """The words that carry something, in lower case and in the singular."""
    words = {word.lower() for word in _WORD.findall(text)}
    return {word.removesuffix("s") for word in words if word not in _EMPTY} - {""}
