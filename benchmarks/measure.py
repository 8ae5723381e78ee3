"""The measurements: each starts a real program on a terminal, does one thing, and ends it.

In:  programs (a command and what it shows first), caches. Out: seconds, bytes, megabytes.
Both sides of a ratio are started alike: the same interpreter, terminal and environment, bytecode
from one folder, and the bytes of the terminal are read by the same few lines (`Seat`).
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.terminal.seat import Seat

HERE = Path(__file__).parent
#: After so many seconds without a byte an answer is taken to be whole.
QUIET = 0.03
#: Rows by which the cursor goes down before it comes up again: less than the window shows.
WITHIN = 12


class Program(NamedTuple):
    """What is started, and the texts that stand on its first frame."""

    command: tuple[str, ...]
    first: tuple[bytes, ...]
    environment: Mapping[str, str]
    settled: str = ""  # the text that says that it has come to rest after its start


def floor(name: str, first: str, bytecode: Path) -> Program:
    """One of the floor programs in this folder."""
    command = (sys.executable, str(HERE / f"{name}.py"))
    return Program(command, (first.encode(),), {"PYTHONPYCACHEPREFIX": str(bytecode)})


def carequeue(home: Path, first: tuple[str, ...], bytecode: Path) -> Program:
    """CareQueue over a cache, started as a person starts it."""
    script = shutil.which("carequeue", path=str(Path(sys.executable).parent))
    command = (sys.executable, script) if script else (sys.executable, "-m", "carequeue")
    environment = {"CAREQUEUE_HOME": str(home), "PYTHONPYCACHEPREFIX": str(bytecode)}
    return Program(command, tuple(name.encode() for name in first), environment, "offline since")


@contextmanager
def started(program: Program) -> Iterator[Seat]:
    """The program on a terminal of 80x24; killed at the end."""
    seat = Seat(program.command, environment=program.environment)
    try:
        yield seat
    finally:
        seat.close()


@contextmanager
def at_rest(program: Program) -> Iterator[Seat]:
    """The program when its start, and all that it loads after it, is over."""
    with started(program) as seat:
        seat.wait_for_bytes(*program.first)
        if program.settled:
            seat.wait_for(program.settled)
        seat.settle(1.0)
        yield seat


def first_frame(program: Program) -> float:
    """Seconds from the start of the process until its first text is on the terminal."""
    with started(program) as seat:
        return seat.wait_for_bytes(*program.first) - seat.started


def down_and_up(seat: Seat) -> Iterator[tuple[float, int]]:
    """Moves of the cursor: seconds from the key to the last byte of its answer, and the bytes."""
    for key in "j" * WITHIN + "k" * WITHIN:
        before, pressed = len(seat.written), time.perf_counter()
        seat.press(key)
        yield seat.last_byte(QUIET) - pressed, len(seat.written) - before


def acts(seat: Seat, count: int) -> Iterator[float]:
    """Seconds from `e` on a follow-up to the message of what it did; each is taken back."""
    for _ in range(count):
        before, pressed = len(seat.written), time.perf_counter()
        seat.press("e")
        yield seat.wait_for_bytes(b"undoes it", since=before) - pressed
        seat.settle(0.3)
        seat.press("u")
        seat.wait_for("Undone")
        seat.settle(0.3)


def megabytes(seat: Seat) -> float | None:
    """The memory that the program holds; None where the system does not say."""
    try:
        text = Path(f"/proc/{seat.child.pid}/status").read_text()
    except OSError:
        return None
    kilobytes = next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024
