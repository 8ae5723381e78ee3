"""One small clinic for each module, back by the book before each test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.controlled_clinic import Answer, ControlledClinic

NOW = "2026-11-24T15:12:00+00:00"
TOPIC = "https://riverbend.example/fhir/SubscriptionTopic/any-change"


@pytest.fixture(scope="module")
def opened() -> Iterator[ControlledClinic]:
    with ControlledClinic(seed=7, clients=40, now=NOW) as clinic:
        yield clinic


@pytest.fixture
def clinic(opened: ControlledClinic) -> ControlledClinic:
    opened.set_quirks()
    opened.control(clear_log=True)
    return opened


def send(
    clinic: ControlledClinic, method: str, path: str, tree: Any = None, **headers: str
) -> Answer:
    """A plain request; `If_Match="..."` is the header If-Match."""
    body = tree if isinstance(tree, str) else json.dumps(tree) if tree is not None else None
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return clinic.request(method, path, body, named)


def a_task(key: str = "", /, **more: Any) -> dict[str, Any]:
    tree = {"resourceType": "Task", "status": "requested", "intent": "order", **more}
    return tree | ({"id": key} if key else {})


def found(answer: Answer) -> list[str]:
    """The ids of the matches of a search, in their order."""
    assert answer.status == 200, answer.text
    entries = answer.json.get("entry", [])
    return [entry["resource"]["id"] for entry in entries if entry["search"]["mode"] == "match"]


def link(bundle: Any, relation: str) -> str | None:
    urls = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return urls[0] if urls else None


def below(clinic: ControlledClinic, url: str) -> str:
    """The part of an address below the base; fails where it leads elsewhere."""
    assert url.startswith(clinic.base + "/")
    return url[len(clinic.base) + 1 :]
