"""The clinic's time, and when it moves by itself: `--pace off`, `quiet` or `busy`.

In:  a pace and a seed: the schedule is a row of instants after the start, the same for the same
two. Out: a change by a colleague (`simulated_colleagues.py` says which) when an instant has come;
each change is noted for `/control/log`.
Why the time can be moved on by hand: a test then sees an hour of changes, or a write that becomes
visible late, without waiting for either.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from carequeue.practice.server.fhir_dates import instant, milliseconds
from carequeue.practice.server.resource_store import ResourceVersion

PACES: Final = ("off", "quiet", "busy")
#: Shortest and longest time between two changes, in ms.
_GAPS: Final = {"quiet": (45_000, 90_000), "busy": (3_000, 8_000)}
#: Further than this nobody moves a clock, in seconds: ten years.
_FAR: Final = 10 * 366 * 86_400
_MANY: Final = 10_000


class ColleagueChange(NamedTuple):
    """One thing that happened: what, by whom, and the versions that it left, at least one."""

    what: str
    who: str
    wrote: list[ResourceVersion]


class PacedTime:
    """Time as the clinic sees it, in ms since 1970: `now` when it opened, and on from there."""

    def __init__(self, now: datetime) -> None:
        self._ahead = milliseconds(now) - time.monotonic_ns() // 1_000_000

    def now(self) -> int:
        """The clinic's time."""
        return self._ahead + time.monotonic_ns() // 1_000_000

    def advance(self, seconds: float) -> None:
        """Move on. Raises ValueError where that is backwards, or more than ten years."""
        if not 0 <= seconds <= _FAR:
            raise ValueError("The time goes on by 0 seconds to ten years.")
        self._ahead += int(seconds * 1000)


class ColleagueSchedule:
    """Lets colleagues make changes, by the schedule of a pace and a seed or by hand."""

    def __init__(
        self,
        make_change: Callable[[], ColleagueChange],
        seed: int,
        time: PacedTime,
        note: Callable[[dict[str, Any]], None],
        pace: str = "off",
    ) -> None:
        self._make_change, self._time, self._note = make_change, time, note
        self._gaps = _GAPS.get(pace)
        self._draw = random.Random(f"{pace} {seed}")  # noqa: S311 - a schedule, no secret
        self._turn = threading.Condition()
        self._next = time.now() + self._gap() if self._gaps else None

    def begin(self) -> None:
        """Move from now on; not where the pace is off."""
        if self._gaps:
            threading.Thread(target=self._run, daemon=True, name="schedule").start()

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Move the clinic's time on; what has happened by then. Raises ValueError."""
        with self._turn:
            self._time.advance(seconds)
            self._turn.notify()
            return self._catch_up()

    def step(self, count: int) -> list[dict[str, Any]]:
        """The next changes at once, whatever the time. Raises ValueError on an odd number."""
        if not 0 <= count <= _MANY:
            raise ValueError(f"There are 0 to {_MANY} steps at a time.")
        with self._turn:
            return [self._change() for _ in range(count)]

    def _gap(self) -> int:
        assert self._gaps is not None
        return self._draw.randint(*self._gaps)

    def _run(self) -> None:
        with self._turn:
            while self._next is not None:
                self._catch_up()
                self._turn.wait((self._next - self._time.now()) / 1000)

    def _catch_up(self) -> list[dict[str, Any]]:
        done = []
        while self._next is not None and self._next <= self._time.now():
            done.append(self._change())
            self._next += self._gap()
        return done

    def _change(self) -> dict[str, Any]:
        change = self._make_change()
        entry = {
            "at": instant(change.wrote[-1].updated),
            "what": change.what,
            "who": change.who,
            "wrote": [version.location for version in change.wrote],
        }
        self._note(entry)
        return entry
