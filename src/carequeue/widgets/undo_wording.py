"""The words for undo: in the footer, and in the question about another window's act.

In:  an `Undoable`, the width in cells, the time. Out: text that fits and always names the client.
Pure.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from rich.cells import cell_len

from carequeue.widgets.text_width import cut
from carequeue.worklist.results import Undoable, Where

#: In the footer if `u` asks first; the question then names the act.
ASKS_FIRST: Final = "undo…"
#: Below this width: the short word of the verb, and only the family name.
_WIDE: Final = 100
#: Cells for the other fixed pairs of the footer, and the most cells for the words of undo.
_OTHERS, _MOST, _MOST_WIDE = 23, 28, 44
#: Cells of a name that must be in sight.
_NAME: Final = 12
_LONG: Final = {
    Where.OTHER_WINDOW: "Another window did this: ",
    Where.EARLIER: "An earlier session did this: ",
    Where.COMMAND_LINE: "The command line did this: ",
}
_SHORT: Final = {
    Where.OTHER_WINDOW: "In another window: ",
    Where.EARLIER: "In an earlier session: ",
    Where.COMMAND_LINE: "On the command line: ",
}


def footer_words(act: Undoable, width: int) -> str:
    """`undo: accept OKAFOR, Amara`; in a small window `undo: accept OKAFOR`."""
    if act.where is not Where.HERE:
        return ASKS_FIRST
    if width >= _WIDE:
        return cut(f"undo: {act.words}", _MOST_WIDE)
    who = act.client.partition(",")[0] or f"{act.count} items"
    return cut(f"undo: {act.short} {who}", max(_NAME, min(_MOST, width - _OTHERS)))


def question(act: Undoable, now: datetime, zone: tzinfo, room: int, told: str = "") -> str:
    """`Another window did this: accept OKAFOR, Amara, 13:55. Undo it?` in at most `room` cells.

    `told`: the sentence that says which partners the undo is told, "" for none. Where it has no
    room, the question still says that the partner is told.
    """
    from carequeue.widgets.detail_pane import when  # the first frame does not need it

    at = when(act.at, now, zone).removeprefix("today ")
    who = act.client or f"{act.count} items"
    enough = min(_NAME, cell_len(who))
    long = f"{_LONG.get(act.where, '')}{act.did} "
    plain = "Undo it, and tell the partner?" if told else "Undo it?"
    ways = [(long, f", {at}. {told} Undo it?")] if told else []
    ways += [
        (long, f", {at}. {plain}"),
        (f"{_SHORT.get(act.where, '')}{act.short} ", f", {at}. {plain}"),
        (f"Undo {act.short} ", f", {at}, and tell the partner?" if told else f", {at}?"),
    ]
    for head, tail in ways:
        left = room - cell_len(head) - cell_len(tail)
        if left >= cell_len(who):
            return f"{head}{who}{tail}"
        if left >= enough and head.startswith(("In", "On", "Undo")):
            return f"{head}{cut(who, left)}{tail}"
    return f"Undo {cut(who, max(enough, room - 6))}?"
