"""The floor of a key: a widget that draws two plain lines anew for each key, and nothing else.

A cursor that moves from one row to the next cannot do with less than these two lines.
"""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.scroll_view import ScrollView
from textual.strip import Strip

REVERSE = Style(reverse=True)


class TwoLines(ScrollView, can_focus=True):
    """As many lines as the window has; a key moves the reversed one down."""

    at = 0

    def render_line(self, y: int) -> Strip:
        """A number and plain words."""
        style = REVERSE if y == self.at else Style.null()
        return Strip([Segment(f"line {y}".ljust(self.size.width), style)])

    def on_key(self, event: events.Key) -> None:
        """The next line; from the last one on, the first."""
        event.stop()
        before, self.at = self.at, (self.at + 1) % self.size.height
        self.refresh_line(before)
        self.refresh_line(self.at)


class Floor(App[None]):
    """Shows the widget."""

    def compose(self) -> ComposeResult:
        """The widget, with the focus."""
        yield TwoLines()


if __name__ == "__main__":
    Floor().run()
