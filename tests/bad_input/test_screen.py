"""The queue on a terminal with bad input: the sentence, and a terminal left as it was found."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from tests.bad_input.home import Home, environment, task
from tests.bad_input.hostile import Said, serving, statement
from tests.bad_input.test_sentences import CACHE, PROFILE, newer_cache, no_key, other_key
from tests.terminal.seat import Seat

#: What a full-screen program switches on, and would have to switch off again.
SWITCHED: tuple[tuple[bytes, bytes], ...] = (
    (b"\x1b[?1049h", b"\x1b[?1049l"),  # the other screen
    (b"\x1b[?25l", b"\x1b[?25h"),  # no cursor
    (b"\x1b[?1000h", b"\x1b[?1000l"),  # the mouse
    (b"\x1b[?2004h", b"\x1b[?2004l"),  # pasting
)


def sit(home: Home) -> Seat:
    kept = {name: value for name, value in environment().items() if name in ("PATH", "HOME")}
    return Seat(
        (sys.executable, "-m", "carequeue"),
        size=(100, 24),
        environment={**kept, "CAREQUEUE_HOME": str(home.root), "CAREQUEUE_TOKEN": "t"},
    )


def whole(written: bytes) -> bool:
    """Whether all that was switched on was switched off after it."""
    return all(written.rfind(off) >= written.rfind(on) for on, off in SWITCHED)


CASES: dict[str, tuple[Callable[[Home], None], int, str]] = {
    "a wrong key": (other_key, CACHE, "cannot be read with its key"),
    "a newer cache": (newer_cache, CACHE, "version 9999"),
    "no key": (no_key, CACHE, "is missing"),
    "no profile": (lambda home: home.where.config.unlink(), PROFILE, "carequeue demo"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_opened_is_a_sentence_on_a_whole_terminal(home: Home, case: str) -> None:
    change, code, said = CASES[case]
    home.write_profile("http://127.0.0.1:9/fhir")
    home.fill(task())
    change(home)
    before = home.bytes()
    seat = sit(home)
    try:
        assert seat.end() == code
    finally:
        seat.close()
    text = re.sub(r"\s+", " ", bytes(seat.written).decode())
    assert said in text
    assert "Traceback" not in text
    assert b"\x1b" not in seat.written  # nothing was ever switched on
    assert home.bytes() == before


def test_a_hostile_name_reaches_the_terminal_as_text(home: Home) -> None:
    """What a server wrote never comes out as a command: no clipboard, no title, no clearing."""
    evil = "\x1b]52;c;cGF3bmVk\x07\x1b]0;title\x07\x1b[2J\x9b31m\u202e[/red][@click=app.quit]x"
    planted = task(description=evil, **{"for": {"reference": "Patient/c1", "display": evil}})
    patient = {"resourceType": "Patient", "id": "c1", "name": [{"family": evil, "given": [evil]}]}
    with serving(lambda asked: Said(statement(), 503)) as server:
        home.write_profile(server.base)
        home.fill(planted, patient)
        seat = sit(home)
        try:
            seat.wait_for_bytes("\N{SYMBOL FOR ESCAPE}]52".encode())
            for key in "\rwqq":  # the item in full, why; and out of both
                seat.settle()
                seat.press(key)
            assert seat.end() == 0
        finally:
            seat.close()
    written = bytes(seat.written)
    for forbidden in (
        b"]52;c;cGF3bmVk\x07",
        b"\x1b]52",
        b"\x1b]0;",
        b"\xc2\x9b",
        "\u202e".encode(),
    ):
        assert forbidden not in written
    assert whole(written)
