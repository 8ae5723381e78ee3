"""What lies over the list: the layers, and the lines in the place of the list that one of them has.

In:  layers that are laid and taken away, lines to show. Out: the sheet over the body, or the body.
A layer that shows lines can show them again (`Layer.reshow`): when the one above it is taken away,
it does.
This is the half of the `Stage` that the front inherits; the other half is in `controller.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from textual.widget import Widget

from carequeue.screens.overlay import Layer
from carequeue.screens.reader_overlays import DetailLayer
from carequeue.widgets.line import Line
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.text_view import Sheet
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.screens.detail import DetailView


class Widgets(NamedTuple):
    """The parts of the screen."""

    header: Line
    tabs: Line
    body: Widget
    rows: QueueList
    pane: Sheet
    sheet: Sheet
    message: Line
    footer: Line


class Overlaid:
    """The layers over one list, and the one sheet that they share."""

    detail: DetailView

    def __init__(self, widgets: Widgets) -> None:
        self.widgets = widgets
        self.layers: list[Layer] = []

    def draw(self) -> None:
        """Redraw the message line and the footer."""
        raise NotImplementedError

    def push(self, layer: Layer) -> None:
        """Lay something over the list."""
        self.layers.append(layer)
        self.draw()

    def pop(self, layer: Layer) -> None:
        """Take it away, and all that lies over it."""
        while layer in self.layers:
            self.layers.pop().closed()
        self.draw()

    def on_top(self, layer: Layer) -> bool:
        """Whether a layer takes the keys first."""
        return bool(self.layers) and self.layers[-1] is layer

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines, so that a line of them is in sight; `more` is the key that shows the rest."""
        sheet = self.widgets.sheet
        self.widgets.body.display, sheet.display = False, True
        sheet.more = more
        if not line:
            sheet.top = 0
        sheet.keep_in_view(line)
        sheet.show(source)

    def scroll(self, lines: int, *, pages: bool = False) -> None:
        """Move the lines that are shown."""
        sheet = self.widgets.sheet
        sheet.scroll(lines * max(1, sheet.size.height - 2) if pages else lines)

    def unread(self) -> None:
        """Show what the topmost layer that has lines shows; without one, the list."""
        if not any(layer.reshow() for layer in reversed(self.layers)):
            self.widgets.sheet.display, self.widgets.body.display = False, True

    def origin(self, source: str) -> Origin:
        """How the rows of a source name it."""
        return self.widgets.rows.origins.of(source)

    def advance(self, key: str) -> None:
        """Show an item as acted on, and go to the next."""
        rows = self.widgets.rows
        rows.acted.add(key)
        if rows.key == key:
            rows.move(1)
        rows.redraw()

    def _show_detail(self) -> None:
        sheet = self.widgets.sheet
        self.widgets.body.display, sheet.display = False, True
        sheet.more = "pgdn"
        self.detail.want(self.widgets.rows.row)
        self.detail.show(top=0)

    def _detail_sheets(self) -> list[Sheet]:
        """Where the detail is in sight."""
        found = [self.widgets.pane] if self.widgets.pane.display else []
        if self.detail_covers:
            found.append(self.widgets.sheet)
        return found

    @property
    def detail_covers(self) -> bool:
        """Whether the detail is what stands in the place of the list."""
        covering = [layer for layer in self.layers if layer.covers]
        return bool(covering) and isinstance(covering[-1], DetailLayer)
