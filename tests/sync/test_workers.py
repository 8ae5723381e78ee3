"""Sync beside the queue: when it only sends, when it looks at everything, and when at nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock

from carequeue.sync import poll_schedule
from carequeue.sync.net.total_timeout import SlowResponse
from carequeue.sync.sync_cycle import CycleResult
from carequeue.sync.workers import BY_CHOICE, PINGS, Background, SourceConnection, SourceWorker

PATIENCE = 20.0


class Day:
    """One source, taken through a day turn by turn; its time is the test's own."""

    def __init__(self, folder: Path, name: str = "main") -> None:
        self.seconds = 0.0
        self.looks: list[str] = []
        self.sees: Callable[[], CycleResult] = lambda: CycleResult(full=True, received=1)
        self.meanwhile: Callable[[], object] = lambda: None  # happens during a look
        self.there = True
        self.asked_whether_there = 0
        self.by_choice = False
        self.wait = 0.0
        self.waits: SlowResponse | None = None
        self.failed: list[str] = []
        self.lock = folder / f"{name}.lock"
        self.keeper = SourceWorker(
            name,
            self.lock,
            self._connect,
            self.failed.append,
            lambda: self.by_choice,
            lambda: self.seconds,
        )
        self.sync = Background([self.keeper])

    def _connect(self) -> SourceConnection:
        syncer: Any = self
        transport: Any = SimpleNamespace(
            ping=self._answers, take_wait=lambda: self.wait, waits=lambda: self.waits
        )
        listener: Any = SimpleNamespace(tend=lambda _: False, close=lambda **_: None)
        return SourceConnection(syncer, transport, listener)

    def turn(self, seconds: float = 0.0) -> list[str]:
        """Some time later the thread turns to what has happened; what it looked at then."""
        self.seconds += seconds
        before = len(self.looks)
        self.keeper.listen(0.0)
        self.keeper.turn()
        return self.looks[before:]

    def decide(self) -> None:
        self.sync.send()

    def run_cycle(self, progress: object, stop: Callable[[], bool]) -> CycleResult:
        return self._looked("everything")

    def push_only(self, stop: Callable[[], bool]) -> CycleResult:
        return self._looked("outbox")

    def _looked(self, what: str) -> CycleResult:
        self.looks.append(what)
        self.meanwhile()
        return self.sees()

    def _answers(self) -> bool:
        self.asked_whether_there += 1
        return self.there

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def day(tmp_path: Path) -> Day:
    """It has looked once."""
    made = Day(tmp_path)
    assert made.turn() == ["everything"]
    return made


def _away() -> CycleResult:
    return CycleResult(offline=True, why="cannot be reached")


def test_what_is_decided_leaves_without_looking_at_everything(day: Day) -> None:
    day.decide()
    assert day.turn(2) == ["outbox"]
    assert day.turn(2) == []


def test_what_it_set_off_on_the_server_is_looked_for_soon_after(day: Day) -> None:
    day.sees = lambda: CycleResult(full=True)
    for _ in range(12):
        day.turn(poll_schedule.SLOW * 1.3)
    day.decide()
    assert day.turn(100) == ["outbox"]
    assert day.turn(poll_schedule.AFTER_ACT) == ["everything"]


def test_who_works_without_a_pause_sees_what_is_new_all_the_same(day: Day) -> None:
    looks = []
    for _ in range(24):
        day.decide()
        looks += day.turn(poll_schedule.QUICK / 4)
    assert 4 <= looks.count("everything") <= 8
    assert len(looks) == 24


def test_what_a_person_asks_for_is_never_taken_for_an_act(day: Day) -> None:
    """`r` comes while the thread turns to the act that woke it."""
    day.decide()
    day.meanwhile = day.sync.sync_now
    assert day.turn(1) == ["outbox"]
    day.meanwhile = lambda: None
    assert day.turn() == ["everything"]


def test_who_comes_back_to_the_terminal_sees_what_is_new(day: Day) -> None:
    day.sync.focused(False)
    assert day.turn(1) == []
    day.sync.focused(True)
    assert day.turn(poll_schedule.OLD) == ["everything"]


class TestOffline:
    def test_it_is_asked_cheaply_and_often_until_the_server_is_there_again(
        self, tmp_path: Path
    ) -> None:
        day = Day(tmp_path)
        day.sees, day.there = _away, False
        assert day.turn() == ["everything"]
        for tries in (1, 2, 3):
            assert day.turn(poll_schedule.RETRY_LAST * 1.3) == []
            assert day.asked_whether_there == tries
        day.sees, day.there = (lambda: CycleResult(full=True)), True
        assert day.turn(poll_schedule.RETRY_LAST * 1.3) == ["everything"]

    def test_a_server_that_is_only_slow_gets_a_look_after_some_questions(
        self, tmp_path: Path
    ) -> None:
        """It is there, and too slow for a glance."""
        day = Day(tmp_path)
        day.sees, day.there = _away, False
        day.turn()
        day.sees = lambda: CycleResult(full=True)
        looks = [day.turn(poll_schedule.RETRY_LAST * 1.3) for _ in range(PINGS + 1)]
        assert looks == [[]] * PINGS + [["everything"]]
        assert day.asked_whether_there == PINGS

    def test_what_a_person_asks_for_is_a_real_look(self, tmp_path: Path) -> None:
        day = Day(tmp_path)
        day.sees, day.there = _away, False
        day.turn()
        day.sync.sync_now()
        assert day.turn() == ["everything"]

    def test_what_is_decided_meanwhile_is_a_try_and_waits(self, tmp_path: Path) -> None:
        day = Day(tmp_path)
        day.sees, day.there = _away, False
        day.turn()
        day.decide()
        assert day.turn(1) == []
        assert day.asked_whether_there == 1


