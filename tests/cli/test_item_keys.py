"""Every command that takes a key of an item takes a short one, where it names one item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.fhir import codes
from tests.cli.cache_shell import CacheShell, cache_shell
from tests.fhir.clinic import DANA, ref, request, task
from tests.worklist.world import FOLLOW_UP

TABLES = ("item", "tally", "intent", "audit", "meta", "resource")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    with cache_shell(tmp_path, monkeypatch) as shell:
        yield shell


@pytest.mark.parametrize("key", [FOLLOW_UP, "Task/t1", "t1"])
def test_show_and_act_take_a_short_key(shell: CacheShell, key: str) -> None:
    assert json.loads(shell.run("show", key, "--json").stdout)["key"] == FOLLOW_UP
    result = shell.run("act", "note", key, "--text", "Called")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"changed\t{FOLLOW_UP}")


def test_a_key_by_an_identifier_has_its_task_as_a_short_key(shell: CacheShell) -> None:
    ours = {"system": codes.IDENTIFIER, "value": "made-here"}
    shell.cache.pull(task("t77", owner=ref(DANA), identifier=[ours]))
    shown = json.loads(shell.run("show", "Task/t77", "--json").stdout)
    assert (shown["key"], shown["resource"]) == ("main:made-here", "Task/t77")


@pytest.mark.parametrize(
    "words",
    [["show", "s7"], ["act", "note", "t1", "s7", "--text", "x"], ["conflicts", "show", "s7"]],
)
def test_a_short_key_of_several_items_is_refused_with_all_of_them(
    shell: CacheShell, words: list[str]
) -> None:
    shell.cache.pull(request("s7"), task("s7", owner=ref(DANA)))
    before = {name: shell.cache.table(name) for name in TABLES}
    result = shell.run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "s7 names 2 items: " in result.stderr
    assert "main:Task/s7" in result.stderr
    assert "main:ServiceRequest/s7" in result.stderr
    assert {name: shell.cache.table(name) for name in TABLES} == before


def test_one_item_that_is_named_twice_is_changed_once(shell: CacheShell) -> None:
    result = shell.run("act", "note", "t1", FOLLOW_UP, "Task/t1", "--text", "Called", "--yes")
    assert result.stdout.splitlines()[0] == f"changed\t{FOLLOW_UP}"
    assert len(shell.cache.intents()) == 1


def test_a_key_of_no_item_is_named(shell: CacheShell) -> None:
    assert shell.run("show", "Task/9999").exit_code == 4
    result = shell.run("act", "note", "Task/9999", "t1", "--text", "Called")
    assert result.exit_code == 8
    assert "missing\tTask/9999" in result.stdout
    assert shell.run("act", "note", "Task/9999", "--text", "Called").exit_code == 4


def test_a_conflict_has_the_short_key_of_its_item(shell: CacheShell) -> None:
    shell.conflict()
    for key in ("t1", "Task/t1", FOLLOW_UP, "main:Task/t"):
        shown = json.loads(shell.run("conflicts", "show", key, "--json").stdout)
        assert shown["item_key"] == FOLLOW_UP


def test_a_dry_run_of_undo_writes_nothing(shell: CacheShell) -> None:
    group = shell.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, shell.cache.instant)
    before = {name: shell.cache.table(name) for name in TABLES}
    for words in ([], [group.group]):
        result = shell.run("undo", *words, "--dry-run")
        assert (result.exit_code, result.stdout.splitlines()[0]) == (
            0, f"would change\t{FOLLOW_UP}",
        )  # fmt: skip
        assert "Nothing was changed." in result.stdout
    assert {name: shell.cache.table(name) for name in TABLES} == before
    assert shell.run("undo", group.group).exit_code == 0


def test_a_dry_run_of_an_act_writes_nothing(shell: CacheShell) -> None:
    before = {name: shell.cache.table(name) for name in TABLES}
    result = shell.run("act", "note", "t1", "--text", "Called", "--dry-run")
    assert f"would change\t{FOLLOW_UP}" in result.stdout
    assert {name: shell.cache.table(name) for name in TABLES} == before
