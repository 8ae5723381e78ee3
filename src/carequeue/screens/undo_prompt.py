"""Undo and redo: the act that the footer names, the acts of other windows, and all of one's own.

In:  the desk's next act to undo, and this window's acts that are still running. Out: the words of
the footer; `u` undoes exactly the act that the footer named when the key was pressed.
The footer names an act of this window as soon as its key is pressed, before the act is in the
cache: the thread of acts knows its group before it comes to the undo. Acts of other windows are
named only with the next paint, so that no key undoes an act that the person has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion, CareQueueError
from carequeue.verbs.undo import VERB as UNDO
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.undo_wording import footer_words, question
from carequeue.worklist.results import Acted, Undoable, Where

if TYPE_CHECKING:
    from carequeue.screens.screen_context import ScreenContext

BACK = f"{UNDO.key} undoes it"
_RUNNING = "An undo is running. Press the key again in a moment."


@dataclass(eq=False)
class Target:
    """The act that `u` would undo; `group` is "" while an act of this window is running."""

    act: Undoable
    group: str


class UndoPrompt:
    """The next act to undo, in one window."""

    def __init__(self, context: ScreenContext) -> None:
        self._context = context
        self._next: Target | None = None
        self._worded: Target | None = None  # the target of the words last given to the footer
        self._painted: Target | None = None  # the target that the footer shows
        self._painted_before: Target | None = None
        self._painted_since = 0.0  # terminal seconds
        self._running = 0  # acts and undos of this window that have not ended
        self._turn = 0  # counts their starts and ends; a read from an earlier turn is dropped

    @property
    def running(self) -> bool:
        """Whether an act or an undo of this window has not ended."""
        return self._running > 0

    # --- the footer

    def words(self, width: int) -> str:
        """The words for the footer; "" if there is nothing to undo."""
        self._worded = self._next
        return footer_words(self._next.act, width) if self._next else ""

    def covered(self) -> None:
        """The footer shows the keys of an overlay; the act that it named before still counts."""
        self._worded = self._painted

    def painted(self) -> None:
        """The footer was drawn with the words that it was last given."""
        if self._worded is not self._painted:
            self._painted_before, self._painted = self._painted, self._worded
            self._painted_since = seconds()

    def _named_at(self, key_time: float) -> Target | None:
        """The act that the footer named when a key was pressed."""
        return self._painted_before if key_time < self._painted_since else self._painted

    # --- the next act to undo

    def ask(self) -> None:
        """Read the next act to undo again: the cache has changed."""
        turn = self._turn
        self._context.submit_read(self._read, lambda undoable: self._received(turn, undoable))

    def _received(self, turn: int, undoable: Undoable | None) -> None:
        if turn == self._turn and not self._running:
            self._set_next(undoable)
            self._context.draw()

    def _read(self) -> Undoable | None:
        try:
            return self._context.desk.undoable()
        except CareQueueError:  # it is read again at the next change
            return None

    def _set_next(self, undoable: Undoable | None) -> None:
        if undoable is None:
            self._next = None
        elif self._next is not None and self._next.group == undoable.group:
            self._next.act = undoable
        else:
            self._next = Target(undoable, undoable.group)

    def run(self, act: Undoable, work: Callable[[], Acted], then: Callable[[Acted], None]) -> None:
        """Do an act of this window; the footer names it from now on."""
        target = Target(act, "")

        def do() -> Acted:
            acted = work()
            target.group = acted.group
            return acted

        # The person's own key: the act that the footer named before is past, even without a paint.
        self._next = self._worded = self._painted = self._painted_before = target
        self._begin(do, then)

    def _begin(self, work: Callable[[], Acted], then: Callable[[Acted], None]) -> None:
        """Run work on the thread of acts, and read the next act to undo there afterwards."""
        self._running += 1
        self._turn += 1

        def work_and_read() -> tuple[Acted | CareQueueError, Undoable | None]:
            result: Acted | CareQueueError
            try:
                result = work()
            except CareQueueError as error:
                result = error
            return result, self._read()

        def ended(outcome: tuple[Acted | CareQueueError, Undoable | None]) -> None:
            result, undoable = outcome
            self._running -= 1
            self._turn += 1
            if not self._running:
                self._set_next(undoable)
            if isinstance(result, CareQueueError):
                self._context.failed(result)
            else:
                then(result)

        self._context.submit_act(work_and_read, ended)

    # --- the key

    def press(self) -> None:
        """Undo the act that the footer named, or ask about an act of another window."""
        target = self._named_at(self._context.key_time)
        if target is not None and target.act.where is Where.HERE:
            self._undo(target)
        elif self._running:
            self._context.say(Message(_RUNNING))
        else:
            self._context.submit_read(self._read_with_told, self._ask_about)

    def redo(self) -> None:
        """Do again what was undone last."""
        context, now = self._context, self._context.now()
        group = context.desk.undos.redoable
        if self._running:
            context.say(Message(_RUNNING))
        elif not group:
            context.say(Message("There is nothing to redo.", Tone.REFUSED))
        else:
            self._begin(lambda: context.desk.undos.redo(now, group), self._redone)

    def _redone(self, acted: Acted) -> None:
        self._context.acts_finished(acted.changed, changed=True)
        self._context.say(Message(self._context.signed(acted.message), Tone.DONE, BACK))
        self._read_overlays()

    def open_history(self) -> None:
        """Show the person's own acts, with an undo for each."""
        from carequeue.screens.history_overlay import HistoryOverlay

        overlay = HistoryOverlay(self._context, self._undo_group, self.redo)
        self._context.push(overlay)
        overlay.cache_changed()

    def _undo_group(self, group: str) -> None:
        """Undo an act that the person has chosen by name."""
        if self._running:
            self._context.say(Message(_RUNNING))
        else:
            self._undo(Target(Undoable(group, "", "", "", 1, self._context.now()), group))

    def _undo(self, target: Target) -> None:
        context, now = self._context, self._context.now()

        def work() -> Acted:
            if not target.group:
                raise BadQuestion(f"Nothing to undo: {target.act.words} was not done.")
            return context.desk.undo(now, target.group)

        self._next = None
        self._begin(work, self._undone)

    def _undone(self, acted: Acted) -> None:
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        redo = key_name(self._context.keys.of["redo"])
        hint = f"{redo} does it again" if acted.changed else ""
        self._context.say(Message(acted.message, tone, hint))
        if acted.changed:
            self._context.acts_finished(acted.changed, changed=False)
            self._context.data.load(acted.changed[0])
            self._read_overlays()

    def _read_overlays(self) -> None:
        """Let what lies over the list show what was undone or done again."""
        for overlay in self._context.overlays:
            overlay.cache_changed()

    def _read_with_told(self) -> tuple[Undoable | None, str]:
        """The next act to undo, and the sentence that says which partners its undo is told."""
        undoable = self._read()
        if undoable is None or undoable.where is Where.HERE:
            return undoable, ""
        try:
            trial = self._context.desk.trial.undo(self._context.now(), undoable.group)
        except CareQueueError:  # the undo itself will say why
            return undoable, ""
        return undoable, trial.told

    def _ask_about(self, read: tuple[Undoable | None, str]) -> None:
        """Ask about an act of another window, by name: the footer named no act of this window."""
        undoable, told = read
        if self._running:
            return  # an act began meanwhile; its own message follows
        self._set_next(undoable)
        target = self._next
        if target is None:
            self._context.say(Message("There is nothing to undo.", Tone.REFUSED))
        elif target.act.where is Where.HERE:
            text = f"Not undone: {target.act.words} was not named yet. Press the key again."
            self._context.say(Message(text, Tone.REFUSED))
        else:
            self._open_question(target, told)

    def _open_question(self, target: Target, told: str) -> None:
        from carequeue.screens.prompt_overlays import ConfirmOverlay, Option

        context = self._context
        text = partial(question, target.act, context.now(), context.zone, told=told)
        yes = Option("y", "yes", partial(self._undo, target))
        no = Option("esc", "no", lambda: context.say(Message("Nothing was undone.")))
        context.push(ConfirmOverlay(context, text, (yes, no)))
