"""Two threads beside the screen: one that acts, in the order of the keys, and one that reads.

In:  work without arguments. Out: its result, handed to `then` on the screen's own thread.
Why one thread for acts: two acts on one item must reach the outbox in the order in which they were
decided, and a shell that has been left has finished what was asked of it (`close` waits).
A failure with a sentence for the person goes to `failed`; any other ends the program (a fault).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from carequeue.domain.errors import CareQueueError

T = TypeVar("T")
#: Calls a function with its arguments on the screen's thread; safe to call from another.
Deliver = Callable[..., Any]


class Hands:
    """The two threads; they start with the first work."""

    def __init__(self, deliver: Deliver, failed: Callable[[CareQueueError], None]) -> None:
        self._deliver, self._failed = deliver, failed
        self._acts = ThreadPoolExecutor(1, "acts")
        self._looks = ThreadPoolExecutor(1, "looks")

    def act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do something that changes the cache, after all that was asked before."""
        self._acts.submit(self._run, work, then)

    def look(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Read something that may take longer than a frame."""
        self._looks.submit(self._run, work, then)

    def _run(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        try:
            result = work()
        except CareQueueError as error:
            self._deliver(self._failed, error)
        except Exception as error:  # noqa: BLE001  (raised again where the shell can stop)
            self._deliver(_raise, error)
        else:
            self._deliver(then, result)

    def rest(self) -> None:
        """Wait until all that was asked so far is done."""
        waiting: list[Future[None]] = [
            pool.submit(lambda: None) for pool in (self._acts, self._looks)
        ]
        for future in waiting:
            future.result()

    def close(self) -> None:
        """Finish the acts, forget the reading, and end the threads."""
        self._looks.shutdown(wait=True, cancel_futures=True)
        self._acts.shutdown(wait=True)


def _raise(error: Exception) -> None:
    raise error
