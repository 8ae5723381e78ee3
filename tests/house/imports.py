"""Which module imports which, and which imports go in a circle.

In:  a `House`. Out: module -> modules that it imports; the circles, each a sorted tuple of names.
An import counts wherever it stands: in a function, or behind TYPE_CHECKING, it couples as much.
The package's own `__init__` files count where they are named, not because a module lies in them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tests.house.source import House, Module


def imports(house: House) -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports."""
    known = {module.name for module in house.modules}
    return {
        module.name: set(imported(house.package, module, known)) - {module.name}
        for module in house.modules
    }


def circles(arrows: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The groups of modules of which each imports, by whatever way, all others of its group."""
    reached = {name: _reached(arrows, name) for name in arrows}
    groups = {
        tuple(sorted({other for other in reached[name] if name in reached.get(other, set())}))
        for name in arrows
        if name in reached[name]
    }
    return sorted(groups)


def _reached(arrows: Mapping[str, set[str]], start: str) -> set[str]:
    """All that is imported from a module on; the module itself where a circle leads back."""
    seen: set[str] = set()
    ahead = list(arrows[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += arrows.get(name, set())
    return seen


def imported(package: str, module: Module, known: set[str]) -> Iterator[str]:
    """What a file imports of a package, by the names after the package; `known` are its modules."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{package}."):
                    yield alias.name.removeprefix(f"{package}.")
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            start, _, rest = node.module.partition(".")
            if start != package:
                continue
            for alias in node.names:
                below = f"{rest}.{alias.name}".lstrip(".")
                yield below if below in known else rest
