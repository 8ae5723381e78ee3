"""A chart: all resources of one client that the mapping needs, and the rows read from it.

The chart is the unit in which the queue is recomputed: when a resource or an intent of a client
changes, the client's rows are read again and nothing else is (`store/projection.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from carequeue.domain.items import WorkItem

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """`resources`: type -> id -> resource, the *views* (base plus open intents) of one client.

    `shared` finds resources that belong to no client by relative reference: Organization,
    Practitioner, PractitionerRole, CareTeam, Location, HealthcareService (and a Patient, for a
    chart without one). `now` is not here: an item is the same at every hour; its rank is not.
    """

    source: str
    client: str  # "Patient/12", or the own reference of a resource that names no client
    resources: Mapping[str, Mapping[str, Resource]]
    shared: Callable[[str], Resource | None]
    base: str = ""  # the source's base URL: a server may write its references in full

    def of(self, kind: str) -> list[Resource]:
        """All resources of one type, in the order of their ids."""
        resources = self.resources.get(kind, {})
        return [resources[key] for key in sorted(resources)]

    def find(self, reference: str) -> Resource | None:
        """The resource of a relative reference, in this chart or among the shared."""
        kind, _, key = reference.partition("/")
        return self.resources.get(kind, {}).get(key) or self.shared(reference)


class ContactOutcome(StrEnum):
    """The outcome of a contact. `NONE`: we neither reached the client nor tried to."""

    REACHED = "reached"
    ATTEMPTED = "attempted"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Contact:
    """The outcome that one record shows, its time (UTC, None if unreadable), and why.

    `why` completes "attempted, ...". `unnamed`: the record does not say who took part. `about`:
    the references of its subject matter; empty if the record has none.
    """

    outcome: ContactOutcome
    at: datetime | None = None
    why: str = ""
    unnamed: bool = False
    about: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A resource that is stored unchanged but not shown, and why, without its content."""

    reference: str
    why: str


@dataclass(frozen=True, slots=True)
class ChartRead:
    """The rows of a chart, and what could not be read."""

    items: tuple[WorkItem, ...]
    troubles: tuple[Trouble, ...] = ()
