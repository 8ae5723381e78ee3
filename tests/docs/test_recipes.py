"""The recipes of docs/architecture.md: each table that a new kind, verb or quirk needs knows it."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from carequeue.domain import allowed
from carequeue.domain.items import Kind
from carequeue.domain.rules import site_rules
from carequeue.fhir.chart_to_items import PULLED_TYPES
from carequeue.practice.server.quirks import Quirks
from carequeue.practice.server.search_params import PARAMS
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.pull import runner, search_plan
from carequeue.widgets import queue_line, themes
from carequeue.widgets.key_footer import key_name
from carequeue.worklist.verbs import VERBS, Verb
from tests.docs.pages import SOURCE, cells, page

RULES = site_rules({})
KINDS = list(Kind)
ON_ITEM = [verb for verb in VERBS if verb.on_item]
#: Its end is its date: an authorization without one is no row.
WITHOUT_FALLBACK = {Kind.AUTHORIZATION}


@pytest.mark.parametrize("kind", KINDS)
class TestAKindOfItem:
    def test_what_is_allowed_on_it_is_said(self, kind: Kind) -> None:
        assert allowed.DEFAULT_STEPS[kind]
        assert allowed._NOUNS[kind]

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
    for known in (allowed.DEFAULT_STEPS, allowed._NOUNS, queue_line.KINDS, themes.KINDS):
        assert set(known) == set(KINDS)


@pytest.mark.parametrize("kind", PULLED_TYPES)
def test_what_rows_are_read_from_is_fetched_and_practised(kind: str) -> None:
    searches = search_plan.plan(Abilities(), {})
    assert [search for search in searches if search.type == kind and not search.known_only]
    assert PARAMS[kind]


def test_every_search_has_a_word_for_its_progress() -> None:
    assert {search.name for search in search_plan.plan(Abilities(), {})} == set(runner.WHAT)


def test_every_verb_has_its_line_with_its_key_and_its_questions() -> None:
    lines = {row[0]: row[1:] for row in cells(page("command-line.md"), "| verb |")}
    assert list(lines) == [f"`{verb.name}`" for verb in ON_ITEM]
    for verb in ON_ITEM:
        key, asks, does = lines[f"`{verb.name}`"]
        assert key == f"`{key_name(verb.key)}`"
        assert asks == ", ".join(f"`{question.name}`" for question in verb.asks)
        assert does == verb.help


@pytest.mark.parametrize("verb", ON_ITEM, ids=lambda verb: verb.name)
def test_every_question_of_a_verb_has_an_option(verb: Verb) -> None:
    asked_by = {
        row[0].split()[0].lstrip("`-"): row[1].split(", ")
        for row in cells(page("command-line.md"), "| option | asked by |")
    }
    for question in verb.asks:
        assert verb.name in asked_by[question.name]


def test_every_verb_is_judged() -> None:
    assert set(allowed._JUDGES) == {verb.name for verb in ON_ITEM}


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
