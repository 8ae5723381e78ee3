"""The doctor: what is right and wrong with a cache, and which records could not be shown.

It names types, ids and reasons, never a value of a record.
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
    """The findings about the file, the audit log, the counts, and each source with its records."""
    findings = [_integrity(cache), _audit(cache), _counts(cache)]
    for source in cache.site.base_urls:
        held = brake_answer.finding(cache, source)
        asks = any(finding.level == "problem" for finding in held)
        findings += held if asks else [*_last_sync(cache, source), *held]
        findings += _source(cache, source)
        findings += _named(source, _not_shown(cache, source, now))
    return findings


def _integrity(cache: CacheTransaction) -> Finding:
    result = cache_check.integrity(cache.connection)
    if result == "ok":
        return Finding("ok", "The cache is whole.")
    hint = "Copy the profile's folder, then ask for help: unsent work is in it."
    return Finding("problem", f"The cache is damaged: {clean(result, 200)}.", hint)


def _audit(cache: CacheTransaction) -> Finding:
    broken = audit.first_break(cache.connection)
    if broken is None:
        return Finding("ok", f"The audit log is whole: {audit.length(cache.connection)} acts.")
    return Finding("problem", f"The audit log was changed at row {broken}.")


def _counts(cache: CacheTransaction) -> Finding:
    if queue_items.stored_counts(cache.connection) == dict(queue_items.counted(cache.connection)):
        return Finding("ok", "The counts of the tabs match the rows.")
    return Finding("problem", "The counts of the tabs do not match the rows.", "carequeue sync")


def _last_sync(cache: CacheTransaction, source: str) -> list[Finding]:
    last = cache.source(source).sync_state.last_cycle()
    if last is None:
        return [Finding("note", f"{source}: was never synced.", "carequeue sync")]
    error = clean(last.why, 200).rstrip(".")
    because = f": {error}" if error else ""
    if last.online == 0:
        hint = "Check the network and the address; the queue tries again by itself."
        return [Finding("note", f"{source}: could not be reached{because}.", hint)]
    if last.signed_out:
        hint = "Check the token, or the command that gives it, then: carequeue sync"
        return [Finding("problem", f"{source}: signed out{because}.", hint)]
    if error:
        hint = "Items may be missing. Ask your server administrator what your sign-in may read."
        return [Finding("problem", f"{source}: not all could be read{because}.", hint)]
    return []


def _source(cache: CacheTransaction, source: str) -> list[Finding]:
    counts = cache_check.resources_by_type(cache.connection, source)
    total = f"{sum(counts.values()):,} resources of {len(counts)} types"
    return [
        *(Finding("note", f"{source}: {line}") for line in sentences(abilities(cache, source))),
        Finding("ok", f"{source}: {total} are here."),
    ]


def _not_shown(cache: CacheTransaction, source: str, now: datetime) -> list[tuple[str, str]]:
    """(reference, why) of the malformed records, and of records that could be read in part only."""
    records = {
        name: f"malformed ({why}); it is stored unchanged, and shown as far as it can be read"
        for name, why in cache_check.malformed(cache.connection, source)
    }
    partial = [
        (trouble.reference, f"read in part: {trouble.why}")
        for chart in sorted(cache.source(source).views.charts())
        for trouble in cache.projector.read(cache.connection, source, chart, now).troubles
        if trouble.reference not in records
    ]
    return [*records.items(), *partial]


def _named(source: str, troubles: list[tuple[str, str]]) -> list[Finding]:
    hint = "Tell your server administrator."
    findings = [
        Finding("note", f"{source}: {clean(name, 80)} is {clean(why, 200)}.", hint)
        for name, why in troubles[:_MOST]
    ]
    if len(troubles) > _MOST:
        findings.append(Finding("note", f"{source}: and {len(troubles) - _MOST} more like that."))
    return findings
