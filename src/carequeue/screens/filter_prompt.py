"""The overlay that filters the list while the person types. Enter keeps the filter, Esc clears it.

The desk knows what a filter may say; if it cannot be read, the list stays as it is and the message
line says why.
"""

from __future__ import annotations

from collections.abc import Callable

from carequeue.domain.errors import BadQuestion
from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.overlay_stack import OverlayStack
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.themes import Part, Parts


class FilterOverlay(Overlay):
    """The text of the filter; `set_filter` applies it, `count` says how many rows it leaves."""

    owns_keys = True

    def __init__(
        self,
        host: OverlayStack,
        text: str,
        set_filter: Callable[[str], None],
        count: Callable[[], int],
    ) -> None:
        self._host, self._set_filter, self._count = host, set_filter, count
        self._typed = EditLine(text)
        self._hint = ""

    def press(self, key: str, character: str | None) -> bool:
        """Type, keep the filter or clear it."""
        if key == "enter" or (key == "backspace" and not self._typed.text):
            self._host.pop(self)
        elif key == "escape":
            self._host.pop(self)
            self._apply("")
        elif self._typed.press(key, character):
            self._apply(self._typed.text)
        return True

    def paste(self, text: str) -> None:
        """Take the first line of a paste."""
        self._typed.insert(text)
        self._apply(self._typed.text)

    def _apply(self, text: str) -> None:
        self._hint = ""
        try:
            self._set_filter(text.strip())
        except BadQuestion as error:
            self._hint = str(error)

    def line(self, width: int) -> Parts:
        """The typed text, and how many rows it leaves."""
        examples = "" if self._typed.text else " · type a name, a partner, a word or an MRN"
        tail: Part = (f"  {self._count()} shown{examples}", "muted")
        if self._hint:
            tail = (f"  {self._hint}", "soon")
        return [(" / ", "key"), *self._typed.parts(max(10, width - 5 - len(tail[0]))), tail]

    def pairs(self, width: int) -> Pairs:
        """The keys that end it."""
        return [("enter", "keep"), ("esc", "show all"), ("ctrl+u", "clear")]
