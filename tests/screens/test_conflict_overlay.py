"""A conflict on the screen: both versions in full, no answer chosen, and it can wait for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from carequeue.worklist.results import Difference
from tests.screens.clinic import NOW, ZONE, FakeDesk, morning, row
from tests.screens.stage import Seat, at_the_terminal, shown
from tests.screens.unsent import brandt

QUESTION = "≠ BRANDT, Sofie: your change and theirs conflict. Keep which one?"
NOTE = "Called the school twice, they ask for consent in writing. " * 12


def words(seat: Seat) -> str:
    return shown(seat.controller.widgets.text_view)


def many(count: int) -> FakeDesk:
    """A desk on which so many items differ."""
    desk = FakeDesk([
        row(f"k{n}", "referral", 2, None, "", f"FAMILY{n:03d}, Given", "Answer", sync="conflict")
        for n in range(count)
    ])  # fmt: skip
    desk.differs = {r.key: brandt(item_key=r.key, client=r.client, ids=(r.key,)) for r in desk.rows}
    desk.feel(needs_you=count, conflicts=count)
    return desk


# --- the ways to it


@pytest.mark.parametrize("keys", [("x",), ("slash", "s", "o", "f", "i", "e", "enter", "enter")])
async def test_x_and_enter_on_a_row_that_differs_show_both_versions(keys: tuple[str, ...]) -> None:
    async with at_the_terminal() as seat:
        await seat.press(*keys)
        assert seat.message == QUESTION
        assert seat.cursor == "brandt-2004"
        shown = words(seat)
        assert "Mine    Done · D. Whitfield · today 08:55" in shown
        assert "Theirs  Changed · Ortiz, Nadia · today 09:03" in shown
        assert "Status  in progress            completed              on hold" in shown
        assert seat.footer.startswith("m keep mine   t keep theirs   a decide again   n next")


@pytest.mark.parametrize(
    ("keys", "typed"),
    [(("3",), ""), (("slash",), "reyes"), (("slash",), "zz")],
    ids=["another view", "narrowed", "narrowed to nothing"],
)
async def test_x_finds_it_also_where_its_row_is_not_in_the_view(
    keys: tuple[str, ...], typed: str
) -> None:
    async with at_the_terminal() as seat:
        await seat.press(*keys)
        await seat.write(typed)
        await seat.press(*(["enter"] if typed else []), "x")
        assert seat.cursor == "brandt-2004"
        assert seat.message == QUESTION
        await seat.press("escape")
        assert "0 Whole 20" in seat.lines[1]


async def test_x_finds_it_among_what_sleeps() -> None:
    asleep = [r._replace(band=6) if r.key == "brandt-2004" else r for r in morning()]
    async with at_the_terminal(FakeDesk(asleep)) as seat:
        await seat.press("x")
        assert seat.cursor == "brandt-2004"


async def test_x_says_so_when_nothing_needs_the_person_or_it_is_in_no_row() -> None:
    async with at_the_terminal(FakeDesk([r._replace(sync="") for r in morning()])) as seat:
        await seat.press("3", "x")
        assert seat.message.startswith("· The item that needs you is no longer in the queue.")
        assert seat.message.endswith("o shows what is not sent")
        assert seat.cursor == "fontaine"
        seat.desk.feel(needs_you=0)
        await seat.wait(1)
        await seat.press("x")
        assert seat.message.startswith("Nothing needs you")


# --- the answers


@pytest.mark.parametrize(("key", "how"), [("m", "mine"), ("t", "theirs")])
async def test_an_answer_is_one_key_and_names_the_client(key: str, how: str) -> None:
    async with at_the_terminal() as seat:
        await seat.press("x", key)
        assert seat.desk.answers == [("brandt-2004", how)]
        done = {"mine": "Kept yours", "theirs": "Kept theirs"}[how]
        assert seat.message == f"✓ {done}: BRANDT, Sofie."
        assert seat.cursor == "brandt-2004"
        assert "≠ conflict" not in seat.text


@pytest.mark.parametrize("key", ["a", "e"])
async def test_a_third_answer_is_theirs_and_any_verb_after_it(key: str) -> None:
    async with at_the_terminal() as seat:
        await seat.press("x", key)
        assert seat.desk.answers == [("brandt-2004", "theirs")]
        said = "BRANDT, Sofie: kept theirs.  decide again with any of its keys"
        assert seat.message == f"✓ {said}"
        await seat.press("l", "r")
        assert seat.desk.acts == [("log", ("brandt-2004",), {"outcome": "reached"})]


async def test_what_a_third_answer_asks_for_is_not_cut_where_the_name_is_long() -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(client="VAN DER WESTHUIZEN, Pieter")
    async with at_the_terminal(desk) as seat:
        await seat.press("x", "a")
        assert seat.message.endswith("kept theirs.  decide again with any of its keys")


async def test_to_decide_again_the_cursor_goes_wherever_theirs_has_put_the_item() -> None:
    """Theirs may have taken it out of this view: the next key must not meet another client."""
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        desk.change([
            r._replace(mine=0, move="partner") if r.key == "brandt-2004" else r for r in desk.rows
        ])  # fmt: skip
        await seat.press("a")
        assert seat.cursor == "brandt-2004"
        assert "0 Whole 20" in seat.lines[1]
        assert "decide again" in seat.message


async def test_to_decide_again_what_has_left_the_queue_says_so() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        desk.change([r for r in desk.rows if r.key != "brandt-2004"])
        await seat.press("a")
        assert seat.message == (
            "✓ BRANDT, Sofie: kept theirs. The item is now closed and has left the queue."
        )


async def test_why_yours_cannot_be_kept_is_in_sight_however_long_the_differences_are() -> None:
    desk = FakeDesk()
    note = Difference("Note", "", "Called the school twice, they ask for consent. " * 30, "")
    desk.differs["brandt-2004"] = brandt(differences=(note,), in_doubt=True, can=("theirs",))
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert "is being sent" in seat.text
        assert "more lines" in seat.text


async def test_no_other_key_answers_not_enter_not_y_not_the_key_that_asked() -> None:
    async with at_the_terminal() as seat:
        await seat.press("x")
        for key in ("y", "x", "u", "c", "d", "tab", "1", "P"):
            await seat.press(key)
            assert seat.message == "· That key chooses nothing."
        await seat.press("enter", "escape")
        assert seat.desk.answers == []
        assert seat.desk.acts == []
        assert seat.message == QUESTION


async def test_it_can_wait_and_is_the_same_tomorrow() -> None:
    async with at_the_terminal() as seat:
        await seat.press("x")
        before = words(seat)
        await seat.wait(3_600)
        assert words(seat) == before
        await seat.press("escape")
        assert seat.desk.answers == []
        assert "conflict ≠" in seat.text


async def test_a_key_that_came_before_it_was_in_sight_answers_nothing() -> None:
    """Two quick keys, `n` and `m`: the second was meant for the client who stood there before."""
    async with at_the_terminal(many(3)) as seat:
        await seat.press("x")
        early = 0.0
        seat.time.pass_(1)
        seat.controller.press("m", "m", early)
        assert seat.desk.answers == []
        assert seat.message == "· Nothing was chosen: the conflict was not on the screen yet."
        await seat.press("m")
        assert seat.desk.answers == [("k0", "mine")]


async def test_the_detail_opens_over_it_and_the_answers_stay() -> None:
    async with at_the_terminal() as seat:
        await seat.press("x", "enter")
        assert "Why here" in seat.text
        assert seat.message == QUESTION
        await seat.press("escape")
        assert "Keep which one?" in seat.message
        assert "in progress" in seat.text
        await seat.press("enter", "m")
        assert seat.desk.answers == [("brandt-2004", "mine")]
        assert seat.controller.overlays == []


async def test_what_was_not_possible_says_why_and_is_no_key() -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(gone="deleted", can=("theirs",))
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert "m keep mine" not in seat.footer
        assert "The record was deleted on the server" in " ".join(words(seat).split())
        assert "Deleted · Ortiz, Nadia" in words(seat)
        await seat.press("m")
        assert seat.message.startswith("· The record was deleted on the server")
        assert desk.answers == []


@pytest.mark.parametrize(
    ("other", "named"), [("LINDQVIST, Axel", "LINDQVIST, Axel"), ("", "no client")]
)
async def test_a_record_of_another_client_names_both_and_offers_to_decide_again(
    other: str, named: str
) -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(gone="other_client", other_client=other, can=("theirs",))
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert seat.message == f"≠ BRANDT, Sofie: the record now names {named}."
        said = f"You decided this about BRANDT, Sofie. On the server the record now names {named}."
        assert said in " ".join(words(seat).split())
        assert seat.footer.startswith("y decide again   n next")
        await seat.press("m", "a", "e", "t")  # pressed twice in the list, they would act there
        assert desk.answers == []
        await seat.press("y")
        assert desk.answers == [("brandt-2004", "theirs")]
        assert seat.message == f"Not sent: Done, BRANDT, Sofie. The item now names {named}."
        await seat.press("y")
        assert desk.acts == []


async def test_what_a_colleague_sent_on_names_both_partners_and_offers_theirs() -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(
        did="Sent elsewhere to Lakeshore",
        differences=(Difference("Sent to", "", "Lakeshore", "Harbor"),),
        gone="sent_on",
        can=("theirs",),
    )
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert seat.message == "≠ BRANDT, Sofie: a colleague sent it on before you."
        shown = " ".join(words(seat).split())
        assert "Mine Sent elsewhere to Lakeshore · D. Whitfield · today 08:55" in shown
        assert "Theirs Sent on · Ortiz, Nadia · today 09:03" in shown
        assert "Sent to none Lakeshore Harbor" in shown
        assert "send that request on (S)" in shown
        assert seat.footer.startswith("t keep theirs   a decide again   n next")
        await seat.press("m")
        assert seat.message.startswith("· A colleague sent this referral on before you.")
        assert desk.answers == []
        await seat.press("t")
        assert desk.answers == [("brandt-2004", "theirs")]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"gone": "deleted"}, "The record was deleted on the server"),
        (
            {"gone": "client_unknown", "other_client": "LINDQVIST, Axel"},
            "Keep your change only if it was about LINDQVIST, Axel.",
        ),
        ({"in_doubt": True}, "is being sent"),
        ({"differences": (Difference("Owner", "Access", "me", "me"),)}, "are the same now"),
        ({"theirs_by": "", "theirs_at": None}, "Changed · the server does not say by whom"),
    ],
)
async def test_what_stands_in_the_way_is_said(facts: dict[str, object], said: str) -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(**facts)
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        assert said in " ".join(words(seat).split())


async def test_what_changed_since_it_was_shown_is_shown_as_it_is_now_and_not_answered() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        await seat.press("x")
        desk.refuses_answer = "What is to be compared has changed since you looked."
        later = (Difference("Status", "in progress", "completed", "cancelled"),)
        desk.differs["brandt-2004"] = brandt(differences=later)
        await seat.press("m")
        assert desk.answers == []
        assert seat.message == "· What is to be compared has changed since you looked."
        assert "cancelled" in words(seat)
        await seat.press("m")
        assert desk.answers == [("brandt-2004", "mine")]


async def test_what_differs_no_more_says_so() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        desk.differs.clear()
        await seat.press("x")
        assert seat.message == "BRANDT, Sofie: there is no conflict any more."
        assert seat.controller.overlays == []


# --- many of them


async def test_of_two_hundred_the_next_is_one_key_and_the_cursor_goes_along() -> None:
    async with at_the_terminal(many(200)) as seat:
        await seat.press("x", "n", "j")
        assert seat.cursor == "k2"
        assert seat.message.startswith("≠ FAMILY002, Given")
        await seat.press("m")
        assert seat.message == "✓ Kept yours: FAMILY002, Given.  x goes to the next item"
        await seat.press("x")
        assert seat.cursor == "k3"


async def test_when_there_is_no_other_it_says_so() -> None:
    async with at_the_terminal() as seat:
        await seat.press("x", "n")
        assert seat.message == "BRANDT, Sofie is the only item that needs you.  x opens it"
        await seat.press("x")
        assert seat.message == QUESTION


# --- how it is drawn


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (80, 24), (140, 40)])
async def test_a_long_value_is_whole_at_every_width(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    differences = (
        Difference("Note", "", NOTE.strip(), "山田さんに電話した。" * 9),
        Difference("A very long label of an element", "x" * 300, "mine", ""),
    )
    name = "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade Oluwaseun Temitope"
    desk.differs["brandt-2004"] = brandt(client=name, differences=differences)
    async with at_the_terminal(desk, size) as seat:
        await seat.press("x")
        shown = "".join(words(seat).split())
        for text in (name, NOTE, "山田さんに電話した。" * 9, "x" * 300):
            assert "".join(text.split()) in shown
        assert all(cell_len(line) <= size[0] for line in seat.lines)
        await seat.press(*["space"] * 12)
        assert "it can wait" in " ".join(seat.text.split())


@given(
    st.lists(st.tuples(*[st.text(max_size=90)] * 4), max_size=4),
    st.text(max_size=60),
    st.integers(38, 138),
)
def test_no_value_makes_a_line_wider_than_the_screen(
    values: list[tuple[str, str, str, str]], client: str, width: int
) -> None:
    from carequeue.widgets.conflict_pane import conflict_lines

    shown = brandt(client=client, differences=tuple(Difference(*one) for one in values))
    for one in conflict_lines(shown, NOW + timedelta(days=9), ZONE, "county", width):
        assert sum(cell_len(text) for text, _ in one) <= width + 1
