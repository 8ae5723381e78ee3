"""Where every resource of a set is after one sync: nothing is left out of the sum.

In:  the resources of a set, what the server refused of them, and what a session holds (`Seen`).
Out: an `Account`: one `Fate` a resource, the rows by kind, and what does not add up.
A resource that is kept without a row, and for which `reasons.py` finds no reason in the data, has
the place `LOST`: that is a fault of ours, and the command says so by its exit code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from carequeue.domain.items import Kind
from carequeue.fhir import values
from carequeue.fhir.our_directory import own_reference
from tests.samples.reasons import Cache, Kept, is_work, why_no_row, why_not_fetched

_NAMES: Final = frozenset(
    {
        "CareTeam",
        "HealthcareService",
        "Location",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
    }
)


class Place(StrEnum):
    """Where a resource of a set ended up, in the order of its way."""

    REFUSED = "refused by the server"
    AGAIN = "the same id again"
    LEFT = "left on the server"
    BESIDE = "in the cache, read beside the rows"
    ROW = "in the cache, in a row"
    KEPT = "in the cache, no row"
    LOST = "NOT EXPLAINED"


#: In these a resource is in the cache.
CACHED: Final = (Place.BESIDE, Place.ROW, Place.KEPT)


class Fate(NamedTuple):
    """What became of one resource; `why` is in words without its content."""

    place: Place
    why: str
    type: str


class Row(NamedTuple):
    """One row of the queue: its key, its kind, and the references of what it stands for."""

    key: str
    kind: Kind
    resources: frozenset[str]
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a session holds after its sync; `ok` and `said` are its own report."""

    kept: Mapping[str, Kept]
    rows: Sequence[Row]
    doctor: Sequence[str]
    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class Account:
    """One fate a resource. `strangers`: references in the cache that are not in the set."""

    fates: Sequence[Fate]
    seen: Seen
    strangers: Sequence[str]

    def count(self, *places: Place) -> int:
        """How many resources are in one of these places."""
        return sum(fate.place in places for fate in self.fates)

    @property
    def kinds(self) -> Mapping[Kind, int]:
        """How many rows of each kind, zeros included."""
        counted = Counter(row.kind for row in self.seen.rows)
        return {kind: counted[kind] for kind in Kind}

    @property
    def lines(self) -> Sequence[tuple[Place, str, int, str]]:
        """(place, why, how many, of which types), in the order of the places, the most first."""
        found: dict[tuple[Place, str], Counter[str]] = {}
        for fate in self.fates:
            found.setdefault((fate.place, fate.why), Counter())[fate.type] += 1
        order = list(Place)
        rows = sorted(found, key=lambda at: (order.index(at[0]), -found[at].total(), at[1]))
        return [(*at, found[at].total(), _types(found[at])) for at in rows]

    @property
    def faults(self) -> Sequence[str]:
        """What does not add up, in words; nothing where all is well."""
        lost = [f"{fate.type}: {fate.why}" for fate in self.fates if fate.place is Place.LOST]
        strange = [f"in the cache, not in the set: {name}" for name in self.strangers]
        return [*lost, *strange, *([] if self.seen.ok else [self.seen.said])]


def account(
    resources: Sequence[Any], refused: Mapping[int, str], seen: Seen, now: datetime
) -> Account:
    """Say of each resource where it is. `refused`: place in `resources` -> the server's words."""
    loaded = {
        own_reference(one): place for place, one in enumerate(resources) if place not in refused
    }
    cache = Cache(seen.kept, now)
    shown = {name: row.kind for row in seen.rows for name in row.resources}
    fates = []
    for place, resource in enumerate(resources):
        name = own_reference(resource)
        kind = values.text(resource, "resourceType") or "?"
        if place in refused:
            fates.append(Fate(Place.REFUSED, refused[place], kind))
        elif loaded[name] != place:
            same = resources[loaded[name]] == resource
            fates.append(
                Fate(Place.AGAIN, "alike" if same else "unlike: the last one stands", kind)
            )
        else:
            fates.append(Fate(*_place(cache, shown, name, resource), kind))
    strangers = sorted(name for name in seen.kept if name not in loaded)
    return Account(fates, seen, strangers)


def _place(cache: Cache, shown: Mapping[str, Kind], name: str, resource: Any) -> tuple[Place, str]:
    kept = cache.kept.get(name)
    if kept is None:
        why = why_not_fetched(cache, name, resource)
        return (Place.LEFT, why) if why else (Place.LOST, f"{name} was never received")
    if name in shown:
        return Place.ROW, shown[name].value
    if kept.trouble:
        return Place.KEPT, f"malformed: {kept.trouble}"
    if is_work(name, kept.resource):
        why = why_no_row(cache, name)
        return (Place.KEPT, why) if why else (Place.LOST, f"{name} has no row")
    if name.partition("/")[0] in _NAMES:
        return Place.BESIDE, "names of clients, people and places"
    if not kept.chart.startswith("Patient/"):
        return Place.KEPT, "an event that names no client"
    return Place.BESIDE, "what happened to a client"


def _types(counted: Counter[str]) -> str:
    """`Task 3, Coverage 1`."""
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{kind} {many:,}" for kind, many in ordered)
