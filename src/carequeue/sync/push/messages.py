"""What the deciding half of sync and the world say to each other: events in, commands out.

Plain frozen values. A `PendingResource` is everything that is to be done about one resource; at most one
request of a lane is in flight, and no lane waits for another unless it says so (`waits_for`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from carequeue.domain.intents import Intent, IntentEvent
from carequeue.fhir.bundles import Issue
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import NO_RECORDS, ClientRecords

ResourceKey = tuple[str, str]  # type, id (ours until the server gave one)


class Phase(StrEnum):
    """Where a lane stands within one push."""

    READY = "ready"
    DOUBTFUL = "doubtful"  # an earlier process left it in doubt: read back before anything else
    ASKED = "asked"
    READING = "reading"
    CONFIRMING = "confirming"  # taken, without a guard or without a body: read what became of it
    COMPARING = "comparing"  # the same, by its history, to see what lies between base and ours


class Batched(StrEnum):
    """What became of many writes in one request."""

    DONE = "done"  # each has its answer; or there was no batch
    TOO_LARGE = "too_large"  # refused as a whole by its size, and nothing was done
    REFUSED = "refused"  # refused as a whole: perhaps for one of them, and nothing was done
    SILENT = "silent"  # no answer to be told apart: each is in doubt, and fewer at a time
    UNANSWERED = "unanswered"  # nobody answered: each is in doubt, and it says nothing of batches
    NEVER = "never"  # there are no batches here


@dataclass(frozen=True, slots=True)
class PendingResource:
    """One resource with its sendable intents, in order.

    `base` None: it is yet to be created. What stands behind a conflict is not in `intents`.
    `kept`: what is kept here of the same resource, in order; it is looked at when the source can
    take it. `newer`: a pull has laid beside the base what the server has meanwhile.
    `written`: while confirming, the version that the yes gave. `told`: the no that what was just
    sent was answered with, so what is found on the server is not from there. `crowd`: it left with
    many others in one request that was not answered. `left_over`: an earlier push left it in doubt
    and had no answer, so what is found now says nothing against it. `answered`: the status of the
    yes that is being confirmed; 0 where there was none, or one that spoke of something else.
    """

    key: ResourceKey
    intents: tuple[Intent, ...]
    base: Resource | None
    version: str
    phase: Phase = Phase.READY
    waits_for: frozenset[str] = frozenset()
    not_before: datetime | None = None
    attempts: int = 0
    local_only: tuple[Intent, ...] = ()
    has_newer_remote: bool = False
    written_version: str = ""
    refusal_text: str = ""
    unsupported_text: str = ""  # while read back: the answer that the source takes no such change
    sent_in_failed_batch: bool = False
    records: ClientRecords = NO_RECORDS  # of the client that its intents are about
    unanswered_before: bool = False
    answered_status: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a lane; `path` is relative to the base address.

    `creates`: the id of what comes back is the server's to choose. `probe`: its guard is wrong on
    purpose, to see whether the server reads it.
    """

    key: ResourceKey
    method: str
    path: str
    body: Resource | None = None
    if_match: str = ""
    if_none_exist: str = ""
    intents: tuple[str, ...] = ()
    creates: bool = False
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `resource` is the resource itself, never an OperationOutcome.

    `many`: all that a search found, or the versions of a history, the newest first; `resource` is
    then the first of them. `location`: the id that the server gave to what was made. `bare`: it is
    a yes without any resource; `version` is then what its entity tag says.
    """

    key: ResourceKey
    status: int
    resource: Resource | None = None
    version: str = ""
    retry_after: str = ""
    words: str = ""
    conflict_issue: bool = False
    issues: tuple[Issue, ...] = ()
    many: tuple[Resource, ...] = ()
    location: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came back that says anything. `left`: the request may have reached the server.

    `unreadable`: an answer came, and no sense could be made of it: not the network's absence.
    `ends`: none came in time, so nothing more is asked in this cycle (`sending.py`). `crowd`: it
    was a reading among others in one request.
    """

    key: ResourceKey
    left: bool
    why: str
    unreadable: bool = False
    ends: bool = False
    sent_in_failed_batch: bool = False


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """The open lanes of a source, read from the outbox."""

    pending: tuple[PendingResource, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class AttemptsRecorded:
    """The requests are written down as in doubt; they may leave."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Replies to an exchange of writes, one a request; none where a batch was refused whole."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime
    batch: Batched = Batched.DONE


@dataclass(frozen=True, slots=True)
class WasRead:
    """Replies to reading back, one a lane. Status 404 or 410: not there."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class ChangesSaved:
    """Changes are on disk; `lanes` are the same lanes as they now stand, closed ones left out.

    `closed`: intents that nothing needs to wait for any more. `aliases`: ids that were given.
    """

    keys: tuple[ResourceKey, ...]
    pending: tuple[PendingResource, ...]
    closed: frozenset[str]
    aliases: Mapping[str, str]
    now: datetime


Event = Loaded | AttemptsRecorded | Answered | WasRead | ChangesSaved


# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordAttempts:
    """Write these down as about to leave."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send these; in one batch where the source has batches."""

    requests: tuple[Request, ...]
    batch: bool


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Read these resources as they now are; `at_once`: so many in one request at most."""

    requests: tuple[Request, ...]
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class IntentOutcome:
    """What happened to one intent."""

    intent: Intent
    event: IntentEvent
    words: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What to keep about one lane, in one transaction. `base` None: the base stays.

    `gone`: the server was asked for it, and has it no longer.
    """

    key: ResourceKey
    outcomes: tuple[IntentOutcome, ...] = ()
    base: Resource | None = None
    version: str = ""
    not_before: datetime | None = None
    counts_toward_limit: bool = True  # whether a settle without progress counts against the intents
    read_failed: bool = (
        False  # the reading said nothing: the settle counts, what is in doubt stays so
    )
    words: str = ""  # why nothing happened to the intents; with `busy`, the server's own
    busy: bool = False  # it said "not now": one more in a row
    compared: frozenset[str] = frozenset()  # intents that this is about, also with no outcome
    gone: bool = False


@dataclass(frozen=True, slots=True)
class SaveChanges:
    """Keep these changes.

    `pause`: the whole source asks to be left alone until then. `observed`: what it was seen to do.
    """

    changes: tuple[Change, ...]
    pause: datetime | None = None
    observed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more can be done now. `offline`: the server could not be reached.

    `busy`: it asks to be left alone for a while, with everything.
    """

    why: str
    offline: bool = False
    sign_in: bool = False
    busy: bool = False


Command = RecordAttempts | Exchange | ReadBack | SaveChanges | Stop
