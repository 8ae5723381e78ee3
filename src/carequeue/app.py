"""The terminal program: puts the desk, the sync and the screen together, and holds no rule.

In:  a desk, the sources of time, the sync, the person's preferences. Out: the return code.
The order of a start: the first frame from one page of the cache; then, on a thread, the other
imports and the sync. This module imports only what the first frame needs; a test keeps SQLModel,
SQLAlchemy and httpx out of it.
Not here: what the keys do (`screens/controller.py`), how the parts of the program are made
(`wiring`).
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text
from textual.screen import Screen

from carequeue.screens.app_hooks import AppHooks, TimeSource, no_folder
from carequeue.screens.controller import load_the_rest
from carequeue.screens.key_map import KeyMap
from carequeue.screens.queue import QueueScreen
from carequeue.screens.textual_workarounds import TerminalApp
from carequeue.widgets.themes import PALETTES, PLAIN, Painter, textual_theme

if TYPE_CHECKING:
    from carequeue.sync.workers import Background
    from carequeue.worklist.desk import Desk


#: Seconds in which another thread writes the first frame, once it is drawn; whatever follows the
#: frame would delay it.
WRITTEN: Final = 0.03
#: Python's own values: once work has begun, many short collections disturb less than few long ones.
THRESHOLDS: Final = (700, 10, 10)


class Preferences(NamedTuple):
    """The person's theme, and the keys that they moved (name of an action to its keys)."""

    theme: str = "dark"
    keys: Mapping[str, str] | None = None


class CareQueueApp(TerminalApp):
    """One queue in a terminal."""

    CSS_PATH = "carequeue.tcss"
    TITLE = "CareQueue"

    def __init__(
        self,
        desk: Desk,
        time_source: TimeSource,
        sync: Background,
        preferences: Preferences = Preferences(),  # noqa: B008 - a tuple of constants
        *,
        after_paint: Callable[[], None] | None = None,
        write_private: Callable[[str, str], str] = no_folder,
    ) -> None:
        palette = PALETTES[theme_for(preferences.theme, os.environ)]
        self._desk, self._time_source, self._sync = desk, time_source, sync
        self._painter = Painter(palette.name)
        self._keys = KeyMap(preferences.keys)
        self._after_paint, self._write_private = after_paint, write_private
        self._late = threading.Thread(target=self._start_late, name="late", daemon=True)
        super().__init__(plain=palette is PLAIN)
        theme = textual_theme(palette)
        self.register_theme(theme)
        self.theme = theme.name

    def get_default_screen(self) -> Screen[None]:
        """The queue is the only screen."""
        hooks = AppHooks(self._sync.sync_now, self._exit_with, self._write_private)
        return QueueScreen(self._desk, self._time_source, self._painter, self._keys, hooks)

    def _exit_with(self, text: str) -> None:
        """Quit; the text is in the shell when the screen is gone."""
        self.exit(message=Text(text) if text else None)

    def focus_changed(self, here: bool) -> None:
        """Tell the sync whether the terminal has the focus."""
        self._sync.focused(here)

    def on_mount(self) -> None:
        """Handle signals at once; everything else waits for the first frame."""
        self.heed_signals()
        self.quiet_mouse()
        if self.is_headless:
            self.call_after_refresh(self._painted)
        else:
            self.call_after_refresh(self.set_timer, WRITTEN, self._painted)

    def _painted(self) -> None:
        if not self.is_running:  # the person quit before the frame, and screens are closing
            return
        screen = self.screen
        if isinstance(screen, QueueScreen):
            screen.begin()
        if not self.is_headless:
            gc.collect()
            gc.freeze()  # the widgets live as long as the program; collections skip them
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
    """The theme to show: the wanted one, unless person or terminal wants no colors.

    NO_COLOR counts if it is not empty (no-color.org). A terminal of 16 colors has a background that
    we do not know, and would show two of our hues as one.
    """
    depth = environment.get("COLORTERM", "").lower()
    deep = depth in ("truecolor", "24bit") or "256color" in environment.get("TERM", "")
    if environment.get("NO_COLOR") or not (deep or os.name == "nt" or "TERM" not in environment):
        return PLAIN.name
    return wanted if wanted in PALETTES else "dark"
