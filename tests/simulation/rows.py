"""The rows of a cache in memory, inside one transaction: dicts, and a journal to take it back.

It follows `store/mirror.py`, `store/removals.py`, `store/outbox.py` and `store/sync_state.py` line
by line; a test holds the traces of both stores byte-equal. Not here: leases and transactions
(`memory.py`), the rows of the queue, which sync never reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

from carequeue.domain.intents import (
    CAUSES,
    HOLDING_STATES,
    OPEN_STATES,
    Intent,
    IntentEvent,
    IntentState,
    step,
)
from carequeue.fhir import intent_effects, jsontext
from carequeue.fhir.base import Base, Saved
from carequeue.fhir.bundles import is_subset
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import references
from carequeue.store.base_lock import is_before

Key = tuple[str, str]
_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the mirror; `body` None: the source does not give it."""

    body: Resource | None
    version: str
    digest: bytes
    last_updated: str
    theirs: Resource | None = None
    theirs_version: str = ""
    theirs_digest: bytes = b""
    theirs_gone: str = ""
    gone: str = ""

    @property
    def shown(self) -> bytes:
        """The digest of the newest that is known of it."""
        return b"" if self.theirs_gone else self.theirs_digest or self.digest


@dataclass(slots=True)
class Tables:
    """Everything that is on disk."""

    intents: dict[str, Intent] = field(default_factory=dict)
    open: dict[str, Intent] = field(default_factory=dict)
    later: dict[str, datetime] = field(default_factory=dict)
    closed: dict[str, datetime] = field(default_factory=dict)
    resources: dict[Key, Kept] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    capability: dict[str, tuple[str, str]] = field(default_factory=dict)
    observed: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)


