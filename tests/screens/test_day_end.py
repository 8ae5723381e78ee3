"""The end of a worked list: what it says, where it stands, and where the cursor is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from carequeue.store.next_times import NextTimes
from carequeue.store.queue_window import QueueRow
from carequeue.widgets.day_end import day_end_lines, day_end_sentences
from tests.screens.clinic import NOW, ZONE, FakeDesk, at, morning, row
from tests.screens.stage import Seat, at_the_terminal

DONE = "Done for now: nothing of yours is without a next time."
WAITS = row("fontaine", "referral", 5, at(days=1, minutes=-14), "nudge", "FONTAINE, Luc",
            "Harbor Housing to answer", move="partner", move_name="Harbor Housing",
            mine=2)  # fmt: skip
RESTS = row("okafor", "follow_up", 5, at(days=1, hours=-1, minutes=-14), "try", "OKAFOR, Amara J.",
            "Call back, tried 09:00")  # fmt: skip
SNOOZED = row("lee", "follow_up", 6, at(days=6), "sleep", "LEE, Ana", "Ask about benefits")
SOON = row("mbeki", "referral", 3, at(days=2), "bd", "MBEKI, Thandi", "Answer routine referral",
           days=2)  # fmt: skip
UNTIMED = row("park", "follow_up", 4, None, "", "PARK, Min-jun", "Ask about school")
DUE = row("wang", "follow_up", 2, at(hours=7), "d", "WANG, Lei", "Treatment plan review", days=0)


def times(*rows: QueueRow) -> NextTimes:
    return FakeDesk(rows).next_times(NOW)


class TestItSays:
    @pytest.mark.parametrize(
        ("rows", "sentences"),
        [
            ([RESTS, WAITS], (DONE, "First tomorrow: 08:00 Next try, OKAFOR, Amara J.")),
            ([WAITS], (DONE, "First tomorrow: 09:00 Nudge Harbor Housing, FONTAINE, Luc.")),
            ([SNOOZED], (DONE, "First on Mon 30 Nov: 09:14 Ask about benefits, LEE, Ana.")),
            (
                [SOON],
                (DONE, "First on Thu 26 Nov: by 09:14 Answer routine referral, MBEKI, Thandi."),
            ),
            (
                [RESTS._replace(due_at=at(hours=4, minutes=16))],
                (DONE, "Next today: 13:30 Next try, OKAFOR, Amara J."),
            ),
            (
                [SNOOZED._replace(due_at=at(days=60))],
                (DONE, "First on Sat 23 Jan 2027: 09:14 Ask about benefits, LEE, Ana."),
            ),
            (
                [UNTIMED],
                ("Done for now, but 1 of yours has no next time: Ask about school, "
                 "PARK, Min-jun.",),
            ),
            (
                [UNTIMED, UNTIMED._replace(key="sato", client="SATO, Emi"), WAITS],
                (
                    "Done for now, but 2 of yours have no next time, first: Ask about school, "
                    "PARK, Min-jun.",
                    "First tomorrow: 09:00 Nudge Harbor Housing, FONTAINE, Luc.",
                ),
            ),
            ([], ()),
            ([WAITS, SOON._replace(due_at=at(hours=-1))], ()),
        ],
        ids=[
            "a next try", "a nudge", "a snooze", "a clock", "today", "next year", "no time",
            "two without a time", "nothing is mine", "a time that has passed",
        ],
    )  # fmt: skip
    def test_what_comes_next(self, rows: Sequence[QueueRow], sentences: tuple[str, ...]) -> None:
        assert day_end_sentences(times(*rows), NOW, ZONE) == sentences

    @pytest.mark.parametrize("width", range(40, 140, 7))
    def test_it_within_the_width(self, width: int) -> None:
        lines = day_end_lines(times(RESTS, UNTIMED), NOW, ZONE, width)
        assert all(sum(len(text) for text, _ in line) <= width for line in lines)


class TestTheList:
    async def test_ends_with_it_once_nothing_is_left_to_do_now(self) -> None:
        async with at_the_terminal(FakeDesk([DUE, SOON, RESTS, WAITS])) as seat:
            assert "Done for now" not in seat.text
            await seat.press("e")
            await seat.wait(3)
            at_last = seat.lines.index(seat.line_of("FONTAINE"))
            empty, done, first = seat.lines[at_last + 1 :][:3]
            assert (empty, done.strip()) == ("", DONE)
            assert first.strip() == "First tomorrow: 08:00 Next try, OKAFOR, Amara J."

    async def test_says_it_in_its_place_if_it_is_empty(self) -> None:
        async with at_the_terminal(FakeDesk([SNOOZED])) as seat:
            assert DONE in seat.text
            assert "First on Mon 30 Nov: 09:14 Ask about benefits, LEE, Ana." in seat.text

    async def test_of_nobody_says_that_nothing_waits(self) -> None:
        async with at_the_terminal(FakeDesk([])) as seat:
            assert "Nothing is waiting for you." in seat.text

    @pytest.mark.parametrize("keys", ["2", "4", "/fon", "L"], ids=["team", "all", "filter", "as"])
    async def test_says_it_of_all_that_is_mine_and_of_nothing_else(self, keys: str) -> None:
        async with at_the_terminal(FakeDesk([SOON, RESTS, WAITS])) as seat:
            assert "Done for now" in seat.text
            await seat.press(
                *(
                    ("L", *"nad", "enter")
                    if keys == "L"
                    else (name.replace("/", "slash") for name in keys)
                )
            )
            assert "Done for now" not in seat.text

    async def test_says_it_in_sight_however_long_the_list_is(self) -> None:
        desk = FakeDesk([WAITS._replace(key=f"w{n}", client=f"CLIENT{n:02d}") for n in range(60)])
        async with at_the_terminal(desk) as seat:
            for key in ("g", "G", "pagedown", "k"):
                await seat.press(key)
                assert DONE in seat.text
                assert cursor_line(seat) < seat.lines.index(seat.line_of(DONE))
            await seat.press("G")
            assert "CLIENT59" in seat.text

    async def test_takes_no_click(self) -> None:
        desk = FakeDesk([WAITS._replace(key=f"w{n}", client=f"CLIENT{n:02d}") for n in range(60)])
        async with at_the_terminal(desk) as seat:
            before = seat.cursor
            y = seat.lines.index(seat.line_of(DONE)) - seat.controller.widgets.rows.region.y
            await seat.pilot.click("#rows", offset=(10, y))
            assert seat.cursor == before

    async def test_says_nothing_before_the_first_sync(self) -> None:
        desk = FakeDesk([WAITS])
        desk.feel(ever_synced=False)
        async with at_the_terminal(desk) as seat:
            assert "Done for now" not in seat.text


def cursor_line(seat: Seat) -> int:
    rows = seat.controller.widgets.rows
    return rows.region.y + rows.pages.line_of(rows.index) - rows.scroll_offset.y


class TestTheCursor:
    async def test_does_not_go_with_the_last_row(self) -> None:
        """The last row was worked and goes up, say among what waits: the cursor stays below."""
        async with at_the_terminal(FakeDesk(morning()[:5])) as seat:
            await seat.press("G", "n", "x", "enter")
            assert seat.cursor == "nguyen"
            nguyen = seat.desk.rows[4]
            seat.desk.change([nguyen._replace(band=0), *seat.desk.rows[:4]])
            await seat.wait(3)
            assert seat.cursor == "obrien"

    async def test_goes_with_a_row_to_which_the_person_went_back(self) -> None:
        async with at_the_terminal(FakeDesk(morning()[:5])) as seat:
            await seat.press("G", "n", "x", "enter", "k", "j")
            nguyen = seat.desk.rows[4]
            seat.desk.change([nguyen._replace(band=0), *seat.desk.rows[:4]])
            await seat.wait(3)
            assert seat.cursor == "nguyen"

    async def test_is_on_the_row_before_if_the_last_one_left(self) -> None:
        async with at_the_terminal(FakeDesk(morning()[:5])) as seat:
            await seat.press("G", "e")
            await seat.wait(3)
            assert seat.cursor == "obrien"
