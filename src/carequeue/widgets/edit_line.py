"""A line that the person is typing: the text, the caret, and the keys that change them.

No widget: the message line draws it, and it never gets the focus.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from rich.cells import cell_len

from carequeue.widgets.themes import Part

#: Longer than any line that a person types; a paste is cut here.
LONGEST: Final = 2_000


class EditLine:
    """One line of text with a caret."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.at = len(text)

    def press(self, key: str, character: str | None) -> bool:
        """Take one key; whether the line used it."""
        if character is not None and character.isprintable() and len(character) == 1:
            self.insert(character)
            return True
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

    def insert(self, text: str) -> None:
        """Insert the first line of a text at the caret, without characters that cannot be shown."""
        first = next(iter(text.strip("\r\n").splitlines()), "")
        shown = "".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in first)
        shown = shown[: LONGEST - len(self.text)]
        self.text = self.text[: self.at] + shown + self.text[self.at :]
        self.at += len(shown)

    def _cut(self, start: int, end: int) -> None:
        self.text = self.text[:start] + self.text[end:]
        self.at = start

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
        before, after = self.text[: self.at], self.text[self.at :]
        if cell_len(before) >= width:
            while before and cell_len(before) >= width - 1:
                before = before[1:]
            before = f"…{before}"
        room = max(0, width - cell_len(before) - 1)
        while after and cell_len(after) > room:
            after = after[:-1]
        return [(before, "typed"), ("▏", "key"), (after, "typed")]
