"""Fewer style codes, and the same picture: what a terminal shows of both is compared."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from carequeue.screens.style_codes import fewer_codes
from carequeue.widgets.themes import GROUNDS, PALETTES, ROLES, Painter

CONSOLE = Console(color_system="truecolor", force_terminal=True)
ROLE = st.sampled_from([*ROLES, "badge", "selected"])
PIECES = st.lists(st.tuples(st.text("ab é山", max_size=4), ROLE), max_size=6)
COLORS = st.none() | st.sampled_from(["default", "red", "bright_blue", "color(99)", "#102030"])
STYLES = st.builds(
    Style,
    color=COLORS,
    bgcolor=COLORS,
    bold=st.booleans(),
    dim=st.booleans(),
    italic=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
    strike=st.booleans(),
)


def picture(*written: str) -> list[object]:
    """Every cell of a terminal after this, with its style."""
    screen = pyte.Screen(40, 6)
    stream = pyte.Stream(screen)
    for data in written:
        stream.feed(data)
    return [screen.buffer[y][x] for y in range(6) for x in range(40)] + [
        screen.cursor.attrs, screen.cursor.x, screen.cursor.y,
    ]  # fmt: skip


def rendered(*lines: Strip) -> str:
    """Lines as Textual writes them, each from its place."""
    return "".join(f"\x1b[{y};1H{line.render(CONSOLE)}" for y, line in enumerate(lines, start=1))


@pytest.mark.parametrize("theme", PALETTES)
@given(st.lists(st.tuples(PIECES, st.sampled_from(GROUNDS)), min_size=1, max_size=4))
def test_lines_of_every_theme_look_the_same(
    theme: str, lines: list[tuple[list[tuple[str, str]], str]]
) -> None:
    painter = Painter(theme)
    data = rendered(*(painter.strip(parts, 30, ground) for parts, ground in lines))
    assert picture(fewer_codes(data)) == picture(data)
    assert len(fewer_codes(data)) <= len(data) + 4  # the style before is not known


@given(st.lists(st.tuples(st.text("ab ", max_size=3), STYLES), max_size=8))
def test_any_styles_look_the_same(pieces: list[tuple[str, Style]]) -> None:
    data = rendered(Strip([Segment(text, style) for text, style in pieces]))
    assert picture(fewer_codes(data)) == picture(data)


@given(
    st.lists(st.sampled_from(["a", "b", "\x1b[0m", "\x1b[1m", "\x1b[38;2;1;2;3m", "\x1b[2;3H",
                              "\x1b[K", "\x1b[m", "\x1b[4;31;42m", "\x1b[999m"]),
             max_size=12)
)  # fmt: skip
def test_whatever_is_written_looks_the_same(pieces: list[str]) -> None:
    data = "".join(pieces)
    assert picture("x", fewer_codes(data)) == picture("x", data)


@given(PIECES, st.integers(0, 400))
def test_a_line_that_is_written_in_two_parts_looks_the_same(
    parts: list[tuple[str, str]], at: int
) -> None:
    data = rendered(Painter("dark").strip(parts, 30))
    first, second = data[:at], data[at:]
    assert picture(fewer_codes(first), fewer_codes(second)) == picture(data)


def test_a_line_is_a_third_shorter() -> None:
    parts = [(" Note ", "key"), ("REYES, Tomás", "strong"), (": what? ", "text"), ("▏", "key")]
    data = rendered(Painter("dark").strip(parts, 80))
    assert len(fewer_codes(data)) < 0.75 * len(data)
