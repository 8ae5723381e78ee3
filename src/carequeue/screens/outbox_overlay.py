"""The layer of the outbox: all that the server does not have, and what a person can do about it.

In:  the lines of `desk.outbox`. Out: another try, a discard after a typed word, an export, the way
to the item or its conflict. What was refused is the only thing that can be discarded here: what
waits is taken back with undo, what differs is answered.
The chosen line is held by its id: when the list changes, it keeps its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import BadQuestion
from carequeue.screens.overlay import Layer, Pairs, Stage
from carequeue.screens.prompt_overlays import TypedLayer
from carequeue.screens.reader_overlays import CLOSE
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.outbox_pane import OutboxPane, state_of

if TYPE_CHECKING:
    from carequeue.worklist.results import Acted, OutboxLine

_STEPS: Final = {"j": 1, "down": 1, "k": -1, "up": -1}
_PAGES: Final = {"pagedown": 1, "ctrl+f": 1, "ctrl+d": 1, "space": 1, "pageup": -1, "ctrl+b": -1,
                 "ctrl+u": -1}  # fmt: skip
NEEDS: Final = frozenset({"conflict", "needs_you"})
#: The keys that the footer of a narrow screen has no room for.
KEYS: Final = "j k move   n next that needs you   R try all again   D discard all refused"
#: Why `d` discards only what was refused, by how a line stands.
_NOT_DISCARDED: Final = {
    "conflict": "It differs: enter shows both, and there you choose.",
    "checking": "It may be on the server already: that is found out first.",
    "waiting": "It still waits: u in the queue undoes what you did last.",
    "behind": "It waits behind another one: deal with that one first.",
    "kept_here": "It is kept here only: u in the queue undoes what you did last.",
}


class OutboxLayer(Layer):
    """The outbox. `opened` goes to the item of a line, `keep` writes a private file."""

    asks = covers = True

    def __init__(
        self,
        stage: Stage,
        zone: tzinfo,
        opened: Callable[[OutboxLine], None],
        keep: Callable[[str, str], str],
        *,
        item: str = "",
    ) -> None:
        self._stage, self._zone, self._opened, self._keep = stage, zone, opened, keep
        self._pane: OutboxPane | None = None
        self._item = item  # the item whose line is wanted first
        self._width = 0

    # --- reading

    def changed(self) -> None:
        """Read the outbox (again)."""
        stage = self._stage
        now = stage.now()
        stage.look(lambda: tuple(stage.desk.outbox(now)), self._read)

    def _read(self, lines: Sequence[OutboxLine]) -> None:
        old = self._pane
        labels = {line.source: self._stage.origin(line.source).label for line in lines}
        pane = OutboxPane(lines, self._stage.now(), self._zone, labels)
        wanted = old.line.id if old and old.line else ""
        found = [n for n, one in enumerate(pane.lines) if one.id == wanted] or [
            n for n, one in enumerate(pane.lines) if self._item and one.item_key == self._item
        ]
        last = len(pane.lines) - 1
        pane.chosen = found[0] if found else max(0, min(old.chosen if old else 0, last))
        pane.note = old.note if old else ""
        self._pane, self._item = pane, ""
        self._stage.unread()
        self._stage.draw()

    def reshow(self) -> bool:
        """Show the list with the chosen line in sight."""
        self._stage.display(self._lines, self._pane.place(self._width) if self._pane else 0)
        return True

    def _lines(self, width: int) -> list[Sequence[tuple[str, str]]]:
        self._width = width
        if self._pane is None:
            return [[("Reading what is not on the server yet …", "muted")]]
        return self._pane.parts(width)

    def closed(self) -> None:
        """Show the list again."""
        self._stage.unread()

    # --- keys

    def press(self, key: str, character: str | None) -> bool:
        """Move, act on the chosen line, or close."""
        pane = self._pane
        if key in CLOSE:
            self._stage.pop(self)
        elif pane is None or pane.line is None:
            self._stage.say(Message("There is nothing here to act on.", hint="esc goes back"))
        elif key in _STEPS or key in _PAGES or key in ("g", "home", "G", "end", "n", "x"):
            self._move(pane, key)
        elif key == "enter":
            self._opened(pane.line)
        elif key in ("r", "R"):
            self._retry(pane.line, everything=key == "R")
        elif key in ("d", "D"):
            self._discard(pane, pane.line, everything=key == "D")
        elif key == "e":
            self._export()
        elif key == "question_mark":
            self._stage.say(Message(KEYS))
        else:
            self._stage.say(Message("That key does nothing here.", hint="? says which do"))
        return True

    def _move(self, pane: OutboxPane, key: str) -> None:
        last = len(pane.lines) - 1
        if key in ("n", "x"):
            order = [*range(pane.chosen + 1, last + 1), *range(pane.chosen)]
            needing = [n for n in order if state_of(pane.lines[n]) in NEEDS]
            if not needing:
                self._stage.say(Message("Nothing else needs you."))
                return
            pane.chosen = needing[0]
        elif key in ("g", "home", "G", "end"):
            pane.chosen = 0 if key in ("g", "home") else last
        else:
            step = _STEPS.get(key) or _PAGES[key] * 10
            pane.chosen = max(0, min(pane.chosen + step, last))
        self.reshow()

    def _retry(self, line: OutboxLine, *, everything: bool) -> None:
        stage = self._stage
        now = stage.now()
        state = state_of(line)
        if everything or state == "needs_you":
            ids = () if everything else (line.id,)
            stage.act(lambda: stage.desk.retry(ids, now), self._acted)
        elif state == "conflict":
            stage.say(Message(_NOT_DISCARDED[state], Tone.REFUSED))
        elif state == "kept_here":
            why = line.words.removeprefix("kept here only: ") or "its server has no place for it"
            stage.say(
                Message(f"Kept here only: {why}.", hint="it is sent by itself once it can be")
            )
        else:
            stage.nudge()

    def _discard(self, pane: OutboxPane, line: OutboxLine, *, everything: bool) -> None:
        stage = self._stage
        refused = [one for one in pane.lines if state_of(one) == "needs_you"]
        if everything and len(refused) > 1:
            chosen, words = refused, f"Discard all {len(refused)} that were refused, for good?"
        elif refused and (everything or line in refused):
            one = refused[0] if everything else line
            chosen, words = [one], f"Discard {one.client}, {one.did}, for good?"
        else:
            why = "Nothing here was refused: there is nothing to discard."
            state = "" if everything else state_of(line)
            stage.say(Message(_NOT_DISCARDED.get(state, why), Tone.REFUSED))
            return
        ids = tuple(one.id for one in chosen)
        stage.look(lambda: stage.desk.discard_word(ids), partial(self._confirm, ids, words))

    def _confirm(self, ids: tuple[str, ...], words: str, word: str) -> None:
        """Ask for the word, unless the outbox has been left since."""
        stage = self._stage
        if not stage.on_top(self):
            return
        now = stage.now()

        def done(typed: str) -> None:
            stage.act(lambda: stage.desk.discard(ids, typed, now), self._acted)

        stage.push(TypedLayer(stage, words, word, done))

    def _acted(self, acted: Acted) -> None:
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        self._stage.say(Message(acted.message, tone))
        self.changed()

    def _export(self) -> None:
        stage, now = self._stage, self._stage.now()
        name = f"outbox-{now.astimezone(self._zone):%Y-%m-%d-%H%M%S}.jsonl"

        def work() -> tuple[str, int]:
            text = stage.desk.export((), now)
            if not text.strip():
                raise BadQuestion("There is nothing to export.")
            return self._keep(name, text), len(text.splitlines())

        stage.act(work, self._exported)

    def _exported(self, written: tuple[str, int]) -> None:
        where, count = written
        if self._pane is not None:
            self._pane.note = f"Exported to {where}; only you can read it."
        noun = "decision" if count == 1 else "decisions"
        self._stage.say(Message(f"Exported: {count} {noun}; the first line says where.", Tone.DONE))
        self._stage.unread()

    def pairs(self, width: int) -> Pairs:
        """The keys that mean something for the chosen line."""
        line = self._pane.line if self._pane else None
        if line is None:
            return [("esc", "back")]
        state = state_of(line)
        own = {
            "needs_you": [("r", "try again"), ("d", "discard")],
            "conflict": [("enter", "choose")],
            "waiting": [("r", "sync now")],
            "checking": [("r", "sync now")],
        }.get(state, [])
        go = [] if state == "conflict" else [("enter", "go there")]
        rest = [("e", "export"), ("n", "next that needs you"), ("R", "try all again")]
        return [*own, *go, ("esc", "back"), *rest, ("D", "discard all")]
