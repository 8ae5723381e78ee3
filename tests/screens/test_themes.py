"""Colour: every pair that is painted can be read, and none says what no word says too."""

from __future__ import annotations

import subprocess
import sys

import pytest
from rich.color import Color

from carequeue.app import theme_for
from carequeue.widgets.bands import BANDS
from carequeue.widgets.queue_line import KINDS, SYNC
from carequeue.widgets.themes import GROUNDS, PALETTES, PLAIN, ROLES, Painter

TEXTS = [role for role in ROLES if role != "rule"]
COLOURED = [name for name in PALETTES if name != PLAIN.name]


def luminance(color: Color) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(part / 255) for part in color.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(painter: Painter, role: str, ground: str) -> float:
    style = painter.style(role, ground)
    assert style.color is not None
    assert style.bgcolor is not None
    high, low = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", COLOURED)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("role", [*TEXTS, "badge"])
def test_every_text_can_be_read_on_every_ground(theme: str, ground: str, role: str) -> None:
    """WCAG 2, 1.4.3: 4.5:1; the high-contrast themes 7:1 (1.4.6)."""
    least = 7.0 if theme.startswith("contrast") else 4.5
    assert round(contrast(Painter(theme), role, ground), 1) >= least


@pytest.mark.parametrize("role", TEXTS)
def test_without_colours_nothing_but_weight_is_sent(role: str) -> None:
    style = Painter(PLAIN.name).style(role, "ground")
    assert style.color is not None
    assert style.color.is_default
    assert Painter(PLAIN.name).style(role, "cursor").reverse


def test_the_colour_blind_theme_has_two_hues() -> None:
    painter = Painter("colour-blind")
    hues = {painter.style(role).color for role in TEXTS}
    greys = {painter.style(role).color for role in ("text", "muted")}
    assert len(hues - greys) == 2


def test_each_kind_state_and_band_has_a_word_or_a_glyph_of_its_own() -> None:
    for table in (KINDS, SYNC):
        glyphs = [entry[0] for entry in table.values()]
        words = [entry[1] for entry in table.values()]
        assert len(set(glyphs)) == len(glyphs)
        assert len(set(words)) == len(words)
    assert all(words.title for words in BANDS)


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color"}, "light"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "light"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "plain"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "light"),
        ({"TERM": "xterm"}, "plain"),
        ({"TERM": "linux"}, "plain"),
    ],
)
def test_the_theme_follows_the_wish_unless_there_are_no_colours_to_give(
    environment: dict[str, str], theme: str
) -> None:
    assert theme_for("light", environment) == theme
    assert theme_for("no such theme", {"TERM": "xterm-256color"}) == "dark"


@pytest.mark.parametrize("module", ["app", "screens.queue", "widgets.queue_list"])
def test_the_way_to_the_first_frame_stays_light(module: str) -> None:
    """What the import contracts cannot see: deferred imports, and those of others."""
    heavy = {
        "sqlmodel", "sqlalchemy", "pydantic", "httpx", "orjson", "tomlkit", "keyring",
        "carequeue.screens.palette", "carequeue.widgets.detail_pane",
    }  # fmt: skip
    code = f"import sys, carequeue.{module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
