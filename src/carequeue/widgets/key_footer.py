"""The keys that apply to this row, most used first, in the last line.

In:  the verbs that apply (in the order of the row), the kind, the width. Out: whole pairs of key
and word, never a word cut in two; the way to all actions and to all keys is always there.
Both come from the table of verbs; nothing is named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from carequeue.verbs.motions import SIGNS
from carequeue.verbs.table import find_verb, marked_verbs
from carequeue.verbs.undo import VERB as UNDO
from carequeue.widgets.themes import Part, Parts

#: Below this width the short words of the verbs are used.
WORDS_FROM: Final = 100
_NAMES: Final = SIGNS | {
    "escape": "esc", "pagedown": "pgdn", "pageup": "pgup",
    "down": "↓", "up": "↑", "left": "←", "right": "→",
}  # fmt: skip
Pair = tuple[str, str]
MARK: Final = ("space", "mark")
UNMARK: Final = ("\\", "unmark all")
BACK: Final = ("esc", "back")


def key_name(key: str) -> str:
    """How a key of Textual is written on the screen: `question_mark` is `?`."""
    return _NAMES.get(key, key)


def row_pairs(
    verbs: str,
    kind: str,
    width: int,
    keys: dict[str, str],
    also: Sequence[Pair] = (),
    undo: str = "",
) -> list[Pair]:
    """The pairs for a row, and others that have to be there.

    `keys` gives the key of a verb that was moved from its default. `undo`: what undo would undo,
    "" where there is nothing.
    """
    narrow = width < WORDS_FROM
    mark = [MARK] if verbs and not narrow and not also else []
    all_actions = (":", "more" if narrow else "all actions")
    undoing = [(key_name(keys.get(UNDO.name, UNDO.key)), undo)] if undo else []
    last = [*undoing, *also, *mark, all_actions, ("?", "keys")]
    room = width - sum(_cells(pair) for pair in last)
    pairs: list[Pair] = []
    for name in verbs.split():
        verb = find_verb(name)
        if verb is None or not verb.on_item:
            continue
        key = key_name(keys.get(name, verb.key))
        pair = (key, verb.label_for(kind, narrow))
        if (room := room - _cells(pair)) < 0:
            break
        pairs.append(pair)
    return [*pairs, *last]


def marked_pairs(
    width: int, keys: dict[str, str], also: Sequence[Pair] = (), undo: str = ""
) -> list[Pair]:
    """The pairs while items are marked: what is done to many, and the way out of it."""
    verbs = " ".join(verb.name for verb in marked_verbs())
    return row_pairs(verbs, "", width, keys, also=(*also, UNMARK), undo=undo)


def footer_parts(pairs: Sequence[Pair], width: int) -> Parts:
    """Pairs as parts; those that do not fit whole are left out."""
    parts: list[Part] = []
    for key, word in pairs:
        if (width := width - _cells((key, word))) < -2:  # the last needs no gap behind it
            break
        parts += [(" ", "text"), (key, "key"), (f" {word}  ", "text")]
    return parts


def _cells(pair: Pair) -> int:
    return cell_len(pair[0]) + cell_len(pair[1]) + 4
