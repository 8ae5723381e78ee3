"""Clean text on standard output: lines, messages, tables, pairs, tabs and JSON.

In:  plain values.  Out: text; each value goes through `clean` first, whoever sent it.
Decided here: a color never says what no word says; `rich` is loaded for tables only.
Not here: what rows and items look like (`rows.py`, `detail.py`, `outcomes.py`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any, Final

from carequeue.domain.sanitize import clean, clean_block

#: The longest text of one field; a server may send a title of any length.
LONGEST: Final = 2000


class Shape(StrEnum):
    """The form of the output."""

    TEXT = "text"
    PLAIN = "plain"
    JSON = "json"


def write(text: str = "") -> None:
    """Write one line, or several, of text that is already clean."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{text}\n".encode(encoding, "replace").decode(encoding))


def write_message(text: str) -> None:
    """Write a sentence that may contain names."""
    write(clean_block(text, LONGEST))


def field(text: str) -> str:
    """The clean text of one field, on one line."""
    return clean(text, LONGEST)


def when(at: datetime | None, zone: tzinfo) -> str:
    """A time at the site; "" for None."""
    if at is None:
        return ""
    try:
        local = at.astimezone(zone)
    except (OverflowError, ValueError):
        local = at
    # Not strftime's names: they follow the language of the machine.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    return f"{day} {local:%Y-%m-%d %H:%M}"


def line_width() -> int:
    """The columns of the terminal; 100 without a terminal."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def rendered(renderable: Any) -> str:
    """A rich renderable as text: color only on a terminal that has it, without NO_COLOR."""
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        force_terminal=sys.stdout.isatty() and os.environ.get("TERM") != "dumb",
        no_color=bool(os.environ.get("NO_COLOR")),
        width=line_width(),
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(renderable)
    return captured.get().rstrip("\n")


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON; letters stay readable if the encoding of the output has them, else they are escaped."""
    wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not wide, indent=indent)


def plain_value(value: Any) -> Any:
    """Values for JSON: clean text, times in UTC, tuples as lists."""
    if isinstance(value, str):
        return clean_block(value, LONGEST)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: plain_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(entry) for entry in value]
    return value


def write_value(value: Any) -> None:
    """Write any result of the desk, or a list of results, as JSON."""
    entries = value if isinstance(value, list | tuple) else [value]
    fields = [plain_value(dataclasses.asdict(entry)) for entry in entries]
    write(json_text(fields if entries is value else fields[0], indent=2))


def write_columns(rows: Sequence[Sequence[str]]) -> None:
    """Write a table for people; the first row is the header, and long cells are folded."""
    from rich.table import Table
    from rich.text import Text

    heads, *lines = rows
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for line in lines:
        table.add_row(*(Text(clean_block(cell, LONGEST)) for cell in line))
    write(rendered(table))


def write_tabbed(rows: Iterable[Sequence[str]]) -> None:
    """Write one row per line, its fields separated by tabs."""
    for row in rows:
        write("\t".join(field(value) for value in row))


def write_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Write two columns; the first is as wide as its widest cell."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, text in pairs:
        write(f"{field(name):<{width}}  {field(text)}".rstrip())
