"""Once a second: show what has changed in the cache, and say what nobody asked for.

In:  the monotonic time, the keys that were pressed. Out: rows, counts and messages on the screen.
The data of overlays are held while keys are pressed, like the rows of the list (`refresh.Hold`).
Not here: what the list shows (`refresh.py`), the sentences about sync (`sync_notices.py`).
"""

from __future__ import annotations

from carequeue.screens.detail import DetailView
from carequeue.screens.refresh import Hold
from carequeue.screens.screen_context import ScreenContext
from carequeue.screens.sync_notices import OutcomeNotices, SyncNotices
from carequeue.screens.undo_prompt import UndoPrompt
from carequeue.widgets.message_line import Message, Tone


class ScreenUpdates:
    """The updates of one screen."""

    def __init__(self, context: ScreenContext, detail: DetailView, undo_prompt: UndoPrompt) -> None:
        self._context, self._detail, self._undo_prompt = context, detail, undo_prompt
        self._sync_notices = SyncNotices()
        self._outcome_notices = OutcomeNotices(context)
        self._overlays_stale = False
        self._overlay_hold = Hold()

    def key(self, at: float) -> None:
        """A key was pressed; the overlays keep still for a while."""
        self._overlay_hold.key(at)

    def ends_with_key(self, message: Message) -> bool:
        """Whether this message goes away at the next key: the header shows the problem too."""
        return self._sync_notices.ends_with_key(message)

    def sync_requested(self) -> None:
        """Say that the sync that the person asked for has begun."""
        self._context.say(self._sync_notices.requested(self._context.now()))

    def ask(self) -> None:
        """Read what became of earlier acts, and what can be undone."""
        self._outcome_notices.ask()
        self._undo_prompt.ask()

    def take_over(self, at: float) -> None:
        """Show what has changed by `at`, a monotonic time in seconds."""
        context = self._context
        changes = context.data.poll(at)
        if changes.minute:
            now = context.now()
            context.submit_act(lambda: context.desk.refresh(now), lambda moved: None)
        self._say_news(back_online=changes.back_online)
        if changes.above:
            context.say(Message(f"New at the top: {changes.above}.", Tone.WARNING, "g goes there"))
        self._update_overlays(at, changed=changes.data)
        if changes.data:
            self.ask()
        if changes.data or changes.minute:
            self._detail.request(context.widgets.rows.row, again=True)
            context.draw()

    def _say_news(self, *, back_online: bool) -> None:
        context = self._context
        notice = self._sync_notices.after(context.data.health, context.message, back=back_online)
        if notice := notice or self._outcome_notices.next(context.message):
            context.say(notice)

    def _update_overlays(self, at: float, *, changed: bool) -> None:
        self._overlays_stale = self._overlays_stale or changed
        if self._overlays_stale and self._overlay_hold.has_ended(at):
            self._overlays_stale = False
            for overlay in self._context.overlays:
                overlay.cache_changed()
        if not self._overlays_stale:
            self._overlay_hold.up_to_date(at)
