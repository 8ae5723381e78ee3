"""The data of the cache on the screen, and when the screen takes over changes.

In:  the desk, the current tab and filter, the time. Out: the list, the header and the tabs.
The counts in header and tabs follow at once. The rows wait until no key has been pressed for
`QUIET_SECONDS`, because a row that moves under a pressing finger is an act on the wrong client; but
never longer than `LONGEST_SECONDS`, because a list that never moves hides what is new. An empty
list does not wait: it has no row that could move. Once a second one number is compared
(`desk.stamp`); nothing is written while that number and the minute stay the same.
A list of mine in which nothing is left to do now ends with what comes next (`day_end.py`).
Rows that arrive above the window are counted, and the list does not scroll to them. New items in
Now and Safety are also named (`urgent_items.py`), whatever tab is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from carequeue.screens.app_hooks import TimeSource
from carequeue.screens.overlay_stack import Widgets
from carequeue.screens.urgent_items import NewUrgent
from carequeue.store.queue_window import Tab, Tally
from carequeue.widgets.bands import PRESSING
from carequeue.widgets.queue_pages import Pages
from carequeue.widgets.source_labels import origins
from carequeue.widgets.sync_header import header_parts
from carequeue.widgets.tab_bar import ViewState, tab_bar_parts
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.store.next_times import NextTimes
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Health

#: Seconds between two polls of the cache.
POLL_SECONDS: Final = 1.0
#: Seconds after the last key in which the rows keep still.
QUIET_SECONDS: Final = 2.0
#: The rows on the screen are never older than this, however many keys are pressed.
LONGEST_SECONDS: Final = 5.0
#: The first band below Now and Safety; only items of those two are named by `urgent_items`.
_BELOW_URGENT: Final = 2
#: Tabs with the moves of different people, which therefore have a column for the move.
MIXED: Final = frozenset({Tab.TEAM, Tab.WAITING, Tab.ALL, Tab.WHOLE})
NOTHING: Final = Tally({}, {}, 0)


class Hold:
    """How long the rows keep still while keys are pressed. All times are monotonic seconds."""

    def __init__(self) -> None:
        self._last_key = float("-inf")
        self._last_current: float | None = None

    def key(self, at: float) -> None:
        """A key was pressed."""
        self._last_key = at

    def up_to_date(self, at: float) -> None:
        """The rows on the screen are those of the cache."""
        self._last_current = at

    def quiet(self, at: float) -> bool:
        """Whether the last key was pressed long enough ago."""
        return at - self._last_key >= QUIET_SECONDS

    def has_ended(self, at: float) -> bool:
        """Whether to show the new rows now: no recent key, or the next poll would be too late."""
        if self._last_current is None:  # the first poll: the rows were loaded since the one before
            self._last_current = at - POLL_SECONDS
        return self.quiet(at) or at + POLL_SECONDS - self._last_current > LONGEST_SECONDS


class Changes(NamedTuple):
    """The result of one poll: whether the data, the minute or the network changed.

    `above` is the client of a new first row that is out of sight; "" if there is none, or if the
    row is named as an item of Now or Safety.
    """

    data: bool = False
    minute: bool = False
    back_online: bool = False
    above: str = ""


class QueueData:
    """The data of one screen, and the three widgets that show them."""

    def __init__(self, desk: Desk, time_source: TimeSource, widgets: Widgets) -> None:
        self._desk, self._now, self._zone = desk, time_source.now, time_source.zone
        self._rows, self._header, self._tabs = widgets.rows, widgets.header, widgets.tabs
        self.view_state = ViewState(Tab.MINE)
        self.tally = NOTHING
        self._own = (self.view_state, "")  # what one's own queue showed, and the item
        self._worked_last = ""  # the key of the last row, from an act on it to a move of the cursor
        self._hidden = 0  # rows that the filter hides
        now = self._now()
        self.health = desk.health(now)
        self._rows_stamp: int | None = None
        self._health_stamp: int | None = None
        self._polled_stamp = desk.stamp()  # read before the data that it is compared with
        self.urgent = NewUrgent(desk.urgent())
        self.hold = Hold()
        self.over_tabs: Callable[[int], Parts] = lambda width: []  # shown instead of the tabs
        self._stale = False
        self._minute = now.replace(second=0, microsecond=0)
        self._next_times: NextTimes | None = None  # while a row of mine asks for something now
        self._rows.empty, self._rows.tail = self._empty_lines, self._tail_lines
        self._rows.set_origins(origins(self.health, now, self._zone))

    # --- tab and filter

    def show_tab(self, tab: Tab) -> None:
        """Show another tab; the cursor stays on its item if that is in the tab."""
        if tab is not self.view_state.tab:
            self.view_state = self.view_state._replace(tab=tab, above=0)
            self.load(keep_line=False)

    def show_in_whole_queue(self, key: str) -> None:
        """Show the whole queue, which holds every item, with the cursor on an item."""
        self.view_state = self.view_state._replace(tab=Tab.WHOLE, filter_text="", above=0)
        self.load(key)

    def show_as(self, name: str) -> None:
        """Show the queue that the desk now has: a colleague's or a team's, or one's own ("").

        One's own comes back with the tab, the filter and the item that it had.
        """
        if name and not self.view_state.seen_as:
            self._own = (self.view_state, self._rows.key or "")
        state, key = (ViewState(Tab.MINE), "") if name else self._own
        selected = self.view_state.selected
        self.view_state = state._replace(selected=selected, above=0, seen_as=name)
        self.load(key, keep_line=False)

    def set_filter(self, text: str) -> None:
        """Filter the list; raises BadQuestion if the text cannot be read as a filter."""
        before = self.view_state
        self.view_state = before._replace(filter_text=text, above=0)
        try:
            self.load(keep_line=False)
        except Exception:
            self.view_state = before
            raise

    def show_selected(self, count: int) -> None:
        """Show how many items are marked."""
        self.view_state = self.view_state._replace(selected=count)
        self._rows.redraw()
        self.show_lines()

    # --- reading

    def load(self, key: str = "", *, keep_line: bool = True, under_keys: bool = False) -> None:
        """Read the tab; the cursor goes to `key`, or stays on its item or its position.

        `under_keys`: keys are being pressed, so the cursor keeps its line even if that scrolls the
        top of the list out of sight.
        """
        tab, filter_text = self.view_state[:2]
        stamp = self._desk.stamp()
        tally = self._desk.tally(tab, filter_text)
        pages = Pages(partial(self._desk.window, tab, filter_text), tally.bands)
        worked = self._worked_last and self._worked_last == self._rows.key
        wanted = key or (None if worked and keep_line else self._rows.key)
        index = self._desk.row_index(tab, filter_text, wanted) if wanted else None
        if index is None:  # keep the position; another tab begins at its top
            index = self._rows.index if keep_line else 0
        self.tally, self._rows_stamp, self._stale = tally, stamp, False
        self._hidden = 0
        if filter_text:
            without = self._desk.tally(tab, "").bands
            self._hidden = sum(without.values()) - sum(tally.bands.values())
        self._rows.acted.clear()
        self._next_times = self._desk.next_times(self._now()) if self._is_done_for_now else None
        show = partial(self._rows.show, pages, index, moves=tab in MIXED)
        show(keep_line=keep_line, keep_top=not under_keys)
        self.show_lines()

    @property
    def _is_done_for_now(self) -> bool:
        """Whether the list is all that is mine, and nothing in it asks for something now."""
        tab, filter_text, *_ = state = self.view_state
        own = tab is Tab.MINE and not filter_text and not state.seen_as
        return own and self.health.ever_synced and not any(map(self.tally.bands.get, PRESSING))

    def _empty_lines(self, width: int) -> list[Parts]:
        from carequeue.widgets.empty_state import EmptyState, empty_lines

        state = EmptyState(self.view_state, self._hidden, self.tally, self.health, self._next_times)
        return empty_lines(state, self._now(), self._zone, width)

    def _tail_lines(self, width: int) -> list[Parts]:
        if self._next_times is None:
            return []
        from carequeue.widgets.day_end import day_end_lines

        return day_end_lines(self._next_times, self._now(), self._zone, width)

    # --- polling

    def poll(self, at: float) -> Changes:
        """Show what has changed by `at`, a monotonic time; called once a second."""
        now = self._now()
        stamp = self._desk.stamp()
        minute = now.replace(second=0, microsecond=0) != self._minute
        self._minute = now.replace(second=0, microsecond=0)
        before = self.health
        if stamp != self._health_stamp or minute or before.syncing or before.online is None:
            self._health_stamp, self.health = stamp, self._desk.health(now)
            self._rows.set_origins(origins(self.health, now, self._zone))
        changed = stamp != self._polled_stamp
        if changed:
            first_sync = not before.ever_synced and before.last_sync is None
            self.urgent.update(self._desk.urgent(), now, first_sync=first_sync)
            self._polled_stamp = stamp
        above = self._update_rows(stamp, at, text_changed=minute or self.health != before)
        self.show_lines()
        back = _is_offline(before) and not _is_offline(self.health) and self.health.online is True
        return Changes(changed, minute, back, above)

    def _update_rows(self, stamp: int, at: float, *, text_changed: bool) -> str:
        """Show the rows of the cache, or keep still; the client of a new first row out of sight.

        `text_changed`: the same rows may say something else, such as "2 h left".
        """
        if stamp != self._rows_stamp:
            self._rows_stamp, self._stale = stamp, True
            self.tally = self._desk.tally(self.view_state.tab, self.view_state.filter_text)
            self.show_lines()  # the counts follow at once, even if reading the rows fails
        quiet, above = self.hold.quiet(at), ""
        if self._stale and (self.hold.has_ended(at) or not self._rows.pages.rows):
            above = self._take_over(under_keys=not quiet)
        elif text_changed or (quiet and self._rows.acted):
            if quiet:
                self._rows.acted.clear()
            self._rows.redraw()
        if not self._stale:
            self.hold.up_to_date(at)
        return above

    def _take_over(self, *, under_keys: bool) -> str:
        """Load; count the rows that arrived above the window, and name a new first row."""
        rows = self._rows
        first, key, index = rows.pages.row(0), rows.key, rows.index
        self.load(under_keys=under_keys)
        if not rows.scroll_offset.y:
            return ""
        if rows.key == key and rows.index > index:
            more = self.view_state.above + rows.index - index
            self.view_state = self.view_state._replace(above=more)
        now_first = rows.pages.row(0)
        if now_first is None or now_first.band < _BELOW_URGENT:
            return ""
        return "" if first is not None and first.key == now_first.key else now_first.client

    def worked_last(self, key: str) -> None:
        """The last row was acted on: when it goes elsewhere, the cursor does not go with it."""
        self._worked_last = key

    def moved(self) -> None:
        """The cursor has moved: if the top is in sight again, no row counts as above it."""
        self._worked_last = ""
        if self.view_state.above and not self._rows.scroll_offset.y:
            self.view_state = self.view_state._replace(above=0)
            self.show_lines()

    def show_lines(self) -> None:
        """Show header and tabs; a line is written only if it has changed."""
        now = self._now()
        header = partial(header_parts, self._desk.heading, self.health, now, self._zone)
        self._header.show(partial(header, seen_as=self.view_state.seen_as))
        self._tabs.show(
            lambda width: self.over_tabs(width) or tab_bar_parts(self.view_state, self.tally, width)
        )


def _is_offline(health: Health) -> bool:
    return health.online is False or health.forced_offline
