"""What is looked at: views, narrowing, the detail, what needs the person, and empty lists."""

from __future__ import annotations

from datetime import timedelta

import pytest

from carequeue.worklist.health import SourceHealth
from tests.screens.clinic import NOW, FakeDesk, morning, row
from tests.screens.stage import at_the_terminal, shown

CLINIC = SourceHealth("clinic", True)
SIGNED_OUT = SourceHealth("county", True, why="expired", signed_out=True)


async def test_a_number_shows_another_view_and_the_cursor_keeps_its_item() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "4")
        assert seat.cursor == "reyes"
        await seat.press("3")
        assert seat.cursor == "fontaine"
        assert "REYES" not in seat.text
        await seat.press("0")
        assert "0 Whole 20" in seat.lines[1]


@pytest.mark.parametrize(
    ("width", "keys", "said"),
    [
        (80, [], "1 Mine 16  2 Team 16  3 Waiting 3  4 All 19 / filter"),
        (50, [], "1 Mine 16  2 Team 16  3 Waiting 3  4 All 19"),
        (40, [], "1 Mine 16  2 Team 16  3 Waiting 3"),
        (40, ["4"], "1 Mine 16  2 Team 16  4 All 19"),
        (40, ["space", "space"], "1 Mine 16  2 Team 16  * 2 marked"),
        (40, ["4", "space", "space"], "1 Mine 16  4 All 19  * 2 marked"),
    ],
)
async def test_a_view_that_has_no_room_is_left_out_whole_and_never_the_one_that_is_chosen(
    width: int, keys: list[str], said: str
) -> None:
    async with at_the_terminal(size=(width, 24)) as seat:
        await seat.press(*keys)
        assert seat.lines[1].split() == said.split()


async def test_the_move_has_a_column_where_it_is_not_always_mine() -> None:
    async with at_the_terminal(size=(110, 30)) as seat:
        assert "Harbor Housing" not in seat.line_of("FONTAINE").replace("Harbor Housing to", "")
        await seat.press("3")
        assert "Harbor Hou" in seat.line_of("FONTAINE").replace("Harbor Housing to", "")


async def test_the_list_is_filtered_while_one_types_and_esc_shows_all_again() -> None:
    async with at_the_terminal() as seat:
        await seat.press("slash")
        await seat.write("brandt")
        assert seat.message == "/ brandt▏  2 shown"
        assert "REYES" not in seat.text
        await seat.press("enter")
        assert "/ brandt · 2" in seat.lines[1]
        await seat.press("escape")
        assert "REYES" in seat.text
        assert seat.cursor == "brandt-2004"


async def test_words_that_cannot_be_read_leave_the_list_and_say_why() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("slash")
        await seat.write("team:")
        assert "needs a word behind the colon" in seat.message
        await seat.press("enter")
        assert seat.app.is_running


async def test_esc_while_typing_clears_the_filter() -> None:
    async with at_the_terminal() as seat:
        await seat.press("slash")
        await seat.write("zz")
        await seat.press("escape")
        assert "OKAFOR" in seat.text


async def test_the_detail_stands_beside_the_list_where_there_is_room() -> None:
    async with at_the_terminal(size=(140, 40)) as seat:
        pane = seat.controller.widgets.pane
        assert "Why here" in shown(pane)
        assert "OKAFOR, Amara" in shown(pane)
        await seat.press("j")
        assert "REYES, Tomás" in shown(pane)
        assert "OKAFOR" not in shown(pane)
        assert "+140 self-harm, no contact yet" in shown(pane)
        assert "Its rank will change today 12:40." in " ".join(shown(pane).split())
        assert "CCBHC criterion" not in shown(pane)
        await seat.press("w")
        assert "CCBHC criterion 3.c (read)" in shown(pane)


async def test_below_that_enter_opens_it_and_a_verb_acts_on_it() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "enter")
        assert "Why here" in seat.text
        assert "▌" not in seat.text
        await seat.press("l", "r")
        assert seat.desk.acts == [("log", ("reyes",), {"outcome": "reached"})]
        assert "LINDQVIST, Maja" in seat.text
        await seat.press("j")
        assert "O’BRIEN, Saoirse" in seat.text
        await seat.press("q")
        assert seat.app.is_running
        assert "▌↻ Fup 6 h left    O’BRIEN" in seat.text


