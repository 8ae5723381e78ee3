"""Sync in the background: one thread and one lock for each source, so that none waits for another.

In:  what makes the connection to a source, decisions, requests, notifications, time. Out: sync
cycles; what went wrong is written down for the header.
The lock is held for one cycle, so that a `carequeue sync` finds its turn between two; a process
that finds it taken reports that and keeps working. An error of any kind never ends a thread
silently: it is recorded for the header, and the next cycle tries again. A thread wakes up for: a
decision (only the outbox is sent), a manual sync (`r`, a full cycle), a notification of the server,
a person who comes back to the terminal, and time. If the next full cycle is due, any of these
starts one: otherwise somebody who works steadily would see nothing new.
While the person works offline by choice nothing is sent, not even the request whether the server is
up.
Why nothing heavy is imported here: this is loaded before the first frame; the threads load the rest
(`make`).
Not here: when a cycle is due (`poll_schedule.py`), what it does (`sync_cycle.py`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from carequeue.sync import poll_schedule
from carequeue.sync.poll_schedule import CycleOutcome, PollState
from carequeue.sync.protocol.failures import words_of

if TYPE_CHECKING:
    from carequeue.sync.net.subscriptions import SubscriptionListener
    from carequeue.sync.net.total_timeout import SlowResponse
    from carequeue.sync.net.transport import Transport
    from carequeue.sync.sync_cycle import CycleResult, Syncer

T = TypeVar("T")

#: Seconds between two checks whether the person still works offline by choice: another window, or
#: the command line, may have ended that.
BY_CHOICE: Final = 3.0
#: At the end: seconds a server has to finish a request in flight.
PATIENCE: Final = 2.0
#: Pings in a row without a reply, before a full cycle with its long time-out is tried: a server
#: that is only slow would otherwise count as away until a person asks.
PINGS: Final = 5


@dataclass(frozen=True, slots=True)
class SourceConnection:
    """One source, as its worker uses it; all three send over `transport`."""

    syncer: Syncer
    transport: Transport
    listener: SubscriptionListener


def locked(lock: Path, work: Callable[[], T], patience: float) -> T | None:
    """Run this under the lock of a source; None if another process holds it."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=patience):
            return work()
    except Timeout:
        return None


