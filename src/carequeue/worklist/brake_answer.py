"""A person's answer where very much would leave the cache, or where a server was set back.

In:  "accept" (the server is right) or "refuse" (what is here stays). Out: of which sources that was
the answer. What follows is done by the next look (`sync/manifest/runner.py`); nothing is done here
but to write the answer down, with its line in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carequeue.domain.sanitize import clean
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.restore.brake import answer_hold, stored_hold, words
from carequeue.worklist.results import Finding


def answer(
    cache: CacheTransaction, sources: Sequence[str], said: str, author: str, now: datetime
) -> tuple[str, ...]:
    """The sources of which something was held, and is answered now; in the caller's transaction."""
    answered = tuple(name for name in sources if answer_hold(cache.source(name), said))
    for _ in answered:
        cache.audit(now).append(author, f"{said} removals", "", "")
    return answered


def finding(cache: CacheTransaction, source: str) -> list[Finding]:
    """What is held of a source, for the doctor."""
    held = stored_hold(cache.source(source).sync_state)
    if held is None:
        return []
    if held.asks:
        hint = "If the server is right: carequeue sync --accept-removals"
        return [Finding("problem", f"{source}: {clean(words(held), 300)}.", hint)]
    if held.answer == "refuse":
        what = "you said that the server is wrong: what is here stays"
        hint = "carequeue sync --accept-removals takes that back."
        return [Finding("note", f"{source}: {what}.", hint)]
    return [Finding("note", f"{source}: the next look follows the server.", "carequeue sync")]
