"""`outbox` over a real cache: as a script calls it, and as a person does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from carequeue.cli.main import carequeue
from carequeue.domain.intents import IntentState
from tests.cli.cache_shell import CacheShell, cache_shell
from tests.fhir.clinic import NOW
from tests.worklist.world import FOLLOW_UP, REFERRAL


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    with cache_shell(tmp_path, monkeypatch) as shell:
        yield shell


class TestListing:
    def test_says_that_everything_is_there(self, shell: CacheShell) -> None:
        result = shell.run("outbox", "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "Everything is on the server.\n"
        assert shell.run("outbox", "list", "--json").stdout == "[]\n"

    def test_what_only_waits_needs_nobody(self, shell: CacheShell) -> None:
        shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        result = shell.run("outbox")
        assert (result.exit_code, result.stderr) == (0, "")
        heads, line = [row.split("\t") for row in result.stdout.splitlines()]
        assert heads == ["state", "client", "decided", "when", "words", "id"]
        (intent,) = shell.cache.intents()
        assert line == [
            "waiting", "OKAFOR, Amara J", "Noted: Called", "Mon 2026-03-09 09:00", "", intent.id,
        ]  # fmt: skip

    def test_what_the_server_refused_needs_you(self, shell: CacheShell) -> None:
        shell.refused()
        shell.cache.desk.act("note", [REFERRAL], {"text": "Called"}, NOW)
        result = shell.run("outbox", "list", "--json")
        assert result.exit_code == 9
        assert result.stderr.startswith("1 of 2 needs you.")
        first, second = json.loads(result.stdout)
        assert (first["state"], first["words"]) == ("needs_attention", "422 no such priority")
        assert (second["state"], second["decided_at"]) == ("queued", "2026-03-09T14:00:00Z")

    def test_is_a_table_for_people_with_short_ids(self, shell: CacheShell) -> None:
        stuck = shell.refused()
        shell.at_a_terminal()
        shell.monkeypatch.setenv("COLUMNS", "140")
        lines = shell.run("outbox").stdout.splitlines()
        assert lines[0].split() == ["state", "client", "decided", "when", "words", "id"]
        assert stuck[:8] in lines[1]
        assert stuck not in lines[1]

    def test_shows_no_command_to_the_terminal(self, shell: CacheShell) -> None:
        shell.refused("no\x1b]52;c;eA==\x07\u202e")
        for words in (("list",), ("list", "--json"), ("show", shell.cache.intents()[0].id)):
            assert not set("\x1b\x07\u202e") & set(shell.run("outbox", *words).stdout)


class TestOneDecision:
    def test_is_named_by_the_beginning_of_its_id(self, shell: CacheShell) -> None:
        stuck = shell.refused()
        result = shell.run("outbox", "show", stuck[:6])
        assert result.exit_code == 0
        pairs = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
        assert pairs["state"] == "needs you"
        assert pairs["words"] == "422 no such priority"
        assert pairs["tried"] == "once"
        assert pairs["id"] == stuck
        assert json.loads(shell.run("outbox", "show", stuck[:6], "--json").stdout)["id"] == stuck

    def test_is_not_where_the_beginning_names_none_or_several(self, shell: CacheShell) -> None:
        shell.refused()
        result = shell.run("outbox", "show", "zzz")
        assert result.exit_code == 4
        assert "no such decision" in result.stderr
        for number in range(17):  # of 18 ids two begin alike
            shell.cache.desk.act("note", [FOLLOW_UP], {"text": str(number)}, NOW)
        starts = [intent.id[0] for intent in shell.cache.intents()]
        twice = next(start for start in starts if starts.count(start) > 1)
        result = shell.run("outbox", "show", twice)
        assert result.exit_code == 2
        assert "Type more characters" in result.stderr


class TestAnotherTry:
    def test_of_one_or_of_all(self, shell: CacheShell) -> None:
        stuck = shell.refused()
        result = shell.run("outbox", "retry", stuck[:8])
        assert result.exit_code == 0
        assert f"changed\t{FOLLOW_UP}" in result.stdout
        assert "To be sent again: 1 decision." in result.stdout
        assert shell.states == [IntentState.QUEUED]
        result = shell.run("outbox", "retry", "--all", "--json")
        assert json.loads(result.stdout)["message"] == "Nothing needs another try."

    def test_wants_to_know_of_which(self, shell: CacheShell) -> None:
        for words in ((), ("abc", "--all")):
            assert shell.run("outbox", "retry", *words).exit_code == 2


class TestDiscarding:
    def test_wants_a_typed_word(self, shell: CacheShell) -> None:
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

    def test_asks_a_person_for_it_and_says_what_goes(self, shell: CacheShell) -> None:
        stuck = shell.refused()
        shell.at_a_terminal()
        result = shell.run("outbox", "discard", stuck, given="\n")
        assert result.exit_code == 2
        assert "OKAFOR, Amara J: Priority set to urgent (needs you)" in result.stderr
        assert shell.states == [IntentState.NEEDS_ATTENTION]
        assert shell.run("outbox", "discard", stuck, given="discard 1\n").exit_code == 0
        assert shell.states == [IntentState.UNDONE]

    def test_is_not_for_what_only_waits(self, shell: CacheShell) -> None:
        shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        (intent,) = shell.cache.intents()
        result = shell.run("outbox", "discard", intent.id, "--typed", "discard 1")
        assert result.exit_code == 2
        assert "drop it with undo" in result.stderr
        assert shell.states == [IntentState.QUEUED]


class TestExporting:
    def test_is_to_standard_output_or_to_a_new_file_of_ones_own(
        self, shell: CacheShell, tmp_path: Path
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

    def test_never_overwrites(self, shell: CacheShell, tmp_path: Path) -> None:
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

    def test_says_where_it_cannot_be_written(self, shell: CacheShell, tmp_path: Path) -> None:
        result = shell.run("outbox", "export", str(tmp_path / "no" / "such" / "folder"))
        assert result.exit_code == 1
        assert "Unsent changes are saved in the cache" in result.stderr

    def test_of_one_is_by_its_id(self, shell: CacheShell) -> None:
        stuck = shell.refused()
        shell.cache.desk.act("note", [REFERRAL], {"text": "x"}, NOW)
        (line,) = shell.run("outbox", "export", "--only", stuck[:8]).stdout.splitlines()
        assert json.loads(line)["id"] == stuck


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
