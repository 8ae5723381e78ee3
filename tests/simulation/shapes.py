"""What the model server keeps and says: versions, rows, writes, answers. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

Json = dict[str, Any]
Key = tuple[str, str]
BASE_URL: Final = "http://model.test/fhir"
#: What our verbs write beside Tasks and contacts; not every server takes it.
MORE: Final = ("Observation", "ServiceRequest", "Encounter", "Appointment")
TYPES: Final = ("Task", "Communication", "Patient", *MORE)
#: Of a Task, on a server that knows some only.
STATUSES: Final = ("requested", "accepted", "completed", "entered-in-error")


class Answer(NamedTuple):
    """An answer; header names in lower case. As `transport.HttpResponse`."""

    status: int
    headers: Mapping[str, str]
    json: Any
    url: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a row; `body` None: deleted. `by` names the decisions that wrote it."""

    number: str
    body: Json | None
    at: datetime  # as stamped
    seen_at: datetime  # from when on a search shows it
    by: tuple[str, ...] = ()
    came: int = 0  # in the order of all writes


@dataclass(slots=True)
class Row:
    """One resource, every version of it, the present one last."""

    key: Key
    versions: list[Version] = field(default_factory=list)

    @property
    def now(self) -> Version:
        return self.versions[-1]

    @property
    def body(self) -> Json | None:
        return self.versions[-1].body

    def searchable(self, at: datetime) -> Version | None:
        """What a search shows of it."""
        for version in reversed(self.versions):
            if version.seen_at <= at:
                return version
        return None


@dataclass(frozen=True, slots=True)
class Write:
    """An accepted write. `before` None: it made a new row. `carried`: decisions; () a colleague."""

    row: Row
    before: Version | None
    after: Version
    carried: tuple[str, ...]
    sent: Any = None  # what the wire knows of the request


def stamp(at: datetime) -> str:
    """An instant as a server writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def outcome(status: int, code: str, words: str, where: str = "") -> Answer:
    issue: Json = {"severity": "error", "code": code, "diagnostics": words}
    if where:
        issue["expression"] = [where]
    return Answer(status, {}, {"resourceType": "OperationOutcome", "issue": [issue]})
