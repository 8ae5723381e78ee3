"""The values that the desk returns to screen and command line: clean text, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from carequeue.worklist.health import Health as Health


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One reason of an item's place."""

    points: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One clock of an item: its name, when it ends, its state, and the source of the rule."""

    label: str
    due: datetime
    state: str  # running | met | breached | paused
    citation: str
    provenance: str  # read | cited | site practice


@dataclass(frozen=True, slots=True)
class TimeLine:
    """One line of the story."""

    at: datetime | None
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One item in full, as the detail pane shows it. All text is clean."""

    key: str
    kind: str
    band: int
    points: int
    client: str
    born: str
    gender: str
    mrn: str
    phone: str
    deceased: bool
    title: str
    about: str
    status: str
    move: str  # sentence: "you", "your team: Access", "Harbor Housing"
    since: datetime | None
    requester: str
    owner: str
    priority: str
    due: datetime | None
    snoozed_until: datetime | None
    reasons: tuple[ReasonLine, ...]
    clocks: tuple[ClockLine, ...]
    changes_at: datetime | None  # when the row will next move by itself
    story: tuple[TimeLine, ...]
    notes: tuple[TimeLine, ...]
    pending: tuple[str, ...]  # the decisions that wait for the server, in words
    flags: tuple[str, ...]  # "start of the clock is approximate", ...
    others: int  # other open items of the same client
    source: str
    resource: str  # Task/12, for support


@dataclass(frozen=True, slots=True)
class Refused:
    """A verb that does not apply; `why` follows the name: "is already accepted"."""

    key: str
    client: str
    why: str


class Shown(NamedTuple):
    """The client of an item when the person looked at it: a decision is about this client only."""

    chart: str
    client: str
    born: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect that a verb would have on many items."""

    verb: str
    changes: tuple[str, ...]  # keys
    already: tuple[str, ...]  # keys that are so already
    refused: tuple[Refused, ...]
    kept_here: tuple[str, ...]  # of `changes`: local-only, because the source cannot take them
    #: Of `changes`: those that may overwrite, unseen, what a colleague writes at the same moment.
    unprotected: tuple[str, ...] = ()
    shown: Mapping[str, Shown] = field(default_factory=dict)  # of `changes`, as previewed

    @property
    def total(self) -> int:
        """How many items were asked about."""
        return len(self.changes) + len(self.already) + len(self.refused)

    @property
    def facts(self) -> str:
        """`5 will change, 1 already done, 1 not allowed`."""
        counts = (
            (len(self.already), "already done"),
            (len(self.refused), "not allowed"),
            (len(self.kept_here), "saved on this computer only"),
            (len(self.unprotected), "unprotected on the server"),
        )
        others = [f"{count} {what}" for count, what in counts if count]
        return ", ".join([f"{len(self.changes)} will change", *others])


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of an act: the sentence to show, and the group for undo."""

    message: str
    group: str  # "" if nothing was changed
    changed: tuple[str, ...]
    already: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    kept_here: int = 0
    said: str = ""  # the answer as the sentence has it: " to Access", ", no capacity"
    offers: str = ""  # the verb that comes next, and applies
    told: str = ""  # of an undo: the sentence that says which partners are told


class Where(StrEnum):
    """The run of the program in which an act was made, as seen from this run."""

    HERE = "here"
    OTHER_WINDOW = "other_window"
    EARLIER = "earlier"  # before this window was opened
    COMMAND_LINE = "command_line"


@dataclass(frozen=True, slots=True)
class Undoable:
    """An act that can be undone. All text is clean."""

    group: str  # what `Desk.undo` takes
    did: str  # "accept", "log contact": the footer's word for the verb
    short: str  # the same where room is short
    client: str  # FAMILY, Given; "" if the act was on several items
    count: int  # items
    at: datetime
    where: Where = Where.HERE

    @property
    def words(self) -> str:
        """`accept OKAFOR, Amara`, `accept 12 items`."""
        return f"{self.did} {self.client or f'{self.count} items'}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person or a team to whom an item can be given.

    `away`: "away until Mon 14 Dec", if the directory says so; else "". `last_chosen`: the last to
    whom something was given, and not away.
    """

    reference: str
    name: str
    team: bool = False
    away: str = ""
    last_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """A cover that began or ended: the sentence to show, the colleague, until when it holds."""

    message: str
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The result of one sync of one source."""

    name: str  # as people call it
    full: bool  # every search has finished
    words: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of one sync of all sources."""

    ok: bool  # every search finished and nothing is left that could have been sent
    sent: int
    received: int
    waiting: int
    checking: int
    conflicts: int
    needs_attention: int
    kept_here: int
    words: str  # one sentence: what happened, what is safe, what to do next
    other_syncs: bool = False
    unable: str = ""  # why not all finished: "server" | "sign_in" | "by_choice"; "" if all did
    sources: tuple[SourceReport, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """One decision that is not yet (or not to be) on the server. All text is clean."""

    id: str
    group: str
    item_key: str
    client: str
    did: str  # "Accepted", "Noted: called twice": the decision, in the words of the verbs
    state: str  # domain.intents.IntentState
    behind: bool  # waits behind another decision that needs a person
    source: str
    target: str  # Task/12, for support
    decided_at: datetime
    by: str
    attempts: int
    not_before: datetime | None  # when it is tried again, if the server asked us to wait
    words: str  # the server's last message, or why it is local-only; "" if there is none


@dataclass(frozen=True, slots=True)
class PastAct:
    """One act of the person. All text is clean.

    `group`: what `undo` takes. `client`: "3 items" for an act on several. `state`: waiting,
    checking, sent, local only, conflict, refused, undone or partly undone; `note` says more in a
    sentence. `key`: its item, "" for several.
    """

    group: str
    at: datetime
    client: str
    did: str
    state: str
    note: str
    key: str


class HistoryPage(NamedTuple):
    """Acts, newest first. `before`: where the next page begins, 0 if this is the last one."""

    acts: tuple[PastAct, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One element in a conflict, in clinical words; "" if there is (or was) no value."""

    label: str  # "Status", "Owner", "Note"
    before: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A person's decision about one item, and what the server has meanwhile. All text is clean."""

    item_key: str
    client: str
    title: str
    source: str
    did: str  # the decision, as in OutboxLine
    ids: tuple[str, ...]  # the intents that the answer is about
    by: str
    decided_at: datetime
    differences: tuple[Difference, ...]
    theirs_by: str  # who changed it, as far as the resource says; else ""
    theirs_at: datetime | None
    gone: str  # "" | deleted, other_client, sent_on: no "keep mine" | client_unknown: it confirms
    in_doubt: bool  # another change of it may be on its way: "keep mine" waits for that
    can: tuple[str, ...]  # the answers that are possible: mine, theirs
    pair: str = ""  # a hash of what is compared here: an answer is for this pair alone
    other_client: str = ""  # whom the server names now, if `gone` is about the client


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: `level` is ok | note | problem."""

    level: str
    what: str
    hint: str = ""