class MemoryRows:
    """The rows inside one transaction."""

    def __init__(self, tables: Tables, base_url: str) -> None:
        self._tables = tables
        self._base_url = base_url
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []

    @property
    def base_url(self) -> str:
        return self._base_url

    def _set(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal.append((table, key, table.get(key, _GONE)))
        table[key] = value

    def _del(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self._journal.append((table, key, table.pop(key)))

    def take_back(self) -> None:
        """Undo all that was done through these rows. Open intents keep their order by `seq`."""
        for table, key, old in reversed(self._journal):
            if old is _GONE:
                table.pop(key, None)
            else:
                table[key] = old
        ordered = sorted(self._tables.open.items(), key=lambda one: one[1].seq)
        self._tables.open.clear()
        self._tables.open.update(ordered)

    # --- the outbox -------------------------------------------------------------------------------

    def open_intents(self) -> list[Intent]:
        return list(self._tables.open.values())

    def open_on(self, kind: str, key: str) -> list[Intent]:
        return [
            one
            for one in self._tables.open.values()
            if one.target_id == key and one.target_type == kind
        ]

    def intents(self, ids: Sequence[str]) -> list[Intent]:
        found = self._tables.intents
        return sorted((found[one] for one in set(ids) if one in found), key=lambda one: one.seq)

    def not_before(self) -> Mapping[str, datetime]:
        return {key: at for key, at in self._tables.later.items() if key in self._tables.open}

    def happened(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        state = step(intent.state, event)
        old = self._tables.intents[intent.id]
        progress = event in (IntentEvent.ACKNOWLEDGED, IntentEvent.RETRIED, IntentEvent.KEPT_MINE)
        settled = counts and event is IntentEvent.FOUND_NOT_APPLIED
        settles = 0 if progress else old.settles + int(settled)
        busy = old.busy if event is IntentEvent.MARKED else 0
        cause = CAUSES.get(event, "")
        changed = replace(old, state=state, settles=settles, busy=busy, words=words, cause=cause)
        self._keep(changed)
        if state not in OPEN_STATES:
            self._set(self._tables.closed, intent.id, now)
        return state

    def _keep(self, intent: Intent) -> None:
        self._set(self._tables.intents, intent.id, intent)
        if intent.state in OPEN_STATES:
            self._set(self._tables.open, intent.id, intent)
        else:
            self._del(self._tables.open, intent.id)

    def gave_up(self, intent: Intent, names: Sequence[str]) -> None:
        self._keep(intent_effects.giving_up(self._tables.intents[intent.id], names))

    def mark(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        for intent in intents:
            if intent.state is IntentState.QUEUED:
                self.happened(intent, IntentEvent.MARKED, "", now)
        for intent in intents:
            old = self._tables.intents[intent.id]
            self._keep(replace(old, attempts=old.attempts + 1))

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        for one in ids:
            if until is None:
                self._del(self._tables.later, one)
            else:
                self._set(self._tables.later, one, until)

    def held_up(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        self.postpone([one.id for one in intents], until)
        for one in intents:
            old = self._tables.intents[one.id]
            self._keep(replace(old, words=words, busy=old.busy + 1))

    def say(self, intents: Sequence[Intent], words: str) -> None:
        for one in intents:
            self._keep(replace(self._tables.intents[one.id], words=words))

    def touch(self, intents: Iterable[Intent]) -> None:
        pass

    def acknowledged(self, since: datetime) -> list[Intent]:
        found = [
            one
            for key, one in self._tables.intents.items()
            if one.state is IntentState.ACKNOWLEDGED and self._tables.closed[key] >= since
        ]
        return sorted(found, key=lambda one: one.seq)

    def file_again(self, intents: Sequence[Intent], now: datetime) -> None:
        self.append(intents)

    # --- a person's acts --------------------------------------------------------------------------

    def append(self, intents: Iterable[Intent]) -> None:
        """Keep decisions, in this order; their `seq` is given here."""
        for intent in intents:
            seq = len(self._tables.intents) + 1
            self._keep(replace(intent, seq=seq, attempts=0, settles=0, busy=0))

    def saw(self, intent_id: str, seen: Mapping[str, Any]) -> None:
        """What the person has seen of the unit by now."""
        self._keep(replace(self._tables.intents[intent_id], seen=dict(seen)))

    # --- the mirror -------------------------------------------------------------------------------

    def base(self, kind: str, key: str) -> Base:
        row = self._tables.resources.get((kind, key))
        if row is None:
            return Base(None, "")
        return Base(row.body, row.version, row.theirs, row.theirs_version, row.theirs_gone)

    def move_base(self, resource: Resource, version: str, now: datetime) -> None:
        row = _row(resource)
        if version:
            row = replace(row, version=version)
        self._set(self._tables.resources, _key(resource), row)

    def apply_theirs(self, kind: str, key: str, now: datetime) -> None:
        row = self._tables.resources.get((kind, key))
        if row is None or not (row.theirs_gone or row.theirs) or (kind, key) in self._held():
            return
        if row.theirs_gone:
            self._leave((kind, key), row.theirs_gone, "")
        elif row.theirs is not None:
            self.move_base(row.theirs, row.theirs_version, now)

    def _leave(self, key: Key, why: str, at: str) -> None:
        self._set(self._tables.resources, key, Kept(None, "", b"", at, gone=why))

    def name_on_server(self, kind: str, local_id: str, server_id: str) -> None:
        if local_id == server_id:
            return
        self._set(self._tables.aliases, f"{kind}/{local_id}", f"{kind}/{server_id}")
        for intent in list(self._tables.intents.values()):
            if intent.target_id == local_id and intent.target_type == kind:
                self._keep(replace(intent, target_id=server_id))

    def aliases(self) -> Mapping[str, str]:
        return dict(self._tables.aliases)

    def save(
        self,
        resources: Sequence[Any],
        now: datetime,
        *,
        known_only: bool = False,
        even_older: bool = False,
    ) -> Saved:
        saved = Saved()
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
            if old and not even_older and is_before(row.last_updated, old.last_updated):
                continue
            saved.changed += 1
            held = self._held() if held is None else held
            if key in held:
                row = replace(
                    old if old and old.digest else Kept(None, "", b"", ""),
                    theirs=resource,
                    theirs_version=row.version,
                    theirs_digest=row.digest,
                    theirs_gone="",
                )
            self._set(rows, key, row)
        absent = {name for name in saved.missing if tuple(name.split("/", 1)) not in rows}
        saved.missing = absent | saved.parts
        return saved

    def _held(self) -> set[Key]:
        return {
            (one.target_type, one.target_id)
            for one in self._tables.open.values()
            if one.state in HOLDING_STATES
        }

    def note_absent(self, names: Iterable[str], why: str, now: datetime) -> None:
        for name in names:
            kind, _, key = name.partition("/")
            if (kind, key) not in self._tables.resources:
                self._set(self._tables.resources, (kind, key), Kept(None, "", b"", "", gone=why))

    def take_out(self, names: Mapping[str, str], why: str) -> int:
        held = self._held()
        touched = 0
        for name, at in names.items():
            kind, _, key = name.partition("/")
            row = self._tables.resources.get((kind, key))
            if row is None or row.body is None or row.theirs_gone:
                continue
            if at and is_before(at, row.last_updated):
                continue
            touched += 1
            if (kind, key) in held:
                gone = replace(
                    row, theirs=None, theirs_version="", theirs_digest=b"", theirs_gone=why
                )
                self._set(self._tables.resources, (kind, key), gone)
            else:
                self._leave((kind, key), why, at)
        return touched

    def mirrored(self, kind: str) -> Mapping[str, tuple[str, str]]:
        return {
            key: (row.theirs_version, "") if row.theirs else (row.version, row.last_updated)
            for (of, key), row in self._tables.resources.items()
            if of == kind and row.body is not None and not row.theirs_gone
        }

    def deleted(self, kind: str) -> Mapping[str, str]:
        return {
            key: row.last_updated
            for (of, key), row in self._tables.resources.items()
            if of == kind and row.body is None and row.gone and row.last_updated
        }

    def here(self) -> int:
        return sum(row.body is not None for row in self._tables.resources.values())

    def referred(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        raise NotImplementedError("the simulation narrows no search")

    # --- counts -----------------------------------------------------------------------------------

    def counts(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self._tables.counts)

    def keep_count(self, search: str, state: Any, page: Mapping[str, tuple[str, str]]) -> None:
        self._set(self._tables.counts, search, _as_row(state))
        met = {} if not state.begun_at else self._tables.listed.get(search, {})
        self._set(self._tables.listed, search, {**met, **page})

    def listed(self, search: str) -> Mapping[str, tuple[str, str]]:
        return dict(self._tables.listed.get(search, {}))

    # --- what is known of the source --------------------------------------------------------------

    def cursors(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self._tables.cursors)

    def keep_cursor(self, search: str, cursor: Any) -> None:
        self._set(self._tables.cursors, search, _as_row(cursor))

    def wanted(self) -> tuple[str, ...]:
        return tuple(self._tables.meta.get("wanted", "").split())

    def want(self, more: Iterable[str], asked: Iterable[str]) -> None:
        before = self.wanted()
        after = {*before, *more}.difference(asked)
        if after != set(before):
            self._set(self._tables.meta, "wanted", " ".join(sorted(after)))

    def capability(self, name: str) -> tuple[str, str]:
        return self._tables.capability.get(name, ("", ""))

    def observed(self) -> Mapping[str, str]:
        return {name: seen for name, seen in self._tables.observed.items() if seen}

    def declare(self, name: str, declared: str, now: datetime) -> None:
        for one in list(self._tables.observed):
            self._del(self._tables.observed, one)
        self._set(self._tables.capability, name, (declared, now.isoformat()))

    def observe(self, name: str, observation: str, now: datetime) -> None:
        self._set(self._tables.observed, name, observation)

    def get_meta(self, name: str) -> str:
        return self._tables.meta.get(name, "")

    def set_meta(self, name: str, value: str) -> None:
        self._set(self._tables.meta, name, value)

    def note_progress(self, words: str) -> None:
        pass

    def note_look(
        self, *, online: bool, full: bool, why: str, now: datetime, signed_out: bool = False
    ) -> None:
        if full:
            self._set(self._tables.meta, "last_full", now.isoformat())


def _as_row(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


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
