"""The base of everything that lies over the list for a while: a question, a text, the palette.

An overlay gets each key first, may speak in the message line, and names its keys in the footer.
Overlays are plain objects: none is a Textual screen and none takes the focus, because either would
repaint the whole screen, and the list has to stay in sight while a question is asked.
Not here: what an overlay may ask of the screen (`screen_context.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carequeue.widgets.themes import Parts

Pairs = Sequence[tuple[str, str]]


class Overlay:
    """An overlay that takes no key and says nothing; subclasses override what they need."""

    #: Whether the key that opened it must not answer it while that key repeats.
    asks = False
    #: Whether every key is typed into it or answers it, so that no key may do anything else.
    owns_keys = False
    #: Whether it shows lines in the place of the list.
    covers = False

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False passes it to the overlay below."""
        return False

    def paste(self, text: str) -> None:
        """Take pasted text; an overlay that asks for no text drops it."""

    def line(self, width: int) -> Parts | None:
        """The text for the message line; None leaves the message."""
        return None

    def pairs(self, width: int) -> Pairs | None:
        """Keys and words for the footer; None leaves the keys of the row."""
        return None

    def reshow(self) -> None:
        """Show its lines in the place of the list, if it covers the list."""

    def cache_changed(self) -> None:
        """Read the data again: the cache has changed, and rows may move now (`refresh.Hold`)."""
