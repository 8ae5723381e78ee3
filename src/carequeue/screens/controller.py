"""What each key does: it goes to the topmost overlay, to a verb or to a motion.

In:  keys as the terminal sends them. Out: acts through the desk, what the widgets show.
`QueueController` is the `ScreenContext` of overlays and acts; it holds no rule of its own. The
Textual screen around it (`queue.py`) only lays out the widgets and passes on keys and ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeVar

from carequeue.domain.errors import BadQuestion, CareQueueError
from carequeue.screens.app_hooks import AppHooks, TimeSource
from carequeue.screens.detail import DetailView
from carequeue.screens.key_map import KeyMap, RepeatGuard
from carequeue.screens.overlay_stack import OverlayStack, Widgets
from carequeue.screens.reader_overlays import DetailOverlay, ReaderOverlay
from carequeue.screens.refresh import QueueData
from carequeue.screens.selection import Selection
from carequeue.screens.status_bar import StatusBar
from carequeue.screens.threads import WorkThreads
from carequeue.screens.undo_prompt import UndoPrompt
from carequeue.screens.updates import ScreenUpdates
from carequeue.screens.urgent_notice import UrgentNotice
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.verbs.motions import Motion
from carequeue.verbs.verb import Verb
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Notice, Tone
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.screens.motions import Motions
    from carequeue.screens.quit import QuitActions
    from carequeue.screens.verb_actions import VerbActions
    from carequeue.worklist.desk import Desk

T = TypeVar("T")
#: Messages about a key last until the next key; messages about an act until the next message.
_PASSING: Final = (Tone.QUIET, Tone.REFUSED)
#: The `key_time` while no key is being handled.
_NO_KEY: Final = float("inf")


class QueueController(OverlayStack):
    """The person's side of one queue."""

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
        self.desk, self.now, self.keys = desk, time_source.now, keys
        self.threads, self.hooks = threads, hooks
        self._zone, self._monotonic = time_source.zone, time_source.monotonic
        self.selection = Selection()
        widgets.rows.selected = self.selection.labels.keys()
        self.data = QueueData(desk, time_source, widgets.rows, widgets.header, widgets.tabs)
        self.detail = DetailView(self, self._zone, self._detail_views)
        self.undo_prompt = UndoPrompt(self, self._zone)
        widgets.footer.painted = self.undo_prompt.painted
        self._status_bar = StatusBar(widgets, self.overlays, keys, self.undo_prompt)
        self._guard = RepeatGuard()
        self.message = Message()
        self._urgent_notice = UrgentNotice(self.data.urgent, keys, self.overlays, self.origin)
        self._drawn_notice: Notice | None = None
        self.data.over_tabs = lambda width: self._status_bar.over_tabs(width)
        self._updates = ScreenUpdates(self)
        self._key_time = _NO_KEY
        self._opened_by = ""  # the key that opened the topmost overlay, as long as it repeats

    @cached_property
    def verb_actions(self) -> VerbActions:
        """What the verbs do; loaded with the first key, or just after the first frame."""
        from carequeue.screens.verb_actions import VerbActions

        return VerbActions(self, self.selection, self.undo_prompt)

    @cached_property
    def motions(self) -> Motions:
        """What the keys do that change nothing; loaded likewise."""
        from carequeue.screens.attention import Attention
        from carequeue.screens.motions import Motions

        return Motions(self, Attention(self, self._zone), self.quit_actions, self.verb_actions)

    @cached_property
    def quit_actions(self) -> QuitActions:
        """The ways to quit; loaded likewise."""
        from carequeue.screens.quit import QuitActions

        return QuitActions(self)

    # --- keys and ticks

    def press(self, key: str, character: str | None, key_time: float) -> None:
        """Handle one key, pressed at `key_time` in the terminal's own count of seconds."""
        at = self._monotonic()
        held = self._guard.held(key, at)
        self.data.hold.key(at)
        self._updates.key(at)
        self._key_time = key_time
        key_before = self.widgets.rows.key
        if self._message_passes() and not held:
            self.message = Message()
        try:
            self._handle(key, character, at, held=held)
        except CareQueueError as error:
            self.failed(error)
        finally:
            self._key_time = _NO_KEY
        self._urgent_notice.moved(key_before, self.widgets.rows.key)
        self.draw()

    def _handle(self, key: str, character: str | None, at: float, *, held: bool) -> None:
        if key in ("ctrl+c", "ctrl+q"):
            self.quit_actions.interrupt(key, at)
        elif held and key == self._opened_by:
            return
        elif self._urgent_notice.takes(key):
            self.motions.urgent()
        elif not any(overlay.press(key, character) for overlay in reversed(self.overlays)):
            self._opened_by = ""
            self._handle_in_list(key, held)
        elif key != self._opened_by:
            self._opened_by = ""

    def _message_passes(self) -> bool:
        return self.message.tone in _PASSING or self._updates.ends_with_key(self.message)

    def _handle_in_list(self, key: str, held: bool) -> None:
        action = self.keys.meaning(key)
        if held and not isinstance(action, Motion):
            return
        if action is None:
            self.say(Message(f"{key_name(key)} does nothing here.", hint="? shows the keys"))
            return
        self.run(action)
        if self.overlays and self.overlays[-1].asks:
            self._opened_by = key

    def run(self, action: Verb | Motion) -> None:
        """Do what the key of this action would do."""
        if isinstance(action, Verb):
            self.verb_actions.begin(action)
        else:
            self.motions.do(action)

    def paste(self, text: str) -> None:
        """Pass a paste to the open question; in the list a paste does nothing."""
        if self.overlays:
            self.overlays[-1].paste(text)
            self.draw()

    def tick(self) -> None:
        """Show what has changed; called once a second."""
        try:
            self._updates.take_over(self._monotonic())
        except CareQueueError as error:  # a full disk, say: the list stays as it was
            self.failed(error)

    # --- the screen context

    @property
    def key_time(self) -> float:
        """When the current key was pressed."""
        return self._key_time

    def needed_to_send(self, source: str = "") -> str:
        """What must happen before an act can be sent: `online`, `signed in` or ""."""
        health = self.data.health
        if health.forced_offline:
            return "online"
        matching = (known for known in health.sources if known.name == source)
        state = next(matching, health)
        return "online" if state.online is False else "signed in" if state.signed_out else ""

    def say(self, message: Message) -> None:
        """Show a message until the next one."""
        self.message = message
        self.draw()

    def failed(self, error: CareQueueError) -> None:
        """Say what could not be done; nothing was changed."""
        self.widgets.rows.acted.clear()
        self.widgets.rows.redraw()
        tone = Tone.REFUSED if isinstance(error, BadQuestion) else Tone.WARNING
        self.say(Message(str(error), tone))

    def submit_act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that changes the cache, on the thread of acts."""
        self.threads.submit_act(work, then)

    def submit_read(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that only reads, on the thread of reads."""
        self.threads.submit_read(work, then)

    def target(self) -> QueueRow | None:
        """The row that was painted under the cursor when the current key was pressed."""
        return self.widgets.rows.aim(self._key_time)

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

    def sync_now(self) -> None:
        """Ask for a sync now; how it ends is said as soon as that is known."""
        if self.data.health.forced_offline:
            text = "You are working offline: nothing is fetched or sent."
            self.say(Message(text, hint="O goes online"))
            return
        self.hooks.sync_now()
        self._updates.sync_requested()

    def reload(self, key: str = "") -> None:
        """Read the list again now."""
        self.data.load(key)

    def show_text(self, source: Callable[[int], list[Parts]]) -> None:
        """Open a text in the place of the list, with the keys that scroll and close it."""
        if self.overlays and type(self.overlays[-1]) is ReaderOverlay:
            self.pop(self.overlays[-1])
        self.push(ReaderOverlay(self, lambda: self.display(source)))

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""
        is_open = any(isinstance(overlay, DetailOverlay) for overlay in self.overlays)
        if self.widgets.rows.row is None or is_open:
            return
        self.push(DetailOverlay(self, self._show_detail))

    def go_to(self, key: str) -> bool:
        """Put the cursor on an item, in this tab or in the whole queue."""
        tab, filter_text = self.data.view_state[:2]
        if self.desk.row_index(tab, filter_text, key) is not None:
            self.reload(key)
        elif self.desk.row_index(Tab.WHOLE, "", key) is not None:
            self.data.show_in_whole_queue(key)
        else:
            return False
        return True

    def begin(self) -> None:
        """Bring the rows up to date, now that the first frame with the stored rows is out."""
        self.moved()
        self.submit_act(partial(self._refresh, self.now()), self._refreshed)

    def _refresh(self, now: datetime) -> bool:
        load_the_rest()  # before the heavy libraries, which the first key must not wait for
        return self.desk.refresh(now)

    def _refreshed(self, moved: bool) -> None:
        self._updates.ask()
        if moved:
            self.tick()

    def moved(self) -> None:
        """The cursor is on another item."""
        self.data.moved()
        rows = self.widgets.rows
        self.detail.request(rows.row)
        if self.detail_covers:  # the next key is meant for the detail, once that is painted
            rows.call_after_refresh(rows.take_aim)
        self.draw()

    def draw(self) -> None:
        """Redraw the message line and the footer; while a key is handled, once at its end."""
        if self._key_time == _NO_KEY:
            notice = self._urgent_notice.notice()
            self._status_bar.draw(self.message, notice)
            if notice or self._drawn_notice:
                self.data.show_lines()
            self._drawn_notice = notice


def load_the_rest() -> None:
    """Import the modules that the first key may need, so that the key does not wait for them."""
    import carequeue.screens.attention
    import carequeue.screens.motions
    import carequeue.screens.palette
    import carequeue.screens.quit
    import carequeue.screens.verb_actions
    import carequeue.widgets.detail_pane  # noqa: F401
