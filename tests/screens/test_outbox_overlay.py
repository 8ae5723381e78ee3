"""The outbox on the screen: what needs the person first, and a way for each line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from carequeue.screens.outbox_overlay import KEYS
from carequeue.widgets.outbox_pane import EMPTY, SECTIONS, OutboxPane
from tests.screens.clinic import NOW, ZONE, FakeDesk
from tests.screens.stage import Seat, at_the_terminal
from tests.screens.unsent import line, outbox


def chosen(seat: Seat) -> str:
    """The first line of what is chosen."""
    return next(text for text in seat.lines if text.startswith(" ▌"))


async def test_what_needs_the_person_comes_first_then_what_is_checked_waits_or_stays() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o")
        places = [seat.text.index(section.title) for section in SECTIONS]
        assert places == sorted(places)
        assert chosen(seat).startswith(" ▌≠ conflict  BRANDT, Sofie     Done ")
        assert "✗ needs you NGUYỄN, Hải       Noted: called twice" in seat.text
        assert "today 08:03 3 tries" in seat.text
        assert "⇡ behind    NGUYỄN, Hải" in seat.text


async def test_the_chosen_line_has_the_words_of_the_server_and_when_it_is_tried_again() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o")
        assert "Business rule 17" not in seat.text
        await seat.press("j")
        assert "▌   Business rule 17: a note needs a category (422)" in seat.text
        assert "D. Whitfield · Task/3" in seat.text
        await seat.press("j", "j")
        assert "CareQueue tries again today 09:20, as the server asked." in seat.text


async def test_an_empty_outbox_is_a_sentence() -> None:
    desk = FakeDesk()
    desk.unsent = []
    async with at_the_terminal(desk) as seat:
        await seat.press("o")
        assert EMPTY in " ".join(seat.text.split())
        assert seat.footer == "esc back"
        await seat.press("d")
        assert seat.message == "There is nothing here to act on.  esc goes back"
        await seat.press("escape")
        assert "OKAFOR" in seat.text


# --- another try


async def test_r_tries_the_chosen_one_again_and_capital_r_all() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "j", "r")
        assert seat.desk.retried == [("i3",)]
        assert seat.message == "✓ To be sent again: 1."
        assert "✗ needs you" not in seat.text
        await seat.press("R")
        assert seat.desk.retried == [("i3",), ()]


async def test_r_on_what_waits_is_a_look_at_the_server() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "G", "k", "k", "r")
        assert seat.message == "Syncing with the server."
        assert seat.desk.retried == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "this server cannot store it"),
        (
            "kept here only: the server does not support this status",
            "the server does not support this status",
        ),
    ],
)
async def test_r_on_what_is_local_only_says_why_once_and_that_it_goes_by_itself(
    words: str, why: str
) -> None:
    desk = FakeDesk()
    desk.unsent = [line(9, "OKAFOR, Amara", "Accepted", "kept_here", words=words)]
    async with at_the_terminal(desk, size=(120, 24)) as seat:
        await seat.press("o", "r")
        assert (
            seat.message == f"Saved on this computer only: {why}.  it is sent as soon as it can be"
        )


# --- for good


async def test_discarding_asks_for_a_word_and_names_the_client() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("o", "j", "d")
        assert seat.message.startswith("Discard NGUYỄN, Hải, Noted: called twice, for good? Type")
        assert "discard 1" in seat.message
        await seat.press("enter")
        await seat.write("discard")
        assert "Type “discard 1”: discard" in seat.message
        await seat.press("enter")
        assert seat.message.startswith("Not done: type the whole text. Type “discard 1”: ")
        assert seat.desk.discarded == []
        assert "enter" not in seat.footer
        await seat.write(" 1")
        assert seat.footer.startswith("enter discard for good")
        await seat.press("enter")
        assert seat.desk.discarded == [("i3",)]
        assert seat.message == "✓ Discarded: 1."
        assert "Business rule" not in seat.text


async def test_esc_keeps_it() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "j", "d")
        await seat.write("discard 1")
        await seat.press("escape")
        assert seat.message == "Nothing was discarded."
        assert seat.desk.discarded == []
        assert "needs you NGUYỄN" in seat.text


async def test_all_that_was_refused_is_discarded_by_one_word() -> None:
    desk = FakeDesk()
    desk.unsent += [line(9, "OKAFOR, Amara", "Accepted", "needs_attention")]
    async with at_the_terminal(desk) as seat:
        await seat.press("o", "D")
        assert seat.message.startswith("Discard all 2 refused changes for good?")
        await seat.write("discard 2")
        await seat.press("enter")
        assert desk.discarded == [("i3", "i9")]


async def test_where_one_was_refused_all_of_them_is_that_one_and_is_named() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("o", "D")
        assert seat.message.startswith("Discard NGUYỄN, Hải, Noted: called twice, for good?")
        await seat.write("discard 1")
        await seat.press("enter")
        assert seat.desk.discarded == [("i3",)]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (0, "This is a conflict: press enter"),
        (2, "It may be on the server already"),
        (3, "It is still waiting: u in the queue"),
        (4, "It waits behind another change"),
        (5, "It is saved on this computer only: u in the queue"),
    ],
)
async def test_what_was_not_refused_is_not_discarded_and_says_what_to_do(
    place: int, said: str
) -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", *["j"] * place, "d")
        assert seat.message.startswith(f"· {said}")
        await seat.press("y", "enter")
        assert seat.desk.discarded == []


# --- export


async def test_an_export_says_where_it_is() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "e")
        (name,) = seat.kept
        assert name.startswith("outbox-2026-11-24-0914")
        assert len(seat.kept[name].splitlines()) == 6
        assert f"Exported to ~/carequeue/{name}; only you can read it." in seat.text
        assert seat.message == "✓ Exported 6 decisions; the first line shows where."


# --- going somewhere


async def test_enter_goes_to_the_item_and_o_comes_back() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "j", "enter")
        assert seat.cursor == "nguyen"
        assert seat.controller.overlays == []
        assert seat.message == "NGUYỄN, Hải: Noted: called twice.  o goes back to the outbox"


async def test_enter_on_what_differs_shows_both_and_the_way_back_is_here() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "enter")
        assert seat.message.startswith("≠ BRANDT, Sofie: your change and theirs conflict.")
        assert seat.cursor == "brandt-2004"
        await seat.press("escape")
        assert chosen(seat).startswith(" ▌≠ conflict")
        await seat.press("enter", "m")
        assert seat.desk.answers == [("brandt-2004", "mine")]
        assert "≠ conflict" not in seat.text
        assert chosen(seat).startswith(" ▌✗ needs you NGUYỄN")


async def test_what_has_no_row_any_more_says_so() -> None:
    desk = FakeDesk()
    desk.unsent = [line(1, "GONE, Person", "Noted: x", "needs_attention", item="nowhere")]
    async with at_the_terminal(desk) as seat:
        await seat.press("o", "enter")
        assert seat.message == "· GONE, Person is no longer in the queue."
        assert "Noted: x" in seat.text


async def test_x_on_what_was_refused_opens_the_outbox_on_its_line() -> None:
    desk = FakeDesk()
    desk.change([
        r._replace(sync={"nguyen": "needs_you"}.get(r.key, "")) for r in desk.rows
    ])  # fmt: skip
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert seat.cursor == "nguyen"
        assert chosen(seat).startswith(" ▌✗ needs you NGUYỄN, Hải")
        await seat.press("n")
        assert chosen(seat).startswith(" ▌≠ conflict")


async def test_the_chosen_line_stays_chosen_when_the_outbox_changes_and_no_key_comes() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("o", "j")
        desk.unsent = [line(0, "ZZ, First", "Accepted", "conflict"), *desk.unsent]
        desk.feel(waiting=4)
        await seat.wait(1)
        assert "ZZ, First" not in seat.text
        await seat.wait(2)
        assert "ZZ, First" in seat.text
        assert chosen(seat).startswith(" ▌✗ needs you NGUYỄN")


async def test_no_verb_acts_on_a_row_behind_the_outbox() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o", "a", "c", "u", "1", "slash")
        assert seat.desk.acts == []
        assert seat.message == "That key does nothing here.  ? shows the keys"
        await seat.press("q")
        assert seat.app.is_running
        assert seat.controller.overlays == []


async def test_a_question_mark_says_the_keys_that_the_footer_has_no_room_for() -> None:
    async with at_the_terminal() as seat:
        await seat.press("o")
        assert "D discard" not in seat.footer
        await seat.press("question_mark")
        assert seat.message == KEYS


# --- how it is drawn


def test_a_thousand_lines_are_made_once() -> None:
    pane = OutboxPane(
        [line(n, f"F{n}, G", "Noted") for n in range(1_000)], NOW, ZONE, {"ehr": "EHR"}
    )
    first = pane.parts(78)
    pane.chosen = 500
    second = pane.parts(78)
    assert first[4] is second[2]  # what the first said beyond its columns is gone from above it
    assert "".join(text for text, _ in second[501]).startswith("▌↑ waiting   F500, G")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=90), st.integers(38, 138))
def test_no_text_makes_a_line_wider_than_the_screen(
    client: str, did: str, words: str, width: int
) -> None:
    lines = [line(1, client, did, "needs_attention", words=words), *outbox()]
    pane = OutboxPane(lines, NOW, ZONE, {})
    pane.chosen = 1
    for one in pane.parts(width):
        assert sum(cell_len(text) for text, _ in one) <= width + 1
