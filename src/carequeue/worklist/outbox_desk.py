"""The part of the desk about what is not on the server: the outbox and the conflicts.

Each method opens one transaction and calls one function of this room. All of them are slow, and
belong on a worker thread. Loaded at first use: the first frame does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist import conflict_resolution, outbox_entries
from carequeue.worklist.results import Acted, Conflict, OutboxLine

Transaction = Callable[[], AbstractContextManager[CacheTransaction]]


class OutboxDesk:
    """One person's outbox; `author` is the reference of the person."""

    def __init__(self, author: str, reading: Transaction, writing: Transaction) -> None:
        self._author, self._read, self._write = author, reading, writing

    def lines(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server: what needs a person first, then in order."""
        with self._read() as cache:
            return outbox_entries.lines(cache, now)

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention (all of it if `ids` is empty).

        What a colleague has changed meanwhile becomes a conflict instead. Raises BadQuestion if an
        id names nothing that can be sent again; nothing is changed then.
        """
        with self._write() as cache:
            return outbox_entries.retry(cache, self._author, ids, now)

    def discard_word(self, ids: Sequence[str]) -> str:
        """The text to type to discard these and what depends on them: "discard 3"."""
        with self._read() as cache:
            return outbox_entries.discard_word(cache, ids)

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good; it stays in the history.

        Raises BadQuestion if `typed` is not `discard_word(ids)`, or if an id names nothing that can
        be discarded; nothing is changed then.
        """
        with self._write() as cache:
            return outbox_entries.discard(cache, self._author, ids, typed, now)

    def export(self, ids: Sequence[str]) -> str:
        """Decisions as JSON lines, to keep or to send to support (all open ones if no ids)."""
        with self._read() as cache:
            return outbox_entries.export(cache, ids)

    def news(self, after: int, now: datetime) -> tuple[int, Sequence[str]]:
        """The outcome of decisions that no person watched: merged with a colleague's change, or
        done already by somebody.

        `after` is the number of the last call, -1 at the first: then only the number is returned.
        Out: the new number, and clean sentences that name the client, the oldest first.
        """
        with self._read() as cache:
            return outbox_entries.news(cache, after, now)

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict, in the order of the queue."""
        with self._read() as cache:
            return conflict_resolution.conflicts(cache, now)

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item; None if it has none (any more)."""
        with self._read() as cache:
            return conflict_resolution.conflict(cache, key, now)

    def resolve(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown: `how` is "mine" or "theirs".

        Raises BadQuestion if the server no longer has what was shown, or if the answer is not
        possible; nothing is changed then.
        """
        with self._write() as cache:
            return conflict_resolution.answer(cache, self._author, shown, how, now)
