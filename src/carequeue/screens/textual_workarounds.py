"""The needs of the terminal that Textual does not fill: every private name of Textual is here.

- A change of the window's focus repaints nothing (it cost 32 kB each time).
- A change of style is written as what differs from the one before (`style_codes.py`), so that a
  line takes a third fewer bytes.
- The terminal does not report every motion of the mouse (useless traffic over SSH).
- SIGTERM and SIGHUP restore the terminal.
- After a change of size the window is drawn once more: frames of the sizes in between may have
  arrived late, and a window that was made smaller and larger again at once has lost lines although
  Textual knows its size.
- An internal error ends with a sentence and the lines of our code, without the value of a variable
  or a message that may hold one: the screen holds health records.
Each has a test, so that a release of Textual that moves a name fails at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from typing import Any, Final

from rich.segment import Segment, Segments
from textual import events
from textual.app import App
from textual.driver import Driver
from textual.timer import Timer

from carequeue.screens.style_codes import fewer_codes

#: Seconds without a further change of size, after which the size counts as final.
RESIZED: Final = 0.1


class TerminalApp(App[None], inherit_bindings=False):
    """An App that restores the terminal and leaves no records in it."""

    ENABLE_COMMAND_PALETTE = False
    ENABLE_SELECT_AUTO_SCROLL = False

    def __init__(self, *, plain: bool, **kwargs: Any) -> None:
        if os.environ.get("NO_COLOR") == "":  # an empty value is no request (no-color.org)
            del os.environ["NO_COLOR"]
        super().__init__(ansi_color=True if plain else None, **kwargs)
        self.driver_class = _terse(self.driver_class)
        self._resizing: Timer | None = None

    async def _on_app_blur(self, event: events.AppBlur) -> None:
        event.prevent_default()
        self.focus_changed(False)

    async def _on_app_focus(self, event: events.AppFocus) -> None:
        event.prevent_default()
        self.focus_changed(True)

    def focus_changed(self, here: bool) -> None:
        """The window has lost or regained the focus; nothing is drawn."""

    def on_resize(self, event: events.Resize) -> None:
        """Draw once more when the size has stopped changing."""
        if self._resizing is not None:
            self._resizing.stop()
        self._resizing = self.set_timer(RESIZED, self._size_is_final)

    def _size_is_final(self) -> None:
        if self.is_running:  # a timer may fire while the screens are being closed
            self.screen.refresh(layout=True)

    def write_to_terminal(self, sequence: str) -> None:
        """Send a control sequence that Textual cannot send."""
        if self._driver is not None:
            self._driver.write(sequence)

    def quiet_mouse(self) -> None:
        """Report clicks and the wheel, but no motion."""
        self.write_to_terminal("\x1b[?1003l")

    def heed_signals(self) -> None:
        """Restore the terminal when a signal ends the program."""
        if sys.platform == "win32":
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(number, self._end, 128 + int(number))

    def _end(self, code: int) -> None:
        self.exit(return_code=code)

    def _handle_exception(self, error: Exception) -> None:
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    def _fatal_error(self) -> None:
        lines = error_lines(self._exception)
        self._exit_renderables[:] = [Segments([Segment(line + "\n") for line in lines])]
        self._close_messages_no_wait()


def _terse(driver_class: type[Driver]) -> type[Driver]:
    """A driver that writes the same picture in fewer bytes."""

    class TerseDriver(driver_class):  # type: ignore[valid-type, misc]
        """The driver of this terminal, with fewer style codes."""

        def write(self, data: str) -> None:
            """Send what Textual has drawn, or a sequence of ours."""
            super().write(fewer_codes(data) if "\x1b[" in data else data)

    return TerseDriver


def error_lines(error: BaseException | None) -> list[str]:
    """The text about an internal error: what is safe, its type and its lines of code; no value."""
    lines = ["CareQueue stopped because of an internal error. Nothing you did is lost:"]
    lines.append("unsent changes are saved, and will be sent when CareQueue runs again.")
    while error is not None:
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        lines += [
            f"  {os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__, limit=-8)
        ]
        error = error.__cause__ or error.__context__
    return lines
