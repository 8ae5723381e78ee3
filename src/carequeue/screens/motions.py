"""The keys that move, mark or show, and change nothing: one method a motion of the table.

A test holds the names of the methods equal to the table of motions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.screens.filter_prompt import NarrowLayer
from carequeue.screens.selection import items
from carequeue.store.queue_window import View
from carequeue.verbs.motions import Motion
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone

if TYPE_CHECKING:
    from carequeue.screens.controller import Front


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
            self._front.marks.toggle(row)
            self._rows.move(1)
            self._marked()

    def mark_all(self) -> None:
        """Mark all that the view lists."""
        view, narrow = self._front.data.looking[:2]
        self._front.marks.add(self._front.desk.keys_of(view, narrow))
        for _, row in self._rows.pages.loaded():
            if row.key in self._front.marks.labels:
                self._front.marks.saw(row)
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
        """What needs the person: this item where it does, else the next one."""
        self._front.needs.first()

    def outbox(self) -> None:
        """All that is not on the server."""
        self._front.needs.open_outbox()

    def offline(self) -> None:
        """Work offline by choice, or go online again."""
        front = self._front
        wanted = not front.data.health.forced_offline

        def switched(nothing: None) -> None:
            front.tick()  # the header follows at once
            if wanted:
                words = "Offline by choice: nothing is fetched or sent until you press O again."
                front.say(Message(words, Tone.DONE))
            else:
                front.nudge()

        front.act(lambda: front.desk.set_offline(wanted), switched)

    def urgent(self) -> None:
        """Through all that lies over the list to the new item that is named."""
        front = self._front
        one = front.data.urgent.next
        if one is None:
            front.say(Message("Nothing new in Now or Safety.", hint="g goes to the first item"))
            return
        if front.layers:
            front.pop(front.layers[0])
        front.data.urgent.visit(one.key)
        if not front.go_to(one.key):
            front.say(Message(f"{one.client} has no row in the queue any more.", Tone.REFUSED))

    # --- what is shown

    def open(self) -> None:
        """The detail in the place of the list; what differs shows both versions first."""
        row = self._front.target()
        if row is not None and row.sync == "conflict" and not self._front.layers:
            self._front.needs.open_conflict(row.key, row.client)
        else:
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
        elif named := self._front.data.urgent.set_aside():
            more = f" and {len(named) - 1} more" if len(named) > 1 else ""
            words = f"Set aside: {named[0].client}{more}, new in Now or Safety."
            self._front.say(
                Message(words, hint=f"{key_name(self._front.keys.of['urgent'])} goes there")
            )
        elif self._front.marks.labels:
            self._front.say(Message("The marks stay.", hint="\\ takes them away"))
        else:
            self._front.say(Message("There is nothing to go back from.", hint="q leaves"))

    def quit(self) -> None:
        """Back, and at the top leave."""
        if self._front.data.looking.narrow:
            self.back()
        else:
            self._front.leaving.leave()
