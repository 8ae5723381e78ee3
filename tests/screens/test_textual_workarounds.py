"""In a real terminal: what is written, and how it is left. Each private name of Textual is here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from textual import events
from textual.app import App

from carequeue.screens.textual_workarounds import TerminalApp, error_lines
from tests.screens.stage import at_the_terminal

pexpect = pytest.importorskip("pexpect", reason="Windows has no pty")
QUIET = 0.4


class Terminal:
    """A terminal of 80x24 with the program in it; counts what is written."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "tests.screens.at_a_pty", *arguments],
            dimensions=(24, 80),
            env=env | environment,
            echo=False,
            timeout=20,
        )
        self.child.delaybeforesend = None
        self.screen = pyte.Screen(80, 24)
        self._feed = pyte.ByteStream(self.screen).feed
        self.written = b""
        while "? keys" not in "\n".join(self.screen.display):
            self._read(20)

    def _read(self, wait: float) -> int:
        data = self.child.read_nonblocking(65536, wait)
        self._feed(data)
        self.written += data
        return len(data)

    def settle(self, quiet: float = QUIET) -> int:
        """Read until nothing has come for a while; how many bytes that were."""
        count = 0
        while True:
            try:
                count += self._read(quiet)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return count

    def press(self, keys: str) -> int:
        self.settle()
        self.child.send(keys)
        return self.settle()

    def end(self) -> int:
        """Wait for its end; the exit status, that of a signal as a shell gives it."""
        self.settle(2)
        self.child.wait()
        return int(self.child.exitstatus if self.child.signalstatus is None else 999)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    seat = Terminal()
    yield seat
    seat.child.close(force=True)


def restored(written: bytes) -> bool:
    """Whether the shell's own screen is back and the mouse is off."""
    return b"\x1b[?1049l" in written and b"\x1b[?1000l" in written


def test_three_idle_seconds_write_nothing_and_a_move_writes_two_lines(terminal: Terminal) -> None:
    terminal.settle()
    assert terminal.settle(3) == 0
    terminal.press("j")
    assert 0 < terminal.press("j") < 1_400
    assert terminal.press("jjjjj") < 4_000


def test_the_focus_of_the_window_writes_nothing(terminal: Terminal) -> None:
    terminal.settle()
    assert terminal.press("\x1b[O") == 0
    assert terminal.press("\x1b[I") == 0


def test_a_question_costs_a_line_or_two(terminal: Terminal) -> None:
    terminal.press("j")
    assert terminal.press("n") < 600
    assert terminal.press("x") < 400
    assert "REYES, Tomás: what? x" in terminal.text


def test_a_move_in_the_outbox_writes_the_lines_that_change_and_no_others(
    terminal: Terminal,
) -> None:
    assert 0 < terminal.press("o") < 12_500
    terminal.press("j")
    assert 0 < terminal.press("j") < 2_500
    assert terminal.press("d") < 600
    terminal.press("\x1b")
    assert terminal.settle(2) == 0
    assert 0 < terminal.press("q") < 12_500


def test_a_conflict_writes_itself_once_and_a_key_that_answers_nothing_one_line(
    terminal: Terminal,
) -> None:
    assert 0 < terminal.press("x") < 12_500
    assert "Keep which one?" in terminal.text
    assert 0 < terminal.press("y") < 400
    assert terminal.settle(2) == 0


def test_motions_of_the_mouse_are_not_reported(terminal: Terminal) -> None:
    terminal.settle()
    last_on = terminal.written.rfind(b"\x1b[?1003h")
    assert terminal.written.rfind(b"\x1b[?1003l") > last_on


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(terminal: Terminal, number: signal.Signals) -> None:
    terminal.settle()
    terminal.child.kill(number)
    assert terminal.end() == 128 + number
    assert restored(terminal.written)


def test_leaving_restores_the_terminal(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.end() == 0
    assert restored(terminal.written)


def test_a_fault_of_ours_shows_no_name() -> None:
    seat = Terminal("fault")
    try:
        seat.press("e")
        assert seat.end() == 1
        said = seat.written[seat.written.rfind(b"\x1b[?1049l") :].decode()
        assert "Nothing you did is lost" in said
        assert "builtins.RuntimeError" in said
        assert "REYES" not in said
        assert "secret" not in said
    finally:
        seat.child.close(force=True)


def test_no_colour_means_no_colour() -> None:
    seat = Terminal(NO_COLOR="1")
    try:
        seat.settle()
        assert b"\x1b[38;2;" not in seat.written
        assert b"38;5;" not in seat.written
        assert b"48;2;" not in seat.written
    finally:
        seat.child.close(force=True)


def test_an_empty_no_colour_is_no_wish() -> None:
    seat = Terminal(NO_COLOR="")
    try:
        seat.settle()
        assert b"38;2;248;129;71" in seat.written  # the red of the dark theme
    finally:
        seat.child.close(force=True)


# --- the private names


def test_the_names_of_textual_that_are_overridden_are_still_there() -> None:
    for name in ("_on_app_blur", "_on_app_focus", "_handle_exception", "_fatal_error"):
        assert name in vars(App), name
        assert name in vars(TerminalApp), name


async def test_the_fields_of_textual_that_are_used_are_still_there() -> None:
    async with at_the_terminal() as seat:
        app = seat.app
        for name in ("_driver", "_exception", "_exception_event", "_exit_renderables"):
            assert hasattr(app, name), name
        assert callable(app._close_messages_no_wait)
        assert hasattr(app, "_return_code")


async def test_blur_and_focus_leave_the_screen_as_it_is() -> None:
    async with at_the_terminal() as seat:
        seat.app.post_message(events.AppBlur())
        await seat.rest()
        assert seat.app.app_focus
        await seat.press("a")
        assert seat.desk.acts != []


async def test_a_timer_that_fires_while_the_program_ends_finds_nothing_to_do() -> None:
    async with at_the_terminal() as seat:
        app = seat.app
    looked = seat.desk.refreshed
    app._size_is_final()
    app._painted()
    assert seat.desk.refreshed == looked


def test_a_fault_is_told_by_its_kind_and_places_only() -> None:
    def deep(name: str) -> None:
        raise ValueError(name)

    try:
        deep("REYES, Tomás")
    except ValueError as error:
        text = "\n".join(error_lines(error))
    assert "builtins.ValueError" in text
    assert Path(__file__).name in text
    assert "REYES" not in text
