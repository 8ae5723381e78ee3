"""The screen of the queue: its parts and their places; keys and ticks go to the front.

In:  the desk, the time, the zone, a painter. Out: nothing; it shows and hands on.
From `PANE_FROM` columns on the detail stands at the right; below it is opened over the list.
Below `SMALLEST` nothing is shown but a wish, and no key acts: no act on what cannot be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen

from carequeue.domain.errors import CareQueueError
from carequeue.screens.controller import Front, Shell
from carequeue.screens.key_map import Keys
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.refresh import LOOK
from carequeue.screens.threads import Hands
from carequeue.widgets.line import Line, wrap
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.text_view import Sheet
from carequeue.widgets.themes import Painter, Parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk

PANE_FROM: Final = 120
SMALLEST: Final = (40, 10)
#: The list grows no wider than this; the rest is the detail's.
LIST_WIDEST: Final = 140


class QueueScreen(Screen[None], inherit_bindings=False):
    """One queue."""

    def __init__(
        self,
        desk: Desk,
        now: Callable[[], datetime],
        zone: tzinfo,
        painter: Painter,
        keys: Keys,
        monotonic: Callable[[], float],
        nudge: Callable[[], None],
        leave: Callable[[str], None],
        keep: Callable[[str, str], str],
    ) -> None:
        super().__init__()
        self._hands = Hands(self.call_later, self._failed)
        rows = QueueList(painter, now, zone, self._moved, id="rows")
        pane = Sheet(painter, "panel", divider=True, id="pane")
        pane.more = "enter"
        self._veil = Sheet(painter, id="veil")
        self._veiled = ""
        self._ready = False
        self._widgets = Widgets(
            Line(painter, "bar", id="header"),
            Line(painter, id="tabs"),
            Container(rows, pane, id="body"),
            rows,
            pane,
            Sheet(painter, id="sheet"),
            Line(painter, id="message"),
            Line(painter, "bar", id="footer"),
        )
        shell = Shell(monotonic, nudge, leave, self.veil, keep)
        self.front = Front(desk, now, zone, self._widgets, self._hands, keys, shell)

    def compose(self) -> ComposeResult:
        """From the top: header, views, list and detail, message, keys."""
        widgets = self._widgets
        yield widgets.header
        yield widgets.tabs
        yield widgets.body
        yield widgets.sheet
        yield widgets.message
        yield widgets.footer
        yield self._veil

    def on_mount(self) -> None:
        """Read the first page before the first frame."""
        self._widgets.sheet.display = False
        self._fit(self.app.size.width, self.app.size.height)
        self.front.data.load()
        self.front.draw()
        self._ready = True

    def begin(self) -> None:
        """The first frame is out: what is not needed for it starts now."""
        self.front.begin()
        self.set_interval(LOOK, self.front.tick)

    def on_unmount(self) -> None:
        """Finish the acts that were asked for."""
        self._hands.close()

    def _moved(self) -> None:
        if self._ready:
            self.front.moved()

    def _failed(self, error: CareQueueError) -> None:
        self.front.failed(error)

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """Every key goes to the front; none to Textual's bindings."""
        event.stop()
        event.prevent_default()
        if self._veiled:
            self._unveil(event)
        else:
            self.front.press(event.key, event.character, event.time)

    def on_paste(self, event: events.Paste) -> None:
        """A paste goes to the question that is open."""
        event.stop()
        if not self._veiled:
            self.front.paste(event.text)

    def _unveil(self, event: events.Key) -> None:
        if event.key in ("ctrl+c", "ctrl+q"):
            self.front.press(event.key, event.character, event.time)
        elif not self._too_small(self.size.width, self.size.height):
            self.veil("")

    # --- sizes

    def on_resize(self, event: events.Resize) -> None:
        """The detail beside the list, or not; nothing at all where it is too small."""
        self._fit(event.size.width, event.size.height)
        if self._ready:
            self.front.detail.want(self._widgets.rows.row)
            self.front.draw()

    def _fit(self, width: int, height: int) -> None:
        pane = self._widgets.pane
        pane.display = width >= PANE_FROM
        room = max(40 + min(5, (width - PANE_FROM) // 4), width - LIST_WIDEST)
        if pane.display:
            pane.styles.width = room
        if self._too_small(width, height):
            wish = f"Make the window larger (now {width}x{height}, needs "
            self.veil(f"{wish}{SMALLEST[0]}x{SMALLEST[1]})")
        elif self._veiled.startswith("Make"):
            self.veil("")

    def _too_small(self, width: int, height: int) -> bool:
        return width < SMALLEST[0] or height < SMALLEST[1]

    def veil(self, words: str) -> None:
        """Hide all behind a sentence; without one, show all again."""
        self._veiled = words
        self.set_class(bool(words), "veiled")
        self._veil.show(partial(_sentence, words))


def _sentence(words: str, width: int) -> list[Parts]:
    return [[], *([(line, "muted")] for line in wrap(words, width - 1))]
