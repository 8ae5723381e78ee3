"""The table of verbs: what a person can do to an item, with the key, words and questions of each.

Footer, help, palette, message line, `carequeue act` and the docs read this table and nothing else.
Whether a verb applies to an item is decided in `domain/allowed.py`; what it changes, in
`fhir/drafts.py`. A verb is never switched off silently: the use case answers why not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Asks(StrEnum):
    """How a question is answered; the screen and the command line each draw it their way."""

    TEXT = "text"  # one line
    CHOICE = "choice"  # a numbered or lettered list; `free` allows another text
    WHEN = "when"  # "tomorrow 9", "3bd", "fri"; read back while it is typed
    WHOM = "whom"  # a person or a team of ours


class Choice(NamedTuple):
    """One possible answer: the key that picks it, the value kept, the words shown."""

    key: str
    value: str
    words: str


class Question(NamedTuple):
    """What a verb needs to know. `default` is taken where the person gives no answer."""

    name: str
    words: str
    asks: Asks
    choices: tuple[Choice, ...] = ()
    free: bool = False
    default: str | None = None


class Verb(NamedTuple):
    """`name`: CLI, palette, audit log and docs. `label`: footer, at most 12 columns; `short`: 80
    columns. `help`: one sentence that ends with how to take it back. `done`: the message after it.
    """

    name: str
    key: str
    label: str
    short: str
    help: str
    done: str
    asks: tuple[Question, ...] = ()
    on_item: bool = True
    labels: tuple[tuple[str, str], ...] = ()  # another label for a kind, such as acknowledge
    dones: tuple[tuple[str, str], ...] = ()  # another message for a kind

    def label_for(self, kind: str, narrow: bool = False) -> str:
        """The footer's word for this verb on an item of this kind."""
        return dict(self.labels).get(kind) or (self.short if narrow else self.label)

    def done_for(self, kind: str) -> str:
        """The message's word after this verb on an item of this kind."""
        return dict(self.dones).get(kind) or self.done


REASON: Final = Question(
    "reason",
    "reason?",
    Asks.CHOICE,
    (
        Choice("1", "no capacity", "no capacity"),
        Choice("2", "out of area", "out of area"),
        Choice("3", "not eligible", "not eligible"),
        Choice("4", "client declined", "client declined"),
        Choice("5", "wrong level of care", "wrong level of care"),
    ),
    free=True,
)
OUTCOME: Final = Question(
    "outcome",
    "how did it go?",
    Asks.CHOICE,
    (
        Choice("r", "reached", "reached"),
        Choice("m", "left message", "left message"),
        Choice("n", "no answer", "no answer"),
    ),
)
SEVERITY: Final = Question(
    "severity",
    "how ill?",
    Asks.CHOICE,
    (
        Choice("1", "stable", "stable"),
        Choice("2", "watcher", "watcher"),
        Choice("3", "unstable", "unstable"),
    ),
    default="stable",
)

