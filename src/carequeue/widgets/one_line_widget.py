"""The widget for one line of the screen: header, tabs, message and footer.

It never takes the focus, because a change of focus costs as many bytes as a hundred lines, and it
is redrawn only if the text that it shows has changed.
Not here: how text is measured and cut (`text_width.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from textual.strip import Strip
from textual.widget import Widget

from carequeue.widgets.themes import Painter, Parts


class OneLineWidget(Widget):
    """A widget one cell high; `show` takes a function from its width to its parts."""

    def __init__(self, painter: Painter, ground: str = "ground", *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._painter = painter
        self._ground = ground
        self._parts: Callable[[int], Parts] = lambda width: ()
        self._drawn: Strip | None = None
        self.painted: Callable[[], None] = lambda: None  # called after each drawing

    def show(self, parts: Callable[[int], Parts]) -> None:
        """Show the parts that the function returns, now and at every later width."""
        self._parts = parts
        if self.size.width and self._make() != self._drawn:
            self.refresh()

    def _make(self) -> Strip:
        width = self.size.width
        return self._painter.strip(self._parts(width), width, self._ground)

    def render_line(self, y: int) -> Strip:
        """Its parts as a strip; Textual asks for further lines while the window is resized."""
        if y:
            return self._painter.blank(self.size.width, self._ground)
        self._drawn = self._make()
        self.painted()
        return self._drawn
