"""A scrolling text: the detail, help, the palette, the results of an act on several items.

In:  a function from the width to lines of parts. Only lines that have changed are redrawn.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from carequeue.widgets.themes import Painter, Parts

Lines = list[Parts]


class TextView(Widget):
    """Lines that may not all fit; `divider` draws a thin line at its left."""

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
        self._made_width = -1
        self.top = 0
        self.more = ""  # the key that shows the lines below, shown if there are any
        self._drawn: dict[int, Strip] = {}

    @property
    def inner(self) -> int:
        """The cells that a line has."""
        return max(1, self.size.width - (3 if self._divider else 2))

    def show(self, source: Callable[[int], Lines], *, top: int | None = None) -> None:
        """Show the lines that `source` returns for a width, from `top` on (None: unchanged)."""
        self._source, self._made_width = source, -1
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
        """Move by lines, but not beyond the ends."""
        self._make()
        top = max(0, min(self.top + lines, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def keep_in_view(self, line: int) -> None:
        """Jump by half a screen if a line is out of sight: as cheap as a scroll by one line."""
        height = self.size.height
        if line < self.top or (height and line >= self.top + height):
            self.top = max(0, line - height // 2)

    def _make(self) -> None:
        if self._made_width != self.inner:
            self._lines, self._made_width = self._source(self.inner), self.inner

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
        """Break the lines for the new width."""
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
