"""`act` and `undo`: one item or many, from arguments or a pipe, with a result per row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.cli.act_commands import gather_inputs, keys_in
from carequeue.domain.errors import BadQuestion
from carequeue.verbs.handoff import VERB as HAND_OFF
from carequeue.verbs.table import item_verbs
from carequeue.verbs.verb import Question
from carequeue.worklist.results import Where
from tests.cli.conftest import Shell

REFUSED = "OKAFOR, Amara is already accepted"


def test_one_item_is_changed_and_the_way_back_is_named(shell: Shell) -> None:
    result = shell.run("act", "accept", "Task/1")
    assert result.exit_code == 0
    assert shell.desk.acts == [("accept", ("Task/1",), {})]
    assert "changed\tTask/1" in result.stdout
    assert "carequeue undo g1" in result.stdout


def test_each_question_is_an_option_and_an_answer(shell: Shell) -> None:
    shell.run("act", "decline", "Task/1", "--reason", "No Capacity")
    shell.run("act", "decline", "Task/1", "--answer", "reason=they moved = away")
    assert [answers["reason"] for _, _, answers in shell.desk.acts] == [
        "no capacity",
        "they moved = away",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["decline", "Task/1"], "decline needs --reason (no capacity, "),
        (["decline", "Task/1", "--reason", " "], "decline needs --reason"),
        (["snooze", "Task/1"], 'snooze needs --until (such as "tomorrow 9" or 3bd)'),
        (["accept", "Task/1", "--reason", "x"], "accept does not ask for `reason`"),
        (["log", "Task/1", "--outcome", "maybe"], "--outcome is one of (reached, left message,"),
        (["note", "Task/1", "--answer", "text"], "--answer text is not NAME=VALUE"),
        (["note", "Task/1", "--text", "a", "--answer", "text=b"], "--answer text=b is given twice"),
        (["snooze", "Task/1", "--until", "whenever"], "--until: “whenever” is not a future time"),
        (["accept"], "No key was given."),
    ],
)
def test_bad_input_changes_nothing_and_is_told_in_one_sentence(
    shell: Shell, words: list[str], sentence: str
) -> None:
    result = shell.run("act", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)
    assert "Nothing was changed." in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert shell.desk.acts == []


def test_an_unknown_verb_is_refused(shell: Shell) -> None:
    result = shell.run("act", "explode", "Task/1")
    assert result.exit_code == 2
    assert "'explode' is not one of" in result.stderr


def answer_to(question: Question) -> str:
    return question.choices[0].words if question.choices else "tomorrow 9"


def test_every_verb_of_an_item_can_be_done_from_the_command_line(shell: Shell) -> None:
    for verb in item_verbs():
        words = [
            word
            for question in verb.questions
            for word in (f"--{question.name}", answer_to(question))
        ]
        assert shell.run("act", verb.name, "Task/1", *words).exit_code == 0, verb.name
    assert [name for name, _, _ in shell.desk.acts] == [verb.name for verb in item_verbs()]


def test_the_json_of_list_can_be_piped_into_act(shell: Shell) -> None:
    listed = shell.run("list", "--json").stdout
    result = shell.run("act", "claim", given=listed)
    assert result.exit_code == 0
    assert shell.desk.acts == [("claim", ("Task/1", "Task/2", "Task/3"), {})]
    assert result.stderr.startswith("claim, 3 in all: 3 will change")


def test_keys_one_a_line_are_taken_once_each(shell: Shell) -> None:
    shell.run("act", "claim", given="Task/2\n\n  Task/1 \r\nTask/2\n")
    assert shell.desk.acts == [("claim", ("Task/2", "Task/1"), {})]


@pytest.mark.parametrize(
    ("given_text", "sentence"),
    [
        (b"[{", "Standard input begins like JSON but is not JSON."),
        (b'["Task/1", {"id": 3}]', "Entry 2 of the JSON on standard input has no `key`."),
        (b"[1]", "Entry 1 of the JSON on standard input has no `key`."),
        (b"[" * 100_000, "Standard input begins like JSON but is not JSON."),
        (b"Task/1\n\xff\xfe", "Standard input is not text."),
        (b"[]", "No key was given."),
    ],
)
def test_a_bad_pipe_changes_nothing(shell: Shell, given_text: bytes, sentence: str) -> None:
    result = shell.run("act", "claim", given=given_text)
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert shell.desk.acts == []


def test_what_is_refused_is_named_the_others_are_done_and_a_script_can_tell(shell: Shell) -> None:
    shell.desk.refused = {"Task/1": REFUSED}
    result = shell.run("act", "accept", "Task/1", "Task/2", "--json")
    assert result.exit_code == 8
    found = json.loads(result.stdout)
    assert found["group"] == "g1"
    assert found["results"] == [
        {"key": "Task/2", "result": "changed"},
        {"key": "Task/1", "result": "refused", "client": "OKAFOR, Amara", "why": REFUSED},
    ]
    assert result.stderr == "accept, 2 in all: 1 will change, 1 not allowed\n"


def test_a_row_that_has_left_meanwhile_does_not_hold_up_the_others(shell: Shell) -> None:
    result = shell.run("act", "accept", "Task/1", "Task/99")
    assert result.exit_code == 8
    assert "missing\tTask/99\tno longer in the queue" in result.stdout
    assert shell.desk.acts == [("accept", ("Task/1",), {})]


def test_only_unknown_keys_is_a_mistake_of_its_own(shell: Shell) -> None:
    result = shell.run("act", "accept", "Task/98", "Task/99")
    assert (result.exit_code, shell.desk.acts) == (4, [])
    assert result.stderr.startswith("Task/98 and 1 more: no such item")


def test_a_dry_run_says_what_would_change_and_changes_nothing(shell: Shell) -> None:
    shell.desk.refused = {"Task/1": REFUSED}
    result = shell.run("act", "accept", "Task/1", "Task/2", "--dry-run")
    assert (result.exit_code, shell.desk.acts) == (8, [])
    assert "would change\tTask/2" in result.stdout
    assert "accept, 2 in all: 1 will change" in result.stdout


def test_before_many_a_person_is_asked_and_no_is_no(shell: Shell) -> None:
    shell.at_a_terminal()
    shell.desk.refused = {"Task/1": REFUSED, "Task/2": "it is asleep"}
    many = ("act", "claim", "Task/1", "Task/2", "Task/3")
    refused = shell.run(*many, given="n\n")
    assert (refused.exit_code, shell.desk.acts) == (2, [])
    assert refused.stderr.splitlines()[:3] == [
        "claim, 3 in all: 1 will change, 2 not allowed",
        f"not allowed: {REFUSED}",
        "not allowed: REYES, Tomás: it is asleep",
    ]
    assert refused.stderr.endswith("Nothing was changed.\n")
    assert shell.run(*many, given="y\n").exit_code == 8
    assert shell.run(*many, "--yes").exit_code == 8
    assert len(shell.desk.acts) == 2


def test_one_item_is_never_asked_about(shell: Shell) -> None:
    shell.at_a_terminal()
    assert shell.run("act", "claim", "Task/1").exit_code == 0
    assert len(shell.desk.acts) == 1


def test_undo_takes_back_the_last_or_a_named_group(shell: Shell) -> None:
    assert "Undone" in shell.run("undo").stdout
    assert json.loads(shell.run("undo", "g1", "--json").stdout)["message"] == "Undone"
    assert shell.desk.undone == ["g9", "g1"]
    unknown = shell.run("undo", "unknown")
    assert (unknown.exit_code, unknown.stdout) == (2, "")


@given(st.lists(st.text(min_size=1).filter(str.strip), unique=True))
def test_keys_survive_the_way_through_json(keys: list[str]) -> None:
    assert keys_in(json.dumps([{"key": key, "band": 1} for key in keys])) == tuple(keys)


@given(st.text())
def test_no_text_on_standard_input_breaks_the_reader(text: str) -> None:
    try:
        keys = keys_in(text)
    except BadQuestion:
        return
    assert all(isinstance(key, str) and key.strip() for key in keys)


def test_a_default_needs_no_answer() -> None:
    answers = {"to": "Ben Osei", "summary": "Steady."}
    assert gather_inputs(HAND_OFF, (), answers) == answers


class TestUndoOfTheLastAct:
    """Without a group: the last act, by name; what a window did is not undone unasked."""

    @pytest.fixture
    def in_a_window(self, shell: Shell) -> Shell:
        assert shell.desk.last is not None
        shell.desk.last = replace(shell.desk.last, where=Where.OTHER_WINDOW)
        return shell

    def test_of_the_command_line_is_named_and_undone(self, shell: Shell) -> None:
        result = shell.run("undo")
        assert result.exit_code == 0
        assert "The command line did this last: accept REYES, Tomás, Tue 2026-12-01 09:00." in (
            result.stderr
        )
        assert shell.desk.undone == ["g9"]

    @pytest.mark.parametrize("where", [Where.OTHER_WINDOW, Where.EARLIER])
    def test_of_a_window_is_refused_off_a_terminal_with_its_group(
        self, shell: Shell, where: Where
    ) -> None:
        assert shell.desk.last is not None
        shell.desk.last = replace(shell.desk.last, where=where)
        result = shell.run("undo", "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "A window of the queue did this last: accept REYES, Tomás" in result.stderr
        assert "carequeue undo g9" in result.stderr
        assert shell.desk.undone == []

    @pytest.mark.parametrize("words", [("undo", "g9"), ("undo", "--yes")])
    def test_of_a_window_is_undone_by_its_group_or_by_yes(
        self, in_a_window: Shell, words: tuple[str, ...]
    ) -> None:
        assert in_a_window.run(*words, "--json").exit_code == 0
        assert in_a_window.desk.undone == ["g9"]

    @pytest.mark.parametrize(("answer", "undone"), [("y\n", ["g9"]), ("n\n", []), ("\n", [])])
    def test_of_a_window_is_asked_about_on_a_terminal_and_enter_is_no(
        self, in_a_window: Shell, answer: str, undone: list[str]
    ) -> None:
        in_a_window.at_a_terminal()
        result = in_a_window.run("undo", given=answer)
        assert "A window of the queue did this last: accept REYES, Tomás" in result.stderr
        assert in_a_window.desk.undone == undone
        assert result.exit_code == (0 if undone else 2)

    def test_that_there_is_none_is_said(self, shell: Shell) -> None:
        shell.desk.last = None
        result = shell.run("undo")
        assert (result.exit_code, shell.desk.undone) == (2, [])
        assert "There is nothing of yours to undo" in result.stderr
