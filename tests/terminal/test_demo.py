"""`carequeue demo` as a stranger meets it: an act, taken back, and nothing left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from carequeue.widgets.queue_line import columns
from tests.terminal.processes import at_work, children
from tests.terminal.seat import DEADLINE, Seat


@pytest.fixture
def demo(sit: Callable[..., Seat], tmp_path: Path) -> Seat:
    """The practice clinic with 40 clients, after its first sync."""
    seat = sit("demo", "--clients", "40", "--pace", "off", home=tmp_path / "home")
    seat.wait_for("online", "synced", "1 Mine", "▌")
    return seat


def place(seat: Seat) -> int | None:
    """The line of the screen on which the cursor stands."""
    return next((y for y, line in enumerate(seat.lines) if line.startswith("▌")), None)


def client_under_the_cursor(seat: Seat) -> str:
    """How the name begins that stands there: a long one is cut."""
    at, cells = place(seat), columns(80, moves=False)
    assert at is not None
    begins = 3 + cells.kind + 1 + cells.clock + 1
    return seat.lines[at][begins : begins + 4].strip(" ,…")


def go_down(seat: Seat) -> None:
    """The next row, and its keys in the footer."""
    before = place(seat)
    seat.press("j")
    seat.wait_until(lambda _: place(seat) not in (before, None), "the next row")
    seat.settle(0.1)


def go_to_one_that_can_be_accepted(seat: Seat) -> None:
    """Walk down until the footer offers `a`."""
    for _ in range(40):
        if seat.lines[-1].startswith(" a accept "):
            return
        go_down(seat)
    raise AssertionError(f"nothing here can be accepted:\n{seat.text}")


def gone(pid: int) -> bool:
    """Whether a process ends within the deadline."""
    end = time.monotonic() + DEADLINE
    while at_work(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not at_work(pid)


def test_an_act_is_shown_at_once_and_taken_back_and_nothing_is_left(
    demo: Seat, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    (server,) = children(demo.child.pid)
    assert [path.name.startswith("carequeue-demo-") for path in temporary.iterdir()] == [True]

    go_down(demo)
    go_down(demo)
    go_to_one_that_can_be_accepted(demo)
    client = client_under_the_cursor(demo)
    demo.press("a")
    demo.wait_for("Accepted: ")  # that `u` undoes it gives way to a long sentence
    assert client in demo.lines[-2]
    demo.press("u")
    demo.wait_for("Undone")
    assert client in demo.lines[-2]

    demo.press("q")
    assert demo.end() == 0
    assert gone(server)
    assert list(temporary.iterdir()) == []


def test_the_server_ends_with_a_program_that_was_killed(demo: Seat) -> None:
    (server,) = children(demo.child.pid)
    os.kill(demo.child.pid, signal.SIGKILL)
    assert gone(server)
