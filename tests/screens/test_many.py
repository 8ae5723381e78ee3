"""Acts on many: marked, said beforehand in one line, done as one, taken back as one."""

from __future__ import annotations

from tests.screens.clinic import FakeDesk
from tests.screens.stage import Seat, at_the_terminal


async def mark(seat: Seat, count: int) -> None:
    await seat.press(*["space"] * count)


async def test_space_marks_and_goes_to_the_next() -> None:
    async with at_the_terminal() as seat:
        await mark(seat, 2)
        assert seat.cursor == "lindqvist"
        assert seat.line_of("OKAFOR").startswith(" * Hnd")
        assert seat.line_of("REYES").startswith(" * Fup")
        assert "* 2 marked" in seat.lines[1]
        await seat.press("backslash")
        assert "marked" not in seat.text


async def test_all_that_are_listed_are_marked() -> None:
    async with at_the_terminal() as seat:
        await seat.press("slash")
        await seat.write("referral")
        await seat.press("enter", "asterisk")
        assert len(seat.controller.selection.labels) == 8


async def test_many_are_done_after_one_line_that_says_what_will_come_of_it() -> None:
    desk = FakeDesk()
    desk.refused["reyes"] = "its clock is of class C"
    async with at_the_terminal(desk, size=(110, 24)) as seat:
        await mark(seat, 6)
        await seat.press("n")
        assert seat.message.startswith("Note 6 items: what?")
        await seat.write("seen")
        await seat.press("enter")
        line = "Note 6 items: 4 will change, 1 already done, 1 not allowed."
        assert seat.message == f"{line}  y do 4  p show  esc back"
        assert desk.acts == []
        await seat.press("y")
        keys = ("okafor", "lindqvist", "obrien", "nguyen")
        assert desk.acts == [("note", keys, {"text": "seen"})]
        assert seat.message.startswith("✓ Noted: 4 items; 1 already done, 1 not allowed.")
        assert "u undoes it" in seat.message
        assert "marked" not in seat.text
        await seat.press("u")
        assert desk.acts == []


async def test_the_preview_shows_each_item_and_why_one_is_refused() -> None:
    desk = FakeDesk()
    desk.refused["reyes"] = "its clock is of class C"
    async with at_the_terminal(desk, size=(110, 24)) as seat:
        await mark(seat, 2)
        await seat.press("n")
        await seat.write("x")
        await seat.press("enter", "p")
        assert "✗ REYES, Tomás" in seat.text
        assert "its clock is of class C" in seat.text
        assert "✓ OKAFOR, Amara" in seat.text
        assert seat.message.endswith("y do 1  p show  esc back")
        await seat.press("p", "y")
        assert [keys for _, keys, _ in desk.acts] == [("okafor",)]
        assert "LINDQVIST" in seat.text


async def test_enter_is_never_yes_and_the_key_that_asked_is_no_answer() -> None:
    async with at_the_terminal() as seat:
        await mark(seat, 2)
        await seat.press("a", "enter", "a", "n", "q")
        assert seat.desk.acts == []
        await seat.press("escape")
        assert "* 2 marked" in seat.lines[1]


async def test_where_nothing_would_change_there_is_no_yes() -> None:
    desk = FakeDesk()
    desk.refused |= {"okafor": "no", "reyes": "no"}
    async with at_the_terminal(desk) as seat:
        await mark(seat, 2)
        await seat.press("c")
        assert seat.message == "Claim 2 items: 0 will change, 2 not allowed.  p show  esc back"
        await seat.press("y")
        assert desk.acts == []


async def test_the_result_can_be_read_item_by_item_afterwards() -> None:
    async with at_the_terminal(size=(110, 24)) as seat:
        await seat.press("equals_sign")
        assert seat.message.startswith("You have not acted on several items yet.")
        await seat.press("j", "space", "space", "s")
        await seat.write("3bd")
        await seat.press("enter", "y", "equals_sign")
        assert "✓ REYES, Tomás" in seat.text
        assert "✓ LINDQVIST, Maja" in seat.text
        await seat.press("q")
        assert seat.app.is_running
        assert "▌" in seat.text
