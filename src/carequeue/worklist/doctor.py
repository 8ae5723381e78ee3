"""The doctor: what is right and what is not with a cache, and what could not be shown of it.

Names types, ids and reasons; never what stands in a resource.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from carequeue.domain.sanitize import clean
from carequeue.store import audit, cache_check, queue_items
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.protocol.capabilities import sentences
from carequeue.worklist import brake_answer
from carequeue.worklist.drafts_to_intents import abilities
from carequeue.worklist.results import Finding

_MOST: Final = 20


def examine(cache: CacheTransaction, now: datetime) -> list[Finding]:
    """What is right and what is not with a cache: integrity, audit, counts, what was not shown."""
    findings = [_integrity(cache), _audit(cache), _counts(cache)]
    for source in cache.site.base_urls:
        held = brake_answer.finding(cache, source)
        asks = any(one.level == "problem" for one in held)
        findings += held if asks else [*_last_look(cache, source), *held]
        findings += _source(cache, source)
        findings += _named(source, _not_shown(cache, source, now))
    return findings


def _integrity(cache: CacheTransaction) -> Finding:
    said = cache_check.integrity(cache.connection)
    if said == "ok":
        return Finding("ok", "The cache is whole.")
    hint = "Copy the profile's folder, then ask for help: unsent work is in it."
    return Finding("problem", f"The cache is damaged: {clean(said, 200)}.", hint)


def _audit(cache: CacheTransaction) -> Finding:
    broken = audit.first_break(cache.connection)
    if broken is None:
        return Finding("ok", f"The audit log is whole: {audit.length(cache.connection)} acts.")
    return Finding("problem", f"The audit log was changed at row {broken}.")


def _counts(cache: CacheTransaction) -> Finding:
    if queue_items.stored_counts(cache.connection) == dict(queue_items.counted(cache.connection)):
        return Finding("ok", "The counts of the views fit the rows.")
    return Finding("problem", "The counts of the views do not fit the rows.", "carequeue sync")


def _last_look(cache: CacheTransaction, source: str) -> list[Finding]:
    last = cache.source(source).sync_state.last_cycle()
    if last is None:
        return [Finding("note", f"{source}: was never looked at.", "carequeue sync")]
    words = str(clean(last.why, 200)).rstrip(".")
    because = f": {words}" if words else ""
    if last.online == 0:
        hint = "Check the network and the address; the queue tries again by itself."
        return [Finding("note", f"{source}: could not be reached{because}.", hint)]
    if last.signed_out:
        hint = "Check the token, or the command that gives it, then: carequeue sync"
        return [Finding("problem", f"{source}: signed out{because}.", hint)]
    if words:
        hint = "Items may be missing here. Ask whoever runs the server what your sign-in may read."
        return [Finding("problem", f"{source}: not all could be read{because}.", hint)]
    return []


def _source(cache: CacheTransaction, source: str) -> list[Finding]:
    found = [Finding("note", f"{source}: {words}") for words in sentences(abilities(cache, source))]
    kept = cache_check.resources_by_type(cache.connection, source)
    total = sum(kept.values())
    found.append(Finding("ok", f"{source}: {total:,} resources of {len(kept)} types are here."))
    return found


def _not_shown(cache: CacheTransaction, source: str, now: datetime) -> list[tuple[str, str]]:
    """(reference, why) of what is malformed, and of what could be read in part only."""
    broken = cache_check.malformed(cache.connection, source)
    found = [
        (name, f"malformed ({why}); it is kept as it came, and shown as far as it can be read")
        for name, why in broken
    ]
    named = {name for name, _ in broken}
    for chart in sorted(cache.source(source).views.charts()):
        read = cache.projector.read(cache.connection, source, chart, now)
        found += [
            (one.reference, f"read in part: {one.why}")
            for one in read.troubles
            if one.reference not in named
        ]
    return found


def _named(source: str, troubles: list[tuple[str, str]]) -> list[Finding]:
    found = [
        Finding(
            "note",
            f"{source}: {clean(name, 80)} is {clean(why, 200)}.",
            "Tell whoever runs the server.",
        )
        for name, why in troubles[:_MOST]
    ]
    if len(troubles) > _MOST:
        found.append(Finding("note", f"{source}: and {len(troubles) - _MOST} more like that."))
    return found
