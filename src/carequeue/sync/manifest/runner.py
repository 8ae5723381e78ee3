"""Acts on the manifests of a source: fetches, moves or removes rows, or asks a person first.

In:  the cache, the connection to the source, the searches. Out: a `ManifestResult`. Nothing is
removed before the last page of a manifest is here, and nothing unasked if it would be very much.
Each row is checked by itself first; what is done twice after an interruption has the effect of
once.
Why one transaction after a restore: once a person has said that a server was restored from a
backup, the rows and the decisions that it lost are saved together; between the two nothing would
know of them.
Not here: fetching manifests (`fetch.py`), comparing (`policy.py`), the brake (`restore/brake.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from carequeue.domain.timestamps import is_older
from carequeue.fhir.chart import Resource
from carequeue.fhir.our_directory import own_reference
from carequeue.sync.client_check import keys_of, part_from_clients
from carequeue.sync.manifest import policy as r
from carequeue.sync.manifest.fetch import ManifestFetcher, NotNow
from carequeue.sync.ports import Absence, SourceRepository
from carequeue.sync.pull.runner import Context
from carequeue.sync.pull.search_plan import Search
from carequeue.sync.restore import recovery
from carequeue.sync.restore.brake import (
    Held,
    RecentRemovals,
    are_stored,
    brake,
    recent_removals,
    store_hold,
    store_recent_removals,
    stored_hold,
    too_many,
)

_STAYS: Final = (Absence.HERE, Absence.UNKNOWN)


@dataclass(slots=True)
class ManifestResult:
    """The result of the manifests. `fetched`: rows missed before; `filed`: intents to send
    again.

    `why`: what could not be done, "" if all could.
    """

    counted: int = 0
    fetched: int = 0
    removed: int = 0
    filed: int = 0
    why: str = ""


@dataclass(slots=True)
class _Finding:
    """The result of the manifest of one search."""

    search: Search
    why: r.ManifestReason
    begun: datetime
    difference: r.ManifestDifference
    of: int = 0  # rows of its type in the mirror
    back: list[Resource] = field(default_factory=list)
    fates: dict[str, Absence] = field(default_factory=dict)
    # Missing in the manifest, and yet on the server.
    here: list[Resource] = field(default_factory=list)

    @property
    def leaving(self) -> list[str]:
        """Ids of the rows to remove."""
        return [key for key, fate in self.fates.items() if fate not in _STAYS]

    @property
    def meant(self) -> list[str]:
        """The rows among them that the person's own change of scope excludes: removed unasked."""
        if self.why is not r.ManifestReason.SCOPE:
            return []
        return [key for key in self.leaving if self.fates[key] is Absence.OUT_OF_SCOPE]


