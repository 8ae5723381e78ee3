"""The rows of a cache in memory, inside one transaction: the same parts as on a disk, over dicts.

It follows `store/outbox.py`, `store/mirror.py`, `store/removals.py`, `store/sync_state.py` and the
others line by line; a test holds the traces of both stores byte-equal. Not here: the dicts
themselves and the journal (`tables.py`), leases and transactions (`memory.py`), the rows of the
queue, which sync never reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from carequeue.domain.intents import (
    CAUSES,
    OPEN_STATES,
    Intent,
    IntentEvent,
    IntentState,
    step,
)
from carequeue.domain.timestamps import is_older
from carequeue.fhir import intent_effects, jsontext
from carequeue.fhir.base import Base, SavedPage
from carequeue.fhir.bundles import is_subset
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import chart_of, references
from tests.simulation import tables
from tests.simulation.tables import Journal, Kept, Key


class MemoryRepository:
    """The parts of the cache inside one transaction."""

    def __init__(self, journal: Journal, base_url: str) -> None:
        self.base_url = base_url
        self.outbox = MemoryOutbox(journal)
        self.mirror = MemoryMirror(journal, base_url)
        self.removals = MemoryRemovals(journal)
        self.manifest = MemoryManifest(journal)
        self.sync_state = MemorySyncState(journal)


class _Part:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tables = journal.tables


class MemoryOutbox(_Part):
    """As `store.outbox.SourceOutbox`; `append` and `set_seen` are for a person’s acts."""

    def open_intents(self) -> list[Intent]:
        return list(self._tables.open.values())

    def open_on(self, kind: str, key: str) -> list[Intent]:
        return [
            one
            for one in self._tables.open.values()
            if one.target_id == key and one.target_type == kind
        ]

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        found = self._tables.intents
        return sorted((found[one] for one in set(ids) if one in found), key=lambda one: one.seq)

    def acknowledged(self, since: datetime) -> list[Intent]:
        found = [
            one
            for key, one in self._tables.intents.items()
            if one.state is IntentState.ACKNOWLEDGED and self._tables.closed[key] >= since
        ]
        return sorted(found, key=lambda one: one.seq)

    def not_before(self) -> Mapping[str, datetime]:
        return {key: at for key, at in self._tables.later.items() if key in self._tables.open}

    def append(self, intents: Iterable[Intent]) -> None:
        """Keep decisions, in this order; their `seq` is given here."""
        for intent in intents:
            seq = len(self._tables.intents) + 1
            self._journal.keep(replace(intent, seq=seq, attempts=0, settles=0, busy=0))

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        self.append(intents)

    def set_seen(self, intent_id: str, seen: Mapping[str, Any]) -> None:
        """What the person has seen of the unit by now."""
        self._journal.keep(replace(self._tables.intents[intent_id], seen=dict(seen)))

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        state = step(intent.state, event)
        old = self._tables.intents[intent.id]
        progress = event in (IntentEvent.ACKNOWLEDGED, IntentEvent.RETRIED, IntentEvent.KEPT_MINE)
        settled = counts and event is IntentEvent.FOUND_NOT_APPLIED
        settles = 0 if progress else old.settles + int(settled)
        busy = old.busy if event is IntentEvent.ATTEMPT_RECORDED else 0
        cause = CAUSES.get(event, "")
        changed = replace(old, state=state, settles=settles, busy=busy, words=words, cause=cause)
        self._journal.keep(changed)
        if state not in OPEN_STATES:
            self._journal.set(self._tables.closed, intent.id, now)
        return state

    def record_attempt(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        for intent in intents:
            if intent.state is IntentState.QUEUED:
                self.apply_event(intent, IntentEvent.ATTEMPT_RECORDED, "", now)
        for intent in intents:
            old = self._tables.intents[intent.id]
            self._journal.keep(replace(old, attempts=old.attempts + 1))

    def release_units(self, intent: Intent, names: Sequence[str]) -> None:
        self._journal.keep(intent_effects.giving_up(self._tables.intents[intent.id], names))

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        for one in ids:
            if until is None:
                self._journal.delete(self._tables.later, one)
            else:
                self._journal.set(self._tables.later, one, until)

    def back_off(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        self.postpone([intent.id for intent in intents], until)
        for intent in intents:
            old = self._tables.intents[intent.id]
            self._journal.keep(replace(old, words=words, busy=old.busy + 1))

    def set_message(self, intents: Sequence[Intent], words: str) -> None:
        for intent in intents:
            self._journal.keep(replace(self._tables.intents[intent.id], words=words))

    def mark_for_projection(self, intents: Iterable[Intent]) -> None:
        pass

    def aliases(self) -> Mapping[str, str]:
        return dict(self._tables.aliases)

    def record_alias(self, kind: str, local_id: str, server_id: str) -> None:
        self._journal.set(self._tables.aliases, f"{kind}/{local_id}", f"{kind}/{server_id}")
        for intent in list(self._tables.intents.values()):
            if intent.target_id == local_id and intent.target_type == kind:
                self._journal.keep(replace(intent, target_id=server_id))


class MemoryMirror(_Part):
    """As `store.mirror.SourceMirror`."""

    def __init__(self, journal: Journal, base_url: str) -> None:
        super().__init__(journal)
        self._base_url = base_url

    def base(self, kind: str, key: str) -> Base:
        row = self._tables.resources.get((kind, key))
        if row is None:
            return Base(None, "")
        return Base(row.body, row.version, row.theirs, row.theirs_version, row.theirs_gone)

    def versions(self, kind: str) -> Mapping[str, tuple[str, str]]:
        return {
            key: (row.theirs_version, "") if row.theirs else (row.version, row.last_updated)
            for (of, key), row in self._tables.resources.items()
            if of == kind and row.body is not None and not row.theirs_gone
        }

    def deletions(self, kind: str) -> Mapping[str, str]:
        return {
            key: row.last_updated
            for (of, key), row in self._tables.resources.items()
            if of == kind and row.body is None and row.gone and row.last_updated
        }

    def count(self) -> int:
        return sum(row.body is not None for row in self._tables.resources.values())

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> SavedPage:
        saved = SavedPage()
        rows = self._tables.resources
        held: set[Key] | None = None
        if known_only:
            resources = [one for one in resources if _key(one) in rows]
        whole = {_key(one): one for one in resources if not is_subset(one)}
        saved.parts = {"/".join(_key(one)) for one in resources if is_subset(one)}
        before = {key: rows.get(key) for key in whole}
        for key, resource in whole.items():
            old, row = before[key], _row(resource)
            saved.missing |= references(resource, self._base_url)
            if old and old.shown == row.digest:
                continue
            if old and not even_older and is_older(row.last_updated, old.last_updated):
                continue
            saved.changed += 1
            held = tables.held_rows(self._tables) if held is None else held
            if key in held:
                row = replace(
                    old if old and old.digest else Kept(None, "", b"", ""),
                    theirs=resource,
                    theirs_version=row.version,
                    theirs_digest=row.digest,
                    theirs_gone="",
                )
            self._journal.set(rows, key, row)
        absent = {name for name in saved.missing if tuple(name.split("/", 1)) not in rows}
        saved.missing = absent | saved.parts
        return saved

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        row = _row(resource)
        if version:
            row = replace(row, version=version)
        self._journal.set(self._tables.resources, _key(resource), row)

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        row = self._tables.resources.get((kind, key))
        if (
            row is None
            or not (row.theirs_gone or row.theirs)
            or (kind, key) in tables.held_rows(self._tables)
        ):
            return
        if row.theirs_gone:
            _leave(self._journal, (kind, key), row.theirs_gone, "")
        elif row.theirs is not None:
            self.move_base(row.theirs, row.theirs_version, now)


class MemoryRemovals(_Part):
    """As `store.removals.SourceRemovals`."""

    def record_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        for name in names:
            kind, _, key = name.partition("/")
            if (kind, key) not in self._tables.resources:
                self._journal.set(
                    self._tables.resources, (kind, key), Kept(None, "", b"", "", gone=why)
                )

    def remove(self, names: Mapping[str, str], why: str) -> int:
        held = tables.held_rows(self._tables)
        touched = 0
        for name, at in names.items():
            kind, _, key = name.partition("/")
            row = self._tables.resources.get((kind, key))
            if row is None or row.body is None or row.theirs_gone:
                continue
            if at and is_older(at, row.last_updated):
                continue
            touched += 1
            if (kind, key) in held:
                gone = replace(
                    row, theirs=None, theirs_version="", theirs_digest=b"", theirs_gone=why
                )
                self._journal.set(self._tables.resources, (kind, key), gone)
            else:
                _leave(self._journal, (kind, key), why, at)
        return touched

    def referenced(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        leaving = set(ids)
        shown: set[str] = set()
        while named := {key for key in leaving if self._is_named(kind, key, leaving)}:
            shown |= named
            leaving -= named
        return frozenset(shown)

    def _is_named(self, kind: str, key: str, leaving: set[str]) -> bool:
        rows = self._tables.resources
        own = rows.get((kind, key))
        chart = chart_of(own.body, "") if own is not None and own.body is not None else ""
        text = f'{kind}/{key}"'.encode()
        return any(
            chart_of(row.body, "") == chart and text in jsontext.dumps(row.body)
            for name, row in rows.items()
            if row.body is not None
            and name != (kind, key)
            and not (name[0] == kind and name[1] in leaving)
        )


def _leave(journal: Journal, key: Key, why: str, at: str) -> None:
    journal.set(journal.tables.resources, key, Kept(None, "", b"", at, gone=why))


class MemoryManifest(_Part):
    """As `store.manifest.SourceManifest`."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self._tables.counts)

    def save_page(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        self._journal.set(self._tables.counts, search, _as_row(state))
        met = {} if not state.begun_at else self._tables.listed.get(search, {})
        self._journal.set(self._tables.listed, search, {**met, **page})

    def entries(self, search: str) -> Mapping[str, tuple[str, str]]:
        return dict(self._tables.listed.get(search, {}))

    def fetch_again(self) -> None:
        for name, count in self._tables.counts.items():
            self._journal.set(self._tables.counts, name, {**count, "counted_at": ""})


class MemorySyncState(_Part):
    """As `store.sync_state.SourceSyncState`."""

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self._tables.cursors)

    def save_cursor(self, search: str, cursor: Any) -> None:
        self._journal.set(self._tables.cursors, search, _as_row(cursor))

    def references_to_fetch(self) -> tuple[str, ...]:
        return tuple(self._tables.meta.get("wanted", "").split())

    def enqueue_fetch(self, more: Iterable[str], asked: Iterable[str]) -> None:
        before = self.references_to_fetch()
        after = {*before, *more}.difference(asked)
        if after != set(before):
            self._journal.set(self._tables.meta, "wanted", " ".join(sorted(after)))

    def capability(self, name: str) -> tuple[str, str]:
        return self._tables.capability.get(name, ("", ""))

    def observed(self) -> Mapping[str, str]:
        return {name: seen for name, seen in self._tables.observed.items() if seen}

    def declare(self, name: str, declared: str, now: datetime) -> None:
        for one in list(self._tables.observed):
            self._journal.delete(self._tables.observed, one)
        self._journal.set(self._tables.capability, name, (declared, now.isoformat()))

    def observe(self, name: str, observation: str, now: datetime) -> None:
        self._journal.set(self._tables.observed, name, observation)

    def get_meta(self, name: str) -> str:
        return self._tables.meta.get(name, "")

    def set_meta(self, name: str, value: str) -> None:
        self._journal.set(self._tables.meta, name, value)

    def record_progress(self, words: str) -> None:
        pass

    def record_cycle(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        if full:
            self._journal.set(self._tables.meta, "last_full", now.isoformat())


def _as_row(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _key(resource: Resource) -> Key:
    return resource["resourceType"], resource["id"]


def _row(resource: Resource) -> Kept:
    meta = resource.get("meta") or {}
    return Kept(
        resource,
        meta.get("versionId", ""),
        jsontext.dumps(resource),
        meta.get("lastUpdated", ""),
    )
