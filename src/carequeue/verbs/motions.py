"""The keys that are no verb: they move, mark, show, or repeat; and how a key is written.

Help, palette and `carequeue keys` show them below the verbs; a profile may move them likewise.
Not here: what a motion does (`screens/`), the verbs (`table.py`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

#: How a key of Textual is written that stands for a sign.
SIGNS: Final = {
    "plus": "+", "slash": "/", "colon": ":", "question_mark": "?", "asterisk": "*",
    "backslash": "\\", "equals_sign": "=", "full_stop": ".", "exclamation_mark": "!",
}  # fmt: skip


class Motion(NamedTuple):
    """A key that moves, marks or shows, or that repeats an act.

    `acts`: whether it changes something, so that a held key does it only once.
    """

    name: str
    keys: tuple[str, ...]
    words: str
    acts: bool = False


#: Keys that are no verb, in the order in which help shows them (Textual key names).
MOTIONS: Final[tuple[Motion, ...]] = (
    Motion("down", ("j", "down"), "next item"),
    Motion("up", ("k", "up"), "previous item"),
    Motion("top", ("g", "home"), "first item"),
    Motion("bottom", ("G", "end"), "last item"),
    Motion("page_down", ("pagedown", "ctrl+f", "ctrl+d"), "a page down"),
    Motion("page_up", ("pageup", "ctrl+b", "ctrl+u"), "a page up"),
    Motion("next_band", ("J",), "next band"),
    Motion("previous_band", ("K",), "previous band"),
    Motion("open", ("enter", "right"), "open the detail"),
    Motion("back", ("escape", "left"), "back"),
    Motion("why", ("w",), "why this item is ranked here"),
    Motion("mark", ("space",), "mark it, and go to the next"),
    Motion("mark_all", ("asterisk",), "mark all that are listed"),
    Motion("unmark", ("backslash",), "take all marks away"),
    Motion(
        "again", ("full_stop",), "the last act again, with its answers, on this item", acts=True
    ),
    Motion("redo", ("U",), "do again what was undone last in this window", acts=True),
    Motion("filter", ("slash",), "filter the list"),
    Motion("view_mine", ("1",), "mine"),
    Motion("view_team", ("2",), "my team"),
    Motion("view_waiting", ("3",), "waiting on others"),
    Motion("view_all", ("4",), "all"),
    Motion("view_whole", ("0",), "the whole queue, snoozed too"),
    Motion("look_as", ("L",), "look at the queue as a colleague or a team, or as yourself again"),
    Motion("urgent", ("exclamation_mark",), "the new item in Now or Safety that was named"),
    Motion("new_for_client", ("N",), "a new follow-up or referral for any client"),
    Motion("heard_of", ("E",), "you heard of a client’s crisis, or of a discharge"),
    Motion("needs_you", ("x",), "what needs you"),
    Motion("outbox", ("o",), "what the server does not have yet: waiting, refused, local only"),
    Motion("history", ("H",), "what you did, newest first, with an undo for each act"),
    Motion("offline", ("O",), "work offline by choice, or go online again"),
    Motion("palette", ("colon", "ctrl+p"), "all actions"),
    Motion("keys", ("question_mark", "f1"), "the keys that apply here"),
    Motion("results", ("equals_sign",), "what the last act on many did, item by item"),
    Motion("blank", ("b",), "blank the screen"),
    Motion("suspend", ("ctrl+z",), "back to the shell for a while"),
    Motion("quit", ("q",), "back, and at the top leave"),
)
