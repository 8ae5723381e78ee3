"""Two real programs on one cache: each undoes its own act, and asks about the other's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.terminal.conftest import ENTRY
from tests.terminal.seat import Seat


def opened(sit: Callable[..., Seat], home: Path) -> Seat:
    """A program after its first try to sync: it does not make rows anew any more."""
    seat = sit(home=home)
    seat.wait_for("offline since", "? keys", "▌")
    seat.settle()
    return seat


def note(seat: Seat, text: str) -> str:
    """Note something on the item under the cursor; the family name of its client."""
    seat.press("n")
    seat.wait_for("what?")
    for letter in text:
        seat.press(letter)
    seat.press("\r")
    seat.wait_for("Noted: ", "undo: note ")
    return seat.text.rpartition("undo: note ")[2].split()[0]


def notes(home: Path) -> list[str]:
    """What is still to be sent, as the command line lists it."""
    done = command(home, "outbox", "list", "--json")
    return [line["did"] for line in json.loads(done.stdout)]


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ENTRY, *words],
        capture_output=True, text=True, env={"CAREQUEUE_HOME": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_each_undoes_its_own_act_and_asks_about_the_other_s(
    sit: Callable[..., Seat], home: Path
) -> None:
    first, second = opened(sit, home), opened(sit, home)
    mine = note(first, "one")
    second.press("j")
    theirs = note(second, "two")
    assert theirs != mine
    assert notes(home) == ["Noted: one", "Noted: two"]

    first.press("u")
    first.wait_for(f"Undone: Noted, {mine}")
    assert notes(home) == ["Noted: two"]

    first.wait_for("u undo…")
    first.press("u")
    first.wait_for("nother window", f"note {theirs}", "y yes")
    first.press("u\r")
    first.settle()
    assert notes(home) == ["Noted: two"]
    first.press("y")
    first.wait_for(f"Undone: Noted, {theirs}")
    assert notes(home) == []

    second.wait_until(lambda text: "undo" not in text.splitlines()[-1], "nothing left to undo")


def test_what_the_command_line_did_is_asked_about_and_it_asks_about_a_window_s(
    sit: Callable[..., Seat], home: Path
) -> None:
    seat = opened(sit, home)
    client = note(seat, "one")
    refused = command(home, "undo")
    assert refused.returncode == 2
    assert f"A window of the queue did this last: note {client}" in refused.stderr
    assert notes(home) == ["Noted: one"]

    keys = json.loads(command(home, "list", "--json").stdout)
    assert command(home, "act", "note", keys[1]["key"], "--text", "two").returncode == 0
    undone = command(home, "undo")
    assert undone.returncode == 0
    assert f"The command line did this last: note {keys[1]['client']}" in undone.stderr
    assert notes(home) == ["Noted: one"]

    seat.press("u")
    seat.wait_for(f"Undone: Noted, {client}")
    assert notes(home) == []


def test_after_a_restart_the_acts_of_before_are_asked_about(
    sit: Callable[..., Seat], home: Path
) -> None:
    seat = opened(sit, home)
    client = note(seat, "one")
    seat.press("q")
    assert seat.end() == 0
    seat = opened(sit, home)
    seat.wait_for("u undo…")
    seat.press("u")
    seat.wait_for("earlier session", f"note {client}")
    assert notes(home) == ["Noted: one"]
    seat.press("y")
    seat.wait_for(f"Undone: Noted, {client}")
    assert notes(home) == []
