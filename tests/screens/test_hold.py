"""The list holds still under the fingers, but never for long, and never says that it is empty.

Two seconds after the last key, five in all, by a time that is moved by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.screens.refresh import POLL_SECONDS, Hold
from carequeue.store.queue_window import QueueRow, Tab, Tally
from tests.screens.clinic import HEALTHY, FakeDesk, VastDesk, at, morning, row
from tests.screens.stage import Seat, at_the_terminal
from tests.screens.test_sources import two

EMPTY = (
    "Nothing waits",
    "Nothing is open",
    "Nothing matches",
    "Nothing in the copy",
    "Nothing has been",
)
#: What is opened, the keys that are pressed on and on in it, and whether the list is in sight.
BUSY = {
    "moving": ((), ("j", "k")),
    "marking": ((), ("space",)),
    "the filter": (("slash",), ("a", "backspace")),
    "a question": (("n",), ("x", "y")),
    "a choice": (("k", "d"), ("o", "f")),
    "the palette": (("colon",), ("a", "backspace")),
    "the help": (("question_mark",), ("a", "backspace")),
    "the detail": (("enter",), ("j", "k")),
    "the outbox": (("o",), ("j", "k")),
    "a conflict": (("x",), ("w", "escape", "x")),
    "the tabs": ((), ("2", "1")),
    "a key that means nothing": ((), ("P",)),
}


def new(number: int, band: int = 2, **facts: Any) -> QueueRow:
    """A row that has just come in."""
    made = row(f"new-{number}", "referral", band, at(hours=1), "h", f"NEW{number}, Ana", "Answer")
    return made._replace(**facts)


def shown(seat: Seat) -> list[str]:
    """The keys of the rows that the list has."""
    pages = seat.controller.widgets.rows.pages
    found = [pages.row(index) for index in range(pages.rows)]
    return [one.key for one in found if one is not None]


def of_the_cache(seat: Seat) -> list[str]:
    """The keys of the rows that it ought to have."""
    return seat.desk.keys_of(*seat.controller.data.view_state[:2])


async def keep_pressing(seat: Seat, keys: Sequence[str], seconds: int) -> None:
    """A key every second, and a look at the cache just after it."""
    for number in range(seconds):
        await seat.press(keys[number % len(keys)])
        await seat.wait(0.7)
        says_nothing_untrue(seat)


def says_nothing_untrue(seat: Seat) -> None:
    """No sentence calls a list empty while its tab counts rows."""
    looking, tally = seat.controller.data.view_state, seat.controller.data.tally
    if tally.tabs.get(looking.tab, 0):
        assert not [words for words in EMPTY if words in seat.text]


class TestTheRule:
    def test_holds_until_two_seconds_after_the_last_key(self) -> None:
        hold = Hold()
        hold.up_to_date(100.0)
        hold.key(100.5)
        assert [hold.has_ended(second) for second in (101.0, 102.0, 102.5)] == [False, False, True]

    def test_lets_no_row_on_the_screen_become_older_than_five_seconds(self) -> None:
        hold = Hold()
        hold.up_to_date(100.0)
        taken = []
        for tenth in range(1, 100):
            hold.key(100 + tenth / 10)
            if not tenth % 10 and hold.has_ended(100 + tenth / 10):
                taken.append(tenth / 10)
        assert taken[0] == 5.0
        hold.up_to_date(105.0)
        assert not hold.has_ended(106.0)

    @pytest.mark.parametrize("late", [0.01, 0.4, 0.9])
    def test_does_not_wait_for_a_look_that_would_come_too_late(self, late: float) -> None:
        hold = Hold()
        hold.up_to_date(100.0)
        hold.key(104.0 + late)
        assert hold.has_ended(104.0 + late)
        assert 4.0 + late + POLL_SECONDS > 5.0

    def test_holds_from_the_start_of_the_program_too(self) -> None:
        hold = Hold()
        hold.key(100.9)
        assert not hold.has_ended(101.0)
        hold.key(104.9)
        assert hold.has_ended(105.0)


@pytest.mark.parametrize("busy", BUSY)
async def test_the_rows_come_within_five_seconds_however_many_keys_come(busy: str) -> None:
    opened, keys = BUSY[busy]
    async with at_the_terminal() as seat:
        await seat.wait(1)
        await seat.press("j", *opened)
        seat.desk.change([*morning()[:11], new(1), *morning()[11:]])
        await keep_pressing(seat, keys, 5)
        assert "new-1" in of_the_cache(seat) or seat.controller.data.view_state.filter_text
        assert shown(seat) == of_the_cache(seat)


async def test_the_rows_hold_still_for_the_first_seconds_of_it() -> None:
    async with at_the_terminal() as seat:
        await seat.wait(1)
        await seat.press("j")
        seat.desk.change([new(1, band=0), *morning()])
        await keep_pressing(seat, ("k", "j"), 3)
        assert "new-1" not in shown(seat)
        assert "1 Mine 17" in seat.lines[1]


async def test_the_cursor_keeps_its_item_and_its_line_under_the_keys() -> None:
    desk = VastDesk()
    async with at_the_terminal(desk) as seat:
        rows = seat.controller.widgets.rows
        rows.go(500)
        await seat.wait(1)
        line = seat.lines.index(seat.line_of("▌"))
        desk.shift = 7
        desk.feel(waiting=4)
        await keep_pressing(seat, ("j", "k"), 6)
        assert (seat.cursor, rows.index) == ("item-500", 507)
        assert seat.lines.index(seat.line_of("▌")) == line


async def test_under_the_keys_the_line_holds_at_the_top_of_the_list_too() -> None:
    desk = VastDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("j", "j", "j")
        line = seat.lines.index(seat.line_of("▌"))
        desk.shift = 2
        desk.feel(waiting=4)
        await keep_pressing(seat, ("j", "k"), 6)
        assert seat.cursor == "item-3"
        assert seat.lines.index(seat.line_of("▌")) == line
        assert seat.lines[1].endswith("↑ 2 new above")


async def test_an_item_that_goes_under_the_keys_leaves_the_cursor_at_its_place() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "j", "j", "j")
        assert seat.cursor == "nguyen"
        seat.desk.change([r for r in morning() if r.key != "nguyen"])
        await keep_pressing(seat, ("P",), 6)
        assert seat.cursor == "whitehorse"


async def test_a_key_is_meant_for_what_was_painted_although_the_rows_were_forced_to_move() -> None:
    """The look comes between the key and its turn: the key came before the new rows were drawn."""
    async with at_the_terminal() as seat:
        await seat.wait(1)
        await seat.press("j")
        seat.desk.change([r for r in morning() if r.key != "reyes"])
        await keep_pressing(seat, ("P",), 3)
        assert seat.cursor == "reyes"
        painted = seat.controller.widgets.rows._aim_since
        for _ in range(2):
            seat.time.pass_(1)
            seat.controller.press("P", "P", painted + 1e-9)
            seat.controller.tick()
        assert seat.cursor == "lindqvist"
        seat.controller.press("n", "n", painted + 1e-9)
        assert "Note REYES, Tomás" in seat.message
        await seat.press("escape")
        await seat.rest()
        await seat.press("n")
        assert "Note LINDQVIST, Maja" in seat.message


async def test_an_act_typed_on_an_item_that_has_gone_meanwhile_changes_no_other() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "n")
        seat.desk.change([r for r in morning() if r.key != "reyes"])
        await keep_pressing(seat, ("x",), 6)
        assert seat.cursor == "lindqvist"
        assert "Note REYES, Tomás: what? xxxxxx" in seat.message
        await seat.press("enter")
        assert seat.desk.acts == []


async def test_marks_stay_on_their_items() -> None:
    async with at_the_terminal() as seat:
        await seat.press("space", "space")
        rows = [new(1, band=0), *morning()]
        seat.desk.change([r for r in rows if r.key != "okafor"])
        await keep_pressing(seat, ("j", "k"), 6)
        assert list(seat.controller.selection.labels) == ["okafor", "reyes"]
        assert "*" in seat.line_of("REYES, Tomás")[:4]
        assert "*" not in seat.line_of("LINDQVIST")[:4]


async def test_another_tab_shows_the_rows_of_now_and_the_hold_is_over() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j")
        seat.desk.change([*morning()[:11], new(1), *morning()[11:]])
        await seat.wait(1)
        assert "new-1" not in shown(seat)
        await seat.press("4")
        assert "new-1" in shown(seat)
        assert seat.cursor == "reyes"


async def test_of_two_sources_the_rows_of_both_come() -> None:
    async with at_the_terminal(two()) as seat:
        await seat.press("j")
        here, there = new(1, source="clinic"), new(2, source="county")
        seat.desk.change([*seat.desk.rows[:9], here, there, *seat.desk.rows[9:]])
        await keep_pressing(seat, ("j", "k"), 5)
        assert {"new-1", "new-2"} <= set(shown(seat))


class TestAnEmptyList:
    async def test_takes_what_comes_at_once_for_nothing_in_it_can_move(self) -> None:
        async with at_the_terminal(FakeDesk([])) as seat:
            await seat.press("j")
            seat.desk.change(morning())
            await seat.wait(1)
            assert "1 Mine 16" in seat.lines[1]
            assert seat.cursor == "okafor"

    @pytest.mark.parametrize("busy", BUSY)
    async def test_is_never_said_while_the_tab_counts_rows(self, busy: str) -> None:
        opened, keys = BUSY[busy]
        async with at_the_terminal(FakeDesk([])) as seat:
            await seat.press(*opened)
            for rows in (morning(), [], morning()[:1], [], morning()):
                seat.desk.change(rows)
                await keep_pressing(seat, keys, 2)
            await keep_pressing(seat, keys, 3)
            assert shown(seat) == of_the_cache(seat)

    async def test_is_said_within_five_seconds_of_the_last_row(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("j")
            seat.desk.change([])
            await keep_pressing(seat, ("j", "k"), 2)
            assert [seat.cursor] == ["reyes"]
            await keep_pressing(seat, ("j", "k"), 3)
            assert seat.cursor is None
            assert "Nothing is waiting for you." in seat.text
            await seat.press("a")
            assert seat.desk.acts == []

    async def test_of_a_filter_that_matches_nothing_gives_way_to_a_match(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("slash", "z", "z")
            assert "Nothing matches “zz”." in seat.text
            seat.desk.change([*morning(), new(1, client="ZZ, Top")])
            await seat.wait(1)
            assert "ZZ, Top" in seat.text
            assert "Nothing matches" not in seat.text

    async def test_says_how_many_came_in_where_they_cannot_be_read(self) -> None:
        class Unreadable(FakeDesk):
            """It counts its rows once, and after that nothing of them can be read."""

            whole = counted = False

            def tally(self, view: Tab, narrow: str) -> Tally:
                if self.rows and self.counted and not self.whole:
                    raise BadQuestion("The disk does not answer. Nothing was changed.")
                self.counted = bool(self.rows)
                return super().tally(view, narrow)

        desk = Unreadable([])
        async with at_the_terminal(desk) as seat:
            desk.change(morning())
            await seat.wait(3)
            await seat.wait(1)
            assert "1 Mine 16" in seat.lines[1]
            assert "16 items have arrived." in seat.text
            assert "Nothing is waiting for you." not in seat.text
            desk.whole = True
            await seat.wait(1)
            assert seat.cursor == "okafor"


@pytest.mark.parametrize("tab", Tab)
@pytest.mark.parametrize("narrow", ["", "smith"])
@pytest.mark.parametrize(
    "facts",
    [{}, {"online": False}, {"ever_synced": False}, {"ever_synced": False, "syncing": True}],
)
def test_no_sentence_of_an_empty_list_stands_where_the_tab_counts_rows(
    tab: Tab, narrow: str, facts: dict[str, object]
) -> None:
    from carequeue.widgets.empty_state import EmptyState, empty_lines
    from carequeue.widgets.tab_bar import ViewState
    from tests.screens.clinic import NOW, ZONE

    desk = FakeDesk([])
    desk.state = HEALTHY
    desk.feel(**facts)
    tally = Tally({**dict.fromkeys(map(str, Tab), 2), "whole": 2}, {2: 2}, 0)
    lines = empty_lines(EmptyState(ViewState(tab, narrow), 0, tally, desk.state), NOW, ZONE, 80)
    assert "2 items have arrived." in lines[0][1][0]


class TestWhatLiesOverTheList:
    @pytest.mark.parametrize("rows", [None, []], ids=["rows", "an empty list"])
    async def test_the_outbox_is_read_again_within_five_seconds_under_the_keys(
        self, rows: list[QueueRow] | None
    ) -> None:
        desk = FakeDesk(rows)
        async with at_the_terminal(desk) as seat:
            await seat.press("o")
            desk.unsent = desk.unsent[:1]
            desk.change(desk.rows)
            for _ in range(6):
                await seat.press("j")
                desk.change(desk.rows)
                await seat.wait(0.7)
            assert "WHITEHORSE" in seat.text
            assert "NGUYỄN, Hải" not in "\n".join(seat.lines[2:22])

    async def test_the_palette_over_a_detail_is_not_drawn_over_by_it(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("enter", "colon")
            assert "sync now" in seat.text
            seat.desk.change([new(1), *morning()])
            await seat.wait(3)
            assert "sync now" in seat.text
            await seat.press("escape")
            assert "Acknowledge handoff from Mobile Crisis" in seat.text

    async def test_a_key_is_meant_for_the_client_whose_detail_is_in_sight(self) -> None:
        """The item has left this view, not the queue: an act on it would be taken."""
        async with at_the_terminal() as seat:
            await seat.press("j", "enter")
            assert "REYES, Tomás" in "\n".join(seat.lines[2:6])
            gone = [r._replace(mine=0) if r.key == "reyes" else r for r in morning()]
            seat.desk.change(gone)
            await seat.wait(3)
            assert "LINDQVIST, Maja" in "\n".join(seat.lines[2:6])
            await seat.press("n")
            assert "Note LINDQVIST, Maja" in seat.message
