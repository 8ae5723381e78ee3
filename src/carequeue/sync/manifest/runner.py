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
from dataclasses import asdict, dataclass, field
from datetime import datetime
from json import dumps, loads
from typing import Final

from carequeue.fhir.chart import Resource
from carequeue.fhir.our_directory import own_reference
from carequeue.sync.client_check import keys_of, part_from_clients
from carequeue.sync.manifest import policy as r
from carequeue.sync.manifest.fetch import ManifestFetcher, NotNow
from carequeue.sync.ports import Absence, Rows
from carequeue.sync.protocol.timestamps import is_older
from carequeue.sync.pull.runner import Context
from carequeue.sync.pull.search_plan import Search
from carequeue.sync.restore import detection, recovery
from carequeue.sync.restore.brake import (
    LATELY,
    Held,
    RecentRemovals,
    brake,
    held_from,
    recent_removals_from,
    recent_removals_to,
    too_many,
)
from carequeue.sync.restore.detection import REMEMBERED

#: In `meta`: what waits for a person's answer.
HELD: Final = "held"
_STAYS: Final = (Absence.HERE, Absence.UNKNOWN)


@dataclass(slots=True)
class ManifestResult:
    """What the manifests led to. `fetched`: rows that were missed before; `filed`: decisions to be
    sent again.

    `why`: what could not be done, "" if all could.
    """

    counted: int = 0
    fetched: int = 0
    removed: int = 0
    filed: int = 0
    why: str = ""


