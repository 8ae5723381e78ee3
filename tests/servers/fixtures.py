"""Fixtures for tests that need a server; a folder's conftest imports the names that it uses.

`medplum`, `practice`: one empty server of one kind.   `server`: each kind in turn, empty.
`clinic`: such a server with the small clinic in it.   `proxy`: the network before `server`.
A server is started once a session and emptied before each test. Where node is missing, its tests
are skipped with the reason on a person's machine, and fail where CI is set: a gap is never silent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.servers.harness import FhirServer, MedplumServer, NotInstalled, PracticeServer
from tests.servers.proxy import FaultProxy
from tests.servers.small_clinic import small_clinic

__all__ = [
    "clinic",
    "medplum",
    "medplum_process",
    "now",
    "practice",
    "practice_process",
    "proxy",
    "server",
]


@pytest.fixture(scope="session")
def medplum_process() -> Iterator[MedplumServer]:
    """The one Medplum server of this run; use `medplum`, which is empty."""
    try:
        server = MedplumServer()
    except NotInstalled as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(f"NOT TESTED: {reason}")
    yield server
    server.close()


@pytest.fixture(scope="session")
def practice_process() -> Iterator[PracticeServer]:
    """The one practice server of this run; use `practice`, which is empty."""
    server = PracticeServer()
    yield server
    server.close()


@pytest.fixture
def medplum(medplum_process: MedplumServer) -> MedplumServer:
    """Medplum's server, empty."""
    medplum_process.reset()
    return medplum_process


@pytest.fixture
def practice(practice_process: PracticeServer) -> PracticeServer:
    """The practice server, empty and well-behaved."""
    practice_process.reset()
    return practice_process


@pytest.fixture(params=["practice", "medplum"])
def server(request: pytest.FixtureRequest) -> FhirServer:
    """Each kind of server in turn, empty: the same test runs on both."""
    found: FhirServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def now() -> datetime:
    """The instant at which this test takes place (aware, UTC)."""
    return datetime.now(UTC)


@pytest.fixture
def clinic(server: FhirServer, now: datetime) -> FhirServer:
    """Each kind of server in turn, with the small clinic in it."""
    server.load(small_clinic(now))
    return server


@pytest.fixture
def proxy(server: FhirServer) -> Iterator[FaultProxy]:
    """A network that can fail, before `server`; clients connect to `proxy.base`."""
    made = FaultProxy(server.base, server.token)
    yield made
    made.close()
