"""Whether the server is the one that it was: read twice a day, and never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from carequeue.domain.errors import ServerError, SignInError
from carequeue.sync.known_server import KnownServer
from carequeue.sync.protocol.sending import Cycle, HttpResponse, Unreachable
from tests.fhir.clinic import NOW
from tests.simulation.memory import MemoryDisk

BASE = "https://fhir.example.org/r4"


class Clinic:
    """A server with a statement, a clock, and what it was asked."""

    def __init__(self) -> None:
        self.base_url = BASE
        self.software = "Riverbend"
        self.status = 200
        self.asked = 0
        self.now = NOW
        disk = MemoryDisk(BASE)
        cache = disk.cache()
        cache.take_lease(NOW)
        self.server = KnownServer(cache, Cycle(self, self.clock), self.clock)

    def clock(self) -> datetime:
        return self.now

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        self.asked += 1
        statement = {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": self.software},
            "rest": [{"resource": [{"type": "Task", "interaction": [{"code": "read"}]}]}],
        }
        return HttpResponse(self.status, {}, statement)


def test_the_statement_is_read_once_in_twelve_hours() -> None:
    clinic = Clinic()
    assert clinic.server.abilities() == clinic.server.abilities()
    assert clinic.asked == 1
    clinic.now += timedelta(hours=12)
    clinic.server.abilities()
    assert clinic.asked == 2


def test_another_server_is_not_synced_with_unasked() -> None:
    clinic = Clinic()
    clinic.server.check()
    clinic.software, clinic.now = "Somebody else", NOW + timedelta(days=1)
    with pytest.raises(ServerError, match="another server answers"):
        clinic.server.check()


def test_a_server_that_leaves_its_name_out_once_is_the_same() -> None:
    clinic = Clinic()
    clinic.server.check()
    clinic.software, clinic.now = "", NOW + timedelta(days=1)
    clinic.server.check()
    clinic.software, clinic.now = "Somebody else", NOW + timedelta(days=2)
    with pytest.raises(ServerError, match="another server answers"):
        clinic.server.check()


@pytest.mark.parametrize(
    ("status", "error"), [(401, SignInError), (503, Unreachable), (429, Unreachable)]
)
def test_a_server_that_gives_no_statement_says_why(status: int, error: type[Exception]) -> None:
    clinic = Clinic()
    clinic.status = status
    with pytest.raises(error):
        clinic.server.abilities()
