"""Colors and weights by role: the meaning of each hue, in each theme.

In:  the name of a theme. Out: a `Painter`, which turns (text, role) pairs into terminal segments.
Each hue has one meaning: `over` a deadline that has passed, `soon` one that is near, `me` focus,
keys and my move, `done` success, `conflict` a conflict. A word or a glyph always says the same.
The palettes were chosen so that the hues differ in normal, protan, deutan and tritan sight
(Machado 2009) and every text has a contrast of at least 4.5:1 (WCAG 2, 1.4.3); a test computes
both. `rule` is for thin lines, never for text.
Why a table and not component classes: one dictionary look-up per segment, and a test can compute
the contrast of what is painted without a screen.
Not here: which text has which role (the pure functions of each widget), sizes (`carequeue.tcss`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme

#: A piece of a line: its text and its role.
Part = tuple[str, str]
Parts = Sequence[Part]


class Palette(NamedTuple):
    """The colors of one theme; "default" is the terminal's own color."""

    name: str
    dark: bool
    ground: str
    bar: str  # header and footer
    panel: str  # the detail
    cursor: str
    text: str
    muted: str
    over: str
    soon: str
    me: str
    done: str
    conflict: str
    rule: str
    hues: bool = True  # whether each kind has a hue


_D = "default"
DARK: Final = Palette(
    "dark", True, "#101418", "#1B232D", "#141A20", "#1F3B57", "#E6E9EC", "#A9B3BE",
    "#F88147", "#EFD925", "#7FA0FD", "#74F7A8", "#DF8BC5", "#3E4A58",
)  # fmt: skip
LIGHT: Final = Palette(
    "light", False, "#FBFBF8", "#EDF0F3", "#F5F6F3", "#DCEAF7", "#1A1D21", "#565E67",
    "#6C3321", "#726401", "#0144FC", "#067469", "#A302A3", "#C3C9CF",
)  # fmt: skip
CONTRAST_DARK: Final = Palette(
    "contrast-dark", True, "#000000", "#000000", "#000000", "#00304F", "#FFFFFF", "#D0D0D0",
    "#F0CCB5", "#F2B21F", "#BAD4EA", "#05EC74", "#FA95FF", "#808080",
)  # fmt: skip
CONTRAST_LIGHT: Final = Palette(
    "contrast-light", False, "#FFFFFF", "#FFFFFF", "#FFFFFF", "#E6F2FF", "#000000", "#4A5058",
    "#62211C", "#614F03", "#0740CE", "#105B52", "#6E138A", "#808080",
)  # fmt: skip
#: Only two hues, over and me; weight and words do the rest.
COLOUR_BLIND: Final = Palette(
    "colour-blind", True, "#101418", "#1B232D", "#141A20", "#1F3B57", "#E6E9EC", "#A9B3BE",
    "#F88147", "#E6E9EC", "#7FA0FD", "#E6E9EC", "#E6E9EC", "#3E4A58", False,
)  # fmt: skip
#: No color: for NO_COLOR, or a terminal of 16 colors, whose background is not known.
PLAIN: Final = Palette(
    "plain", True, _D, _D, _D, _D, _D, _D, _D, _D, _D, _D, _D, _D, False,
)  # fmt: skip

PALETTES: Final = {
    palette.name: palette
    for palette in (DARK, LIGHT, CONTRAST_DARK, CONTRAST_LIGHT, COLOUR_BLIND, PLAIN)
}
GROUNDS: Final = ("ground", "bar", "panel", "cursor")

#: Role -> (color, bold, underline). A role without a line here is a bug.
ROLES: Final[dict[str, tuple[str, bool, bool]]] = {
    "text": ("text", False, False),
    "strong": ("text", True, False),
    "muted": ("muted", False, False),
    "over": ("over", True, False),
    "soon": ("soon", False, False),
    "soon-strong": ("soon", True, False),
    "me": ("me", False, False),
    "key": ("me", True, False),
    "done": ("done", False, False),
    "conflict": ("conflict", False, False),
    "conflict-strong": ("conflict", True, False),
    "quiet-strong": ("muted", True, False),
    "typed": ("text", False, True),
    "rule": ("rule", False, False),
    "referral": ("done", False, False),
    "follow_up": ("me", False, False),
    "handoff": ("conflict", False, False),
    "authorization": ("soon", False, False),
}
#: Roles that are visible on a blank, too.
_MARKED: Final = frozenset({"badge", "typed", "selected"})
#: Role -> the color behind it, under text in the color of the ground.
_REVERSED: Final = {"badge": "me", "selected": "text"}
KINDS: Final = frozenset({"referral", "follow_up", "handoff", "authorization"})
#: Control characters never reach the terminal, whatever the code before did.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Painter:
    """The styles of the roles in one theme; each style is made once."""

    def __init__(self, name: str) -> None:
        self.palette = PALETTES.get(name, DARK)
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, role: str, ground: str = "ground") -> Style:
        """The style of a role on one of `GROUNDS`."""
        try:
            return self._styles[role, ground]
        except KeyError:
            style = self._styles[role, ground] = self._make(role, ground)
            return style

    def _make(self, role: str, ground: str) -> Style:
        palette = self.palette
        if behind := _REVERSED.get(role):
            bold = role == "badge" or None
            if palette is PLAIN:
                return Style(bold=bold, reverse=True)
            return Style(color=palette.ground, bgcolor=getattr(palette, behind), bold=bold)
        if not palette.hues and role in KINDS:
            role = "text"
        color, strong, underline = ROLES[role]
        return Style(
            color=getattr(palette, color),
            bgcolor=getattr(palette, ground),
            bold=strong or None,
            underline=underline or None,
            reverse=(ground == "cursor" and palette is PLAIN) or None,
        )

    def strip(self, parts: Iterable[Part], width: int, ground: str = "ground") -> Strip:
        """Parts as one line of exactly `width` cells, cut at the right if it is too long."""
        segments = [
            Segment(_CONTROL.sub(" ", text), self.style(role, ground))
            for text, role in _joined(parts)
        ]
        return Strip(segments).adjust_cell_length(width, self.style("text", ground))

    def blank(self, width: int, ground: str = "ground") -> Strip:
        """An empty line."""
        return Strip([Segment(" " * width, self.style("text", ground))], width)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Join parts that look the same: each run costs some forty bytes in every line drawn."""
    runs: list[Part] = []
    for text, role in parts:
        if not text:
            continue
        if runs and (role == runs[-1][1] or (text.isspace() and runs[-1][1] not in _MARKED)):
            runs[-1] = (runs[-1][0] + text, runs[-1][1])
        elif runs and runs[-1][0].isspace() and role not in _MARKED and runs[-1][1] not in _MARKED:
            runs[-1] = (runs[-1][0] + text, role)
        else:
            runs.append((text, role))
    return runs


def textual_theme(palette: Palette) -> Theme:
    """The theme for what Textual draws itself: the background behind our lines."""
    plain = palette is PLAIN
    ground = "ansi_default" if plain else palette.ground
    text = "ansi_default" if plain else palette.text
    return Theme(
        name=f"carequeue-{palette.name}",
        primary=text if plain else palette.me,
        foreground=text,
        background=ground,
        surface=ground,
        panel=ground,
        dark=palette.dark,
        ansi=plain,
        variables={"ansi-background": "ansi_default"} if plain else {},
    )
