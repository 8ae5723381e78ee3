"""Several things at once, each on a thread of its own: one look at every source.

Why threads that are left behind at the end of the program: whoever presses Ctrl-C is not to wait
for a server that does not answer. What was in flight then is settled by the next look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final, TypeVar

T = TypeVar("T")

_PATIENCE: Final = 2.0


def in_parallel(works: Sequence[Callable[[], T]], interrupted: Callable[[], None]) -> list[T]:
    """Do all of these at once; what each gave, in their order.

    Where one raises, the others are finished first; the first fault is then raised. On Ctrl-C
    `interrupted` is called, and what does not end soon is left.
    """
    given: dict[int, T] = {}
    faults: dict[int, BaseException] = {}

    def do(number: int, work: Callable[[], T]) -> None:
        try:
            given[number] = work()
        except BaseException as fault:  # noqa: BLE001 - raised again where somebody hears it
            faults[number] = fault

    threads = [
        Thread(target=do, args=(number, work), name=f"carequeue-look-{number}", daemon=True)
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
