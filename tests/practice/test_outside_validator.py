"""The practice clinic's people and their work, before a validator that nobody here wrote.

The clinic's data are literal FHIR, so that an error of our mapping cannot hide on both sides; that
they are FHIR is not for us to say. The validator knows structure, not terminology: a status that
does not exist, or a reference that leads nowhere, is broken and passes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.practice.people.everybody import ClinicPeople
from carequeue.practice.people.simulated_colleagues import SimulatedColleagues
from carequeue.practice.server.fhir_dates import milliseconds
from carequeue.practice.server.resource_store import ResourceStore
from tests.servers.fixtures import medplum_process
from tests.servers.harness import problems

__all__ = ["medplum_process"]

NOW = datetime(2026, 11, 24, 15, 12, tzinfo=UTC)
Trees = list[dict[str, Any]]
Problems = list[tuple[str, str]]


@pytest.fixture(scope="module")
def trees() -> Trees:
    people = ClinicPeople(7, 400, NOW)
    made = people.resources()
    return [tree for _, tree in made] + _of_the_day(people, made)


def _of_the_day(people: ClinicPeople, made: list[tuple[int, dict[str, Any]]]) -> Trees:
    """What colleagues make and change in a long day, each version."""
    store = ResourceStore(lambda: milliseconds(NOW), "")
    store.seed(made)
    colleagues, wrote = SimulatedColleagues(7, people.clients, store), []
    with store.whole():
        for _ in range(200):
            wrote += colleagues.step().wrote
    return [json.loads(version.body) for version in wrote]


@pytest.fixture(scope="module")
def found(medplum_process: object, trees: Trees) -> Problems:
    """What the validator has against the clinic; skipped, or failed, where there is no node."""
    return problems(trees)


def test_what_is_broken_by_its_structure_is_found(found: Problems) -> None:
    assert {name for name, _ in found if _on_purpose(name)} == {
        "Task/broken-no-status",
        "Task/broken-string-client",
        "Task/broken-impossible-date",
        "Task/broken-wrong-types",
        "ServiceRequest/broken-client-as-request",
    }


def test_nothing_else_has_a_problem_but_the_name_that_attacks_a_terminal(
    found: Problems, trees: Trees
) -> None:
    attacking = {
        f"{tree['resourceType']}/{tree['id']}" for tree in trees if r"\u001b" in json.dumps(tree)
    }
    others = [(name, problem) for name, problem in found if not _on_purpose(name)]
    assert {name for name, _ in others} == attacking
    for name, problem in others:
        assert problem.startswith("Invalid string format"), name
        assert problem.endswith((".text", ".family", ".display")), name


def _on_purpose(name: str) -> bool:
    return name.partition("/")[2].startswith("broken-")
