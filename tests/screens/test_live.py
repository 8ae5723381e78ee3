"""The queue follows the server while it is open: marked, counted and said, never in one's way."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.change_badges import NEWS_FOR, ChangeBadges
from tests.screens.clinic import NOW, FakeDesk, VastDesk, at, morning, row
from tests.screens.stage import FakeSync, Seat, at_the_terminal

START = int(NOW.timestamp())


def arrived(number: int, **facts: Any) -> QueueRow:
    new = row(f"new-{number}", "referral", 0, at(hours=1), "h", f"NEW{number}, Ana", "Answer",
              fresh=at(minutes=1))  # fmt: skip
    return new._replace(**facts)


async def come(seat: Seat, rows: list[object]) -> None:
    seat.desk.change(rows)  # type: ignore[arg-type]
    await seat.wait(3)


class TestAMark:
    async def test_stands_on_what_came_until_the_cursor_has_been_there(self) -> None:
        async with at_the_terminal() as seat:
            assert seat.line_of("LINDQVIST").endswith("•")
            await seat.press("j", "j")
            assert "•" in seat.line_of("LINDQVIST")
            await seat.press("j")
            assert not seat.line_of("LINDQVIST").endswith("•")
            await seat.press("k")
            assert "•" not in seat.line_of("LINDQVIST")

    async def test_says_changed_of_a_row_that_was_here_before(self) -> None:
        async with at_the_terminal(size=(110, 30)) as seat:
            changed = [
                r._replace(fresh=at(minutes=2)) if r.key == "nguyen" else r for r in morning()
            ]
            await come(seat, [*changed, arrived(1, band=6)])
            assert seat.line_of("NGUYỄN, Hải").endswith("~ changed")

    async def test_comes_back_when_a_row_that_was_looked_at_changes_again(self) -> None:
        badges = ChangeBadges(START)
        mine = morning()[2]
        assert badges.badge(mine) == "new"
        badges.visit(mine)
        assert badges.badge(mine) == ""
        later = mine._replace(fresh=at(minutes=3))
        assert badges.badge(later) == "changed"
        badges.visit(later)
        assert badges.badge(later) == ""

    @pytest.mark.parametrize(("before", "mark"), [(NEWS_FOR - 1, "new"), (NEWS_FOR + 1, "")])
    def test_is_not_given_to_what_changed_before_the_last_shift(
        self, before: int, mark: str
    ) -> None:
        assert ChangeBadges(START).badge(morning()[0]._replace(fresh=START - before)) == mark


class TestRowsAbove:
    async def test_are_counted_while_they_are_out_of_sight_and_the_cursor_stays(self) -> None:
        desk = VastDesk()
        async with at_the_terminal(desk) as seat:
            seat.controller.widgets.rows.go(500)
            await seat.rest()
            line = seat.lines.index(seat.line_of("▌"))
            for shift in (2, 3):
                desk.shift = shift
                desk.feel(waiting=shift)
                await seat.wait(3)
            assert seat.cursor == "item-500"
            assert seat.lines.index(seat.line_of("▌")) == line
            assert seat.lines[1].endswith("↑ 3 new above")
            await seat.press("g")
            assert "new above" not in seat.lines[1]

    async def test_are_not_counted_in_another_view(self) -> None:
        desk = VastDesk()
        async with at_the_terminal(desk) as seat:
            seat.controller.widgets.rows.go(500)
            desk.shift = 3
            desk.feel(waiting=4)
            await seat.wait(3)
            await seat.press("4")
            assert "new above" not in seat.lines[1]


class TestWhatBecameOfAnAct:
    async def test_by_itself_is_one_quiet_line(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            desk.told = ["REYES, Tomás: already accepted by Ortiz, Nadia."]
            desk.feel(waiting=2)
            await seat.wait(1)
            await seat.wait(1)
            assert seat.message == "REYES, Tomás: already accepted by Ortiz, Nadia."
            await seat.press("j")
            assert seat.message == ""
            desk.feel(waiting=1)
            await seat.wait(1)
            await seat.wait(1)
            assert seat.message == ""

    async def test_waits_for_a_free_line_and_is_summed_up(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("a")
            desk.told = ["A: sent.", "B: sent.", "C: sent."]
            desk.feel(waiting=2)
            await seat.wait(1)
            await seat.wait(1)
            assert seat.message.startswith("✓ Accepted: OKAFOR")
            await seat.press("f5", "j")
            await seat.wait(1)
            assert seat.message == "A: sent.  and 2 more"

    async def test_before_the_start_is_no_news(self) -> None:
        desk = FakeDesk()
        desk.told = ["old."]
        async with at_the_terminal(desk) as seat:
            desk.feel(waiting=2)
            await seat.wait(1)
            await seat.wait(1)
            assert seat.message == ""


async def test_who_syncs_is_told_whether_somebody_looks() -> None:
    sync = FakeSync()
    async with at_the_terminal(sync=sync) as seat:
        seat.app.post_message(events.AppBlur())
        seat.app.post_message(events.AppFocus())
        await seat.rest()
        assert sync.looks_on == [False, True]
