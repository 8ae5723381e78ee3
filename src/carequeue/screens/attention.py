"""How a person gets to the items that need them: from the queue, a row or the outbox, and back.

In:  the queue on the screen. Out: a conflict or the outbox over the list, with the cursor on the
item, so that the next key acts on the item that is named. The search begins in the current tab and
goes on in the whole queue.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion
from carequeue.screens.conflict_overlay import ConflictOverlay
from carequeue.screens.outbox_overlay import NEEDS_YOU, OutboxOverlay
from carequeue.screens.screen_context import ScreenContext
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.widgets.conflict_pane import NO_CLIENT
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.outbox_pane import state_of
from carequeue.widgets.queue_pages import PAGE

if TYPE_CHECKING:
    from carequeue.worklist.results import Acted, Conflict, OutboxLine

#: A part of a tab: its filter, the first row and the end (exclusive).
_Page = tuple[Tab, str, int, int]


def _pages(tab: Tab, filter_text: str, start: int, end: int) -> list[_Page]:
    return [(tab, filter_text, first, min(first + PAGE, end)) for first in range(start, end, PAGE)]


class Attention:
    """The ways to conflicts and refused changes in one queue."""

    def __init__(self, context: ScreenContext) -> None:
        self._context = context
        self._rows = context.widgets.rows

    # --- the next item

    def go_to_first(self) -> None:
        """Go to the next item that needs the person, beginning with the current item."""
        self._search_from(self._rows.index, "")

    def go_to_next(self, key: str) -> None:
        """Go to the next item that needs the person, after the item `key`."""
        self._search_from(self._rows.index + 1, key)

    def _search_from(self, start: int, after: str) -> None:
        context = self._context
        if not context.data.health.needs_you:
            text = "Nothing needs you: the server refused nothing, and there is no conflict."
            context.say(Message(text, hint="o shows what is waiting"))
            return
        tab, filter_text = context.data.view_state[:2]
        total = self._rows.pages.rows
        whole = sum(context.desk.tally(Tab.WHOLE, "").bands.values())
        pages = _pages(tab, filter_text, start, total)
        pages += _pages(tab, filter_text, 0, min(start, total))
        if (tab, filter_text) != (Tab.WHOLE, ""):
            pages += _pages(Tab.WHOLE, "", 0, whole)
        self._search((tab, filter_text), after, pages)

    def _search(self, begun_in: tuple[Tab, str], after: str, pages: list[_Page]) -> None:
        """Search one page; keys that were pressed meanwhile come before the next page.

        The search ends if the person has gone to another tab or opened an overlay since then.
        """
        context = self._context
        if context.data.view_state[:2] != begun_in or context.overlays:
            return
        if not pages:
            text = "The item that needs you is no longer in the queue."
            context.say(Message(text, Tone.REFUSED, "o shows what is not sent"))
            return
        (tab, filter_text, start, end), *rest = pages
        rows = context.desk.window(tab, filter_text, start, end - start)
        for index, row in enumerate(rows, start):
            if row.sync in NEEDS_YOU:
                if (tab, filter_text) == begun_in:
                    self._rows.go(index)
                else:
                    context.data.show_in_whole_queue(row.key)
                self._open(row, after)
                return
        self._rows.call_later(self._search, begun_in, after, rest)

    def _open(self, row: QueueRow, after: str) -> None:
        if row.key == after:
            text = f"{row.client} is the only item that needs you."
            self._context.say(Message(text, hint="x opens it"))
        elif row.sync == "conflict":
            self.open_conflict(row.key, row.client)
        else:
            self.open_outbox(row.key)

    # --- overlays

    def open_outbox(self, item: str = "") -> None:
        """Open the outbox, on the line of an item if the item has one."""
        context = self._context
        overlay = OutboxOverlay(context, self._go_to_line, item)
        context.push(overlay)
        overlay.cache_changed()

    def _go_to_line(self, line: OutboxLine) -> None:
        """Go from a line of the outbox to its conflict, or to its item in the queue."""
        context = self._context
        if not context.go_to(line.item_key):
            text = f"{line.client} is no longer in the queue."
            context.say(Message(text, Tone.REFUSED))
        elif state_of(line) == "conflict":
            self.open_conflict(line.item_key, line.client)
        else:
            context.pop(context.overlays[0])
            context.say(Message(f"{line.client}: {line.did}.", hint="o goes back to the outbox"))

    def open_conflict(self, key: str, client: str) -> None:
        """Show both versions of the item under the cursor."""
        context = self._context

        def resolve(shown: Conflict, version: str, decide_again: bool) -> None:
            self._resolve(overlay, shown, version, decide_again)

        overlay = ConflictOverlay(context, client, resolve, partial(self._next_over, key))
        context.push(overlay)
        self._read(overlay, key, client)

    def _next_over(self, key: str) -> None:
        """Go to the next item that needs the person; from the outbox, to its next line."""
        overlays = self._context.overlays
        if overlays:
            overlays[-1].press("n", "n")
        else:
            self.go_to_next(key)

    def _read(self, overlay: ConflictOverlay, key: str, client: str) -> None:
        context = self._context
        now = context.now()
        then = partial(self._show, overlay, key, client)
        context.submit_read(lambda: context.desk.outbox.conflict(key, now), then)

    def _show(
        self, overlay: ConflictOverlay, key: str, client: str, conflict: Conflict | None
    ) -> None:
        context = self._context
        if overlay not in context.overlays:
            return  # the person closed it before the conflict had been read
        if conflict is None:
            context.pop(overlay)
            context.say(Message(f"{client}: there is no conflict any more."))
            context.data.load(key)
        else:
            overlay.show(conflict)

    # --- resolutions

    def _resolve(
        self, overlay: ConflictOverlay, shown: Conflict, version: str, decide_again: bool
    ) -> None:
        context = self._context
        now = context.now()

        def work() -> Acted | BadQuestion:
            try:
                return context.desk.outbox.resolve(shown, version, now)
            except BadQuestion as error:
                return error

        context.submit_act(work, partial(self._resolved, overlay, shown, decide_again))

    def _resolved(
        self,
        overlay: ConflictOverlay,
        shown: Conflict,
        decide_again: bool,
        result: Acted | BadQuestion,
    ) -> None:
        """Say what the resolution did; a conflict that has changed is shown as it is now."""
        context = self._context
        if isinstance(result, BadQuestion):
            overlay.refused(str(result))
            self._read(overlay, shown.item_key, shown.client)
            return
        if decide_again and context.overlays:
            context.pop(context.overlays[0])
        elif overlay in context.overlays:
            context.pop(overlay)
        if decide_again and result.changed:
            self._decide_again(shown)
            return
        context.data.load(shown.item_key)
        if result.changed:
            more = context.data.health.needs_you > 1
            hint = "x goes to the next item" if more else ""
            context.say(Message(result.message, Tone.DONE, hint))
        else:
            context.say(Message(result.message, Tone.REFUSED))
        for below in context.overlays:
            below.cache_changed()

    def _decide_again(self, shown: Conflict) -> None:
        """Go to the item wherever it is ranked now: the next key is meant for it."""
        in_queue = self._context.go_to(shown.item_key)
        if shown.gone == "other_client":
            text = f"Not sent: {shown.did}, {shown.client}."
            text += f" The item now names {shown.other_client or NO_CLIENT}." if in_queue else ""
            self._context.say(Message(text))
            return
        if in_queue:
            text, hint = f"{shown.client}: kept theirs.", "decide again with any of its keys"
        else:
            text = f"{shown.client}: kept theirs. The item is now closed and has left the queue."
            hint = ""
        self._context.say(Message(text, Tone.DONE, hint))
