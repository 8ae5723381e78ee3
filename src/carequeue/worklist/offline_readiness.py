"""The checks before somebody goes where there is no network: is everything here, will it open?

In:  the result of a sync of every source, the cache, the disk, the clocks. Out: a line per check,
and one sentence. Ready means: each search of each source has finished, no referenced resource is
still to be fetched, nothing waits or needs an answer, and the cache opens again with its key.
Not here: the sync itself (`wiring.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
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
from carequeue.store.profiles import ProfilePaths
from carequeue.worklist.health import Health
from carequeue.worklist.results import SyncReport

#: Free bytes below which a day's work may not fit, and below which the check says so.
LEAST_FREE: Final = 50 * 1024 * 1024
LITTLE_FREE: Final = 500 * 1024 * 1024
#: Seconds by which this machine's time may differ, because deadlines are counted by it.
APART: Final = 120
FAR_APART: Final = 900
_OUTBOX: Final = {
    "queued": ("waits to be sent", "wait to be sent"),
    "in_doubt": ("is being checked", "are being checked"),
    "conflict": ("is in conflict", "are in conflict"),
    "needs_attention": ("needs you", "need you"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: the subject, `level` (ok | note | problem), the result, what to do."""

    what: str
    level: str
    found: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the person can go offline; `unable` as in the report of a sync."""

    checks: tuple[Check, ...]
    verdict: str
    ready: bool
    unable: str


@dataclass(frozen=True, slots=True)
class Known:
    """The facts from outside the cache. `apart`: the seconds that a server is ahead of us."""

    report: SyncReport
    health: Health
    counts: Mapping[str, int]
    apart: Mapping[str, float]


def readiness(
    cache: CacheTransaction, paths: ProfilePaths, known: Known, now: datetime, zone: tzinfo
) -> Readiness:
    """Every check, and the verdict."""
    checks = (
        *_read(known.report, known.health, zone),
        *_missing(cache, known.health),
        *_unsent(known.counts),
        *_room(cache, paths),
        _opens(paths),
        *_clocks(known.health, known.apart),
    )
    problems = [f"{check.what}: {check.found}" for check in checks if check.level == "problem"]
    if problems:
        verdict = f"Not ready: {'; '.join(problems)}. What is here stays, and your work is saved."
    else:
        last = known.health.last_full
        at = f", as of {last.astimezone(zone):%H:%M}" if last else ""
        verdict = f"Ready: everything in your scope is here{at}, and nothing waits to be sent."
    return Readiness(checks, verdict, not problems, known.report.unable)


def _read(report: SyncReport, health: Health, zone: tzinfo) -> list[Check]:
    """Each source: whether all of it was read just now, or how old it is."""
    if report.unable == "by_choice":
        choice = "you chose to work offline, so nothing was fetched"
        return [Check("The servers", "problem", choice, "To end it: carequeue online")]
    full = {source.shown: source.last_full for source in health.sources}
    signed_out = {source.shown for source in health.sources if source.signed_out}
    checks = []
    for source in report.sources:
        if source.full:
            result = f"all of it was read just now ({source.words})"
            checks.append(Check(source.name, "ok", result))
            continue
        at = full.get(source.name)
        age = f"last complete sync {at.astimezone(zone):%d %b %H:%M}" if at else "never synced"
        where = "once you are signed in" if source.name in signed_out else "where its network is"
        hint = f"Sync again {where}, then check again."
        checks.append(Check(source.name, "problem", f"{source.words} ({age})", hint))
    return checks


def _missing(cache: CacheTransaction, health: Health) -> list[Check]:
    checks = []
    for source in health.sources:
        count = len(cache.source(source.name).sync_state.references_to_fetch())
        if count:
            missing = f"{count:,} resources that others refer to are not here yet"
            checks.append(Check(source.shown, "problem", missing, "carequeue sync"))
    return checks


def _unsent(counts: Mapping[str, int]) -> list[Check]:
    unsent = [
        f"{counts[state]} {plural if counts[state] > 1 else singular}"
        for state, (singular, plural) in _OUTBOX.items()
        if counts.get(state)
    ]
    local_only = counts.get("kept_here")
    sent = "Everything this server accepts" if local_only else "Everything"
    checks = [
        Check("Your decisions", "problem", ", ".join(unsent), "carequeue outbox")
        if unsent
        else Check("Your decisions", "ok", f"{sent} has been sent.")
    ]
    if local_only:
        count = f"{local_only}: no server accepts such a change"
        checks.append(Check("Saved here only", "note", count))
    return checks


def _room(cache: CacheTransaction, paths: ProfilePaths) -> list[Check]:
    items = cache.queue.count()
    resources = cache_check.resource_count(cache.connection)
    size = sum(_size(paths.cache.with_name(f"{paths.cache.name}{end}")) for end in ("", "-wal"))
    free = shutil.disk_usage(paths.folder).free
    level = "problem" if free < LEAST_FREE else "note" if free < LITTLE_FREE else "ok"
    hint = "Free some." if level != "ok" else ""
    return [
        Check("The copy", "ok", f"{_bytes(size)}: {items:,} items, {resources:,} resources"),
        Check("The disk", level, f"{_bytes(free)} free", hint),
    ]


def _opens(paths: ProfilePaths) -> Check:
    """Whether the cache opens offline: with the key that is on the disk."""
    try:
        opened = connect(paths.cache, read_key(paths))
        try:
            whole = cache_check.is_whole(opened)
        finally:
            opened.close()
    except CareQueueError as error:
        return Check("Key and cache", "problem", clean(str(error), 300).rstrip("."))
    if whole:
        return Check("Key and cache", "ok", "open again, and are whole")
    return Check("Key and cache", "problem", "the cache is damaged", "carequeue doctor")


def _clocks(health: Health, apart: Mapping[str, float]) -> list[Check]:
    checks = []
    for source in health.sources:
        if source.name not in apart:
            continue
        seconds = apart[source.name]
        far = abs(seconds)
        level = "problem" if far > FAR_APART else "note" if far > APART else "ok"
        result, hint = "agrees with the server", ""
        if level != "ok":
            side = "behind" if seconds > 0 else "ahead of"
            result = f"this machine is {round(far / 60)} minutes {side} the server"
            hint = "Deadlines are counted by this machine's time: set it right."
        checks.append(Check(f"Time, {source.shown}", level, result, hint))
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
