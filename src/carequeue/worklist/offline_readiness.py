"""Before somebody goes where there is no network: is everything here, and will it open?

In:  what a look at every source just came to, the cache, the disk, the clocks. Out: a line a check,
and one sentence. Ready means: each search of each source has finished, nothing that is referred to
is still to be fetched, nothing waits or needs an answer, and the cache opens anew with its key.
Not here: the look itself (`wiring.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from carequeue.domain.errors import CareQueueError
from carequeue.domain.sanitize import clean
from carequeue.store import cache_check
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.encryption_keys import read_key
from carequeue.store.engine import connect
from carequeue.store.profiles import Places
from carequeue.worklist.health import Health
from carequeue.worklist.results import SyncReport

#: Free bytes below which a day's work may not fit, and below which it is said.
LEAST_FREE: Final = 50 * 1024 * 1024
LITTLE_FREE: Final = 500 * 1024 * 1024
#: Seconds by which this machine's time may differ: deadlines are counted by it.
APART: Final = 120
FAR_APART: Final = 900
_OUTBOX: Final = {
    "queued": ("waits to be sent", "wait to be sent"),
    "in_doubt": ("is being checked", "are being checked"),
    "conflict": ("differs from what a colleague did", "differ from what colleagues did"),
    "needs_attention": ("needs you", "need you"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, `level` (ok | note | problem), what was found, what to do."""

    what: str
    level: str
    found: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether one can go; `unable` as in the report of a sync."""

    checks: tuple[Check, ...]
    verdict: str
    ready: bool
    unable: str


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out beside the cache. `apart`: seconds that a server is ahead of us."""

    report: SyncReport
    health: Health
    counts: Mapping[str, int]
    apart: Mapping[str, float]


def readiness(
    cache: CacheTransaction, places: Places, known: Known, now: datetime, zone: tzinfo
) -> Readiness:
    """Every check, and the verdict."""
    checks = (
        *_read(known.report, known.health, zone),
        *_missing(cache, known.health),
        *_unsent(known.counts),
        *_room(cache, places),
        _opens(places),
        *_clocks(known.health, known.apart),
    )
    problems = [check for check in checks if check.level == "problem"]
    return Readiness(
        checks, _verdict(problems, known.health, zone), not problems, known.report.unable
    )


def _verdict(problems: Sequence[Check], health: Health, zone: tzinfo) -> str:
    if not problems:
        at = f", as of {health.last_full.astimezone(zone):%H:%M}" if health.last_full else ""
        return f"Ready: everything in your scope is here{at}, and nothing waits to be sent."
    said = "; ".join(f"{check.what}: {check.found}" for check in problems)
    return f"Not ready: {said}. What is here stays, and what you did is kept."


def _read(report: SyncReport, health: Health, zone: tzinfo) -> list[Check]:
    """Each source: whether all of it was read just now, and else how old it is."""
    if report.unable == "by_choice":
        found = "you chose to work offline, so nothing was fetched"
        return [Check("The servers", "problem", found, "To end it: carequeue online")]
    full = {one.shown: one.last_full for one in health.sources}
    signed_out = {one.shown for one in health.sources if one.signed_out}
    checks = []
    for one in report.sources:
        at = full.get(one.name)
        age = (
            f"last complete sync {at.astimezone(zone):%d %b %H:%M}" if at else "never fully synced"
        )
        if one.full:
            checks.append(Check(one.name, "ok", f"all of it was read just now ({one.words})"))
        else:
            where = "once you are signed in" if one.name in signed_out else "where its network is"
            hint = f"Sync again {where}, then check again."
            checks.append(Check(one.name, "problem", f"{one.words} ({age})", hint))
    return checks


def _missing(cache: CacheTransaction, health: Health) -> list[Check]:
    checks = []
    for source in health.sources:
        count = len(cache.source(source.name).sync_state.references_to_fetch())
        if count:
            words = f"{count:,} resources that others refer to are not here yet"
            checks.append(Check(source.shown, "problem", words, "carequeue sync"))
    return checks


def _unsent(counts: Mapping[str, int]) -> list[Check]:
    said = [
        f"{counts[state]} {many if counts[state] > 1 else one}"
        for state, (one, many) in _OUTBOX.items()
        if counts.get(state)
    ]
    kept = counts.get("kept_here")
    sent = "Everything this server accepts has been sent." if kept else "Everything has been sent."
    checks = [
        Check("Your decisions", "problem", ", ".join(said), "carequeue outbox")
        if said
        else Check("Your decisions", "ok", sent)
    ]
    if kept:
        checks.append(Check("Saved here only", "note", f"{kept}: no server takes such a change"))
    return checks


def _room(cache: CacheTransaction, places: Places) -> list[Check]:
    items = cache.queue.count()
    resources = cache_check.resource_count(cache.connection)
    size = sum(_size(places.cache.with_name(f"{places.cache.name}{end}")) for end in ("", "-wal"))
    found = f"{_bytes(size)}: {items:,} items, {resources:,} resources"
    return [Check("The copy", "ok", found), _disk(places.folder)]


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    level = "problem" if free < LEAST_FREE else "note" if free < LITTLE_FREE else "ok"
    return Check("The disk", level, f"{_bytes(free)} free", "Free some." if level != "ok" else "")


def _opens(places: Places) -> Check:
    """Whether the cache opens as it will out there: with the key that is on the disk."""
    try:
        opened = connect(places.cache, read_key(places))
        try:
            whole = cache_check.is_whole(opened)
        finally:
            opened.close()
    except CareQueueError as error:
        return Check("Key and cache", "problem", str(clean(str(error), 300)).rstrip("."))
    if whole:
        return Check("Key and cache", "ok", "can be opened again, and are whole")
    return Check("Key and cache", "problem", "the cache is damaged", "carequeue doctor")


def _clocks(health: Health, apart: Mapping[str, float]) -> list[Check]:
    checks = []
    for source in health.sources:
        if source.name not in apart:
            continue
        seconds = apart[source.name]
        far = abs(seconds)
        level = "problem" if far > FAR_APART else "note" if far > APART else "ok"
        words, hint = "agrees with the server", ""
        if level != "ok":
            side = "behind" if seconds > 0 else "ahead of"
            words = f"this machine is {round(far / 60)} minutes {side} the server"
            hint = "Deadlines are counted by this machine's time: set it right."
        checks.append(Check(f"Time, {source.shown}", level, words, hint))
    return checks


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
