"""Several tasks at once, each on its own thread: one sync cycle for every source.

In:  functions without arguments. Out: their results, in order.
Why threads that are abandoned when the program ends: Ctrl-C must not wait for a server that does
not answer. What was in flight then is read back by the next cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final, TypeVar

T = TypeVar("T")

_PATIENCE: Final = 2.0


def in_parallel(works: Sequence[Callable[[], T]], interrupted: Callable[[], None]) -> list[T]:
    """Run all of these at once and return their results, in order.

    If one raises, the others finish first; the first error is then raised. On Ctrl-C `interrupted`
    is called, and what does not end soon is abandoned.
    """
    given: dict[int, T] = {}
    faults: dict[int, BaseException] = {}

    def do(number: int, work: Callable[[], T]) -> None:
        try:
            given[number] = work()
        except BaseException as fault:  # noqa: BLE001 - raised again on the caller's thread
            faults[number] = fault

    threads = [
        Thread(target=do, args=(number, work), name=f"carequeue-cycle-{number}", daemon=True)
        for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        interrupted()
        for thread in threads:
            thread.join(_PATIENCE)
        raise
    if faults:
        raise faults[min(faults)]
    return [given[number] for number in range(len(works))]
