"""`u`: the footer names what it would undo, and just that is undone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from carequeue.widgets.key_footer import footer_parts, row_pairs
from carequeue.widgets.undo_wording import footer_words, question
from carequeue.worklist.results import Undoable, Where
from tests.fhir.clinic import DANA, ref, task
from tests.screens.clinic import NOW, ZONE, FakeDesk
from tests.screens.quiet import press
from tests.screens.stage import at_the_terminal
from tests.store.cache import clinic_of_dana

SORENSEN = Undoable(
    "g7", "accept", "accept", "SØRENSEN, Ida", 1, NOW - timedelta(minutes=19), Where.OTHER_WINDOW
)
LATER = Undoable(
    "g8", "note", "note", "PARK, Min-jun", 1, NOW - timedelta(minutes=2), Where.OTHER_WINDOW
)
QUESTION = "Another window did this: accept SØRENSEN, Ida, 08:55. Undo it?  y yes  esc no"


def with_others(*acts: Undoable) -> FakeDesk:
    desk = FakeDesk()
    desk.others = list(acts)
    return desk


class TestTheFooter:
    async def test_names_nothing_where_there_is_nothing_to_undo(self) -> None:
        async with at_the_terminal() as seat:
            assert "undo" not in seat.footer

    async def test_names_the_verb_and_the_client_of_the_last_act(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("a")
            assert "u undo: acknowledge OKAFOR" in seat.footer
            await seat.press("e")
            assert "u undo: done REYES" in seat.footer
            await seat.press("u")
            assert seat.message == "✓ Undone: Done, REYES, Tomás.  U does it again"
            assert "u undo: acknowledge OKAFOR" in seat.footer
            await seat.press("u")
            assert "undo" not in seat.footer

    async def test_names_the_whole_client_in_a_wide_window(self) -> None:
        async with at_the_terminal(size=(140, 40)) as seat:
            await seat.press("j", "l", "m")
            assert "u undo: log contact REYES, Tomás" in seat.footer

    async def test_counts_the_items_of_an_act_on_many(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("space", "space", "n", "x", "enter", "y")
            assert "u undo: note 2 items" in seat.footer

    async def test_names_an_act_before_it_is_in_the_cache(self) -> None:
        desk = FakeDesk()
        desk.gate = threading.Event()
        async with at_the_terminal(desk) as seat:
            seat.time.pass_(0.3)
            await press(seat.app, "a")
            assert "u undo: acknowledge OKAFOR" in seat.footer
            desk.gate.set()
            await seat.rest()

    async def test_names_no_client_of_another_window_before_the_question(self) -> None:
        async with at_the_terminal(with_others(SORENSEN)) as seat:
            assert "u undo…" in seat.footer
            assert "SØRENSEN" not in seat.text

    def test_keeps_room_for_all_actions_and_all_keys_in_any_width(self) -> None:
        name = "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade"
        act = Undoable("g", "log contact", "log", name, 1, NOW)
        for width in range(40, 160):
            words = footer_words(act, width)
            assert "ADEY" in words
            parts = footer_parts(row_pairs("", "", width, {}, undo=words), width)
            shown = "".join(text for text, _ in parts)
            assert words in shown
            assert shown.rstrip().endswith("? keys")


class TestTheKey:
    async def test_undoes_the_act_under_way_that_it_was_pressed_for(self) -> None:
        """Two quick keys: the act is not in the cache yet, and it is the one that is meant."""
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("a")
            desk.gate = threading.Event()
            for key in ("e", "u"):
                seat.time.pass_(0.3)
                await press(seat.app, key)
            assert desk.undone == []
            desk.gate.set()
            await seat.rest()
            assert desk.undone == ["group-2"]
            assert [verb for verb, *_ in desk.acts] == ["accept"]

    async def test_undoes_nothing_where_the_act_it_was_pressed_for_was_refused(self) -> None:
        desk = FakeDesk()
        desk.refused["reyes"] = "changed"
        async with at_the_terminal(desk) as seat:
            await seat.press("a")
            desk.gate = threading.Event()
            for key in ("e", "u"):
                seat.time.pass_(0.3)
                await press(seat.app, key)
            desk.gate.set()
            await seat.rest()
            assert desk.undone == []
            assert seat.message == "· Nothing to undo: done REYES, Tomás was not done."
            assert "u undo: acknowledge OKAFOR" in seat.footer

    async def test_undoes_nothing_else_where_another_window_has_undone_it(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("a", "e")
            desk.undo(NOW, "group-2")  # in another window; nothing has been painted since
            await seat.press("u")
            assert desk.undone == ["group-2"]
            assert seat.message == "· It is no longer there to undo. Nothing was changed."
            assert "u undo: acknowledge OKAFOR" in seat.footer

    async def test_that_came_before_the_footer_was_painted_means_what_stood_there(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("a", "e")
            desk.undo(NOW, "group-2")
            before = seat.controller._undo_prompt._painted_since - 1e-6
            await seat.wait(3)
            assert "u undo: acknowledge OKAFOR" in seat.footer
            assert seat.controller._undo_prompt._painted_since > before
            seat.time.pass_(1)
            seat.controller.press("u", "u", before)
            await seat.rest()
            assert desk.undone == ["group-2"]
            assert seat.message == "· It is no longer there to undo. Nothing was changed."

    async def test_waits_for_an_undo_under_way(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("a", "e")
            held = threading.Event()
            seat.controller.submit_act(lambda: held.wait(5), lambda _: None)
            for _ in range(3):
                seat.time.pass_(0.3)
                await press(seat.app, "u")
            assert "is running" in seat.message
            held.set()
            await seat.rest()
            assert desk.undone == ["group-2"]

    async def test_says_that_there_is_nothing(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("u")
            assert seat.message == "· There is nothing to undo."

    async def test_is_named_in_the_footer_where_it_was_moved(self) -> None:
        assert ("z", "undo: x") in row_pairs("", "", 80, {"undo": "z"}, undo="undo: x")


class TestWhatAnotherWindowDid:
    async def test_is_undone_after_one_question_that_names_it(self) -> None:
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("u")
            assert seat.message == QUESTION
            assert desk.undone == []
            await seat.press("y")
            assert desk.undone == ["g7"]
            assert seat.message == "✓ Undone: Accept, SØRENSEN, Ida.  U does it again"

    @pytest.mark.parametrize("key", ["u", "enter", "space", "a", "Y", "n", "tab"])
    async def test_is_undone_by_no_other_key(self, key: str) -> None:
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("u", key)
            assert seat.message == QUESTION
            await seat.press("escape")
            assert seat.message == "Nothing was undone."
            assert (desk.undone, desk.acts) == ([], [])

    async def test_is_asked_about_only_when_nothing_of_this_window_is_left(self) -> None:
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("a", "u")
            assert desk.undone == ["group-1"]
            await seat.press("u")
            assert seat.message == QUESTION

    async def test_and_later_acts_of_it_are_not_the_one_that_was_asked_about(self) -> None:
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("u")
            desk.others.append(LATER)
            await seat.wait(3)
            assert seat.message == QUESTION
            await seat.press("y")
            assert desk.undone == ["g7"]

    async def test_and_that_it_has_undone_meanwhile_is_said(self) -> None:
        desk = with_others(LATER, SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("u")
            desk.others.remove(SORENSEN)
            await seat.press("y")
            assert desk.undone == []
            assert seat.message == "· It is no longer there to undo. Nothing was changed."

    async def test_is_asked_about_as_it_is_by_then_and_not_as_it_was_read(self) -> None:
        """It acted after the last look at the cache: the question names the later act."""
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            desk.others.append(LATER)
            await seat.press("u")
            assert seat.message.startswith("Another window did this: note PARK, Min-jun, 09:12.")

    async def test_is_not_undone_by_a_key_that_came_before_the_question(self) -> None:
        desk = with_others(SORENSEN)
        async with at_the_terminal(desk) as seat:
            await seat.press("u")
            seat.controller.press("y", "y", 0.0)
            await seat.rest()
            assert desk.undone == []
            await seat.press("y")
            assert desk.undone == ["g7"]

    async def test_is_asked_about_again_for_each_act(self) -> None:
        desk = with_others(SORENSEN, LATER)
        async with at_the_terminal(desk) as seat:
            await seat.press("u", "y", "u")
            assert desk.undone == ["g8"]
            assert seat.message == QUESTION


class TestTheQuestion:
    @pytest.mark.parametrize("where", list(Where)[1:])
    @pytest.mark.parametrize("name", ["LI, Bo", "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade"])
    @pytest.mark.parametrize("days", [0, 3, 90, 500])
    def test_has_the_client_and_the_end_in_any_width(
        self, where: Where, name: str, days: int
    ) -> None:
        at = NOW - timedelta(days=days)
        act = Undoable("g", "log contact", "log", name, 1, at, where)
        for room in range(24, 130):
            said = question(act, NOW, ZONE, room)
            assert len(said) <= room
            assert said.endswith("?")
            assert name[:6] in said

    @pytest.mark.parametrize("where", list(Where)[1:])
    def test_says_at_any_width_that_a_partner_is_told(self, where: Where) -> None:
        act = replace(SORENSEN, where=where)
        for room in range(70, 160):
            said = question(act, NOW, ZONE, room, "Harbor Primary Care will be told.")
            assert len(said) <= room
            assert "tell the partner" in said or "Harbor Primary Care will be told" in said
            assert "SØRENSEN" in said

    async def test_has_the_partner_from_a_trial_of_the_undo(self) -> None:
        desk = with_others(SORENSEN)
        desk.told_of_undo = "Harbor Primary Care will be told."
        async with at_the_terminal(desk, (140, 40)) as seat:
            await seat.press("u")
            assert "08:55. Harbor Primary Care will be told. Undo it?" in seat.message

    def test_is_in_plain_words_where_there_is_room(self) -> None:
        assert question(SORENSEN, NOW, ZONE, 120) == (
            "Another window did this: accept SØRENSEN, Ida, 08:55. Undo it?"
        )


async def test_what_stands_behind_the_palette_is_not_what_was_named() -> None:
    """Another window undoes the act while the palette is open: no other is undone instead."""
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("a", "e", "colon")
        await seat.write("undo")
        desk.undo(NOW, "group-2")
        await seat.wait(3)
        await seat.press("enter")
        assert desk.undone == ["group-2"]
        assert seat.message == "· It is no longer there to undo. Nothing was changed."


async def test_the_palette_undoes_what_the_footer_named() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("a", "e", "colon")
        await seat.write("undo")
        await seat.press("enter")
        assert desk.undone == ["group-2"]


class TestRedo:
    async def test_does_again_what_was_undone(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("a", "u", "U")
            assert seat.desk.undos.redone == ["group-1"]
            assert seat.message.startswith("✓ Done again: Acknowledged, OKAFOR, Amara.")
            assert "u undoes it" in seat.message

    async def test_says_that_there_is_nothing(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("U")
            assert seat.message == "· There is nothing to redo."

    async def test_waits_for_an_act_under_way(self) -> None:
        desk = FakeDesk()
        desk.gate = threading.Event()
        async with at_the_terminal(desk) as seat:
            for key in ("a", "U"):
                seat.time.pass_(0.3)
                await press(seat.app, key)
            assert "Press the key again in a moment." in seat.message
            desk.gate.set()
            await seat.rest()
            assert desk.undos.redone == []

    async def test_at_a_real_desk(self, tmp_path: Path) -> None:
        cache = clinic_of_dana(tmp_path)
        cache.instant = NOW
        cache.pull(task("mine", owner=ref(DANA), description="Call the pharmacy"))
        async with at_the_terminal(cache.desk) as seat:
            await seat.press("p", "2", "u")
            assert "undo" not in seat.footer
            await seat.press("U")
            assert seat.message.startswith("✓ Done again: Priority")
            assert "u undo: prio OKAFOR" in seat.footer
            await seat.press("u")
            assert seat.message.startswith("✓ Undone: Priority")
        cache.close()
