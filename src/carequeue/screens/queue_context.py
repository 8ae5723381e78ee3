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
    def widgets(self) -> Widgets: ...  # noqa: D102

    @property
    def data(self) -> QueueData: ...  # noqa: D102

    @property
    def detail(self) -> DetailView: ...  # noqa: D102

    @property
    def keys(self) -> KeyMap: ...  # noqa: D102

    @property
    def hooks(self) -> AppHooks: ...  # noqa: D102

    @property
    def selection(self) -> Selection: ...  # noqa: D102

    @property
    def undo_prompt(self) -> UndoPrompt: ...  # noqa: D102

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
