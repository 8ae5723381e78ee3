"""A person's answer to the brake: many records would leave the cache, or a server was restored.

In:  "accept" (the server is right) or "refuse" (the records here stay). Out: the sources that had
asked. Only the answer is stored here, with its line in the audit log; the next sync acts on it
(`sync/manifest/runner.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carequeue.domain.sanitize import clean
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.restore.brake import answer_hold, stored_hold, words
from carequeue.worklist.results import Finding


def answer(
    cache: CacheTransaction, sources: Sequence[str], choice: str, author: str, now: datetime
) -> tuple[str, ...]:
    """Store the answer in the caller's transaction; the sources that had asked."""
    answered = tuple(name for name in sources if answer_hold(cache.source(name), choice))
    for _ in answered:
        cache.audit(now).append(author, f"{choice} removals", "", "")
    return answered


def finding(cache: CacheTransaction, source: str) -> list[Finding]:
    """The hold of a source, for the doctor."""
    held = stored_hold(cache.source(source).sync_state)
    if held is None:
        return []
    if held.asks:
        hint = "If the server is right: carequeue sync --accept-removals"
        return [Finding("problem", f"{source}: {clean(words(held), 300)}.", hint)]
    if held.answer == "refuse":
        what = "you said that the server is wrong: what is here stays"
        hint = "To change that: carequeue sync --accept-removals"
        return [Finding("note", f"{source}: {what}.", hint)]
    return [Finding("note", f"{source}: the next sync follows the server.", "carequeue sync")]
