"""The way to what needs the person: from the queue, from a row, from the outbox, and back.

In:  the front. Out: the conflict or the outbox laid over the list, with the cursor on the item, so
that whatever is done next is done to the one that is named. This view is looked through first;
what is not in it is found in the whole queue.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion
from carequeue.screens.conflict_overlay import ConflictLayer
from carequeue.screens.outbox_overlay import NEEDS, OutboxLayer
from carequeue.store.queue_window import QueueRow, View
from carequeue.widgets.conflict_pane import NO_CLIENT
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.outbox_pane import state_of
from carequeue.widgets.queue_pages import PAGE

if TYPE_CHECKING:
    from datetime import tzinfo

    from carequeue.screens.controller import Front
    from carequeue.worklist.results import Acted, Conflict, OutboxLine

#: A part of a view: what narrows it, the first row and the one behind the last.
_Page = tuple[View, str, int, int]


def _pages(view: View, narrow: str, start: int, end: int) -> list[_Page]:
    return [(view, narrow, n, min(n + PAGE, end)) for n in range(start, end, PAGE)]


class Needs:
    """Conflicts and refusals over one front."""

    def __init__(self, front: Front, zone: tzinfo) -> None:
        self._front, self._zone = front, zone
        self._rows = front.widgets.rows

    # --- the next one

    def first(self) -> None:
        """The next item that needs the person, beginning with this one."""
        self._from(self._rows.index, "")

    def following(self, key: str) -> None:
        """The next one after an item."""
        self._from(self._rows.index + 1, key)

    def _from(self, start: int, after: str) -> None:
        front = self._front
        if not front.data.health.needs_you:
            words = "Nothing needs you: the server refused nothing, nothing differs."
            front.say(Message(words, hint="o shows what waits"))
            return
        view, narrow = front.data.looking[:2]
        total = self._rows.pages.rows
        whole = sum(front.desk.tally(View.WHOLE, "").bands.values())
        pages = _pages(view, narrow, start, total) + _pages(view, narrow, 0, min(start, total))
        if (view, narrow) != (View.WHOLE, ""):
            pages += _pages(View.WHOLE, "", 0, whole)
        self._search((view, narrow), after, pages)

    def _search(self, begun: tuple[View, str], after: str, pages: list[_Page]) -> None:
        """Look through one page; the next one comes after the keys that have come meanwhile.

        A person who looks at something else since it was `begun` has gone on: it ends.
        """
        front = self._front
        if front.data.looking[:2] != begun or front.layers:
            return
        if not pages:
            words = "What needs you has no row in the queue."
            front.say(Message(words, Tone.REFUSED, "o shows all that is not sent"))
            return
        (view, narrow, start, end), *rest = pages
        for place, row in enumerate(front.desk.window(view, narrow, start, end - start), start):
            if row.sync in NEEDS:
                if (view, narrow) == begun:
                    self._rows.go(place)
                else:
                    front.data.find(row.key)
                self._found(row, after)
                return
        self._rows.call_later(self._search, begun, after, rest)

    def _found(self, row: QueueRow, after: str) -> None:
        if row.key == after:
            self._front.say(Message(f"Nothing but {row.client} needs you.", hint="x opens it"))
        elif row.sync == "conflict":
            self.open_conflict(row.key, row.client)
        else:
            self.open_outbox(row.key)

    # --- what is laid over the list

    def open_outbox(self, item: str = "") -> None:
        """The outbox, on the line of an item where it has one."""
        front = self._front
        layer = OutboxLayer(front, self._zone, self._go, front.shell.keep, item=item)
        front.push(layer)
        layer.reshow()
        layer.changed()

    def _go(self, line: OutboxLine) -> None:
        """From a line of the outbox to its conflict, or to its item in the queue."""
        front = self._front
        if not front.go_to(line.item_key):
            words = f"{line.client} has no row in the queue any more."
            front.say(Message(words, Tone.REFUSED))
        elif state_of(line) == "conflict":
            self.open_conflict(line.item_key, line.client)
        else:
            front.pop(front.layers[0])
            front.say(Message(f"{line.client}: {line.did}.", hint="o goes back to the outbox"))

    def open_conflict(self, key: str, client: str) -> None:
        """Both versions of an item; the cursor stands on it already."""
        front = self._front

        def following() -> None:
            self._next_over(key)

        layer = ConflictLayer(
            front, client, self._zone, lambda *said: self._answer(layer, *said), following
        )
        front.push(layer)
        layer.reshow()
        self._read(layer, key, client)

    def _next_over(self, key: str) -> None:
        """The next one; from the outbox its next line."""
        layers = self._front.layers
        if layers:
            layers[-1].press("n", "n")
        else:
            self.following(key)

    def _read(self, layer: ConflictLayer, key: str, client: str) -> None:
        front = self._front
        now = front.now()
        then = partial(self._show, layer, key, client)
        front.look(lambda: front.desk.conflict(key, now), then)

    def _show(self, layer: ConflictLayer, key: str, client: str, shown: Conflict | None) -> None:
        front = self._front
        if layer not in front.layers:
            return  # it was left before it had been read
        if shown is None:
            front.pop(layer)
            front.say(Message(f"{client}: nothing differs any more."))
            front.reload(key)
        else:
            layer.show(shown)

    # --- answers

    def _answer(self, layer: ConflictLayer, shown: Conflict, how: str, anew: bool) -> None:
        front = self._front
        now = front.now()

        def work() -> Acted | BadQuestion:
            try:
                return front.desk.answer(shown, how, now)
            except BadQuestion as error:
                return error

        front.act(work, partial(self._answered, layer, shown, anew))

    def _answered(
        self, layer: ConflictLayer, shown: Conflict, anew: bool, came: Acted | BadQuestion
    ) -> None:
        """What the answer came to; what has changed meanwhile is shown as it is now."""
        front = self._front
        if isinstance(came, BadQuestion):
            layer.refused(str(came))
            self._read(layer, shown.item_key, shown.client)
            return
        if anew and front.layers:
            front.pop(front.layers[0])
        elif layer in front.layers:
            front.pop(layer)
        if anew and came.changed:
            self._decide_anew(shown)
            return
        front.reload(shown.item_key)
        if came.changed:
            more = front.data.health.needs_you > 1
            front.say(Message(came.message, Tone.DONE, "x goes to the next" if more else ""))
        else:
            front.say(Message(came.message, Tone.REFUSED))
        for below in front.layers:
            below.changed()

    def _decide_anew(self, shown: Conflict) -> None:
        """The cursor goes to the item wherever theirs has put it: the next key is meant for it."""
        there = self._front.go_to(shown.item_key)
        if shown.gone == "other_client":
            words = f"Not sent: {shown.did}, {shown.client}."
            words += f" The item now names {shown.other_client or NO_CLIENT}." if there else ""
            self._front.say(Message(words))
            return
        if there:
            words, hint = f"{shown.client}: theirs holds.", "decide anew: any of its keys"
        else:
            words = f"{shown.client}: theirs holds, and with it the item has left the queue."
            hint = ""
        self._front.say(Message(words, Tone.DONE, hint))
