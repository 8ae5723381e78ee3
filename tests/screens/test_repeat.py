"""`.`: the last act again, with its answers, on another item."""

from __future__ import annotations

import threading

import pytest

from carequeue.screens.repeat import KeptAnswers, LastAct, keep_answers
from carequeue.verbs.verb import Asks, Choice, Question, Verb
from carequeue.worklist.results import Person
from tests.screens.clinic import FakeDesk, row
from tests.screens.quiet import press, send
from tests.screens.stage import at_the_terminal
from tests.verbs.named import named

AGAIN = "full_stop"


def three(verbs: str) -> FakeDesk:
    return FakeDesk(
        [
            row(key, "follow_up", 2, None, "", client, "Call back", verbs=verbs)
            for key, client in (("a", "ADAMS, Eve"), ("b", "BAKER, Cy"), ("c", "COLE, Di"))
        ]
    )


async def test_before_any_act_there_is_nothing_to_repeat() -> None:
    async with at_the_terminal() as seat:
        await seat.press(AGAIN)
        assert seat.message == "· There is nothing to repeat yet."
        assert seat.desk.acts == []


async def test_an_act_without_questions_is_one_key() -> None:
    async with at_the_terminal(three("claim")) as seat:
        await seat.press("c", AGAIN, AGAIN)
        assert seat.desk.acts == [("claim", (key,), {}) for key in "abc"]


@pytest.mark.parametrize(
    ("verb", "keys", "answers"),
    [
        ("log", ("l", "m"), {"outcome": "left message"}),
        ("priority", ("p", "2"), {"to": "urgent"}),
    ],
)
async def test_answers_by_a_key_are_taken(
    verb: str, keys: tuple[str, ...], answers: dict[str, str]
) -> None:
    async with at_the_terminal(three(verb)) as seat:
        await seat.press(*keys, AGAIN)
        assert seat.desk.acts == [(verb, ("a",), answers), (verb, ("b",), answers)]


async def test_a_time_is_taken_as_it_was_typed() -> None:
    async with at_the_terminal(three("snooze")) as seat:
        await seat.press("s")
        await seat.write("3bd")
        await seat.press("enter", AGAIN)
        assert [act[1:] for act in seat.desk.acts] == [
            (("a",), {"until": "3bd"}),
            (("b",), {"until": "3bd"}),
        ]


async def test_a_person_is_taken() -> None:
    async with at_the_terminal(three("assign")) as seat:
        await seat.press("t")
        await seat.write("lin")
        await seat.press("enter", AGAIN)
        given = {"to": "Practitioner/lin"}
        assert seat.desk.acts == [("assign", ("a",), given), ("assign", ("b",), given)]


async def test_a_person_whom_this_item_does_not_know_is_asked_for() -> None:
    async with at_the_terminal(three("assign")) as seat:
        await seat.press("t")
        await seat.write("lin")
        await seat.press("enter")
        seat.desk.its_people = [Person("Practitioner/ames", "Ames, Ruth")]
        await seat.press(AGAIN)
        assert "Assign BAKER, Cy: to whom?" in seat.message
        await seat.press("tab", "enter")
        assert seat.desk.acts[-1] == ("assign", ("b",), {"to": "Practitioner/ames"})


async def test_a_person_is_asked_for_again_where_the_client_is_at_risk() -> None:
    desk = three("assign")
    desk.rows[1] = desk.rows[1]._replace(band=1)
    async with at_the_terminal(desk) as seat:
        await seat.press("t")
        await seat.write("lin")
        await seat.press("enter", AGAIN)
        assert "Assign BAKER, Cy: to whom?" in seat.message
        await seat.press("enter")
        assert len(desk.acts) == 1


async def test_a_text_is_shown_before_it_goes_to_another_client() -> None:
    async with at_the_terminal(three("note")) as seat:
        await seat.press("n")
        await seat.write("fax sent")
        await seat.press("enter", AGAIN)
        assert seat.message.startswith("Note BAKER, Cy:")
        assert "fax sent" in seat.message
        assert len(seat.desk.acts) == 1
        await seat.write(" too")
        await seat.press("enter")
        assert seat.desk.acts[-1] == ("note", ("b",), {"text": "fax sent too"})


