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
from carequeue.worklist.verbs import Motion, Verb

if TYPE_CHECKING:
    from carequeue.screens.front import Front

#: What a row that needs the person says, and what letting go of one's own act would mean there.
_NEEDS = {
    "conflict": ("changed meanwhile.", "take theirs"),
    "needs_you": ("was refused.", "drop it"),
}


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
        """Go to the next item that differs or was refused, say so and ask what becomes of it."""
        front = self._front
        if not front.data.health.needs_you:
            words = "Nothing needs you: the server refused nothing, nothing differs."
            front.say(Message(words))
            return
        view, narrow, _ = front.data.looking
        here, total = self._rows.index + 1, self._rows.pages.rows
        spans = [(here, total), (0, here)]
        pages = [(n, min(n + PAGE, end)) for start, end in spans for n in range(start, end, PAGE)]
        self._search(view, narrow, pages)

    def _search(self, view: View, narrow: str, pages: list[tuple[int, int]]) -> None:
        """Look through one page; the next one comes after the keys that have come meanwhile."""
        front = self._front
        if not pages:
            words = "What needs you is not in this view.  0 shows the whole queue"
            front.say(Message(words, Tone.REFUSED))
            return
        (start, end), *rest = pages
        for place, row in enumerate(front.desk.window(view, narrow, start, end - start), start):
            if row.sync in _NEEDS:
                if front.data.looking[:2] == (view, narrow):
                    self._rows.go(place)
                self._ask_about(row)
                return
        self._rows.call_later(self._search, view, narrow, rest)

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

        def why_not(verb: Verb) -> str | None:
            if row is None:
                return "there is no item here"
            return front.desk.why_not(verb.name, row.key)

        found = entries(front.keys, row.kind if row else "", why_not)
        if not everything:
            found = [entry for entry in found if not entry.off]
        layer = PaletteLayer(front, found, title)
        front.push(layer)
        layer.show()

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
