"""A new item in Now or Safety is named within five seconds, whatever the person does meanwhile."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from carequeue.screens.key_map import KeyMap
from carequeue.screens.urgent_items import AGAIN, NewUrgent
from carequeue.store.queue_window import QueueRow, Urgent
from carequeue.verbs.motions import MOTIONS
from carequeue.verbs.table import all_verbs
from carequeue.widgets.message_line import (
    Message,
    Notice,
    Tone,
    message_parts,
    notice_parts,
    noticed,
)
from carequeue.widgets.text_width import length
from tests.screens.clinic import NOW, FakeDesk, at, morning, row
from tests.screens.quiet import at_rest, press
from tests.screens.stage import Seat, at_the_terminal, shown
from tests.screens.test_hold import BUSY, new
from tests.screens.test_sources import CLINIC, COUNTY, two

#: What is typed into rather than looked at: there the key is said to come after Esc.
TYPED = {"the filter", "a question", "a choice", "the palette", "the help"}


def crisis(number: int, band: int = 0, **facts: object) -> QueueRow:
    """A row in Now (or Safety) that has just come in."""
    return new(number, band, **facts)


def with_more(*rows: QueueRow) -> list[QueueRow]:
    """The morning with these rows above it."""
    return [*rows, *morning()]


def urgent(key: str, band: int = 0) -> Urgent:
    return Urgent(key, key.upper(), band, "ehr")


class TestWhatIsNew:
    def test_is_not_what_the_first_load_of_the_program_finds(self) -> None:
        items = NewUrgent([urgent("a"), urgent("b")])
        assert items.first is None
        items.update([urgent("a"), urgent("b")], NOW)
        assert (items.first, items.more) == (None, 0)

    def test_is_what_came_since_first_in_the_order_of_the_queue(self) -> None:
        items = NewUrgent([urgent("a")])
        items.update([urgent("b"), urgent("a"), urgent("c", 1)], NOW)
        assert (items.first, items.more) == (urgent("b"), 1)

    def test_is_an_item_that_rose_from_safety_to_now_and_not_one_that_fell(self) -> None:
        items = NewUrgent([urgent("a", 1), urgent("b", 0)])
        items.update([urgent("a", 0), urgent("b", 1)], NOW)
        assert (items.first, items.more) == (urgent("a"), 0)

    def test_is_not_what_comes_with_the_first_sync_of_a_cache(self) -> None:
        items = NewUrgent([])
        items.update([urgent("a")], NOW, first_sync=True)
        assert items.first is None
        items.update([urgent("a"), urgent("b")], NOW)
        assert items.first == urgent("b")

    def test_is_named_in_front_of_what_is_named_already(self) -> None:
        items = NewUrgent([])
        items.update([urgent("a")], NOW)
        items.update([urgent("a"), urgent("b", 1)], NOW)
        assert (items.first, items.more) == (urgent("b", 1), 1)
        items.visit("b")
        assert (items.first, items.more) == (urgent("a"), 0)

    def test_is_no_more_once_the_person_went_there(self) -> None:
        items = NewUrgent([])
        for _ in range(2):
            items.update([urgent("a")], NOW)
            items.visit("a")
            assert items.first is None

    def test_is_no_more_once_somebody_has_dealt_with_it(self) -> None:
        items = NewUrgent([])
        items.update([urgent("a")], NOW)
        items.update([], NOW)
        assert items.first is None

    @pytest.mark.parametrize(
        ("away", "named"), [(timedelta(seconds=1), None), (AGAIN, urgent("a"))]
    )
    def test_is_not_an_item_that_was_away_for_a_moment(
        self, away: timedelta, named: Urgent | None
    ) -> None:
        items = NewUrgent([urgent("a")])
        items.update([], NOW)
        items.update([urgent("a")], NOW + away)
        assert items.first == named

    def test_is_an_item_that_was_only_counted_before_it_was_away(self) -> None:
        items = NewUrgent([])
        items.update([urgent("a"), urgent("b")], NOW)
        items.update([urgent("a")], NOW)
        items.update([urgent("a"), urgent("b")], NOW)
        assert (items.first, items.more) == (urgent("b"), 1)


class TestTheNotice:
    @pytest.mark.parametrize(
        ("width", "said"),
        [
            (80, " ! New in Now: OKAFOR, Amara, and 2 more.  ! goes there "),
            (50, " ! New in Now: OKAFOR, Amara +2  ! goes there "),
            (40, " ! Now: OKAFOR, Amara +2  ! goes there "),
            (30, " ! Now: OKAFOR, Amara +2  ! "),
            (24, " ! OKAFOR, Amara +2  ! "),
            (20, " ! OKAFOR, A… +2  ! "),
        ],
    )
    def test_gives_up_words_before_a_letter_of_the_name(self, width: int, said: str) -> None:
        parts = notice_parts(Notice("OKAFOR, Amara", "Now", 2, "!"), width)
        assert "".join(text for text, _ in parts) == said
        assert length(parts) <= width

    def test_says_to_leave_the_question_first(self) -> None:
        parts = notice_parts(Notice("OKAFOR, Amara", "Safety", 0, "esc !"), 80)
        assert "".join(text for text, _ in parts).strip() == (
            "! New in Safety: OKAFOR, Amara.  esc then ! goes there"
        )

    @pytest.mark.parametrize("width", [60, 80, 140])
    @pytest.mark.parametrize(
        "said",
        [Message(), Message("Marks cleared."), Message("Snoozed: REYES " * 9, Tone.DONE, "u")],
    )
    def test_leaves_what_the_line_says_the_other_half(self, said: Message, width: int) -> None:
        notice = Notice("ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade", "Safety", 12, "!")
        parts = noticed(lambda room: message_parts(said, room), notice, width)
        text = "".join(part for part, _ in parts)
        assert length(parts) <= width
        assert "ADEYE" in text
        assert "+12" in text or "12 more" in text
        assert said.text[: width // 3].rstrip() in text

    def test_is_not_there_where_nothing_is_new(self) -> None:
        said = message_parts(Message("Marks cleared."), 80)
        assert noticed(lambda room: said, None, 80) == said


class TestAnArrival:
    async def test_is_named_and_one_key_goes_there(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("j")
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            assert seat.message == "! New in Now: NEW1, Ana.  ! goes there"
            assert "! go there" in seat.footer
            await seat.press("exclamation_mark")
            assert seat.cursor == "new-1"
            assert seat.message == ""
            assert "! go there" not in seat.footer

    async def test_in_safety_is_named_too_and_in_due_it_is_not(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.change(with_more(crisis(1, 1)))
            await seat.wait(1)
            assert seat.message.startswith("! New in Safety: NEW1, Ana.")
            seat.desk.change([*with_more(crisis(1, 1)), new(2)])
            await seat.wait(1)
            assert "NEW2" not in seat.message

    async def test_of_several_names_the_first_and_counts_the_rest_and_walks_through_them(
        self,
    ) -> None:
        async with at_the_terminal() as seat:
            await seat.press("G")
            seat.desk.change(with_more(crisis(1), crisis(2), crisis(3, 1)))
            await seat.wait(1)
            assert seat.message == "! New in Now: NEW1, Ana, and 2 more.  ! goes there"
            await seat.press("exclamation_mark")
            assert (seat.cursor, "NEW2, Ana, and 1 more" in seat.message) == ("new-1", True)
            await seat.press("exclamation_mark", "exclamation_mark")
            assert (seat.cursor, seat.message) == ("new-3", "")
            await seat.press("exclamation_mark")
            assert seat.message == "Nothing new in Now or Safety.  g goes to the first item"

    async def test_is_not_named_by_the_first_load(self) -> None:
        async with at_the_terminal() as seat:
            await seat.wait(1)
            seat.desk.feel(waiting=4)
            await seat.wait(1)
            assert seat.message == ""

    async def test_is_not_named_by_the_first_sync_and_is_named_after_it(self) -> None:
        desk = FakeDesk([])
        desk.feel(ever_synced=False, last_full=None, last_sync=None, syncing=True)
        async with at_the_terminal(desk) as seat:
            desk.change(morning())
            await seat.wait(1)
            assert "New in" not in seat.message
            desk.feel(ever_synced=True, last_full=NOW, last_sync=NOW, syncing=False)
            await seat.wait(1)
            assert "New in" not in seat.message
            desk.change(with_more(crisis(1)))
            await seat.wait(1)
            assert "New in Now: NEW1, Ana." in seat.message

    async def test_is_named_where_no_look_has_ever_read_all(self) -> None:
        """A server that refuses one type must not silence the others for ever."""
        desk = FakeDesk()
        desk.feel(ever_synced=False, last_full=None, trouble="ServiceRequest (403)")
        async with at_the_terminal(desk) as seat:
            desk.change(with_more(crisis(1)))
            await seat.wait(1)
            assert "New in Now: NEW1, Ana." in seat.message

    @pytest.mark.parametrize("moved", ["by time", "by a colleague"])
    async def test_is_an_item_too_that_was_here_and_becomes_urgent(self, moved: str) -> None:
        async with at_the_terminal() as seat:
            rows = [r._replace(band=1) if r.key == "nguyen" else r for r in morning()]
            if moved == "by time":
                seat.desk.of_today = rows
                await seat.wait(60)
            else:
                seat.desk.change(rows)
            await seat.wait(1)
            assert seat.message.startswith("! New in Safety: NGUYỄN, Hải.")

    async def test_is_named_once(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            await seat.press("exclamation_mark", "j")
            seat.desk.change(with_more(crisis(1, title="Answer, now with a note")))
            await seat.wait(3)
            assert seat.message == ""

    async def test_of_another_source_is_named_with_it(self) -> None:
        async with at_the_terminal(two()) as seat:
            seat.desk.feel(
                sources=(replace(CLINIC, label="Riverbend"), replace(COUNTY, label="County ED"))
            )
            seat.desk.change([crisis(1, source="county"), *seat.desk.rows])
            await seat.wait(1)
            assert seat.message.startswith("! New in Now: NEW1, Ana (County ED).")

    async def test_that_is_not_mine_is_named_and_found_in_the_whole_queue(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.change(with_more(crisis(1, mine=0, move="team")))
            await seat.wait(1)
            await seat.press("exclamation_mark")
            assert seat.cursor == "new-1"
            assert seat.controller.data.view_state.tab == "whole"

    async def test_is_named_although_the_list_had_read_it_before_the_look(self) -> None:
        """What is typed into the filter reads the rows anew: nothing may be overlooked by that."""
        async with at_the_terminal() as seat:
            await seat.press("slash")
            seat.desk.change(with_more(crisis(1)))
            await seat.write("new")
            assert seat.cursor == "new-1"
            await seat.wait(1)
            assert "NEW1, Ana" in seat.message

    async def test_is_named_in_an_empty_list_where_the_cursor_stands_on_it_by_itself(self) -> None:
        async with at_the_terminal(FakeDesk([])) as seat:
            seat.desk.change([crisis(1)])
            await seat.wait(1)
            assert seat.cursor == "new-1"
            await seat.press("P")
            assert "NEW1, Ana" in seat.message
            await seat.press("a")
            assert seat.message.startswith("✓ Accepted: NEW1, Ana.")
            assert "New in" not in seat.message

    async def test_stands_beside_what_was_done_until_the_person_moves_there(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("j")
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            await seat.press("l", "m")
            assert seat.message.startswith("✓ Logged: REYES, Tomás")
            assert seat.message.endswith("! New in Now: NEW1, Ana.  ! goes there")
            await seat.wait(2)
            await seat.press("g")
            assert seat.cursor == "new-1"
            assert "New in" not in seat.message

    async def test_is_set_aside_with_escape_and_still_gone_to(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("j")
            seat.desk.change(with_more(crisis(1), crisis(2)))
            await seat.wait(1)
            await seat.press("escape")
            said = "Set aside: NEW1, Ana and 1 more, new in Now or Safety.  ! goes there"
            assert seat.message == said
            await seat.press("k")
            assert seat.message == ""
            await seat.press("exclamation_mark")
            assert seat.cursor == "new-1"
            await seat.press("exclamation_mark")
            assert seat.cursor == "new-2"
            await seat.press("exclamation_mark")
            assert seat.message.startswith("Nothing new in Now or Safety.")

    async def test_that_is_gone_again_is_not_gone_to(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            seat.desk.change(morning())
            await seat.press("exclamation_mark")
            assert seat.message == "· NEW1, Ana is no longer in the queue."

    async def test_of_a_lower_band_at_the_top_of_the_list_is_said_as_before(self) -> None:
        rows = [r for r in morning() if r.band > 1]
        many = [new(n, 3) for n in range(30)]
        async with at_the_terminal(FakeDesk([*rows, *many])) as seat:
            await seat.press("G")
            seat.desk.change([new(99), *rows, *many])
            await seat.wait(3)
            assert seat.message == "! New at the top: NEW99, Ana.  g goes there"


class TestWhateverIsOpen:
    @pytest.mark.parametrize("busy", BUSY)
    async def test_it_is_named_and_the_way_there_is_said_and_works(self, busy: str) -> None:
        opened, keys = BUSY[busy]
        async with at_the_terminal() as seat:
            await seat.press("j", *opened)
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            assert "NEW1, Ana" in seat.message
            await seat.press(keys[0])
            await seat.wait(0.7)
            assert "NEW1, Ana" in seat.message
            if busy in TYPED:
                assert "esc then !" in seat.message
                assert "! go there" not in seat.footer
                await seat.press("escape")
            else:
                assert "! go there" in seat.footer
            await seat.press("exclamation_mark")
            assert seat.cursor == "new-1"
            assert seat.controller.overlays == []
            assert "NEW1, Ana" in "\n".join(seat.lines[2:22])

    @pytest.mark.parametrize("busy", sorted(TYPED))
    async def test_the_key_is_typed_where_something_is_typed(self, busy: str) -> None:
        opened, _ = BUSY[busy]
        async with at_the_terminal() as seat:
            await seat.press("j", *opened)
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            await seat.press("exclamation_mark")
            assert seat.controller.overlays
            assert "!▏" in seat.message

    async def test_a_yes_or_no_keeps_its_keys(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("space", "space", "c")
            assert seat.message.startswith("Claim 2 items:")
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            await seat.press("exclamation_mark")
            assert "NEW1, Ana" in seat.message
            assert "p show" in seat.footer
            await seat.press("escape", "exclamation_mark")
            assert seat.cursor == "new-1"
            assert list(seat.controller.selection.labels) == ["okafor", "reyes"]

    @pytest.mark.parametrize("size", [(40, 12), (59, 24), (60, 24), (80, 24), (140, 40)])
    async def test_the_question_keeps_its_client_and_its_caret(self, size: tuple[int, int]) -> None:
        """In a narrow window the line of the views gives way to the name, and comes back."""
        async with at_the_terminal(size=size) as seat:
            await seat.press("j", "n")
            await seat.write("called the school twice")
            seat.desk.change(with_more(crisis(1), crisis(2)))
            await seat.wait(1)
            line = seat.lines[-2]
            assert line[seat.app.cursor_position.x] == "▏"
            assert "REYES" in line
            place = seat.lines[1] if size[0] < 60 else line
            assert "NEW1" in place
            assert "+1" in place or "and 1 more" in place
            assert "esc" in place
            assert max(map(len, seat.lines)) <= size[0]
            await seat.press("escape", "exclamation_mark", "exclamation_mark")
            assert "Mine" in seat.lines[1]

    @pytest.mark.parametrize("size", [(60, 24), (80, 24), (140, 40)])
    async def test_every_choice_is_above_or_in_the_footer(self, size: tuple[int, int]) -> None:
        async with at_the_terminal(size=size) as seat:
            await seat.press("j", "l")
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            said = f"{seat.lines[1]}   {seat.message}   {seat.footer}"
            assert "NEW1, Ana" in said
            for words in ("r reached", "m left message", "n no answer"):
                assert words in said

    async def test_a_blank_screen_stays_blank_and_says_it_afterwards(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("b")
            seat.desk.change(with_more(crisis(1)))
            await seat.wait(1)
            assert "NEW1" not in seat.text
            await seat.press("j")
            assert "NEW1, Ana" in seat.lines[-2]


class Shift:
    """A minute at the keys, without a painter: a key every 0.3 s, a look every second."""

    def __init__(self, seat: Seat, keys: Sequence[str], seed: str) -> None:
        self._seat, self._keys, self._chance = seat, keys, random.Random(seed)
        self.waited: dict[str, float] = {}  # seconds until each item was named

    def run(self, seconds: int, come: Callable[[int], QueueRow]) -> None:
        seat, came, rows = self._seat, dict[str, float](), list(self._seat.desk.rows)
        next_come, number = 1.0, 0
        for tick in range(seconds * 10):
            second = tick / 10
            seat.time.pass_(0.1)
            if tick % 3 == 0:
                key = self._keys[tick // 3 % len(self._keys)]
                seat.controller.press(key, key if len(key) == 1 else None, float("inf"))
            if second >= next_come and second < seconds - 6:
                number += 1
                one = come(number)
                rows = [one, *rows]
                seat.desk.change(rows)
                came[one.client] = second
                next_come += self._chance.uniform(1.1, 5.0)
            if tick % 10 == 9:
                seat.controller.tick()
            for client, at_second in came.items():
                if client not in self.waited and re.search(rf"{client}\b", seat.message):
                    self.waited[client] = second - at_second
        assert set(self.waited) == set(came)


@pytest.mark.parametrize("busy", BUSY)
async def test_in_a_minute_of_keys_every_arrival_is_named_within_five_seconds(busy: str) -> None:
    opened, keys = BUSY[busy]
    async with at_the_terminal(size=(140, 40)) as seat:
        await seat.press("j", *opened)
        shift = Shift(seat, keys, busy)
        shift.run(60, lambda n: crisis(n, n % 2, client=f"ARRIVED{n}"))
        assert len(shift.waited) > 10
        assert max(shift.waited.values()) <= 5.0
        await seat.rest()


def test_the_key_clashes_with_no_other_and_is_in_every_list_of_keys() -> None:
    (motion,) = [motion for motion in MOTIONS if motion.name == "urgent"]
    others = [key for one in MOTIONS if one is not motion for key in one.keys]
    assert not set(motion.keys) & {*others, *(verb.key for verb in all_verbs())}
    assert KeyMap().meaning("exclamation_mark") is motion


async def test_a_person_who_moved_the_key_is_told_of_the_other_one() -> None:
    from carequeue.app import CareQueueApp, Preferences
    from carequeue.screens.app_hooks import TimeSource
    from tests.screens.clinic import ZONE
    from tests.screens.stage import FakeSync

    desk = FakeDesk()
    app = CareQueueApp(
        desk, TimeSource(lambda: NOW, ZONE), FakeSync(), Preferences(keys={"urgent": "P"})
    )
    async with app.run_test(size=(80, 24)):
        desk.change(with_more(row("new", "handoff", 0, at(hours=1), "h", "NEW, Ana", "Answer")))
        screen = app.screen
        screen.controller.tick()  # type: ignore[attr-defined]
        await at_rest(app)
        line = shown(screen.controller.widgets.message)  # type: ignore[attr-defined]
        assert line.strip() == "! New in Now: NEW, Ana.  P goes there"
        await press(app, "P")
        assert screen.controller.widgets.rows.key == "new"  # type: ignore[attr-defined]
