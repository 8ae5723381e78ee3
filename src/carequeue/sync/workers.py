"""Sync beside a person at work: one thread and one lock a source, so that none waits for another.

The lock is held for the length of one look, so that a `carequeue sync` finds its turn between two;
whoever finds it taken says so and goes on working. A fault of whatever kind never ends a thread in
silence: it is written down for the header, and the next look tries again. What wakes a thread: an
act (only the outbox is sent), a person's `r` (everything is looked at), a hint of the server, a
person who comes back to the terminal, and time. When the next full look is due, whatever wakes the
thread leads to one: else somebody who works steadily would see nothing new.
While the person works offline by choice nothing leaves, not even the question whether the server
is there.
Loaded before the first frame: what is heavy is loaded by the threads (`make`).
Not here: when a look is due (`poll_schedule.py`), what a look does (`sync_cycle.py`).
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
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from carequeue.sync import poll_schedule
from carequeue.sync.poll_schedule import Pace, Saw
from carequeue.sync.protocol.failures import words_of

if TYPE_CHECKING:
    from carequeue.sync.net.total_timeout import Waits
    from carequeue.sync.sync_cycle import Looked

T = TypeVar("T")

#: Seconds after which it is asked again whether the person still works offline by choice: another
#: window, or the command line, may have ended that.
BY_CHOICE: Final = 3.0
#: At the end: so long a server may take to let go of what was asked of it.
PATIENCE: Final = 2.0
#: Cheap questions in a row that nobody answers, before the next is a look with the whole patience
#: of one: a server that is only slow would else be away until a person asks.
GLANCES: Final = 5


class Syncs(Protocol):
    """What looks at one source: `sync_cycle.Syncer`."""

    def look(self, progress: Callable[[str], None], stop: Callable[[], bool]) -> Looked:
        """Everything."""
        ...

    def push_only(self, stop: Callable[[], bool]) -> Looked:
        """The outbox."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Listens(Protocol):
    """What listens for hints of one source: `subscriptions.Hints`."""

    def tend(self, told: Callable[[], None]) -> bool:
        """Open or keep the connection; whether it is open. Never raises for the network."""
        ...

    def close(self, *, quiet: bool) -> None:
        """Close it, and unless `quiet` (then nothing is sent) let the server forget us."""
        ...


class Deaf:
    """No hints: the source is asked from time to time."""

    def tend(self, told: Callable[[], None]) -> bool:
        """There is no connection."""
        return False

    def close(self, *, quiet: bool) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class Way:
    """All that a thread has of its source. `answers`: a cheap question whether it is there.

    `take_wait`: seconds for which it asked us to wait. `waits`: whether the answer under way takes
    long.
    """

    syncer: Syncs
    answers: Callable[[], bool] = lambda: True
    take_wait: Callable[[], float] = lambda: 0.0
    hints: Listens = Deaf()  # noqa: RUF009 - it has no state
    waits: Callable[[], Waits | None] = lambda: None


