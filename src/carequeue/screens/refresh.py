"""What the screen shows of the cache, and when it takes over what has changed.

In:  the desk, what the person looks at, the time. Out: the list, the header and the line of views.
The numbers in header and views follow at once. The rows wait until no key has come for `STILL`
seconds, because a row that moves under a pressing finger is an act on the wrong client; but never
longer than `LONGEST` however many keys come, because a list that stands still for longer is a lie.
An empty list waits for nothing: nothing can move in it. Once a second one number is compared
(`desk.stamp`); nothing is written while it and the minute are the same.
Rows that come in above the window are counted, not scrolled to: the eye keeps what it reads. New
items in Now and Safety are named besides (`urgent_items.py`), whatever the person looks at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from carequeue.screens.urgent_items import NewUrgent
from carequeue.store.queue_window import Tally, View
from carequeue.widgets.line import Line
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.queue_pages import Pages
from carequeue.widgets.source_labels import origins
from carequeue.widgets.sync_header import header_parts
from carequeue.widgets.themes import Parts
from carequeue.widgets.view_tabs import Looking, tabs_parts

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Health

#: Seconds between two looks at the cache.
LOOK: Final = 1.0
#: Seconds after the last key in which the rows stand still.
STILL: Final = 2.0
#: However many keys come, the rows on the screen are never older than this, in seconds.
LONGEST: Final = 5.0
#: The first band that is not named when an item comes into it.
CALMER: Final = 2
#: Views in which the moves are of different people, and so have a column.
MIXED: Final = frozenset({View.TEAM, View.WAITING, View.ALL, View.WHOLE})
NOTHING: Final = Tally({}, {}, 0)


class Hold:
    """How long the rows stand still under the keys. Instants are monotonic seconds."""

    def __init__(self) -> None:
        self._last_key = float("-inf")
        self._in_step: float | None = None

    def key(self, at: float) -> None:
        """A key has come."""
        self._last_key = at

    def in_step(self, at: float) -> None:
        """The rows on the screen are those of the cache."""
        self._in_step = at

    def quiet(self, at: float) -> bool:
        """Whether the last key came long enough ago."""
        return at - self._last_key >= STILL

    def over(self, at: float) -> bool:
        """Whether other rows are to be shown now: hands are quiet, or the next look is too late."""
        if self._in_step is None:  # the first look: the rows were loaded since the one before it
            self._in_step = at - LOOK
        return self.quiet(at) or at + LOOK - self._in_step > LONGEST


class Changes(NamedTuple):
    """What one look at the cache found: other data, another minute, back on line.

    `above` is the client of a new first row that is out of sight, "" where there is none, or where
    it is named as one of Now or Safety.
    """

    data: bool = False
    minute: bool = False
    back_online: bool = False
    above: str = ""


class QueueData:
    """The data of one screen, and the three widgets that show them."""

    def __init__(
        self,
        desk: Desk,
        now: Callable[[], datetime],
        zone: tzinfo,
        rows: QueueList,
        header: Line,
        tabs: Line,
    ) -> None:
        self._desk, self._now, self._zone = desk, now, zone
        self._rows, self._header, self._tabs = rows, header, tabs
        self.looking = Looking(View.MINE)
        self.tally = NOTHING
        self._hidden = 0
        self.health = desk.health(now())
        self._stamp: int | None = None  # of the rows that are shown
        self._felt: int | None = None  # of the health that is shown
        self._polled = desk.stamp()  # of the last look; read before what it is compared with
        self.urgent = NewUrgent(desk.urgent())
        self.hold = Hold()
        self.over_views: Callable[[int], Parts] = lambda width: []  # what hides them for a while
        self._stale = False
        self._minute = now().replace(second=0, microsecond=0)
        rows.empty = self._empty
        rows.come_from(origins(self.health, now(), zone))

    # --- what is looked at

    def look_at(self, view: View) -> None:
        """Another view; the cursor stays on its item where that is in it."""
        if view is not self.looking.view:
            self.looking = self.looking._replace(view=view, above=0)
            self.load(keep_line=False)

    def find(self, key: str) -> None:
        """The whole queue, with the cursor on a key: wherever it is, it is in there."""
        self.looking = self.looking._replace(view=View.WHOLE, narrow="", above=0)
        self.load(key)

    def narrow(self, text: str) -> None:
        """Other words that narrow; raises BadQuestion where they cannot be read."""
        before = self.looking
        self.looking = before._replace(narrow=text, above=0)
        try:
            self.load(keep_line=False)
        except Exception:
            self.looking = before
            raise

    def marked(self, count: int) -> None:
        """How many items are marked."""
        self.looking = self.looking._replace(marked=count)
        self._rows.redraw()
        self.show_lines()

    # --- reading

    def load(self, key: str = "", *, keep_line: bool = True, under_keys: bool = False) -> None:
        """Read the view; the cursor goes to a key, stays on its item, or on its place.

        `under_keys`: keys are coming, so the cursor's line holds even against the top of the list.
        """
        view, narrow = self.looking[:2]
        stamp = self._desk.stamp()
        tally = self._desk.tally(view, narrow)
        pages = Pages(partial(self._desk.window, view, narrow), tally.bands)
        wanted = key or self._rows.key
        place = self._desk.place(view, narrow, wanted) if wanted else 0
        # gone from the view: its place stays; another view is read from its top
        gone = self._rows.index if keep_line else 0
        self.tally, self._stamp, self._stale = tally, stamp, False
        self._hidden = self._count_hidden(tally)
        self._rows.acted.clear()
        index = gone if place is None else place
        show = partial(self._rows.show, pages, index, moves=view in MIXED)
        show(keep_line=keep_line, keep_top=not under_keys)
        self.show_lines()

    def _count_hidden(self, tally: Tally) -> int:
        view, narrow = self.looking[:2]
        if not narrow:
            return 0
        return sum(self._desk.tally(view, "").bands.values()) - sum(tally.bands.values())

    def _empty(self, width: int) -> list[Parts]:
        from carequeue.widgets.empty_state import empty_lines

        return empty_lines(
            self.looking, self._hidden, self.tally, self.health, self._now(), self._zone, width
        )

    # --- what changes by itself

    def poll(self, at: float) -> Changes:
        """Once a second, `at` a monotonic time: what has changed."""
        now = self._now()
        stamp = self._desk.stamp()
        minute = now.replace(second=0, microsecond=0) != self._minute
        self._minute = now.replace(second=0, microsecond=0)
        before = self.health
        if stamp != self._felt or minute or before.syncing or before.online is None:
            self._felt, self.health = stamp, self._desk.health(now)
            self._rows.come_from(origins(self.health, now, self._zone))
        changed = stamp != self._polled
        if changed:
            first_sync = not before.ever_synced and before.last_look is None
            self.urgent.look(self._desk.urgent(), now, first_sync=first_sync)
            self._polled = stamp
        above = self._show_rows(stamp, at, words=minute or self.health != before)
        self.show_lines()
        back = _away(before) and not _away(self.health) and self.health.online is True
        return Changes(changed, minute, back, above)

    def _show_rows(self, stamp: int, at: float, *, words: bool) -> str:
        """Take the rows of the cache or hold still; `words`: what the rows say may be other."""
        if stamp != self._stamp:
            self._stamp, self._stale = stamp, True
            self.tally = self._desk.tally(self.looking.view, self.looking.narrow)
            self.show_lines()  # the numbers at once, also where the rows cannot be read
        quiet, above = self.hold.quiet(at), ""
        if self._stale and (self.hold.over(at) or not self._rows.pages.rows):
            above = self._take_over(under_keys=not quiet)
        elif words or (quiet and self._rows.acted):
            if quiet:
                self._rows.acted.clear()
            self._rows.redraw()
        if not self._stale:
            self.hold.in_step(at)
        return above

    def _take_over(self, *, under_keys: bool) -> str:
        """Load; count what came in above the window, and name a new first row that is out of it."""
        rows = self._rows
        first, key, index = rows.pages.row(0), rows.key, rows.index
        self.load(under_keys=under_keys)
        if not rows.scroll_offset.y:
            return ""
        if rows.key == key and rows.index > index:
            more = self.looking.above + rows.index - index
            self.looking = self.looking._replace(above=more)
        now_first = rows.pages.row(0)
        if now_first is None or now_first.band < CALMER:
            return ""
        return "" if first is not None and first.key == now_first.key else now_first.client

    def moved(self) -> None:
        """The cursor has moved: what is in sight again at the top is no longer counted."""
        if self.looking.above and not self._rows.scroll_offset.y:
            self.looking = self.looking._replace(above=0)
            self.show_lines()

    def show_lines(self) -> None:
        """Show header and views; nothing is written where they say the same."""
        now = self._now()
        self._header.show(partial(header_parts, self._desk.heading, self.health, now, self._zone))
        self._tabs.show(
            lambda width: self.over_views(width) or tabs_parts(self.looking, self.tally, width)
        )


def _away(health: Health) -> bool:
    return health.online is False or health.forced_offline
