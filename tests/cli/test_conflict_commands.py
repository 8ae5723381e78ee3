"""`conflicts`, as a script or a person uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentState
from tests.cli.cache_shell import THEIRS, CacheShell, cache_shell
from tests.fhir.clinic import NOW
from tests.worklist import meanwhile
from tests.worklist.world import FOLLOW_UP, REFERRAL


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    with cache_shell(tmp_path, monkeypatch) as shell:
        yield shell


class TestConflicts:
    def test_are_none(self, shell: CacheShell) -> None:
        result = shell.run("conflicts")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "No conflicts.\n"

    def test_are_listed_and_need_you(self, shell: CacheShell) -> None:
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

    def test_one_is_shown_side_by_side_with_its_answers(self, shell: CacheShell) -> None:
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

    def test_a_key_that_has_none_is_said(self, shell: CacheShell) -> None:
        shell.conflict()
        assert shell.run("conflicts", "show", REFERRAL).exit_code == 4
        assert shell.run("conflicts", "show", FOLLOW_UP[:9]).exit_code == 0

    def test_a_script_keeps_mine_by_what_it_was_shown(self, shell: CacheShell) -> None:
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

    def test_a_person_is_shown_it_and_asked(self, shell: CacheShell) -> None:
        shell.conflict()
        shell.at_a_terminal()
        result = shell.run("conflicts", "keep-mine", FOLLOW_UP, given="n\n")
        assert result.exit_code == 2
        assert "Priority: before none, yours urgent, theirs stat" in result.stderr
        assert shell.states == [IntentState.CONFLICT]
        assert shell.run("conflicts", "keep-mine", FOLLOW_UP, given="y\n").exit_code == 0
        assert shell.states == [IntentState.QUEUED]

    def test_theirs_is_taken(self, shell: CacheShell) -> None:
        shell.conflict()
        result = shell.run("conflicts", "take-theirs", FOLLOW_UP, "--json")
        assert json.loads(result.stdout)["results"] == [{"key": FOLLOW_UP, "result": "changed"}]
        assert shell.states == [IntentState.UNDONE]
        assert shell.run("conflicts").exit_code == 0

    def test_what_is_gone_leaves_only_theirs(self, shell: CacheShell) -> None:
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