class SourceWorker:
    """Syncs one source, on its own thread."""

    def __init__(
        self,
        name: str,
        lock: Path,
        make: Callable[[], SourceConnection],
        failed: Callable[[str], None] = lambda _: None,
        by_choice: Callable[[], bool] = lambda: False,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._lock = lock
        self._make = make
        self._failed = failed
        self._by_choice = by_choice
        self._elapsed = elapsed
        self._pace = PollState(elapsed())
        self._heard: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ended = Event()
        self._forced = Event()  # offline by choice, as far as this process knows
        # A notification that is not handled yet: more of them say nothing new.
        self._hinted = Event()
        self._decided = False
        self._pings = 0  # pings in a row without a reply
        self._asked = True  # a person wants to sync; at the start too
        self._connection: SourceConnection | None = None
        self._thread = Thread(target=self._run, name=f"carequeue-sync-{name}", daemon=True)
        self.syncing = False
        self.other_syncs = False

    # --- called by other threads ------------------------------------------------------------------

    @property
    def waits(self) -> SlowResponse | None:
        """The present wait for a reply, if it takes long."""
        connection = self._connection
        return connection.transport.waits() if connection is not None and self.syncing else None

    def start(self) -> None:
        """Begin to sync; at once, and then from time to time."""
        self._thread.start()

    def send(self) -> None:
        """Something was decided: push at once."""
        self._heard.put(self._hear_act)

    def sync_now(self) -> None:
        """A person wants to sync: a full cycle at once."""
        self._heard.put(self._hear_request)

    def focused(self, focused: bool) -> None:
        """The terminal gets or loses the focus."""
        self._heard.put(lambda: self._hear_focus(focused))

    def offline(self, offline: bool) -> None:
        """A person begins to work offline by choice, or ends it: then a full cycle at once."""
        if offline:
            self._forced.set()
            self._heard.put(lambda: None)
        else:
            self._forced.clear()
            self.sync_now()

    def end(self) -> None:
        """End as soon as the request in flight is done."""
        self._ended.set()
        self._heard.put(lambda: None)

    def join(self, patience: float) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join(patience)

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                rest = self.turn()
                self.listen(rest)
        finally:
            if self._connection is not None:
                self._connection.listener.close(quiet=self._forced.is_set() or self._pace.offline)
                self._connection.syncer.close()

    def listen(self, rest: float) -> None:
        """Wait until a cycle is due or something is heard, and handle all that was heard."""
        with suppress(Empty):
            self._heard.get(timeout=rest)()
            while True:
                self._heard.get_nowait()()

    def _hear_act(self) -> None:
        self._decided = True

    def _hear_request(self) -> None:
        self._asked = True
        self._pace = poll_schedule.on_request(self._pace, self._elapsed())

    def _hear_focus(self, focused: bool) -> None:
        self._pace = poll_schedule.on_focus(self._pace, focused, self._elapsed())

    def _hint(self) -> None:
        if not self._hinted.is_set():
            self._hinted.set()
            self._heard.put(self._hear_hint)

    def _hear_hint(self) -> None:
        self._hinted.clear()
        chance = random.random()  # noqa: S311 - jitter
        self._pace = poll_schedule.on_hint(self._pace, self._elapsed(), chance)

    def turn(self) -> float:
        """Do what is due; returns seconds until something is due again."""
        if self._is_by_choice():
            return BY_CHOICE
        now = self._elapsed()
        full = self._pace.cycle_due(now)
        if full or (self._decided and self._pace.may_send(now)):
            self._decided = False
            try:
                self._sync(full)
            except Exception as fault:  # noqa: BLE001 - a dead thread would look like a quiet one
                self.other_syncs = False
                with suppress(Exception):  # if the disk fails too, the next cycle tries again
                    self._failed(words_of(fault))
                self._went(full, CycleOutcome.TROUBLE, 0.0)
        return self._pace.rest(self._elapsed())

    def _is_by_choice(self) -> bool:
        """Whether nothing may be sent; if that has ended, a full cycle is due."""
        before = self._forced.is_set()
        with suppress(Exception):  # a cache that cannot be read is reported by the cycle itself
            if self._by_choice():
                self._forced.set()
            elif before:
                self._forced.clear()
                self._hear_request()
        if self._forced.is_set() and self._connection is not None:
            self._connection.listener.close(quiet=True)
            self._pace = replace(self._pace, hinted=False)
        return self._forced.is_set()

    def _stopped(self) -> bool:
        return self._ended.is_set() or self._forced.is_set()

    def _sync(self, full: bool) -> None:
        if self._connection is None:
            self._connection = self._make()
        connection = self._connection
        if self._pace.offline and not self._asked and not self._is_there(connection):
            self._went(True, CycleOutcome.OFFLINE, connection.transport.take_wait())
            return
        self._asked, self.syncing = False, True
        try:
            result = locked(
                self._lock,
                lambda: (
                    connection.syncer.run_cycle(lambda _: None, self._stopped)
                    if full
                    else connection.syncer.push_only(self._stopped)
                ),
                0.0,
            )
        finally:
            self.syncing = False
        saw = _saw(result)
        self.other_syncs = saw is CycleOutcome.OTHER
        if result is None and not full:
            self._decided = True  # sent with the next try, if not by the other process
        self._went(full, saw, connection.transport.take_wait())
        if full and saw in (CycleOutcome.NEWS, CycleOutcome.NOTHING) and not self._stopped():
            connected = connection.listener.tend(self._hint)
            self._pace = poll_schedule.on_connection(self._pace, connected, self._elapsed())

    def _is_there(self, connection: SourceConnection) -> bool:
        """Whether a cycle is worth a try, after the server was away."""
        self._pings += 1
        if self._pings <= PINGS and not connection.transport.ping():
            return False
        self._pings = 0
        return True

    def _went(self, full: bool, saw: CycleOutcome, wait: float) -> None:
        after = poll_schedule.after_cycle if full else poll_schedule.after_push
        chance = random.random()  # noqa: S311 - jitter
        self._pace = after(self._pace, saw, self._elapsed(), chance, wait)


def _saw(result: CycleResult | None) -> CycleOutcome:
    if result is None or result.superseded:
        return CycleOutcome.OTHER
    if result.offline:
        return CycleOutcome.OFFLINE
    if result.sign_in:
        return CycleOutcome.SIGN_IN
    if result.why and not result.full:
        return CycleOutcome.TROUBLE
    return CycleOutcome.NEWS if result.sent or result.received else CycleOutcome.NOTHING


class Background:
    """Keeps a cache in sync while the queue is open. Never touches the screen."""

    def __init__(self, workers: Sequence[SourceWorker]) -> None:
        self._workers = tuple(workers)

    @property
    def syncing(self) -> bool:
        """Whether any source is being synced."""
        return any(worker.syncing for worker in self._workers)

    @property
    def waits(self) -> dict[str, SlowResponse]:
        """The sources whose present cycle waits long for a reply."""
        waiting = ((worker.name, worker.waits) for worker in self._workers)
        return {name: waits for name, waits in waiting if waits is not None}

    @property
    def other_syncs(self) -> bool:
        """Whether another process holds the lock of any source."""
        return any(worker.other_syncs for worker in self._workers)

    def start(self) -> None:
        """Begin to sync every source."""
        for worker in self._workers:
            worker.start()

    def send(self) -> None:
        """Something was decided: push at once."""
        for worker in self._workers:
            worker.send()

    def sync_now(self) -> None:
        """A person wants to sync: full cycles at once."""
        for worker in self._workers:
            worker.sync_now()

    def focused(self, focused: bool) -> None:
        """Whether the terminal is in focus: without it, nobody waits for news."""
        for worker in self._workers:
            worker.focused(focused)

    def offline(self, offline: bool) -> None:
        """A person begins to work offline by choice, or ends it."""
        for worker in self._workers:
            worker.offline(offline)

    def stop(self, patience: float = PATIENCE) -> None:
        """End; what is in flight is finished, or read back at the next start."""
        for worker in self._workers:
            worker.end()
        until = time.monotonic() + patience
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))
