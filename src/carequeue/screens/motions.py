"""The keys that move, mark or show, and change nothing: one action per motion of the table.

A test compares the names of the actions with the table of motions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from carequeue.screens.attention import Attention
from carequeue.screens.detail import DetailView
from carequeue.screens.filter_prompt import FilterOverlay
from carequeue.screens.quit import QuitActions
from carequeue.screens.refresh import QueueData
from carequeue.screens.screen_context import ScreenContext
from carequeue.screens.selection import items
from carequeue.screens.verb_actions import VerbActions
from carequeue.store.queue_window import Tab
from carequeue.verbs.offers import names_of
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.queue_list import QueueList


class Motions:
    """The motions of one queue; `actions`: the name of a motion -> what its key does."""

    def __init__(
        self,
        context: ScreenContext,
        attention: Attention,
        detail: DetailView,
        quit_actions: QuitActions,
        verb_actions: VerbActions,
    ) -> None:
        self._context, self._attention, self._detail = context, attention, detail
        self._quit_actions, self._verb_actions = quit_actions, verb_actions
        self._rows = context.widgets.rows
        self.actions: dict[str, Callable[[], None]] = {
            **_moves(self._rows, context.data),
            "mark": self._mark,
            "mark_all": self._mark_all,
            "unmark": self._unmark,
            "again": verb_actions.again,
            "redo": verb_actions.undo_prompt.redo,
            "filter": self._filter,
            "needs_you": attention.go_to_first,
            "outbox": attention.open_outbox,
            "history": verb_actions.undo_prompt.open_history,
            "offline": self._offline,
            "look_as": verb_actions.colleagues.choose_viewer,
            "urgent": self.go_to_urgent,
            "open": self._open,
            "why": self._why,
            "palette": partial(self._show_actions, "Do what?", everything=True),
            "keys": partial(self._show_actions, "Keys; type to search:", everything=False),
            "results": self._results,
            "heard_of": partial(self._for_client, "heard_of"),
            "new_for_client": partial(self._for_client, "new_for_client"),
            "blank": partial(
                context.hooks.hide_behind, "Blanked. Press any key to show the queue again."
            ),
            "suspend": self._rows.app.action_suspend_process,
            "back": self._back,
            "quit": self._quit,
        }

    # --- the selection

    def _mark(self) -> None:
        row = self._context.target()
        if row is not None:
            self._context.selection.toggle(row)
            self._rows.move(1)
            self._selection_changed()

    def _mark_all(self) -> None:
        tab, filter_text = self._context.data.view_state[:2]
        selection = self._context.selection
        selection.add(self._context.desk.keys_of(tab, filter_text))
        for row in self._rows.pages.loaded():
            if row.key in selection.labels:
                selection.seen(row)
        self._selection_changed()

    def _unmark(self) -> None:
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

    # --- what the list shows

    def _filter(self) -> None:
        data = self._context.data
        overlay = FilterOverlay(
            self._context,
            data.view_state.filter_text,
            data.set_filter,
            lambda: sum(data.tally.bands.values()),
        )
        self._context.push(overlay)

    def _offline(self) -> None:
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

    def go_to_urgent(self) -> None:
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

    def _open(self) -> None:
        """Show the detail in the place of the list; for a conflict, both versions first."""
        row = self._context.target()
        if row is not None and row.sync == "conflict" and not self._context.overlays:
            self._attention.open_conflict(row.key, row.client)
        else:
            self._context.open_detail()

    def _why(self) -> None:
        """Show every reason for the item's rank; open the detail first if it is not in sight."""
        context = self._context
        if not context.widgets.pane.display and not context.overlays:
            self._detail.unfolded = True
            context.open_detail()
        else:
            self._detail.toggle_reasons()

    def _show_actions(self, title: str, *, everything: bool) -> None:
        from carequeue.screens.palette import PaletteOverlay, entries

        context = self._context
        row = context.target()
        applies = names_of(row.verbs) if row else ()
        actions = entries(context.keys, row.kind if row else "", applies)
        if not everything:
            actions = [entry for entry in actions if not entry.off]
        overlay = PaletteOverlay(context, actions, title)
        context.push(overlay)
        if row is not None and everything:
            key = row.key
            context.submit_read(lambda: context.desk.reasons(key), overlay.explain)

    def _results(self) -> None:
        results = self._verb_actions.results
        if results is None:
            text = "You have not acted on several items yet. space marks an item."
            self._context.say(Message(text))
        else:
            self._context.show_text(results)

    def _for_client(self, motion: str) -> None:
        from carequeue.screens.client_prompt import open_for

        open_for(self._context, motion, self._verb_actions.begin_for_client)

    # --- back

    def _back(self) -> None:
        """Clear the filter, leave a colleague's queue, or set the new items aside; if there is
        nothing of these, say how to quit.
        """
        context = self._context
        if context.data.view_state.filter_text:
            context.data.set_filter("")
        elif context.data.view_state.seen_as:
            self._verb_actions.colleagues.leave()
        elif named := context.data.urgent.set_aside():
            more = f" and {len(named) - 1} more" if len(named) > 1 else ""
            text = f"Set aside: {named[0].client}{more}, new in Now or Safety."
            context.say(Message(text, hint=f"{key_name(context.keys.of['urgent'])} goes there"))
        elif context.selection.labels:
            context.say(Message("The items stay marked.", hint="\\ unmarks all"))
        else:
            context.say(Message("There is nothing to go back from.", hint="q quits"))

    def _quit(self) -> None:
        """Go back to one's own whole list; from there, quit."""
        state = self._context.data.view_state
        if state.filter_text or state.seen_as:
            self._back()
        else:
            self._quit_actions.quit()


def _moves(rows: QueueList, data: QueueData) -> dict[str, Callable[[], None]]:
    """The motions of the cursor, and those from tab to tab."""
    return {
        "down": partial(rows.move, 1),
        "up": partial(rows.move, -1),
        "top": partial(rows.go, 0),
        "bottom": lambda: rows.go(rows.pages.rows - 1),
        "page_down": partial(rows.page, 1),
        "page_up": partial(rows.page, -1),
        "next_band": partial(rows.band, 1),
        "previous_band": partial(rows.band, -1),
        **{f"view_{tab}": partial(data.show_tab, tab) for tab in Tab},
    }
