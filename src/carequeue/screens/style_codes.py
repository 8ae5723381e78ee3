"""Fewer bytes for the same picture: a change of style is sent as what differs from the one before.

In:  what Textual writes: before each piece of a line its whole style, after it a reset. Out: the
same text with as few style codes as show it.
Why: over SSH each key waits for its bytes. A line of a question has some ten pieces, all on one
ground, and most of its bytes were that ground, again and again.
What is not known here (other codes, other sequences) goes through as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

_STYLE: Final = re.compile("\x1b\\[([0-9;]*)m")
#: Code -> the code that ends it.
_ENDS: Final = {1: 22, 2: 22, 3: 23, 4: 24, 5: 25, 7: 27, 8: 28, 9: 29}
_COLORS: Final = {38: "text", 48: "ground"}
_EIGHT_AND_DEFAULT: Final = (*range(8), 9)


class Style(NamedTuple):
    """What a terminal draws with: attributes in order, the codes of both colors ("" if default)."""

    attributes: tuple[int, ...] = ()
    text: str = ""
    ground: str = ""

    @property
    def codes(self) -> str:
        """All codes of it, after a reset."""
        return ";".join(filter(None, [*map(str, self.attributes), self.text, self.ground]))


_PLAIN: Final = Style()


def fewer_codes(data: str) -> str:
    """The same picture in fewer bytes; it ends with the style that `data` ends with.

    `data` may begin and end anywhere in what is written; a style in it always follows a reset.
    """
    pieces: list[str] = []
    drawn: Style | None = None  # None: as it was before
    wanted: Style | None = None
    at = 0
    for match in _STYLE.finditer(data):
        if text := data[at : match.start()]:
            pieces += [_change(drawn, wanted), text]
            drawn = wanted
        at = match.end()
        style = _style_of(match[1])
        if style is None or (style != _PLAIN and wanted not in (None, _PLAIN)):
            return data  # it adds to a style, or is none that we know
        if style == _PLAIN and drawn is None:
            pieces.append("\x1b[0m")
            drawn = _PLAIN
        wanted = style
    return "".join([*pieces, _change(drawn, wanted), data[at:]])


@cache
def _style_of(codes: str) -> Style | None:
    """The style of the codes after a reset; None for codes that we do not know."""
    numbers = [int(code or 0) for code in codes.split(";")]
    attributes, colors = list[int](), {"text": "", "ground": ""}
    while numbers:
        number = numbers.pop(0)
        if number in _ENDS:
            attributes.append(number)
        elif number in _COLORS and numbers[:1] in ([2], [5]):
            length = 4 if numbers[0] == 2 else 2
            parts, numbers = numbers[:length], numbers[length:]
            colors[_COLORS[number]] = ";".join(map(str, (number, *parts)))
        elif number // 10 in (3, 9) and number % 10 in _EIGHT_AND_DEFAULT:
            colors["text"] = "" if number == 39 else str(number)
        elif number // 10 in (4, 10) and number % 10 in _EIGHT_AND_DEFAULT:
            colors["ground"] = "" if number == 49 else str(number)
        elif number or attributes or any(colors.values()):  # a reset stands at the beginning
            return None
    return Style(tuple(attributes), **colors)


@cache
def _change(drawn: Style | None, wanted: Style | None) -> str:
    """The shortest codes from one style to another."""
    if wanted is None or drawn == wanted:
        return ""
    if wanted == _PLAIN:
        return "\x1b[0m"
    if drawn is None:  # it follows a reset, here or in what was written before
        return f"\x1b[{wanted.codes}m"
    whole = f"\x1b[0;{wanted.codes}m"
    ended = {_ENDS[number] for number in drawn.attributes if number not in wanted.attributes}
    begun = [
        number
        for number in wanted.attributes
        if number not in drawn.attributes or _ENDS[number] in ended
    ]
    codes = [*map(str, sorted(ended)), *map(str, begun)]
    if drawn.text != wanted.text:
        codes.append(wanted.text or "39")
    if drawn.ground != wanted.ground:
        codes.append(wanted.ground or "49")
    return min(whole, f"\x1b[{';'.join(codes)}m", key=len)
