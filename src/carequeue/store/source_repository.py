"""The cache of one source, as its sync uses it: rows inside a transaction, behind a lease.

The protocols are `sync.rows`; here they are kept in SQLite. What a transaction touched is projected
in the same transaction, so that the queue never shows a half.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.fhir.base import Base, Saved
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import shared
from carequeue.store import (
    audit,
    chart_membership,
    id_aliases,
    lease,
    manifest,
    mirror,
    outbox,
    removals,
    sync_state,
)
from carequeue.store.engine import writing
from carequeue.store.projection import Projector


class SourceRows:
    """The rows of one source inside one transaction; `charts` are those that it touched."""

    def __init__(self, connection: Connection, source: str, base_url: str = "") -> None:
        self._connection = connection
        self._source = source
        self._base_url = base_url
        self.charts: set[tuple[str, str]] = set()

    @property
    def base_url(self) -> str:
        """The address of the source."""
        return self._base_url

    # --- the outbox -------------------------------------------------------------------------------

    def open_intents(self) -> list[Intent]:
        """All open intents, in order."""
        return outbox.of_source(self._connection, self._source)

    def open_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource, in order."""
        return outbox.of_target(self._connection, self._source, kind, key)

    def intents(self, ids: Sequence[str]) -> list[Intent]:
        """Those intents, in order."""
        return outbox.by_ids(self._connection, ids)

    def not_before(self) -> Mapping[str, datetime]:
        """Intent id -> instant before which it is not to be sent."""
        return outbox.not_before(self._connection, self._source)

    def happened(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        """Take one intent to its next state."""
        self.charts.add((intent.source, intent.chart))
        return outbox.happened(self._connection, intent, event, words, now, counts)

    def gave_up(self, intent: Intent, names: Sequence[str]) -> None:
        """These elements of an open decision belong to a later one from here on."""
        self.touch([intent])
        outbox.gave_up(self._connection, intent, names)

    def mark(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        """Write down that these are about to leave."""
        outbox.mark(self._connection, intents, method, path, if_match, now)

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        """Not before this instant."""
        outbox.postpone(self._connection, ids, until)

    def held_up(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        """The server said "not now" to these once more."""
        self.touch(intents)
        outbox.held_up(self._connection, [one.id for one in intents], until, words)

    def say(self, intents: Sequence[Intent], words: str) -> None:
        """Why these stand where they stand."""
        self.touch(intents)
        outbox.say(self._connection, [one.id for one in intents], words)

    def touch(self, intents: Iterable[Intent]) -> None:
        """The queue's rows of these are made anew at the commit."""
        self.charts |= {(one.source, one.chart) for one in intents}

    # --- the mirror -------------------------------------------------------------------------------

    def base(self, kind: str, key: str) -> Base:
        """What is mirrored of one resource."""
        return mirror.base(self._connection, self._source, kind, key)

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        """Make what the server returned the base."""
        self.charts |= mirror.move_base(
            self._connection, self._source, resource, version, now, self._base_url
        )

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        """What lies beside becomes the base, where nothing holds the row."""
        self.charts |= mirror.apply_theirs(
            self._connection, self._source, kind, key, now, self._base_url
        )

    def name_on_server(self, kind: str, local_id: str, server_id: str) -> None:
        """The server's id of what was created here."""
        id_aliases.name_on_server(self._connection, self._source, kind, local_id, server_id)

    def aliases(self) -> Mapping[str, str]:
        """Local reference -> the server's."""
        return id_aliases.aliases(self._connection, self._source)

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> Saved:
        """Keep what a page holds."""
        if known_only:
            resources = mirror.only_known(self._connection, self._source, resources)
        saved = mirror.save(
            self._connection,
            self._source,
            resources,
            now,
            self._base_url,
            even_older=even_older,
        )
        if saved.directory_changed:
            chart_membership.mark_due(self._connection, self._source)
        self.charts |= saved.charts
        return saved

    def note_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        """Remember that the source does not give these."""
        removals.note_absent(self._connection, self._source, names, why, now)

    def take_out(self, names: Mapping[str, str], why: str) -> int:
        """These left the source."""
        touched, charts = removals.take_out(self._connection, self._source, names, why)
        self.charts |= charts
        if any(shared(name.partition("/")[0]) for name in names):
            chart_membership.mark_due(self._connection, self._source)
        return touched

    def mirrored(self, kind: str) -> Mapping[str, tuple[str, str]]:
        """Id -> (version, last updated) of the rows of a type that are here."""
        return removals.mirrored(self._connection, self._source, kind)

    def deleted(self, kind: str) -> Mapping[str, str]:
        """Id -> instant of the deletions of a type of which a history told."""
        return removals.deleted(self._connection, self._source, kind)

    def here(self) -> int:
        """How many rows are here."""
        return removals.here(self._connection, self._source)

    def referred(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """Those to which something else that is shown refers."""
        return removals.referred(self._connection, self._source, kind, ids)

    # --- counts -----------------------------------------------------------------------------------

    def counts(self) -> Mapping[str, Mapping[str, Any]]:
        """Where the counts stand, by search."""
        return manifest.states(self._connection, self._source)

    def keep_count(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        """One page more of a count."""
        manifest.keep(self._connection, self._source, search, state, page)

    def listed(self, search: str) -> Mapping[str, tuple[str, str]]:
        """What a count has met."""
        return manifest.listed(self._connection, self._source, search)

    def acknowledged(self, since: datetime) -> list[Intent]:
        """What the source has taken since an instant."""
        return outbox.acknowledged(self._connection, self._source, since)

    def file_again(self, intents: Sequence[Intent], now: datetime) -> None:
        """Decide these anew, as one group, with their line in the audit log."""
        outbox.append(self._connection, intents)
        for one in intents:
            audit.append(
                self._connection,
                at=now,
                actor=one.author,
                action="send again",
                item_key=one.item_key,
                group=one.group,
            )
        self.touch(intents)

    # --- what is known of the source --------------------------------------------------------------

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        """The cursors of the searches, by name."""
        return sync_state.cursors(self._connection, self._source)

    def keep_cursor(self, search: str, cursor: Any) -> None:
        """Write the cursor of a search."""
        sync_state.keep_cursor(self._connection, self._source, search, cursor)

    def wanted(self) -> tuple[str, ...]:
        """References that are still to be fetched."""
        return sync_state.wanted(self._connection, self._source)

    def want(self, more: Iterable[str], asked: Iterable[str]) -> None:
        """`more` is still to be fetched, `asked` no longer."""
        sync_state.want(self._connection, self._source, more, asked)

    def capability(self, name: str) -> tuple[str, str]:
        """What is declared under a name, and when that was read."""
        return sync_state.capability(self._connection, self._source, name)

    def observed(self) -> Mapping[str, str]:
        """What experience says of the source."""
        return sync_state.observed(self._connection, self._source)

    def declare(self, name: str, declared: str, now: datetime) -> None:
        """Keep what the source declares."""
        sync_state.declare(self._connection, self._source, name, declared, now)

    def observe(self, name: str, observation: str, now: datetime) -> None:
        """Keep what the source was seen to do."""
        sync_state.observe(self._connection, self._source, name, observation, now)

    def get_meta(self, name: str) -> str:
        """A value of the cache about this source."""
        return sync_state.get_meta(self._connection, f"{name}:{self._source}")

    def set_meta(self, name: str, value: str) -> None:
        """Keep a value of the cache about this source."""
        sync_state.set_meta(self._connection, f"{name}:{self._source}", value)

    def note_progress(self, words: str) -> None:
        """What is being fetched."""
        sync_state.note_progress(self._connection, self._source, words)

    def note_look(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        """How a look ended."""
        sync_state.note_look(
            self._connection,
            self._source,
            online=online,
            full=full,
            why=why,
            now=now,
            signed_out=signed_out,
        )


class SourceCache:
    """The cache of one source behind a lease of its own; see `sync.rows.Cache`."""

    def __init__(
        self, source: str, engine: Engine, projector: Projector, base_url: str = ""
    ) -> None:
        self._source = source
        self._engine = engine
        self._projector = projector
        self._base_url = base_url
        self._token = 0

    def take_lease(self, now: datetime) -> None:
        """Begin a look."""
        holder = f"{socket.gethostname()}:{os.getpid()}"
        with writing(self._engine) as connection:
            self._token = lease.take(connection, self._source, holder, now)

    def check_lease(self) -> None:
        """Raises LeaseLost where another sync has begun since."""
        with self._engine.connect() as connection:
            lease.check(connection, self._source, self._token)

    @contextmanager
    def reading(self) -> Iterator[SourceRows]:
        """The rows as they are at one instant."""
        with self._engine.connect() as connection:
            yield SourceRows(connection, self._source, self._base_url)

    @contextmanager
    def writing(self, now: datetime) -> Iterator[SourceRows]:
        """The rows, to change them; what was touched is projected before the commit."""
        with writing(self._engine) as connection:
            lease.check(connection, self._source, self._token)
            rows = SourceRows(connection, self._source, self._base_url)
            yield rows
            self._projector.project(connection, rows.charts, now)

    def catch_up(self, now: datetime) -> None:
        """Make the rows anew that are due, some at a time: an act may come between."""
        with self._engine.connect() as connection:
            due = self._projector.has_moved(connection, now)
        while due:
            with writing(self._engine) as connection:
                due = self._projector.move_time(connection, now)
