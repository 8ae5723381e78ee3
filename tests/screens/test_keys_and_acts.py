"""The keys, as a person presses them: one key, one act, and every word names the client."""

from __future__ import annotations

import pytest

from carequeue.verbs.motions import MOTIONS
from carequeue.verbs.table import all_verbs
from carequeue.worklist.health import SourceHealth
from tests.screens.clinic import FakeDesk, morning
from tests.screens.quiet import at_rest, press
from tests.screens.stage import FakeSync, at_the_terminal, shown

# --- one item


async def test_the_eye_lands_on_the_first_row_of_the_first_band() -> None:
    async with at_the_terminal() as seat:
        assert seat.cursor == "okafor"
        assert seat.lines[2].startswith(" Now ──")
        assert seat.lines[3].startswith("▌⇄ Hnd 1h10 over   OKAFOR, Amara")


async def test_a_key_acts_says_to_whom_and_goes_to_the_next() -> None:
    async with at_the_terminal() as seat:
        await seat.press("a")
        assert seat.desk.acts == [("accept", ("okafor",), {})]
        assert seat.message == "✓ Accepted: OKAFOR, Amara.  u undoes it"
        assert seat.cursor == "reyes"
        assert "✓ Hnd 1h10 over   OKAFOR, Amara" in seat.text


async def test_the_row_acted_on_stays_where_it_is_until_the_hand_rests() -> None:
    async with at_the_terminal() as seat:
        await seat.press("e", "j", "e")
        before = seat.lines[2:10]
        await seat.wait(1)
        assert seat.lines[2:10] == before
        await seat.wait(1)
        assert "LINDQVIST" in seat.text
        assert not any(line.startswith(("▌", " ↻")) and "REYES" in line for line in seat.lines)


async def test_logging_a_contact_asks_one_key() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "l")
        assert seat.message.startswith("Log contact REYES, Tomás: how did it go?")
        assert "r reached   m left message   n no answer" in seat.footer
        await seat.press("m")
        assert seat.desk.acts == [("log", ("reyes",), {"outcome": "left message"})]
        assert seat.message.startswith("✓ Logged: REYES, Tomás, left message.")


async def test_a_note_of_the_profile_is_logged_with_its_outcome_by_one_key() -> None:
    note = "left message: Left a voicemail and asked to call back."
    async with at_the_terminal() as seat:
        seat.desk.notes = {"1": note}
        await seat.press("j", "l")
        assert "1 left message: Left a voicem…" in seat.footer
        await seat.press("1")
        assert seat.desk.acts == [("log", ("reyes",), {"outcome": note})]


async def test_a_key_that_does_not_apply_says_why_and_does_nothing() -> None:
    async with at_the_terminal() as seat:
        await seat.press("e")
        assert seat.message == "· Can’t done: OKAFOR, Amara is no done matter."
        assert seat.desk.acts == []
        assert seat.cursor == "okafor"


async def test_what_the_desk_refuses_is_not_shown_as_done() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        desk.refused["okafor"] = "it was taken meanwhile"
        await seat.press("a")
        assert seat.message == "· it was taken meanwhile."
        assert "✓ Hnd" not in seat.text


async def test_an_answer_that_the_desk_cannot_read_is_said_and_nothing_is_shown_as_done() -> None:
    desk = FakeDesk()
    async with at_the_terminal(desk) as seat:
        desk.fault = "“3bd” is not a future time. Nothing was changed."
        await seat.press("a")
        assert seat.message == "· “3bd” is not a future time. Nothing was changed."
        assert "✓" not in seat.text
        await seat.wait(5)
        assert seat.app.is_running
        desk.fault = ""
        await seat.press("k", "a")
        assert [keys for _, keys, _ in desk.acts] == [("okafor",)]


async def test_undo_brings_the_item_back_under_the_cursor() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "e")
        await seat.wait(3)
        assert "REYES" not in seat.text.rsplit("\n", 2)[0]
        await seat.press("u")
        assert seat.message == "✓ Undone: Done, REYES, Tomás.  U does it again"
        assert seat.cursor == "reyes"


async def test_undo_with_nothing_done_says_so() -> None:
    async with at_the_terminal() as seat:
        await seat.press("u")
        assert seat.message == "· There is nothing to undo."


async def test_a_held_key_acts_once() -> None:
    """A key that is held down must never act on twenty clients."""
    async with at_the_terminal() as seat:
        await seat.press("a")
        for _ in range(10):
            seat.time.pass_(0.05)
            await press(seat.app, "a")
        await seat.rest()
        assert [keys for _, keys, _ in seat.desk.acts] == [("okafor",)]


