"""The two lines at the bottom: what was done or is asked, and the keys that apply.

In:  the layers, the row under the cursor, the last message. The layer on top that has something to
say says it; without one, the message, the keys of the row and what undo would undo stand there.
A new item in Now or Safety is named beside either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.geometry import Offset

from carequeue.screens.key_map import Keys
from carequeue.screens.overlay import Layer
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.undo_prompt import Undoing
from carequeue.widgets.key_footer import BACK, Pair, footer_parts, key_name, marked_pairs, row_pairs
from carequeue.widgets.line import length
from carequeue.widgets.message_line import (
    Message,
    Notice,
    apart,
    message_parts,
    noticed,
    room_beside,
)
from carequeue.widgets.themes import Parts


class Bottom:
    """The message line and the footer."""

    def __init__(
        self, widgets: Widgets, layers: Sequence[Layer], keys: Keys, undoing: Undoing
    ) -> None:
        self._message, self._footer, self._rows = widgets.message, widgets.footer, widgets.rows
        self._layers, self._keys, self._undoing = layers, keys, undoing
        self.over_views: Callable[[int], Parts] = lambda width: []

    def draw(self, message: Message, notice: Notice | None = None) -> None:
        """Show a message, or what a layer says instead; put the terminal's cursor there."""
        words = partial(self._said, message)
        said = partial(noticed, words, notice)
        self.over_views = partial(apart, words, notice)
        self._message.show(said)
        go = [(key_name(self._keys.of["urgent"]), "go there")] if notice else []
        self._footer.show(partial(self._pairs, partial(room_beside, words, notice), go))
        caret = self._caret(said)
        if caret is None:
            self._rows.park()
        else:
            self._message.app.cursor_position = Offset(caret, self._message.region.y)

    def _said(self, message: Message, width: int) -> Parts:
        for layer in reversed(self._layers):
            if (parts := layer.line(width)) is not None:
                return parts
        return message_parts(message, width)

    def _pairs(self, room: Callable[[int], int], go: Sequence[Pair], width: int) -> Parts:
        """The keys; a layer is asked with the `room` of its line: a form shares its choices out."""
        for layer in reversed(self._layers):
            if (pairs := layer.pairs(room(width) or width)) is not None:
                self._undoing.covered()
                return footer_parts(pairs if layer.owns_keys else [*go, *pairs], width)
        undo = self._undoing.words(width)
        if self._rows.marks:
            return footer_parts(marked_pairs(width, self._keys.of, go, undo), width)
        row = self._rows.row
        verbs, kind = (row.verbs, row.kind) if row else ("", "")
        also = [*go, *([BACK] if self._layers else [])]
        return footer_parts(row_pairs(verbs, kind, width, self._keys.of, also, undo), width)

    def _caret(self, said: Callable[[int], Parts]) -> int | None:
        """The column of the caret, where one is: input methods and magnifiers look for it."""
        if not self._layers:
            return None
        parts = list(said(self._message.size.width or 80))
        before = [n for n, (text, _) in enumerate(parts) if text == "▏"]
        return length(parts[: before[0]]) if before else None
