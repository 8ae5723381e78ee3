"""The keys about colleagues at a real cache: cover, and the queue as somebody has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fhir.clinic import CLINIC, DANA, NOEL, ref, task
from tests.screens.clinic import NOW
from tests.screens.stage import Seat, at_the_terminal
from tests.store.cache import Cache, clinic_of_dana
from tests.worklist.test_colleagues import RUTH, RUTHS_NAME

RUTHS_ROLE = {
    "resourceType": "PractitionerRole",
    "id": "role-ruth",
    "practitioner": ref(RUTH),
    "organization": ref(CLINIC),
    "notAvailable": [{"during": {"start": "2026-11-20", "end": "2026-12-14"}}],
}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path)
    cache.instant = NOW
    cache.pull(
        RUTHS_NAME,
        RUTHS_ROLE,
        task("mine", owner=ref(DANA), description="Call the pharmacy"),
        task("ruth", owner=ref(RUTH), description="Call the bank"),
        task("noel", owner=ref(NOEL), description="Call the school"),
    )
    yield cache
    cache.close()


@pytest_asyncio.fixture
async def seat(cache: Cache) -> AsyncIterator[Seat]:
    async with at_the_terminal(cache.desk, size=(100, 24)) as seat:
        yield seat


async def cover_ruth(seat: Seat) -> None:
    await seat.press("C")
    await seat.write("ruth")
    await seat.press("enter")
    await seat.write("fri")
    await seat.press("enter")


class TestCover:
    async def test_puts_the_colleagues_moves_into_mine_and_marks_them(self, seat: Seat) -> None:
        assert "1 Mine 1" in seat.text
        await cover_ruth(seat)
        assert "Covering Ruth Ames, LPC until Fri 27 Nov 08:00: 1 move is now in Mine." in (
            seat.message
        )
        assert "1 Mine 2" in seat.text
        assert seat.line_of("Call the bank").rstrip().endswith("for Ruth A.")
        assert "for Ruth A." not in seat.line_of("Call the pharmacy")
        await seat.press("4")
        assert "for Ruth A." in seat.line_of("Call the bank")

    async def test_says_who_is_away_in_its_question(self, seat: Seat) -> None:
        await seat.press("C")
        await seat.write("ruth")
        assert "Ruth Ames, LPC (away until Mon 14 Dec)" in seat.message
        await seat.press("enter")
        assert "Cover Ruth Ames, LPC 2/2: until?" in seat.message
        await seat.write("fri")
        assert "Fri 27 Nov 08:00" in seat.message

    async def test_ends_by_itself_while_the_queue_is_open(self, seat: Seat, cache: Cache) -> None:
        await cover_ruth(seat)
        span = timedelta(days=3)
        seat.time.now += span
        cache.instant += span
        await seat.wait(61)
        await seat.wait(3)
        assert "1 Mine 1" in seat.text
        assert "Call the bank" not in seat.text

    async def test_is_ended_by_the_same_key(self, seat: Seat) -> None:
        await cover_ruth(seat)
        await seat.press("C")
        assert "You cover Ruth Ames, LPC until Fri 27 Nov 08:00." in seat.message
        await seat.press("1")
        assert "You no longer cover Ruth Ames, LPC." in seat.message
        assert "1 Mine 1" in seat.text

    async def test_says_until_when_it_holds_where_room_is_short(self, cache: Cache) -> None:
        cache.desk.colleagues.begin_cover("ruth", "fri", NOW)
        async with at_the_terminal(cache.desk, size=(80, 24)) as seat:
            await seat.press("C")
            assert seat.message.startswith("You cover Ruth A. until Fri 27 Nov 08:00.  1 end it")

    async def test_of_another_colleague_can_be_added(self, seat: Seat) -> None:
        await cover_ruth(seat)
        await seat.press("C", "n")
        await seat.write("noel")
        await seat.press("enter")
        await seat.write("fri")
        await seat.press("enter")
        assert "1 Mine 3" in seat.text

    async def test_that_is_left_changes_nothing(self, seat: Seat, cache: Cache) -> None:
        before = cache.table("meta")
        await seat.press("C")
        await seat.write("ruth")
        await seat.press("enter", "escape", "escape")
        await cover_ruth(seat)
        await seat.press("C", "escape")
        assert "1 Mine 2" in seat.text
        assert cache.table("meta") != before

    async def test_has_its_colleague_in_the_detail(self, seat: Seat) -> None:
        await cover_ruth(seat)
        seat.controller.go_to("main:Task/ruth")
        await seat.press("enter")
        await seat.rest()
        assert "you, for Ruth Ames, LPC" in seat.text
        assert "You cover Ruth Ames, LPC until Fri 27 Nov 08:00." in seat.text


async def see_as(seat: Seat, name: str) -> None:
    await seat.press("L")
    await seat.write(name)
    await seat.press("enter")


class TestSeeingAsAColleague:
    async def test_shows_the_colleagues_mine_and_says_so_in_the_header(self, seat: Seat) -> None:
        await see_as(seat, "ruth")
        assert "as Ruth Ames, LPC" in seat.header
        assert "1 Mine 1" in seat.text
        assert "Call the bank" in seat.text
        assert "What you do is still yours." in seat.message
        await seat.press("2", "4", "1")
        assert "as Ruth Ames, LPC" in seat.header

    @pytest.mark.parametrize("key", ["escape", "L", "q"])
    async def test_ends_with_a_key_where_one_was_before(self, seat: Seat, key: str) -> None:
        await seat.press("4")
        seat.controller.go_to("main:Task/noel")
        await see_as(seat, "ruth")
        assert seat.controller.data.view_state.tab == "mine"
        await seat.press(key)
        assert "as Ruth" not in seat.header
        assert "Riverbend" in seat.header
        assert seat.controller.data.view_state.tab == "all"
        assert seat.cursor == "main:Task/noel"
        assert "This is your own queue again." in seat.message

    async def test_a_filter_is_cleared_before_it_ends(self, seat: Seat) -> None:
        await see_as(seat, "ruth")
        await seat.press("slash")
        await seat.write("bank")
        await seat.press("enter", "escape")
        assert "as Ruth Ames, LPC" in seat.header

    async def test_an_act_is_ones_own_and_says_so(self, seat: Seat, cache: Cache) -> None:
        await see_as(seat, "ruth")
        await seat.press("n")
        await seat.write("called")
        await seat.press("enter")
        assert "Noted: OKAFOR, Amara J." in seat.message
        assert "You did this, not Ruth Ames, LPC." in seat.message
        (intent,) = cache.intents()
        assert intent.author == DANA

    async def test_goes_on_while_the_cache_changes(self, seat: Seat, cache: Cache) -> None:
        await see_as(seat, "ruth")
        cache.pull(task("more", owner=ref(RUTH), description="Call the landlord"))
        await seat.wait(3)
        assert "Call the landlord" in seat.text
        assert "1 Mine 2" in seat.text
        assert "as Ruth Ames, LPC" in seat.header

    async def test_a_team_can_be_seen_too(self, seat: Seat, cache: Cache) -> None:
        cache.pull(task("team", owner=ref("CareTeam/access"), description="Call back"))
        await see_as(seat, "access")
        assert "as Access" in seat.header
        assert "Call back" in seat.text
