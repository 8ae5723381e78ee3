"""A person's seat at a terminal: a program on a pty, the bytes it writes, and what they show.

In:  a command, keys, sizes. Out: raw bytes and when they came, the text on the screen.
The picture is made (by pyte) only where it is asked for, so that a benchmark that looks at bytes
alone is not slowed down by it.
Deadlines are generous and end a wait for good; nothing here waits for a fixed time to pass.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0  # seconds; a machine that is busy with other things is no failure
#: What the terminal is. Nothing of the machine's own profile or wishes comes in.
TERMINAL = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "LANG": "C.UTF-8",
    "TEXTUAL_ANIMATIONS": "none",
}
_STRANGE = ("NO_COLOR", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")


class Seat:
    """One program on a terminal of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _STRANGE and not name.startswith(("CAREQUEUE_", "TEXTUAL"))
        }
        columns, lines = size
        self.written = bytearray()
        self._shown = 0  # how many of the bytes the picture has taken in
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.started = time.perf_counter()
        self.child: Any = pexpect.spawn(
            command[0],
            list(command[1:]),
            dimensions=(lines, columns),
            env=kept | TERMINAL | dict(environment or {}),
            cwd=str(ROOT),
            echo=False,
        )
        self.child.delaybeforesend = None

    # --- what comes

    def read(self, patience: float) -> bool:
        """Take in what is there, waiting at most so many seconds; False where nothing came."""
        try:
            self.written += self.child.read_nonblocking(1 << 16, patience)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True

    def wait_for_bytes(self, *wanted: bytes, since: int = 0) -> float:
        """When (perf_counter) all these had come. Raises AssertionError after the deadline."""
        end = time.perf_counter() + DEADLINE
        while not all(one in self.written[since:] for one in wanted):
            assert time.perf_counter() < end, self._lack(wanted)
            assert self.read(1.0) or self.child.isalive(), self._lack(wanted)
        return time.perf_counter()

    def settle(self, quiet: float = 0.4) -> int:
        """Read until nothing has come for `quiet` seconds; how many bytes came."""
        before = len(self.written)
        while self.read(quiet):
            pass
        return len(self.written) - before

    def last_byte(self, quiet: float) -> float:
        """When (perf_counter) the last byte of an answer came: none follows for `quiet` seconds."""
        assert self.read(DEADLINE), self._lack("an answer")
        came = time.perf_counter()
        while self.read(quiet):
            came = time.perf_counter()
        return came

    # --- what is seen

    @property
    def screen(self) -> pyte.Screen:
        """The picture as of the bytes that were read."""
        if new := bytes(self.written[self._shown :]):
            self._shown += len(new)
            self._stream.feed(new)
        return self._screen

    @property
    def lines(self) -> list[str]:
        """The text on the screen."""
        return list(self.screen.display)

    @property
    def text(self) -> str:
        """The text on the screen, in one piece."""
        return "\n".join(self.lines)

    def wait_until(self, seen: Callable[[str], bool], what: str, patience: float = 1.0) -> str:
        """Read until the text on the screen is as wanted, and give it.

        `patience`: look again after so many seconds although nothing was written.
        """
        end = time.perf_counter() + DEADLINE
        while not seen(self.text):
            assert time.perf_counter() < end, self._lack(what)
            assert self.read(patience) or self.child.isalive(), self._lack(what)
        return self.text

    def wait_for(self, *words: str) -> str:
        """Read until all these words are on the screen."""
        return self.wait_until(
            lambda text: all(word in text for word in words), " and ".join(words)
        )

    def _lack(self, wanted: object) -> str:
        return f"{wanted!r} did not come; the screen says:\n{self.text}"

    # --- what is done

    def press(self, keys: str | bytes) -> None:
        """Send keys as a terminal does."""
        self.child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        """Another size of the window; the program is told by the system."""
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)

    def end(self) -> int:
        """Read to the end; the exit code, or 128 and more where a signal ended it."""
        end = time.perf_counter() + DEADLINE
        while self.child.isalive() and time.perf_counter() < end:
            self.read(0.05)
        while self.read(0.05):
            pass
        assert not self.child.isalive(), self._lack("the end of the program")
        if self.child.signalstatus is not None:
            return 256 + int(self.child.signalstatus)
        return int(self.child.exitstatus)

    def close(self) -> None:
        """Leave nothing running."""
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()
