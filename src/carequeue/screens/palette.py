"""All actions in one list, filtered while one types: `:` to do one, `?` to learn the keys.

In:  the table of verbs and motions, the verbs that apply to this row. Out: the action chosen.
The key stands beside each action, so that the list makes itself unnecessary; what is off stays
in it and says why, as soon as that has been read: the list does not wait for it. Loaded after the
first frame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from carequeue.screens.key_map import Keys
from carequeue.screens.overlay import Layer, Pairs, Stage
from carequeue.verbs.motions import MOTIONS, Motion
from carequeue.verbs.table import all_verbs
from carequeue.verbs.verb import Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.line import cut, fill
from carequeue.widgets.themes import Part, Parts


class Entry(NamedTuple):
    """One action: what it is, its keys, its words, whether it is off, and why ("": not read)."""

    action: Verb | Motion
    keys: str
    label: str
    help: str
    off: bool = False
    why: str = ""


def entries(keys: Keys, kind: str, applies: Collection[str]) -> list[Entry]:
    """All actions; those that do not apply to an item of this kind ("": there is none) last."""
    found: list[Entry] = []
    for verb in all_verbs():
        off = verb.on_item and verb.name not in applies
        why = "" if kind else "there is no item here"
        label = verb.label_for(kind)
        words = verb.help.partition(";")[0].rstrip(".")  # the way back has its own line: undo
        found.append(Entry(verb, key_name(keys.of[verb.name]), label, words, off, why))
    for motion in MOTIONS:
        first = keys.of[motion.name]
        others = [key for key in motion.keys[1:] if keys.meaning(key) is motion]
        names = " ".join(key_name(key) for key in (first, *others)[:2] if key)
        found.append(Entry(motion, names, motion.name.replace("_", " "), motion.words))
    return sorted(found, key=lambda entry: entry.off)


def _distance(entry: Entry, typed: str) -> int:
    """How far what was typed is from the name of an action."""
    label = entry.label.casefold()
    if label.startswith(typed):
        return 0
    return 1 if f" {typed}" in f" {label}" else 2 if typed in label else 3


class PaletteLayer(Layer):
    """The list, what is typed, and which entry is chosen."""

    asks = owns_keys = covers = True

    def __init__(self, stage: Stage, found: Sequence[Entry], title: str) -> None:
        self._stage, self._all, self._title = stage, found, title
        self._typed = EditLine()
        self._chosen = 0
        self._closed = False

    def press(self, key: str, character: str | None) -> bool:
        """Filter, choose, do or close."""
        shown = self.shown
        if key == "escape" or (key == "backspace" and not self._typed.text):
            self._stage.pop(self)
            return True
        if key == "enter":
            if shown:
                self._stage.pop(self)
                self._stage.run(shown[self._chosen].action)
            return True
        if key in ("down", "tab", "up", "shift+tab"):
            step = 1 if key in ("down", "tab") else -1
            self._chosen = (self._chosen + step) % max(1, len(shown))
        elif self._typed.press(key, character):
            self._chosen = 0
        self.show()
        return True

    def show(self) -> None:
        """Show the list with the chosen entry in sight."""
        self._stage.display(self.lines, self._chosen)

    def explain(self, reasons: Mapping[str, str]) -> None:
        """Why what is off is off; the places stay, so that enter does what the eye has chosen."""
        self._all = [entry._replace(why=reasons.get(entry.action.name, "")) for entry in self._all]
        if not self._closed:
            self.show()

    @property
    def shown(self) -> list[Entry]:
        """The entries that hold every typed word; those whose name begins with it come first."""
        wanted = self._typed.text.casefold().split()
        found = [
            entry
            for entry in self._all
            if all(word in f"{entry.label} {entry.help} {entry.keys}".casefold() for word in wanted)
        ]
        return sorted(found, key=lambda entry: _distance(entry, self._typed.text.casefold()))

    def lines(self, width: int) -> list[Parts]:
        """The list as lines."""
        if not self.shown:
            return [[(f" No action holds “{self._typed.text}”.", "muted")]]
        return [self._entry(n, entry, width) for n, entry in enumerate(self.shown)]

    def _entry(self, number: int, entry: Entry, width: int) -> list[Part]:
        here = number == self._chosen
        label, key = ("muted", "muted") if entry.off else ("strong" if here else "text", "key")
        words = f"off: {entry.why}".rstrip(": ") if entry.off else entry.help
        room = max(0, width - 2 - 11 - 16)
        return [
            ("▌" if here else " ", "me"),
            (fill(entry.keys, 11) + " ", key),
            (fill(entry.label, 15) + " ", label),
            (cut(words, room), "text" if here else "muted"),
        ]

    def line(self, width: int) -> Parts:
        """What is typed."""
        head: list[Part] = [(f" {self._title} ", "key")]
        return [*head, *self._typed.parts(max(10, width - len(self._title) - 4))]

    def pairs(self, width: int) -> Pairs:
        """How it is used."""
        return [("type", "to find"), ("↑ ↓", "choose"), ("enter", "do it"), ("esc", "back")]

    def closed(self) -> None:
        """Show the list again."""
        self._closed = True
        self._stage.unread()

    def reshow(self) -> bool:
        """Show the list of actions again."""
        self.show()
        return True
