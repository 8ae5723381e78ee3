"""The overlays over the list, and the text that the topmost of them shows in its place.

In:  overlays that open and close, lines to show. Out: the text view over the body, or the body.
If an overlay closes, the one below it shows its lines again (`Overlay.reshow`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from textual.widget import Widget

from carequeue.screens.overlay import Overlay
from carequeue.widgets.one_line_widget import OneLineWidget
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.text_view import TextView
from carequeue.widgets.themes import Parts


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


class OverlayStack(ABC):
    """The overlays over one list, the topmost last, and the one text view that they share."""

    def __init__(self, widgets: Widgets) -> None:
        self.widgets = widgets
        self.overlays: list[Overlay] = []

    @abstractmethod
    def draw(self) -> None:
        """Redraw the message line and the footer."""

    def push(self, overlay: Overlay) -> None:
        """Open an overlay over the list, and show its lines if it has any."""
        self.overlays.append(overlay)
        overlay.reshow()
        self.draw()

    def pop(self, overlay: Overlay) -> None:
        """Close an overlay and all overlays above it."""
        covered = False
        while overlay in self.overlays:
            covered |= self.overlays.pop().covers
        if covered:
            self.uncover()
        self.draw()

    def cover(self, more: str) -> TextView:
        """Show the text view in the place of the list; `more` is the key for the lines below."""
        text_view = self.widgets.text_view
        self.widgets.body.display, text_view.display = False, True
        text_view.more = more
        return text_view

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines in the place of the list, with `line` in sight; `more` as for `cover`."""
        text_view = self.cover(more)
        if not line:
            text_view.top = 0
        text_view.keep_in_view(line)
        text_view.show(source)

    def scroll(self, lines: int, *, pages: bool = False) -> None:
        """Move the lines that are shown, by lines or by screens."""
        text_view = self.widgets.text_view
        text_view.scroll(lines * max(1, text_view.size.height - 2) if pages else lines)

    def uncover(self) -> None:
        """Show the lines of the topmost overlay that covers the list; otherwise the list."""
        if cover := self.covering:
            cover.reshow()
        else:
            self.widgets.text_view.display, self.widgets.body.display = False, True

    @property
    def covering(self) -> Overlay | None:
        """The topmost overlay that covers the list."""
        return next((overlay for overlay in reversed(self.overlays) if overlay.covers), None)
