"""How text is measured, cut, filled and wrapped in terminal cells.

Text is cut between grapheme clusters and measured in cells *before* it becomes a strip: cutting a
strip splits clusters, and would take the tone mark off a Vietnamese name.
Pure; not here: how a line is drawn (`one_line_widget.py`).
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from carequeue.widgets.themes import Parts


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis if it was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"


def fill(text: str, width: int) -> str:
    """The text in exactly `width` cells."""
    return set_cell_size(cut(text, width), width) if width > 0 else ""


def length(parts: Parts) -> int:
    """How many cells parts take."""
    return sum(cell_len(text) for text, _ in parts)


def spread(left: Parts, right: Parts, width: int) -> Parts:
    """Left parts, a gap, and right parts that end at `width`; only left parts are cut."""
    gap = width - length(left) - length(right)
    if gap >= 0:
        return [*left, (" " * gap, "text"), *right]
    room = max(0, width - length(right) - 1)
    kept: list[tuple[str, str]] = []
    for text, role in left:
        piece = cut(text, room)
        room -= cell_len(piece)
        kept.append((piece, role))
        if piece != text:
            break
    return [*kept, (" " * max(0, width - length(kept) - length(right)), "text"), *right]


def wrap(text: str, width: int) -> list[str]:
    """Text broken at blanks into lines of at most `width` cells; a longer word is broken too."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        while cell_len(word) > width > 0:
            head = set_cell_size(word, width)
            if line:
                lines.append(line)
                line = ""
            lines.append(head)
            word = word[max(1, len(head.rstrip())) :]
        if line and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def hanging(head: Parts, text: str, role: str, width: int) -> list[Parts]:
    """A text wrapped beside its head; further lines are indented to where the text begins."""
    indent = length(head)
    first, *rest = wrap(text, max(8, width - indent)) or [""]
    return [[*head, (first, role)], *([(" " * indent, "text"), (line, role)] for line in rest)]
