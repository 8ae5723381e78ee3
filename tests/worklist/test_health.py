"""What the header may say of sync: how the last look went, by what a server did in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from carequeue.domain.errors import SignInError
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceCache, SqliteSourceRepository
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.sync_cycle import Syncer
from carequeue.worklist.results import Health
from tests.fhir.clinic import DANA, DIRECTORY, PATIENT, ref, task
from tests.store.cache import SOURCE, Cache
from tests.sync.recorder import BASE, Recorder, path_of, said

TYPES = ("Task", "ServiceRequest", "Patient", "Communication")


class NoToken(Tokens):
    """A token command that gives none."""

    def current(self) -> str:
        raise SignInError("The token command gave no token. Your work is saved here.")


class Clinic:
    """Dana's cache, in step with a server that a test can make ill."""

    def __init__(self, folder: Path) -> None:
        self.cache = Cache(folder)
        self.server = Recorder(False, TYPES)
        for one in (*DIRECTORY, PATIENT, task("t1", owner=ref(DANA), description="Call")):
            self.server.put(one)
        self.look()

    def look(self, tokens: Tokens | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        session = self.cache.session
        handler = httpx.MockTransport(self.server)
        with Transport(BASE, tokens or Tokens(fixed="x"), handler=handler) as transport:
            Syncer(
                SOURCE, {}, SqliteSourceCache(SOURCE, session.engine(), session.projector()),
                transport,
                lambda: self.cache.instant,
            ).run_cycle(stop=stop)  # fmt: skip

    def answers(self, status: int, *parts: str) -> None:
        """What has one of these parts in its path is answered so from now on."""
        self.server.fault = lambda request, forward: (
            said("", status) if any(part in path_of(request) for part in parts) else forward()
        )

    @property
    def health(self) -> Health:
        found = self.cache.desk.health(self.cache.instant)
        assert isinstance(found, Health)
        return found

    @property
    def findings(self) -> list[tuple[str, str]]:
        return [(one.level, one.what) for one in self.cache.session.doctor()]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path)
    yield clinic
    clinic.cache.close()


def test_all_is_well_after_a_whole_look(clinic: Clinic) -> None:
    health = clinic.health
    assert (health.online, health.signed_out, health.trouble, health.whole) == (
        True, False, "", True,
    )  # fmt: skip
    assert health.last_sync == health.last_full == clinic.cache.instant
    assert not [what for level, what in clinic.findings if level == "problem"]


@pytest.mark.parametrize("how", ["every answer is 401", "there is no token"])
def test_signed_out_is_said_until_a_look_is_let_in(clinic: Clinic, how: str) -> None:
    before = clinic.cache.instant
    clinic.cache.later(hours=1)
    clinic.answers(401, "")
    clinic.look(NoToken() if how == "there is no token" else None)
    health = clinic.health
    assert (health.online, health.signed_out, health.whole) == (True, True, False)
    assert (health.last_full, health.last_sync) == (before, clinic.cache.instant)
    assert any(
        level == "problem" and what.startswith("main: signed out")
        for level, what in clinic.findings
    )

    clinic.answers(200)
    clinic.look()
    assert (clinic.health.signed_out, clinic.health.trouble) == (False, "")


def test_a_search_that_is_refused_is_named_although_the_others_have_finished(
    clinic: Clinic,
) -> None:
    clinic.answers(403, "ServiceRequest")
    clinic.look()
    assert clinic.health.online
    assert clinic.health.trouble == "not shown by the server: ServiceRequest (403)"
    assert not clinic.health.whole
    assert (
        "problem",
        "main: not all could be read: not shown by the server: ServiceRequest (403).",
    ) in clinic.findings


def test_a_look_that_a_busy_server_cut_short_has_ended(clinic: Clinic) -> None:
    """Else a person who asked for it would wait for ever to be told."""
    clinic.cache.later(minutes=5)
    clinic.answers(503, "Task")
    clinic.look()
    health = clinic.health
    assert health.last_sync == clinic.cache.instant
    assert health.last_full is not None
    assert health.last_full < clinic.cache.instant
    assert "503" in health.trouble


def test_a_look_that_was_broken_off_takes_nothing_back_of_what_the_one_before_found(
    clinic: Clinic,
) -> None:
    clinic.answers(403, "ServiceRequest")
    clinic.look()
    found = clinic.health
    clinic.cache.later(minutes=1)
    clinic.look(stop=lambda: True)
    assert clinic.health == found


def test_of_two_sources_the_worst_is_said_and_the_look_ends_with_the_last(clinic: Clinic) -> None:
    at = clinic.cache.instant
    clinic.cache.later(minutes=1)
    with writing(clinic.cache.session.engine()) as connection:
        SqliteSourceRepository(connection, "partner").sync_state.record_cycle(
            online=True, signed_out=True, full=False,
            why="expired.\x1b[31m", now=clinic.cache.instant,
        )  # fmt: skip
    health = clinic.health
    assert (health.signed_out, health.last_sync) == (True, at)
    assert health.trouble.startswith("expired")
    assert "\x1b" not in health.trouble
