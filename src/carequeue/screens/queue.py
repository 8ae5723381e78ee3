"""The screen of the queue: its parts and their layout; keys and ticks go to the controller.

In:  the desk, the time, a painter, the keys, the hooks of the app. Out: nothing; it shows and
passes on. From `PANE_FROM` columns on the detail is at the right; below, it opens over the list.
Below `SMALLEST` the screen only asks for a larger window, and no key acts: a person must not act
on what is out of sight.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen

from carequeue.screens.app_hooks import AppHooks, TimeSource
from carequeue.screens.controller import QueueController
from carequeue.screens.key_map import KeyMap
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.refresh import POLL_SECONDS
from carequeue.screens.threads import WorkThreads
from carequeue.widgets.one_line_widget import OneLineWidget
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.text_view import TextView
from carequeue.widgets.text_width import wrap
from carequeue.widgets.themes import Painter, Parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk

PANE_FROM: Final = 120
SMALLEST: Final = (40, 10)
#: The list grows no wider than this; the detail gets the rest.
LIST_WIDEST: Final = 140


class QueueScreen(Screen[None], inherit_bindings=False):
    """One queue."""

    def __init__(
        self,
        desk: Desk,
        time_source: TimeSource,
        painter: Painter,
        keys: KeyMap,
        hooks: AppHooks,
    ) -> None:
        super().__init__()
        self._threads = WorkThreads(self.call_later, lambda error: self.controller.failed(error))
        rows = QueueList(painter, time_source.now, time_source.zone, self._moved, id="rows")
        pane = TextView(painter, "panel", divider=True, id="pane")
        pane.more = "enter"
        self._curtain = TextView(painter, id="curtain")
        self._curtain_text = ""
        self._ready = False
        self._widgets = Widgets(
            OneLineWidget(painter, "bar", id="header"),
            OneLineWidget(painter, id="tabs"),
            Container(rows, pane, id="body"),
            rows,
            pane,
            TextView(painter, id="text-view"),
            OneLineWidget(painter, id="message"),
            OneLineWidget(painter, "bar", id="footer"),
        )
        hooks = hooks._replace(hide_behind=self.hide_behind)
        self.controller = QueueController(
            desk, time_source, self._widgets, self._threads, keys, hooks
        )

    def compose(self) -> ComposeResult:
        """Lay out from the top: header, tabs, list and detail, message, keys."""
        widgets = self._widgets
        yield widgets.header
        yield widgets.tabs
        yield widgets.body
        yield widgets.text_view
        yield widgets.message
        yield widgets.footer
        yield self._curtain

    def on_mount(self) -> None:
        """Read the first page before the first frame."""
        self._widgets.text_view.display = False
        self._fit(self.app.size.width, self.app.size.height)
        self.controller.data.load()
        self.controller.draw()
        self._ready = True

    def begin(self) -> None:
        """Start what the first frame did not need, now that the frame is out."""
        self.controller.begin()
        self.set_interval(POLL_SECONDS, self.controller.tick)

    def on_unmount(self) -> None:
        """Finish the acts that a person asked for."""
        self._threads.close()

    def _moved(self) -> None:
        if self._ready:
            self.controller.moved()

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """Pass every key to the controller, and none to Textual's bindings."""
        event.stop()
        event.prevent_default()
        if self._curtain_text:
            self._leave_curtain(event)
        else:
            self.controller.press(event.key, event.character, event.time)

    def on_paste(self, event: events.Paste) -> None:
        """Pass a paste to the open question."""
        event.stop()
        if not self._curtain_text:
            self.controller.paste(event.text)

    def _leave_curtain(self, event: events.Key) -> None:
        if event.key in ("ctrl+c", "ctrl+q"):
            self.controller.press(event.key, event.character, event.time)
        elif not self._too_small(self.size.width, self.size.height):
            self.hide_behind("")

    # --- sizes

    def on_resize(self, event: events.Resize) -> None:
        """Show the detail beside the list if it fits; show nothing in too small a window."""
        self._fit(event.size.width, event.size.height)
        if self._ready:
            self.controller.detail.request(self._widgets.rows.row)
            self.controller.draw()

    def _fit(self, width: int, height: int) -> None:
        pane = self._widgets.pane
        pane.display = width >= PANE_FROM
        room = max(40 + min(5, (width - PANE_FROM) // 4), width - LIST_WIDEST)
        if pane.display:
            pane.styles.width = room
        if self._too_small(width, height):
            needs = f"{SMALLEST[0]}x{SMALLEST[1]}"
            self.hide_behind(f"Make the window larger (now {width}x{height}, needs {needs})")
        elif self._curtain_text.startswith("Make"):
            self.hide_behind("")

    def _too_small(self, width: int, height: int) -> bool:
        return width < SMALLEST[0] or height < SMALLEST[1]

    def hide_behind(self, text: str) -> None:
        """Hide everything behind a text; an empty text shows everything again."""
        self._curtain_text = text
        self.set_class(bool(text), "curtained")
        self._curtain.show(partial(_curtain_lines, text))


def _curtain_lines(text: str, width: int) -> list[Parts]:
    return [[], *([(line, "muted")] for line in wrap(text, width - 1))]
