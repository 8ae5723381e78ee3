"""What the last two lines say: whose turn a key is, what comes next, and nothing that is stale."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from carequeue.screens.sync_notices import FIRST_DONE, FIRST_SYNC, READ_AGAIN, SYNCING, SyncNotices
from carequeue.verbs.assign import VERB as ASSIGN
from carequeue.verbs.snooze import VERB as SNOOZE
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.message_line import Message, Tone, message_parts
from carequeue.widgets.question_prompt import QuestionForm
from carequeue.widgets.text_width import length
from carequeue.worklist.health import SourceHealth
from carequeue.worklist.results import Health, Person
from tests.screens.clinic import HEALTHY, NOW, FakeDesk
from tests.screens.stage import at_the_terminal


def health(**facts: object) -> Health:
    """How sync stands, in the words of a test."""
    values = {name: getattr(HEALTHY, name) for name in Health.__dataclass_fields__}
    quiet = {"waiting": 0, "needs_you": 0, "conflicts": 0}
    return Health(**{**values, **quiet, **facts})


class TestTheMessage:
    @pytest.mark.parametrize(
        ("width", "said"),
        [
            (80, " ✓ Snoozed: REYES.  u undoes it   sent once online"),
            (45, " ✓ Snoozed: REYES.  u undoes it"),
            (20, " ✓ Snoozed: REYES."),
            (12, " ✓ Snoozed:…"),
        ],
    )
    def test_gives_up_its_hints_before_a_letter_of_the_sentence(
        self, width: int, said: str
    ) -> None:
        message = Message("Snoozed: REYES.", Tone.DONE, "u undoes it   sent once online")
        assert "".join(text for text, _ in message_parts(message, width)) == said

    async def test_about_a_key_is_gone_with_the_next_one_and_about_an_act_it_stays(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("e")
            assert seat.message.startswith("· Can’t done")
            await seat.press("j")
            assert seat.message == ""
            await seat.press("l", "m", "j")
            assert seat.message.startswith("✓ Logged: REYES, Tomás")

    async def test_of_an_act_without_a_network_says_when_it_will_be_sent(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.feel(online=False)
            await seat.wait(1)
            await seat.press("a")
            assert seat.message.endswith("u undoes it   sent once online")

    async def test_of_an_act_while_signed_out_says_when_it_will_be_sent(self) -> None:
        async with at_the_terminal() as seat:
            seat.desk.feel(signed_out=True)
            await seat.wait(1)
            await seat.press("a")
            assert seat.message.endswith("u undoes it   sent once signed in")

    @pytest.mark.parametrize(("key", "name"), [("P", "P"), ("f5", "f5")])
    async def test_names_a_key_that_means_nothing(self, key: str, name: str) -> None:
        async with at_the_terminal() as seat:
            await seat.press(key)
            assert seat.message == f"{name} does nothing here.  ? shows the keys"

    async def test_says_how_to_leave_where_there_is_nothing_to_go_back_from(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("escape")
            assert seat.message.endswith("q quits")
            await seat.press("space", "escape")
            assert seat.message == "The items stay marked.  \\ unmarks all"


class TestTheFooter:
    async def test_names_the_way_back_from_an_open_detail(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("enter")
            assert "esc back" in seat.footer

    async def test_names_what_is_done_to_many_while_items_are_marked(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("space", "space")
            assert seat.message.startswith("2 items marked. The keys now act on the marked items.")
            assert seat.footer.startswith("c claim   t assign   e done")
            assert "\\ unmark all" in seat.footer
            await seat.press("backslash")
            assert seat.footer.startswith("a accept   d decline   l log")

    async def test_names_whom_enter_would_take(self) -> None:
        async with at_the_terminal() as seat:
            await seat.press("t")
            assert seat.footer.startswith("tab next")
            await seat.press("tab")
            assert seat.footer.startswith("enter choose Ortiz, Nadia")
            await seat.press("tab")
            assert seat.footer.startswith("enter choose Lin, Maria")


class TestAQuestion:
    def test_shows_names_whole_and_how_many_more_there_are(self) -> None:
        form = QuestionForm(ASSIGN, "REYES, Tomás", lambda question, text: (True, ""))
        form.people = [Person(f"Practitioner/{n}", f"Colleague Number{n}") for n in range(9)]
        for width in range(60, 140):
            parts = form.parts(width)
            assert length(parts) <= width
            assert parts[-1][0].startswith(" +")
            assert all("…" not in text for text, _ in parts)

    def test_shows_how_a_time_can_be_said_before_one_is_typed(self) -> None:
        form = QuestionForm(
            SNOOZE, "REYES, Tomás", lambda question, text: (False, "no time to come. " * 9)
        )
        assert "tomorrow 9 · fri · 3bd" in "".join(text for text, _ in form.parts(80))
        form.press("x", "x")
        assert length(form.parts(80)) <= 80
        assert form.parts(80)[-1][0].endswith("…")

    def test_marks_what_is_out_of_sight_at_the_left(self) -> None:
        line = EditLine("sleeps better, no plan for the weekend")
        assert [text for text, _ in line.parts(12)] == ["…he weekend", "▏", ""]


class TestTheHeader:
    async def test_counts_again_although_the_rows_were_read_by_an_act(self) -> None:
        """What was let go, or taken back, reads the list at once; the header follows."""
        async with at_the_terminal() as seat:
            await seat.press("x", "t")
            await seat.wait(1)
            assert "needs you" not in seat.header
            await seat.press("x")
            assert seat.message.startswith("Nothing needs you")


class TestNewsOfSync:
    def test_one_can_work_while_the_first_sync_is_under_way(self) -> None:
        news, under_way = SyncNotices(), health(ever_synced=False, last_full=None, syncing=True)
        assert news.after(under_way, Message(), back=False) == FIRST_SYNC
        assert news.after(under_way, Message("Logged.", Tone.DONE), back=False) is None
        assert news.after(health(), FIRST_SYNC, back=False) == FIRST_DONE

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({}, "Up to date."),
            ({"waiting": 1}, "Synced; 1 of your changes is still waiting."),
            ({"needs_you": 2}, "Synced; 2 need you (x)."),
            (
                {"signed_out": True, "last_full": NOW - timedelta(hours=1)},
                "Signed out: check the token (carequeue doctor). Your work is saved.",
            ),
            (
                {"trouble": "not shown by the server: ServiceRequest (403)"},
                "Some records could not be read; see carequeue doctor. "
                "Not shown by the server: ServiceRequest (403).",
            ),
            (
                {"trouble": "it is busy (503)", "last_full": NOW - timedelta(hours=1)},
                "Some records could not be read; see carequeue doctor. It is busy (503).",
            ),
            (
                {"online": False, "why_offline": "no answer in 10 s"},
                "Server not reached: no answer in 10 s. Your work is saved and will be sent later.",
            ),
            (
                {"online": False, "silent_since": NOW, "checking": 50, "waiting": 50},
                "The server did not answer: 50 to be checked, 50 waiting, all saved. "
                "CareQueue will try again.",
            ),
            (
                {"online": False, "silent_since": NOW, "checking": 1},
                "The server did not answer: 1 to be checked, all saved. CareQueue will try again.",
            ),
            (
                {"online": False, "silent_since": NOW},
                "The server did not answer: nothing of yours is waiting. CareQueue will try again.",
            ),
        ],
    )
    def test_a_look_that_was_asked_for_has_an_end(
        self, facts: dict[str, object], words: str
    ) -> None:
        news = SyncNotices()
        assert news.requested(NOW) == SYNCING
        assert news.after(health(syncing=True), SYNCING, back=False) is None
        before = health(**{**facts, "last_sync": NOW - timedelta(minutes=2)})
        assert news.after(before, SYNCING, back=False) is None
        now = NOW + timedelta(seconds=1)
        ended = health(**{"last_full": now, "last_sync": now, **facts})
        said = news.after(ended, SYNCING, back=False)
        assert said is not None
        assert said.text == words
        assert news.after(ended, said, back=False) is None

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"signed_out": True}, "Signed out"),
            ({"trouble": "x (403)"}, "Some records could not be read"),
        ],
    )
    def test_what_is_wrong_is_said_in_the_place_of_good_news(
        self, facts: dict[str, object], words: str
    ) -> None:
        for said, back in ((FIRST_SYNC, False), (Message(), True)):
            news = SyncNotices().after(health(**facts), said, back=back)
            assert news is not None
            assert news.text.startswith(words)
            assert news.tone is Tone.WARNING

    @pytest.mark.parametrize(
        ("county", "words"),
        [
            (
                {"online": False, "why": "cannot be reached"},
                "County ED: cannot be reached. Its rows show how old they are.",
            ),
            ({"online": False}, "County ED: not reached. Its rows show how old they are."),
            (
                {"signed_out": True, "why": "expired"},
                "County ED: signed out, check its token (carequeue doctor). All is saved.",
            ),
            (
                {"why": "it is busy (503)"},
                "County ED: some records not read; see carequeue doctor. It is busy (503).",
            ),
        ],
    )
    def test_of_several_sources_the_one_that_was_not_read_is_named(
        self, county: dict[str, Any], words: str
    ) -> None:
        county = {"online": True, **county}
        sources = (
            SourceHealth("clinic", True),
            SourceHealth("county", label="County ED", **county),
        )
        news = SyncNotices()
        news.requested(NOW)
        ended = health(
            sources=sources, last_sync=NOW, trouble="cannot be reached",
            signed_out=county.get("signed_out", False),
        )  # fmt: skip
        said = news.after(ended, SYNCING, back=False)
        assert said == Message(words, Tone.WARNING)
        assert "".join(text for text, _ in message_parts(said, 80)) == f" ! {words}"

    def test_where_more_than_one_was_not_read_the_number_is_said(self) -> None:
        away = [SourceHealth(name, False, why="no answer") for name in ("county", "harbor")]
        busy = SourceHealth("clinic", True, why="it is busy (503)")
        ended = health(sources=(busy, *away), trouble="no answer")
        said = SyncNotices().after(ended, Message(), back=True)
        assert said is not None
        assert said.text == (
            "county: no answer. Its rows show how old they are. "
            "And 2 more sources: see carequeue doctor."
        )

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({}, READ_AGAIN.text),
            ({"online": False, "trouble": "no answer"}, ""),
            ({"forced_offline": True}, ""),
            (
                {"trouble": "other (403)"},
                "Some records could not be read; see carequeue doctor. Other (403).",
            ),
        ],
    )
    def test_what_was_wrong_is_not_said_any_more_when_it_is_over(
        self, facts: dict[str, object], words: str
    ) -> None:
        news = SyncNotices()
        wrong = health(trouble="it is busy (503)")
        said = news.after(wrong, Message(), back=True)
        assert said is not None
        assert news.after(wrong, said, back=False) is None
        now = news.after(health(**facts), said, back=False)
        assert now is not None
        assert now.text == words
        assert news.after(health(**facts), now, back=False) is None

    async def test_what_is_wrong_is_gone_with_the_next_key_and_keeps_nothing_else_unsaid(
        self,
    ) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("r")
            ended = seat.time.now + timedelta(seconds=1)
            desk.feel(trouble="it is busy (503)", last_sync=ended)
            await seat.wait(1)
            assert "It is busy (503)." in seat.message
            await seat.press("j")
            assert seat.message == ""
            assert "! some records not read" in seat.header

    def test_up_to_date_is_never_said_over_what_was_done_meanwhile(self) -> None:
        news = SyncNotices()
        news.requested(NOW)
        ended = health(last_sync=NOW + timedelta(seconds=1))
        assert news.after(ended, Message("Logged.", Tone.DONE), back=False) is None

    async def test_the_screen_says_how_the_look_ended(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk) as seat:
            await seat.press("r")
            desk.feel(waiting=0, needs_you=0, last_sync=seat.time.now + timedelta(seconds=1))
            await seat.wait(1)
            assert seat.message == "Up to date."
