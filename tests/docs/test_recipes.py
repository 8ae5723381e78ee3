"""The recipes of docs/architecture.md: followed to the letter, each leads to what it promises.

The recipe of a kind of item spans many tables: each test of `TestAKindOfItem` holds some of them.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from carequeue.domain.items import Kind
from carequeue.domain.rules import site_rules
from carequeue.domain.task_steps import DEFAULT_STEPS
from carequeue.fhir.chart_to_items import PULLED_TYPES
from carequeue.practice.server.quirks import Quirks
from carequeue.practice.server.search_params import PARAMS
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.pull import search_plan
from carequeue.widgets import queue_line, themes
from tests.docs import verb_tables
from tests.docs.pages import SOURCE, cells, page
from tests.docs.recipes import ProjectCopy, block, changed_files

EFFECTS = "tests.docs.recipe_effects"
RULES = site_rules({})
KINDS = list(Kind)
#: Its end is its date: an authorization without one is no row.
WITHOUT_FALLBACK = {Kind.AUTHORIZATION}


@pytest.fixture
def copy(tmp_path: Path) -> ProjectCopy:
    return ProjectCopy(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
class TestAKindOfItem:
    def test_its_steps_are_known(self, kind: Kind) -> None:
        assert DEFAULT_STEPS[kind]

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
    for known in (DEFAULT_STEPS, queue_line.KINDS, themes.KINDS):
        assert set(known) == set(KINDS)


@pytest.mark.parametrize("kind", PULLED_TYPES)
def test_what_rows_are_read_from_is_fetched_and_practised(kind: str) -> None:
    searches = search_plan.plan(Abilities(), {})
    assert [search for search in searches if search.type == kind and not search.known_only]
    assert PARAMS[kind]


def test_every_search_has_a_word_for_its_progress() -> None:
    assert all(search.words for search in search_plan.plan(Abilities(), {}))


def test_the_tables_of_the_command_line_are_those_of_the_verbs() -> None:
    assert verb_tables.with_tables(page("command-line.md")) == page("command-line.md")


class TestARecipeTakenLiterally:
    """In a copy of the project. What the copy must show is in `recipe_effects.py`."""

    def test_names_every_table_that_a_new_kind_forgets(self, copy: ProjectCopy) -> None:
        """After its first step each test of `TestAKindOfItem` asks for one of the others."""
        items = copy.path("domain/items.py")
        text = items.read_text(encoding="utf-8")
        last = '    AUTHORIZATION = "authorization"\n'
        assert text.count(last) == 1
        items.write_text(text.replace(last, f'{last}    CLAIM = "claim"\n'), encoding="utf-8")
        chosen = ("tests/docs/test_recipes.py", "-k", "TestAKindOfItem and claim")
        report = copy.run("pytest", "-n0", "-qrf", "-p", "no:cacheprovider", *chosen, exit_code=1)
        failed = re.findall(r"^FAILED .*::(\w+)\[claim\]", report, re.MULTILINE)
        assert sorted(failed) == sorted(n for n in vars(TestAKindOfItem) if n.startswith("test_"))

    def test_makes_a_verb_of_one_file(self, copy: ProjectCopy) -> None:
        """At most 40 lines, and its two words in the table."""
        source = block("A verb", "python")
        assert len(source.splitlines()) <= 40
        copy.path("verbs/park.py").write_text(source, encoding="utf-8")
        table = copy.path("verbs/table.py")
        text = table.read_text(encoding="utf-8")
        text = text.replace("    note,\n", "    note,\n    park,\n").replace(
            " note, ", " note, park, "
        )
        assert text.count("park,") == 2
        table.write_text(text, encoding="utf-8")
        assert "Park it; u undoes it." in copy.run("carequeue", "keys")
        assert "Answer to `why` (park)." in copy.run("carequeue", "act", "--help")

    def test_makes_a_column(self, copy: ProjectCopy) -> None:
        copy.follow(changed_files("A column"))
        copy.run(EFFECTS, "column")

    def test_makes_a_migration(self, copy: ProjectCopy) -> None:
        first_two = list(changed_files("A column").items())[:2]
        copy.follow(dict(first_two))
        copy.run(EFFECTS, "migration")

    def test_makes_a_screen(self, copy: ProjectCopy) -> None:
        copy.path("screens/legend.py").write_text(block("A screen", "python"), encoding="utf-8")
        copy.follow(changed_files("A screen"))
        copy.run(EFFECTS, "screen")
        assert "what the signs mean" in copy.run("carequeue", "keys")

    def test_makes_a_clock_rule(self, copy: ProjectCopy) -> None:
        with copy.path("rules/clocks.toml").open("a", encoding="utf-8") as rules:
            rules.write("\n" + block("A clock rule", "toml"))
        copy.follow(changed_files("A clock rule"))
        copy.run(EFFECTS, "clock_rule")

    def test_makes_a_quirk(self, copy: ProjectCopy) -> None:
        copy.follow(changed_files("A server's quirk"))
        copy.run(EFFECTS, "quirk")

    def test_shows_lines_that_the_project_has(self, copy: ProjectCopy) -> None:
        with pytest.raises(AssertionError, match="no longer has"):
            copy.follow({"store/tables.py": "     no such line\n+    another\n"})


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
