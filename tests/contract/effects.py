"""What the server holds about many clients at once, and what an act changed there, in plain words.

In:  a server, two readings of it. Out: for each case the elements of its Task that differ, each in
a word, and its client's new resources, each as "Type status code".
Why in words: a case stands in one line (`verb_cases.py`), and a server may add to an element
(a display, an id) without changing what it says. Times are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.contract.verb_cases import Case
from tests.servers.harness import FhirServer, Resource

#: The types that our verbs write.
WRITTEN: Final = (
    "Task", "Communication", "Observation", "ServiceRequest", "Encounter", "Appointment",
)  # fmt: skip
_NOT_SAID: Final = frozenset({"meta", "lastModified"})

#: `Type/id` -> the resource.
Held = dict[str, Resource]
#: What came of an act: elements of the Task in a word each, and the new resources of the client.
Effect = tuple[dict[str, str | None], list[str]]


def held_of(server: FhirServer) -> Held:
    """All resources of the types that our verbs write."""
    return {
        f"{kind}/{resource['id']}": resource
        for kind in WRITTEN
        for resource in server.found(f"{kind}?_count=200")
    }


def expected(cases: Sequence[Case]) -> dict[str, Effect]:
    """By case: what the server has to hold after its verb."""
    return {case.name: (dict(case.effect), sorted(case.made)) for case in cases}


def effects(cases: Sequence[Case], before: Held, after: Held) -> dict[str, Effect]:
    """By case: what changed between two readings."""
    return {
        case.name: (
            _changed(before.get(case.task, {}), after.get(case.task, {})),
            made(case, before, after),
        )
        for case in cases
    }


def made(case: Case, before: Held, after: Held) -> list[str]:
    """The resources of a case's client that are there now and were not before."""
    return sorted(
        _named(resource)
        for key, resource in after.items()
        if key not in before and case.client in _clients(resource)
    )


def _changed(before: Resource, after: Resource) -> dict[str, str | None]:
    names = [name for name in {**before, **after} if name not in _NOT_SAID]
    return {
        name: _word(after[name]) if name in after else None
        for name in names
        if before.get(name) != after.get(name)
    }


def _word(value: Any) -> str:
    """An element in a word: whom it names, its text or code; of a list, its last entry."""
    if isinstance(value, list):
        return _word(value[-1])
    if not isinstance(value, Mapping):
        return str(value)
    if "reference" in value:
        return str(value["reference"])
    if "url" in value:
        return str(value["url"]).rpartition("/")[2]
    if "coding" in value:
        return str(value["coding"][0]["code"])
    return str(value["text"]) if "text" in value else _word(value["type"])


def _named(resource: Resource) -> str:
    """A new resource as type, status and what it is: "Communication completed reminder"."""
    said = (
        resource.get("valueCodeableConcept")
        or resource.get("category")
        or resource.get("statusReason")
        or resource.get("code")
        or {"text": resource["class"]["code"] if "class" in resource else ""}
    )
    first = said[0] if isinstance(said, list) else said
    return f"{resource['resourceType']} {resource['status']} {_word(first)}".rstrip()


def _clients(resource: Resource) -> set[str]:
    """Whom a resource is about."""
    actors = [entry.get("actor", {}) for entry in resource.get("participant", [])]
    parties = [resource.get("for", {}), resource.get("subject", {}), *actors]
    return {str(party.get("reference", "")) for party in parties}
