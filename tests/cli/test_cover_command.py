"""`cover` over a real cache: begun, listed, ended, tried; and the queue as a colleague has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cache_shell import CacheShell, cache_shell
from tests.fhir.clinic import CLINIC, NOEL, ref, task

TABLES = ("item", "tally", "intent", "audit", "meta", "resource")
AWAY = {
    "resourceType": "PractitionerRole",
    "id": "role-noel",
    "practitioner": ref(NOEL),
    "organization": ref(CLINIC),
    "notAvailable": [{"description": "Leave", "during": {"end": "2026-03-16"}}],
}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    with cache_shell(tmp_path, monkeypatch) as shell:
        shell.cache.pull(task("n1", owner=ref(NOEL), description="Call the school"), AWAY)
        yield shell


def keys(shell: CacheShell, *words: str) -> list[str]:
    return [row["key"] for row in json.loads(shell.run("list", "--json", *words).stdout)]


def test_a_cover_is_begun_listed_and_ended(shell: CacheShell) -> None:
    assert "main:Task/n1" not in keys(shell)
    begun = shell.run("cover", "noel", "--until", "fri")
    assert begun.exit_code == 0
    assert begun.stdout.startswith("Covering Noel Ortiz until Fri 13 Mar 08:00: 1 move is now")
    rows = json.loads(shell.run("list", "--json").stdout)
    assert {row["key"]: row["covered_for"] for row in rows if row["covered_for"]} == {
        "main:Task/n1": "Noel O."
    }
    assert "You cover Noel Ortiz until Fri 13 Mar 08:00." in shell.run("cover").stdout
    assert "You no longer cover Noel Ortiz." in shell.run("cover", "noel", "--stop").stdout
    assert "main:Task/n1" not in keys(shell)
    assert "You cover nobody." in shell.run("cover").stderr


def test_a_table_names_the_colleague_in_the_place_of_the_move(shell: CacheShell) -> None:
    shell.run("cover", "noel", "--until", "fri")
    shell.at_a_terminal()
    assert "for Noel O." in shell.run("list").stdout


def test_json_has_the_colleague_and_the_end_in_utc(shell: CacheShell) -> None:
    begun = json.loads(shell.run("cover", "noel", "--until", "fri", "--json").stdout)
    assert (begun["name"], begun["until"]) == ("Noel Ortiz", "2026-03-13T13:00:00Z")
    (listed,) = json.loads(shell.run("cover", "--json").stdout)
    assert listed["until"] == begun["until"]


@pytest.mark.parametrize("words", [["--until", "fri"], ["--stop"]])
def test_a_dry_run_says_what_would_be_and_writes_nothing(
    shell: CacheShell, words: list[str]
) -> None:
    if words == ["--stop"]:
        shell.run("cover", "noel", "--until", "fri")
    before = {name: shell.cache.table(name) for name in TABLES}
    tried = shell.run("cover", "noel", *words, "--dry-run")
    assert tried.exit_code == 0
    assert "Noel Ortiz" in tried.stdout
    assert "nothing was changed" in tried.stdout
    assert {name: shell.cache.table(name) for name in TABLES} == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["noel"], "Say NAME with --until or with --stop"),
        (["noel", "--until", "fri", "--stop"], "Say NAME with --until or with --stop"),
        (["--stop"], "Say NAME with --until or with --stop"),
        (["--until", "fri"], "Say NAME with --until or with --stop"),
        (["noel", "--until", "whenever"], "“whenever” is not a future time"),
        (["nobody", "--until", "fri"], "No person or team here is called “nobody”"),
        (["noel", "--stop"], "No person or team here is called “noel”"),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    shell: CacheShell, words: list[str], sentence: str
) -> None:
    before = shell.cache.table("meta")
    result = shell.run("cover", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert shell.cache.table("meta") == before


def test_list_as_a_colleague_or_a_team_is_their_list(shell: CacheShell) -> None:
    result = shell.run("list", "--as", "noel", "--json")
    assert [row["key"] for row in json.loads(result.stdout)] == ["main:Task/n1"]
    assert "The queue as Noel Ortiz has it." in result.stderr
    assert json.loads(result.stdout)[0]["mine"] is True
    assert "main:Task/r1" in keys(shell, "--as", "access")
    assert "main:Task/n1" not in keys(shell)  # the next command shows one's own again
    assert shell.run("list", "--as", "nobody").exit_code == 2


def test_an_act_that_names_somebody_who_is_away_warns_on_standard_error(shell: CacheShell) -> None:
    for words in ([], ["--dry-run"]):
        result = shell.run("act", "assign", "Task/n1", "--to", "noel", *words)
        assert "Noel Ortiz is away until Mon 16 Mar." in result.stderr
    assert "Noel Ortiz is away" not in shell.run("act", "claim", "Task/n1").stderr
