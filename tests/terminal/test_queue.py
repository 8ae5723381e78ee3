"""The queue on a terminal of its own: idle, told to end, resized, and among hostile names."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.caches import a_clinic
from tests.terminal.seat import Seat

#: What a name may try: the clipboard, the title, colours by C1, a name that reads backwards.
HOSTILE = {
    "an escape": "\x1b[31m",
    "the clipboard": "\x1b]52;c;c3RvbGVu\x07",
    "the title": "\x1b]0;title\x1b\\",
    "a C1 control": "\x9b41m",
    "a bell": "\x07",
    "an override": "\u202e",
    "an isolate": "\u2066",
    "a line": "\r\n",
}


@pytest.fixture
def queue(sit: Callable[..., Seat], home: Path) -> Seat:
    """The queue of 1,000 items, after its first try to sync."""
    seat = sit(home=home)
    seat.wait_for("offline since", "Mine 9", "? keys")
    seat.settle()
    return seat


def test_three_idle_seconds_write_no_byte(queue: Seat) -> None:
    assert queue.settle(quiet=3.0) == 0


def test_a_move_of_the_cursor_writes_two_rows(queue: Seat) -> None:
    queue.press("j")
    queue.settle()
    queue.press("j")
    assert 0 < queue.settle() < 1_400


def test_a_key_of_the_search_for_a_client_writes_one_line(queue: Seat) -> None:
    """The footer stays; the least of some keys, because a look at the cache may fall into one."""
    queue.press("N")
    queue.settle()
    written = []
    for key in "aeio":
        queue.press(f"\x15{key}")  # the line anew
        written.append(queue.settle())
    assert 0 < min(written) < 400, written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(queue: Seat, number: signal.Signals) -> None:
    queue.child.kill(number)
    assert queue.end() == 128 + number
    assert left_as_found(queue)


def test_leaving_leaves_the_terminal_as_it_was(queue: Seat) -> None:
    queue.press("q")
    assert queue.end() == 0
    assert left_as_found(queue)


def left_as_found(seat: Seat) -> bool:
    """Whether the shell's own screen is back, the mouse is off and the cursor is shown."""
    written = bytes(seat.written)
    modes = {b"1049": b"l", b"1000": b"l", b"1003": b"l", b"2004": b"l", b"25": b"h"}
    for mode, wanted in modes.items():
        off, on = written.rfind(b"\x1b[?%bl" % mode), written.rfind(b"\x1b[?%bh" % mode)
        if (b"l" if off > on else b"h") != wanted:
            return False
    return True


def test_a_storm_of_resizes_ends_in_a_whole_queue(queue: Seat) -> None:
    for number in range(60):
        queue.resize(60 + number % 71, 12 + number % 29)
        queue.press("jk"[number % 2])
    queue.resize(80, 24)
    queue.wait_for("1 Mine", "? keys", "▌", "offline since")
    queue.press("q")
    assert queue.end() == 0


def test_a_window_that_shrank_and_grew_in_one_go_is_drawn_again(queue: Seat) -> None:
    queue.child.kill(signal.SIGSTOP)  # so that it sees one change, and the size that it knew
    queue.resize(50, 8)
    queue.resize(80, 24)
    assert "1 Mine" not in queue.text
    queue.child.kill(signal.SIGCONT)
    queue.wait_for("1 Mine", "? keys", "▌", "offline since")


def test_a_window_too_small_to_see_the_list_says_so_and_takes_no_act(queue: Seat) -> None:
    queue.resize(20, 5)
    queue.wait_for("20x5", "40x10")
    queue.press("e")
    queue.press("y")
    queue.settle()
    queue.resize(80, 24)
    text = queue.wait_for("1 Mine", "? keys", "▌")
    assert "u undoes it" not in text
    assert "↑ 1" not in text


def test_hostile_names_reach_the_terminal_as_text_only(
    sit: Callable[..., Seat], tmp_path: Path, nobody: str
) -> None:
    names = [f"Evil{trick}[/red]Twin" for trick in HOSTILE.values()]
    a_clinic(tmp_path / "hostile", len(names), nobody, names)
    seat = sit(home=tmp_path / "hostile", size=(140, 40))
    seat.wait_for("offline since", *(f"TWIN-{number}," for number in range(len(names))))
    rows = [line for line in seat.lines if "TWIN-" in line]
    assert len(rows) == len(names)
    assert all("EVIL" in row for row in rows)

    # through the detail, its reasons, a note, its message, its undo, and a list narrowed to it
    for key in ("j", "w", "\x1b", "n", "x", "\r", "u", "/", "evil", "\r"):
        seat.press(key)
        seat.settle(0.2)
    seat.child.kill(signal.SIGTERM)
    assert seat.end() == 143
    text = re.sub(
        rb"\x1b]22;[a-z]+\x07", b"", seat.written
    ).decode()  # Textual: the pointer's shape
    assert "\x1b]" not in text
    assert "\x1b[31m" not in text
    assert not set(text) & set("\x07\x9b\u202e\u2066")
