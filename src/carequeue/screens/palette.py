"""All actions in one list, filtered while the person types: `:` to do one, `?` to learn the keys.

In:  the table of verbs and motions, the verbs that apply to this row. Out: the chosen action.
Each action shows its key, so that the person learns it. Actions that do not apply stay in the list
and say why as soon as the reason has been read; the list does not wait for it. Loaded after the
first frame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from carequeue.screens.key_map import KeyMap
from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.screen_context import ScreenContext
from carequeue.verbs.motions import MOTIONS, Motion
from carequeue.verbs.table import all_verbs
from carequeue.verbs.verb import Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.text_width import cut, fill
from carequeue.widgets.themes import Part, Parts


class Entry(NamedTuple):
    """One action with its keys and words; `off`: it does not apply, for the reason `why` ("": not
    read yet).
    """

    action: Verb | Motion
    keys: str
    label: str
    help: str
    off: bool = False
    why: str = ""


def entries(keys: KeyMap, kind: str, applies: Collection[str]) -> list[Entry]:
    """All actions; those that do not apply to an item of this kind ("": no item) come last."""
    actions: list[Entry] = []
    for verb in all_verbs():
        off = verb.on_item and verb.name not in applies
        why = "" if kind else "there is no item here"
        label = verb.label_for(kind)
        words = verb.help.partition(";")[0].rstrip(".")  # how to undo it has its own line
        actions.append(Entry(verb, key_name(keys.of[verb.name]), label, words, off, why))
    for motion in MOTIONS:
        first = keys.of[motion.name]
        others = [key for key in motion.keys[1:] if keys.meaning(key) is motion]
        names = " ".join(key_name(key) for key in (first, *others)[:2] if key)
        actions.append(Entry(motion, names, motion.name.replace("_", " "), motion.words))
    return sorted(actions, key=lambda entry: entry.off)


def _distance(entry: Entry, typed: str) -> int:
    """How far the typed text is from the name of an action; 0 is the nearest."""
    label = entry.label.casefold()
    if label.startswith(typed):
        return 0
    return 1 if f" {typed}" in f" {label}" else 2 if typed in label else 3


class PaletteOverlay(Overlay):
    """The list, the typed text, and the chosen entry."""

    asks = owns_keys = covers = True

    def __init__(self, context: ScreenContext, actions: Sequence[Entry], title: str) -> None:
        self._context, self._all, self._title = context, actions, title
        self._typed = EditLine()
        self._chosen = 0

    def press(self, key: str, character: str | None) -> bool:
        """Filter, choose, do or close."""
        shown = self.shown
        if key == "escape" or (key == "backspace" and not self._typed.text):
            self._context.pop(self)
            return True
        if key == "enter":
            if shown:
                self._context.pop(self)
                self._context.run(shown[self._chosen].action)
            return True
        if key in ("down", "tab", "up", "shift+tab"):
            step = 1 if key in ("down", "tab") else -1
            self._chosen = (self._chosen + step) % max(1, len(shown))
        elif self._typed.press(key, character):
            self._chosen = 0
        self.reshow()
        return True

    def reshow(self) -> None:
        """Show the list with the chosen entry in sight."""
        self._context.display(self.lines, self._chosen)

    def explain(self, reasons: Mapping[str, str]) -> None:
        """Add why actions do not apply; no entry moves, so that enter does the chosen one."""
        self._all = [entry._replace(why=reasons.get(entry.action.name, "")) for entry in self._all]
        if self in self._context.overlays:
            self.reshow()

    @property
    def shown(self) -> list[Entry]:
        """The entries that contain every typed word; those whose name begins with it come first."""
        wanted = self._typed.text.casefold().split()
        matches = [
            entry
            for entry in self._all
            if all(word in f"{entry.label} {entry.help} {entry.keys}".casefold() for word in wanted)
        ]
        return sorted(matches, key=lambda entry: _distance(entry, self._typed.text.casefold()))

    def lines(self, width: int) -> list[Parts]:
        """The list as lines."""
        if not self.shown:
            return [[(f" No action contains “{self._typed.text}”.", "muted")]]
        return [self._entry(index, entry, width) for index, entry in enumerate(self.shown)]

    def _entry(self, index: int, entry: Entry, width: int) -> list[Part]:
        here = index == self._chosen
        label, key = ("muted", "muted") if entry.off else ("strong" if here else "text", "key")
        text = f"off: {entry.why}".rstrip(": ") if entry.off else entry.help
        room = max(0, width - 2 - 11 - 16)
        return [
            ("▌" if here else " ", "me"),
            (fill(entry.keys, 11) + " ", key),
            (fill(entry.label, 15) + " ", label),
            (cut(text, room), "text" if here else "muted"),
        ]

    def line(self, width: int) -> Parts:
        """The title and the typed text."""
        head: list[Part] = [(f" {self._title} ", "key")]
        return [*head, *self._typed.parts(max(10, width - len(self._title) - 4))]

    def pairs(self, width: int) -> Pairs:
        """The keys that use it."""
        return [("type", "to find"), ("↑ ↓", "choose"), ("enter", "do it"), ("esc", "back")]
