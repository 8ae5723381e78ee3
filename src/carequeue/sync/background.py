"""Sync beside a person at work: one thread that looks at the sources, and a lock per cache.

The lock is held for the length of one look, so that a `carequeue sync` finds its turn between two;
whoever finds it taken says so and goes on working. A fault of whatever kind never ends the thread
in silence: it is written down for the header, and the next look tries again. What wakes the
thread: an act (only the outbox is sent), a person's `r` (everything is looked at), and time. When
the time of the next full look has passed, whatever wakes the thread leads to one: else somebody
who works steadily would see nothing new.
Loaded before the first frame: what is heavy is loaded by the thread (`syncers`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carequeue.sync.failures import words_of

if TYPE_CHECKING:
    from carequeue.sync.driver import Looked, Syncer

#: Seconds between two looks when nothing happens, give or take a fifth.
EVERY: Final = 60.0
_OTHER: Final = 5.0  # seconds until another try, while another process syncs


def locked_look(
    lock: Path,
    syncers: Sequence[Syncer],
    *,
    full: bool,
    progress: Callable[[str], None],
    stop: Callable[[], bool],
    patience: float,
) -> list[Looked] | None:
    """Look at every source under the lock; None where another process holds it."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=patience):
            return [
                syncer.look(progress, stop) if full else syncer.push_only(stop)
                for syncer in syncers
            ]
    except Timeout:
        return None


class Background:
    """Keeps a cache in step while the queue is open. Never touches the screen."""

    def __init__(
        self,
        lock: Path,
        syncers: Callable[[], Sequence[Syncer]],
        failed: Callable[[str], None] = lambda _: None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = lock
        self._make = syncers
        self._failed = failed
        self._elapsed = elapsed
        self._full_at = elapsed()  # when the next full look is due
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._full = False
        self._thread: threading.Thread | None = None
        self.syncing = False
        self.other_syncs = False

    def start(self) -> None:
        """Begin to look; at once, and then from time to time."""
        self._thread = threading.Thread(target=self._run, name="carequeue-sync", daemon=True)
        self._thread.start()

    def send(self) -> None:
        """Something was decided: the outbox, at once."""
        self._wake.set()

    def nudge(self) -> None:
        """A person wants to know: everything, at once."""
        self._full = True
        self._wake.set()

    def stop(self, patience: float = 2.0) -> None:
        """End; what is in flight is finished or will be settled at the next start."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        syncers: Sequence[Syncer] = ()
        try:
            while not self._ended.is_set():
                self._wake.clear()  # before it is asked what for: no `r` falls between the two
                full = self._is_full()
                try:
                    syncers = syncers or self._make()
                    self._look(syncers, full)
                except Exception as fault:  # noqa: BLE001 - a dead thread would look like peace
                    self.other_syncs = False
                    self._told(fault)
                    if full:
                        self._full = True
                if full:
                    self._full_at = self._elapsed() + _pause()
                self._wake.wait(self._rest())
        finally:
            for syncer in syncers:
                syncer.close()

    def _is_full(self) -> bool:
        if self._full:
            self._full = False
            return True
        return self._elapsed() >= self._full_at

    def _rest(self) -> float:
        due = max(self._full_at - self._elapsed(), 0.0)
        return min(due, _OTHER) if self.other_syncs else due

    def _look(self, syncers: Sequence[Syncer], full: bool) -> None:
        self.syncing = True
        try:
            looked = locked_look(
                self._lock,
                syncers,
                full=full,
                progress=lambda _: None,
                stop=self._ended.is_set,
                patience=0.0,
            )
        finally:
            self.syncing = False
        self.other_syncs = looked is None
        if looked is None and full:
            self._full = True

    def _told(self, fault: Exception) -> None:
        """Have a fault written down; where the disk takes no word, the next look tries again."""
        with suppress(Exception):
            self._failed(words_of(fault))


def _pause() -> float:
    return EVERY * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
