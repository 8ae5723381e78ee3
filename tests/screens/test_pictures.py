"""How it looks: a picture of each state, so that a change of look is seen in a review."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from carequeue.store.queue_window import QueueRow
from carequeue.worklist.health import SourceHealth
from carequeue.worklist.results import Difference, Person, Undoable, Where
from tests.screens.clinic import NOW, FakeDesk, at, morning, row
from tests.screens.conftest import AtTheTop
from tests.screens.own_acts import acts_of_a_week
from tests.screens.stage import at_the_terminal
from tests.screens.unsent import brandt

SMALL, LARGE = (80, 24), (140, 40)
SIZES = {"80x24": SMALL, "140x40": LARGE}

LONG = [
    row("a", "follow_up", 1, at(hours=2), "h",
        "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade Oluwaseun", "Reach within 3 h after 988 call"),
    row("b", "referral", 2, at(days=-1), "bd", "क्षितिज शर्मा", "Close the loop: housing is arranged",
        days=-1, sync="needs_you"),
    row("c", "handoff", 2, at(hours=3), "h", "山田, 太郎",
        "Acknowledge the handoff of the night from the mobile crisis team of the county", days=0),
    row("d", "authorization", 3, at(days=400), "d", "NGUYỄN, Thị Minh Châu", "Renew", days=400,
        sync="kept_here"),
    row("e", "referral", 2, None, "", "O[/red]Brien, [bold]Mary",
        "[link=x]Answer[/] \x1b]52;c;x\x07"),
]  # fmt: skip


async def picture(
    desk: FakeDesk,
    size: tuple[int, int],
    *keys: str,
    theme: str = "dark",
    text: str = "",
) -> str:
    """Press the keys, type the text, and take the picture."""
    async with at_the_terminal(desk, size, theme) as seat:
        await seat.press(*keys)
        await seat.write(text)
        return seat.app.export_screenshot()


@pytest.fixture
def taken(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The pictures that were looked at; `--snapshot-update` takes them anew."""
    return snapshot.use_extension(AtTheTop)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_queue(taken: SnapshotAssertion, theme: str, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "j", "l", "m", theme=theme)


EARLIER_ACT = Undoable(
    "g7", "accept", "accept", "SØRENSEN, Ida", 1, NOW - timedelta(minutes=19), Where.OTHER_WINDOW
)


@pytest.mark.parametrize("size", SIZES)
async def test_what_undo_would_undo(taken: SnapshotAssertion, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "j", "j", "a")


@pytest.mark.parametrize("size", SIZES)
async def test_what_undo_would_undo_of_many(taken: SnapshotAssertion, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], *["space"] * 3, *"nx", "enter", "y")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_what_one_did(taken: SnapshotAssertion, theme: str, size: str) -> None:
    desk = FakeDesk()
    desk.own_acts.acts = acts_of_a_week(NOW)
    assert taken == await picture(desk, SIZES[size], "H", "j", theme=theme)


async def test_what_one_did_before_any_act(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "H")


@pytest.mark.parametrize("where", list(Where)[1:], ids=str)
@pytest.mark.parametrize("size", SIZES)
async def test_the_question_before_another_window_is_undone(
    taken: SnapshotAssertion, size: str, where: Where
) -> None:
    desk = FakeDesk()
    desk.others = [replace(EARLIER_ACT, where=where)]
    assert taken == await picture(desk, SIZES[size], "j", "u")


@pytest.mark.parametrize("theme", ["contrast-dark", "contrast-light", "colour-blind"])
async def test_other_themes(taken: SnapshotAssertion, theme: str) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "j", theme=theme)


