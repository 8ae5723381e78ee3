"""What overlays and acts may ask of the screen, as protocols that `QueueController` fulfills.

Each part is small, so that an overlay that only closes itself depends on `OverlayHost` alone.
Not here: what the parts that move, show and quit need besides (`queue_context.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from carequeue.domain.errors import CareQueueError
    from carequeue.screens.overlay import Overlay
    from carequeue.store.queue_window import QueueRow
    from carequeue.verbs.motions import Motion
    from carequeue.verbs.verb import Verb
    from carequeue.widgets.message_line import Message
    from carequeue.widgets.source_labels import Origin
    from carequeue.widgets.themes import Parts
    from carequeue.worklist.desk import Desk

T = TypeVar("T")


class MessageArea(Protocol):
    """The message line and the footer."""

    def say(self, message: Message) -> None:
        """Show a message until the next one."""
        ...

    def failed(self, error: CareQueueError) -> None:
        """Say what could not be done; nothing was changed."""
        ...

    def draw(self) -> None:
        """Redraw the message line and the footer."""
        ...


class OverlayHost(Protocol):
    """The overlays, and the lines that the topmost of them shows in the place of the list."""

    def push(self, overlay: Overlay) -> None:
        """Open an overlay over the list, and show its lines if it has any."""
        ...

    def pop(self, overlay: Overlay) -> None:
        """Close an overlay and all overlays above it."""
        ...

    def on_top(self, overlay: Overlay) -> bool:
        """Whether this overlay gets the keys first."""
        ...

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines in the place of the list, scrolled so that `line` is in sight.

        `more` names the key that shows the lines below, if there are any.
        """
        ...

    def scroll(self, lines: int, *, pages: bool = False) -> None:
        """Move the lines that are shown, by lines or by screens."""
        ...

    def show_text(self, source: Callable[[int], list[Parts]]) -> None:
        """Open a text in the place of the list, with the keys that scroll and close it."""
        ...

    def uncover(self) -> None:
        """Show the lines of the overlay below, or the list."""
        ...


class BackgroundWork(Protocol):
    """Work on other threads; `then` gets the result on the screen's own thread."""

    def submit_act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that changes the cache, on the thread of acts."""
        ...

    def submit_read(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that only reads, on the thread of reads."""
        ...


class QueueCursor(Protocol):
    """The list and its cursor."""

    def target(self) -> QueueRow | None:
        """The row that the current key was meant for."""
        ...

    def advance(self, key: str) -> None:
        """Show an item as acted on, and go to the next item."""
        ...

    def acts_finished(self, keys: Sequence[str], *, changed: bool) -> None:
        """Acts on these items have ended; `changed` says whether the items still show as done."""
        ...

    def reload(self, key: str = "") -> None:
        """Read the list again now, with the cursor on a key if that key is in the tab."""
        ...

    def go_to(self, key: str) -> bool:
        """Put the cursor on an item, in this tab or the whole queue; False if it is in neither."""
        ...

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""
        ...


class ScreenContext(MessageArea, OverlayHost, BackgroundWork, QueueCursor, Protocol):
    """Everything that an overlay or an act may ask of the screen."""

    @property
    def desk(self) -> Desk:
        """The use cases: they read rows and carry out acts."""
        ...

    @property
    def key_time(self) -> float:
        """When the current key was pressed, in the terminal's own count of seconds."""
        ...

    def now(self) -> datetime:
        """The time, aware."""
        ...

    def needed_to_send(self, source: str = "") -> str:
        """What must happen before an act can be sent: `online`, `signed in`, or "" for nothing.

        For one source; without a source for the profile as a whole.
        """
        ...

    def origin(self, source: str) -> Origin:
        """The label and age of a source, as its rows show them."""
        ...

    def run(self, action: Verb | Motion) -> None:
        """Do what the key of this action would do."""
        ...

    def sync_now(self) -> None:
        """Ask for a sync now."""
        ...
