"""What the last line but one says: what was just done, to whom, and how it is taken back.

Pure: a message in, parts out. A question stands in the same line (`question_prompt.py`). A new
item in Now or Safety is named at the right of either, in half of the line at most. Where that
leaves too little, it stands in the line of the views instead (`apart`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len

from carequeue.widgets.line import cut, length, spread
from carequeue.widgets.themes import Part, Parts

#: Between two hints of one message.
BETWEEN: Final = "   "
#: In a narrower line a question and a notice would both be cut beyond use.
BOTH_FROM: Final = 60


class Tone(StrEnum):
    """How a message is meant; each tone has a glyph beside its hue."""

    DONE = "done"
    QUIET = "quiet"
    REFUSED = "refused"
    WARNING = "warning"


_LOOK = {
    Tone.DONE: ("✓ ", "done"),
    Tone.QUIET: ("", "muted"),
    Tone.REFUSED: ("· ", "soon"),
    Tone.WARNING: ("! ", "over"),
}


class Notice(NamedTuple):
    """A new item in Now or Safety, beside whatever else the line says, until one has gone there.

    `more`: how many others are new. `way`: the keys that go there, `esc !` or `!`.
    """

    client: str
    band: str
    more: int
    way: str


class Message(NamedTuple):
    """A sentence, how it is meant, and what can be done about it (`u undoes it`)."""

    text: str = ""
    tone: Tone = Tone.QUIET
    hint: str = ""


def message_parts(message: Message, width: int) -> Parts:
    """The message in one line; where room is short, hints give way to the sentence, last first.

    Hints are parted by `BETWEEN`; what they name is a key that help and footer show as well.
    """
    if not message.text:
        return []
    glyph, role = _LOOK[message.tone]
    room = width - 1 - len(glyph)
    hints = message.hint.split(BETWEEN) if message.hint else []
    while hints and cell_len(message.text) + 2 + len(BETWEEN.join(hints)) > room:
        hints.pop()
    parts: list[Part] = [(f" {glyph}{cut(message.text, room)}", role)]
    if hints:
        parts.append((f"  {BETWEEN.join(hints)}", "muted"))
    return parts


def noticed(left: Callable[[int], Parts], notice: Notice | None, width: int) -> Parts:
    """What the line says (a function of its width), and a notice to the right of it."""
    if notice is None or apart(left, notice, width):
        return left(width)
    room = room_beside(left, notice, width)
    if not room:
        return notice_parts(notice, width)
    return spread(left(room), notice_parts(notice, width - room), width)


def apart(left: Callable[[int], Parts], notice: Notice | None, width: int) -> Parts:
    """The notice as it stands in the line of the views; nothing where it needs no line there."""
    if notice is None or width >= BOTH_FROM or not left(width):
        return []
    return notice_parts(notice, width)


def room_beside(left: Callable[[int], Parts], notice: Notice | None, width: int) -> int:
    """The cells that a notice leaves for what the line says; 0 where it says nothing."""
    if notice is None or apart(left, notice, width):
        return width
    taken = length(left(width))
    most = max(width // 2, width - taken - 1)
    return width - length(notice_parts(notice, most)) if taken else 0


def notice_parts(notice: Notice, width: int) -> Parts:
    """A notice in at most `width` cells; words give way before a letter of the name does."""
    glyph, role = _LOOK[Tone.WARNING]
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
    words = f" {glyph}{before}{cut(notice.client, room)}{behind}"
    return [(words, role), (f"{keys} ", "muted")]
