"""The overlay of one's own acts: what was done, where it stands, and an undo for each act.

In:  pages of acts, newest first. Out: the undo of the chosen act, the way to its item.
The key of undo asks nothing: the person has chosen the act by name. An act that can no longer be
undone says why, in the words of the desk. The next page is read when the choice comes near the end
of the acts that were read. The chosen act is held by its group: when the list changes, the choice
stays on its act.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.reader_overlays import CLOSE
from carequeue.screens.screen_context import ScreenContext
from carequeue.verbs.undo import VERB as UNDO
from carequeue.widgets.history_pane import HistoryPane
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone

if TYPE_CHECKING:
    from carequeue.widgets.themes import Parts
    from carequeue.worklist.results import HistoryPage, PastAct

#: Acts in a page, and how near to the end of the acts that were read the next page is read.
PAGE: Final = 100
_NEAR: Final = 20
_STEPS: Final = {
    "j": 1, "down": 1, "k": -1, "up": -1, "pagedown": 10, "ctrl+f": 10, "ctrl+d": 10, "space": 10,
    "pageup": -10, "ctrl+b": -10, "ctrl+u": -10,
}  # fmt: skip
_JUMPS: Final = {"g": "top", "home": "top", "G": "bottom", "end": "bottom"}


class HistoryOverlay(Overlay):
    """One's own acts. `undo` undoes a group, `redo` does again what was undone last."""

    asks = covers = True

    def __init__(
        self, context: ScreenContext, undo: Callable[[str], None], redo: Callable[[], None]
    ) -> None:
        self._context, self._undo, self._redo = context, undo, redo
        self._pane: HistoryPane | None = None
        self._before = 0  # where the next page begins; 0 if all was read
        self._turn = 0  # counts the reads of all pages; a page of an earlier turn is dropped
        self._reading = False  # whether a page is being read
        self._width = 0

    # --- reading

    def cache_changed(self) -> None:
        """Read the acts again, as many as were read before."""
        self._turn += 1
        known = len(self._pane.acts) if self._pane else 0
        context, now, limit = self._context, self._context.now(), max(PAGE, known)
        self._reading = True
        then = partial(self._received, self._turn, ())
        context.submit_read(lambda: context.desk.undos.history(now, limit=limit), then)

    def _read_on(self) -> None:
        """Read the next page, if there is one and the choice is near the end of the last one."""
        pane, context, now, before = self._pane, self._context, self._context.now(), self._before
        if pane is None or self._reading or not before or pane.chosen < len(pane.acts) - _NEAR:
            return
        self._reading = True
        then = partial(self._received, self._turn, tuple(pane.acts))
        context.submit_read(lambda: context.desk.undos.history(now, before, PAGE), then)

    def _received(self, turn: int, known: tuple[PastAct, ...], page: HistoryPage) -> None:
        if turn != self._turn:
            return
        old, context = self._pane, self._context
        self._reading, self._before = False, page.before
        acts = (*known, *page.acts)
        pane = HistoryPane(acts, context.now(), context.zone, complete=not page.before)
        groups = [act.group for act in acts]
        chosen = old.act.group if old and old.act else ""
        index = groups.index(chosen) if chosen in groups else old.chosen if old else 0
        pane.chosen = max(0, min(index, len(acts) - 1))
        self._pane = pane
        context.uncover()
        context.draw()

    def reshow(self) -> None:
        """Show the list with the chosen act in sight."""
        line = self._pane.last_line_of_chosen(self._width) if self._pane else 0
        self._context.display(self._lines, line)

    def _lines(self, width: int) -> list[Parts]:
        self._width = width
        if self._pane is None:
            return [[("Reading what you did …", "muted")]]
        return self._pane.parts(width)

    # --- keys

    def press(self, key: str, character: str | None) -> bool:
        """Move, undo the chosen act, go to its item, or close."""
        pane, keys = self._pane, self._context.keys.of
        if key in CLOSE:
            self._context.pop(self)
        elif pane is None or pane.act is None:
            self._context.say(Message("There is nothing here to act on.", hint="esc goes back"))
        elif key in _STEPS or key in _JUMPS:
            self._move(pane, key)
        elif key == keys[UNDO.name]:
            self._undo(pane.act.group)
        elif key == keys["redo"]:
            self._redo()
        elif key == "enter":
            self._go_to(pane.act)
        else:
            self._context.say(Message("That key does nothing here.", hint="esc goes back"))
        return True

    def _move(self, pane: HistoryPane, key: str) -> None:
        last = len(pane.acts) - 1
        if key in _JUMPS:
            pane.chosen = 0 if _JUMPS[key] == "top" else last
        else:
            pane.chosen = max(0, min(pane.chosen + _STEPS[key], last))
        self.reshow()
        self._context.draw()
        self._read_on()

    def _go_to(self, act: PastAct) -> None:
        context = self._context
        if not act.key:
            text = f"This act was on {act.client}: filter the list for the one that you look for."
            context.say(Message(text, Tone.REFUSED))
        elif not context.go_to(act.key):
            text = f"{act.client}: this item is no longer in the queue."
            context.say(Message(text, Tone.REFUSED))
        else:
            context.pop(self)
            hint = f"{key_name(context.keys.of['history'])} goes back to what you did"
            context.say(Message(f"{act.client}: {act.did}.", hint=hint))

    def pairs(self, width: int) -> Pairs:
        """The keys that apply to the chosen act."""
        act = self._pane.act if self._pane else None
        if act is None:
            return [("esc", "back")]
        keys = self._context.keys.of
        undo = [(key_name(keys[UNDO.name]), "undo it")] if act.state != "undone" else []
        redoable = self._context.desk.undos.redoable
        redo = [(key_name(keys["redo"]), "do again")] if redoable == act.group else []
        go = [("enter", "go there")] if act.key else []
        return [*undo, *redo, *go, ("esc", "back"), ("j k", "down, up"), ("g G", "first, last")]
