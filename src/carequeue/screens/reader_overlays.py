"""Layers that are read: lines in the place of the list, and the detail of the item.

A sheet keeps the keys that scroll it and those that close it; all others go on to what lies
below, so that `y` answers a preview while its items are shown, and a verb acts on the item whose
detail is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from carequeue.screens.overlay import Layer, Pairs, Stage

CLOSE: Final = frozenset({"escape", "left", "q"})
#: Keys that scroll by lines ("1") or by screens ("page").
_LINES: Final = {"j": 1, "down": 1, "k": -1, "up": -1}
_PAGES: Final = {
    "pagedown": 1, "ctrl+f": 1, "ctrl+d": 1, "space": 1, "pageup": -1, "ctrl+b": -1, "ctrl+u": -1,
}  # fmt: skip


class SheetLayer(Layer):
    """Lines to read; `show` shows them, from their top."""

    covers = True

    def __init__(self, stage: Stage, show: Callable[[], None]) -> None:
        self._stage, self._show = stage, show

    def press(self, key: str, character: str | None) -> bool:
        """Scroll or close; other keys go on."""
        if key in CLOSE:
            self._stage.pop(self)
        elif key in _LINES:
            self._stage.scroll(_LINES[key])
        elif key in _PAGES:
            self._stage.scroll(_PAGES[key], pages=True)
        else:
            return False
        return True

    def pairs(self, width: int) -> Pairs | None:
        """How it is read and closed."""
        return [("esc", "back"), ("j k", "down, up"), ("space", "page down")]

    def closed(self) -> None:
        """Show the list again."""
        self._stage.unread()

    def reshow(self) -> bool:
        """Show its lines."""
        self._show()
        return True


class DetailLayer(SheetLayer):
    """The detail of the item under the cursor; `j` and `k` go to the next item, as in the list."""

    def press(self, key: str, character: str | None) -> bool:
        """Turn pages or close; verbs and motions go on to the list."""
        if key in _LINES or key == "space":
            return False
        return super().press(key, character) or key in ("enter", "right")

    def pairs(self, width: int) -> Pairs | None:
        """The keys of the row stay."""
        return None
