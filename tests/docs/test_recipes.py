"""The recipes of docs/architecture.md: each table that a new kind, verb or quirk needs knows it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from shutil import ignore_patterns

import pytest

from carequeue.domain.items import Kind
from carequeue.domain.rules import site_rules
from carequeue.domain.task_steps import DEFAULT_STEPS
from carequeue.domain.verb_rules import NOUNS
from carequeue.fhir.chart_to_items import PULLED_TYPES
from carequeue.practice.server.quirks import Quirks
from carequeue.practice.server.search_params import PARAMS
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.pull import runner, search_plan
from carequeue.widgets import queue_line, themes
from tests.docs import verb_tables
from tests.docs.pages import SOURCE, cells, page
from tests.verbs.made_up import recipe_source

RULES = site_rules({})
KINDS = list(Kind)
#: Its end is its date: an authorization without one is no row.
WITHOUT_FALLBACK = {Kind.AUTHORIZATION}


@pytest.mark.parametrize("kind", KINDS)
class TestAKindOfItem:
    def test_what_is_allowed_on_it_is_said(self, kind: Kind) -> None:
        assert DEFAULT_STEPS[kind]
        assert NOUNS[kind]

    def test_it_has_a_glyph_words_and_a_hue(self, kind: Kind) -> None:
        glyph, word, three = queue_line.KINDS[kind]
        assert (len(glyph), len(three)) == (1, 3)
        assert word
        assert kind in themes.KINDS
        assert themes.ROLES[kind]

    def test_clock_rules_hold_for_it(self, kind: Kind) -> None:
        rules = {rule.id: rule for rule in RULES if kind in rule.kinds}
        assert "task-due" in rules
        assert any(rule.fallback for rule in rules.values()) != (kind in WITHOUT_FALLBACK)

    def test_the_command_line_and_the_profile_name_it(self, kind: Kind) -> None:
        (field,) = [r[1] for r in cells(page("command-line.md"), "| field |") if r[0] == "`kind`"]
        assert f"`{kind}`" in field
        rows = cells(page("profiles.md"), "| key of a rule |")
        assert f"`{kind}`" in next(row[1] for row in rows if row[0] == "`kinds`")

    def test_a_word_of_the_map_is_its_name(self, kind: Kind) -> None:
        (words,) = re.findall(r"\*\*Kind\*\*: ([^.]*)\.", page("architecture.md"))
        assert kind.value.replace("_", "-") in words


def test_no_table_knows_a_kind_that_is_none() -> None:
    for known in (DEFAULT_STEPS, NOUNS, queue_line.KINDS, themes.KINDS):
        assert set(known) == set(KINDS)


@pytest.mark.parametrize("kind", PULLED_TYPES)
def test_what_rows_are_read_from_is_fetched_and_practised(kind: str) -> None:
    searches = search_plan.plan(Abilities(), {})
    assert [search for search in searches if search.type == kind and not search.known_only]
    assert PARAMS[kind]


def test_every_search_has_a_word_for_its_progress() -> None:
    assert {search.name for search in search_plan.plan(Abilities(), {})} == set(runner.WHAT)


def test_the_tables_of_the_command_line_are_those_of_the_verbs() -> None:
    assert verb_tables.with_tables(page("command-line.md")) == page("command-line.md")


def test_the_recipe_of_a_verb_taken_literally_is_enough(tmp_path: Path) -> None:
    """One file of at most 40 lines and its two words in the table, in a copy of the program."""
    copy = shutil.copytree(SOURCE, tmp_path / "carequeue", ignore=ignore_patterns("__pycache__"))
    source = recipe_source()
    assert len(source.splitlines()) <= 40
    (copy / "verbs" / "hold.py").write_text(source, encoding="utf-8")
    table = copy / "verbs" / "table.py"
    text = table.read_text(encoding="utf-8")
    text = text.replace("    handoff,\n", "    handoff,\n    hold,\n").replace(
        " log, ", " log, hold, "
    )
    assert text.count("hold,") == 2
    table.write_text(text, encoding="utf-8")

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "carequeue", *words],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "CAREQUEUE_HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "Put it on hold; u undoes it." in run("keys")
    assert "Answer to `why` (hold)." in run("act", "--help")


def test_every_quirk_has_its_line() -> None:
    lines = [row[:2] for row in cells(page("servers.md"), "| quirk |")]
    counted = {one.name: "=N" if "named" in one.metadata else "" for one in fields(Quirks)}
    assert lines == [
        [f"`{one.name.replace('_', '-')}{counted[one.name]}`", one.metadata["says"]]
        for one in fields(Quirks)
    ]


@pytest.mark.parametrize("head", ["| declared |", "| observed |"])
def test_what_is_said_of_the_servers_again_is_what_was_seen(head: str) -> None:
    """docs/servers.md is compared with the servers themselves."""
    seen = cells(page("servers.md"), "| `/metadata` says |") + cells(
        page("servers.md"), "| observed |"
    )
    for row in cells(page("sync.md"), head):
        assert row in seen


@pytest.mark.parametrize("quirk", [one.name for one in fields(Quirks)])
def test_every_quirk_is_read_by_the_server(quirk: str) -> None:
    code = [
        file.read_text(encoding="utf-8")
        for file in (SOURCE / "practice").rglob("*.py")
        if file.name != "quirks.py"
    ]
    read = re.compile(rf'(quirks|now)\.{quirk}\b|use\("{quirk}"\)')
    assert any(map(read.search, code))
