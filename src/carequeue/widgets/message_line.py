"""What the last line but one says: what was just done, to whom, and how it is taken back.

Pure: a message in, parts out. A question stands in the same line (`form.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from carequeue.widgets.line import cut
from carequeue.widgets.themes import Part, Parts


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
    """The message in one line; the hint stays whole, the sentence is cut before it."""
    if not message.text:
        return []
    glyph, role = _LOOK[message.tone]
    room = width - 2 - len(glyph) - (len(message.hint) + 2 if message.hint else 0)
    parts: list[Part] = [(f" {glyph}{cut(message.text, max(8, room))}", role)]
    if message.hint:
        parts.append((f"  {message.hint}", "muted"))
    return parts
