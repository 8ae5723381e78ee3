"""The layer that narrows the list while one types. Enter keeps it, Esc takes it back.

What the text may say is the desk's to know; where it cannot be read, the list stays as it is and
the line says why.
"""

from __future__ import annotations

from collections.abc import Callable

from carequeue.domain.errors import BadQuestion
from carequeue.screens.overlay import Layer, Pairs, Stage
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.themes import Part, Parts


class NarrowLayer(Layer):
    """The text that narrows; `narrow` shows what it leaves, `count` how many rows that are."""

    owns_keys = True

    def __init__(
        self, stage: Stage, text: str, narrow: Callable[[str], None], count: Callable[[], int]
    ) -> None:
        self._stage, self._narrow, self._count = stage, narrow, count
        self._typed = EditLine(text)
        self._hint = ""

    def press(self, key: str, character: str | None) -> bool:
        """Type, keep or take back."""
        if key == "enter" or (key == "backspace" and not self._typed.text):
            self._stage.pop(self)
        elif key == "escape":
            self._stage.pop(self)
            self._show("")
        elif self._typed.press(key, character):
            self._show(self._typed.text)
        return True

    def paste(self, text: str) -> None:
        """Take the first line of a paste."""
        self._typed.insert(text)
        self._show(self._typed.text)

    def _show(self, text: str) -> None:
        self._hint = ""
        try:
            self._narrow(text.strip())
        except BadQuestion as error:
            self._hint = str(error)

    def line(self, width: int) -> Parts:
        """What is typed, and how many rows it leaves."""
        what = "" if self._typed.text else " · type a name, a partner, a word or an MRN"
        tail: Part = (f"  {self._count()} shown{what}", "muted")
        if self._hint:
            tail = (f"  {self._hint}", "soon")
        return [(" / ", "key"), *self._typed.parts(max(10, width - 5 - len(tail[0]))), tail]

    def pairs(self, width: int) -> Pairs:
        """How it ends."""
        return [("enter", "keep"), ("esc", "show all"), ("ctrl+u", "clear")]
