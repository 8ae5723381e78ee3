"""`outbox` and `conflicts` over a real cache: as a script calls them, and as a person does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from carequeue.cli import use_cases
from carequeue.cli.main import carequeue
from carequeue.domain.intents import IntentEvent, IntentState
from tests.fhir.clinic import DANA, NOEL, NOW, ref, task
from tests.store.cache import Cache
from tests.worklist import meanwhile
from tests.worklist.world import FOLLOW_UP, REFERRAL, queue

THEIRS: dict[str, Any] = task(
    "t1",
    owner=ref(DANA),
    requester=ref(NOEL),
    description="Call about the group",
    priority="stat",
    meta={"lastUpdated": "2026-03-09T13:12:00Z", "versionId": "7", "author": ref(NOEL)},
)


class Shell:
    """Runs commands over one cache; each opens it anew, as a process does."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.cache = queue(folder)
        monkeypatch.setattr(use_cases, "open_session", lambda _: Cache(folder).session)
        monkeypatch.setattr(use_cases, "now", lambda: NOW)

    def run(self, *words: str, given: str | None = None) -> Result:
        result = CliRunner().invoke(carequeue, list(words), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def at_a_terminal(self) -> None:
        for can in ("can_ask", "shows_people"):
            self.monkeypatch.setattr(use_cases, can, lambda: True)

    def refused(self, words: str = "422 no such priority") -> str:
        """A priority that the server did not take; its id."""
        self.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(self.cache, IntentEvent.REFUSED, words)
        return str(self.cache.intents()[-1].id)

    def conflict(self) -> None:
        """Dana set a priority, a colleague another one."""
        self.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(self.cache, THEIRS)

    @property
    def states(self) -> list[IntentState]:
        return [one.state for one in self.cache.intents()]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.delenv("CAREQUEUE_DEBUG", raising=False)
    found = Shell(tmp_path / "dana", monkeypatch)
    yield found
    found.cache.close()


class TestListing:
    def test_says_that_everything_is_there(self, shell: Shell) -> None:
        result = shell.run("outbox", "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "Everything is on the server.\n"
        assert shell.run("outbox", "list", "--json").stdout == "[]\n"

    def test_what_only_waits_needs_nobody(self, shell: Shell) -> None:
        shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        result = shell.run("outbox")
        assert (result.exit_code, result.stderr) == (0, "")
        heads, line = [row.split("\t") for row in result.stdout.splitlines()]
        assert heads == ["state", "client", "decided", "when", "words", "id"]
        (intent,) = shell.cache.intents()
        assert line == [
            "waiting", "OKAFOR, Amara J", "Noted: Called", "Mon 2026-03-09 09:00", "", intent.id,
        ]  # fmt: skip

    def test_what_the_server_refused_needs_you(self, shell: Shell) -> None:
        shell.refused()
        shell.cache.desk.act("note", [REFERRAL], {"text": "Called"}, NOW)
        result = shell.run("outbox", "list", "--json")
        assert result.exit_code == 9
        assert result.stderr.startswith("1 of 2 needs you.")
        first, second = json.loads(result.stdout)
        assert (first["state"], first["words"]) == ("needs_attention", "422 no such priority")
        assert (second["state"], second["decided_at"]) == ("queued", "2026-03-09T14:00:00Z")

    def test_is_a_table_for_people_with_short_ids(self, shell: Shell) -> None:
        stuck = shell.refused()
        shell.at_a_terminal()
        shell.monkeypatch.setenv("COLUMNS", "140")
        lines = shell.run("outbox").stdout.splitlines()
        assert lines[0].split() == ["state", "client", "decided", "when", "words", "id"]
        assert stuck[:8] in lines[1]
        assert stuck not in lines[1]

    def test_shows_no_command_to_the_terminal(self, shell: Shell) -> None:
        shell.refused("no\x1b]52;c;eA==\x07\u202e")
        for words in (("list",), ("list", "--json"), ("show", shell.cache.intents()[0].id)):
            assert not set("\x1b\x07\u202e") & set(shell.run("outbox", *words).stdout)


class TestOneDecision:
    def test_is_named_by_the_beginning_of_its_id(self, shell: Shell) -> None:
        stuck = shell.refused()
        result = shell.run("outbox", "show", stuck[:6])
        assert result.exit_code == 0
        pairs = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
        assert pairs["state"] == "needs you"
        assert pairs["words"] == "422 no such priority"
        assert pairs["tried"] == "once"
        assert pairs["id"] == stuck
        assert json.loads(shell.run("outbox", "show", stuck[:6], "--json").stdout)["id"] == stuck

    def test_is_not_where_the_beginning_names_none_or_several(self, shell: Shell) -> None:
        shell.refused()
        result = shell.run("outbox", "show", "zzz")
        assert result.exit_code == 4
        assert "no such decision" in result.stderr
        for number in range(17):  # of 18 ids two begin alike
            shell.cache.desk.act("note", [FOLLOW_UP], {"text": str(number)}, NOW)
        starts = [one.id[0] for one in shell.cache.intents()]
        twice = next(start for start in starts if starts.count(start) > 1)
        result = shell.run("outbox", "show", twice)
        assert result.exit_code == 2
        assert "Type more characters" in result.stderr


class TestAnotherTry:
    def test_of_one_or_of_all(self, shell: Shell) -> None:
        stuck = shell.refused()
        result = shell.run("outbox", "retry", stuck[:8])
        assert result.exit_code == 0
        assert f"changed\t{FOLLOW_UP}" in result.stdout
        assert "To be sent again: 1 decision." in result.stdout
        assert shell.states == [IntentState.QUEUED]
        result = shell.run("outbox", "retry", "--all", "--json")
        assert json.loads(result.stdout)["message"] == "Nothing needs another try."

    def test_wants_to_know_of_which(self, shell: Shell) -> None:
        for words in ((), ("abc", "--all")):
            assert shell.run("outbox", "retry", *words).exit_code == 2


class TestDiscarding:
    def test_wants_a_typed_word(self, shell: Shell) -> None:
        stuck = shell.refused()
        result = shell.run("outbox", "discard", stuck)
        assert result.exit_code == 2
        assert '--typed "discard 1"' in result.stderr
        assert shell.run("outbox", "discard", stuck, "--typed", "yes").exit_code == 2
        assert shell.states == [IntentState.NEEDS_ATTENTION]
        result = shell.run("outbox", "discard", stuck, "--typed", "discard 1")
        assert result.exit_code == 0
        assert "Discarded: 1 decision." in result.stdout
        assert shell.states == [IntentState.UNDONE]

    def test_asks_a_person_for_it_and_says_what_goes(self, shell: Shell) -> None:
        stuck = shell.refused()
        shell.at_a_terminal()
        result = shell.run("outbox", "discard", stuck, given="\n")
        assert result.exit_code == 2
        assert "OKAFOR, Amara J: Priority set to urgent (needs you)" in result.stderr
        assert shell.states == [IntentState.NEEDS_ATTENTION]
        assert shell.run("outbox", "discard", stuck, given="discard 1\n").exit_code == 0
        assert shell.states == [IntentState.UNDONE]

    def test_is_not_for_what_only_waits(self, shell: Shell) -> None:
        shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        (intent,) = shell.cache.intents()
        result = shell.run("outbox", "discard", intent.id, "--typed", "discard 1")
        assert result.exit_code == 2
        assert "drop it with undo" in result.stderr
        assert shell.states == [IntentState.QUEUED]


class TestExporting:
    def test_is_to_standard_output_or_to_a_new_file_of_ones_own(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        shell.refused()
        shell.cache.desk.act("note", [REFERRAL], {"text": "süß"}, NOW)
        out = shell.run("outbox", "export").stdout
        assert shell.run("outbox", "export", "-").stdout == out
        assert [json.loads(line)["kind"] for line in out.splitlines()] == [
            "set_priority",
            "add_note",
        ]
        file = tmp_path / "outbox.jsonl"
        result = shell.run("outbox", "export", str(file))
        assert result.exit_code == 0
        assert result.stdout.endswith("outbox.jsonl: 2 decisions written.\n")
        assert file.read_text(encoding="ascii") == out
        assert file.stat().st_mode & 0o777 == 0o600

    def test_never_overwrites(self, shell: Shell, tmp_path: Path) -> None:
        shell.refused()
        file = tmp_path / "kept"
        file.write_text("mine")
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "elsewhere")
        for path in (file, link):
            result = shell.run("outbox", "export", str(path))
            assert result.exit_code == 2
            assert "exists already and was not changed" in result.stderr
        assert file.read_text() == "mine"
        assert not (tmp_path / "elsewhere").exists()

    def test_says_where_it_cannot_be_written(self, shell: Shell, tmp_path: Path) -> None:
        result = shell.run("outbox", "export", str(tmp_path / "no" / "such" / "folder"))
        assert result.exit_code == 1
        assert "Unsent changes are saved in the cache" in result.stderr

    def test_of_one_is_by_its_id(self, shell: Shell) -> None:
        stuck = shell.refused()
        shell.cache.desk.act("note", [REFERRAL], {"text": "x"}, NOW)
        (line,) = shell.run("outbox", "export", "--only", stuck[:8]).stdout.splitlines()
        assert json.loads(line)["id"] == stuck


class TestConflicts:
    def test_are_none(self, shell: Shell) -> None:
        result = shell.run("conflicts")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "No conflicts.\n"

    def test_are_listed_and_need_you(self, shell: Shell) -> None:
        shell.conflict()
        result = shell.run("conflicts", "list")
        assert result.exit_code == 9
        assert result.stdout.splitlines()[1].split("\t") == [
            "OKAFOR, Amara J",
            "Priority set to urgent",
            "changed by Noel Ortiz Mon 2026-03-09 08:12",
            FOLLOW_UP,
        ]
        (found,) = json.loads(shell.run("conflicts", "list", "--json").stdout)
        assert found["differences"] == [
            {"label": "Priority", "before": "", "mine": "urgent", "theirs": "stat"}
        ]
        assert found["can"] == ["mine", "theirs"]

    def test_one_is_shown_side_by_side_with_its_answers(self, shell: Shell) -> None:
        shell.conflict()
        result = shell.run("conflicts", "show", FOLLOW_UP)
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].startswith("OKAFOR, Amara J  ")
        heads, row = lines.index(_line(lines, "before")), _line(lines, "Priority")
        assert lines[heads].split() == ["before", "yours", "theirs"]
        assert row.split() == ["Priority", "none", "urgent", "stat"]
        pair = json.loads(shell.run("conflicts", "show", FOLLOW_UP, "--json").stdout)["pair"]
        assert f"keep-mine {FOLLOW_UP} --shown {pair}" in result.stdout
        assert f"take-theirs {FOLLOW_UP}" in result.stdout

    def test_a_key_that_has_none_is_said(self, shell: Shell) -> None:
        shell.conflict()
        assert shell.run("conflicts", "show", REFERRAL).exit_code == 4
        assert shell.run("conflicts", "show", FOLLOW_UP[:9]).exit_code == 0

    def test_a_script_keeps_mine_by_what_it_was_shown(self, shell: Shell) -> None:
        shell.conflict()
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP)
        assert result.exit_code == 2
        assert f"carequeue conflicts show {FOLLOW_UP}" in result.stderr
        pair = shell.cache.desk.outbox.conflict(FOLLOW_UP, NOW).pair
        shell.cache.pull({**THEIRS, "priority": "asap"})
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP, "--shown", pair)
        assert result.exit_code == 2
        assert "have changed since you looked" in result.stderr
        assert shell.states == [IntentState.CONFLICT]
        pair = shell.cache.desk.outbox.conflict(FOLLOW_UP, NOW).pair
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP, "--shown", pair)
        assert result.exit_code == 0
        assert "Kept yours: OKAFOR, Amara J." in result.stdout
        assert shell.states == [IntentState.QUEUED]

    def test_a_person_is_shown_it_and_asked(self, shell: Shell) -> None:
        shell.conflict()
        shell.at_a_terminal()
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP, given="n\n")
        assert result.exit_code == 2
        assert "Priority: before none, yours urgent, theirs stat" in result.stderr
        assert shell.states == [IntentState.CONFLICT]
        assert shell.run("conflicts", "keep-mine", FOLLOW_UP, given="y\n").exit_code == 0
        assert shell.states == [IntentState.QUEUED]

    def test_theirs_is_taken(self, shell: Shell) -> None:
        shell.conflict()
        result = shell.run("conflicts", "take-theirs", FOLLOW_UP, "--json")
        assert json.loads(result.stdout)["results"] == [{"key": FOLLOW_UP, "result": "changed"}]
        assert shell.states == [IntentState.UNDONE]
        assert shell.run("conflicts").exit_code == 0

    def test_what_is_gone_can_only_be_let_go(self, shell: Shell) -> None:
        shell.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(shell.cache, None)
        shown = shell.run("conflicts", "show", FOLLOW_UP).stdout
        assert "Theirs:  the server no longer has it" in shown
        assert "keep-mine" not in shown
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP)
        assert result.exit_code == 2
        assert "your change cannot be made there" in result.stderr


def _line(lines: list[str], word: str) -> str:
    return next(line for line in lines if line.strip().startswith(word))


def test_every_step_is_a_command() -> None:
    """What the screens offer for what is not on the server, a script can do too."""
    found = {}
    for name in ("outbox", "conflicts"):
        group = carequeue.commands[name]
        assert isinstance(group, click.Group)
        found[name] = set(group.commands)
    assert found == {
        "outbox": {"list", "show", "retry", "discard", "export"},
        "conflicts": {"list", "show", "keep-mine", "take-theirs"},
    }