async def test_without_colour(taken: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert taken == await picture(FakeDesk(), SMALL, "j", "space")


async def test_a_question_open(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "j", "s", text="3bd")


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_to_whom_with_a_colleague_who_is_away(
    taken: SnapshotAssertion, size: str
) -> None:
    desk = FakeDesk()
    away = Person("Practitioner/berg", "Berg, Ola", away="away until Mon 14 Dec")
    desk.its_people = (*desk.its_people, away)
    assert taken == await picture(desk, SIZES[size], "j", "t", text="ber")


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_to_whom_where_a_person_may_be_at_risk(
    taken: SnapshotAssertion, size: str
) -> None:
    desk = FakeDesk()
    desk.its_people = (replace(desk.its_people[0], last_chosen=True), *desk.its_people[1:])
    assert taken == await picture(desk, SIZES[size], "j", "t", "enter")


@pytest.mark.parametrize("size", SIZES)
async def test_an_answer_that_was_left_and_comes_again(taken: SnapshotAssertion, size: str) -> None:
    keys = ("j", "n", *"left", "space", *"door", "escape", "n")
    assert taken == await picture(FakeDesk(), SIZES[size], *keys)


@pytest.mark.parametrize("size", SIZES)
async def test_a_pasted_note_of_several_lines(taken: SnapshotAssertion, size: str) -> None:
    async with at_the_terminal(FakeDesk(), SIZES[size]) as seat:
        await seat.press("j", "n")
        seat.controller.paste("Mother called.\nWants Tuesday.\nNo risk.\n")
        await seat.rest()
        assert taken == seat.app.export_screenshot()


@pytest.mark.parametrize("size", SIZES)
async def test_the_end_of_a_worked_list(taken: SnapshotAssertion, size: str) -> None:
    rest = [row for row in morning() if row.band > 2]
    assert taken == await picture(FakeDesk(rest), SIZES[size], "j", "l", "m")


@pytest.mark.parametrize("size", SIZES)
async def test_the_end_of_a_list_without_rows(taken: SnapshotAssertion, size: str) -> None:
    snoozed = [row for row in morning() if row.band == 6]
    assert taken == await picture(FakeDesk(snoozed), SIZES[size])


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_whom_to_cover(taken: SnapshotAssertion, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "C", text="lin")


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_whether_a_cover_ends(taken: SnapshotAssertion, size: str) -> None:
    desk = FakeDesk()
    desk.colleagues.begin_cover("lin", "fri", NOW)
    assert taken == await picture(desk, SIZES[size], "C")


def covering() -> FakeDesk:
    """A morning on which the moves of a colleague are mine, too."""
    hers: dict[str, Any] = {
        "move": "team", "move_name": "Maria Lin, LPC", "covered_for": "Maria L.",
    }  # fmt: skip
    keys = ("reyes", "nguyen", "whitehorse", "brandt-2004", "delacroix", "quispe")
    return FakeDesk([row._replace(**hers) if row.key in keys else row for row in morning()])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", ["1", "4"])
async def test_rows_of_a_covered_colleague(taken: SnapshotAssertion, tab: str, size: str) -> None:
    assert taken == await picture(covering(), SIZES[size], tab, "j")


@pytest.mark.parametrize("size", SIZES)
async def test_the_queue_as_a_colleague_has_it(taken: SnapshotAssertion, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "L", *"nadia", "enter", "j")


async def test_a_hand_off_at_its_second_question(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), LARGE, "j", "h", "tab", "enter")


async def test_an_act_on_many_before_it_is_done(taken: SnapshotAssertion) -> None:
    desk = FakeDesk()
    desk.refused["reyes"] = "REYES, Tomás: class C is never done in bulk"
    assert taken == await picture(desk, LARGE, *["space"] * 6, "c", "p")


async def test_many_marked(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, *["space"] * 3, "n", "x", "enter")


async def test_the_detail_opened(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "j", "w")


async def test_the_palette(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "colon", text="e")


async def test_the_keys(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), LARGE, "question_mark")


async def test_the_team(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), (110, 30), "4", "j")


async def test_filtered(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "slash", text="bra")


async def test_nothing_matches(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "slash", "z", "z", "enter")


async def test_offline(taken: SnapshotAssertion) -> None:
    desk = FakeDesk([])
    desk.feel(
        online=False,
        offline_since=NOW - timedelta(minutes=19),
        last_full=NOW - timedelta(hours=16),
    )
    assert taken == await picture(desk, SMALL)


