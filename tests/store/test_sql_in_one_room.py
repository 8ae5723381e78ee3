"""SQL stands in `store/` alone: a use case asks for a value, and never knows a table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import carequeue

_SOURCE = Path(carequeue.__file__).parent
#: Rooms with a database of their own: `practice` is the other side of the wire.
_ROOMS = ("store", "practice")
_CALLS = frozenset({"exec_driver_sql", "execute", "executemany", "executescript"})
_BUILDERS = frozenset({"select", "insert", "update", "delete", "text"})
_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE|DROP|ALTER|WITH)\s+\S")


def statements(code: str) -> Iterator[str]:
    """What of a module speaks SQL, each with its line."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in _CALLS:
                yield f"{node.lineno}: .{name}("
            case ast.ImportFrom(module=str(module), names=names) if "sqlalchemy" in module:
                yield from (f"{node.lineno}: {one.name}" for one in names if one.name in _BUILDERS)
            case ast.Constant(value=str(words)) if _STATEMENT.match(words):
                yield f"{node.lineno}: {words[:40]}"


def test_no_statement_stands_outside_the_store() -> None:
    outside = [
        f"{path.relative_to(_SOURCE)}:{statement}"
        for path in sorted(_SOURCE.rglob("*.py"))
        if path.relative_to(_SOURCE).parts[0] not in _ROOMS
        for statement in statements(path.read_text(encoding="utf-8"))
    ]
    assert not outside


def test_the_search_sees_each_way_to_speak_sql() -> None:
    code = (
        "from sqlalchemy import Connection, select, text\n"
        "connection.exec_driver_sql(words)\n"
        "quick(connection).execute(words)\n"
        "words = 'SELECT key FROM item'\n"
        "words = f'DELETE FROM {table}'\n"
    )
    found = [statement.partition(": ")[2] for statement in statements(code)]
    assert sorted(found) == [
        ".exec_driver_sql(", ".execute(", "DELETE FROM ", "SELECT key FROM item", "select", "text",
    ]  # fmt: skip
