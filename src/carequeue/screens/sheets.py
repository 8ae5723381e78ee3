"""Lines in the place of the list: which of the open layers shows its own, and the way back.

In:  the layers, the widgets. Out: the sheet over the body, or the body. A layer that shows lines
can show them again (`Layer.reshow`): when the one above it is taken away, it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from carequeue.screens.layers import Layer
from carequeue.screens.reading import DetailLayer, SheetLayer
from carequeue.widgets.sheet import Sheet
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.screens.front import Front, Widgets


class Sheets:
    """The one sheet of the screen, and who has it."""

    def __init__(self, front: Front, widgets: Widgets, layers: Sequence[Layer]) -> None:
        self._front, self._widgets, self._layers = front, widgets, layers

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines, so that a line of them is in sight; `more` is the key that shows the rest."""
        sheet = self._widgets.sheet
        self._widgets.body.display, sheet.display = False, True
        sheet.more = more
        if not line:
            sheet.top = 0
        sheet.keep_in_view(line)
        sheet.show(source)

    def read(self, source: Callable[[int], list[Parts]]) -> None:
        """Show lines with the keys that scroll and close them."""
        front = self._front
        if self._layers and type(self._layers[-1]) is SheetLayer:
            front.pop(self._layers[-1])
        layer = SheetLayer(front, lambda: self.display(source))
        front.push(layer)
        layer.reshow()

    def unread(self) -> None:
        """Show what the topmost layer that has lines shows; without one, the list."""
        if not any(layer.reshow() for layer in reversed(self._layers)):
            self._widgets.sheet.display, self._widgets.body.display = False, True

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor."""
        front = self._front
        if self._widgets.rows.row is None or any(isinstance(x, DetailLayer) for x in self._layers):
            return
        layer = DetailLayer(front, self._show_detail)
        front.push(layer)
        layer.reshow()

    def _show_detail(self) -> None:
        sheet = self._widgets.sheet
        self._widgets.body.display, sheet.display = False, True
        sheet.more = "pgdn"
        self._front.detail.want(self._widgets.rows.row)
        self._front.detail.show(top=0)

    def scroll(self, lines: int) -> None:
        """Move the lines that are shown."""
        self._widgets.sheet.scroll(lines)

    @property
    def height(self) -> int:
        """How many lines are in sight."""
        return self._widgets.sheet.size.height

    def of_detail(self) -> list[Sheet]:
        """Where the detail is in sight."""
        found = [self._widgets.pane] if self._widgets.pane.display else []
        if any(isinstance(layer, DetailLayer) for layer in self._layers):
            found.append(self._widgets.sheet)
        return found
