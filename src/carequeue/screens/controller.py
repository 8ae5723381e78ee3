"""Each key goes to the topmost overlay, to a verb or to a motion.

In:  keys as the terminal sends them. Out: acts through the desk, what the widgets show.
`QueueController` completes the `ScreenContext` that overlays and acts use, and holds no rule. The
Textual screen around it (`queue.py`) only lays out the widgets and passes on keys and ticks.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import CareQueueError
from carequeue.screens.app_hooks import AppHooks, TimeSource
from carequeue.screens.detail import DetailView
from carequeue.screens.key_map import KeyMap, RepeatGuard
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.reader_overlays import DetailOverlay
from carequeue.screens.screen_context import NO_KEY, ScreenContext
from carequeue.screens.status_bar import StatusBar
from carequeue.screens.threads import WorkThreads
from carequeue.screens.undo_prompt import UndoPrompt
from carequeue.screens.updates import ScreenUpdates
from carequeue.screens.urgent_notice import UrgentNotice
from carequeue.verbs.motions import Motion
from carequeue.verbs.verb import Verb
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Notice, Tone
from carequeue.widgets.text_view import TextView

if TYPE_CHECKING:
    from carequeue.screens.motions import Motions
    from carequeue.screens.quit import QuitActions
    from carequeue.screens.verb_actions import VerbActions
    from carequeue.worklist.desk import Desk

#: Messages about a key last until the next key; messages about an act until the next message.
_PASSING: Final = (Tone.QUIET, Tone.REFUSED)


class QueueController(ScreenContext):
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
        super().__init__(desk, time_source, widgets, threads, keys, hooks)
        self._monotonic = time_source.monotonic
        self.detail = DetailView(self, self._detail_views)
        self._undo_prompt = UndoPrompt(self)
        widgets.footer.painted = self._undo_prompt.painted
        widgets.rows.still = lambda: any(overlay.asks for overlay in self.overlays)
        self._status_bar = StatusBar(widgets, self.overlays, keys, self._undo_prompt)
        self._guard = RepeatGuard()
        self._urgent_notice = UrgentNotice(self.data.urgent, keys, self.overlays, self.origin)
        self._drawn_notice: Notice | None = None
        self.data.over_tabs = lambda width: self._status_bar.over_tabs(width)
        self._updates = ScreenUpdates(self, self.detail, self._undo_prompt)
        self._opened_by = ""  # the key that opened the topmost overlay, as long as it repeats

    @cached_property
    def verb_actions(self) -> VerbActions:
        """The acts of the verbs; loaded with the first key, or just after the first frame."""
        from carequeue.screens.verb_actions import VerbActions

        return VerbActions(self, self._undo_prompt)

    @cached_property
    def motions(self) -> Motions:
        """The keys that change nothing; loaded likewise."""
        from carequeue.screens.attention import Attention
        from carequeue.screens.motions import Motions

        attention = Attention(self)
        return Motions(self, attention, self.detail, self.quit_actions, self.verb_actions)

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
        self.key_time = key_time
        key_before = self.widgets.rows.key
        passes = self.message.tone in _PASSING or self._updates.ends_with_key(self.message)
        if passes and not held:
            self.message = Message()
        try:
            self._handle(key, character, at, held=held)
        except CareQueueError as error:
            self.failed(error)
        finally:
            self.key_time = NO_KEY
        self._urgent_notice.moved(key_before, self.widgets.rows.key)
        self.draw()

    def _handle(self, key: str, character: str | None, at: float, *, held: bool) -> None:
        if key in ("ctrl+c", "ctrl+q"):
            self.quit_actions.interrupt(key, at)
        elif held and key == self._opened_by:
            return
        elif self._urgent_notice.takes(key):
            self.motions.go_to_urgent()
        elif not any(overlay.press(key, character) for overlay in reversed(self.overlays)):
            self._opened_by = ""
            self._handle_in_list(key, held)
        elif key != self._opened_by:
            self._opened_by = ""

    def _handle_in_list(self, key: str, held: bool) -> None:
        action = self.keys.meaning(key)
        if held and (not isinstance(action, Motion) or action.acts):
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
            self.motions.actions[action.name]()

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

    def sync_now(self) -> None:
        """Ask for a sync now; how it ends is said as soon as that is known."""
        if self.data.health.forced_offline:
            text = "You are working offline: nothing is fetched or sent."
            self.say(Message(text, hint="O goes online"))
            return
        self.hooks.sync_now()
        self._updates.sync_requested()

    # --- the detail

    @property
    def _detail_covers(self) -> bool:
        """Whether the detail is shown in the place of the list."""
        return isinstance(self.covering, DetailOverlay)

    def _detail_views(self) -> list[TextView]:
        """The text views in which the detail is in sight."""
        views = [self.widgets.pane] if self.widgets.pane.display else []
        return [*views, self.widgets.text_view] if self._detail_covers else views

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""
        is_open = any(isinstance(overlay, DetailOverlay) for overlay in self.overlays)
        if self.widgets.rows.row is None or is_open:
            return
        self.push(DetailOverlay(self, self._show_detail))

    def _show_detail(self) -> None:
        self.cover("pgdn")
        self.detail.request(self.widgets.rows.row)
        self.detail.show(top=0)

    # --- the first frame and after it

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
        if self._detail_covers:  # the next key is meant for the detail, once that is painted
            rows.call_after_refresh(rows.take_aim)
        self.draw()

    def draw(self) -> None:
        """Redraw the message line and the footer; while a key is handled, once at its end."""
        if self.key_time == NO_KEY:
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