def locked(lock: Path, work: Callable[[], T], patience: float) -> T | None:
    """Do this under the lock of a source; None where another process holds it."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=patience):
            return work()
    except Timeout:
        return None


class Keeper:
    """Keeps one source in step, on a thread of its own."""

    def __init__(
        self,
        name: str,
        lock: Path,
        make: Callable[[], Way],
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
        self._pace = Pace(elapsed())
        self._heard: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ended = Event()
        self._forced = Event()  # offline by choice, as this process knows
        self._hinted = Event()  # a hint that was not yet turned to: more of them say nothing new
        self._decided = False
        self._glances = 0  # cheap questions in a row that nobody answered
        self._asked = True  # a person wants to know; at the start too
        self._way: Way | None = None
        self._thread = Thread(target=self._run, name=f"carequeue-sync-{name}", daemon=True)
        self.syncing = False
        self.other_syncs = False

    # --- called by other threads ------------------------------------------------------------------

    @property
    def waits(self) -> Waits | None:
        """What the look under way waits for, where that takes long."""
        way = self._way
        return way.waits() if way is not None and self.syncing else None

    def start(self) -> None:
        """Begin to look; at once, and then from time to time."""
        self._thread.start()

    def send(self) -> None:
        """Something was decided: the outbox, at once."""
        self._heard.put(self._hear_act)

    def sync_now(self) -> None:
        """A person wants to know: everything, at once."""
        self._heard.put(self._hear_nudge)

    def focused(self, focused: bool) -> None:
        """The person looks on, or elsewhere."""
        self._heard.put(
            lambda: self._set(poll_schedule.focus(self._pace, focused, self._elapsed()))
        )

    def offline(self, offline: bool) -> None:
        """A person begins to work offline by choice, or ends it: then everything, at once."""
        if offline:
            self._forced.set()
            self._heard.put(lambda: None)
        else:
            self._forced.clear()
            self.sync_now()

    def end(self) -> None:
        """End as soon as what is in flight is done."""
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
            if self._way is not None:
                self._way.hints.close(quiet=self._forced.is_set() or self._pace.offline)
                self._way.syncer.close()

    def listen(self, rest: float) -> None:
        """Wait until something is due or happens, and take in all that has happened."""
        with suppress(Empty):
            self._heard.get(timeout=rest)()
            while True:
                self._heard.get_nowait()()

    def _hear_act(self) -> None:
        self._decided = True

    def _hear_nudge(self) -> None:
        self._asked = True
        self._set(poll_schedule.asked(self._pace, self._elapsed()))

    def _hint(self) -> None:
        if not self._hinted.is_set():
            self._hinted.set()
            self._heard.put(self._hear_hint)

    def _hear_hint(self) -> None:
        self._hinted.clear()
        self._set(poll_schedule.hint(self._pace, self._elapsed(), random.random()))  # noqa: S311 - jitter

    def _set(self, changed: Pace) -> None:
        self._pace = changed

    def turn(self) -> float:
        """Do what is due; seconds until something is again."""
        if self._is_by_choice():
            return BY_CHOICE
        now = self._elapsed()
        full = self._pace.wants_look(now)
        if full or (self._decided and self._pace.may_send(now)):
            self._decided = False
            try:
                self._look(full)
            except Exception as fault:  # noqa: BLE001 - a dead thread would look like peace
                self.other_syncs = False
                self._told(fault)
                self._went(full, Saw.TROUBLE, 0.0)
        return self._pace.rest(self._elapsed())

    def _is_by_choice(self) -> bool:
        """Whether nothing may leave; where that has ended, everything is looked at."""
        before = self._forced.is_set()
        with suppress(Exception):  # a cache that cannot be read is said by the look itself
            if self._by_choice():
                self._forced.set()
            elif before:
                self._forced.clear()
                self._hear_nudge()
        if self._forced.is_set() and self._way is not None:
            self._way.hints.close(quiet=True)
            self._set(replace(self._pace, hinted=False))
        return self._forced.is_set()

    def _stopped(self) -> bool:
        return self._ended.is_set() or self._forced.is_set()

    def _look(self, full: bool) -> None:
        if self._way is None:
            self._way = self._make()
        way = self._way
        if self._pace.offline and not self._asked and not self._is_there(way):
            self._went(full=True, saw=Saw.OFFLINE, wait=way.take_wait())
            return
        self._asked, self.syncing = False, True
        try:
            looked = locked(
                self._lock,
                lambda: (
                    way.syncer.look(lambda _: None, self._stopped)
                    if full
                    else way.syncer.push_only(self._stopped)
                ),
                0.0,
            )
        finally:
            self.syncing = False
        saw = _saw(looked)
        self.other_syncs = saw is Saw.OTHER
        if looked is None and not full:
            self._decided = True  # goes with the next try, if not with the other process
        self._went(full, saw, way.take_wait())
        if full and saw in (Saw.NEWS, Saw.NOTHING) and not self._stopped():
            connected = way.hints.tend(self._hint)
            self._set(poll_schedule.hints(self._pace, connected, self._elapsed()))

    def _is_there(self, way: Way) -> bool:
        """Whether a look is worth a try, while the server was last away."""
        self._glances += 1
        if self._glances <= GLANCES and not way.answers():
            return False
        self._glances = 0
        return True

    def _went(self, full: bool, saw: Saw, wait: float) -> None:
        after = poll_schedule.looked if full else poll_schedule.sent
        chance = random.random()  # noqa: S311 - jitter
        self._set(after(self._pace, saw, self._elapsed(), chance, wait))

    def _told(self, fault: Exception) -> None:
        """Have a fault written down; where the disk takes no word, the next look tries again."""
        with suppress(Exception):
            self._failed(words_of(fault))


def _saw(looked: Looked | None) -> Saw:
    if looked is None or looked.other:
        return Saw.OTHER
    if looked.offline:
        return Saw.OFFLINE
    if looked.sign_in:
        return Saw.SIGN_IN
    if looked.why and not looked.full:
        return Saw.TROUBLE
    return Saw.NEWS if looked.sent or looked.received else Saw.NOTHING


class Background:
    """Keeps a cache in step while the queue is open. Never touches the screen."""

    def __init__(self, keepers: Sequence[Keeper]) -> None:
        self._keepers = tuple(keepers)

    @property
    def syncing(self) -> bool:
        """Whether any source is being looked at."""
        return any(keeper.syncing for keeper in self._keepers)

    @property
    def waits(self) -> dict[str, Waits]:
        """The sources of whose answer the look under way waits for long."""
        found = ((keeper.name, keeper.waits) for keeper in self._keepers)
        return {name: waits for name, waits in found if waits is not None}

    @property
    def other_syncs(self) -> bool:
        """Whether another process holds the lock of any source."""
        return any(keeper.other_syncs for keeper in self._keepers)

    def start(self) -> None:
        """Begin to look at every source."""
        for keeper in self._keepers:
            keeper.start()

    def send(self) -> None:
        """Something was decided: the outbox, at once."""
        for keeper in self._keepers:
            keeper.send()

    def sync_now(self) -> None:
        """A person wants to know: everything, at once."""
        for keeper in self._keepers:
            keeper.sync_now()

    def focused(self, focused: bool) -> None:
        """Whether the person looks on: nobody waits for news that nobody sees."""
        for keeper in self._keepers:
            keeper.focused(focused)

    def offline(self, offline: bool) -> None:
        """A person begins to work offline by choice, or ends it."""
        for keeper in self._keepers:
            keeper.offline(offline)

    def stop(self, patience: float = PATIENCE) -> None:
        """End; what is in flight is finished or will be settled at the next start."""
        for keeper in self._keepers:
            keeper.end()
        until = time.monotonic() + patience
        for keeper in self._keepers:
            keeper.join(max(0.0, until - time.monotonic()))
