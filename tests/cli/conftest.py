"""The command line over a fake desk, as a script or a person calls it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from carequeue.cli import use_cases
from carequeue.cli.main import carequeue
from carequeue.store import profiles
from carequeue.store.profiles import Profile
from tests.cli.fakes import NOW, FakeDesk, FakeProbe, FakeSession, row

US = ("--me", "ana", "--organization", "river", "--team", "access", "--time-zone", "UTC")


@dataclass
class Shell:
    """Runs commands; `session` is what they open, `screens` what was shown of it."""

    session: FakeSession
    monkeypatch: pytest.MonkeyPatch
    home: Path
    screens: list[FakeSession]

    @property
    def desk(self) -> FakeDesk:
        return self.session.desk

    def run(self, *words: str, given: str | bytes | None = None) -> Result:
        return CliRunner().invoke(carequeue, list(words), input=given)

    def stored(self, name: str = "default") -> Profile:
        """A profile as it is on the disk."""
        return profiles.load(name, self.home)

    def at_a_terminal(self) -> None:
        for can in ("can_ask", "can_draw", "shows_people"):
            self.monkeypatch.setattr(use_cases, can, lambda: True)

    def server_is(self, probe: FakeProbe | Exception) -> list[tuple[str, str | None]]:
        asked: list[tuple[str, str | None]] = []

        def answer(url: str, token: str | None, ca_bundle: str = "") -> FakeProbe:
            asked.append((url, token))
            if isinstance(probe, Exception):
                raise probe
            return probe

        self.monkeypatch.setattr(use_cases, "probe", answer)
        return asked


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    rows = [
        row("Task/1"),
        row("Task/2", "REYES, Tomás", band=3, points=10, unit="bd", days_left=2),
        row("Task/3", "王 小明", band=5, due_at=None, unit="", move="partner", mine=2),
    ]
    session = FakeSession(FakeDesk(rows))
    monkeypatch.setattr(use_cases, "open_session", lambda profile, **_: session)
    monkeypatch.setattr(use_cases, "now", lambda: NOW)
    screens: list[FakeSession] = []

    def open_queue(session: FakeSession) -> int:
        screens.append(session)
        return 0

    monkeypatch.setattr(use_cases, "open_queue", open_queue)
    for variable in ("CAREQUEUE_PROFILE", "CAREQUEUE_TOKEN", "CAREQUEUE_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CAREQUEUE_HOME", str(tmp_path))
    return Shell(session, monkeypatch, tmp_path, screens)
