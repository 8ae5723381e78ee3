"""The list: it keeps the person's place, never loads what is not looked at, and moves cheaply."""

from __future__ import annotations

from textual import events

from carequeue.domain.ranking import Band
from carequeue.store.queue_window import Tab
from carequeue.widgets.bands import BANDS
from carequeue.widgets.queue_pages import KEPT, PAGE, BandLine, Pages
from tests.screens.clinic import FakeDesk, VastDesk, at, morning, row
from tests.screens.stage import Seat, at_the_terminal


def pages_of(desk: FakeDesk) -> Pages:
    return Pages(
        lambda offset, limit: desk.window(Tab.ALL, "", offset, limit),
        desk.tally(Tab.ALL, "").bands,
    )


# --- what stands at a line


def test_bands_stand_between_the_rows_and_lines_and_rows_agree() -> None:
    pages = pages_of(FakeDesk())
    assert (pages.rows, pages.lines) == (19, 24)
    rows = 0
    for line in range(pages.lines):
        what = pages.at(line)
        if isinstance(what, BandLine):
            assert what.first == rows
        else:
            assert what == (rows, 0)
            assert pages.line_of(rows) == line
            rows += 1
    assert rows == pages.rows
    assert pages.at(-1) is None
    assert pages.at(pages.lines) is None


def test_rows_of_two_lines_stand_one_below_the_other() -> None:
    pages = pages_of(FakeDesk())
    pages.set_row_height(2)
    assert pages.lines == 19 * 2 + 5
    for index in range(pages.rows):
        line = pages.line_of(index)
        assert (pages.at(line), pages.at(line + 1)) == ((index, 0), (index, 1))


async def test_in_a_small_window_the_cursor_stays_in_sight_whole() -> None:
    async with at_the_terminal(size=(40, 12)) as seat:
        rows = seat.controller.widgets.rows
        for _ in range(18):
            await seat.press("j")
            line = rows.pages.line_of(rows.index) - rows.scroll_offset.y
            assert 0 <= line < rows.size.height - 1
            assert sum(text.startswith("▌") for text in seat.lines) == 2
        await seat.pilot.resize_terminal(100, 30)
        assert sum(text.startswith("▌") for text in seat.lines) == 1


def test_a_vast_view_is_read_a_page_at_a_time_and_little_of_it_is_held() -> None:
    desk = VastDesk()
    pages = pages_of(desk)
    for index in range(0, pages.rows, PAGE):
        r = pages.row(index)
        assert r is not None
        assert r.key == f"item-{index}"
    assert len(list(pages.loaded())) <= KEPT * PAGE
    assert all(limit == PAGE for _, limit in desk.reads)


def test_a_row_that_went_since_it_was_counted_is_a_gap_not_a_fault() -> None:
    pages = Pages(lambda offset, limit: morning()[:2], {1: 5})
    assert pages.row(1) is not None
    assert pages.row(4) is None
    assert pages.row(99) is None


def test_the_bands_are_told_apart_and_in_the_order_of_the_queue() -> None:
    assert [words.band for words in BANDS] == list(range(7))
    assert len({words.title for words in BANDS}) == 7


# --- moving


def test_the_bands_are_called_as_the_ranking_calls_them() -> None:
    assert [(words.band, words.title, words.hint) for words in BANDS] == [
        (band.value, band.title, band.hint) for band in Band
    ]


async def test_moving_through_100_000_rows_reads_a_page_or_two() -> None:
    desk = VastDesk()
    async with at_the_terminal(desk) as seat:
        assert len(desk.reads) <= 2
        await seat.press("G")
        assert seat.cursor == "item-99999"
        await seat.press("g", "J", "J")
        assert seat.cursor == "item-100"
        await seat.press("K")
        assert seat.cursor == "item-2"
        assert len(desk.reads) <= 6


async def test_the_cursor_jumps_half_a_screen_at_the_edge() -> None:
    async with at_the_terminal(VastDesk()) as seat:
        rows = seat.controller.widgets.rows
        tops = []
        for _ in range(60):
            rows.move(1)
            tops.append(rows.scroll_offset.y)
        assert len(set(tops)) <= 60 // (rows.size.height // 2) + 2
        assert rows.scroll_offset.y <= rows.pages.line_of(rows.index)


async def test_a_move_redraws_two_lines_and_no_other() -> None:
    async with at_the_terminal() as seat:
        rows = seat.controller.widgets.rows
        await seat.press("j")
        drawn: list[int] = []
        plain = rows.render_line

        def watched(y: int) -> object:
            drawn.append(y)
            return plain(y)

        rows.render_line = watched  # type: ignore[assignment,method-assign]
        await seat.press("j")
        assert sorted(set(drawn)) == [3, 4]


async def test_the_wheel_moves_the_cursor_so_no_act_meets_an_item_out_of_sight() -> None:
    async with at_the_terminal(VastDesk()) as seat:
        rows = seat.controller.widgets.rows
        down = events.MouseScrollDown(rows, 1, 1, 0, 0, 0, False, False, False)
        for _ in range(20):
            rows.on_mouse_scroll_down(down)
            line = rows.pages.line_of(rows.index)
            assert rows.scroll_offset.y <= line < rows.scroll_offset.y + rows.size.height