async def test_the_first_sync(taken: SnapshotAssertion) -> None:
    desk = FakeDesk(morning()[:4])
    words = "Fetching the most urgent first: 212 of about 1,400"
    desk.feel(ever_synced=False, last_full=None, syncing=True, progress=words, waiting=0)
    assert taken == await picture(desk, LARGE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_conflict(taken: SnapshotAssertion, theme: str, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "x", theme=theme)


@pytest.mark.parametrize("size", SIZES)
async def test_a_record_that_names_another_client(taken: SnapshotAssertion, size: str) -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(
        did="Noted: Prefers to be called at noon",
        differences=(Difference("Note", "", "Prefers to be called at noon", ""),),
        gone="other_client",
        other_client="LINDQVIST, Axel",
        can=("theirs",),
    )
    assert taken == await picture(desk, SIZES[size], "x")


@pytest.mark.parametrize("size", SIZES)
async def test_a_referral_that_a_colleague_sent_on_first(
    taken: SnapshotAssertion, size: str
) -> None:
    desk = FakeDesk()
    desk.differs["brandt-2004"] = brandt(
        title="Northside Recovery Center to answer: Outpatient therapy, intake",
        did="Sent elsewhere to Lakeshore Counseling",
        differences=(Difference("Sent to", "", "Lakeshore Counseling", "Harbor General Hospital"),),
        gone="sent_on",
        can=("theirs",),
    )
    assert taken == await picture(desk, SIZES[size], "x")


async def test_a_conflict_with_long_values_and_names(taken: SnapshotAssertion) -> None:
    desk = FakeDesk()
    note = "Called the school twice, they ask for consent in writing. " * 4
    desk.differs["brandt-2004"] = brandt(
        client="ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade Oluwaseun Temitope",
        differences=(
            Difference("Status", "in progress", "completed", "on hold"),
            Difference("Owner", "D. Whitfield", "D. Whitfield", "山田, 太郎"),
            Difference("Note", "", note, ""),
        ),
        in_doubt=True,
        can=("theirs",),
    )
    assert taken == await picture(desk, SMALL, "x")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_outbox(taken: SnapshotAssertion, theme: str, size: str) -> None:
    assert taken == await picture(FakeDesk(), SIZES[size], "o", "j", theme=theme)


async def test_the_outbox_without_colour(
    taken: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert taken == await picture(FakeDesk(), SMALL, "o", "j", "d", text="disc")


async def test_an_empty_outbox(taken: SnapshotAssertion) -> None:
    desk = FakeDesk()
    desk.unsent = []
    assert taken == await picture(desk, SMALL, "o")


@pytest.mark.parametrize("size", SIZES)
async def test_two_sources_and_one_of_them_away(taken: SnapshotAssertion, size: str) -> None:
    rows = [r._replace(source="county" if n % 3 else "clinic") for n, r in enumerate(morning())]
    desk = FakeDesk(rows)
    read = NOW - timedelta(minutes=34)
    away = SourceHealth("county", False, read, last_full=read, label="County ED")
    here = SourceHealth("clinic", True, last_full=NOW, label="Riverbend")
    desk.feel(sources=(here, away), checking=1, kept_here=4)
    assert taken == await picture(desk, SIZES[size], "j")


@pytest.mark.parametrize("size", SIZES)
async def test_a_server_that_does_not_answer(taken: SnapshotAssertion, size: str) -> None:
    """One batch is on its way, the rest waits."""
    desk = FakeDesk()
    since = NOW - timedelta(minutes=1)
    desk.feel(syncing=True, silent_since=since, checking=50, waiting=50)
    assert taken == await picture(desk, SIZES[size], "j")


@pytest.mark.parametrize("size", SIZES)
async def test_a_server_whose_answers_drip(taken: SnapshotAssertion, size: str) -> None:
    desk = FakeDesk()
    since = NOW - timedelta(minutes=17)
    desk.feel(syncing=True, slow_since=since, progress="Fetching tasks: 200 of 1,400")
    assert taken == await picture(desk, SIZES[size], "j")


async def test_offline_by_choice(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), SMALL, "j", "O", "1")


async def test_hard_names(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(LONG), SMALL)


async def test_a_small_window_at_twice_the_size(taken: SnapshotAssertion) -> None:
    assert taken == await picture(FakeDesk(), (40, 12), "j")


def with_two_new() -> list[QueueRow]:
    """The morning, and two that have just come into Now and Safety."""
    came = at(minutes=-1)
    return [
        row("mbaye", "handoff", 0, at(minutes=29), "h", "MBAYE, Awa",
            "Acknowledge handoff from Mobile Crisis", fresh=came),
        *morning()[:2],
        row("holm", "follow_up", 1, at(hours=4), "h", "HOLM, Anders",
            "First contact after ED discharge", fresh=came),
        *morning()[2:],
    ]  # fmt: skip


async def named(size: tuple[int, int], theme: str, *keys: str, text: str = "") -> str:
    """Press the keys, let the two come in, and take the picture when they are named."""
    async with at_the_terminal(FakeDesk(), size, theme) as seat:
        await seat.press(*keys)
        await seat.write(text)
        seat.desk.change(with_two_new())
        await seat.wait(1)
        return seat.app.export_screenshot()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_new_crisis_is_named(taken: SnapshotAssertion, theme: str, size: str) -> None:
    assert taken == await named(SIZES[size], theme, "j", "j")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_new_crisis_is_named_beside_a_question(
    taken: SnapshotAssertion, theme: str, size: str
) -> None:
    assert taken == await named(SIZES[size], theme, "j", "n", text="school")


async def test_a_new_crisis_is_named_beside_what_was_done(taken: SnapshotAssertion) -> None:
    assert taken == await named(SMALL, "dark", "j", "l", "m")


async def test_a_new_crisis_is_named_in_a_narrow_window(taken: SnapshotAssertion) -> None:
    assert taken == await named((40, 12), "dark", "j", "n", text="school")
