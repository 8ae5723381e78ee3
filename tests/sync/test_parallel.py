"""Several sources at once: results in order, one error, and an end by Ctrl-C."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest

from carequeue.sync import parallel
from carequeue.sync.parallel import in_parallel


def nothing() -> None:
    """Nobody interrupts."""


def test_results_come_in_order_although_the_tasks_wait_for_each_other() -> None:
    first, second = Event(), Event()

    def one() -> str:
        first.set()
        assert second.wait(20)
        return "one"

    def two() -> str:
        assert first.wait(20)
        second.set()
        return "two"

    assert in_parallel([one, two], nothing) == ["one", "two"]
    assert in_parallel([], nothing) == []


def test_an_error_is_raised_once_the_other_tasks_are_done() -> None:
    done: list[str] = []

    def fails() -> None:
        raise ValueError("the first")

    def fails_too() -> None:
        raise KeyError("the second")

    with pytest.raises(ValueError, match="the first"):
        in_parallel([fails, lambda: done.append("done"), fails_too], nothing)
    assert done == ["done"]


def test_ctrl_c_asks_the_tasks_to_end_and_waits_no_longer_than_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, waited = Event(), list[Any]()

    class Interrupted(Thread):
        def join(self, timeout: float | None = None) -> None:
            waited.append(timeout)
            if timeout is None:
                raise KeyboardInterrupt
            super().join(timeout)

    monkeypatch.setattr(parallel, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_parallel([lambda: stop.wait(20)], stop.set)
    assert stop.is_set()
    assert waited == [None, parallel._PATIENCE]
