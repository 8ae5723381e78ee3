"""The two lines at the bottom: what was done or is asked, and the keys that apply.

In:  the layers, the row under the cursor, the last message. The layer on top that has something to
say says it; without one, the message, the keys of the row and what undo would undo stand there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.geometry import Offset

from carequeue.screens.keys import Keys
from carequeue.screens.layers import Layer
from carequeue.screens.overlaid import Widgets
from carequeue.screens.undoing import Undoing
from carequeue.widgets.key_footer import BACK, footer_parts, marked_pairs, row_pairs
from carequeue.widgets.line import length
from carequeue.widgets.message_line import Message, message_parts
from carequeue.widgets.themes import Parts


class Bottom:
    """The message line and the footer."""

    def __init__(
        self, widgets: Widgets, layers: Sequence[Layer], keys: Keys, undoing: Undoing
    ) -> None:
        self._message, self._footer, self._rows = widgets.message, widgets.footer, widgets.rows
        self._layers, self._keys, self._undoing = layers, keys, undoing

    def draw(self, message: Message) -> None:
        """Show a message, or what a layer says instead; put the terminal's cursor there."""
        self._message.show(partial(self._said, message))
        self._footer.show(self._pairs)
        caret = self._caret(message)
        if caret is None:
            self._rows.park()
        else:
            self._message.app.cursor_position = Offset(caret, self._message.region.y)

    def _said(self, message: Message, width: int) -> Parts:
        for layer in reversed(self._layers):
            if (parts := layer.line(width)) is not None:
                return parts
        return message_parts(message, width)

    def _pairs(self, width: int) -> Parts:
        for layer in reversed(self._layers):
            if (pairs := layer.pairs(width)) is not None:
                self._undoing.covered()
                return footer_parts(pairs, width)
        undo = self._undoing.words(width)
        if self._rows.marks:
            return footer_parts(marked_pairs(width, self._keys.of, undo), width)
        row = self._rows.row
        verbs, kind = (row.verbs, row.kind) if row else ("", "")
        also = (BACK,) if self._layers else ()
        return footer_parts(row_pairs(verbs, kind, width, self._keys.of, also, undo), width)

    def _caret(self, message: Message) -> int | None:
        """The column of the caret, where one is: input methods and magnifiers look for it."""
        if not self._layers:
            return None
        parts = list(self._said(message, self._message.size.width or 80))
        before = [n for n, (text, _) in enumerate(parts) if text == "▏"]
        return length(parts[: before[0]]) if before else None
