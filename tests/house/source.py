"""Reads a checkout: its modules, and the functions and classes in them. Nothing is imported.

In:  the folder of a checkout. Out: `Module`, `Function` and `Class`, named as from the package on
(`store.mirror.SourceMirror.save`).
Why: another checkout can be measured by the same program, also one that does not start.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

#: This checkout.
HERE: Final = Path(__file__).parents[2]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A function or method; `name` begins with its module, `owner` is its class, if any."""

    name: str
    node: FunctionNode
    owner: Class | None
    nested: bool

    @property
    def lines(self) -> int:
        """Lines from `def` to the end of the body; decorators are left out."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def parameters(self) -> int:
        """How many arguments a caller may give; `self` and `cls` are none."""
        arguments = self.node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        bound = self.owner is not None and not self.nested and not self._has("staticmethod")
        return len(named) - bool(bound)

    @property
    def public(self) -> bool:
        """Whether the name may be used elsewhere."""
        owned = self.owner is None or self.owner.public
        return owned and not self.nested and not self.node.name.startswith("_")

    @property
    def needs_docstring(self) -> bool:
        """Whether a reader looks for a docstring here: an override has that of its base."""
        return self.public and not (self._has("overload") or self._has("override"))

    def _has(self, decorator: str) -> bool:
        return any(_last_name(node) == decorator for node in self.node.decorator_list)


@dataclass(frozen=True)
class Class:
    """A class; `name` begins with its module."""

    name: str
    node: ast.ClassDef

    @property
    def lines(self) -> int:
        """Lines from `class` to the end of the body."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def public(self) -> bool:
        """Whether the name may be used elsewhere."""
        return not self.node.name.startswith("_")


@dataclass(frozen=True)
class Module:
    """A file of the package. `name`: from the package on, `store.mirror`; "" is the package."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """The source text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return len(self.text.splitlines())

    @property
    def room(self) -> str:
        """The folder that the file is in, `store`; "" at the top."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def functions(self) -> list[Function]:
        """All functions, also those in classes and in other functions."""
        return list(_functions(self.tree, self.name, None))

    @cached_property
    def classes(self) -> list[Class]:
        """All classes, also those in classes and functions."""
        return list(_classes(self.tree, self.name))


@dataclass(frozen=True)
class House:
    """The package of a checkout. `package`: its import name."""

    package: str
    modules: tuple[Module, ...]

    @property
    def functions(self) -> list[Function]:
        """The functions of all modules."""
        return [function for module in self.modules for function in module.functions]

    @property
    def classes(self) -> list[Class]:
        """The classes of all modules."""
        return [owner for module in self.modules for owner in module.classes]


@cache
def read_house(checkout: Path = HERE) -> House:
    """The one package in `src` of a checkout, read once. Raises FileNotFoundError without one."""
    for start in sorted((checkout / "src").glob("*/__init__.py")):
        folder = start.parent
        files = sorted(folder.rglob("*.py"))
        return House(folder.name, tuple(Module(_name(file, folder), file) for file in files))
    raise FileNotFoundError(f"{checkout} has no package in src.")


def _name(file: Path, folder: Path) -> str:
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _functions(
    parent: ast.AST, prefix: str, owner: Class | None, *, nested: bool = False
) -> Iterator[Function]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, FunctionNode):
            name = f"{prefix}.{node.name}"
            yield Function(name, node, owner, nested)
            yield from _functions(node, name, owner, nested=True)
        elif isinstance(node, ast.ClassDef):
            name = f"{prefix}.{node.name}"
            yield from _functions(node, name, Class(name, node))
        else:
            yield from _functions(node, prefix, owner, nested=nested)


def _classes(parent: ast.AST, prefix: str) -> Iterator[Class]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef | FunctionNode):
            name = f"{prefix}.{node.name}"
            if isinstance(node, ast.ClassDef):
                yield Class(name, node)
            yield from _classes(node, name)
        else:
            yield from _classes(node, prefix)


def _last_name(node: ast.expr) -> str:
    """The last word of a dotted name or of what is called by it."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
