"""One person, two servers: her own clinic and the county's, each with ids of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from carequeue.store.engine import writing
from carequeue.store.profiles import SourceProfile
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.protocol.capabilities import to_json
from tests.fhir.clinic import DIRECTORY, ref, task
from tests.store.cache import NOWHERE, PROFILE, SOURCE, WRITABLE, Cache

COUNTY: Final = "county"
#: Dana at the county; "Practitioner/dana" is somebody else there.
ME_AT_COUNTY: Final = "Practitioner/4711"
SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
TWO: Final = replace(
    PROFILE,
    sources=(
        SourceProfile(SOURCE, NOWHERE),
        SourceProfile(
            COUNTY,
            "http://127.0.0.1:9/county",
            label="County",
            me=ME_AT_COUNTY,
            organization="Organization/county",
        ),
    ),
)
COUNTY_DIRECTORY: Final[list[dict[str, Any]]] = [
    {"resourceType": "Organization", "id": "county", "name": "County"},
    {"resourceType": "Practitioner", "id": "4711", "name": [{"text": "Dana W."}]},
    {"resourceType": "Practitioner", "id": "dana", "name": [{"text": "Dana Dawson"}]},
    {"resourceType": "PractitionerRole", "id": "r1", "practitioner": ref("Practitioner/dana"),
     "organization": ref("Organization/county")},
]  # fmt: skip


class TwoSources(Cache):
    """A cache of both; a page may come from either."""

    def come(self, source: str, *resources: Any) -> None:
        """These came from this source, in one page."""
        projector = self.session.projector()
        with writing(self.session.engine()) as connection:
            repository = SqliteSourceRepository(connection, source)
            repository.mirror.save(resources, self.instant)
            projector.project(connection, repository.charts, self.instant)


def two_sources(folder: Path) -> TwoSources:
    """Both directories are here; both take what is decided."""
    cache = TwoSources(folder, TWO)
    with writing(cache.session.engine()) as connection:
        for source in (SOURCE, COUNTY):
            SqliteSourceRepository(connection, source).sync_state.declare(
                "statement", to_json(WRITABLE), cache.instant
            )
    cache.come(SOURCE, *DIRECTORY)
    cache.come(COUNTY, *COUNTY_DIRECTORY)
    return cache


def client(key: str, *identifiers: Mapping[str, Any], family: str = "Okafor") -> dict[str, Any]:
    """A Patient with these identifiers."""
    return {
        "resourceType": "Patient",
        "id": key,
        "name": [{"family": family, "given": ["Amara"]}],
        "birthDate": "1990-02-03",
        "identifier": list(identifiers),
    }


def ssn(value: str, **more: Any) -> dict[str, Any]:
    """An identifier that both servers may have."""
    return {"system": SSN, "value": value, **more}


def follow_up(key: str, of: str, owner: str, text: str = "Call") -> dict[str, Any]:
    """A Task of a client with an owner."""
    return task(key, owner=ref(owner), description=text, **{"for": ref(f"Patient/{of}")})
