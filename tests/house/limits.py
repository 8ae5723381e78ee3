"""The limits of the house, and a criterion a line: what is measured, and what is over its limit.

In:  a `House`. Out: name -> measure of what is over a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.house.docstrings import documented, echoes
from tests.house.imports import circles, imports
from tests.house.names import class_places
from tests.house.source import House


@dataclass(frozen=True)
class Limits:
    """The largest size that is allowed of each part, and the most parameters of a function."""

    file_lines: int = 400
    class_lines: int = 250
    function_lines: int = 40
    parameters: int = 6


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Criterion:
    """`measure`: name -> by how much it counts."""

    title: str
    limit: int
    measure: Callable[[House], Mapping[str, int]]

    def over(self, house: House) -> dict[str, int]:
        """Name -> measure of what is over the limit."""
        measures = self.measure(house).items()
        return {name: measure for name, measure in measures if measure > self.limit}


def _file_lines(house: House) -> dict[str, int]:
    return {module.name: module.lines for module in house.modules}


def _class_lines(house: House) -> dict[str, int]:
    return {owner.name: owner.lines for owner in house.classes}


def _function_lines(house: House) -> dict[str, int]:
    return _largest((function.name, function.lines) for function in house.functions)


def _parameters(house: House) -> dict[str, int]:
    return _largest((function.name, function.parameters) for function in house.functions)


def _circles(house: House) -> dict[str, int]:
    return {" · ".join(group): len(group) for group in circles(imports(house))}


def _class_names(house: House) -> dict[str, int]:
    places = class_places(house, apart=["practice"])  # it may know nothing of ours, nor our names
    return {name: len(modules) for name, modules in places.items()}


def _undocumented(house: House) -> dict[str, int]:
    return {name: int(not docstring) for name, docstring in documented(house)}


def _echoes(house: House) -> dict[str, int]:
    return {name: int(echoes(name, text)) for name, text in documented(house) if text}


def _largest(measures: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Several functions may have one name (a property and its setter): the largest counts."""
    largest: dict[str, int] = {}
    for name, measure in measures:
        largest[name] = max(measure, largest.get(name, 0))
    return largest


CRITERIA: Final = (
    Criterion("lines of a file", LIMITS.file_lines, _file_lines),
    Criterion("lines of a class", LIMITS.class_lines, _class_lines),
    Criterion("lines of a function", LIMITS.function_lines, _function_lines),
    Criterion("parameters of a function", LIMITS.parameters, _parameters),
    Criterion("modules of an import circle", 0, _circles),
    Criterion("classes of one name", 1, _class_names),
    Criterion("public names without a docstring", 0, _undocumented),
    Criterion("docstrings that echo their name", 0, _echoes),
)
