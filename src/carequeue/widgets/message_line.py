"""The line above the footer: the last act, its client, and how to undo it.

Pure: a message in, parts out. Questions use the same line (`question_prompt.py`). A new item in Now
or Safety is named at its right, in half of the line at most. If that leaves too little room, the
notice is in the line of tabs instead (`apart`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len

from carequeue.widgets.text_width import cut, length, spread
from carequeue.widgets.themes import Part, Parts

#: Separates two hints of one message.
BETWEEN: Final = "   "
#: In a shorter line a question and a notice would both be cut too much.
BOTH_FROM: Final = 60


class Tone(StrEnum):
    """The kind of a message; each has a glyph as well as a hue."""

    DONE = "done"
    QUIET = "quiet"
    REFUSED = "refused"
    WARNING = "warning"


_GLYPHS = {
    Tone.DONE: ("✓ ", "done"),
    Tone.QUIET: ("", "muted"),
    Tone.REFUSED: ("· ", "soon"),
    Tone.WARNING: ("! ", "over"),
}


class Notice(NamedTuple):
    """A new item in Now or Safety, beside the message, until the person has gone there.

    `more`: how many other items are new. `way`: the keys that go there, `esc !` or `!`.
    """

    client: str
    band: str
    more: int
    way: str


class Message(NamedTuple):
    """A sentence, its tone, and what the person can do next (`u undoes it`)."""

    text: str = ""
    tone: Tone = Tone.QUIET
    hint: str = ""


def message_parts(message: Message, width: int) -> Parts:
    """The message in one line; if room is short, hints are left out, the last one first.

    `BETWEEN` separates hints; help and footer show the keys that they name, too.
    """
    if not message.text:
        return []
    glyph, role = _GLYPHS[message.tone]
    room = width - 1 - len(glyph)
    hints = message.hint.split(BETWEEN) if message.hint else []
    while hints and cell_len(message.text) + 2 + len(BETWEEN.join(hints)) > room:
        hints.pop()
    parts: list[Part] = [(f" {glyph}{cut(message.text, room)}", role)]
    if hints:
        parts.append((f"  {BETWEEN.join(hints)}", "muted"))
    return parts


def noticed(left: Callable[[int], Parts], notice: Notice | None, width: int) -> Parts:
    """The text of the line (a function of its width), with a notice at its right."""
    if notice is None or apart(left, notice, width):
        return left(width)
    room = room_beside(left, notice, width)
    if not room:
        return notice_parts(notice, width)
    return spread(left(room), notice_parts(notice, width - room), width)


def apart(left: Callable[[int], Parts], notice: Notice | None, width: int) -> Parts:
    """The notice in the line of tabs; empty if it fits beside the message."""
    if notice is None or width >= BOTH_FROM or not left(width):
        return []
    return notice_parts(notice, width)


def room_beside(left: Callable[[int], Parts], notice: Notice | None, width: int) -> int:
    """The cells that a notice leaves for the text of the line; 0 if the line has no text."""
    if notice is None or apart(left, notice, width):
        return width
    taken = length(left(width))
    most = max(width // 2, width - taken - 1)
    return width - length(notice_parts(notice, most)) if taken else 0


def notice_parts(notice: Notice, width: int) -> Parts:
    """A notice in at most `width` cells; words are left out before the name is cut."""
    glyph, role = _GLYPHS[Tone.WARNING]
    more = f", and {notice.more} more" if notice.more else ""
    plus = f" +{notice.more}" if notice.more else ""
    way = " then ".join(notice.way.split())
    forms = [
        (f"New in {notice.band}: ", f"{more}.", f"  {way} goes there"),
        (f"New in {notice.band}: ", plus, f"  {way} goes there"),
        (f"{notice.band}: ", plus, f"  {way} goes there"),
        (f"{notice.band}: ", plus, f"  {way}"),
        ("", plus, f"  {notice.way}"),
    ]
    name = cell_len(notice.client)
    for before, behind, keys in forms:
        room = width - len(f" {glyph}{before}{behind}{keys} ")
        if room >= name:
            break
    text = f" {glyph}{before}{cut(notice.client, room)}{behind}"
    return [(text, role), (f"{keys} ", "muted")]
