"""The simulator in the suite: a few hundred runs, both stores alike, every safeguard missed."""

from __future__ import annotations

from itertools import product

import pytest

from carequeue.domain.intents import TRANSITIONS, IntentEvent, IntentState
from carequeue.verbs.table import client_verbs, item_verbs
from tests.simulation import table
from tests.simulation.__main__ import main
from tests.simulation.ablations import ALL, without
from tests.simulation.deciding import VERBS
from tests.simulation.run import Result, many, once, shortest, trace
from tests.simulation.steps import script


@pytest.fixture(scope="module")
def runs() -> Result:
    return many(range(400), stop_at=400)


class TestTheRuns:
    def test_break_no_promise(self, runs: Result) -> None:
        assert not runs.failed
        assert runs.figures["runs"] == 400

    def test_are_rough(self, runs: Result) -> None:
        counted = runs.figures
        assert counted["edits"] > 3000
        assert min(counted["faults"], counted["crashes"], counted["prompts"]) > 200
        assert counted["timeouts"] > 200

    def test_use_every_verb(self, runs: Result) -> None:
        names = {verb.name for verb in (*item_verbs(), *client_verbs())}
        assert set(VERBS) == names
        assert min(runs.figures[f"verb {name}"] for name in names) > 10

    def test_over_the_real_cache_too(self) -> None:
        assert not many(range(20), "real").failed

    @pytest.mark.parametrize("seed", range(24))
    def test_are_the_same_over_both_stores(self, seed: int) -> None:
        assert trace(seed, "memory") == trace(seed, "real")

    @pytest.mark.parametrize("seed", range(0, 200, 20))
    def test_of_one_seed_are_byte_equal(self, seed: int) -> None:
        assert trace(seed) == trace(seed)


class TestASafeguard:
    @pytest.mark.parametrize("name", list(ALL))
    def test_is_missed_within_two_hundred_runs_that_are_green_with_it(self, name: str) -> None:
        with without(name):
            broken = many(range(200)).failed
        assert broken, f"nobody notices that there is no {name}"
        for seed in broken:
            assert once(script(seed))[1] == ""

    def test_that_is_missing_is_shown_by_a_short_run(self) -> None:
        with without("if-match"):
            (seed,) = many(range(200)).failed
            shown = shortest(seed)
        assert "VIOLATION I" in shown
        assert len(shown.splitlines()) < 120

    def test_that_ends_a_look_with_a_silence_is_missed_by_its_time_outs(self) -> None:
        with without("silence"):
            failed = many(range(200)).failed
        assert all(words.startswith("I11") for words in failed.values())

    def test_is_back_afterwards(self) -> None:
        for name in ALL:
            with without(name):
                pass
        assert not many(range(20)).failed


class TestTheMachine:
    @pytest.mark.parametrize(("state", "event"), list(product(IntentState, IntentEvent)), ids=str)
    def test_has_no_cell_without_a_reason(self, state: IntentState, event: IntentEvent) -> None:
        assert bool(table.why_not(state, event)) is ((state, event) not in TRANSITIONS)

    def test_is_walked_through_wholly_and_never_left(self, runs: Result) -> None:
        assert not table.unseen(runs.cells)
        assert set(runs.cells) <= set(TRANSITIONS)
        assert all("NOT" not in line for line in table.lines(runs.cells))


class TestTheCommand:
    def test_counts_in_its_last_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--seeds", "0:20", "--jobs", "1", "--table"]) == 0
        *lines, last = capsys.readouterr().out.splitlines()
        assert "20 runs" in last
        assert "0 violations" in last
        assert any("found_not_applied" in line for line in lines)

    def test_fails_without_a_safeguard(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--seeds", "0:20", "--jobs", "1", "--without", "order"]) == 1
        assert "VIOLATION I6" in capsys.readouterr().out

    def test_names_the_safeguards(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == len(ALL)
