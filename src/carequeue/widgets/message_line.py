"""What the last line but one says: what was just done, to whom, and how it is taken back.

Pure: a message in, parts out. A question stands in the same line (`form.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len

from carequeue.widgets.line import cut
from carequeue.widgets.themes import Part, Parts

#: Between two hints of one message.
BETWEEN: Final = "   "


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


class Message(NamedTuple):
    """A sentence, how it is meant, and what can be done about it (`u takes it back`)."""

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
