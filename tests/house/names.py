"""Where names are used twice, and how often a name is used that says nothing.

In:  a `House` or a `Module`. Out: name -> places, name -> count. No limit is known here.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from tests.house.source import House, Module

#: Names that say nothing of what they hold.
VAGUE: Final = ("one", "each", "found", "said", "words", "made", "it", "thing")


def twice(names: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Those names that are used in more than one place."""
    return {name: sorted(places) for name, places in sorted(names.items()) if len(places) > 1}


def class_places(house: House, *, apart: Sequence[str] = ()) -> dict[str, list[str]]:
    """Class name -> the modules that define it; those of the rooms `apart` are left out."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in house.modules:
        if module.name.partition(".")[0] in apart:
            continue
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module.name)
    return places


def file_places(house: House) -> dict[str, list[str]]:
    """File name -> the rooms that have a file of this name."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in house.modules:
        if not module.path.name.startswith("__"):
            places[module.path.name].append(module.room)
    return places


def loop_variables(module: Module) -> Counter[str]:
    """Name -> in how many loops and comprehensions of a module it is the variable."""
    loops = (ast.For, ast.AsyncFor, ast.comprehension)
    return _names_in([node.target for node in ast.walk(module.tree) if isinstance(node, loops)])


def local_names(module: Module) -> Counter[str]:
    """Name -> how often a module assigns a value to it."""
    targets: list[ast.expr] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            targets.append(node.target)
    return _names_in(targets)


def _names_in(targets: Sequence[ast.expr]) -> Counter[str]:
    names = (name for target in targets for name in ast.walk(target))
    return Counter(name.id for name in names if isinstance(name, ast.Name))
