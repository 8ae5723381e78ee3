"""Words that this project coined and then replaced by plain words, and where one is still used.

In:  a `House`. Out: word -> the names and sentences that have it. Stored names are apart: a column,
a state in the cache and a field of `--json` keep their spelling. Docstrings are apart, too.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from tests.house.source import House, Module

#: Coined word of a name -> the plain word.
NAMES: Final[Mapping[str, str]] = {
    "abreast": "parallel",
    "anew": "again",
    "judging": "interpreting a response",
    "lane": "tab, or pending resource",
    "lanes": "tabs, or pending resources",
    "look": "sync cycle, or read",
    "looked": "synced, or read",
    "looking": "syncing, or reading",
    "looks": "sync cycles, or reads",
    "narrowed": "filtered",
    "narrowing": "filtering",
    "overlaid": "overlay stack",
    "setback": "restored from a backup",
    "settle": "reconcile",
    "settled": "reconciled",
    "settling": "reconciling",
}
#: What a person reads -> the plain words.
SENTENCES: Final[Mapping[str, str]] = {
    r"\banew\b": "again",
    r"\btak(e|es|ing|en) back\b": "undo",
    r"(?<!be )\bkept here\b": "saved on this computer only",
    r"\blooks? at the (server|source)s?\b|\b(last|next|each|this|a) look\b|looked at\.": "sync",
    r"\blaid\b": "stored",
    r"\blet go\b": "discarded",
    r"\bheld up\b": "delayed",
    r"\bnarrow(s|ed|ing)?\b": "filter",
    r"\bout of account\b": "ignored",
    r"\bas it came\b": "unchanged",
    r"\bset back\b": "restored from a backup",
    r"\bsettled?\b": "reconciled",
    r"\bwhoever runs the server\b": "your server administrator",
    r"\bmend\b": "fix",
    r"\bfault of (its|our|your) own\b": "an internal error",
    r"\bno address of\b": "not a server address",
    r"\btime to come\b": "a future time",
    r"\bSay more of\b": "type more characters",
    r"\bstands\.$": "applies",
}
#: The beginning of a reason that an earlier version stored in the cache.
_STORED: Final = "kept here only: "
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_STATEMENT: Final = re.compile(r"^\s*(SELECT|CREATE|ALTER|UPDATE|INSERT|DELETE)\b")
_HAS_DOCSTRING: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def coined_names(house: House) -> dict[str, set[str]]:
    """Coined word -> `module: name` of the modules, functions, classes and values that have it."""
    places: dict[str, set[str]] = defaultdict(set)
    for module in house.modules:
        for name in (module.name.rpartition(".")[2], *_defined_names(module)):
            for word in NAMES.keys() & {part.lower() for part in _WORD.findall(name)}:
                places[word].add(f"{module.name}: {name}")
    return places


def coined_sentences(house: House) -> dict[str, set[str]]:
    """Coined words -> `module: text` of the texts with several words that have them."""
    places: dict[str, set[str]] = defaultdict(set)
    for module in house.modules:
        for text in _texts(module):
            for pattern in coined_in(text):
                places[pattern].add(f"{module.name}: {text}")
    return places


def coined_in(text: str) -> list[str]:
    """The coined words of a text."""
    return [pattern for pattern in SENTENCES if re.search(pattern, text, re.IGNORECASE)]


def _defined_names(module: Module) -> Iterator[str]:
    """The names that a module gives; a column of a table keeps the name that is stored."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _texts(module: Module) -> Iterator[str]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, _HAS_DOCSTRING) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if (
                id(node) not in docstrings
                and " " in text
                and text != _STORED
                and not _STATEMENT.match(text)
            ):
                yield text
