"""Lines of text with a place in them: the detail, help, the palette, the results of a bulk act.

In:  a function from the width to lines of parts. It is redrawn only where a line has changed.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from carequeue.widgets.themes import Painter, Parts

Lines = list[Parts]


class Sheet(Widget):
    """Lines that may be more than fit; `divider` draws a thin line at its left."""

    def __init__(
        self,
        painter: Painter,
        ground: str = "ground",
        *,
        divider: bool = False,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._painter, self._ground, self._divider = painter, ground, divider
        self._source: Callable[[int], Lines] = lambda width: []
        self._lines: Lines = []
        self._made_for = -1
        self.top = 0
        self.more = ""  # how to see what lies below the last line, said where there is any
        self._drawn: dict[int, Strip] = {}

    @property
    def text(self) -> str:
        """All its lines, as plain text."""
        self._make()
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    @property
    def inner(self) -> int:
        """The cells that a line may fill."""
        return max(1, self.size.width - (3 if self._divider else 2))

    def show(self, source: Callable[[int], Lines], *, top: int | None = None) -> None:
        """Show the lines that a function gives for a width; from line `top` on, or as it is."""
        self._source, self._made_for = source, -1
        if top is not None:
            self.top = top
        self.redraw()

    def redraw(self) -> None:
        """Redraw the lines that have changed."""
        if not self.size.width or not self.display:
            return
        self._make()
        width = self.size.width
        for y in range(self.size.height):
            if self._drawn.get(y) != self._strip(y):
                self.refresh(Region(0, y, width, 1))

    def scroll(self, lines: int) -> None:
        """Move by lines, not beyond the ends."""
        self._make()
        top = max(0, min(self.top + lines, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def keep_in_view(self, line: int) -> None:
        """Jump half a screen where a line is out of sight: as cheap as a scroll by one line."""
        height = self.size.height
        if line < self.top or (height and line >= self.top + height):
            self.top = max(0, line - height // 2)

    def _make(self) -> None:
        if self._made_for != self.inner:
            self._lines, self._made_for = self._source(self.inner), self.inner

    def _strip(self, y: int) -> Strip:
        line = self.top + y
        below = len(self._lines) - line
        parts = list(self._lines[line]) if below > 0 else []
        if self.more and below > 1 and y == self.size.height - 1:
            parts = [(f"↓ {below} more lines  ", "muted"), (self.more, "key")]
        edge = [("│", "rule"), (" ", "text")] if self._divider else [(" ", "text")]
        return self._painter.strip([*edge, *parts], self.size.width, self._ground)

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        self._make()
        strip = self._drawn[y] = self._strip(y)
        return strip

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._drawn.clear()
        self.top = 0
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines down."""
        event.stop()
        self.scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines up."""
        event.stop()
        self.scroll(-3)
