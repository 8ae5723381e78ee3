"""`history` over a real cache: as a script calls it, and as a person does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cache_shell import CacheShell, cache_shell
from tests.fhir.clinic import NOW
from tests.worklist.world import FOLLOW_UP, REFERRAL


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    with cache_shell(tmp_path, monkeypatch) as shell:
        yield shell


def test_before_any_act_it_says_so(shell: CacheShell) -> None:
    result = shell.run("history")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "You have done nothing on this computer yet.\n"
    assert shell.run("history", "--json").stdout == "[]\n"


def test_in_a_pipe_it_is_tab_separated_with_whole_groups(shell: CacheShell) -> None:
    shell.cache.desk.act("accept", [REFERRAL], {}, NOW)
    group = shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW).group
    heads, newest, oldest = [line.split("\t") for line in shell.run("history").stdout.splitlines()]
    assert heads == ["when", "client", "did", "state", "group"]
    assert newest[1:] == ["OKAFOR, Amara J", "Noted: Called", "waiting", group]
    assert oldest[2] == "Accepted"
    assert len(shell.run("history", "--limit", "1").stdout.splitlines()) == 2
    assert shell.run("history", "--limit", "0").exit_code == 2


def test_json_has_the_group_that_undo_takes(shell: CacheShell) -> None:
    shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    (act,) = json.loads(shell.run("history", "--json").stdout)
    assert set(act) == {"group", "at", "client", "did", "state", "note", "key"}
    assert shell.run("undo", act["group"]).exit_code == 0
    assert json.loads(shell.run("history", "--json").stdout)[0]["state"] == "undone"


def test_on_a_terminal_it_is_a_table(shell: CacheShell) -> None:
    shell.cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    shell.at_a_terminal()
    lines = shell.run("history").stdout.splitlines()
    assert "\t" not in lines[0]
    assert "Noted: Called" in lines[1]
