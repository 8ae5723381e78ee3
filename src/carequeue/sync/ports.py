"""The cache as sync uses it, as protocols: a part for each concern of a source.

In:  nothing. Out: protocols. `store.source_repository` implements them in SQLite; the simulator
also in memory, with the same traces. All rows are rows of one source. A `SourceRepository` lives
inside one transaction: all that is done through it is saved together or not at all.
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
    """Why a row is missing in a manifest; the mirror stores this word."""

    HERE = "here"  # a lagging index, or pages that moved: the row stays
    DELETED = "deleted"
    FORBIDDEN = "forbidden"
    OUT_OF_SCOPE = "out of scope"
    UNKNOWN = ""  # the reply says nothing: the row stays


class OutboxPort(Protocol):
    """The intents on one source."""

    def open_intents(self) -> list[Intent]:
        """All open intents, in the order in which they were decided."""

    def open_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource, in order."""

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """These intents, closed ones too, in order."""

    def acknowledged(self, since: datetime) -> list[Intent]:
        """The intents that the source has accepted since an instant, in the order of deciding."""

    def not_before(self) -> Mapping[str, datetime]:
        """Intent id -> instant before which it is not sent."""

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        """Take one intent to its next state. Raises IllegalStep if there is none.

        `counts`: whether a read back without a result counts as one without progress.
        """

    def record_attempt(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        """Record that these are about to be sent; from here on they may be on the server."""

    def release_units(self, intent: Intent, names: Sequence[str]) -> None:
        """Leave these elements of an open intent to a later intent."""

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        """Send these not before this instant (None: at once)."""

    def back_off(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        """The server was busy once more: send these later, with this message, and count it."""

    def set_message(self, intents: Sequence[Intent], words: str) -> None:
        """Set the message of these intents; nothing else about them changes."""

    def mark_for_projection(self, intents: Iterable[Intent]) -> None:
        """Project the rows of the queue that show these intents with this transaction."""

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        """Save these as intents that are yet to be sent, with their lines in the audit log."""

    def aliases(self) -> Mapping[str, str]:
        """Local reference -> the server's reference, of all that was created here."""

    def record_alias(self, kind: str, local_id: str, server_id: str) -> None:
        """Record the id that the server gave to what was created here; its intents follow it."""


class MirrorPort(Protocol):
    """The resources of one source as it last gave them."""

    def base(self, kind: str, key: str) -> Base:
        """The mirrored state of one resource."""

    def versions(self, kind: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of the rows of a type that are here and not gone.

        A row with a newer version stored next to its base gives that version, and no instant.
        """

    def deletions(self, kind: str) -> Mapping[str, str]:
        """Id -> instant of the rows of a type whose deletion a history told."""

    def count(self) -> int:
        """How many rows of the source are here and not gone, of all types."""

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> SavedPage:
        """Save the resources of a page; `known_only`: only those that are mirrored already.

        An older version than the base is left out, unless `even_older`: a person has said that the
        server was restored. A partial resource is left out and is in `missing`.
        """

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        """Make what the server returned the base; nothing is stored next to it any more."""

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        """Make the version next to the base the base, if no intent holds the row any more."""


class RemovalsPort(Protocol):
    """The rows that the source does not give (any more)."""

    def record_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        """Record that the source does not give these references."""

    def remove(self, names: Mapping[str, str], why: str) -> int:
        """Remove these rows (reference -> ISO instant of the deletion, "" if it is not known).

        Returns how many rows this touched. A row that an intent holds stays and learns that it is
        gone (`Base.gone`); `apply_theirs` removes it later. A row newer than the instant stays.
        """

    def referenced(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """The rows among these to which a row of the same chart refers that stays itself."""


class ManifestPort(Protocol):
    """The manifests of the source (`manifest/policy.py`)."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Search -> the fields of its `policy.Manifest`."""

    def save_page(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        """Save the state of a manifest, and the entries of a page: id -> (version, last updated).

        Of a manifest that is over (`begun_at` "") all entries are dropped.
        """

    def entries(self, search: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated), of all pages of the manifest under way."""

    def fetch_again(self) -> None:
        """Make every manifest due in the next cycle."""


class SyncStatePort(Protocol):
    """The state of the source between two cycles."""

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        """Search -> the fields of its `state.Cursor`."""

    def save_cursor(self, search: str, cursor: Any) -> None:
        """Save the cursor of a search."""

    def references_to_fetch(self) -> tuple[str, ...]:
        """References of saved pages that are still to be fetched."""

    def enqueue_fetch(self, more: Iterable[str], asked: Iterable[str]) -> None:
        """Add `more` to the references to fetch, and drop `asked` from them."""

    def capability(self, name: str) -> tuple[str, str]:
        """The declaration under a name, and the ISO instant at which it was read; "" if never."""

    def observed(self) -> Mapping[str, str]:
        """The observations of the source, by name."""

    def declare(self, name: str, declared: str, now: datetime) -> None:
        """Save what the source declares, and forget all observations of it."""

    def observe(self, name: str, observation: str, now: datetime) -> None:
        """Save an observation of the source."""

    def get_meta(self, name: str) -> str:
        """A value of `meta` about this source; "" if there is none."""

    def set_meta(self, name: str, value: str) -> None:
        """Save a value of `meta` about this source."""

    def record_progress(self, words: str) -> None:
        """Show in the header what is being fetched."""

    def record_cycle(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        """Record how a cycle ended."""


class SourceRepository(Protocol):
    """The parts of one source's cache, inside one transaction."""

    @property
    def base_url(self) -> str:
        """The base URL of the source: absolute references below it are its own."""

    @property
    def outbox(self) -> OutboxPort:
        """The intents."""

    @property
    def mirror(self) -> MirrorPort:
        """The resources."""

    @property
    def removals(self) -> RemovalsPort:
        """The rows that left."""

    @property
    def manifest(self) -> ManifestPort:
        """The manifests, to find what left unannounced."""

    @property
    def sync_state(self) -> SyncStatePort:
        """Cursors, abilities, health."""


class SourceCache(Protocol):
    """The cache of one source, as one sync uses it: transactions behind a lease."""

    def take_lease(self, now: datetime) -> None:
        """Begin a cycle: whoever began an earlier one can save and send nothing more."""

    def check_lease(self) -> None:
        """Raises LeaseLost if another sync has begun since."""

    def reading(self) -> AbstractContextManager[SourceRepository]:
        """The cache as it is at one instant."""

    def writing(self, now: datetime) -> AbstractContextManager[SourceRepository]:
        """The cache, to change it; committed at its end, with the queue's rows projected.

        Raises LeaseLost if another sync has begun since; nothing is changed then.
        """

    def catch_up(self, now: datetime) -> None:
        """Project the rows of the queue that are due, some at a time."""
