"""The keys that move, mark or show, and change nothing: one method per motion of the table.

A test compares the names of the methods with the table of motions.
"""

from __future__ import annotations

from carequeue.screens.attention import Attention
from carequeue.screens.filter_prompt import FilterOverlay
from carequeue.screens.queue_context import QueueContext
from carequeue.screens.quit import QuitActions
from carequeue.screens.selection import items
from carequeue.screens.verb_actions import VerbActions
from carequeue.store.queue_window import Tab
from carequeue.verbs.motions import Motion
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone


class Motions:
    """The motions of one queue."""

    def __init__(
        self,
        context: QueueContext,
        attention: Attention,
        quit_actions: QuitActions,
        verb_actions: VerbActions,
    ) -> None:
        self._context, self._attention = context, attention
        self._quit_actions, self._verb_actions = quit_actions, verb_actions
        self._rows = context.widgets.rows

    def do(self, motion: Motion) -> None:
        """Do one motion of the table."""
        getattr(self, motion.name)()

    # --- the cursor

    def down(self) -> None:
        """Go to the next item."""
        self._rows.move(1)

    def up(self) -> None:
        """Go to the previous item."""
        self._rows.move(-1)

    def top(self) -> None:
        """Go to the first item."""
        self._rows.go(0)

    def bottom(self) -> None:
        """Go to the last item."""
        self._rows.go(self._rows.pages.rows - 1)

    def page_down(self) -> None:
        """Go a screen down."""
        self._rows.page(1)

    def page_up(self) -> None:
        """Go a screen up."""
        self._rows.page(-1)

    def next_band(self) -> None:
        """Go to the first item of the next band."""
        self._rows.band(1)

    def previous_band(self) -> None:
        """Go to the first item of this band, then of the band before."""
        self._rows.band(-1)

    # --- the selection

    def mark(self) -> None:
        """Mark the item, and go to the next item."""
        row = self._context.target()
        if row is not None:
            self._context.selection.toggle(row)
            self._rows.move(1)
            self._selection_changed()

    def mark_all(self) -> None:
        """Mark all items that the tab lists."""
        tab, filter_text = self._context.data.view_state[:2]
        selection = self._context.selection
        selection.add(self._context.desk.keys_of(tab, filter_text))
        for _, row in self._rows.pages.loaded():
            if row.key in selection.labels:
                selection.seen(row)
        self._selection_changed()

    def unmark(self) -> None:
        """Unmark all items."""
        self._context.selection.clear()
        self._selection_changed()

    def _selection_changed(self) -> None:
        count = len(self._context.selection.labels)
        self._context.data.show_selected(count)
        if count:
            text = f"{items(count)} marked. The keys now act on the marked items."
            self._context.say(Message(text, hint="\\ unmarks all"))
        else:
            self._context.say(Message("Marks cleared."))

    # --- tabs

    def view_mine(self) -> None:
        """Show my moves."""
        self._context.data.show_tab(Tab.MINE)

    def view_team(self) -> None:
        """Show my team's moves."""
        self._context.data.show_tab(Tab.TEAM)

    def view_waiting(self) -> None:
        """Show the items that wait on others."""
        self._context.data.show_tab(Tab.WAITING)

    def view_all(self) -> None:
        """Show all items."""
        self._context.data.show_tab(Tab.ALL)

    def view_whole(self) -> None:
        """Show all items, the snoozed ones too."""
        self._context.data.show_tab(Tab.WHOLE)

    def filter(self) -> None:
        """Filter the list while the person types."""
        data = self._context.data
        overlay = FilterOverlay(
            self._context,
            data.view_state.filter_text,
            data.set_filter,
            lambda: sum(data.tally.bands.values()),
        )
        self._context.push(overlay)

    def needs_you(self) -> None:
        """Go to the item that needs the person: the current item if it does, else the next."""
        self._attention.go_to_first()

    def outbox(self) -> None:
        """Show everything that is not on the server."""
        self._attention.open_outbox()

    def offline(self) -> None:
        """Work offline by choice, or go online again."""
        context = self._context
        offline = not context.data.health.forced_offline

        def switched(nothing: None) -> None:
            context.tick()  # the header follows at once
            if offline:
                text = "Working offline: nothing is fetched or sent until you press O again."
                context.say(Message(text, Tone.DONE))
            else:
                context.sync_now()

        context.submit_act(lambda: context.desk.set_offline(offline), switched)

    def urgent(self) -> None:
        """Go to the new item that is named, and close every overlay on the way."""
        context = self._context
        item = context.data.urgent.next
        if item is None:
            context.say(Message("Nothing new in Now or Safety.", hint="g goes to the first item"))
            return
        if context.overlays:
            context.pop(context.overlays[0])
        context.data.urgent.visit(item.key)
        if not context.go_to(item.key):
            context.say(Message(f"{item.client} is no longer in the queue.", Tone.REFUSED))

    # --- texts

    def open(self) -> None:
        """Show the detail in the place of the list; for a conflict, both versions first."""
        row = self._context.target()
        if row is not None and row.sync == "conflict" and not self._context.overlays:
            self._attention.open_conflict(row.key, row.client)
        else:
            self._context.open_detail()

    def why(self) -> None:
        """Show every reason for the item's rank; open the detail first if it is not in sight."""
        context = self._context
        if not context.widgets.pane.display and not context.overlays:
            context.detail.unfolded = True
            context.open_detail()
        else:
            context.detail.toggle_reasons()

    def palette(self) -> None:
        """Show all actions."""
        self._show_actions("Do what?", everything=True)

    def keys(self) -> None:
        """Show the keys that apply here."""
        self._show_actions("Keys; type to search:", everything=False)

    def _show_actions(self, title: str, *, everything: bool) -> None:
        from carequeue.screens.palette import PaletteOverlay, entries

        context = self._context
        row = context.target()
        applies = row.verbs.split() if row else ()
        actions = entries(context.keys, row.kind if row else "", applies)
        if not everything:
            actions = [entry for entry in actions if not entry.off]
        overlay = PaletteOverlay(context, actions, title)
        context.push(overlay)
        if row is not None and everything:
            key = row.key
            context.submit_read(lambda: context.desk.reasons(key), overlay.explain)

    def results(self) -> None:
        """Show what the last act on many items did, item by item."""
        results = self._verb_actions.results
        if results is None:
            text = "You have not acted on several items yet. space marks an item."
            self._context.say(Message(text))
        else:
            self._context.show_text(results)

    def blank(self) -> None:
        """Blank the screen until the next key."""
        self._context.hooks.hide_behind("Blanked. Press any key to show the queue again.")

    def suspend(self) -> None:
        """Go back to the shell for a while."""
        self._rows.app.action_suspend_process()

    # --- back

    def back(self) -> None:
        """Clear the filter, or set the new items aside; otherwise say how to quit."""
        context = self._context
        if context.data.view_state.filter_text:
            context.data.set_filter("")
        elif named := context.data.urgent.set_aside():
            more = f" and {len(named) - 1} more" if len(named) > 1 else ""
            text = f"Set aside: {named[0].client}{more}, new in Now or Safety."
            context.say(Message(text, hint=f"{key_name(context.keys.of['urgent'])} goes there"))
        elif context.selection.labels:
            context.say(Message("The items stay marked.", hint="\\ unmarks all"))
        else:
            context.say(Message("There is nothing to go back from.", hint="q quits"))

    def quit(self) -> None:
        """Clear the filter; without a filter, quit."""
        if self._context.data.view_state.filter_text:
            self.back()
        else:
            self._quit_actions.quit()
