"""The table of verbs: orders without ties, light files, and no second list of verbs elsewhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from carequeue.verbs import (
    accept,
    answer,
    ask,
    assign,
    claim,
    decline,
    done,
    handoff,
    heard_crisis,
    heard_discharge,
    hold,
    log,
    new,
    note,
    priority,
    redirect,
    refer,
    remind,
    result,
    resume,
    schedule,
    snooze,
    triage,
    withdraw,
)
from carequeue.verbs.motions import MOTIONS
from carequeue.verbs.table import all_verbs, client_verbs, find_verb, item_verbs, marked_verbs
from carequeue.verbs.verb import Listing, Order, Verb
from tests.docs.pages import SOURCE

MODULES = [
    accept, answer, ask, assign, claim, decline, done, handoff, heard_crisis, heard_discharge,
    hold, log, new, note, priority, redirect, refer, remind, result, resume, schedule, snooze,
    triage, withdraw,
]  # fmt: skip
NAMES = {verb.name for verb in item_verbs()}
FILES = [file for file in SOURCE.rglob("*.py") if "practice" not in file.parts]


def test_every_verb_has_a_place_in_help() -> None:
    assert [verb.name for verb in all_verbs()] == [
        "triage", "accept", "decline", "ask", "withdraw", "schedule", "redirect", "claim", "done",
        "log", "remind", "answer", "result", "snooze", "hold", "resume", "note", "assign",
        "handoff", "priority", "new", "refer", "heard_crisis", "heard_discharge", "cover", "undo",
        "sync",
    ]  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.__name__))
def test_a_verb_has_the_name_of_its_file(module: ModuleType) -> None:
    assert module.__name__ == f"carequeue.verbs.{module.VERB.name}"
    assert module.VERB in [*item_verbs(), *client_verbs()]


def test_many_are_offered_what_is_most_often_done_to_many() -> None:
    assert [verb.name for verb in marked_verbs()] == [
        "claim", "assign", "done", "log", "remind", "snooze", "hold", "note", "priority", "accept",
        "decline", "withdraw", "handoff",
    ]  # fmt: skip


def test_a_place_is_in_a_list_that_is_known() -> None:
    assert set(get_args(Listing)) == set(Order.__annotations__)


@pytest.mark.parametrize("listing", get_args(Listing))
def test_no_two_verbs_have_one_place(listing: Listing) -> None:
    places = Counter(verb.order[listing] for verb in all_verbs() if listing in verb.order)
    assert places
    assert set(places.values()) == {1}


def test_no_name_and_no_key_is_there_twice() -> None:
    motions = [key for motion in MOTIONS for key in motion.keys]
    keys = Counter([verb.key for verb in all_verbs() if verb.key] + motions)
    names = Counter([verb.name for verb in all_verbs()] + [motion.name for motion in MOTIONS])
    assert {*keys.values(), *names.values()} == {1}


@pytest.mark.parametrize("verb", all_verbs(), ids=lambda verb: verb.name)
def test_a_verb_is_whole(verb: Verb) -> None:
    assert find_verb(verb.name) is verb
    assert len(verb.label) <= 12
    assert len(verb.short) <= len(verb.label)
    assert verb.help.endswith(".")
    assert not (verb.on_item or verb.on_client) or verb.help.endswith("; u undoes it.")
    assert verb.key or not verb.on_item


def test_a_name_that_is_none_finds_nothing() -> None:
    assert find_verb("explode") is None


def test_the_table_brings_nothing_else_along() -> None:
    """The screens load it before the first frame; what a verb builds with comes with the act."""
    code = (
        "import sys, carequeue.verbs.table, carequeue.verbs.motions\n"
        "print(*(name for name in sys.modules if name.startswith('carequeue.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    files = {verb.name for verb in all_verbs()} | {"verb", "table", "motions"}
    loaded = set(done.stdout.split()) - {"carequeue.verbs"}
    assert loaded == {f"carequeue.verbs.{name}" for name in files}


def listed(file: Path) -> Iterator[tuple[int, set[str]]]:
    """Line and verbs of each list, dict, set, tuple or text of a file that holds names of verbs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            parts: list[ast.expr | None] = [*node.keys]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            parts = [*node.elts]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if set(node.value.split()) <= NAMES:
                yield node.lineno, set(node.value.split())
            continue
        else:
            continue
        words = [part.value for part in parts if isinstance(part, ast.Constant)]
        yield node.lineno, NAMES.intersection(word for word in words if isinstance(word, str))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_other_file_lists_verbs(file: Path) -> None:
    """A table of three verbs somewhere else is what a new verb is missing in."""
    assert [(line, verbs) for line, verbs in listed(file) if len(verbs) > 2] == []
