"""The next act to undo, and its words.

In:  the outbox, the window that asks (one run of the program). Out: an `Undoable`.
It is the last act of this window. If this window has none left, it is the last act of the same
person in another window, an earlier run or the command line: `where` says so, and a shell undoes
that act only after a question that names it. Another person's act is never offered.
Not here: whether it can still be undone, and how (`undo.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from carequeue.domain.intents import COMMAND_LINE, Intent, IntentState
from carequeue.domain.sanitize import clean
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.table import find_verb
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Undoable, Where


@dataclass(frozen=True, slots=True)
class Undoer:
    """A person at a window, which is one run of the program.

    `opened`: when the window was opened. `passed`: groups that were changed since, and are skipped.
    """

    author: str
    opened: datetime
    window: str = ""
    passed: frozenset[str] = frozenset()


def undoable(cache: CacheTransaction, undoer: Undoer, now: datetime) -> Undoable | None:
    """The next act to undo, seen from a window."""
    group = last_of(cache, undoer, anywhere=False) or last_of(cache, undoer, anywhere=True)
    intents = not_undone(cache, group)
    if not intents:
        return None
    return described(Wording(cache, now), intents, _where(intents[0], undoer))


def last_of(cache: CacheTransaction, undoer: Undoer, *, anywhere: bool) -> str:
    """The last group of a person that is not undone, in this window or `anywhere`; or ""."""
    authors = (us.me for us in cache.site.us.values())
    window = None if anywhere else undoer.window
    return cache.intents.last_group(undoer.author, *authors, window=window, besides=undoer.passed)


def not_undone(cache: CacheTransaction, group: str) -> list[Intent]:
    """The intents of a group that are not undone yet, in order."""
    intents = cache.intents.in_group(group)
    return [intent for intent in intents if intent.state is not IntentState.UNDONE]


def described(wording: Wording, intents: Sequence[Intent], where: Where = Where.HERE) -> Undoable:
    """The words for a group, from its intents that are not undone (at least one)."""
    first = intents[0]
    count = len({intent.item_key for intent in intents})
    verb = find_verb(first.verb)
    kind = wording.kind(first) if count == 1 else ""
    return Undoable(
        group=first.group,
        did=verb.label_for(kind) if verb else clean(first.verb, 40),
        short=verb.label_for(kind, short=True) if verb else clean(first.verb, 40),
        client=wording.client(first) if count == 1 else "",
        count=count,
        at=first.decided_at,
        where=where,
    )


def _where(intent: Intent, undoer: Undoer) -> Where:
    if intent.window == undoer.window:
        return Where.HERE
    if intent.window.startswith(COMMAND_LINE):
        return Where.COMMAND_LINE
    return Where.EARLIER if intent.decided_at < undoer.opened else Where.OTHER_WINDOW
