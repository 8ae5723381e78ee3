"""What lies over the list for a while: a question, a sheet, the palette.

A layer takes the keys first, may speak in the message line, and names its keys in the footer. The
layers are plain objects: none is a Textual screen and none takes the focus, because either would
repaint the whole screen, and the list has to stay in sight while a question is asked.
`Stage` is all that a layer or an act may ask of the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from carequeue.domain.errors import CareQueueError
    from carequeue.store.queue_window import QueueRow
    from carequeue.verbs.motions import Motion
    from carequeue.verbs.verb import Verb
    from carequeue.widgets.message_line import Message
    from carequeue.widgets.source_labels import Origin
    from carequeue.widgets.themes import Parts
    from carequeue.worklist.desk import Desk

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]


class Layer:
    """A layer that takes no key and says nothing; others override what they need."""

    #: Whether it is opened by a key that must not be taken for an answer while it repeats.
    asks = False
    #: Whether every key is typed into it or answers it, so that none may be taken from it.
    owns_keys = False
    #: Whether it shows lines in the place of the list.
    covers = False

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False hands it on to what lies below."""
        return False

    def paste(self, text: str) -> None:
        """Take pasted text; a layer that asks for none drops it."""

    def line(self, width: int) -> Parts | None:
        """What the message line says; None leaves the message."""
        return None

    def pairs(self, width: int) -> Pairs | None:
        """What the footer says; None leaves the keys of the row."""
        return None

    def closed(self) -> None:
        """Called when the layer is taken away."""

    def reshow(self) -> bool:
        """Show its lines in the place of the list; False where it has none."""
        return False

    def changed(self) -> None:
        """The cache has changed, and what is shown may move now (`refresh.Hold`): read it again."""


class Stage(Protocol):
    """What the parts of the screen may ask of it."""

    @property
    def desk(self) -> Desk:
        """What knows the rows and carries out an act."""
        ...

    @property
    def came(self) -> float:
        """When the key in hand came, in the terminal's own count of seconds."""
        ...

    def sent_once(self, source: str = "") -> str:
        """What has to come before an act can leave: `online`, `signed in`; "" where nothing.

        For one source; without one for the whole.
        """
        ...

    def origin(self, source: str) -> Origin:
        """How the rows of a source name it."""
        ...

    def now(self) -> datetime:
        """The time, aware."""
        ...

    def say(self, message: Message) -> None:
        """Show a message until the next one."""
        ...

    def failed(self, error: CareQueueError) -> None:
        """Say what could not be done; nothing was changed."""
        ...

    def push(self, layer: Layer) -> None:
        """Lay something over the list."""
        ...

    def pop(self, layer: Layer) -> None:
        """Take it away, and all that lies over it."""
        ...

    def on_top(self, layer: Layer) -> bool:
        """Whether this layer is the one that takes the keys first."""
        ...

    def draw(self) -> None:
        """Redraw the message line and the footer."""
        ...

    def act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that changes the cache, on the thread of acts."""
        ...

    def look(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that reads, on the thread of reading."""
        ...

    def target(self) -> QueueRow | None:
        """The row that the key in hand was meant for."""
        ...

    def advance(self, key: str) -> None:
        """Show an item as acted on, and go to the next."""
        ...

    def settled(self, keys: Sequence[str], *, kept: bool) -> None:
        """Acts have come to their end: whether the items stay shown as acted on."""
        ...

    def reload(self, key: str = "") -> None:
        """Read the list again now, with the cursor on a key where it is in the view."""
        ...

    def display(self, source: Callable[[int], list[Parts]], line: int = 0, more: str = "") -> None:
        """Show lines in the place of the list, so that a line of them is in sight.

        `more` names the key that shows what lies below, where anything does.
        """
        ...

    def scroll(self, lines: int, *, pages: bool = False) -> None:
        """Move the lines that are shown, by lines or by screens."""
        ...

    def read(self, source: Callable[[int], list[Parts]]) -> None:
        """Show lines in the place of the list, with the keys that scroll and close them."""
        ...

    def unread(self) -> None:
        """Show the lines of the layer below, or the list again."""
        ...

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""
        ...

    def go_to(self, key: str) -> bool:
        """Put the cursor on an item, in this view or the whole queue; False where it is in none."""
        ...

    def run(self, action: Verb | Motion) -> None:
        """Do what a key of this action would do."""
        ...

    def nudge(self) -> None:
        """Ask for a sync now."""
        ...
