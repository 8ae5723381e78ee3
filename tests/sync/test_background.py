"""The thread beside the queue: when it only sends, and when it looks at everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from carequeue.sync.background import EVERY, Background
from carequeue.sync.driver import Looked


class Day:
    """A source that does the next thing of a day at each look; its time is the test's own."""

    def __init__(self, folder: Path) -> None:
        self.seconds = 0.0
        self.looks: list[str] = []
        self.things: list[Callable[[], None]] = []
        self._over = threading.Event()
        self.sync = Background(folder / "lock", lambda: [self], elapsed=lambda: self.seconds)  # type: ignore[list-item]

    def run(self) -> list[str]:
        self.sync.start()
        assert self._over.wait(20), self.looks
        self.sync.stop()
        return self.looks

    def work(self, seconds: float = 10.0) -> None:
        """Something is decided, some time after the last."""
        self.seconds += seconds
        self.sync.send()

    def look(self, *_: object) -> Looked:
        return self._looked("everything")

    def push_only(self, *_: object) -> Looked:
        return self._looked("outbox")

    def _looked(self, what: str) -> Looked:
        if self._over.is_set():  # what the last thing of the day wakes is of the next
            return Looked(full=True)
        self.looks.append(what)
        self.things.pop(0)()
        if not self.things:
            self._over.set()
        return Looked(full=True)

    def close(self) -> None:
        """There is nothing to close."""


def test_what_is_decided_leaves_without_looking_at_everything(tmp_path: Path) -> None:
    day = Day(tmp_path)
    day.things = [day.work, day.work, day.work]
    assert day.run() == ["everything", "outbox", "outbox"]


def test_who_works_without_a_pause_sees_what_is_new_all_the_same(tmp_path: Path) -> None:
    day = Day(tmp_path)
    day.things = [lambda: day.work(EVERY / 4)] * 24
    looks = day.run()
    assert 4 <= looks.count("everything") <= 8
    assert looks.count("outbox") + looks.count("everything") == 24


def test_what_a_person_asks_for_is_never_taken_for_an_act(tmp_path: Path) -> None:
    """`r` comes while the thread turns to the act that woke it."""
    day = Day(tmp_path)

    class Wake(threading.Event):
        def clear(self) -> None:
            if day.looks == ["everything"]:
                day.sync.nudge()
            super().clear()

    day.sync._wake = Wake()
    day.things = [day.work, day.work]
    assert day.run() == ["everything", "everything"]