async def test_a_click_takes_the_row_and_nothing_more() -> None:
    async with at_the_terminal() as seat:
        await seat.pilot.click("#rows", offset=(10, 3))
        assert seat.cursor == "reyes"
        await seat.pilot.click("#rows", offset=(10, 2))
        assert seat.cursor == "reyes"
        assert seat.desk.acts == []


async def test_the_terminals_own_cursor_stands_on_the_row_for_braille_and_magnifiers() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j")
        assert seat.app.cursor_position == (0, 5)
        await seat.press("n")
        assert seat.app.cursor_position.y == 22


# --- data that change


def flood(count: int) -> list[object]:
    return [
        row(f"new-{n}", "referral", 0, at(hours=1), "h", f"NEW{n}, Ana", "Answer")
        for n in range(count)
    ]


async def change(seat: Seat, rows: list[object], seconds: float) -> None:
    seat.desk.change(rows)  # type: ignore[arg-type]
    await seat.wait(seconds)


async def test_the_cursor_keeps_its_item_and_its_line_when_rows_come_above() -> None:
    desk = VastDesk()
    async with at_the_terminal(desk) as seat:
        rows = seat.controller.widgets.rows
        rows.go(500)
        await seat.rest()
        line = rows.pages.line_of(rows.index) - rows.scroll_offset.y
        desk.shift = 30  # thirty rows have come in at the top
        desk.feel(waiting=4)
        await seat.wait(3)
        assert seat.cursor == "item-500"
        assert rows.index == 530
        assert rows.pages.line_of(rows.index) - rows.scroll_offset.y == line


async def test_rows_do_not_move_within_two_seconds_of_a_key() -> None:
    """A row that moves under a pressing finger is an act on the wrong client."""
    async with at_the_terminal() as seat:
        await seat.press("j")
        before = seat.lines[2:22]
        await change(seat, [*flood(3), *morning()], 1)
        assert seat.lines[2:22] == before
        assert "1 Mine 19" in seat.lines[1]
        await seat.wait(1)
        assert "NEW0, Ana" in seat.text
        assert seat.cursor == "reyes"


async def test_what_is_new_and_more_urgent_is_seen_or_said() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j")
        await change(seat, [*flood(3), *morning()], 3)
        assert "NEW0, Ana" in seat.text
        await seat.press("G")
        await change(seat, [*flood(9), *morning()], 3)
        assert seat.cursor == "takahashi"
        await change(seat, [flood(99)[-1], *flood(9), *morning()], 3)
        assert seat.message == "! New in Now: NEW98, Ana, and 9 more.  ! goes there"


async def test_rows_come_behind_an_open_question_and_it_stays_with_its_client() -> None:
    async with at_the_terminal() as seat:
        await seat.press("n")
        await change(seat, [*flood(3), *morning()], 1)
        assert "NEW0" not in "\n".join(seat.lines[2:22])
        await seat.wait(1)
        assert "NEW0" in "\n".join(seat.lines[2:22])
        assert seat.cursor == "okafor"
        await seat.write("ok")
        await seat.press("enter")
        assert seat.desk.acts == [("note", ("okafor",), {"text": "ok"})]


async def test_when_the_item_goes_the_cursor_stays_at_its_place() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "j")
        await change(seat, [r for r in morning() if r.key != "lindqvist"], 3)
        assert seat.cursor == "obrien"


async def test_the_last_item_goes_and_then_nothing_is_left_to_act_on() -> None:
    async with at_the_terminal(FakeDesk(morning()[:1])) as seat:
        await change(seat, [], 3)
        assert seat.cursor is None
        await seat.press("j", "k", "space", "G", "J", "a")
        assert seat.message == "· There is no item here to act on."
        assert seat.desk.acts == []


async def test_a_minute_redraws_only_the_rows_whose_words_have_changed() -> None:
    async with at_the_terminal() as seat:
        drawn: list[int] = []
        rows = seat.controller.widgets.rows
        plain = rows.render_line

        def watched(y: int) -> object:
            drawn.append(y)
            return plain(y)

        rows.render_line = watched  # type: ignore[assignment,method-assign]
        await seat.wait(61)
        assert set(drawn) == {1, 5}  # 1h10 over has become 1h11, and 6 h left has become 5
        assert seat.desk.refreshed == 2


async def test_people_who_look_alike_show_the_year_only_while_both_are_in_sight() -> None:
    async with at_the_terminal() as seat:
        assert "BRANDT, Sofie b.2004" in seat.text
        await seat.press("slash")
        await seat.write("sofie")
        assert "BRANDT, Sofie " in seat.text
        assert "b.2004" not in seat.text


async def test_the_order_of_yesterday_is_that_of_today_as_soon_as_the_first_frame_is_out() -> None:
    desk = FakeDesk()
    desk.of_today = [desk.rows[1], desk.rows[0], *desk.rows[2:]]
    async with at_the_terminal(desk) as seat:
        assert seat.controller.widgets.rows.pages.row(0) == desk.rows[0]
        assert desk.rows[0].key == "reyes"
        assert desk.refreshed == 1
