"""Where the docs and the code that they speak of are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "src" / "carequeue"
DOCS: Final = ROOT / "docs"
_TEXTS: Final = frozenset({".py", ".md", ".toml", ".tcss", ".mjs"})


def page(name: str) -> str:
    """One page of the docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def cells(text: str, head: str) -> list[list[str]]:
    """The rows of the Markdown table whose first line begins with `head`, without their marks."""
    lines = text[text.index(head) :].splitlines()[2:]
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    assert rows, head
    return rows


def texts(*folders: str) -> Iterator[Path]:
    """Every file of the project's own that people read, in these folders or with these names."""
    for name in folders:
        found = ROOT / name
        for file in [found] if found.is_file() else sorted(found.rglob("*")):
            if file.suffix in _TEXTS and "node_modules" not in file.parts:
                yield file
