"""The figures of a checkout in one table, for `python -m tests.house`.

In:  a `House`. Out: lines of text. The limits stand in `limits.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.house.imports import circles, imports
from tests.house.limits import LIMITS
from tests.house.names import VAGUE, class_places, file_places, local_names, loop_variables, twice
from tests.house.source import House


def table(house: House) -> str:
    """The table: a criterion and its measure a line, with the worst by name below them."""
    return "\n".join(f"{name:<34} {measure}" for name, measure in _lines(house))


def _lines(house: House) -> Iterator[tuple[str, str]]:
    yield "lines of src", f"{sum(module.lines for module in house.modules)}"
    yield "modules", f"{len(house.modules)}"
    yield from _lengths(house)
    groups = circles(imports(house))
    modules = sum(map(len, groups))
    yield "import circles", f"{len(groups)}, of {modules} modules"
    yield from (("", " · ".join(group)) for group in groups)
    wide = sorted(
        ((function.parameters, function.name) for function in house.functions), reverse=True
    )
    wide = [(count, name) for count, name in wide if count > LIMITS.parameters]
    yield f"functions with over {LIMITS.parameters} parameters", f"{len(wide)}"
    yield from (("", f"{count:>4} {name}") for count, name in wide)
    yield from _names(house)


def _lengths(house: House) -> Iterator[tuple[str, str]]:
    lengths = sorted(function.lines for function in house.functions)
    middle, most = lengths[len(lengths) // 2], lengths[int(len(lengths) * 0.95)]
    yield "functions", f"{len(lengths)}"
    yield "function length, median/p95/max", f"{middle} / {most} / {lengths[-1]}"
    for title, parts, limit in (
        ("longest function", house.functions, LIMITS.function_lines),
        ("largest file", house.modules, LIMITS.file_lines),
        ("largest class", house.classes, LIMITS.class_lines),
    ):
        measures = sorted(((part.lines, part.name) for part in parts), reverse=True)
        over = [(lines, name) for lines, name in measures if lines > limit]
        yield title, f"{measures[0][0]} lines; over {limit}: {len(over)}"
        yield from (("", f"{lines:>4} {name}") for lines, name in over)


def _names(house: House) -> Iterator[tuple[str, str]]:
    for title, places in (
        ("class names that exist twice", twice(class_places(house))),
        ("  of these outside practice", twice(class_places(house, apart=["practice"]))),
        ("file names in several rooms", twice(file_places(house))),
    ):
        yield title, f"{len(places)}"
        yield from (("", f"{name}: {', '.join(where)}") for name, where in places.items())
    for title, count in (("loop variables", loop_variables), ("assignments", local_names)):
        used: Counter[str] = Counter()
        for module in house.modules:
            used += count(module)
        vague = ", ".join(f"{name} {used[name]}" for name in VAGUE if used[name])
        yield title, f"{sum(used.values())}, of these {vague}"
