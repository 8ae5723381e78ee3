"""The second line: the tabs with their counts, the filter and how many items are marked.

In:  the tab, the tally, the filter, the counts of marked items and of rows that arrived above the
window. Out: parts.
"""

from __future__ import annotations

from itertools import chain
from typing import Final, NamedTuple

from carequeue.store.queue_window import Tab, Tally
from carequeue.widgets.text_width import cut, length, spread
from carequeue.widgets.themes import Part, Parts

TABS: Final = (
    ("1", Tab.MINE, "Mine"),
    ("2", Tab.TEAM, "Team"),
    ("3", Tab.WAITING, "Waiting"),
    ("4", Tab.ALL, "All"),
    ("0", Tab.WHOLE, "Whole"),
)


class ViewState(NamedTuple):
    """The tab, the filter and the marks of one screen."""

    tab: Tab
    filter_text: str = ""
    selected: int = 0
    above: int = 0  # rows that arrived above the window since its top was last in sight
    seen_as: str = ""  # the colleague or the team whose queue it is, "" for one's own


def count_of(tab: Tab, tally: Tally) -> int:
    """The number beside a tab."""
    return tally.tabs.get(tab, tally.tabs.get(Tab.ALL, 0) + tally.snoozed)


def tab_bar_parts(view_state: ViewState, tally: Tally, width: int) -> Parts:
    """The line of tabs; the tab of the whole queue shows only if the line is wide or it is chosen.

    If there is too little room the last tabs are left out whole, but never the chosen tab.
    """
    right = _right(view_state, tally, width)
    tabs: dict[Tab, list[Part]] = {}
    for key, tab, word in TABS:
        here = tab is view_state.tab
        if tab is Tab.WHOLE and not here and width < 100:
            continue
        tabs[tab] = [
            (f" {key} ", "key" if here else "muted"),
            (word, "strong" if here else "text"),
            (f" {count_of(tab, tally)} ", "text" if here else "muted"),
        ]
    room = width - length(right) - 1
    for tab in [tab for tab in reversed(tabs) if tab is not view_state.tab]:
        if sum(map(length, tabs.values())) > room:
            del tabs[tab]
    return spread([(" ", "text"), *chain.from_iterable(tabs.values())], right, width)


def _right(view_state: ViewState, tally: Tally, width: int) -> list[Part]:
    parts: list[Part] = []
    if view_state.selected:
        parts += [(f"* {view_state.selected} marked", "key"), ("  ", "text")]
    if view_state.filter_text:
        count = sum(tally.bands.values())
        text = cut(view_state.filter_text, max(6, width // 5))
        parts += [("/ ", "key"), (text, "strong"), (f" · {count} ", "text")]
    if view_state.above:
        above = f"{view_state.above} new above" if width >= 70 else f"{view_state.above} new"
        parts += [("↑ ", "me"), (f"{above} ", "text")]
    elif width >= 80 and not view_state.filter_text:
        parts += [("/", "key"), (" filter ", "muted")]
    return parts
