"""The search for any client: nobody is taken whom nobody chose, and both lines are short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from carequeue.store.client_search import ClientMatch
from carequeue.worklist.results import Acted, Person, Shown
from tests.screens.clinic import FakeDesk
from tests.screens.conftest import ROOT
from tests.screens.stage import Seat, at_the_terminal
from tests.screens.test_verb_questions import SIZES, Lines

AMARA = ClientMatch("ehr", "Patient/1", "OKAFOR, Amara", "1984-03-12", "R-1", "")
NAMESAKE = ClientMatch("ehr", "Patient/2", "OKAFOR, Amara", "1991-11-02", "R-2", "")
DANIEL = ClientMatch("ehr", "Patient/3", "OKAFOR, Daniel", "2001-07-30", "R-3", "")
DEAD = ClientMatch("ehr", "Patient/4", "LIND, Ola", "1930-01-01", "", "deceased")
TWIN = ClientMatch("ehr", "Patient/5", "TWIN, Kim", "2000-01-01", "R-5", "")
OTHER_TWIN = ClientMatch("ehr", "Patient/6", "TWIN, Kim", "2000-01-01", "R-6", "")
MERGED = ClientMatch("ehr", "Patient/7", "OLD, Name", "", "", "merged")
CLIENTS = (AMARA, NAMESAKE, DANIEL, DEAD, TWIN, OTHER_TWIN, MERGED)
PARTNERS = (
    Person("Organization/harbor", "Harbor Housing"),
    Person("Organization/detox", "County Detox"),
    Person("CareTeam/access", "Access team", team=True),
)


class QuestionLines(Lines):
    """One text file for each question and size in `snapshots/test_client_prompt/`."""

    @classmethod
    def dirname(cls, *, test_location: object) -> str:
        return str(ROOT / "snapshots" / "test_client_prompt")


class ClinicDesk(FakeDesk):
    """The morning at a desk that knows more clients than it has rows."""

    here: ClientMatch | None = DANIEL

    def clients(self, text: str) -> Sequence[ClientMatch]:
        words = text.casefold().split()
        return [
            match
            for match in CLIENTS
            if words and all(word in f"{match.name} {match.born}".casefold() for word in words)
        ]

    def client(self, source: str, chart: str) -> ClientMatch | None:
        return self.here

    def people(self, keys: Sequence[str] = (), asks: str = "whom") -> Sequence[Person]:
        return PARTNERS if asks == "partner" else super().people(keys)

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        past = {"20:00": "Mon 23 Nov 20:00", "now": "Tue 24 Nov 09:14"}
        known = (True, past[text]) if text in past else None
        return known or super().check_input(verb, question, text, now, keys)

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        self.acts.append((verb, tuple(keys), dict(answers)))
        (key,) = keys
        assert shown is not None
        return Acted(f"Made for {shown[key].client}, {shown[key].born}.", "g1", tuple(keys))


@pytest.fixture
async def seat() -> AsyncIterator[Seat]:
    async with at_the_terminal(ClinicDesk()) as seat:
        yield seat


async def test_a_follow_up_takes_two_lines_of_typing(seat: Seat) -> None:
    await seat.press("N")
    await seat.write("oka dan")
    assert "→ OKAFOR, Daniel 2001-07-30" in seat.message
    await seat.press("enter", "f")
    assert seat.message.startswith("New OKAFOR, Daniel 1/2: what has to happen?")
    await seat.write("Call school")
    await seat.press("enter")
    await seat.write("3bd")
    await seat.press("enter")
    answers = {"text": "Call school", "until": "3bd"}
    assert seat.desk.acts == [("new", ("ehr:Patient/3",), answers)]
    assert "Made for OKAFOR, Daniel, 2001-07-30." in seat.message


async def test_enter_takes_nobody_of_several_until_the_person_moved_to_one(seat: Seat) -> None:
    await seat.press("N")
    await seat.write("okafor")
    assert "→" not in seat.message
    assert "enter" not in seat.footer
    await seat.press("enter")
    assert "several match" in seat.message
    assert "f follow-up" not in seat.message
    await seat.press("tab")
    assert "→ OKAFOR, Amara 1984-03-12" in seat.message
    await seat.press("tab")
    assert "→ OKAFOR, Amara 1991-11-02" in seat.message
    await seat.press("up", "up")
    assert "→ OKAFOR, Daniel" in seat.message
    await seat.press("enter")
    assert "OKAFOR, Daniel 2001-07-30  f follow-up  r referral" in seat.message


async def test_typing_on_takes_back_the_move(seat: Seat) -> None:
    await seat.press("N")
    await seat.write("oka")
    await seat.press("tab")
    await seat.write("f")
    await seat.press("enter")
    assert "several match" in seat.message


async def test_namesakes_of_one_birthday_are_told_apart_by_their_numbers(seat: Seat) -> None:
    await seat.press("N")
    await seat.write("twin")
    assert "TWIN, Kim 2000-01-01 MRN R-5" in seat.message
    await seat.press("tab", "tab")
    assert "→ TWIN, Kim 2000-01-01 MRN R-6" in seat.message


async def test_the_client_of_the_row_is_offered_and_a_key_of_its_own_takes_them(
    seat: Seat,
) -> None:
    await seat.press("N")
    assert ". OKAFOR, Daniel 2001-07-30" in seat.message
    await seat.press("enter")
    assert "type a part of the name" in seat.message
    await seat.press("full_stop", "r")
    assert seat.message.startswith("Refer OKAFOR, Daniel 1/3: for what?")


async def test_nobody_is_offered_where_the_list_is_empty() -> None:
    desk = ClinicDesk([])
    async with at_the_terminal(desk) as seat:
        await seat.press("N", "full_stop")
        assert "f follow-up" not in seat.message


@pytest.mark.parametrize(("name", "why"), [("lind", "deceased"), ("old name", "merged")])
async def test_a_client_who_cannot_be_reached_is_not_taken(seat: Seat, name: str, why: str) -> None:
    await seat.press("N")
    await seat.write(name)
    await seat.press("enter")
    assert why in seat.message
    assert "f follow-up" not in seat.message


async def test_a_partner_is_not_taken_by_enter_alone(seat: Seat) -> None:
    await seat.press("N", "full_stop", "r")
    await seat.write("Detox")
    await seat.press("enter", "enter")
    assert "to whom?" in seat.message
    await seat.press("tab", "enter", "enter")
    answers = {"text": "Detox", "to": "Organization/harbor", "priority": "routine"}
    assert seat.desk.acts == [("refer", ("ehr:Patient/3",), answers)]


async def test_a_partner_is_found_by_a_part_of_the_name(seat: Seat) -> None:
    await seat.press("N", "full_stop", "r")
    await seat.write("Detox")
    await seat.press("enter")
    await seat.write("county")
    await seat.press("enter", "2")
    assert seat.desk.acts[-1][2]["to"] == "Organization/detox"


async def test_escape_goes_back_a_step_and_a_typed_text_is_kept_for_that_client(
    seat: Seat,
) -> None:
    await seat.press("N", "full_stop", "escape")
    assert "for whom?" in seat.message
    await seat.press("full_stop", "f")
    await seat.write("Call school")
    await seat.press("escape")
    assert "not done. Your text is saved" in seat.message
    await seat.press("N", "full_stop", "f")
    assert "Call school" in seat.message
    await seat.press("escape", "N", "escape")
    assert seat.desk.acts == []


async def test_other_keys_choose_nothing_and_reach_no_row(seat: Seat) -> None:
    await seat.press("N", "full_stop", "e", "enter", "c")
    assert "press one of the keys" in seat.message
    assert seat.desk.acts == []


async def test_a_pasted_name_is_searched_for(seat: Seat) -> None:
    await seat.press("N")
    seat.controller.paste("okafor daniel\nanother line")
    assert "→ OKAFOR, Daniel" in seat.message


async def test_the_palette_begins_with_the_client_too(seat: Seat) -> None:
    await seat.press("colon")
    await seat.write("refer")
    await seat.press("enter")
    assert seat.message.startswith("Refer for whom?")
    await seat.press("full_stop")
    assert "for what?" in seat.message


@pytest.mark.parametrize("width", [40, 80, 140])
async def test_the_line_fits(width: int) -> None:
    async with at_the_terminal(ClinicDesk(), (width, 24)) as seat:
        await seat.press("N")
        await seat.write("okafor")
        assert max(map(len, seat.lines)) <= width
        await seat.press("tab")
        assert "→ OKAFOR" in seat.message


#: The keys of each new question, one after the other: a text is typed, a name in brackets pressed.
QUESTIONS = {
    "new follow-up": ("N", "okafor", "[tab]", "[enter]", "f", "Call", "[enter]", "3bd", "[enter]"),
    "new referral": ("N", "[full_stop]", "r", "Bed", "[enter]", "h", "[tab]", "[enter]", "2"),
    "heard crisis": ("E", "[full_stop]", "c", "[enter]", "988 call", "[enter]"),
    "heard discharge": ("E", "[full_stop]", "d", "e", "20:00", "[enter]", "ED", "[enter]", "p"),
}


async def lines_of(keys: Sequence[str], size: tuple[int, int]) -> list[str]:
    """The message line and the footer after each of the keys."""
    lines: list[str] = []
    async with at_the_terminal(ClinicDesk(), size) as seat:
        for typed in keys:
            if typed.startswith("["):
                await seat.press(typed.strip("[]"))
            else:
                await seat.write(typed)
            lines += [f"# {typed}", seat.message.rstrip(), seat.footer.rstrip(), ""]
        assert seat.desk.acts, "the last answer does it"
    return lines


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", QUESTIONS)
async def test_the_questions(snapshot: SnapshotAssertion, name: str, size: str) -> None:
    lines = await lines_of(QUESTIONS[name], SIZES[size])
    assert all(cell_len(line) <= SIZES[size][0] for line in lines)
    assert snapshot.use_extension(QuestionLines) == "\n".join(lines)
