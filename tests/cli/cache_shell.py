"""The command line over a real cache, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from carequeue.cli import use_cases
from carequeue.cli.main import carequeue
from carequeue.domain.intents import IntentEvent, IntentState
from tests.fhir.clinic import DANA, NOEL, NOW, ref, task
from tests.store.cache import Cache
from tests.worklist import meanwhile
from tests.worklist.world import FOLLOW_UP, queue

THEIRS: dict[str, Any] = task(
    "t1",
    owner=ref(DANA),
    requester=ref(NOEL),
    description="Call about the group",
    priority="stat",
    meta={"lastUpdated": "2026-03-09T13:12:00Z", "versionId": "7", "author": ref(NOEL)},
)


class CacheShell:
    """Runs commands over one cache; each opens it anew, as a process does."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.cache = queue(folder)
        monkeypatch.setattr(use_cases, "open_session", lambda _: Cache(folder).session)
        monkeypatch.setattr(use_cases, "now", lambda: NOW)

    def run(self, *words: str, given: str | None = None) -> Result:
        result = CliRunner().invoke(carequeue, list(words), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def at_a_terminal(self) -> None:
        for can in ("can_ask", "shows_people"):
            self.monkeypatch.setattr(use_cases, can, lambda: True)

    def refused(self, words: str = "422 no such priority") -> str:
        """A priority that the server did not take; its id."""
        self.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(self.cache, IntentEvent.REFUSED, words)
        return str(self.cache.intents()[-1].id)

    def conflict(self) -> None:
        """Dana set a priority, a colleague another one."""
        self.cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(self.cache, THEIRS)

    @property
    def states(self) -> list[IntentState]:
        return [intent.state for intent in self.cache.intents()]


@contextmanager
def cache_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheShell]:
    """The command line over Dana's cache."""
    monkeypatch.delenv("CAREQUEUE_DEBUG", raising=False)
    shell = CacheShell(folder / "dana", monkeypatch)
    yield shell
    shell.cache.close()