@dataclass(slots=True)
class _Found:
    """What the manifest of one search leads to."""

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
            asked = asked or (detection.has_noted_losses(rows) and _held(rows) is None)
        try:
            found = [
                self._compared(search, why)
                for search, why in self._fetcher.due(searches, asked)
                if self._fetcher.count(search)
            ]
            if found:
                self._conclude(found)
        except NotNow as busy:
            self.done.why = f"could not check for deleted records: {busy}"
        if self._fetcher.left_out:
            self.done.why = "could not check for deleted records: " + ", ".join(
                self._fetcher.left_out
            )

    def _compared(self, search: Search, why: r.ManifestReason) -> _Found:
        with self._cache.reading() as rows:
            count = r.Manifest(**rows.counts()[search.name])
            begun = datetime.fromisoformat(count.server_at)
            ours = rows.mirrored(search.type)
            gone = rows.deleted(search.type)
            difference = r.compare(ours, rows.listed(search.name), begun, gone)
        return _Found(search, why, begun, difference, len(ours))

    def _conclude(self, found: list[_Found]) -> None:
        """Fetch what was missed, check what is missing, and remove what left, or ask."""
        now = self._now()
        with self._cache.reading() as rows:
            here = rows.here()
            was = _held(rows)
            lately = recent_removals_from(rows.get_meta(LATELY), now)
        accepted = was is not None and was.answer == "accept"
        for one in found:
            self._heal(one)
        for one in found:
            self._look_for(one, here, accepted)
        unasked = [(one, len(one.leaving) - len(one.meant)) for one in found]
        leaving = sum(count for _, count in unasked)
        much = lately.too_many(leaving, here) or any(
            lately.too_many(count, one.of, one.search.type) for one, count in unasked if count
        )
        with self._cache.reading() as rows:
            back = sum(len(one.back) for one in found) + len(detection.noted_losses(rows))
        held = brake(leaving, back, here, was, now, much=bool(leaving) and much)
        for one in found:
            self._save([each for each in one.here if each["id"] not in one.leaving])
        if held is None and back:
            self._follow_back(found)
        for one in found:
            self._take_out(one, one.leaving if held is None else one.meant)
        if held is None:
            for one, count in unasked:
                lately = lately.taking(one.search.type, count, now) if count else lately
            self._remember(RecentRemovals() if accepted else lately)
        self._end(found, held, was)

    def _remember(self, lately: RecentRemovals) -> None:
        """Save what was removed unasked; after a person's answer it starts over."""
        kept = recent_removals_to(lately) if lately.by_type else ""
        with self._cache.reading() as rows:
            before = rows.get_meta(LATELY)
        if kept != before:
            with self._cache.writing(self._now()) as rows:
                rows.set_meta(LATELY, kept)

    def _end(self, found: Sequence[_Found], held: Held | None, was: Held | None) -> None:
        now = self._now()
        with self._cache.writing(now) as rows:
            if _held(rows) != was:
                return  # somebody has answered meanwhile: concluded again in the next cycle
            if held is None:
                detection.forget_losses(rows)
            for one in found:
                rows.keep_count(one.search.name, r.first(one.search, now), {})
            rows.set_meta(HELD, dumps(asdict(held)) if held else "")
            rows.note_progress("")
        self.done.counted = len(found)

    # --- looking ----------------------------------------------------------------------------------

    def _heal(self, one: _Found) -> None:
        """Fetch what an update missed, and confirm rows that seem to go back."""
        kind = one.search.type
        for batch in self._fetcher.batched(one.difference.missed):
            self._save(self._fetcher.by_ids(kind, batch))
        for batch in self._fetcher.batched(one.difference.returned):
            self._save(self._fetcher.by_ids(kind, batch), even_older=True)
        for batch in self._fetcher.batched(one.difference.back):
            given = self._fetcher.by_ids(kind, batch)
            with self._cache.reading() as rows:
                ours = rows.mirrored(kind)
            older = [
                each
                for each in given
                if is_older(detection.updated(each), ours.get(each["id"], ("", ""))[1])
            ]
            one.back += older
            self._save([each for each in given if each not in older])

    def _look_for(self, one: _Found, here: int, accepted: bool) -> None:
        """What became of each row that is not in the manifest.

        If very many are missing, they are not read one at a time before a person has said that it
        may be so.
        """
        search, missing = one.search, list(one.difference.missing)
        for params in dict.fromkeys([search.params, ()]):
            missing = self._not_given(one, missing, params)
        unasked = one.why is not r.ManifestReason.SCOPE and not accepted
        if unasked and (too_many(len(missing), here) or too_many(len(missing), one.of)):
            one.fates |= dict.fromkeys(missing, Absence.DELETED)
        else:
            for key in missing:
                self._read(one, key)
        out = [key for key, fate in one.fates.items() if fate is Absence.OUT_OF_SCOPE]
        if out:
            with self._cache.reading() as rows:
                shown = rows.referred(search.type, out)
            one.fates |= dict.fromkeys(shown, Absence.HERE)

    def _not_given(
        self, one: _Found, ids: Sequence[str], params: tuple[tuple[str, str], ...]
    ) -> list[str]:
        """The rows that a search by id, with or without parameters, does not show either."""
        left = []
        for batch in self._fetcher.batched(ids):
            there = self._fetcher.by_ids(one.search.type, batch, params)
            given = {each["id"]: each for each in there}
            for key in batch:
                if key not in given:
                    left.append(key)
                    continue
                one.here.append(given[key])
                narrowed = bool(params)
                one.fates[key] = Absence.HERE if narrowed else self._fate(one, 200, given[key])
        return left

    def _read(self, one: _Found, key: str) -> None:
        """Read one row by itself."""
        name = f"{one.search.type}/{key}"
        answer = self._fetcher.get(name)
        resource = answer.json if own_reference(answer.json) == name else None
        if answer.status != 200:
            one.fates[key] = self._fate(one, answer.status, {})
        elif resource is None:
            one.fates[key] = Absence.UNKNOWN
        else:
            one.fates[key] = self._fate(one, 200, resource)
            one.here.append(resource)

    def _fate(self, one: _Found, status: int, resource: Resource) -> Absence:
        return r.fate(one.search, status, detection.updated(resource), one.begun)

    # --- keeping ----------------------------------------------------------------------------------

    def _save(self, resources: Sequence[Resource], *, even_older: bool = False) -> None:
        if not resources:
            return
        now = self._now()
        with self._cache.writing(now) as rows:
            saved = rows.save(resources, now, even_older=even_older)
            part_from_clients(rows, keys_of(resources), now)
            rows.want(saved.missing, ())
        self.done.fetched += saved.changed

    def _take_out(self, one: _Found, ids: Sequence[str]) -> None:
        for batch in self._fetcher.batched(ids):
            with self._cache.writing(self._now()) as rows:
                for key in batch:
                    name = {f"{one.search.type}/{key}": ""}
                    self.done.removed += rows.take_out(name, one.fates[key])

    def _follow_back(self, found: Sequence[_Found]) -> None:
        """A person said that the server was restored: move the rows back and file the lost
        decisions again.
        """
        now = self._now()
        with self._cache.writing(now) as rows:
            after = {
                **{(one.search.type, key): None for one in found for key in one.leaving},
                **{(one.search.type, each["id"]): each for one in found for each in one.back},
            }
            before = {key: rows.base(*key).body for key in after}
            taken = rows.acknowledged(now - REMEMBERED)
            lost = {one.id: one for one in recovery.lost_after_restore(taken, before, after)}
            for one in detection.noted_losses(rows):
                key = (one.target_type, one.target_id)
                after.setdefault(key, rows.base(*key).body)
                lost[one.id] = one
            found_lost = sorted(lost.values(), key=lambda one: one.seq)
            wanted = recovery.not_superseded(found_lost, [*taken, *rows.open_intents()])
            filed = recovery.refile(wanted, after, lambda: str(uuid.uuid4()))
            detection.forget_losses(rows)
            for found_one in found:
                self._move_back(rows, found_one, now)
            rows.file_again(filed, now)
            moved = {(one.target_type, one.target_id) for one in filed}
            part_from_clients(rows, moved | after.keys(), now)
        self.done.filed += len(filed)

    def _move_back(self, rows: Rows, one: _Found, now: datetime) -> None:
        for key in one.leaving:
            self.done.removed += rows.take_out({f"{one.search.type}/{key}": ""}, one.fates[key])
        saved = rows.save(one.back, now, even_older=True)
        rows.want(saved.missing, ())
        self.done.fetched += saved.changed


def _held(rows: Rows) -> Held | None:
    return held_from(loads(rows.get_meta(HELD) or "null"))
