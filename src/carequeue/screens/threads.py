"""Two threads beside the screen: one for acts, in the order of the keys, and one for reads.

In:  work without arguments. Out: its result, passed to `then` on the screen's own thread.
Why one thread for acts: two acts on one item must reach the outbox in the order in which they were
decided, and a program that quits has finished every act that a person asked for (`close` waits).
An error with a sentence for the person goes to `failed`; any other error ends the program (a bug).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from carequeue.domain.errors import CareQueueError

T = TypeVar("T")


class WorkThreads:
    """The two threads; they start with the first work.

    `deliver` calls a function with its arguments on the screen's thread, from any thread.
    """

    def __init__(
        self, deliver: Callable[..., Any], failed: Callable[[CareQueueError], None]
    ) -> None:
        self._deliver, self._failed = deliver, failed
        self._acts = ThreadPoolExecutor(1, "acts")
        self._reads = ThreadPoolExecutor(1, "reads")

    def submit_act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that changes the cache, after all earlier acts."""
        self._acts.submit(self._run, work, then)

    def submit_read(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that only reads and may take longer than a frame."""
        self._reads.submit(self._run, work, then)

    def _run(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        try:
            result = work()
        except CareQueueError as error:
            self._deliver(self._failed, error)
        except Exception as error:  # noqa: BLE001  (raised again where the app can stop)
            self._deliver(_raise, error)
        else:
            self._deliver(then, result)

    def close(self) -> None:
        """Finish the acts, drop the reads, and end the threads."""
        self._reads.shutdown(wait=True, cancel_futures=True)
        self._acts.shutdown(wait=True)


def _raise(error: Exception) -> None:
    raise error