async def test_why_opens_the_detail_with_its_sources_where_it_is_not_in_sight() -> None:
    async with at_the_terminal() as seat:
        await seat.press("w")
        assert "CCBHC criterion 3.c (read)" in seat.text
        await seat.press("escape")
        assert "▌" in seat.text


async def test_help_over_an_open_detail_goes_back_to_the_detail() -> None:
    async with at_the_terminal() as seat:
        await seat.press("enter", "question_mark")
        assert "acknowledge" in seat.text
        await seat.press("escape")
        assert "Why here" in seat.text


async def test_a_wider_or_narrower_window_shows_and_hides_the_detail() -> None:
    async with at_the_terminal(size=(140, 40)) as seat:
        await seat.pilot.resize_terminal(100, 30)
        assert not seat.controller.widgets.pane.display
        await seat.pilot.resize_terminal(200, 50)
        await seat.rest()
        assert seat.controller.widgets.rows.size.width == 140
        assert "Why here" in shown(seat.controller.widgets.pane)


# --- the truth about sync


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "● online  synced 09:12  ↑ 3 waiting  ! 1 needs you"),
        (
            {"online": False, "offline_since": NOW - timedelta(minutes=19)},
            "○ offline since 08:55  synced 09:12  ↑ 3 waiting  ! 1 needs you",
        ),
        ({"online": None, "waiting": 0, "needs_you": 0}, "○ not tried yet  synced 09:12"),
        ({"kept_here": 2, "needs_you": 0}, "● online  synced 09:12  ↑ 3 waiting  ⌂ 2 local only"),
        ({"checking": 1, "waiting": 0, "needs_you": 2}, "? 1 checking  ! 2 need you"),
        ({"last_full": None}, "● online  no full sync yet"),
        ({"other_syncs": True}, "◐ another window is syncing"),
        ({"signed_out": True, "trouble": "expired"}, "! signed out  copy from 09:12  ↑ 3 waiting"),
        ({"signed_out": True, "last_full": None}, "! signed out  ↑ 3 waiting"),
        (
            {"trouble": "not shown by the server: ServiceRequest (403)"},
            "! some records not read  ↑ 3 waiting  ! 1 needs you",
        ),
        (
            {"syncing": True, "progress": "Fetching the most urgent first: 212 of 1,400"},
            "● Fetching the most urgent first: 212 of 1,400",
        ),
    ],
)
async def test_the_header_never_lies(facts: dict[str, object], said: str) -> None:
    desk = FakeDesk()
    desk.feel(**facts)
    async with at_the_terminal(desk, size=(120, 24)) as seat:
        assert said in seat.header


@pytest.mark.parametrize("width", [40, 45, 60, 70, 80])
async def test_what_needs_the_person_is_said_at_every_width(width: int) -> None:
    desk = FakeDesk()
    desk.feel(online=False, offline_since=NOW, kept_here=3, checking=2)
    async with at_the_terminal(desk, size=(width, 24)) as seat:
        assert "! 1" in seat.header
        assert len(seat.lines[0]) <= width


@pytest.mark.parametrize("facts", [{"signed_out": True}, {"trouble": "ServiceRequest (403)"}])
@pytest.mark.parametrize("width", [40, 60, 80, 140])
async def test_in_step_is_never_said_at_any_width_while_something_is_wrong(
    width: int, facts: dict[str, object]
) -> None:
    desk = FakeDesk()
    desk.feel(**facts, kept_here=3, checking=2)
    async with at_the_terminal(desk, size=(width, 24)) as seat:
        wrong = "! signed out" if "signed_out" in facts else "! some records not read"
        assert wrong in seat.header
        assert "synced" not in seat.header
        assert "online" not in seat.header
        assert "! 1" in seat.header


