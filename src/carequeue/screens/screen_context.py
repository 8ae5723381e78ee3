"""The screen as overlays, acts and motions see it: its data, its message, its cursor.

`QueueController` adds the abstract methods: they need the overlays, acts and motions themselves.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import BadQuestion, CareQueueError
from carequeue.screens.app_hooks import AppHooks, TimeSource
from carequeue.screens.key_map import KeyMap
from carequeue.screens.overlay_stack import OverlayStack, Widgets
from carequeue.screens.reader_overlays import ReaderOverlay
from carequeue.screens.refresh import QueueData
from carequeue.screens.selection import Selection
from carequeue.screens.threads import WorkThreads
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.verbs.motions import Motion
from carequeue.verbs.verb import Verb
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk

#: The `key_time` while no key is being handled.
NO_KEY: Final = float("inf")


class ScreenContext(OverlayStack):
    """One queue on the screen: its widgets, its data and what the person has selected.

    `key_time` is when the current key was pressed, in the terminal's own count of seconds.
    """

    def __init__(
        self,
        desk: Desk,
        time_source: TimeSource,
        widgets: Widgets,
        threads: WorkThreads,
        keys: KeyMap,
        hooks: AppHooks,
    ) -> None:
        super().__init__(widgets)
        self.desk, self.now, self.zone = desk, time_source.now, time_source.zone
        self.keys, self.hooks = keys, hooks
        self.threads = threads
        self.submit_act, self.submit_read = threads.submit_act, threads.submit_read
        self.selection = Selection()
        widgets.rows.selected = self.selection.labels.keys()
        self.data = QueueData(desk, time_source, widgets)
        self.message = Message()
        self.key_time = NO_KEY

    @abstractmethod
    def run(self, action: Verb | Motion) -> None:
        """Do what the key of this action would do."""

    @abstractmethod
    def sync_now(self) -> None:
        """Ask for a sync now; how it ends is said as soon as that is known."""

    @abstractmethod
    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""

    @abstractmethod
    def tick(self) -> None:
        """Show what has changed in the cache; called once a second."""

    # --- the message

    def say(self, message: Message) -> None:
        """Show a message until the next one."""
        self.message = message
        self.draw()

    def signed(self, text: str) -> str:
        """The message of an act; in a colleague's queue it says that the act is one's own."""
        name = self.data.view_state.seen_as
        return f"{text} You did this, not {name}." if name else text

    def failed(self, error: CareQueueError) -> None:
        """Say what could not be done; nothing was changed."""
        self.widgets.rows.acted.clear()
        self.widgets.rows.redraw()
        tone = Tone.REFUSED if isinstance(error, BadQuestion) else Tone.WARNING
        self.say(Message(str(error), tone))

    def show_text(self, source: Callable[[int], list[Parts]]) -> None:
        """Open a text in the place of the list, with the keys that scroll and close it."""
        if self.overlays and type(self.overlays[-1]) is ReaderOverlay:
            self.pop(self.overlays[-1])
        self.push(ReaderOverlay(self, lambda: self.display(source)))

    # --- the list and its cursor

    def target(self) -> QueueRow | None:
        """The row that was painted under the cursor when the current key was pressed."""
        return self.widgets.rows.aim(self.key_time)

    def advance(self, key: str) -> None:
        """Show an item as acted on, and go to the next item."""
        rows = self.widgets.rows
        rows.acted.add(key)
        if rows.key == key:
            rows.move(1)
            if rows.key == key:
                self.data.worked_last(key)
        rows.redraw()

    def acts_finished(self, keys: Sequence[str], *, changed: bool) -> None:
        """Acts on these items have ended; `changed` says whether the items still show as done."""
        for key in keys:
            self.data.urgent.visit(key)
        rows = self.widgets.rows
        if changed:
            rows.acted.update(keys)
        else:
            rows.acted.difference_update(keys)
        self.data.show_selected(len(self.selection.labels))

    def go_to(self, key: str) -> bool:
        """Put the cursor on an item, in this tab or the whole queue; False if it is in neither."""
        tab, filter_text = self.data.view_state[:2]
        if self.desk.row_index(tab, filter_text, key) is not None:
            self.data.load(key)
        elif self.desk.row_index(Tab.WHOLE, "", key) is not None:
            self.data.show_in_whole_queue(key)
        else:
            return False
        return True

    def origin(self, source: str) -> Origin:
        """The label and age of a source, as its rows show them."""
        return self.widgets.rows.origins.of(source)

    def needed_to_send(self, source: str = "") -> str:
        """The condition for sending an act that is not met: `online`, `signed in`, or "".

        For one source; without a source for the profile as a whole.
        """
        health = self.data.health
        if health.forced_offline:
            return "online"
        matching = (known for known in health.sources if known.name == source)
        state = next(matching, health)
        return "online" if state.online is False else "signed in" if state.signed_out else ""
