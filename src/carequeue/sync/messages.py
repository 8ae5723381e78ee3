"""What the deciding half of sync and the world say to each other: events in, commands out.

Plain frozen values. A `Lane` is everything that is to be done about one resource; at most one
request of a lane is in flight, and no lane waits for another unless it says so (`waits_for`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from carequeue.domain.intents import Intent, IntentEvent
from carequeue.fhir.chart import Resource

LaneKey = tuple[str, str]  # type, id (ours until the server gave one)


class Phase(StrEnum):
    """Where a lane stands within one push."""

    READY = "ready"
    DOUBTFUL = "doubtful"  # an earlier process left it in doubt: read back before anything else
    ASKED = "asked"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class Lane:
    """One resource with its sendable intents, in order.

    `base` None: it is yet to be created. What stands behind a conflict is not in `intents`.
    """

    key: LaneKey
    intents: tuple[Intent, ...]
    base: Resource | None
    version: str
    phase: Phase = Phase.READY
    waits_for: frozenset[str] = frozenset()
    not_before: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a lane; `path` is relative to the base address.

    `creates`: the id of what comes back is the server's to choose.
    """

    lane: LaneKey
    method: str
    path: str
    body: Resource | None = None
    if_match: str = ""
    if_none_exist: str = ""
    intents: tuple[str, ...] = ()
    creates: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `resource` is the resource itself, never an OperationOutcome."""

    lane: LaneKey
    status: int
    resource: Resource | None = None
    version: str = ""
    retry_after: str = ""
    words: str = ""
    conflict_issue: bool = False


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came back. `left`: the request may have reached the server."""

    lane: LaneKey
    left: bool
    why: str


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """The open lanes of a source, read from the outbox."""

    lanes: tuple[Lane, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """The requests are written down as in doubt; they may leave."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Replies to an exchange of writes, one a request. `batch` False: the server took no batch."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime
    batch: bool = True


@dataclass(frozen=True, slots=True)
class WasRead:
    """Replies to reading back, one a lane. Status 404 or 410: not there."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """Changes are on disk; `lanes` are the same lanes as they now stand, closed ones left out.

    `closed`: intents that nothing needs to wait for any more. `aliases`: ids that were given.
    """

    keys: tuple[LaneKey, ...]
    lanes: tuple[Lane, ...]
    closed: frozenset[str]
    aliases: Mapping[str, str]
    now: datetime


Event = Loaded | Marked | Answered | WasRead | Saved


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """Write these down as about to leave."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send these; in one batch where the source has batches."""

    requests: tuple[Request, ...]
    batch: bool


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Read these resources as they now are."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one intent."""

    intent: Intent
    event: IntentEvent
    words: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What to keep about one lane, in one transaction. `base` None: the base stays."""

    key: LaneKey
    outcomes: tuple[Outcome, ...] = ()
    base: Resource | None = None
    version: str = ""
    not_before: datetime | None = None
    observed: Mapping[str, str] = field(default_factory=dict)
    counts: bool = True  # whether a settle without progress counts against the intents
    unread: bool = False  # the reading said nothing: the settle counts, what is in doubt stays so


@dataclass(frozen=True, slots=True)
class Save:
    """Keep these changes."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more can be done now. `offline`: the server could not be reached."""

    why: str
    offline: bool = False
    sign_in: bool = False


Command = Mark | Exchange | ReadBack | Save | Stop
