"""Messages between the pure half of push and its runner: events in, commands out.

Plain frozen values. A `PendingResource` is everything that is to be done about one resource. At
most one of its requests is in flight, and it waits for no other unless `waits_for` says so.
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

ResourceKey = tuple[str, str]  # type and id (ours until the server assigns one)


class Phase(StrEnum):
    """The progress of a pending resource within one push."""

    READY = "ready"
    DOUBTFUL = "doubtful"  # an earlier process left it in doubt: read it back before anything else
    ASKED = "asked"
    READING = "reading"
    CONFIRMING = "confirming"  # accepted without If-Match or without a body: read the result
    COMPARING = "comparing"  # the same, by its history, to see versions between the base and ours


class Batched(StrEnum):
    """The result of several writes in one request."""

    DONE = "done"  # each has its reply; or no batch was used
    TOO_LARGE = "too_large"  # rejected as a whole because of its size; nothing was done
    REFUSED = "refused"  # rejected as a whole, perhaps because of one entry; nothing was done
    SILENT = "silent"  # no usable reply: each entry is in doubt, and the next batch is smaller
    UNANSWERED = "unanswered"  # no reply: each entry is in doubt; it says nothing about batches
    NEVER = "never"  # the server has no batches


@dataclass(frozen=True, slots=True)
class PendingResource:
    """One resource with its sendable intents, in order.

    `base` None: it is yet to be created. Intents behind a conflict are not in `intents`.
    `local_only`: its local-only intents, in order; sent when the source can take them.
    `has_newer_remote`: a pull found a newer version, stored next to the base. `written_version`:
    while confirming, the version that the success gave. `refusal_text`: the rejection of what was
    just sent, so what the server shows does not come from it. `sent_in_failed_batch`: it was sent
    with others in a request that was not answered. `unanswered_before`: an earlier push left it in
    doubt without a reply, so this read does not count against it. `answered_status`: the status of
    the success that is being confirmed; 0 if there was none, or if it was about another resource.
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
    unsupported_text: str = (
        ""  # while it is read back: the reply that such changes are not supported
    )
    sent_in_failed_batch: bool = False
    records: ClientRecords = NO_RECORDS  # records of the client of its intents
    unanswered_before: bool = False
    answered_status: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One request for one resource; `path` is relative to the base URL.

    `creates`: the server chooses the id of the result. `probe`: its If-Match is wrong on purpose,
    to see whether the server checks it.
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
    """The reply to a request. `resource` is the resource itself, never an OperationOutcome.

    `many`: all matches of a search, or the versions of a history, newest first; `resource` is then
    the first. `location`: the id that the server gave to what was created. `bare`: a success
    without a resource; `version` is then the ETag.
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
    """No usable reply. `left`: the request may have reached the server.

    `unreadable`: a reply came that could not be parsed; the network works. `ends`: no reply in
    time, so nothing more is sent in this cycle (`sending.py`). `sent_in_failed_batch`: it was one
    of several reads in a request.
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
    """The pending resources of a source, read from the outbox."""

    pending: tuple[PendingResource, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class AttemptsRecorded:
    """These requests are recorded as in doubt; they may be sent."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Replies to writes, one for each request; none if a batch was rejected as a whole."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime
    batch: Batched = Batched.DONE


@dataclass(frozen=True, slots=True)
class WasRead:
    """Replies to reads, one for each resource. Status 404 or 410: the server does not have it."""

    replies: tuple[Reply | NoReply, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class ChangesSaved:
    """Changes are on disk; `pending` are the same resources as they now stand, finished ones left
    out.

    `closed`: intents that nothing has to wait for any more. `aliases`: ids that the server
    assigned.
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
    """Record these requests as about to be sent."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send these requests; in one batch if the source has batches."""

    requests: tuple[Request, ...]
    batch: bool


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Read these resources as they now are; `at_once`: how many at most in one request."""

    requests: tuple[Request, ...]
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class IntentOutcome:
    """An event of one intent."""

    intent: Intent
    event: IntentEvent
    words: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one resource, saved in one transaction. `base` None: the base stays.

    `gone`: the server was asked for it and no longer has it. `in_its_place`: what the server has
    under the identifier of a create that is now a conflict.
    """

    key: ResourceKey
    outcomes: tuple[IntentOutcome, ...] = ()
    base: Resource | None = None
    version: str = ""
    not_before: datetime | None = None
    counts_toward_limit: bool = True  # whether a read back without progress counts
    read_failed: bool = False  # the read back failed: it counts, and intents in doubt stay so
    words: str = ""  # why nothing happened to the intents; with `busy`, in the server's words
    busy: bool = False  # it said "not now" once more
    compared: frozenset[str] = frozenset()  # intents that were compared, with or without an outcome
    gone: bool = False
    in_its_place: Resource | None = None


@dataclass(frozen=True, slots=True)
class SaveChanges:
    """Save these changes.

    `pause`: the whole source asks to be left alone until then. `observed`: what it was seen to do.
    """

    changes: tuple[Change, ...]
    pause: datetime | None = None
    observed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing more can be done now. `offline`: the server could not be reached.

    `busy`: it asks for a pause of everything.
    """

    why: str
    offline: bool = False
    sign_in: bool = False
    busy: bool = False


Command = RecordAttempts | Exchange | ReadBack | SaveChanges | Stop
