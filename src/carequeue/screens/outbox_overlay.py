"""The overlay of the outbox: everything that the server does not have, and what to do about it.

In:  the lines of the outbox. Out: another try, a discard after a typed word, an export, the way
to the item or its conflict. Only refused changes can be discarded here: a waiting change is undone
with undo, and in a conflict the person chooses a version.
The chosen line is held by its id: when the list changes, the choice stays on its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import BadQuestion
from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.prompt_overlays import TypedConfirmOverlay
from carequeue.screens.reader_overlays import CLOSE
from carequeue.screens.screen_context import ScreenContext
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.outbox_pane import OutboxPane, state_of

if TYPE_CHECKING:
    from carequeue.worklist.results import Acted, OutboxLine

_STEPS: Final = {"j": 1, "down": 1, "k": -1, "up": -1}
_PAGES: Final = {"pagedown": 1, "ctrl+f": 1, "ctrl+d": 1, "space": 1, "pageup": -1, "ctrl+b": -1,
                 "ctrl+u": -1}  # fmt: skip
_JUMPS: Final = ("g", "home", "G", "end", "n", "x")
NEEDS_YOU: Final = frozenset({"conflict", "needs_you"})
#: The keys for which the footer of a small screen has no room.
KEYS: Final = "j k move   n next that needs you   R retry all   D discard all refused"
#: Why `d` discards only refused changes, by the state of a line.
_NOT_DISCARDED: Final = {
    "conflict": "This is a conflict: press enter to see both versions, and choose there.",
    "checking": "It may be on the server already: that is checked first.",
    "waiting": "It is still waiting: u in the queue undoes your last act.",
    "behind": "It waits behind another change: resolve that change first.",
    "kept_here": "It is saved on this computer only: u in the queue undoes your last act.",
}
#: How an earlier version of CareQueue began the reason that it stored.
_KEPT_HERE: Final = "kept here only: "


class OutboxOverlay(Overlay):
    """The outbox. `go_to` opens the item of a line; the line of `item` is chosen first."""

    asks = covers = True

    def __init__(
        self,
        context: ScreenContext,
        go_to: Callable[[OutboxLine], None],
        item: str = "",
    ) -> None:
        self._context, self._go_to, self._item = context, go_to, item
        self._pane: OutboxPane | None = None
        self._width = 0

    # --- reading

    def cache_changed(self) -> None:
        """Read the outbox (again)."""
        context = self._context
        now = context.now()
        context.submit_read(lambda: tuple(context.desk.outbox.lines(now)), self._received)

    def _received(self, lines: Sequence[OutboxLine]) -> None:
        old = self._pane
        labels = {line.source: self._context.origin(line.source).label for line in lines}
        pane = OutboxPane(lines, self._context.now(), self._context.zone, labels)
        pane.chosen = self._chosen_in(pane, old)
        pane.note = old.note if old else ""
        self._pane, self._item = pane, ""
        self._context.uncover()
        self._context.draw()

    def _chosen_in(self, pane: OutboxPane, old: OutboxPane | None) -> int:
        """The line to choose: the same decision, else that of the item, else the same position."""
        id_before = old.line.id if old and old.line else ""
        for index, line in enumerate(pane.lines):
            if line.id == id_before:
                return index
        for index, line in enumerate(pane.lines):
            if self._item and line.item_key == self._item:
                return index
        return max(0, min(old.chosen if old else 0, len(pane.lines) - 1))

    def reshow(self) -> None:
        """Show the list with the chosen line in sight."""
        line = self._pane.last_line_of_chosen(self._width) if self._pane else 0
        self._context.display(self._lines, line)

    def _lines(self, width: int) -> list[Sequence[tuple[str, str]]]:
        self._width = width
        if self._pane is None:
            return [[("Reading the outbox …", "muted")]]
        return self._pane.parts(width)

    # --- keys

    def press(self, key: str, character: str | None) -> bool:
        """Move, act on the chosen line, or close."""
        pane = self._pane
        if key in CLOSE:
            self._context.pop(self)
        elif pane is None or pane.line is None:
            self._context.say(Message("There is nothing here to act on.", hint="esc goes back"))
        elif key in _STEPS or key in _PAGES or key in _JUMPS:
            self._move(pane, key)
        elif key == "enter":
            self._go_to(pane.line)
        elif key in ("r", "R"):
            self._retry(pane.line, everything=key == "R")
        elif key in ("d", "D"):
            self._discard(pane, pane.line, everything=key == "D")
        elif key == "e":
            self._export()
        elif key == "question_mark":
            self._context.say(Message(KEYS))
        else:
            self._context.say(Message("That key does nothing here.", hint="? shows the keys"))
        return True

    def _move(self, pane: OutboxPane, key: str) -> None:
        last = len(pane.lines) - 1
        if key in ("n", "x"):
            order = [*range(pane.chosen + 1, last + 1), *range(pane.chosen)]
            needing = [index for index in order if state_of(pane.lines[index]) in NEEDS_YOU]
            if not needing:
                self._context.say(Message("Nothing else needs you."))
                return
            pane.chosen = needing[0]
        elif key in _JUMPS:
            pane.chosen = 0 if key in ("g", "home") else last
        else:
            step = _STEPS.get(key) or _PAGES[key] * 10
            pane.chosen = max(0, min(pane.chosen + step, last))
        self.reshow()

    def _retry(self, line: OutboxLine, *, everything: bool) -> None:
        context = self._context
        now = context.now()
        state = state_of(line)
        if everything or state == "needs_you":
            ids = () if everything else (line.id,)
            context.submit_act(lambda: context.desk.outbox.retry(ids, now), self._acted)
        elif state == "conflict":
            context.say(Message(_NOT_DISCARDED[state], Tone.REFUSED))
        elif state == "kept_here":
            reason = line.words.removeprefix(_KEPT_HERE) or "this server cannot store it"
            text = f"Saved on this computer only: {reason}."
            context.say(Message(text, hint="it is sent as soon as it can be"))
        else:
            context.sync_now()

    def _discard(self, pane: OutboxPane, line: OutboxLine, *, everything: bool) -> None:
        context = self._context
        refused = [line for line in pane.lines if state_of(line) == "needs_you"]
        if everything and len(refused) > 1:
            chosen, text = refused, f"Discard all {len(refused)} refused changes for good?"
        elif refused and (everything or line in refused):
            chosen = refused if everything else [line]
            text = f"Discard {chosen[0].client}, {chosen[0].did}, for good?"
        else:
            reason = "Nothing here was refused, so there is nothing to discard."
            state = "" if everything else state_of(line)
            context.say(Message(_NOT_DISCARDED.get(state, reason), Tone.REFUSED))
            return
        ids = tuple(line.id for line in chosen)
        context.submit_read(
            lambda: context.desk.outbox.discard_word(ids), partial(self._confirm, ids, text)
        )

    def _confirm(self, ids: tuple[str, ...], text: str, word: str) -> None:
        """Ask for the word, unless the outbox was closed meanwhile."""
        context = self._context
        if context.overlays[-1:] != [self]:
            return
        now = context.now()

        def done(typed: str) -> None:
            context.submit_act(lambda: context.desk.outbox.discard(ids, typed, now), self._acted)

        context.push(TypedConfirmOverlay(context, text, word, done))

    def _acted(self, acted: Acted) -> None:
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        self._context.say(Message(acted.message, tone))
        self.cache_changed()

    def _export(self) -> None:
        context, now = self._context, self._context.now()
        name = f"outbox-{now.astimezone(self._context.zone):%Y-%m-%d-%H%M%S}.jsonl"

        def work() -> tuple[str, int]:
            text = context.desk.outbox.export(())
            if not text.strip():
                raise BadQuestion("There is nothing to export.")
            return context.hooks.write_private(name, text), len(text.splitlines())

        context.submit_act(work, self._exported)

    def _exported(self, written: tuple[str, int]) -> None:
        path, count = written
        if self._pane is not None:
            self._pane.note = f"Exported to {path}; only you can read it."
        noun = "decision" if count == 1 else "decisions"
        text = f"Exported {count} {noun}; the first line shows where."
        self._context.say(Message(text, Tone.DONE))
        self._context.uncover()

    def pairs(self, width: int) -> Pairs:
        """The keys that apply to the chosen line."""
        line = self._pane.line if self._pane else None
        if line is None:
            return [("esc", "back")]
        state = state_of(line)
        own = {
            "needs_you": [("r", "retry"), ("d", "discard")],
            "conflict": [("enter", "choose")],
            "waiting": [("r", "sync now")],
            "checking": [("r", "sync now")],
        }.get(state, [])
        go = [] if state == "conflict" else [("enter", "go there")]
        rest = [("e", "export"), ("n", "next that needs you"), ("R", "retry all")]
        return [*own, *go, ("esc", "back"), *rest, ("D", "discard all")]
