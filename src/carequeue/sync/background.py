"""Sync beside a person at work: one thread that looks at the sources, and a lock per cache.

The lock is held for the length of one look, so that a `carequeue sync` finds its turn between two;
whoever finds it taken says so and goes on working. A fault of whatever kind never ends the thread
in silence: it is written down for the header, and the next look tries again. What wakes the
thread: an act (only the outbox is sent), a person's `r` (everything is looked at), and time.
Loaded before the first frame: what is heavy is loaded by the thread (`syncers`).
"""

from __future__ import annotations

import random
import threading
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
    ) -> None:
        self._lock = lock
        self._make = syncers
        self._failed = failed
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._full = True
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
                full, self._full = self._full, False
                self._wake.clear()
                try:
                    syncers = syncers or self._make()
                    pause = self._look(syncers, full)
                except Exception as fault:  # noqa: BLE001 - a dead thread would look like peace
                    self._full |= full
                    pause = self._told(fault)
                self._wake.wait(pause)
                if not self._wake.is_set():
                    self._full = True
        finally:
            for syncer in syncers:
                syncer.close()

    def _look(self, syncers: Sequence[Syncer], full: bool) -> float:
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
        if looked is None:
            self._full |= full
            return _OTHER
        return _pause()

    def _told(self, fault: Exception) -> float:
        """Have a fault written down; where the disk takes no word, the next look tries again."""
        with suppress(Exception):
            self._failed(words_of(fault))
        return _pause()


def _pause() -> float:
    return EVERY * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
