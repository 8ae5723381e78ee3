"""The sets of resources that others wrote: where they are found, what they are, who we are there.

In:  a folder with a folder per set, each with `*.ndjson.gz` files: a resource a line, or a
transaction Bundle a line, of which the entries count. Out: one `SampleSet` at a time.
Why one at a time: ids of one set are ids of something else in another.
Why "we" are named here: a referral is inbound or outbound by who we are, and no set says that; it
is whoever asks most often in it, and nobody where nobody asks.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ENDING: Final = "*.ndjson.gz"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a set comes from, under which licence, and who we are in it (references, or "")."""

    title: str
    licence: str
    me: str = ""
    organization: str = ""


ORIGINS: Final = {
    "hl7-r4-examples": Origin(
        "HL7 FHIR R4 examples", "CC0-1.0", "Practitioner/example", "Organization/f001"
    ),
    "sdohcc-3.0.0": Origin(
        "Gravity SDOH Clinical Care 3.0.0",
        "CC0-1.0",
        "Practitioner/SDOHCC-PractitionerDrJanWaterExample",
        "Organization/SDOHCC-OrganizationClinicExample",
    ),
    "us-core-8.0.0": Origin("US Core 8.0.0", "CC0-1.0", "Practitioner/practitioner-1"),
    "synthea-smart": Origin("Synthea sample (SMART)", "Apache-2.0"),
    "medplum-mock": Origin("Medplum mock data", "Apache-2.0", "Practitioner/124"),
}


@dataclass(frozen=True, slots=True)
class SampleSet:
    """One set; `resources` as they came, in their order, whatever they are."""

    name: str
    origin: Origin
    resources: tuple[Any, ...]


def read_sets(folder: Path) -> Iterator[SampleSet]:
    """Every set below a folder, or the one that is in it. Raises FileNotFoundError for none."""
    homes = sorted({file.parent for file in [*folder.glob(_ENDING), *folder.glob(f"*/{_ENDING}")]})
    if not homes:
        raise FileNotFoundError(f"No {_ENDING} in this folder, nor in a folder of it.")
    for home in homes:
        lines = [line for file in sorted(home.glob(_ENDING)) for line in _lines(file)]
        name = home.resolve().name
        yield SampleSet(name, ORIGINS.get(name, Origin(name, "see its own notes")), tuple(lines))


def _lines(file: Path) -> Iterator[Any]:
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        for line in filter(str.strip, opened):
            yield from _resources(json.loads(line))


def _resources(read: Any) -> Iterator[Any]:
    """A transaction stands for its entries; any other Bundle is a resource like the others."""
    if isinstance(read, dict) and (read.get("resourceType"), read.get("type")) == (
        "Bundle",
        "transaction",
    ):
        for entry in read.get("entry", []):
            yield entry.get("resource")
    else:
        yield read