async def test_a_question_that_only_this_item_is_asked_is_asked() -> None:
    desk = three("done")
    desk.rows[1] = desk.rows[1]._replace(verbs="done:0")
    async with at_the_terminal(desk) as seat:
        await seat.press("e", AGAIN)
        assert "Done BAKER, Cy: how was it met?" in seat.message
        assert len(desk.acts) == 1
        await seat.press("r", AGAIN)
        assert desk.acts == [
            ("done", ("a",), {}),
            ("done", ("b",), {"met": "client was reached"}),
            ("done", ("c",), {}),
        ]


async def test_how_the_need_of_a_person_at_risk_was_met_is_asked_each_time() -> None:
    async with at_the_terminal(three("done:0")) as seat:
        await seat.press("e", "s", AGAIN)
        assert "Done BAKER, Cy: how was it met?" in seat.message
        assert len(seat.desk.acts) == 1


async def test_the_answers_go_to_all_marked_items_after_the_preview() -> None:
    async with at_the_terminal(three("log")) as seat:
        await seat.press("l", "m", "space", "space", AGAIN)
        assert "do 2" in seat.message
        assert len(seat.desk.acts) == 1
        await seat.press("y")
        assert seat.desk.acts[-1] == ("log", ("b", "c"), {"outcome": "left message"})


async def test_an_act_on_many_is_repeated_on_one() -> None:
    async with at_the_terminal(three("claim")) as seat:
        await seat.press("space", "space", "c", "y", AGAIN)
        assert seat.desk.acts == [("claim", ("a", "b"), {}), ("claim", ("c",), {})]


async def test_a_verb_that_does_not_apply_says_why() -> None:
    desk = three("claim")
    desk.rows[1] = desk.rows[1]._replace(verbs="log")
    async with at_the_terminal(desk) as seat:
        await seat.press("c", AGAIN)
        assert seat.message == "· Can’t claim: BAKER, Cy is no claim matter."
        assert len(desk.acts) == 1


async def test_a_refused_act_is_not_the_last_act() -> None:
    desk = three("claim log")
    desk.refused["b"] = "changed"
    async with at_the_terminal(desk) as seat:
        await seat.press("c", "l", "m", AGAIN)
        assert [act[:2] for act in desk.acts] == [("claim", ("a",)), ("claim", ("c",))]


async def test_an_act_under_way_is_waited_for() -> None:
    desk = three("claim")
    desk.gate = threading.Event()
    async with at_the_terminal(desk) as seat:
        for key in ("c", AGAIN):
            seat.time.pass_(0.3)
            await press(seat.app, key)
        assert seat.message == "Your last act is being saved. Press the key again in a moment."
        desk.gate.set()
        await seat.rest()
        assert len(desk.acts) == 1


async def test_a_held_key_repeats_once() -> None:
    async with at_the_terminal(three("claim")) as seat:
        await seat.press("c", AGAIN)
        send(seat.app, AGAIN)
        await seat.rest()
        assert len(seat.desk.acts) == 2


class TestKeepAnswers:
    OWN = Question("why", "why?", Asks.CHOICE, (Choice("1", "full"),), free=True)

    def kept(self, verb: Verb, question: Question, answer: str) -> KeptAnswers:
        last = LastAct(verb, {question.name: answer})
        return keep_answers(last, [question], lambda name, person: False)

    def test_takes_a_choice_and_shows_ones_own_words(self) -> None:
        verb = named("note")
        assert self.kept(verb, self.OWN, "full") == ({"why": "full"}, {})
        assert self.kept(verb, self.OWN, "moved away") == ({}, {"why": "moved away"})

    def test_drops_a_choice_that_this_item_does_not_offer(self) -> None:
        asked = self.OWN._replace(free=False)
        assert self.kept(named("log"), asked, "guardian") == ({}, {})

    def test_drops_an_answer_that_is_not_asked_for(self) -> None:
        last = LastAct(named("note"), {"text": "words"})
        assert keep_answers(last, [self.OWN], lambda name, person: True) == ({}, {})
