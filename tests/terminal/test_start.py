"""The way to the first frame: one statement over the cache, and none of the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carequeue.__main__ import open_queue
from carequeue.cli import use_cases
from carequeue.store.queue_window import Tab
from carequeue.wiring import open_session
from tests.terminal.conftest import ENTRY
from tests.terminal.seat import DEADLINE, Seat

HELD = Path(__file__).with_name("held_back.py")
HEAVY = ("sqlmodel", "sqlalchemy", "httpx", "click")
#: What judges an item and makes intents: the rows hold the answer, so the first frame needs none.
LATER = ("carequeue.fhir", "carequeue.domain.verb_rules", "carequeue.verbs.permissions")


def first_names(home: Path) -> list[str]:
    """The clients of the first three rows, as the cache has them."""
    with open_session("default", home) as session:
        return [row.client for row in session.desk.window(Tab.MINE, "", 0, 3)]


def test_the_first_rows_are_read_while_the_heavy_libraries_are_held_back(
    sit: Callable[..., Seat], home: Path, tmp_path: Path
) -> None:
    fifo, asked = tmp_path / "fifo", tmp_path / "asked"
    os.mkfifo(fifo)
    names = first_names(home)
    seat = sit(str(fifo), str(asked), *HEAVY, *LATER, home=home, entry=(str(HELD),))

    seat.wait_for(*names, "Mine 9")
    seat.wait_until(lambda _: asked.exists(), "the first import of a heavy library", patience=0.1)
    assert "not tried yet" in seat.text
    seat.press("j")  # keys do not wait for them either
    seat.wait_until(lambda text: "▌" in row_of(text, names[1]), "the cursor on the second row")

    with fifo.open("wb"):
        pass
    seat.wait_for("offline", *names)
    assert set(asked.read_text().split()) >= {"sqlmodel", "sqlalchemy", "httpx", *LATER}
    seat.press("q")
    assert seat.end() == 0


def row_of(text: str, name: str) -> str:
    return next((line for line in text.splitlines() if name in line), "")


def test_the_command_without_a_word_opens_the_profile_that_is_set(
    sit: Callable[..., Seat], home: Path
) -> None:
    seat = sit(home=home, environment={"CAREQUEUE_PROFILE": "nobody"})
    assert seat.end() == 3
    assert "There is no profile nobody yet" in seat.text
    seat = sit(home=home, environment={"CAREQUEUE_PROFILE": "default"})
    seat.wait_for("Riverbend · Dana Whitfield")


def test_a_cache_that_cannot_be_read_is_one_sentence(sit: Callable[..., Seat], home: Path) -> None:
    (home / "data" / "default" / "key").write_text("00" * 32)
    seat = sit(home=home)
    assert seat.end() == 5
    assert "cannot be read with its key" in " ".join(seat.text.split())
    assert "Traceback" not in seat.text
    assert b"\x1b[?1049h" not in seat.written


def test_the_command_without_a_word_needs_a_terminal(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENTRY],
        env={**os.environ, "CAREQUEUE_HOME": str(home)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "carequeue list --plain" in done.stderr


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
def test_the_first_frame_is_whole(
    sit: Callable[..., Seat], home: Path, size: tuple[int, int]
) -> None:
    seat = sit(home=home, size=size)
    text = seat.wait_for(*first_names(home), "? keys", "1 Mine", "CareQueue")
    assert len(text.splitlines()) == size[1]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (KeyError("OKAFOR, Amara"), 1, "CareQueue stopped because of an internal error"),
        (KeyboardInterrupt(), 130, "Interrupted. Everything done so far is saved."),
    ],
)
def test_what_stops_the_queue_is_said_without_a_value(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    code: int,
    words: str,
) -> None:
    def stops(profile: str) -> int:
        raise fault

    monkeypatch.setattr(use_cases, "run_queue", stops)
    assert open_queue() == code
    said = capsys.readouterr().err
    assert words in said
    assert "OKAFOR" not in said
