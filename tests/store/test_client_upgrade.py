"""Decisions of a cache from before the client was recorded: with whom, and who is asked first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.intents import ClientIdentity, ConflictCause, Intent
from carequeue.store.engine import Raw, connect, orm
from carequeue.store.migrations import migrate
from carequeue.store.source_repository import SqliteSourceRepository
from tests.store import schema_1, schema_2

KEY = bytes(32)
SOURCE = "clinic"
DECIDED = "2026-03-02T15:00:00.500000+00:00"
BEFORE, AFTER = "2026-03-02T14:00:00Z", "2026-03-02T16:00:00Z"
PIOTR = {"reference": "Patient/p", "display": "Piotr Jankowski"}


class OldCache:
    """A cache of schema 2, written by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: Raw = connect(path, KEY)
        for statement in f"{schema_1.SCHEMA};\n{schema_2.SCHEMA}".split(";\n"):
            if statement.strip():
                self._connection.execute(statement)
        self._connection.execute("PRAGMA user_version=2")

    def resource(self, key: str, body: Any, updated: str = BEFORE, received: int = 0) -> None:
        text = body if isinstance(body, str) else json.dumps({"id": key, **body})
        self._connection.execute(
            "INSERT INTO resource (source, type, id, version_id, last_updated, digest, chart, "
            "focus, body, trouble, gone, received_at) "
            "VALUES (?, 'Task', ?, '1', ?, 'd', 'Patient/p', '', ?, '', '', ?)",
            (SOURCE, key, updated, text, received),
        )

    def intent(self, key: str, target: str, state: str, words: str = "", **args: Any) -> None:
        kind = "create" if "resource" in args else "add_note"
        self._connection.execute(
            "INSERT INTO intent (id, group_id, after, source, target_type, target_id, chart, "
            "item_key, kind, args, seen, verb, decided_at, author, author_name, inverse_of, state, "
            "attempts, settles, words, schema) VALUES (?, 'g', '', ?, 'Task', ?, 'Patient/p', '', "
            "?, ?, '{}', 'note', ?, 'Practitioner/d', 'Dana', '', ?, 0, 0, ?, 1)",
            (key, SOURCE, target, kind, json.dumps(args or {"text": "x"}), DECIDED, state, words),
        )

    def upgraded(self) -> dict[str, Intent]:
        """All decisions, as this program reads them."""
        migrate(self._connection)
        ids = [key for (key,) in self._connection.execute("SELECT id FROM intent").fetchall()]
        self._connection.close()
        with orm(self.path, KEY).connect() as connection:
            return {
                one.id: one for one in SqliteSourceRepository(connection, SOURCE).outbox.by_ids(ids)
            }


@pytest.fixture
def old(tmp_path: Path) -> OldCache:
    return OldCache(tmp_path / "cache.db")


def plain(reference: str = "Patient/p") -> ClientIdentity:
    return ClientIdentity(reference)


def named(found: Intent) -> ClientIdentity:
    assert found.client is not None
    return found.client


@pytest.mark.parametrize("state", ["queued", "in_doubt", "kept_here", "needs_attention"])
def test_what_the_person_saw_is_still_here_so_its_client_is_certain(
    old: OldCache, state: str
) -> None:
    old.resource("t", {"for": PIOTR})
    old.intent("i", "t", state)
    assert named(old.upgraded()["i"]) == plain()


@pytest.mark.parametrize("state", ["kept_here", "needs_attention", "conflict", "acknowledged"])
@pytest.mark.parametrize(
    ("updated", "received"),
    [(AFTER, 0), (BEFORE, 1_772_467_200), ("", 0)],
    ids=["changed since", "came since", "no time on record"],
)
def test_a_resource_that_may_have_changed_since_is_only_assumed(
    old: OldCache, state: str, updated: str, received: int
) -> None:
    old.resource("t", {"for": PIOTR}, updated, received)
    old.intent("i", "t", state)
    client = named(old.upgraded()["i"])
    assert (client.reference, client.assumed) == ("Patient/p", True)


def test_a_base_that_waited_for_its_own_decision_is_the_one_that_was_seen(old: OldCache) -> None:
    old.resource("t", {"for": PIOTR}, AFTER)
    old.intent("i", "t", "queued")
    assert not named(old.upgraded()["i"]).assumed


def test_a_base_that_a_pull_has_moved_before_the_decision_waited_is_only_assumed(
    old: OldCache,
) -> None:
    old.resource("t", {"for": PIOTR}, AFTER, 1_772_467_200)
    old.intent("i", "t", "queued")
    assert named(old.upgraded()["i"]).assumed


def test_a_decision_beside_one_that_waits_for_an_answer_is_only_assumed(old: OldCache) -> None:
    old.resource("t", {"for": PIOTR}, AFTER)
    old.intent("first", "t", "needs_attention")
    old.intent("second", "t", "queued")
    assert all(named(one).assumed for one in old.upgraded().values())


def test_a_create_names_its_client_itself(old: OldCache) -> None:
    old.intent("i", "new", "queued", resource={"resourceType": "Task", "for": PIOTR})
    assert named(old.upgraded()["i"]) == plain()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"for": ["Patient/p"]},
        {"for": {"reference": 5, "display": 7}},
        {"for": {"reference": {"x": 1}}},
        {"for": {"identifier": {"system": "urn:mrn", "value": "1"}}},
        {"for": {"display": "Piotr Jankowski"}},
        {"for": {"reference": "#p"}, "contained": [{"resourceType": "Patient", "id": "p"}]},
        {"focus": {"reference": "ServiceRequest/r"}},
        "{not json",
        None,
    ],
    ids=str,
)
def test_who_is_not_named_by_a_plain_reference_is_asked_about(old: OldCache, body: Any) -> None:
    if body is not None:
        old.resource("t", body)
    old.intent("i", "t", "queued")
    assert old.upgraded()["i"].client is None


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("the server no longer has it", ConflictCause.GONE),
        ("the server now has it for another client", ConflictCause.OTHER_CLIENT),
        ("changed on the server meanwhile", ConflictCause.CHANGED),
    ],
)
def test_a_conflict_gets_its_cause(old: OldCache, words: str, cause: ConflictCause) -> None:
    old.resource("t", {"for": PIOTR})
    old.intent("i", "t", "conflict", words)
    found = old.upgraded()["i"]
    assert found.cause == cause
    assert named(found).assumed == (cause is ConflictCause.OTHER_CLIENT)
