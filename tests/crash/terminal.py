"""A person at a real terminal: notes on one row after the other, and the program killed meanwhile.

The program is an interpreter of its own on a pty, beside a `carequeue sync` that is one as well.
What counts is what stood on the screen.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.terminal.seat import Seat

if TYPE_CHECKING:
    from tests.crash.rounds import Round

LIVES: Final = 2
ACTS: Final = 5  # in one life, at most
ROWS: Final = 12  # after which a queue without a row for a note is a fault
_QUESTION: Final = re.compile(r" Note (.+): what\?")
_ENTRY: Final = "import sys; from carequeue.__main__ import main; sys.exit(main())"


def work(one: Round, chance: random.Random) -> None:
    """Some lives of the open queue, each ended by SIGKILL."""
    environment = {name: os.environ[name] for name in ("CAREQUEUE_HOME", "CAREQUEUE_TOKEN")}
    for life in range(LIVES):
        seat = Seat([sys.executable, "-c", _ENTRY], environment=environment)
        try:
            seat.wait_for("1 Mine", "▌", "online")
            beside = subprocess.Popen(
                [sys.executable, "-c", _ENTRY, "sync"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for number in range(chance.randint(1, ACTS)):
                _note(one, seat, f"seat {life}-{number}")
            seat.press(f"jnseat {life} unseen\r")
            seat.read(chance.uniform(0, 0.05))
            seat.child.kill(signal.SIGKILL)
            one.kills["the terminal: at random"] += 1
            beside.kill()
            if beside.wait() == -signal.SIGKILL:
                one.kills["carequeue sync beside it: at random"] += 1
        finally:
            seat.close()


def _wait_for_another_line(seat: Seat, old: str) -> None:
    seat.wait_until(lambda _: seat.lines[-2] != old, "a question or a refusal")


def _note(one: Round, seat: Seat, text: str) -> None:
    """A note on the next row of another client: until it is kept the last message stands there."""
    last = seat.text
    for _ in range(ROWS):
        seat.press("j")
        seat.settle(0.1)
        seat.press("n")
        _wait_for_another_line(seat, seat.lines[-2])
        asked = _QUESTION.search(seat.lines[-2])
        if asked and f"Noted: {asked[1]}" not in last:
            seat.press(f"{text}\r")
            seat.wait_for(f"Noted: {asked[1]}")
            one.lines.append({"verb": "note", "keys": [], "text": text})
            return
        if asked:  # that client again
            seat.press("\x1b")
            seat.wait_until(lambda shown: "what?" not in shown, "the end of the question")
    raise AssertionError(f"no row takes a note:\n{seat.text}")
