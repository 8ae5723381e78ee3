"""What the screen shows of the cache, and when it takes over what has changed.

In:  the desk, what the person looks at, the time. Out: the list, the header and the line of views.
The numbers in header and views follow at once; the rows wait until no key has come for `STILL`
seconds and no question is open, because a row that moves under a pressing finger is an act on the
wrong client. Once a second one number is compared (`desk.stamp`); nothing is written while it and
the minute are the same.
Rows that come in above the window are counted, not scrolled to: the eye keeps what it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from carequeue.store.window import Tally, View
from carequeue.widgets.line import Line
from carequeue.widgets.origins import origins
from carequeue.widgets.queue_list import QueueList
from carequeue.widgets.queue_pages import Pages
from carequeue.widgets.sync_header import header_parts
from carequeue.widgets.themes import Parts
from carequeue.widgets.view_tabs import Looking, tabs_parts

if TYPE_CHECKING:
    from carequeue.worklist.answers import Health
    from carequeue.worklist.desk import Desk

#: Seconds after the last key in which the rows stand still.
STILL: Final = 2.0
#: Views in which the moves are of different people, and so have a column.
MIXED: Final = frozenset({View.TEAM, View.WAITING, View.ALL, View.WHOLE})
NOTHING: Final = Tally({}, {}, 0)


class Changes(NamedTuple):
    """What one look at the cache found: other data, another minute, back on line.

    `above` is the client of a new first row that is out of sight, "" where there is none.
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

    def load(self, key: str = "", *, keep_line: bool = True) -> None:
        """Read the view; the cursor goes to a key, stays on its item, or on its place."""
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
        self._rows.show(pages, index, moves=view in MIXED, keep_line=keep_line)
        self.show_lines()

    def _count_hidden(self, tally: Tally) -> int:
        view, narrow = self.looking[:2]
        if not narrow:
            return 0
        return sum(self._desk.tally(view, "").bands.values()) - sum(tally.bands.values())

    def _empty(self, width: int) -> list[Parts]:
        from carequeue.widgets.empty import empty_lines

        return empty_lines(
            self.looking, self._hidden, self.tally, self.health, self._now(), self._zone, width
        )

    # --- what changes by itself

    def poll(self, *, still: bool) -> Changes:
        """Once a second: what has changed; `still` says that the rows may move."""
        now = self._now()
        stamp = self._desk.stamp()
        changed = stamp != self._stamp
        minute = now.replace(second=0, microsecond=0) != self._minute
        self._minute = now.replace(second=0, microsecond=0)
        before = self.health
        if stamp != self._felt or minute or before.syncing or before.online is None:
            self._felt, self.health = stamp, self._desk.health(now)
            self._rows.come_from(origins(self.health, now, self._zone))
        if changed:
            self._stamp, self._stale = stamp, True
            self.tally = self._desk.tally(self.looking.view, self.looking.narrow)
        above = ""
        if self._stale and still:
            above = self._take_over()
        elif minute or (still and self._rows.acted) or self.health != before:
            if still:
                self._rows.acted.clear()
            self._rows.redraw()
        self.show_lines()
        back = _away(before) and not _away(self.health) and self.health.online is True
        return Changes(changed, minute, back, above)

    def _take_over(self) -> str:
        """Load; count what came in above the window, and name a new first row that is out of it."""
        rows = self._rows
        first, key, index = rows.pages.row(0), rows.key, rows.index
        self.load()
        if not rows.scroll_offset.y:
            return ""
        if rows.key == key and rows.index > index:
            more = self.looking.above + rows.index - index
            self.looking = self.looking._replace(above=more)
        now_first = rows.pages.row(0)
        if now_first is None or (first is not None and first.key == now_first.key):
            return ""
        return now_first.client

    def moved(self) -> None:
        """The cursor has moved: what is in sight again at the top is no longer counted."""
        if self.looking.above and not self._rows.scroll_offset.y:
            self.looking = self.looking._replace(above=0)
            self.show_lines()

    def show_lines(self) -> None:
        """Show header and views; nothing is written where they say the same."""
        now = self._now()
        self._header.show(partial(header_parts, self._desk.heading, self.health, now, self._zone))
        self._tabs.show(partial(tabs_parts, self.looking, self.tally))


def _away(health: Health) -> bool:
    return health.online is False or health.forced_offline
