"""The overlay of a conflict: one key for each choice, no default, and it can wait.

In:  a `Conflict` as soon as it has been read. Out: the choice, passed on with the conflict as it
was shown. A key that was pressed before the conflict was on the screen chooses nothing: it was
meant for the screen before. Enter chooses nothing. "Decide again" keeps theirs and leaves the item
to any verb.
Not here: what a choice does (`desk.outbox.resolve`), how it looks (`widgets/conflict_pane.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from carequeue.screens.overlay import Pairs
from carequeue.screens.reader_overlays import ReaderOverlay
from carequeue.screens.screen_context import ScreenContext
from carequeue.widgets.conflict_pane import NO_CLIENT, conflict_lines, why_not_mine
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.text_width import cut
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.results import Conflict

MINE: Final = "mine"
THEIRS: Final = "theirs"
#: The choices by key: the version to keep, and whether the person then decides again.
CHOICES: Final = {
    "m": (MINE, False),
    "t": (THEIRS, False),
    "a": (THEIRS, True),
    "e": (THEIRS, True),
}
#: The question, the longest form first; a shorter form is used before the name is cut.
_QUESTIONS: Final = (
    "your change and a colleague's conflict. Which one should be kept?",
    "your change and theirs conflict. Keep which one?",
    "keep yours or theirs?",
)
#: If the record names another client: no key that, pressed twice, would act on that client.
FOR_ANOTHER_CLIENT: Final = {"y": (THEIRS, True)}


class ConflictOverlay(ReaderOverlay):
    """One conflict. `resolve` gets it as shown, the version to keep, and whether the person then
    decides again; `go_on` opens the next item that needs the person.
    """

    asks = True

    def __init__(
        self,
        context: ScreenContext,
        client: str,
        resolve: Callable[[Conflict, str, bool], None],
        go_on: Callable[[], None],
    ) -> None:
        super().__init__(context, self._draw)
        self._context, self._client = context, client
        self._resolve, self._go_on = resolve, go_on
        self._shown: Conflict | None = None
        self._shown_since = float("inf")
        self._hint = ""

    def show(self, conflict: Conflict) -> None:
        """Show the conflict, which has been read (again)."""
        self._shown, self._shown_since, self._client = conflict, seconds(), conflict.client
        self._context.uncover()
        self._context.draw()

    def refused(self, reason: str) -> None:
        """The choice could not be made; the conflict is read again."""
        self._hint, self._shown_since = reason, float("inf")
        self._context.draw()

    def _draw(self) -> None:
        if self._shown is None:
            reading: list[Parts] = [[(f"{self._client}: reading both versions …", "muted")]]
            self._context.display(lambda width: reading)
        else:
            label = self._context.origin(self._shown.source).label
            lines = partial(
                conflict_lines, self._shown, self._context.now(), self._context.zone, label
            )
            self._context.display(lines, more="space")

    def press(self, key: str, character: str | None) -> bool:
        """Choose, go to the next item, look at the detail, or close; it takes every key."""
        self._hint = ""
        choices = FOR_ANOTHER_CLIENT if self._names_another_client else CHOICES
        if key in choices:
            self._choose(*choices[key])
        elif key in ("n", "j"):
            self._context.pop(self)
            self._go_on()
        elif key in ("enter", "right", "w"):
            self._context.open_detail()
        elif not super().press(key, character):
            another = self._names_another_client and self._shown
            self._hint = why_not_mine(another) if another else "That key chooses nothing."
        return True

    @property
    def _names_another_client(self) -> bool:
        """Whether the record now belongs to another client."""
        return self._shown is not None and self._shown.gone == "other_client"

    def _choose(self, version: str, decide_again: bool) -> None:
        shown = self._shown
        if shown is None or self._context.key_time < self._shown_since:
            self._hint = "Nothing was chosen: the conflict was not on the screen yet."
        elif version not in shown.can:
            self._hint = why_not_mine(shown) if version == MINE else "Theirs cannot be kept."
        else:
            self._resolve(shown, version, decide_again)

    def line(self, width: int) -> Parts:
        """The client and the question; never which version is better."""
        if self._hint:
            return [(f" · {cut(self._hint, width - 4)}", "soon")]
        room = width - 6 - cell_len(self._client)
        text = next((form for form in _QUESTIONS if len(form) <= room), _QUESTIONS[-1])
        shown = self._shown
        if shown is not None and shown.gone == "other_client":
            text = f"the record now names {shown.other_client or NO_CLIENT}."
        elif shown is not None and shown.gone == "client_unknown":
            text = f"was this about {shown.other_client or NO_CLIENT}?"
        elif shown is not None and shown.gone == "sent_on":
            text = "a colleague sent it on before you."
        name = cut(self._client, max(12, width - len(text) - 6))
        head: list[Part] = [(" ≠ ", "conflict-strong"), (name, "strong")]
        return [*head, (f": {text}", "text")]

    def pairs(self, width: int) -> Pairs:
        """The choices that are possible, and the keys to go on or back."""
        can = self._shown.can if self._shown is not None else ()
        mine = [("m", "keep mine")] if MINE in can else []
        theirs = [("t", "keep theirs"), ("a", "decide again")] if THEIRS in can else []
        choices = [("y", "decide again")] if self._names_another_client else [*mine, *theirs]
        return [*choices, ("n", "next"), ("esc", "later"), ("enter", "detail")]