ACCEPT: Final = Verb(
    "accept",
    "a",
    "accept",
    "accept",
    "Accept a referral, or acknowledge a handoff; u takes it back.",
    "Accepted",
    labels=(("handoff", "acknowledge"),),
    dones=(("handoff", "Acknowledged"),),
)
DECLINE: Final = Verb(
    "decline",
    "d",
    "decline",
    "decline",
    "Send it back with a reason; u takes it back.",
    "Declined",
    (REASON,),
)
CLAIM: Final = Verb("claim", "c", "claim", "claim", "Make it yours; u takes it back.", "Claimed")
DONE: Final = Verb(
    "done",
    "e",
    "done",
    "done",
    "Close it: what had to happen has happened; u takes it back.",
    "Done",
)
LOG: Final = Verb(
    "log",
    "l",
    "log contact",
    "log",
    "Log a contact: reached, left message or no answer; u takes it back.",
    "Logged",
    (OUTCOME,),
)
SNOOZE: Final = Verb(
    "snooze",
    "s",
    "snooze",
    "snooze",
    "Let it sleep until a time; a clock that runs out wakes it; u takes it back.",
    "Snoozed",
    (Question("until", "until?", Asks.WHEN),),
)
NOTE: Final = Verb(
    "note",
    "n",
    "note",
    "note",
    "Add a note to it; u takes it back.",
    "Noted",
    (Question("text", "what?", Asks.TEXT),),
)
ASSIGN: Final = Verb(
    "assign",
    "t",
    "assign",
    "assign",
    "Give it to a colleague or a team of ours; u takes it back.",
    "Assigned",
    (Question("to", "to whom?", Asks.WHOM),),
)
HAND_OFF: Final = Verb(
    "handoff",
    "h",
    "hand off",
    "hand off",
    "Ask somebody to take over; it closes when they acknowledge; u takes it back.",
    "Handed off",
    (
        Question("to", "to whom?", Asks.WHOM),
        SEVERITY,
        Question("summary", "summary:", Asks.TEXT),
        Question("actions", "to do, and what if:", Asks.TEXT, default=""),
    ),
)
PRIORITY: Final = Verb(
    "priority",
    "p",
    "priority",
    "prio",
    "Set it to routine, urgent, asap or stat; u takes it back.",
    "Priority set",
    (
        Question(
            "to",
            "how urgent?",
            Asks.CHOICE,
            (
                Choice("1", "routine", "routine"),
                Choice("2", "urgent", "urgent"),
                Choice("3", "asap", "asap"),
                Choice("4", "stat", "stat"),
            ),
        ),
    ),
)
NEW: Final = Verb(
    "new",
    "plus",
    "new",
    "new",
    "A new follow-up for this client; u takes it back.",
    "New follow-up",
    (
        Question("text", "what has to happen?", Asks.TEXT),
        Question("until", "due?", Asks.WHEN),
    ),
)
UNDO: Final = Verb(
    "undo",
    "u",
    "undo",
    "undo",
    "Undo what this window did last, sent or not, one or many.",
    "Taken back",
    on_item=False,
)
SYNC: Final = Verb(
    "sync", "r", "sync now", "sync", "Look at the server now.", "Syncing", on_item=False
)

#: In the order in which help and palette show them.
VERBS: Final[tuple[Verb, ...]] = (
    ACCEPT, DECLINE, CLAIM, DONE, LOG, SNOOZE, NOTE, ASSIGN, HAND_OFF, PRIORITY, NEW, UNDO, SYNC,
)  # fmt: skip
#: How a key of Textual is written that stands for a sign.
SIGNS: Final = {
    "plus": "+", "slash": "/", "colon": ":", "question_mark": "?", "asterisk": "*",
    "backslash": "\\", "equals_sign": "=", "full_stop": ".", "exclamation_mark": "!",
}  # fmt: skip
BY_NAME: Final = {verb.name: verb for verb in VERBS}
BY_KEY: Final = {verb.key: verb for verb in VERBS}


class Motion(NamedTuple):
    """A key that moves, marks or shows, and changes nothing."""

    name: str
    keys: tuple[str, ...]
    words: str


#: Keys that change nothing, in the order in which help shows them (Textual key names).
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
    Motion("why", ("w",), "why it stands where it stands"),
    Motion("mark", ("space",), "mark it, and go to the next"),
    Motion("mark_all", ("asterisk",), "mark all that are listed"),
    Motion("unmark", ("backslash",), "take all marks away"),
    Motion("narrow", ("slash",), "narrow the list"),
    Motion("view_mine", ("1",), "mine"),
    Motion("view_team", ("2",), "my team"),
    Motion("view_waiting", ("3",), "waiting on others"),
    Motion("view_all", ("4",), "all"),
    Motion("view_whole", ("0",), "the whole queue, snoozed too"),
    Motion("urgent", ("exclamation_mark",), "the new item in Now or Safety that was named"),
    Motion("needs_you", ("x",), "what needs you"),
    Motion("outbox", ("o",), "what the server does not have yet: waiting, refused, kept here"),
    Motion("offline", ("O",), "work offline by choice, or go online again"),
    Motion("palette", ("colon", "ctrl+p"), "all actions"),
    Motion("keys", ("question_mark", "f1"), "the keys that apply here"),
    Motion("results", ("equals_sign",), "what the last act on many did, item by item"),
    Motion("blank", ("b",), "blank the screen"),
    Motion("suspend", ("ctrl+z",), "back to the shell for a while"),
    Motion("quit", ("q",), "back, and at the top leave"),
)
