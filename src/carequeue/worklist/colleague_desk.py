"""The part of the desk about colleagues: whom I cover, and as whom I look at the queue.

Each method opens one transaction and calls one function of this room. All of them but `show_as` and
`check_until` are slow, and belong on a worker thread. Loaded at first use: the first frame does
without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.errors import BadQuestion
from carequeue.domain.spoken_dates import say_when
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.queue_window import ME, Window, viewer
from carequeue.worklist import colleagues
from carequeue.worklist.colleagues import Colleague
from carequeue.worklist.results import Covered, Person

Transaction = Callable[[], AbstractContextManager[CacheTransaction]]


class ColleagueDesk:
    """The colleagues of one person; `trying` is a transaction that is always rolled back."""

    def __init__(
        self,
        window: Window,
        calendar: SiteCalendar,
        reading: Transaction,
        writing: Transaction,
        trying: Transaction,
    ) -> None:
        self._window, self._calendar = window, calendar
        self._read, self._write, self._try = reading, writing, trying

    def people(self, now: datetime, *, teams: bool) -> tuple[Person, ...]:
        """The colleagues of all sources, and their teams; who is away comes last."""
        with self._read() as cache:
            known = [known.person for known in colleagues.colleagues(cache, now)]
        return tuple(person for person in known if teams or not person.team)

    def find(self, text: str, now: datetime) -> Colleague:
        """The colleague or the team of a name. Raises BadQuestion if it names none or several."""
        with self._read() as cache:
            return colleagues.colleague(cache, text, now)

    def show_as(self, colleague: Colleague | None) -> None:
        """Show the queue as this colleague or team has it; None shows my own again.

        Acts stay mine, and so does what other programs read.
        """
        self._window.viewer = viewer(colleague.places) if colleague else ME

    # --- covers

    def covers(self, now: datetime) -> Sequence[Covered]:
        """Whom I cover at present, by name."""
        with self._read() as cache:
            covers = colleagues.covers(cache, now)
        return [
            Covered(
                f"You cover {cover.name} until {say_when(cover.until, now, self._calendar)}.",
                cover.name,
                cover.until,
            )
            for cover in covers
        ]

    def check_until(self, text: str, now: datetime) -> tuple[bool, str]:
        """Whether the end of a cover can be understood, and how it was read; quick."""
        try:
            until = colleagues.end_of_cover(text, now, self._calendar)
        except BadQuestion as error:
            return False, str(error)
        return True, say_when(until, now, self._calendar)

    def begin_cover(
        self, name: str, until: str, now: datetime, *, dry_run: bool = False
    ) -> Covered:
        """Make a colleague's moves mine, too, until a time; `dry_run` changes nothing.

        Raises BadQuestion if the name or the time cannot be read; nothing is changed then.
        """
        with (self._try if dry_run else self._write)() as cache:
            return colleagues.begin(cache, name, until, now)

    def end_cover(self, name: str, now: datetime, *, dry_run: bool = False) -> Covered:
        """End a cover now; `dry_run` changes nothing. Raises BadQuestion if there is none."""
        with (self._try if dry_run else self._write)() as cache:
            return colleagues.end(cache, name, now)
