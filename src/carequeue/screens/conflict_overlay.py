"""The layer of a conflict: a key for each answer, none of them chosen, and it can wait for ever.

In:  a `Conflict` as soon as it has been read. Out: the answer, handed on as it was shown.
A key that came before the conflict was on the screen answers nothing: it was meant for what stood
there before. Enter is no answer. "Decide anew" takes theirs and leaves the item to any verb.
Not here: what an answer does (`desk.answer`), how it is drawn (`widgets/conflict_pane.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.screens.overlay import Pairs, Stage
from carequeue.screens.reader_overlays import SheetLayer
from carequeue.widgets.conflict_pane import NO_CLIENT, conflict_lines, why_not_mine
from carequeue.widgets.line import cut
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.results import Conflict

MINE: Final = "mine"
THEIRS: Final = "theirs"
#: The answers by key: how it is called for the desk, and whether another decision follows.
ANSWERS: Final = {
    "m": (MINE, False),
    "t": (THEIRS, False),
    "a": (THEIRS, True),
    "e": (THEIRS, True),
}
#: Where the record names another client: no key that, pressed twice, would act on that client.
FOR_ANOTHER_CLIENT: Final = {"y": (THEIRS, True)}


class ConflictLayer(SheetLayer):
    """One conflict. `answer` gets it as shown, how, and whether the person decides anew."""

    asks = True

    def __init__(
        self,
        stage: Stage,
        client: str,
        zone: tzinfo,
        answer: Callable[[Conflict, str, bool], None],
        following: Callable[[], None],
    ) -> None:
        super().__init__(stage, self._draw)
        self._client, self._zone = client, zone
        self._answer, self._following = answer, following
        self._shown: Conflict | None = None
        self._since = float("inf")
        self._hint = ""

    def show(self, shown: Conflict) -> None:
        """It has been read (again)."""
        self._shown, self._since, self._client = shown, seconds(), shown.client
        self._stage.unread()
        self._stage.draw()

    def refused(self, why: str) -> None:
        """The answer could not be taken; it is read again."""
        self._hint, self._since = why, float("inf")
        self._stage.draw()

    def _draw(self) -> None:
        if self._shown is None:
            reading: list[Parts] = [[(f"{self._client}: reading what differs …", "muted")]]
            self._stage.display(lambda width: reading)
        else:
            label = self._stage.origin(self._shown.source).label
            lines = partial(conflict_lines, self._shown, self._stage.now(), self._zone, label)
            self._stage.display(lines, more="space")

    def press(self, key: str, character: str | None) -> bool:
        """Answer, go to the next, look, or leave it; nothing else is a key here."""
        self._hint = ""
        answers = FOR_ANOTHER_CLIENT if self._names_another else ANSWERS
        if key in answers:
            self._choose(*answers[key])
        elif key in ("n", "j"):
            self._stage.pop(self)
            self._following()
        elif key in ("enter", "right", "w"):
            self._stage.open_detail()
        elif not super().press(key, character):
            self._hint = why_not_mine(self._shown) if self._names_another and self._shown else ""
            self._hint = self._hint or "That key answers nothing."
        return True

    @property
    def _names_another(self) -> bool:
        """Whether the record is another client's by now."""
        return self._shown is not None and self._shown.gone == "other_client"

    def _choose(self, how: str, anew: bool) -> None:
        shown = self._shown
        if shown is None or self._stage.came < self._since:
            self._hint = "Not answered: it was not in sight yet."
        elif how not in shown.can:
            self._hint = why_not_mine(shown) if how == MINE else "Theirs cannot be taken here."
        else:
            self._answer(shown, how, anew)

    def line(self, width: int) -> Parts:
        """Whom it is about; never which answer is the better one."""
        if self._hint:
            return [(f" · {cut(self._hint, width - 4)}", "soon")]
        words = "yours and theirs differ. Which holds?"
        shown = self._shown
        if shown is not None and shown.gone == "other_client":
            words = f"the record now names {shown.other_client or NO_CLIENT}."
        elif shown is not None and shown.gone == "client_unknown":
            words = f"was this about {shown.other_client or NO_CLIENT}?"
        name = cut(self._client, max(12, width - len(words) - 6))
        head: list[Part] = [(" ≠ ", "conflict-strong"), (name, "strong")]
        return [*head, (f": {words}", "text")]

    def pairs(self, width: int) -> Pairs:
        """The answers that are possible, and the way on and back."""
        can = self._shown.can if self._shown is not None else ()
        mine = [("m", "keep mine")] if MINE in can else []
        if self._names_another:
            return [("y", "decide again"), ("n", "next"), ("esc", "later"), ("enter", "detail")]
        theirs = [("t", "take theirs"), ("a", "decide anew")] if THEIRS in can else []
        return [*mine, *theirs, ("n", "next"), ("esc", "later"), ("enter", "detail")]
