"""Guards where an act could harm: names that nobody chose, old answers, clicks, pasted notes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from carequeue.screens.prompt_overlays import QuestionsOverlay
from carequeue.screens.verb_actions import Subject, is_at_risk
from carequeue.store.queue_window import Urgent
from carequeue.widgets.edit_line import LONGEST_TEXT, EditLine
from carequeue.worklist.results import Person, Shown
from tests.screens.clinic import PEOPLE, FakeDesk
from tests.screens.stage import Seat, at_the_terminal

SAFETY, ROUTINE = "reyes", "nguyen"  # the second row and the fifth
ORTIZ, LIN, ACCESS = PEOPLE


def with_last_chosen() -> FakeDesk:
    """A desk at which something was given to Maria Lin before."""
    desk = FakeDesk()
    desk.its_people = (replace(LIN, last_chosen=True), ORTIZ, ACCESS)
    return desk


async def assign(seat: Seat, row: str, *keys: str) -> list[str]:
    """Press `t` on a row, then other keys; to whom it was given."""
    seat.controller.go_to(row)
    await seat.rest()
    await seat.press("t", *keys)
    return [answers["to"] for _, _, answers in seat.desk.acts]


async def paste(seat: Seat, text: str) -> None:
    seat.screen.post_message(events.Paste(text))
    await seat.rest()


class TestAName:
    async def test_is_never_taken_by_enter_alone_where_a_person_may_be_at_risk(self) -> None:
        async with at_the_terminal(with_last_chosen(), (120, 24)) as seat:
            assert await assign(seat, SAFETY, "enter") == []
            assert seat.message.endswith("type part of a name, or tab to choose")
            assert "choose" not in seat.footer

    async def test_is_that_of_the_last_time_elsewhere(self) -> None:
        async with at_the_terminal(with_last_chosen(), (120, 24)) as seat:
            await assign(seat, ROUTINE)
            assert "→ Lin, Maria · Ortiz, Nadia" in seat.message
            assert seat.footer.startswith("enter choose Lin, Maria")
            await seat.press("enter")
            assert seat.desk.acts[0][2] == {"to": LIN.reference}

    async def test_is_never_the_first_of_a_list_of_which_nobody_was_chosen(self) -> None:
        async with at_the_terminal() as seat:
            assert await assign(seat, ROUTINE, "enter") == []

    @pytest.mark.parametrize("row", [SAFETY, ROUTINE])
    @pytest.mark.parametrize(
        ("keys", "to"),
        [
            (["o", "r", "enter"], ORTIZ),  # the only one
            (["tab", "enter"], ORTIZ),
            (["tab", "tab", "enter"], LIN),
            (["up", "enter"], ACCESS),
            (["a", "tab", "enter"], ACCESS),
        ],
        ids=["letters", "tab", "two tabs", "an arrow", "a letter and tab"],
    )
    async def test_is_taken_where_somebody_chose_it(
        self, row: str, keys: list[str], to: Person
    ) -> None:
        async with at_the_terminal() as seat:
            assert await assign(seat, row, *keys) == [to.reference]

    @pytest.mark.parametrize("row", [SAFETY, ROUTINE])
    async def test_is_not_taken_while_two_match(self, row: str) -> None:
        desk = with_last_chosen()
        desk.its_people = (*desk.its_people, replace(ORTIZ, reference="Practitioner/oren"))
        async with at_the_terminal(desk, (120, 24)) as seat:
            assert await assign(seat, row, *"ort", "enter") == []
            assert seat.message.endswith("2 match: type more, or tab to choose")
            await seat.press("tab", "enter")
            assert seat.desk.acts[0][2] == {"to": ORTIZ.reference}

    async def test_is_asked_strictly_of_many_if_one_of_them_is_at_risk(self) -> None:
        async with at_the_terminal(with_last_chosen()) as seat:
            seat.controller.go_to(SAFETY)
            await seat.rest()
            await seat.press(*["space"] * 5, "t", "enter")
            assert isinstance(seat.controller.overlays[-1], QuestionsOverlay)

    async def test_is_asked_strictly_of_each_item_of_a_client_at_risk(self) -> None:
        desk = with_last_chosen()
        desk.rows = [
            row._replace(key=f"ehr:{row.key}", source="ehr", chart="Patient/7")
            if row.key in (SAFETY, ROUTINE)
            else row
            for row in desk.rows
        ]
        async with at_the_terminal(desk) as seat:
            assert await assign(seat, f"ehr:{ROUTINE}", "enter") == []

    def test_is_asked_strictly_of_a_client_at_risk_who_was_found_by_search(self) -> None:
        urgent = [Urgent("ehr:Task/1", "REYES, Ana", 1, "ehr", "Patient/7")]

        def found(source: str, chart: str) -> Subject:
            return Subject("REYES, Ana", (f"{source}:{chart}",), (Shown(chart, "REYES, Ana", ""),))

        assert is_at_risk(urgent, found("ehr", "Patient/7"))
        assert not is_at_risk(urgent, found("ehr", "Patient/8"))
        assert not is_at_risk(urgent, found("other", "Patient/7"))


class TestAnAnswerThatWasLeft:
    async def left(self, seat: Seat) -> None:
        """A note that was begun and left."""
        await seat.press("n")
        await seat.write("left door")
        await seat.press("escape", "n")

    def typed(self, seat: Seat) -> str:
        return seat.message.partition("what? ")[2]

    async def test_is_selected_when_the_question_comes_again(self) -> None:
        async with at_the_terminal() as seat:
            await self.left(seat)
            parts = seat.controller.widgets.message._parts(80)
            assert ("left door", "selected") in parts

    @pytest.mark.parametrize(
        ("keys", "text"),
        [
            (["m"], "m▏"),
            (["right", "s"], "left doors▏"),
            (["home", "a"], "a▏left door"),
            (["backspace"], "▏"),
            (["ctrl+w"], "▏"),
        ],
        ids=["a letter replaces it", "an arrow keeps it", "home", "backspace", "ctrl+w"],
    )
    async def test_is_replaced_or_kept(self, keys: list[str], text: str) -> None:
        async with at_the_terminal() as seat:
            await self.left(seat)
            await seat.press(*keys)
            assert self.typed(seat) == text

    async def test_is_given_by_enter(self) -> None:
        async with at_the_terminal() as seat:
            await self.left(seat)
            await seat.press("enter")
            assert seat.desk.acts == [("note", ("okafor",), {"text": "left door"})]

    async def test_is_replaced_by_a_paste(self) -> None:
        async with at_the_terminal() as seat:
            await self.left(seat)
            await paste(seat, "reached mother")
            assert self.typed(seat) == "reached mother▏"

    async def test_leaves_the_keys_of_a_choice_as_they_are(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("d")
            await seat.write("moved")
            await seat.press("escape", "d")
            assert "2 out of area" in seat.footer
            await seat.press("2")
            assert seat.desk.acts == [("decline", ("okafor",), {"reason": "out of area"})]

    async def test_is_selected_on_the_way_back_to_an_earlier_question(self) -> None:
        async with at_the_terminal(size=(100, 24)) as seat:
            await seat.press("j", "h", "o", "enter", "2")
            await seat.write("calm")
            await seat.press("enter", "escape")
            await seat.write("worse")
            await seat.press("enter", "enter")
            assert seat.desk.acts[0][2]["summary"] == "worse"


class TestTheMouse:
    @pytest.mark.parametrize("key", ["n", "t", "d"])
    async def test_moves_nothing_while_a_question_is_open(self, key: str) -> None:
        async with at_the_terminal() as seat:
            await seat.press(key)
            before = seat.text
            for place in ("#rows", "#tabs", "#footer", "#header", "#message"):
                await seat.pilot.click(place, offset=(12, 0))
            await seat.pilot.click("#rows", offset=(10, 5))
            seat.controller.widgets.rows.post_message(wheel(seat))
            await seat.rest()
            assert seat.text == before
            assert seat.cursor == "okafor"
            await seat.press("escape")
            await seat.pilot.click("#rows", offset=(10, 3))
            assert seat.cursor == "reyes"


def wheel(seat: Seat) -> events.MouseScrollDown:
    rows = seat.controller.widgets.rows
    return events.MouseScrollDown(rows, 5, 5, 0, 0, 0, False, False, False)


class TestAPastedNote:
    async def test_keeps_its_lines(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("n")
            await paste(seat, "Mother called.\r\nWants Tue.\n\nNo risk named.\n")
            assert "Mother called.⏎Wants Tue.⏎⏎No risk named.▏" in seat.message
            await seat.press("enter")
            text = "Mother called.\nWants Tue.\n\nNo risk named."
            assert seat.desk.acts == [("note", ("okafor",), {"text": text})]

    async def test_has_no_more_than_has_room_and_says_what_was_cut(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("n")
            await paste(seat, "lines\n" * 700)
            assert seat.message.endswith("199 characters left out")
            await seat.press("x")
            assert seat.message.endswith("no room for more")
            await seat.press("enter")
            assert len(seat.desk.acts[0][2]["text"]) == LONGEST_TEXT

    async def test_is_one_line_where_a_reason_is_asked(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("d")
            await paste(seat, "moved away\nrm -rf")
            await seat.press("enter")
            assert seat.desk.acts == [("decline", ("okafor",), {"reason": "moved away"})]

    def test_brings_no_character_that_cannot_be_shown(self) -> None:
        line = EditLine(lines=True)
        line.insert("a\x1b]52;c;x\x07\tb\u2028c\x85d")
        assert line.text == "a ]52;c;x  b\nc\nd"

    def test_is_drawn_in_its_width_wherever_the_caret_is(self) -> None:
        line = EditLine(lines=True)
        line.insert("山田 太郎\n" * 300)
        for _ in range(4):
            for width in range(10, 40):
                before, caret, after = line.parts(width)
                assert len(before[0]) <= width
                assert caret == ("▏", "key")
                assert "\n" not in before[0] + after[0]
            line.press("left", None)