async def test_the_key_that_asked_is_not_typed_into_the_question_while_it_is_held() -> None:
    async with at_the_terminal() as seat:
        await seat.press("n")
        for _ in range(5):
            seat.time.pass_(0.05)
            await press(seat.app, "n")
        await seat.write("ok")
        assert seat.message.startswith("Note OKAFOR, Amara: what? ok▏")


async def test_an_act_belongs_to_the_item_that_was_painted() -> None:
    """The data may take an item away under the cursor; a key that came before is still for it."""
    async with at_the_terminal() as seat:
        rows = seat.controller.widgets.rows
        seat.desk.change(morning()[1:])
        before_the_change = rows._aim_since
        await seat.wait(3)
        assert seat.cursor == "reyes"
        meant = rows.aim(before_the_change + 1e-9)
        now = rows.aim(float("inf"))
        assert meant is not None
        assert now is not None
        assert (meant.key, now.key) == ("okafor", "reyes")


async def test_acts_keep_the_order_of_the_keys_and_the_screen_never_waits() -> None:
    import threading

    desk = FakeDesk()
    desk.gate = threading.Event()
    async with at_the_terminal(desk) as seat:
        for key in ("a", "j", "j", "l", "r", "e"):
            seat.time.pass_(0.3)
            await press(seat.app, key)
        assert desk.acts == []
        assert seat.cursor == "whitehorse"
        desk.gate.set()
        await seat.rest()
        assert [verb for verb, _, _ in desk.acts] == ["accept", "log", "done"]


async def test_leaving_finishes_what_was_asked_for() -> None:
    import threading

    desk = FakeDesk()
    desk.gate = threading.Event()
    async with at_the_terminal(desk) as seat:
        await press(seat.app, "a")
        await press(seat.app, "q")
        desk.gate.set()
    assert [verb for verb, _, _ in desk.acts] == ["accept"]


# --- questions


async def test_a_reason_is_one_key_or_a_text_of_ones_own() -> None:
    async with at_the_terminal(size=(140, 34)) as seat:
        await seat.press("d")
        assert "1 no capacity  2 out of area" in seat.message
        await seat.press("2")
        assert seat.desk.acts[-1] == ("decline", ("okafor",), {"reason": "out of area"})
        await seat.press("j", "d")
        await seat.write("moved away")
        await seat.press("enter")
        assert seat.desk.acts[-1] == ("decline", ("lindqvist",), {"reason": "moved away"})


async def test_choices_without_room_in_the_question_stand_in_the_footer() -> None:
    async with at_the_terminal() as seat:
        await seat.press("d")
        shown = f"{seat.message}\n{seat.footer}"
        for number in "12345":
            assert f"{number} " in shown
        assert "wrong level of care" in seat.footer


async def test_a_time_is_read_back_while_it_is_typed() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("s")
        await seat.write("3b")
        assert "→ “3b” is no time" in seat.message
        await seat.press("enter")
        assert seat.desk.acts == []
        await seat.press("d")
        assert "→ Mon 30 Nov 09:00 (Thanksgiving skipped)" in seat.message
        await seat.press("enter")
        assert seat.desk.acts == [("snooze", ("okafor",), {"until": "3bd"})]


async def test_a_colleague_is_found_by_the_first_letters() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("t")
        assert "Ortiz, Nadia · Lin, Maria · Access team" in seat.message
        await seat.write("mar")
        assert seat.message.endswith("→ Lin, Maria")
        await seat.press("enter")
        assert seat.desk.acts == [("assign", ("okafor",), {"to": "Practitioner/lin"})]


async def test_nobody_of_a_name_is_given_nothing() -> None:
    async with at_the_terminal() as seat:
        await seat.press("t")
        await seat.write("xyz")
        await seat.press("enter")
        assert "nobody matches" in seat.message
        assert seat.desk.acts == []


async def test_a_hand_off_asks_its_four_questions_in_one_line() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("j", "h")
        assert seat.message.startswith("Hand off REYES, Tomás 1/4: to whom?")
        await seat.press("tab", "enter", "2")
        assert seat.message.startswith("Hand off REYES, Tomás 3/4: summary:")
        await seat.write("safe plan")
        await seat.press("enter", "enter")
        assert seat.desk.acts == [
            (
                "handoff",
                ("reyes",),
                {
                    "to": "Practitioner/ortiz",
                    "severity": "watcher",
                    "summary": "safe plan",
                    "actions": "",
                },
            )
        ]


