"""A line that the person is typing: the text, the caret, and the keys that change them.

A text that stood there before may be selected as a whole: typing replaces it, an arrow keeps it. A
line that takes a text of several lines shows each line break as a sign.
No widget: the message line draws it, and it never gets the focus.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from rich.cells import cell_len

from carequeue.widgets.themes import Part

#: Longer than any line that a person types; a paste is cut here.
LONGEST: Final = 2_000
#: The same for a text of several lines, which the cache takes whole.
LONGEST_TEXT: Final = 4_000
#: Drawn where a text has a line break.
BREAK: Final = "⏎"
_ERASES: Final = ("backspace", "ctrl+h", "delete", "ctrl+w", "ctrl+u")
_JOINERS: Final = "\u200c\u200d"


class EditLine:
    """One line of text with a caret; `lines` says whether it keeps the line breaks of a paste."""

    def __init__(self, text: str = "", *, lines: bool = False) -> None:
        self.text = text
        self.at = len(text)
        self.longest = LONGEST_TEXT if lines else LONGEST
        self.selected = False  # the whole text
        self._lines = lines

    @property
    def is_full(self) -> bool:
        """Whether no further character has room."""
        return len(self.text) >= self.longest

    def select(self) -> None:
        """Select the whole text, if there is any."""
        self.selected, self.at = bool(self.text), len(self.text)

    def press(self, key: str, character: str | None) -> bool:
        """Take one key; whether the line used it."""
        if character is not None and character.isprintable() and len(character) == 1:
            self.insert(character)
            return True
        if self.selected and key in _ERASES:
            self._cut(0, len(self.text))
            return True
        used = self._edit(key)
        self.selected = self.selected and not used
        return used

    def _edit(self, key: str) -> bool:
        match key:
            case "backspace" | "ctrl+h":
                self._cut(self._before(self.at), self.at)
            case "delete":
                self._cut(self.at, self._after(self.at))
            case "ctrl+w":
                self._cut(self.text[: self.at].rstrip().rfind(" ") + 1, self.at)
            case "ctrl+u":
                self._cut(0, self.at)
            case "left":
                self.at = self._before(self.at)
            case "right":
                self.at = self._after(self.at)
            case "home" | "ctrl+a":
                self.at = 0
            case "end" | "ctrl+e":
                self.at = len(self.text)
            case _:
                return False
        return True

    def insert(self, text: str) -> int:
        """Insert a text at the caret, or in the place of the selected text; how much had no room.

        Of several lines only the first, unless this line keeps them. Characters that cannot be
        shown become blanks.
        """
        if self.selected:
            self._cut(0, len(self.text))
        lines = text.strip("\r\n").splitlines()
        shown = "\n".join(map(_printable, lines if self._lines else lines[:1]))
        room = self.longest - len(self.text)
        self.text = self.text[: self.at] + shown[:room] + self.text[self.at :]
        self.at += len(shown[:room])
        return max(0, len(shown) - room)

    def _cut(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.at, self.selected = start, False

    def _before(self, at: int) -> int:
        """The position before the letter left of `at` and its combining marks."""
        at = max(0, at - 1)
        while at > 0 and unicodedata.combining(self.text[at]):
            at -= 1
        return at

    def _after(self, at: int) -> int:
        at = min(len(self.text), at + 1)
        while at < len(self.text) and unicodedata.combining(self.text[at]):
            at += 1
        return at

    def parts(self, width: int) -> list[Part]:
        """The typed text in at most `width` cells, with the caret in sight."""
        role = "selected" if self.selected else "typed"
        before, after = _shown(self.text[: self.at]), _shown(self.text[self.at :])
        if cell_len(before) >= width:
            before = f"…{_last_cells(before, width - 2)}"
        room = max(0, width - cell_len(before) - 1)
        return [(before, role), ("▏", "key"), (_first_cells(after, room), role)]


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() or c in _JOINERS else " " for c in line)


def _shown(text: str) -> str:
    return text.replace("\n", BREAK)


def _first_cells(text: str, room: int) -> str:
    """The beginning of a text in at most `room` cells; a letter takes one cell or two, or none."""
    text = text[: 2 * room]
    while text and cell_len(text) > room:
        text = text[:-1]
    return text


def _last_cells(text: str, room: int) -> str:
    """The end of a text in at most `room` cells."""
    text = text[-2 * room :] if room > 0 else ""
    while text and cell_len(text) > room:
        text = text[1:]
    return text
