"""Undo: what the footer names, what `u` does to it, and the question about another window's act.

In:  the desk's next act to undo, the acts of this window that are still under way. Out: the words
of the footer; undoing exactly the act that was named when the key came.
An act of this window is named as soon as its key came, before it is in the cache: its group is
known by the time that the thread of acts comes to undoing it. What others change is named with the
next paint only, so that no key means an act that its person has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion, CareQueueError
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.undo_wording import footer_words, question
from carequeue.worklist.results import Acted, Undoable, Where

if TYPE_CHECKING:
    from datetime import tzinfo

    from carequeue.screens.overlay import Stage


@dataclass(eq=False)
class Target:
    """What `u` would undo; `group` is "" while an act of this window is under way."""

    act: Undoable
    group: str


class Undoing:
    """What there is to undo in one window."""

    def __init__(self, stage: Stage, zone: tzinfo) -> None:
        self._stage, self._zone = stage, zone
        self._next: Target | None = None
        self._worded: Target | None = None  # what the footer last found words for
        self._painted: Target | None = None
        self._before: Target | None = None  # what the footer named before that
        self._since = 0.0  # when it was painted
        self._under_way = 0  # acts and undos of this window that have not come to their end
        self._turn = 0  # changes with each of them: what was read before is no longer true

    # --- what the footer names

    def words(self, width: int) -> str:
        """The footer's words; "" where there is nothing to undo."""
        self._worded = self._next
        return footer_words(self._next.act, width) if self._next else ""

    def covered(self) -> None:
        """The keys of a layer stand in the footer: what it named before still holds."""
        self._worded = self._painted

    def painted(self) -> None:
        """The footer was drawn, with the words that it last found."""
        if self._worded is not self._painted:
            self._before, self._painted, self._since = self._painted, self._worded, seconds()

    def _named_at(self, came: float) -> Target | None:
        """What the footer named when a key came."""
        return self._before if came < self._since else self._painted

    # --- keeping it true

    def ask(self) -> None:
        """The cache has changed: ask what is next to undo."""
        turn = self._turn
        self._stage.look(self._read, lambda found: self._came(turn, found))

    def _came(self, turn: int, found: Undoable | None) -> None:
        if turn == self._turn and not self._under_way:
            self._take(found)
            self._stage.draw()

    def _read(self) -> Undoable | None:
        try:
            return self._stage.desk.undoable()
        except CareQueueError:  # what cannot be read now is asked for again
            return None

    def _take(self, found: Undoable | None) -> None:
        if found is None:
            self._next = None
        elif self._next is not None and self._next.group == found.group:
            self._next.act = found
        else:
            self._next = Target(found, found.group)

    def run(self, act: Undoable, work: Callable[[], Acted], then: Callable[[Acted], None]) -> None:
        """Do an act of this window; from now on the footer names it."""
        target = Target(act, "")

        def acts() -> Acted:
            acted = work()
            target.group = acted.group
            return acted

        # The person's own key: what it named before is past, without waiting for a paint.
        self._next = self._worded = self._painted = self._before = target
        self._begin(acts, then)

    def _begin(self, work: Callable[[], Acted], then: Callable[[Acted], None]) -> None:
        """On the thread of acts; what is next to undo is read there too, after it."""
        self._under_way += 1
        self._turn += 1

        def whole() -> tuple[Acted | CareQueueError, Undoable | None]:
            came: Acted | CareQueueError
            try:
                came = work()
            except CareQueueError as error:
                came = error
            return came, self._read()

        def ended(came: tuple[Acted | CareQueueError, Undoable | None]) -> None:
            self._under_way -= 1
            self._turn += 1
            if not self._under_way:
                self._take(came[1])
            if isinstance(came[0], CareQueueError):
                self._stage.failed(came[0])
            else:
                then(came[0])

        self._stage.act(whole, ended)

    # --- the key

    def press(self) -> None:
        """`u`: undo what the footer named, or ask about what another window did."""
        target = self._named_at(self._stage.came)
        if target is not None and target.act.where is Where.HERE:
            self._undo(target)
        elif self._under_way:
            self._stage.say(Message("An undo is under way. Press the key again in a moment."))
        else:
            self._stage.look(self._read, self._found)

    def _undo(self, target: Target) -> None:
        stage, now = self._stage, self._stage.now()

        def work() -> Acted:
            if not target.group:
                raise BadQuestion(f"Nothing to undo: {target.act.words} was not done.")
            return stage.desk.undo(now, target.group)

        self._next = None
        self._begin(work, self._undone)

    def _undone(self, acted: Acted) -> None:
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        self._stage.say(Message(acted.message, tone))
        if acted.changed:
            self._stage.settled(acted.changed, kept=False)
            self._stage.reload(acted.changed[0])

    def _found(self, found: Undoable | None) -> None:
        """Nothing of this window was named: ask by name about what others did."""
        if self._under_way:
            return  # an act has come since; its own words are said
        self._take(found)
        target = self._next
        if target is None:
            self._stage.say(Message("There is nothing to undo.", Tone.REFUSED))
        elif target.act.where is Where.HERE:
            words = f"Not undone: {target.act.words} was not named yet. Press the key again."
            self._stage.say(Message(words, Tone.REFUSED))
        else:
            self._question(target)

    def _question(self, target: Target) -> None:
        from carequeue.screens.prompt_overlays import ConfirmLayer, Option

        stage = self._stage
        words = partial(question, target.act, stage.now(), self._zone)
        yes = Option("y", "yes", partial(self._undo, target))
        no = Option("esc", "no", lambda: stage.say(Message("Nothing was undone.")))
        stage.push(ConfirmLayer(stage, words, (yes, no)))
