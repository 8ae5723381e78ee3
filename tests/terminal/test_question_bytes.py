"""How many bytes a question takes on a terminal: each key waits for them, over SSH for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from carequeue.screens.style_codes import fewer_codes
from carequeue.verbs.offers import questions_for
from carequeue.verbs.table import item_verbs
from carequeue.widgets.one_line_widget import OneLineWidget
from tests.screens.clinic import FakeDesk, row
from tests.screens.stage import at_the_terminal
from tests.screens.test_verb_questions import CLIENT, SIZES, answer, offers
from tests.terminal.seat import Seat
from tests.verbs.named import named

#: The most bytes of the line of a question; a line of 140 cells takes 60 more in blanks alone.
MOST = {"80x24": 400, "140x40": 460}
CONSOLE = Console(color_system="truecolor", force_terminal=True)


@pytest.fixture(autouse=True)
def _all_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def size_of(line: OneLineWidget) -> int:
    """The bytes of a line when all of it is written."""
    return len(fewer_codes(f"\x1b[40;1H{line._make().render(CONSOLE)}").encode())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [verb.name for verb in item_verbs() if verb.asks])
async def test_the_line_of_every_question_is_small(name: str, size: str) -> None:
    verb = named(name)
    for offered in offers(verb):
        desk = FakeDesk([row("a", "referral", 2, None, "", CLIENT, "Answer", verbs=offered)])
        async with at_the_terminal(desk, SIZES[size]) as seat:
            await seat.press(verb.key)
            for question in questions_for(verb, [offered]):
                assert 0 < size_of(seat.controller.widgets.message) < MOST[size], question.name
                await answer(seat, question)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["n", "s", "h"], ids=["a text", "a time", "a name"])
def test_a_key_in_a_question_writes_one_line(
    sit: Callable[..., Seat], home: Path, key: str, size: str
) -> None:
    """The least of some keys, because a look at the cache may fall into one."""
    queue = sit(home=home, size=SIZES[size])
    queue.wait_for("offline since", "Mine 9", "? keys")
    queue.settle()
    queue.press(key)
    queue.settle()
    written = []
    for letter in "doe":
        queue.press(letter)
        written.append(queue.settle())
    assert 0 < min(written) < 400, written
