"""What the parts that move, show and quit need of the controller, beyond `ScreenContext`.

A protocol, so that those parts know an interface and never the class that makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from carequeue.screens.screen_context import ScreenContext

if TYPE_CHECKING:
    from carequeue.screens.app_hooks import AppHooks
    from carequeue.screens.detail import DetailView
    from carequeue.screens.key_map import KeyMap
    from carequeue.screens.overlay import Overlay
    from carequeue.screens.overlay_stack import Widgets
    from carequeue.screens.refresh import QueueData
    from carequeue.screens.selection import Selection
    from carequeue.screens.undo_prompt import UndoPrompt
    from carequeue.widgets.message_line import Message


class QueueContext(ScreenContext, Protocol):
    """One queue on the screen: its widgets, its data and what the person has selected."""

    @property
    def widgets(self) -> Widgets:
        """What the screen is made of: header, rows, message line and footer."""
        ...

    @property
    def data(self) -> QueueData:
        """Which rows are shown, and when the cache is read again."""
        ...

    @property
    def detail(self) -> DetailView:
        """The pane of the row under the cursor."""
        ...

    @property
    def keys(self) -> KeyMap:
        """What each key means, with the changes in the person's profile."""
        ...

    @property
    def hooks(self) -> AppHooks:
        """What the app does for the screen: sync now, write a file, quit."""
        ...

    @property
    def selection(self) -> Selection:
        """The rows that the next act changes together."""
        ...

    @property
    def undo_prompt(self) -> UndoPrompt:
        """Names what `u` would undo, and asks first where another window did it."""
        ...

    @property
    def overlays(self) -> Sequence[Overlay]:
        """The open overlays, the topmost last."""
        ...

    @property
    def message(self) -> Message:
        """The current message."""
        ...

    def tick(self) -> None:
        """Show what has changed in the cache."""
        ...
