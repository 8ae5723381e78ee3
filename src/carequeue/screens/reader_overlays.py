"""Overlays to read: lines in the place of the list, and the detail of the item.

They take the keys that scroll and close them; all other keys go to the overlay below, so that `y`
answers a preview while its items are shown, and a verb acts on the item whose detail is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.overlay_stack import OverlayStack

CLOSE: Final = frozenset({"escape", "left", "q"})
#: Keys that scroll by lines, and keys that scroll by screens.
_LINES: Final = {"j": 1, "down": 1, "k": -1, "up": -1}
_PAGES: Final = {
    "pagedown": 1, "ctrl+f": 1, "ctrl+d": 1, "space": 1, "pageup": -1, "ctrl+b": -1, "ctrl+u": -1,
}  # fmt: skip


class ReaderOverlay(Overlay):
    """Lines to read; `show` shows them from their top."""

    covers = True

    def __init__(self, host: OverlayStack, show: Callable[[], None]) -> None:
        self._host, self._show = host, show

    def press(self, key: str, character: str | None) -> bool:
        """Scroll or close; other keys go on."""
        if key in CLOSE:
            self._host.pop(self)
        elif key in _LINES:
            self._host.scroll(_LINES[key])
        elif key in _PAGES:
            self._host.scroll(_PAGES[key], pages=True)
        else:
            return False
        return True

    def pairs(self, width: int) -> Pairs | None:
        """The keys that scroll and close it."""
        return [("esc", "back"), ("j k", "down, up"), ("space", "page down")]

    def reshow(self) -> None:
        """Show its lines."""
        self._show()


class DetailOverlay(ReaderOverlay):
    """The detail of the item under the cursor; `j` and `k` go to the next item, as in the list."""

    def press(self, key: str, character: str | None) -> bool:
        """Turn pages or close; verbs and motions go to the list."""
        if key in _LINES or key == "space":
            return False
        return super().press(key, character) or key in ("enter", "right")

    def pairs(self, width: int) -> Pairs | None:
        """The keys of the row stay."""
        return None
