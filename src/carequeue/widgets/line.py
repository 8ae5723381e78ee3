"""One line of the screen: how text is measured and cut, and the widget that draws it.

Text is cut by grapheme clusters and measured in terminal cells *before* it becomes a strip:
cutting a strip is not grapheme-aware and would take the tone mark off a Vietnamese name.
The widget never takes the focus (a focus change costs a hundred lines' worth of bytes) and is
redrawn only when what it shows has changed.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from textual.strip import Strip
from textual.widget import Widget

from carequeue.widgets.themes import Painter, Parts


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where something is missing."""
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
    """Left parts, a gap, and right parts that end at `width`; the right ones are kept whole."""
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
    """Text broken at blanks into lines of at most `width` cells; a longer word is cut in two."""
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


class Line(Widget):
    """A widget one cell high; `show` takes a function from its width to what it says."""

    def __init__(self, painter: Painter, ground: str = "ground", *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._painter = painter
        self._ground = ground
        self._parts: Callable[[int], Parts] = lambda width: ()
        self._drawn: Strip | None = None
        self.painted: Callable[[], None] = lambda: None  # called when it has been drawn

    def show(self, parts: Callable[[int], Parts]) -> None:
        """Show what the function says, now and at every later width."""
        self._parts = parts
        if self.size.width and self._make() != self._drawn:
            self.refresh()

    def _make(self) -> Strip:
        width = self.size.width
        return self._painter.strip(self._parts(width), width, self._ground)

    def render_line(self, y: int) -> Strip:
        """The one line."""
        if y:
            return self._painter.blank(self.size.width, self._ground)
        self._drawn = self._make()
        self.painted()
        return self._drawn

    @property
    def text(self) -> str:
        """What it says, as plain text."""
        return "".join(text for text, _ in self._parts(self.size.width))
