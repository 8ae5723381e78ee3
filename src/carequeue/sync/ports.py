"""What sync needs of the disk, as protocols: one for each concern of a source, and how to get them.

In:  nothing. Out: protocols. `store.source_repository` keeps them in SQLite; the simulator also in
memory, with the same traces. All of it is about one source; no row of another can be reached from
here. A `SourceRepository` lives inside one transaction: what is done through it is kept together
or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.fhir.base import Base, SavedPage
from carequeue.fhir.chart import Resource


class Absence(StrEnum):
    """What became of it; the words that the mirror keeps."""

    HERE = "here"  # a lagging index, or pages that moved: it is simply kept
    DELETED = "deleted"
    FORBIDDEN = "forbidden"
    OUT_OF_SCOPE = "out of scope"
    UNKNOWN = ""  # the answer says nothing: it stays


class OutboxPort(Protocol):
    """The decisions on one source, and what became of them."""

    def open_intents(self) -> list[Intent]:
        """All open intents, in the order in which they were decided."""
        ...

    def open_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource, in order."""
        ...

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """Those intents, closed ones too, in order."""
        ...

    def acknowledged(self, since: datetime) -> list[Intent]:
        """What the source has taken since an instant, in the order in which it was decided."""
        ...

    def not_before(self) -> Mapping[str, datetime]:
        """Intent id -> instant before which it is not to be sent."""
        ...

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        """Take one intent to its next state. Raises IllegalStep where there is none.

        `counts`: whether a settle that found nothing is one more without progress.
        """
        ...

    def record_attempt(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        """Write down that these are about to leave; from here on they may be on the server."""
        ...

    def release_units(self, intent: Intent, names: Sequence[str]) -> None:
        """These elements of an open decision belong to a later one from here on."""
        ...

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        """Not before this instant (None: at once)."""
        ...

    def back_off(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        """The server said "not now" to these once more: not before, the words, `busy` one more."""
        ...

    def set_message(self, intents: Sequence[Intent], words: str) -> None:
        """Why these are where they are; nothing else about them changes."""
        ...

    def mark_for_projection(self, intents: Iterable[Intent]) -> None:
        """The rows of the queue that show these are projected with this transaction."""
        ...

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        """Keep these as decisions that are still to be sent, with their lines in the audit log."""
        ...


class MirrorPort(Protocol):
    """The resources of one source as it last gave them."""

    def base(self, kind: str, key: str) -> Base:
        """What is mirrored of one resource."""
        ...

    def versions(self, kind: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of the rows of a type that are here and not gone.

        Of a row beside which the server's own stands: that one's version, and no instant.
        """
        ...

    def deletions(self, kind: str) -> Mapping[str, str]:
        """Id -> instant of the rows of a type that are gone, where a history told it."""
        ...

    def count(self) -> int:
        """How many rows of the source are here and not gone, of all types."""
        ...

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> SavedPage:
        """Keep what a page holds; `known_only`: only of what is mirrored already.

        A version that is older than what is here is left out, unless `even_older`: the server was
        set back, and a person has said so. A part of a resource is left out and is in `missing`.
        """
        ...

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        """Make what the server returned the base; nothing lies beside it then."""
        ...

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        """What lies beside becomes the base, where no intent holds the row any more."""
        ...


class RemovalsPort(Protocol):
    """What the source does not give (any more)."""

    def record_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        """Remember that the source does not give these references."""
        ...

    def remove(self, names: Mapping[str, str], why: str) -> int:
        """These (reference -> ISO instant of the deletion, "" where unknown) left the source.

        How many rows that touched. One that an intent holds stays and learns that it is gone
        (`Base.gone`); `apply_theirs` lets it go then. What is newer than the instant stays.
        """
        ...

    def referenced(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """Those of these rows to which another row of their chart refers that stays itself."""
        ...


class IdAliasesPort(Protocol):
    """The ids that the source gave to what was created here."""

    def by_local_reference(self) -> Mapping[str, str]:
        """Local reference -> the server's, of all that was created here."""
        ...

    def record(self, kind: str, local_id: str, server_id: str) -> None:
        """The server's id of what was created here; its intents follow it."""
        ...


class ManifestPort(Protocol):
    """What counts of the source have met (`manifest/policy.py`)."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Where the counts of the searches are, by name, as the fields of `policy.Count`."""
        ...

    def save_page(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        """Where a count is now, and what its page named: id -> (version, last updated).

        One with `begun_at` "" is over: what it has met is forgotten.
        """
        ...

    def entries(self, search: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of all that the count under way has met."""
        ...


class SyncStatePort(Protocol):
    """What is known of the source between two cycles."""

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        """The cursors of the searches, by name, as the fields of `state.Cursor`."""
        ...

    def save_cursor(self, search: str, cursor: Any) -> None:
        """Write the cursor of a search."""
        ...

    def references_to_fetch(self) -> tuple[str, ...]:
        """References that kept pages name and that are still to be fetched."""
        ...

    def enqueue_fetch(self, more: Iterable[str], asked: Iterable[str]) -> None:
        """`more` is still to be fetched, `asked` no longer."""
        ...

    def capability(self, name: str) -> tuple[str, str]:
        """What is declared under a name, and the ISO instant at which that was read."""
        ...

    def observed(self) -> Mapping[str, str]:
        """What experience says of the source."""
        ...

    def declare(self, name: str, declared: str, now: datetime) -> None:
        """Keep what the source declares."""
        ...

    def observe(self, name: str, observation: str, now: datetime) -> None:
        """Keep what the source was seen to do."""
        ...

    def get_meta(self, name: str) -> str:
        """A value of the cache about this source; "" where there is none."""
        ...

    def set_meta(self, name: str, value: str) -> None:
        """Keep a value of the cache about this source."""
        ...

    def record_progress(self, words: str) -> None:
        """What is being fetched, for whoever looks at the header."""
        ...

    def record_cycle(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        """How a cycle ended."""
        ...


class SourceRepository(Protocol):
    """The parts of one source's cache, inside one transaction."""

    @property
    def base_url(self) -> str:
        """The address of the source: absolute references below it are its own."""
        ...

    @property
    def outbox(self) -> OutboxPort:
        """What was decided."""
        ...

    @property
    def mirror(self) -> MirrorPort:
        """What the source gave."""
        ...

    @property
    def removals(self) -> RemovalsPort:
        """What the source does not give."""
        ...

    @property
    def id_aliases(self) -> IdAliasesPort:
        """Ids of what was created here."""
        ...

    @property
    def manifest(self) -> ManifestPort:
        """What the source was seen to have, to find what left."""
        ...

    @property
    def sync_state(self) -> SyncStatePort:
        """Cursors, abilities, health."""
        ...


class SourceCache(Protocol):
    """The cache of one source, as one sync uses it: transactions behind a lease."""

    def take_lease(self, now: datetime) -> None:
        """Begin a cycle: whoever began an earlier one can keep and send nothing more."""
        ...

    def check_lease(self) -> None:
        """Raises LeaseLost where another sync has begun since: what was to leave stays."""
        ...

    def reading(self) -> AbstractContextManager[SourceRepository]:
        """The cache as it is at one instant."""
        ...

    def writing(self, now: datetime) -> AbstractContextManager[SourceRepository]:
        """The cache, to change it; committed at its end, with the queue's rows projected.

        Raises LeaseLost where another sync has begun since; nothing is changed then.
        """
        ...

    def catch_up(self, now: datetime) -> None:
        """Project the rows of the queue that are due, some at a time."""
        ...