async def test_esc_goes_a_question_back_and_nothing_typed_is_lost() -> None:
    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("j", "h", "o", "enter", "2")
        await seat.write("two calls")
        await seat.press("escape")
        assert "2/4" in seat.message
        await seat.press("escape", "escape")
        assert seat.message == "Hand off REYES, Tomás: not done. Your text is saved."
        assert seat.desk.acts == []
        await seat.press("h", "enter", "enter")
        assert "summary: two calls▏" in seat.message


async def test_a_question_lets_no_key_through_to_the_list() -> None:
    async with at_the_terminal() as seat:
        await seat.press("j", "l", "j", "e", "q", "u", "1")
        assert seat.cursor == "reyes"
        assert seat.desk.acts == []
        assert seat.message.startswith("Log contact REYES, Tomás")


async def test_a_paste_into_a_reason_is_its_first_line_only() -> None:
    from textual import events

    async with at_the_terminal(size=(100, 24)) as seat:
        await seat.press("d")
        seat.screen.post_message(events.Paste("called \x1b]52;c;x\x07 twice\nrm -rf"))
        await at_rest(seat.app)
        assert "called" in seat.message
        assert "\x1b" not in seat.message
        assert "rm -rf" not in seat.message


async def test_a_paste_into_the_list_does_nothing() -> None:
    from textual import events

    async with at_the_terminal() as seat:
        seat.screen.post_message(events.Paste("aaaa"))
        await seat.rest()
        assert seat.desk.acts == []


# --- sync, leaving, blanking


async def test_sync_now_asks_for_a_sync() -> None:
    sync = FakeSync()
    async with at_the_terminal(sync=sync) as seat:
        await seat.press("r")
        assert sync.syncs == 1
        assert seat.message == "Syncing with the server."
    assert (sync.started, sync.stopped) == (1, 1)


async def test_leaving_is_asked_only_when_work_waits_and_there_is_no_way_to_send_it() -> None:
    async with at_the_terminal() as seat:
        seat.desk.feel(online=False)
        await seat.wait(1)
        await seat.press("q")
        words = "Saved for the next time: 3 are waiting, 1 needs you."
        assert seat.message == f"{words}  y quit  n stay"
        await seat.press("q", "enter")
        assert seat.app.is_running
        await seat.press("n")
        assert seat.message == ""
        await seat.press("q", "y")
        assert not seat.app.is_running


async def test_leaving_says_of_work_that_cannot_be_sent_whether_it_is_kept() -> None:
    async with at_the_terminal() as seat:
        seat.desk.is_persistent = False
        seat.desk.feel(signed_out=True)
        await seat.wait(1)
        await seat.press("ctrl+c")
        assert seat.message == "Press ctrl+c again to quit; nothing here is saved."
        await seat.press("q")
        words = "Practice only, not saved: 3 are waiting, 1 needs you."
        assert seat.message.startswith(words)


async def test_leaving_on_line_asks_nothing_and_says_in_the_shell_what_is_not_sent() -> None:
    async with at_the_terminal() as seat:
        seat.desk.feel(checking=2, kept_here=4)
        await seat.wait(1)
        await seat.press("q")
        assert not seat.app.is_running
        (said,) = seat.app._exit_renderables
        assert str(said) == (
            "Not on the server yet: 3 are waiting, 2 are being checked, 1 needs you, "
            "4 are saved on this computer only. All of it is saved."
        )


@pytest.mark.parametrize("facts", [{"kept_here": 4}, {}])
async def test_leaving_says_nothing_where_nothing_is_on_its_way(facts: dict[str, int]) -> None:
    async with at_the_terminal() as seat:
        seat.desk.feel(waiting=0, needs_you=0, **facts)
        await seat.wait(1)
        await seat.press("q")
        assert not seat.app._exit_renderables


@pytest.mark.parametrize(
    "facts",
    [
        {"forced_offline": True},
        {"sources": (SourceHealth("clinic", True), SourceHealth("county", False))},
    ],
    ids=["offline by choice", "one of two sources away"],
)
async def test_leaving_is_asked_where_some_of_it_has_no_way(facts: dict[str, object]) -> None:
    async with at_the_terminal() as seat:
        seat.desk.feel(**facts)
        await seat.wait(1)
        await seat.press("q")
        assert seat.message.startswith("Saved for the next time: 3 are waiting")


