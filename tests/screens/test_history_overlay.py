"""One's own acts on the screen: what was done, where it stands, and an undo for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from carequeue.widgets.history_pane import EARLIER, EMPTY, END, HistoryPane
from tests.fhir.clinic import DANA, ref, task
from tests.screens.clinic import NOW, ZONE, FakeDesk
from tests.screens.own_acts import acts_of_a_week, past_act
from tests.screens.stage import Seat, at_the_terminal
from tests.store.cache import clinic_of_dana


def of_a_week() -> FakeDesk:
    desk = FakeDesk()
    desk.own_acts.acts = acts_of_a_week(NOW)
    return desk


def of_many(count: int) -> FakeDesk:
    desk = FakeDesk()
    desk.own_acts.acts = [
        past_act(n, "OKAFOR, Amara", f"Noted: {n}", "sent", "The server has it.", NOW)
        for n in range(count)
    ]
    return desk


def chosen(seat: Seat) -> str:
    """The first line of what is chosen."""
    return next(text for text in seat.lines if text.startswith(" ▌"))


async def test_acts_stand_under_their_day_with_time_state_client_and_words() -> None:
    async with at_the_terminal(of_a_week()) as seat:
        await seat.press("H")
        places = [seat.text.index(day) for day in ("Today ─", "Yesterday ─", "Fri 20 Nov ─")]
        assert places == sorted(places)
        words = "▌09:14 ↑ waiting OKAFOR, Amara Acknowledged"
        assert chosen(seat).split() == words.split()
        assert "▌       It waits to be sent." in seat.text
        await seat.press("G")
        assert "20 Oct 2025 ─" in seat.text
        assert END in seat.text


async def test_the_chosen_act_is_shown_whole() -> None:
    async with at_the_terminal(of_a_week()) as seat:
        await seat.press("H", "j")
        assert "says that she is at work until five" in " ".join(seat.text.split())
        assert "The server refused it: Business rule 17" in seat.text


async def test_before_any_act_it_is_a_sentence() -> None:
    async with at_the_terminal() as seat:
        await seat.press("H")
        assert EMPTY in seat.text
        assert seat.footer == "esc back"
        await seat.press("u")
        assert seat.message == "There is nothing here to act on.  esc goes back"
        await seat.press("escape")
        assert "OKAFOR" in seat.text


async def test_u_undoes_the_chosen_act_and_no_other_without_a_question() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("a", "j", "a")
        desk.own_acts.acts = acts_of_a_week(NOW)
        desk.others = [desk._done[0][0]]
        await seat.press("H", "G", "u")
        assert desk.undone == ["group-1"]
        assert seat.message.startswith("✓ Undone: ")
        assert seat.message.endswith("U does it again")
        assert "← undone" in chosen(seat)
        assert "u undo it" not in seat.footer
        await seat.press("U")
        assert desk.undos.redone == ["group-1"]
        assert "partly undone" in chosen(seat)


async def test_an_act_that_cannot_be_undone_says_why_and_stays() -> None:
    async with at_the_terminal(of_a_week()) as seat:
        await seat.press("H", "j", "u")
        assert seat.message == "· It is no longer there to undo. Nothing was changed."
        assert "✗ refused" in chosen(seat)


async def test_enter_goes_to_the_item_and_h_comes_back() -> None:
    async with at_the_terminal(of_a_week()) as seat:
        await seat.press("j", "H", "enter")
        assert seat.cursor == "okafor"
        assert "H goes back to what you did" in seat.message
        await seat.press("H", "j", "j", "j", "enter")
        assert seat.message.startswith("· This act was on 12 items")


async def test_pages_of_a_hundred_follow_as_one_goes_down() -> None:
    desk = of_many(250)
    async with at_the_terminal(desk) as seat:
        await seat.press("H")
        assert desk.own_acts.pages == [(0, 100)]
        await seat.press("G")
        assert "Noted: 99" in chosen(seat)
        assert desk.own_acts.pages == [(0, 100), (100, 100)]
        await seat.press("G", "G")
        assert "Noted: 249" in chosen(seat)
        assert desk.own_acts.pages[2:] == [(200, 100)]
        assert END in seat.text
        await seat.press("g", "G")
        assert "Noted: 249" in chosen(seat)
        assert len(desk.own_acts.pages) == 3


async def test_a_change_of_the_cache_keeps_the_choice_on_its_act() -> None:
    desk = of_many(150)
    async with at_the_terminal(desk) as seat:
        await seat.press("H", *["j"] * 85)
        assert "Noted: 85" in chosen(seat)
        new = past_act(999, "REYES, Tomás", "Accepted", "waiting", "It waits to be sent.", NOW)
        desk.own_acts.acts.insert(0, new)
        desk.change(desk.rows)
        await seat.wait(6)
        assert "Noted: 85" in chosen(seat)
        await seat.press("g")
        assert "Accepted" in chosen(seat)


async def test_at_a_real_desk(tmp_path: Path) -> None:
    cache = clinic_of_dana(tmp_path)
    cache.instant = NOW
    cache.pull(task("mine", owner=ref(DANA), description="Call the pharmacy"))
    async with at_the_terminal(cache.desk) as seat:
        await seat.press("p", "2", "H", "u")
        assert "← undone" in chosen(seat)
        assert "the server never had it" in seat.text
        await seat.press("u")
        assert "It was undone or discarded already." in seat.message
    cache.close()


class TestThePane:
    @given(st.text(max_size=90), st.text(max_size=200), st.integers(30, 160), st.integers(0, 8))
    def test_no_line_is_wider_than_the_screen(
        self, client: str, did: str, width: int, index: int
    ) -> None:
        acts = acts_of_a_week(NOW)
        acts[index] = replace(acts[index], client=client, did=did)
        pane = HistoryPane(acts, NOW, ZONE, complete=False)
        pane.chosen = index
        for parts in pane.parts(width):
            assert sum(cell_len(text) for text, _ in parts) <= width

    def test_a_long_name_takes_cells_from_the_act_and_ends_in_an_ellipsis(self) -> None:
        acts = [replace(acts_of_a_week(NOW)[2], client="ADEYEMI-" * 20)]
        pane = HistoryPane(acts, NOW, ZONE, complete=True)
        text = "".join(text for text, _ in pane.parts(78)[1])
        assert "ADEYEMI-A" in text
        assert "… Attempted to r" in text

    def test_says_whether_earlier_acts_follow(self) -> None:
        for complete, words in ((True, END), (False, EARLIER)):
            pane = HistoryPane(acts_of_a_week(NOW), NOW, ZONE, complete=complete)
            assert pane.parts(78)[-1] == [(words, "muted")]

    @pytest.mark.parametrize(("days", "words"), [(0, "Today"), (1, "Yesterday"), (2, "Sun 22 Nov")])
    def test_names_a_day_as_one_says_it(self, days: int, words: str) -> None:
        act = replace(acts_of_a_week(NOW)[0], at=NOW - timedelta(days=days))
        pane = HistoryPane([act], NOW, ZONE, complete=True)
        assert pane.parts(78)[0][0][0] == f"{words} "