class TestOfflineByChoice:
    def test_nothing_leaves_not_even_a_question(self, tmp_path: Path) -> None:
        day = Day(tmp_path)
        day.by_choice = True
        day.sync.sync_now()
        day.decide()
        assert day.turn() == day.turn(1000) == []
        assert day.asked_whether_there == 0

    def test_its_end_syncs_at_once(self, day: Day) -> None:
        day.by_choice = True
        day.sync.offline(True)
        assert day.turn(1) == []
        day.by_choice = False
        day.sync.offline(False)
        assert day.turn(1) == ["everything"]

    def test_its_end_in_another_window_is_seen_within_seconds(self, day: Day) -> None:
        day.by_choice = True
        assert day.turn(1) == []
        day.by_choice = False
        assert day.turn(BY_CHOICE) == ["everything"]

    def test_a_look_under_way_is_broken_off(self, day: Day) -> None:
        stopped: list[bool] = []

        def push_only(stop: Callable[[], bool]) -> CycleResult:
            day.by_choice = True
            day.sync.offline(True)
            stopped.append(stop())
            return CycleResult()

        day.push_only = push_only  # type: ignore[method-assign]
        day.decide()
        day.turn(1)
        assert stopped == [True]
        assert day.turn(1000) == []


def test_a_server_that_asks_us_to_wait_gets_nothing_until_then(day: Day) -> None:
    day.wait, day.sees = 120.0, lambda: CycleResult(offline=True, why="it is busy")
    day.decide()
    assert day.turn(1) == ["outbox"]
    day.decide()
    assert day.turn(100) == []
    assert day.asked_whether_there == 0
    day.wait, day.sees = 0.0, lambda: CycleResult(full=True)
    assert day.turn(21) == ["everything"]


class TestAnAnswerThatTakesLong:
    def test_is_told_while_a_look_waits_for_it_and_not_afterwards(self, day: Day) -> None:
        day.waits = SlowResponse(datetime(2026, 12, 1, 13, 55, tzinfo=UTC), slow=True)
        told: list[object] = []
        day.meanwhile = lambda: told.append(day.sync.waits)
        day.sync.sync_now()
        day.turn()
        assert told == [{"main": day.waits}]
        assert day.sync.waits == {}

    def test_of_one_source_is_told_of_no_other(self, tmp_path: Path) -> None:
        slow, quick = Day(tmp_path, "slow"), Day(tmp_path, "quick")
        both = Background([slow.keeper, quick.keeper])
        slow.waits = SlowResponse(datetime(2026, 12, 1, 13, 55, tzinfo=UTC), slow=False)
        told: list[object] = []

        def meanwhile() -> None:
            quick.turn(100)
            told.append(both.waits)

        slow.meanwhile = meanwhile
        slow.turn()
        assert quick.looks == ["everything"]
        assert told == [{"slow": slow.waits}]


class TestAnotherProcess:
    def test_that_syncs_is_said_and_waited_for(self, tmp_path: Path) -> None:
        day = Day(tmp_path)
        with FileLock(day.lock):
            assert day.turn() == []
            assert day.sync.other_syncs
        assert day.turn(poll_schedule.OTHER * 1.3) == ["everything"]
        assert not day.sync.other_syncs

    def test_that_took_the_lease_is_said_too(self, day: Day) -> None:
        day.sees = lambda: CycleResult(superseded=True)
        day.sync.sync_now()
        day.turn()
        assert day.sync.other_syncs


def test_a_fault_is_written_down_and_the_next_look_tries_again(day: Day) -> None:
    def broken() -> CycleResult:
        raise KeyError("needle of a client's name")

    day.sees = broken
    day.sync.sync_now()
    assert day.turn() == ["everything"]
    assert "KeyError" in day.failed[0]
    assert "needle" not in day.failed[0]
    assert day.turn(poll_schedule.SLOW) == ["everything"]


def test_a_source_that_does_not_answer_delays_no_other(tmp_path: Path) -> None:
    slow, quick = Day(tmp_path, "slow"), Day(tmp_path, "quick")
    begun, let_go, done = threading.Event(), threading.Event(), threading.Event()

    def stand_still() -> None:
        begun.set()
        let_go.wait(PATIENCE)

    slow.meanwhile = stand_still

    def work() -> None:
        begun.wait(PATIENCE)
        quick.seconds += 100
        quick.sync.send()
        if len(quick.looks) == 5:
            done.set()

    quick.meanwhile = work
    sync = Background([slow.keeper, quick.keeper])
    sync.start()
    try:
        assert done.wait(PATIENCE)
        assert slow.looks == ["everything"]
        assert slow.keeper.syncing
    finally:
        quick.meanwhile = lambda: None
        let_go.set()
        sync.stop()