async def test_ctrl_c_leaves_when_pressed_twice() -> None:
    async with at_the_terminal() as seat:
        await seat.press("ctrl+c")
        assert seat.message == "Press ctrl+c again to quit; your work is saved."
        await seat.press("ctrl+c")
        assert not seat.app.is_running


async def test_the_screen_is_blank_until_a_key_and_that_key_does_nothing_else() -> None:
    async with at_the_terminal() as seat:
        await seat.press("b")
        assert "OKAFOR" not in seat.text
        assert "Riverbend" not in seat.text
        await seat.press("a")
        assert "OKAFOR" in seat.text
        assert seat.desk.acts == []


@pytest.mark.parametrize("size", [(39, 24), (80, 9), (20, 5), (1, 1)])
async def test_on_a_screen_that_is_too_small_no_key_acts(size: tuple[int, int]) -> None:
    async with at_the_terminal(size=size) as seat:
        assert "OKAFOR" not in seat.text
        await seat.press("a", "e")
        assert seat.desk.acts == []
        await seat.pilot.resize_terminal(80, 24)
        assert "OKAFOR" in seat.text


async def test_the_words_on_a_screen_that_is_too_small() -> None:
    async with at_the_terminal(size=(39, 24)) as seat:
        assert "Make the window larger (now 39x24," in seat.text


# --- the tables


async def test_every_motion_of_the_table_has_its_action() -> None:
    async with at_the_terminal() as seat:
        assert set(seat.controller.motions.actions) == {motion.name for motion in MOTIONS}


async def test_the_footer_shows_the_verbs_of_the_row_most_used_first() -> None:
    async with at_the_terminal(size=(140, 34)) as seat:
        await seat.press("j")
        assert seat.footer.startswith("l log contact   e done   h hand off   s snooze")
        assert seat.footer.endswith(": all actions   ? keys")
        await seat.press("k")
        assert seat.footer.startswith("a acknowledge   d decline")


@pytest.mark.parametrize("width", [40, 50, 60, 80, 99, 100, 140])
async def test_the_footer_never_cuts_a_word_and_always_names_the_way_to_all(width: int) -> None:
    from carequeue.widgets.key_footer import footer_parts, row_pairs

    pairs = row_pairs(" ".join(verb.name for verb in all_verbs()), "follow_up", width, {})
    text = "".join(part for part, _ in footer_parts(pairs, width)).strip()
    assert text.endswith("? keys")
    assert len(text) < width


async def test_help_lists_the_keys_that_apply_and_finds_one_by_typing() -> None:
    async with at_the_terminal(size=(100, 30)) as seat:
        await seat.press("question_mark")
        assert "acknowledge" in seat.text
        assert "log contact" not in seat.text
        await seat.write("blank")
        assert len(shown(seat.controller.widgets.text_view).splitlines()) == 1
        await seat.press("escape")
        assert "OKAFOR, Amara" in seat.text


async def test_why_a_verb_is_off_is_read_beside_the_screen_and_fills_in() -> None:
    """A chart takes longer to read than a frame may take: the list does not wait for it."""
    async with at_the_terminal(size=(100, 30)) as seat:
        seat.time.pass_(1)
        seat.controller.press("colon", ":", float("inf"))
        assert "off: " not in shown(seat.controller.widgets.text_view)
        await seat.rest()
        assert "off: Can’t done: OKAFOR, Amara" in shown(seat.controller.widgets.text_view)
        await seat.press("escape", "question_mark", "escape", "e")
        assert seat.message.startswith("· Can’t done: OKAFOR, Amara")
        assert [name.partition("_")[0] for name in seat.desk.read_by] == ["reads", "reads"]


async def test_reasons_that_come_after_the_list_was_closed_open_nothing() -> None:
    async with at_the_terminal(size=(100, 30)) as seat:
        seat.time.pass_(1)
        seat.controller.press("colon", ":", float("inf"))
        seat.controller.press("escape", None, float("inf"))
        await seat.rest()
        assert not seat.controller.widgets.text_view.display
        assert "▌" in seat.line_of("OKAFOR, Amara")


async def test_the_palette_does_what_is_chosen_and_says_why_another_is_off() -> None:
    async with at_the_terminal(size=(100, 30)) as seat:
        await seat.press("colon")
        await seat.write("done")
        assert "off: Can’t done: OKAFOR, Amara" in seat.text
        await seat.press("escape", "colon")
        await seat.write("decl")
        await seat.press("enter", "1")
        assert seat.desk.acts == [("decline", ("okafor",), {"reason": "no capacity"})]