class ManifestRun:
    """Fetches the manifests of one source and acts on them."""

    def __init__(self, context: Context, stop: Callable[[], bool]) -> None:
        self._cache = context.cache
        self._now = context.now
        self._fetcher = ManifestFetcher(context, stop)
        self.done = ManifestResult()

    def run(self, searches: Sequence[Search], *, asked: bool) -> None:
        """Run the manifests that are due, or all if `asked`. Raises Unreachable and SignInError."""
        with self._cache.reading() as rows:
            asked = asked or (
                recovery.has_noted_losses(rows) and stored_hold(rows.sync_state) is None
            )
        try:
            findings = [
                self._compared(search, why)
                for search, why in self._fetcher.due(searches, asked)
                if self._fetcher.fetch(search)
            ]
            if findings:
                self._conclude(findings)
        except NotNow as busy:
            self.done.why = f"could not check for deleted records: {busy}"
        if self._fetcher.left_out:
            self.done.why = "could not check for deleted records: " + ", ".join(
                self._fetcher.left_out
            )

    def _compared(self, search: Search, why: r.ManifestReason) -> _Finding:
        with self._cache.reading() as rows:
            count = r.Manifest(**rows.manifest.states()[search.name])
            begun = datetime.fromisoformat(count.server_at)
            ours = rows.mirror.versions(search.type)
            gone = rows.mirror.deletions(search.type)
            difference = r.compare(ours, rows.manifest.entries(search.name), begun, gone)
        return _Finding(search, why, begun, difference, len(ours))

    def _conclude(self, findings: list[_Finding]) -> None:
        """Fetch what was missed, check what is missing, and remove what left, or ask."""
        now = self._now()
        with self._cache.reading() as rows:
            here = rows.mirror.count()
            was = stored_hold(rows.sync_state)
            lately = recent_removals(rows.sync_state, now)
        accepted = was is not None and was.answer == "accept"
        for finding in findings:
            self._heal(finding)
        for finding in findings:
            self._find_missing(finding, here, accepted)
        unasked = [(finding, len(finding.leaving) - len(finding.meant)) for finding in findings]
        leaving = sum(count for _, count in unasked)
        much = lately.too_many(leaving, here) or any(
            lately.too_many(count, finding.of, finding.search.type)
            for finding, count in unasked
            if count
        )
        with self._cache.reading() as rows:
            back = sum(len(finding.back) for finding in findings) + len(recovery.noted_losses(rows))
        held = brake(leaving, back, here, was, now, much=bool(leaving) and much)
        for finding in findings:
            self._save(
                [resource for resource in finding.here if resource["id"] not in finding.leaving]
            )
        if held is None and back:
            self._follow_back(findings)
        for finding in findings:
            self._take_out(finding, finding.leaving if held is None else finding.meant)
        if held is None:
            for finding, count in unasked:
                lately = lately.taking(finding.search.type, count, now) if count else lately
            self._remember(RecentRemovals() if accepted else lately)
        self._end(findings, held, was)

    def _remember(self, lately: RecentRemovals) -> None:
        """Save what was removed unasked; after a person's answer it starts over."""
        with self._cache.reading() as rows:
            stored = are_stored(rows.sync_state, lately)
        if not stored:
            with self._cache.writing(self._now()) as rows:
                store_recent_removals(rows.sync_state, lately)

    def _end(self, findings: Sequence[_Finding], held: Held | None, was: Held | None) -> None:
        now = self._now()
        with self._cache.writing(now) as rows:
            if stored_hold(rows.sync_state) != was:
                return  # somebody has answered meanwhile: concluded again in the next cycle
            if held is None:
                recovery.forget_losses(rows)
            for finding in findings:
                rows.manifest.save_page(finding.search.name, r.first(finding.search, now), {})
            store_hold(rows.sync_state, held)
            rows.sync_state.record_progress("")
        self.done.counted = len(findings)

    # --- looking ----------------------------------------------------------------------------------

    def _heal(self, finding: _Finding) -> None:
        """Fetch what an update missed, and confirm rows that seem to go back."""
        kind = finding.search.type
        for batch in self._fetcher.batched(finding.difference.missed):
            self._save(self._fetcher.by_ids(kind, batch))
        for batch in self._fetcher.batched(finding.difference.returned):
            self._save(self._fetcher.by_ids(kind, batch), even_older=True)
        for batch in self._fetcher.batched(finding.difference.back):
            given = self._fetcher.by_ids(kind, batch)
            with self._cache.reading() as rows:
                ours = rows.mirror.versions(kind)
            older = [
                resource
                for resource in given
                if is_older(recovery.updated(resource), ours.get(resource["id"], ("", ""))[1])
            ]
            finding.back += older
            self._save([resource for resource in given if resource not in older])

    def _find_missing(self, finding: _Finding, here: int, accepted: bool) -> None:
        """Find out what became of each row that is not in the manifest.

        If very many are missing, they are not read one at a time before a person has said that it
        may be so.
        """
        search, missing = finding.search, list(finding.difference.missing)
        for params in dict.fromkeys([search.params, ()]):
            missing = self._not_given(finding, missing, params)
        unasked = finding.why is not r.ManifestReason.SCOPE and not accepted
        if unasked and (too_many(len(missing), here) or too_many(len(missing), finding.of)):
            finding.fates |= dict.fromkeys(missing, Absence.DELETED)
        else:
            for key in missing:
                self._read(finding, key)
        out = [key for key, fate in finding.fates.items() if fate is Absence.OUT_OF_SCOPE]
        if out:
            with self._cache.reading() as rows:
                shown = rows.removals.referenced(search.type, out)
            finding.fates |= dict.fromkeys(shown, Absence.HERE)

    def _not_given(
        self, finding: _Finding, ids: Sequence[str], params: tuple[tuple[str, str], ...]
    ) -> list[str]:
        """The rows that a search by id, with or without parameters, does not show either."""
        left = []
        for batch in self._fetcher.batched(ids):
            resources = self._fetcher.by_ids(finding.search.type, batch, params)
            given = {resource["id"]: resource for resource in resources}
            for key in batch:
                if key not in given:
                    left.append(key)
                    continue
                finding.here.append(given[key])
                within_scope = bool(params)
                finding.fates[key] = (
                    Absence.HERE if within_scope else self._fate(finding, 200, given[key])
                )
        return left

    def _read(self, finding: _Finding, key: str) -> None:
        """Read one row by itself."""
        name = f"{finding.search.type}/{key}"
        answer = self._fetcher.get(name)
        resource = answer.json if own_reference(answer.json) == name else None
        if answer.status != 200:
            finding.fates[key] = self._fate(finding, answer.status, {})
        elif resource is None:
            finding.fates[key] = Absence.UNKNOWN
        else:
            finding.fates[key] = self._fate(finding, 200, resource)
            finding.here.append(resource)

    def _fate(self, finding: _Finding, status: int, resource: Resource) -> Absence:
        return r.fate(finding.search, status, recovery.updated(resource), finding.begun)

    # --- keeping ----------------------------------------------------------------------------------

    def _save(self, resources: Sequence[Resource], *, even_older: bool = False) -> None:
        if not resources:
            return
        now = self._now()
        with self._cache.writing(now) as rows:
            saved = rows.mirror.save(resources, now, even_older=even_older)
            part_from_clients(rows, keys_of(resources), now)
            rows.sync_state.enqueue_fetch(saved.missing, ())
        self.done.fetched += saved.changed

    def _take_out(self, finding: _Finding, ids: Sequence[str]) -> None:
        for batch in self._fetcher.batched(ids):
            with self._cache.writing(self._now()) as rows:
                for key in batch:
                    name = {f"{finding.search.type}/{key}": ""}
                    self.done.removed += rows.removals.remove(name, finding.fates[key])

    def _follow_back(self, findings: Sequence[_Finding]) -> None:
        """A person said that the server was restored: move the rows back and file the lost
        decisions again.
        """
        now = self._now()
        with self._cache.writing(now) as rows:
            after: dict[tuple[str, str], Resource | None] = {}
            for finding in findings:
                kind = finding.search.type
                after |= {(kind, key): None for key in finding.leaving}
                after |= {(kind, resource["id"]): resource for resource in finding.back}
            before = {key: rows.mirror.base(*key).body for key in after}
            taken = rows.outbox.acknowledged(now - recovery.REMEMBERED)
            lost = {
                intent.id: intent for intent in recovery.lost_after_restore(taken, before, after)
            }
            for intent in recovery.noted_losses(rows):
                key = (intent.target_type, intent.target_id)
                after.setdefault(key, rows.mirror.base(*key).body)
                lost[intent.id] = intent
            losses = sorted(lost.values(), key=lambda intent: intent.seq)
            wanted = recovery.not_superseded(losses, [*taken, *rows.outbox.open_intents()])
            filed = recovery.refile(wanted, after, lambda: str(uuid.uuid4()))
            recovery.forget_losses(rows)
            for finding in findings:
                self._move_back(rows, finding, now)
            rows.outbox.refile(filed, now)
            moved = {(intent.target_type, intent.target_id) for intent in filed}
            part_from_clients(rows, moved | after.keys(), now)
        self.done.filed += len(filed)

    def _move_back(self, rows: SourceRepository, finding: _Finding, now: datetime) -> None:
        for key in finding.leaving:
            self.done.removed += rows.removals.remove(
                {f"{finding.search.type}/{key}": ""}, finding.fates[key]
            )
        saved = rows.mirror.save(finding.back, now, even_older=True)
        rows.sync_state.enqueue_fetch(saved.missing, ())
        self.done.fetched += saved.changed
