"""A screen is at rest when the last read is shown, however many reads followed each other."""

from __future__ import annotations

from collections.abc import Callable

from tests.screens.stage import Seat, at_the_terminal


def read_on(seat: Seat, left: int, ended: Callable[[], None]) -> None:
    """Read so many times, each time when the result of the read before has come."""
    if left:
        then = seat.controller.submit_read
        then(lambda: None, lambda _: read_on(seat, left - 1, ended))
    else:
        ended()


async def test_a_chain_of_reads_is_waited_for_to_its_end() -> None:
    ends: list[int] = []
    async with at_the_terminal() as seat:
        for count in range(20):
            read_on(seat, 50, lambda: ends.append(1))
            await seat.rest()
            assert len(ends) == count + 1
