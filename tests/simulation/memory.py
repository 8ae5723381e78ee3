"""The cache in memory: what `store.source_repository` keeps in SQLite, in dicts, for 100,000 runs.

In and out: the protocols of `sync.ports`, and what a person's acts need. A transaction that does
not end is taken back. Not here: the rows (`rows.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from carequeue.domain.errors import LeaseLost
from carequeue.domain.intents import Intent
from tests.simulation.rows import MemoryRepository
from tests.simulation.tables import Journal, Kept, Key, Tables


class MemoryCache:
    """One client's hold of the cache: the rows, behind a lease of its own."""

    def __init__(self, disk: MemoryDisk) -> None:
        self._disk = disk
        self._token = 0

    def take_lease(self, now: datetime) -> None:
        self._disk.token += 1
        self._token = self._disk.token

    def check_lease(self) -> None:
        """Raises LeaseLost where a later token was taken."""
        if self._disk.token != self._token:
            raise LeaseLost

    @contextmanager
    def reading(self) -> Iterator[MemoryRepository]:
        yield self._disk.rows()

    @contextmanager
    def writing(self, now: datetime) -> Iterator[MemoryRepository]:
        self.check_lease()
        with self._disk.acting(now) as rows:
            yield rows

    def catch_up(self, now: datetime) -> None:
        pass


class MemoryDisk:
    """The cache itself; what is not kept here is lost with the process."""

    name: Final = "memory"

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.tables = Tables()
        self.token = 0

    def cache(self) -> MemoryCache:
        """For one more process."""
        return MemoryCache(self)

    @contextmanager
    def acting(self, now: datetime) -> Iterator[MemoryRepository]:
        """One transaction, of whoever: all of it or nothing."""
        journal = Journal(self.tables)
        try:
            yield MemoryRepository(journal, self.base_url)
        except BaseException:
            journal.take_back()
            raise

    def rows(self) -> MemoryRepository:
        """The rows as they are, outside of any transaction."""
        return MemoryRepository(Journal(self.tables), self.base_url)

    def everything(self) -> list[Intent]:
        """The outbox, what is closed too, in order."""
        return sorted(self.tables.intents.values(), key=lambda one: one.seq)

    def mirrored(self) -> dict[Key, Kept]:
        """What the mirror holds."""
        return dict(self.tables.resources)

    def close(self) -> None:
        """Nothing is open."""
