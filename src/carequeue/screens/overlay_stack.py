"""The overlays over the list, and the text that the topmost of them shows in its place.

In:  overlays that open and close, lines to show. Out: the text view over the body, or the body.
If an overlay closes, the one below it shows its lines again (`Overlay.reshow`).
This is the half of `ScreenContext` that the controller inherits; the rest is in `controller.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from textual.widget import Widget

from carequeue.screens.overlay import Overlay
from carequeue.screens.reader_overlays import DetailOverlay
from carequeue.widgets.one_line_widget import OneLineWidget
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.text_view import TextView
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.screens.detail import DetailView


class Widgets(NamedTuple):
    """The parts of the screen."""

    header: OneLineWidget
    tabs: OneLineWidget
    body: Widget
    rows: QueueList
    pane: TextView
    text_view: TextView
    message: OneLineWidget
    footer: OneLineWidget


class OverlayStack:
    """The overlays over one list, and the one text view that they share."""

    detail: DetailView

    def __init__(self, widgets: Widgets) -> None:
        self.widgets = widgets
        self.overlays: list[Overlay] = []

    def draw(self) -> None:
        """Redraw the message line and the footer."""
        raise NotImplementedError

    def push(self, overlay: Overlay) -> None:
        """Open an overlay over the list, and show its lines if it has any."""
        self.overlays.append(overlay)
        overlay.reshow()
        self.draw()

    def pop(self, overlay: Overlay) -> None:
        """Close an overlay and all overlays above it."""
        while overlay in self.overlays:
            self.overlays.pop().closed()
        self.draw()

    def on_top(self, overlay: Overlay) -> bool:
        """Whether this overlay gets the keys first."""
        return bool(self.overlays) and self.overlays[-1] is overlay

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines with `line` in sight; `more` is the key that shows the lines below."""
        text_view = self.widgets.text_view
        self.widgets.body.display, text_view.display = False, True
        text_view.more = more
        if not line:
            text_view.top = 0
        text_view.keep_in_view(line)
        text_view.show(source)

    def scroll(self, lines: int, *, pages: bool = False) -> None:
        """Move the lines that are shown."""
        text_view = self.widgets.text_view
        text_view.scroll(lines * max(1, text_view.size.height - 2) if pages else lines)

    def uncover(self) -> None:
        """Show the lines of the topmost overlay that has any; otherwise the list."""
        if not any(overlay.reshow() for overlay in reversed(self.overlays)):
            self.widgets.text_view.display, self.widgets.body.display = False, True

    def origin(self, source: str) -> Origin:
        """The label and age of a source, as its rows show them."""
        return self.widgets.rows.origins.of(source)

    def advance(self, key: str) -> None:
        """Show an item as acted on, and go to the next item."""
        rows = self.widgets.rows
        rows.acted.add(key)
        if rows.key == key:
            rows.move(1)
        rows.redraw()

    def _show_detail(self) -> None:
        text_view = self.widgets.text_view
        self.widgets.body.display, text_view.display = False, True
        text_view.more = "pgdn"
        self.detail.request(self.widgets.rows.row)
        self.detail.show(top=0)

    def _detail_views(self) -> list[TextView]:
        """The text views in which the detail is in sight."""
        views = [self.widgets.pane] if self.widgets.pane.display else []
        if self.detail_covers:
            views.append(self.widgets.text_view)
        return views

    @property
    def detail_covers(self) -> bool:
        """Whether the detail is shown in the place of the list."""
        covering = [overlay for overlay in self.overlays if overlay.covers]
        return bool(covering) and isinstance(covering[-1], DetailOverlay)
