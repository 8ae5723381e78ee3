"""The people of the cases, before each kind of server in turn, with the small clinic in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.contract.client import Clinician
from tests.servers.fixtures import *  # noqa: F403 - fixtures are found by their names
from tests.servers.harness import FhirServer
from tests.servers.proxy import FaultProxy
from tests.servers.small_clinic import ME

Arrives = Callable[..., Clinician]


@pytest.fixture
def arrives(
    clinic: FhirServer, proxy: FaultProxy, tmp_path: Path, now: datetime
) -> Iterator[Arrives]:
    """Somebody starts CareQueue for the first time; every program is ended with the case."""
    people: list[Clinician] = []

    def made(me: str, name: str, token: str = clinic.token) -> Clinician:
        folder = tmp_path / me.partition("/")[2]
        people.append(Clinician(me, name, proxy.base, token, folder, now))
        return people[-1]

    yield made
    for person in people:
        person.quit()


@pytest.fixture
def dana(arrives: Arrives) -> Clinician:
    """Dana Whitfield, of the adult outpatient team, has synced once."""
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


@pytest.fixture
def priya(arrives: Arrives) -> Clinician:
    """Priya Raman, her colleague of the same team, has synced once."""
    priya = arrives("Practitioner/priya-raman", "Priya Raman")
    assert priya.sync().ok
    return priya
