"""The two lines at the bottom: the message or question, and the keys that apply.

In:  the overlays, the row under the cursor, the current message. The topmost overlay that has
text shows it; otherwise the lines show the message, the keys of the row and the next act to undo.
A new item in Now or Safety is named beside either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.geometry import Offset

from carequeue.screens.key_map import KeyMap
from carequeue.screens.overlay import Overlay
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.undo_prompt import UndoPrompt
from carequeue.widgets.key_footer import BACK, Pair, footer_parts, key_name, marked_pairs, row_pairs
from carequeue.widgets.message_line import (
    Message,
    Notice,
    apart,
    message_parts,
    noticed,
    room_beside,
)
from carequeue.widgets.text_width import length
from carequeue.widgets.themes import Parts


class StatusBar:
    """The message line and the footer."""

    def __init__(
        self,
        widgets: Widgets,
        overlays: Sequence[Overlay],
        keys: KeyMap,
        undo_prompt: UndoPrompt,
    ) -> None:
        self._message, self._footer, self._rows = widgets.message, widgets.footer, widgets.rows
        self._overlays, self._keys, self._undo_prompt = overlays, keys, undo_prompt
        self.over_tabs: Callable[[int], Parts] = lambda width: []

    def draw(self, message: Message, notice: Notice | None = None) -> None:
        """Show a message or an overlay's text, and put the terminal's cursor there."""
        text = partial(self._text, message)
        line = partial(noticed, text, notice)
        self.over_tabs = partial(apart, text, notice)
        self._message.show(line)
        go = [(key_name(self._keys.of["urgent"]), "go there")] if notice else []
        self._footer.show(partial(self._pairs, partial(room_beside, text, notice), go))
        caret = self._caret(line)
        if caret is None:
            self._rows.park()
        else:
            self._message.app.cursor_position = Offset(caret, self._message.region.y)

    def _text(self, message: Message, width: int) -> Parts:
        for overlay in reversed(self._overlays):
            if (parts := overlay.line(width)) is not None:
                return parts
        return message_parts(message, width)

    def _pairs(self, room: Callable[[int], int], go: Sequence[Pair], width: int) -> Parts:
        """The keys. An overlay gets the `room` of its line, because a form divides its choices
        between that line and the footer.
        """
        for overlay in reversed(self._overlays):
            if (pairs := overlay.pairs(room(width) or width)) is not None:
                self._undo_prompt.covered()
                return footer_parts(pairs if overlay.owns_keys else [*go, *pairs], width)
        undo = self._undo_prompt.words(width)
        if self._rows.selected:
            return footer_parts(marked_pairs(width, self._keys.of, go, undo), width)
        row = self._rows.row
        verbs, kind = (row.verbs, row.kind) if row else ("", "")
        also = [*go, *([BACK] if self._overlays else [])]
        return footer_parts(row_pairs(verbs, kind, width, self._keys.of, also, undo), width)

    def _caret(self, line: Callable[[int], Parts]) -> int | None:
        """The column of the caret, if there is one: input methods and magnifiers look for it."""
        if not self._overlays:
            return None
        parts = list(line(self._message.size.width or 80))
        before = [index for index, (text, _) in enumerate(parts) if text == "▏"]
        return length(parts[: before[0]]) if before else None
