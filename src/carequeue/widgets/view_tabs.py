"""The second line: the views with their counts, and what narrows or is marked.

In:  the view, the tally, the text that narrows, how many are marked, how many came in above what
     is in sight. Out: parts.
"""

from __future__ import annotations

from itertools import chain
from typing import Final, NamedTuple

from carequeue.store.queue_window import Tally, View
from carequeue.widgets.line import cut, length, spread
from carequeue.widgets.themes import Part, Parts

VIEWS: Final = (
    ("1", View.MINE, "Mine"),
    ("2", View.TEAM, "Team"),
    ("3", View.WAITING, "Waiting"),
    ("4", View.ALL, "All"),
    ("0", View.WHOLE, "Whole"),
)


class Looking(NamedTuple):
    """What the person looks at."""

    view: View
    narrow: str = ""
    marked: int = 0
    above: int = 0  # rows that came in above the window since its top was last seen


def count_of(view: View, tally: Tally) -> int:
    """The number that stands beside a view."""
    return tally.views.get(view, tally.views.get(View.ALL, 0) + tally.snoozed)


def tabs_parts(looking: Looking, tally: Tally, width: int) -> Parts:
    """The line of views; the one of the whole queue shows where it is wide enough, or chosen.

    Where room is short the last ones give way, each as a whole, and never the one that is chosen.
    """
    right = _right(looking, tally, width)
    tabs: dict[View, list[Part]] = {}
    for key, view, word in VIEWS:
        here = view is looking.view
        if view is View.WHOLE and not here and width < 100:
            continue
        count = count_of(view, tally)
        tabs[view] = [
            (f" {key} ", "key" if here else "muted"),
            (word, "strong" if here else "text"),
            (f" {count} ", "text" if here else "muted"),
        ]
    room = width - length(right) - 1
    for view in [one for one in reversed(tabs) if one is not looking.view]:
        if sum(map(length, tabs.values())) > room:
            del tabs[view]
    return spread([(" ", "text"), *chain.from_iterable(tabs.values())], right, width)


def _right(looking: Looking, tally: Tally, width: int) -> list[Part]:
    parts: list[Part] = []
    if looking.marked:
        parts += [(f"* {looking.marked} marked", "key"), ("  ", "text")]
    if looking.narrow:
        count = sum(tally.bands.values())
        text = cut(looking.narrow, max(6, width // 5))
        parts += [("/ ", "key"), (text, "strong"), (f" · {count} ", "text")]
    if looking.above:
        words = f"{looking.above} new above" if width >= 70 else f"{looking.above} new"
        parts += [("↑ ", "me"), (f"{words} ", "text")]
    elif width >= 80 and not looking.narrow:
        parts += [("/", "key"), (" narrow ", "muted")]
    return parts
