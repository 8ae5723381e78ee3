"""The keys that apply to this row, most used first, in the last line.

In:  the verbs that apply (in the order of the row), the kind, the width. Out: pairs of key and
word, and no word is cut; the keys for all actions and for help are always there.
Keys and words come from the table of verbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from carequeue.verbs.motions import SIGNS
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import find_verb, marked_verbs
from carequeue.verbs.undo import VERB as UNDO
from carequeue.widgets.themes import Part, Parts

#: Below this width the footer uses the short words of the verbs.
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
    """The name on the screen of a Textual key: `question_mark` is `?`."""
    return _NAMES.get(key, key)


def row_pairs(
    verbs: str,
    kind: str,
    width: int,
    keys: dict[str, str],
    also: Sequence[Pair] = (),
    undo: str = "",
) -> list[Pair]:
    """The pairs for a row, and the pairs `also`, which always have room.

    `keys`: the key of each verb, for a person may have moved it. `undo`: the words for the next act
    to undo, "" if there is none.
    """
    short = width < WORDS_FROM
    mark = [MARK] if verbs and not short and not also else []
    all_actions = (":", "more" if short else "all actions")
    undo_pair = [(key_name(keys.get(UNDO.name, UNDO.key)), undo)] if undo else []
    last = [*undo_pair, *also, *mark, all_actions, ("?", "keys")]
    room = width - sum(_cells(pair) for pair in last)
    pairs: list[Pair] = []
    for name in names_of(verbs):
        verb = find_verb(name)
        if verb is None or not verb.on_item:
            continue
        key = key_name(keys.get(name, verb.key))
        pair = (key, verb.label_for(kind, short))
        if (room := room - _cells(pair)) < 0:
            break
        pairs.append(pair)
    return [*pairs, *last]


def marked_pairs(
    width: int, keys: dict[str, str], also: Sequence[Pair] = (), undo: str = ""
) -> list[Pair]:
    """The pairs while items are marked: verbs for several items, and the key that unmarks them."""
    verbs = " ".join(verb.name for verb in marked_verbs())
    return row_pairs(verbs, "", width, keys, also=(*also, UNMARK), undo=undo)


def footer_parts(pairs: Sequence[Pair], width: int) -> Parts:
    """Pairs as parts; a pair that does not fit is left out."""
    parts: list[Part] = []
    for key, word in pairs:
        if (width := width - _cells((key, word))) < -2:  # the last pair needs no gap after it
            break
        parts += [(" ", "text"), (key, "key"), (f" {word}  ", "text")]
    return parts


def _cells(pair: Pair) -> int:
    return cell_len(pair[0]) + cell_len(pair[1]) + 4
