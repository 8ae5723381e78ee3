"""The keys that move, mark or show, and change nothing: one method a motion of the table.

A test holds the names of the methods equal to the table of motions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.screens.marks import items
from carequeue.screens.narrowing import NarrowLayer
from carequeue.store.window import QueueRow, View
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.queue_pages import PAGE
from carequeue.worklist.verbs import Motion

if TYPE_CHECKING:
    from carequeue.screens.front import Front

#: What a row that needs the person says, and what letting go of one's own act would mean there.
_NEEDS = {
    "conflict": ("changed meanwhile.", "take theirs"),
    "needs_you": ("was refused.", "drop it"),
}


#: A part of a view: what narrows it, the first row and the one behind the last.
_Page = tuple[View, str, int, int]


def _pages(view: View, narrow: str, start: int, end: int) -> list[_Page]:
    return [(view, narrow, n, min(n + PAGE, end)) for n in range(start, end, PAGE)]


class Motions:
    """The motions over one front."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._rows = front.widgets.rows

    def do(self, motion: Motion) -> None:
        """Do one motion of the table."""
        getattr(self, motion.name)()

    # --- the cursor

    def down(self) -> None:
        """The next item."""
        self._rows.move(1)

    def up(self) -> None:
        """The previous item."""
        self._rows.move(-1)

    def top(self) -> None:
        """The first item."""
        self._rows.go(0)

    def bottom(self) -> None:
        """The last item."""
        self._rows.go(self._rows.pages.rows - 1)

    def page_down(self) -> None:
        """A screen down."""
        self._rows.page(1)

    def page_up(self) -> None:
        """A screen up."""
        self._rows.page(-1)

    def next_band(self) -> None:
        """The first item of the next band."""
        self._rows.band(1)

    def previous_band(self) -> None:
        """The first item of this band, then of the one before."""
        self._rows.band(-1)

    # --- marks

    def mark(self) -> None:
        """Mark the item, and go to the next."""
        row = self._front.target()
        if row is not None:
            self._front.marks.toggle(row.key, row.client)
            self._rows.move(1)
            self._marked()

    def mark_all(self) -> None:
        """Mark all that the view lists."""
        view, narrow, _ = self._front.data.looking
        self._front.marks.add(self._front.desk.keys_of(view, narrow))
        for _, row in self._rows.pages.loaded():
            if row.key in self._front.marks.labels:
                self._front.marks.labels[row.key] = row.client
        self._marked()

    def unmark(self) -> None:
        """Take all marks away."""
        self._front.marks.clear()
        self._marked()

    def _marked(self) -> None:
        count = len(self._front.marks.labels)
        self._front.data.marked(count)
        if count:
            words = f"{items(count)} marked: the keys now act on what is marked."
            self._front.say(Message(words, hint="\\ unmarks"))
        else:
            self._front.say(Message("No marks."))

    # --- views

    def view_mine(self) -> None:
        """My moves."""
        self._front.data.look_at(View.MINE)

    def view_team(self) -> None:
        """The team's."""
        self._front.data.look_at(View.TEAM)

    def view_waiting(self) -> None:
        """What waits on others."""
        self._front.data.look_at(View.WAITING)

    def view_all(self) -> None:
        """All."""
        self._front.data.look_at(View.ALL)

    def view_whole(self) -> None:
        """All, and what sleeps."""
        self._front.data.look_at(View.WHOLE)

    def narrow(self) -> None:
        """Narrow the list while one types."""
        front = self._front
        layer = NarrowLayer(
            front,
            front.data.looking.narrow,
            front.data.narrow,
            lambda: sum(front.data.tally.bands.values()),
        )
        front.push(layer)

    def needs_you(self) -> None:
        """Go to the next item that differs or was refused, say so and ask what becomes of it.

        This view is looked through first; what is not in it is found in the whole queue.
        """
        front = self._front
        if not front.data.health.needs_you:
            words = "Nothing needs you: the server refused nothing, nothing differs."
            front.say(Message(words))
            return
        view, narrow, _ = front.data.looking
        here, total = self._rows.index + 1, self._rows.pages.rows
        whole = sum(front.desk.tally(View.WHOLE, "").bands.values())
        pages = _pages(view, narrow, here, total) + _pages(view, narrow, 0, min(here, total))
        if (view, narrow) != (View.WHOLE, ""):
            pages += _pages(View.WHOLE, "", 0, whole)
        self._search((view, narrow), pages)

    def _search(self, begun: tuple[View, str], pages: list[_Page]) -> None:
        """Look through one page; the next one comes after the keys that have come meanwhile.

        A person who looks at something else since it was `begun` has gone on: it ends.
        """
        front = self._front
        if front.data.looking[:2] != begun:
            return
        if not pages:
            words = "What needs you has no row in the queue: carequeue doctor tells more."
            front.say(Message(words, Tone.REFUSED))
            return
        (view, narrow, start, end), *rest = pages
        for place, row in enumerate(front.desk.window(view, narrow, start, end - start), start):
            if row.sync in _NEEDS:
                if (view, narrow) == begun:
                    self._rows.go(place)
                else:
                    front.data.find(row.key)
                self._ask_about(row)
                return
        self._rows.call_later(self._search, begun, rest)

    def _ask_about(self, row: QueueRow) -> None:
        """What becomes of an act that the server did not take; to leave it so is an answer too."""
        from carequeue.screens.asking import ConfirmLayer, Option

        front = self._front
        why, drop = _NEEDS[row.sync]
        options = (
            Option("y", drop, lambda: front.acting.let_go(row.key)),
            Option("p", "show", front.open_detail, stays=True),
            Option("n", "next", self.needs_you),
            Option("esc", "later", lambda: None),
        )
        front.push(ConfirmLayer(front, f"{row.client}: {why}", options))

    # --- what is shown

    def open(self) -> None:
        """The detail in the place of the list."""
        self._front.open_detail()

    def why(self) -> None:
        """All about why it stands where it stands; opened first where it is not in sight."""
        front = self._front
        if not front.widgets.pane.display and not front.layers:
            front.detail.why = True
            front.open_detail()
        else:
            front.detail.unfold()

    def palette(self) -> None:
        """All actions."""
        self._actions("Do what?", everything=True)

    def keys(self) -> None:
        """The keys that apply here."""
        self._actions("Keys; type to find one:", everything=False)

    def _actions(self, title: str, *, everything: bool) -> None:
        from carequeue.screens.palette import PaletteLayer, entries

        front = self._front
        row = front.target()
        applies = row.verbs.split() if row else ()
        found = entries(front.keys, row.kind if row else "", applies)
        if not everything:
            found = [entry for entry in found if not entry.off]
        layer = PaletteLayer(front, found, title)
        front.push(layer)
        layer.show()
        if row is not None and everything:
            key = row.key
            front.look(lambda: front.desk.reasons(key), layer.explain)

    def results(self) -> None:
        """What the last act on many did, item by item."""
        if self._front.acting.results is None:
            self._front.say(Message("Nothing was done to many items yet. space marks one."))
        else:
            self._front.read(self._front.acting.results)

    def blank(self) -> None:
        """Blank the screen until the next key."""
        self._front.shell.veil("Blanked. Any key shows the queue again.")

    def suspend(self) -> None:
        """Back to the shell for a while."""
        self._rows.app.action_suspend_process()

    # --- back

    def back(self) -> None:
        """Back from what narrows; at the top it only says how to leave."""
        if self._front.data.looking.narrow:
            self._front.data.narrow("")
        elif self._front.marks.labels:
            self._front.say(Message("The marks stay.", hint="\\ takes them away"))
        else:
            self._front.say(Message("There is nothing to go back from.", hint="q leaves"))

    def quit(self) -> None:
        """Back, and at the top leave."""
        if self._front.data.looking.narrow:
            self.back()
        else:
            self._front.leave()
