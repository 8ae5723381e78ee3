"""What a shell gets back from the desk: plain values, already clean, ready to be drawn."""

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
    """One clock of an item: its name, when it ends, how it stands and where the rule is from."""

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
    pending: tuple[str, ...]  # what waits for the server, in words
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
    """Whom an item was about when the person looked at it: a decision is about just this client."""

    chart: str
    client: str
    born: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a verb would do to many items."""

    verb: str
    changes: tuple[str, ...]  # keys
    already: tuple[str, ...]  # keys that are so already
    refused: tuple[Refused, ...]
    kept_here: tuple[str, ...]  # of `changes`, what the source cannot take
    #: Of `changes`, what goes over whatever a colleague writes at the same moment, unseen.
    unprotected: tuple[str, ...] = ()
    shown: Mapping[str, Shown] = field(default_factory=dict)  # of `changes`, as previewed

    @property
    def total(self) -> int:
        """How many items were asked about."""
        return len(self.changes) + len(self.already) + len(self.refused)


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act did: the sentence to show, and what undo needs."""

    message: str
    group: str  # "" where nothing was changed
    changed: tuple[str, ...]
    already: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    kept_here: int = 0
    said: str = ""  # the answer as the sentence says it: " to Access", ", no capacity"


class Where(StrEnum):
    """Which run of the program an act was made in, as seen from this one."""

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
    client: str  # FAMILY, Given; "" where the act was on several items
    count: int  # items
    at: datetime
    where: Where = Where.HERE

    @property
    def words(self) -> str:
        """`accept OKAFOR, Amara`, `accept 12 items`."""
        return f"{self.did} {self.client or f'{self.count} items'}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or a team, to whom an item can be given."""

    reference: str
    name: str
    team: bool = False


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one look at one source came to."""

    name: str  # as people call it
    full: bool  # every search has finished
    words: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one look at the server did."""

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
    unable: str = ""  # why not all finished: "server" | "sign_in" | "by_choice", "" where all did
    sources: tuple[SourceReport, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """One decision that is not yet (or not to be) on the server. All text is clean."""

    id: str
    group: str
    item_key: str
    client: str
    did: str  # "Accepted", "Noted: called twice": what was decided, in the words of the verbs
    state: str  # domain.intents.IntentState
    behind: bool  # waits behind another one that needs a person
    source: str
    target: str  # Task/12, for support
    decided_at: datetime
    by: str
    attempts: int
    not_before: datetime | None  # when it is tried again, where the server asked us to wait
    words: str  # the server's last words, or why it is kept here; "" where there are none


@dataclass(frozen=True, slots=True)
class Difference:
    """One element in a conflict, in clinical words; "" where there is (or was) none."""

    label: str  # "Status", "Owner", "Note"
    before: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a person decided about one item, and what the server has meanwhile. All text clean."""

    item_key: str
    client: str
    title: str
    source: str
    did: str  # what was decided, as in OutboxLine
    ids: tuple[str, ...]  # the intents that the answer is about
    by: str
    decided_at: datetime
    differences: tuple[Difference, ...]
    theirs_by: str  # who changed it, as far as the resource says; "" where it does not
    theirs_at: datetime | None
    gone: str  # "" | deleted | other_client: no "keep mine" | client_unknown: it confirms whom
    in_doubt: bool  # something else on it may be on its way: "keep mine" waits for that
    can: tuple[str, ...]  # the answers that are possible: mine, theirs
    pair: str = ""  # names exactly what is compared here: an answer holds for it alone
    other_client: str = ""  # whom the server names now, where `gone` is about the client


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: `level` is ok | note | problem."""

    level: str
    what: str
    hint: str = ""