async def test_coming_back_on_line_is_said_once() -> None:
    desk = FakeDesk()
    desk.feel(online=False, offline_since=NOW)
    async with at_the_terminal(desk) as seat:
        desk.feel(online=True)
        await seat.wait(1)
        assert seat.message == "Back online; 1 needs you (x)."


# --- nothing to show


async def test_nothing_left_is_good_news_with_its_time() -> None:
    async with at_the_terminal(FakeDesk([])) as seat:
        assert "Nothing is waiting for you." in seat.text
        assert "Last sync 09:12." in seat.text
        assert "r sync now" in seat.text


async def test_nothing_left_says_what_waits_on_others() -> None:
    waiting = [r._replace(mine=0) for r in morning() if r.band == 5]
    async with at_the_terminal(FakeDesk(waiting)) as seat:
        assert "3 waiting on others." in seat.text
        await seat.press("3")
        assert "FONTAINE" in seat.text


async def test_nothing_matches_names_the_filter_and_how_many_are_hidden() -> None:
    async with at_the_terminal() as seat:
        await seat.press("slash")
        await seat.write("smith")
        await seat.press("enter")
        assert "Nothing matches “smith”." in seat.text
        assert "19 items are hidden." in seat.text
        assert "esc show all" in seat.text


async def test_nothing_offline_is_no_proof_that_nothing_came_in() -> None:
    desk = FakeDesk([])
    desk.feel(online=False, last_full=NOW - timedelta(hours=16))
    async with at_the_terminal(desk) as seat:
        assert "Nothing in the copy from Mon 17:14." in seat.text
        assert "Items may have arrived since then." in seat.text
        assert "r try again" in seat.text


@pytest.mark.parametrize("facts", [{"signed_out": True}, {"trouble": "ServiceRequest (403)"}])
async def test_nothing_left_is_no_good_news_where_not_all_could_be_read(
    facts: dict[str, object],
) -> None:
    desk = FakeDesk([])
    desk.feel(**facts)
    async with at_the_terminal(desk) as seat:
        assert "Items may have arrived since then." in seat.text
        assert "Nothing is waiting for you." not in seat.text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"signed_out": True}, "Signed out: the server did not let you in. Check the token."),
        (
            {"trouble": "ServiceRequest (403)"},
            "Some records could not be read: ServiceRequest (403).",
        ),
        (
            {"trouble": "expired", "signed_out": True, "sources": (CLINIC, SIGNED_OUT)},
            "county: signed out, check its token (carequeue doctor).",
        ),
    ],
)
async def test_nothing_yet_says_what_keeps_it_away(facts: dict[str, object], words: str) -> None:
    desk = FakeDesk([])
    desk.feel(ever_synced=False, last_full=None, **facts)
    async with at_the_terminal(desk) as seat:
        assert words in seat.text


async def test_nothing_yet_shows_the_progress_of_the_first_sync() -> None:
    desk = FakeDesk([])
    desk.feel(ever_synced=False, last_full=None, syncing=True, progress="Fetching: 212 of 1,400")
    async with at_the_terminal(desk) as seat:
        assert "Fetching: 212 of 1,400" in seat.text
        desk.feel(progress="Fetching: 400 of 1,400")
        await seat.wait(1)
        assert "Fetching: 400 of 1,400" in "\n".join(seat.lines[2:20])


async def test_nothing_yet_and_no_server_says_why() -> None:
    desk = FakeDesk([])
    desk.feel(ever_synced=False, online=False, why_offline="the name cannot be found")
    async with at_the_terminal(desk) as seat:
        assert "Not online: the name cannot be found." in seat.text


# --- hostile text


async def test_a_name_that_is_markup_is_a_name() -> None:
    hostile = [row("x", "referral", 1, None, "", "O[/red]Brien, [b]", "Answer [bold $x] \x1b[31m")]
    async with at_the_terminal(FakeDesk(hostile), size=(140, 30)) as seat:
        assert "O[/red]Brien, [b]" in seat.text
        assert "\x1b" not in seat.text
        await seat.press("space", "backslash", "question_mark", "escape", "enter", "l", "r")
        assert seat.message.startswith("✓ Logged: O[/red]Brien, [b], reached.")
