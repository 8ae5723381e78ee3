"""The terminal program: puts the desk, the sync and the screen together, and rules nothing.

In:  a desk, the source of time, the zone of the profile, who syncs. Out: the return code.
The order of a start: the first frame from one page of the cache; then, on a thread, the heavy
imports (`after_paint`) and the sync. What is imported by this module is the way to the first
frame; a test holds SQLModel, SQLAlchemy and httpx out of it.
Not here: what the keys do (`screens/controller.py`), how the parts of the program are made
(`wiring`).
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, Protocol

from rich.text import Text
from textual.screen import Screen

from carequeue.domain.errors import BadQuestion
from carequeue.screens.controller import load_the_rest
from carequeue.screens.key_map import Keys
from carequeue.screens.queue import QueueScreen
from carequeue.screens.textual_workarounds import TerminalApp
from carequeue.widgets.themes import PALETTES, PLAIN, Painter, textual_theme

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk


#: Seconds in which the first frame, drawn, is also written: that is another thread's work, and
#: what follows the frame would hold it up.
WRITTEN: Final = 0.03
#: Python's own: many short collections are felt less than few long ones, once work has begun.
THRESHOLDS: Final = (700, 10, 10)


def nowhere(name: str, text: str) -> str:
    """Where nothing can be written: raises BadQuestion."""
    raise BadQuestion("There is no folder here to write to. Nothing was exported.")


class SyncControl(Protocol):
    """Who syncs, in the background; all are quick or called on a thread of their own."""

    def start(self) -> None:
        """Begin to sync, now and then again."""
        ...

    def sync_now(self) -> None:
        """Sync now; returns at once."""
        ...

    def focused(self, focused: bool) -> None:
        """Whether the terminal has the person's eye: without it, looks may come less often."""
        ...

    def stop(self) -> None:
        """End; a request under way is finished or given up, nothing is lost."""
        ...


class CareQueueApp(TerminalApp):
    """One queue in a terminal."""

    CSS_PATH = "carequeue.tcss"
    TITLE = "CareQueue"

    def __init__(
        self,
        desk: Desk,
        now: Callable[[], datetime],
        zone: tzinfo,
        sync: SyncControl,
        *,
        theme: str = "dark",
        keys: Mapping[str, str] | None = None,
        after_paint: Callable[[], None] | None = None,
        keep: Callable[[str, str], str] = nowhere,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        palette = PALETTES[theme_for(theme, os.environ)]
        self._desk, self._now, self._zone, self._sync = desk, now, zone, sync
        self._painter = Painter(palette.name)
        self._keys = Keys(keys)
        self._after_paint, self._monotonic, self._keep = after_paint, monotonic, keep
        self._late = threading.Thread(target=self._start_late, name="late", daemon=True)
        super().__init__(plain=palette is PLAIN)
        shown = textual_theme(palette)
        self.register_theme(shown)
        self.theme = shown.name

    def get_default_screen(self) -> Screen[None]:
        """The queue is the only screen."""
        return QueueScreen(
            self._desk,
            self._now,
            self._zone,
            self._painter,
            self._keys,
            self._monotonic,
            self._sync.sync_now,
            self._leave,
            self._keep,
        )

    def _leave(self, words: str) -> None:
        """Leave; the words stand in the shell when the screen is gone."""
        self.exit(message=Text(words) if words else None)

    def focus_changed(self, here: bool) -> None:
        """Tell who syncs whether somebody looks."""
        self._sync.focused(here)

    def on_mount(self) -> None:
        """Heed signals at once, and wait for the first frame with all else."""
        self.heed_signals()
        self.quiet_mouse()
        if self.is_headless:
            self.call_after_refresh(self._painted)
        else:
            self.call_after_refresh(self.set_timer, WRITTEN, self._painted)

    def _painted(self) -> None:
        if not self.is_running:  # left before it was seen: a timer may fire while screens close
            return
        screen = self.screen
        if isinstance(screen, QueueScreen):
            screen.begin()
        if not self.is_headless:
            gc.collect()
            gc.freeze()  # the widgets live as long as the program: collections pass over them
            gc.set_threshold(*THRESHOLDS)
        self._late.start()

    def _start_late(self) -> None:
        load_the_rest()
        if self._after_paint is not None:
            self._after_paint()
        self._sync.start()

    def on_unmount(self) -> None:
        """End the sync."""
        self._sync.stop()


def theme_for(wanted: str, environment: Mapping[str, str]) -> str:
    """The theme to show: the wish, unless the person or the terminal has no colours to give.

    NO_COLOR counts where it is not empty (no-color.org). A terminal of 16 colours shows its own
    ground, which is not known, and would turn two of our hues into one.
    """
    depth = environment.get("COLORTERM", "").lower()
    deep = depth in ("truecolor", "24bit") or "256color" in environment.get("TERM", "")
    if environment.get("NO_COLOR") or not (deep or os.name == "nt" or "TERM" not in environment):
        return PLAIN.name
    return wanted if wanted in PALETTES else "dark"
