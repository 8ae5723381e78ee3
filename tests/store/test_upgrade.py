"""A cache of an earlier release, opened by this one: every decision is there, and comes home once.

A schema that was released is a module beside this one (`schema_1.py`), which makes a cache in the
words of its own time. The next step of the migrations asks for one module more, and for its name
in `EARLIER`.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from carequeue.store import audit
from carequeue.store.encryption_keys import read_key, read_or_make_key
from carequeue.store.engine import Raw, connect, writing
from carequeue.store.migrations import STEPS, VERSION, migrate
from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile, profile_paths
from carequeue.wiring import Session
from tests.servers.controlled_clinic import ControlledClinic
from tests.store import schema_1, schema_2, schema_3, schema_4

EARLIER: Final[tuple[ModuleType, ...]] = (schema_1, schema_2, schema_3, schema_4)
SOURCE: Final = "clinic"


@dataclass(frozen=True)
class Old:
    """A cache of an earlier schema, closed, and the server that it is of."""

    schema: ModuleType
    clinic: ControlledClinic
    where: ProfilePaths

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Today's program on it."""
        me = self.clinic.me
        profile = Profile(
            name="mine",
            me=me["practitioner"],
            my_name=me["name"],
            time_zone=me["time_zone"],
            sources=(SourceProfile(SOURCE, self.clinic.base),),
        )
        with Session(profile, self.where, {SOURCE: self.clinic.token}) as session:
            yield session

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds, by no code of the store but its door."""
        connection = connect(self.where.cache, read_key(self.where))
        try:
            return [tuple(row) for row in connection.execute(sql)]
        finally:
            connection.close()

    def states(self) -> dict[str, str]:
        return dict(self.read("SELECT id, state FROM intent ORDER BY seq"))

    @property
    def left(self) -> dict[str, str]:
        """The states in which the earlier program left its decisions."""
        return {key: decided[3] for key, decided in self.schema.INTENTS.items()}

    def notes(self) -> Counter[str]:
        """The notes on the server, counted by plain reading."""
        tasks = [entry["resource"] for entry in self.clinic.get("Task?_count=500")["entry"]]
        return Counter(
            note["text"]
            for task in tasks
            for note in task.get("note", [])
            if isinstance(note, dict) and "text" in note
        )

    def contacts(self) -> Counter[str]:
        found = self.clinic.get("Communication?_count=500")["entry"]
        named = [each for entry in found for each in entry["resource"].get("identifier", [])]
        return Counter(each["value"] for each in named if each["system"] == self.schema.IDENTIFIER)


def a_task(key: str, me: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": key,
        "status": "in-progress",
        "intent": "order",
        "priority": "routine",
        "description": f"Call about {key}",
        "for": {"reference": "Patient/old-client"},
        "owner": {"reference": me},
        **more,
    }


@pytest.fixture(scope="module")
def server() -> Iterator[ControlledClinic]:
    with ControlledClinic(seed=3, clients=1, quirks=("task-no-create",)) as clinic:
        yield clinic


@pytest.fixture(params=EARLIER, ids=lambda schema: f"schema {schema.VERSION}")
def old(request: pytest.FixtureRequest, server: ControlledClinic, tmp_path: Path) -> Iterator[Old]:
    """What the program of then and the server came to, when the program was replaced."""
    me = server.me["practitioner"]
    server.put({"resourceType": "Patient", "id": "old-client", "name": [{"family": "Old"}]})
    sent = [{"id": "acknowledged", "text": "was sent"}]
    server.put(a_task("plain", me, note=sent))
    server.put(a_task("conflict", me, priority="asap"))
    for key in ("doubt", "lost", "attention"):
        server.put(a_task(key, me))
    names = ("plain", "conflict", "doubt", "lost", "attention")
    bases = {key: server.get(f"Task/{key}") for key in names}
    # What was in doubt has arrived, of the one; of the other it has not.
    server.put(a_task("doubt", me, note=[{"id": "doubt-there", "text": "arrived"}]))
    server.put(request.param.contact("contact-there"))
    where = profile_paths("mine", tmp_path)
    connection = connect_new(where)
    request.param.fill(connection, me, bases)
    connection.close()
    yield Old(request.param, server, where)
    if server.request("GET", "Communication/contact").status == 200:
        server.delete("Communication/contact")


def connect_new(where: ProfilePaths) -> Raw:
    where.folder.mkdir(mode=0o700, parents=True)
    return connect(where.cache, read_or_make_key(where, may_create=True))


def test_every_earlier_schema_is_tried_and_is_as_it_was_released() -> None:
    assert [schema.VERSION for schema in EARLIER] == list(range(1, VERSION))
    for schema in EARLIER:
        assert schema.SCHEMA.strip() == STEPS[schema.VERSION - 1].strip()


class TestAnUpgrade:
    def test_keeps_every_decision_in_its_state(self, old: Old) -> None:
        told = (
            "id, group_id, target_type, target_id, item_key, kind, args, seen, verb, decided_at, "
            "author, state, attempts, words, closed_at"
        )
        before = old.read(f"SELECT {told} FROM intent ORDER BY seq")
        with old.opened():
            assert old.read("PRAGMA user_version") == [(VERSION,)]
        assert old.read(f"SELECT {told} FROM intent ORDER BY seq") == before
        assert old.states() == old.left
        assert set(old.left.values()) >= {
            "queued", "in_doubt", "conflict", "needs_attention", "kept_here", "acknowledged",
            "undone",
        }  # fmt: skip

    def test_makes_the_tables_of_a_new_cache_and_leaves_the_file_whole(
        self, old: Old, tmp_path: Path
    ) -> None:
        with old.opened() as session, session.engine().connect() as connection:
            assert audit.first_break(connection) is None
        fresh = connect_new(profile_paths("new", tmp_path))
        migrate(fresh)
        wanted = schema_of(fresh)
        fresh.close()
        connection = connect(old.where.cache, read_key(old.where))
        assert schema_of(connection) == wanted
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()

    def test_brings_home_what_waited_and_what_was_in_doubt_exactly_once(self, old: Old) -> None:
        with old.opened() as session:
            report = session.sync_once()
            assert (report.waiting, report.checking) == (0, 0), report
            session.sync_once()
        home = {
            key: "acknowledged"
            for key, state in old.left.items()
            if state in ("queued", "in_doubt")
        }
        assert old.states() == old.left | home
        wanted = {"was sent": 1, "was taken back": 0, "waits": 1, "arrived": 1, "did not arrive": 1}
        notes = old.notes()
        assert {text: notes[text] for text in wanted} == wanted
        assert old.contacts() == {"contact": 1, "contact-there": 1}

    def test_goes_on_from_the_cursor_that_was_reached(self, old: Old) -> None:
        cursor = "SELECT watermark FROM sync_state WHERE source = 'clinic' AND search = 'Task'"
        ((before,),) = old.read(cursor)
        with old.opened() as session:
            assert old.read(cursor) == [(before,)]
            session.sync_once()
        ((after,),) = old.read(cursor)
        assert after > before

    @pytest.mark.parametrize(("how", "priority"), [("mine", "urgent"), ("theirs", "asap")])
    def test_leaves_the_conflict_to_be_answered(self, old: Old, how: str, priority: str) -> None:
        with old.opened() as session:
            session.sync_once()
            shown = session.desk.outbox.conflict("clinic:Task/conflict", session.now())
            assert shown is not None
            assert shown.ids == ("conflict",)
            assert session.desk.outbox.resolve(shown, how, session.now()).changed
            session.sync_once()
            assert session.desk.outbox.conflicts(session.now()) == ()
        assert old.states()["conflict"] == {"mine": "acknowledged", "theirs": "undone"}[how]
        assert old.clinic.get("Task/conflict")["priority"] == priority

    def test_makes_every_row_of_the_queue_anew(self, old: Old) -> None:
        with old.opened() as session:
            session.sync_once()
            at = session.now()
            rows = old.read("SELECT key, sync FROM item WHERE chart = 'Patient/old-client'")
            with writing(session.engine()) as connection:
                session.projector().rebuild(connection, at)
        assert old.read("SELECT key, sync FROM item WHERE chart = 'Patient/old-client'") == rows
        assert old.read("SELECT key FROM item WHERE title LIKE 'as another%'") == []
        shown = dict(rows)
        assert shown["clinic:Task/conflict"] == "conflict"
        assert shown["clinic:Task/attention"] == "needs_you"
        assert {"clinic:Task/plain", "clinic:Task/doubt", "clinic:Task/lost"} <= set(shown)
        assert "kept_here" in shown.values()


def schema_of(connection: Raw) -> dict[str, Any]:
    """Table -> its columns, in no order, and its indexes."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    found: dict[str, Any] = {}
    for (name,) in names:
        columns = {
            tuple(row[1:]) for row in connection.execute(f"PRAGMA table_info({name})").fetchall()
        }
        indexes = {tuple(row[1:4]) for row in connection.execute(f"PRAGMA index_list({name})")}
        found[name] = (columns, indexes)
    return found


class Cut:
    """A connection whose process is killed before the statement of a number."""

    def __init__(self, connection: Raw, at: int) -> None:
        self._connection, self._left = connection, at

    def execute(self, statement: str, *values: Any) -> Any:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.skipif(os.name != "posix", reason="fork and kill -9 are of POSIX")
def test_an_upgrade_killed_before_any_of_its_statements_leaves_one_version_whole(old: Old) -> None:
    key = read_key(old.where)
    untouched = old.where.cache.read_bytes()
    made = tables_by_version(old)
    at, ended = 0, False
    seen = []
    while not ended:
        for rest in old.where.folder.glob("cache.db-*"):
            rest.unlink()
        old.where.cache.write_bytes(untouched)
        ended = killed_while_migrating(old.where.cache, key, at)
        ((version,),) = old.read("PRAGMA user_version")
        assert tables_of(old) == made[version], f"killed before statement {at}"
        assert old.states() == old.left
        assert old.read("PRAGMA integrity_check") == [("ok",)]
        with old.opened():
            assert old.read("PRAGMA user_version") == [(VERSION,)]
        assert tables_of(old) == made[VERSION]
        seen.append(version)
        at += 1
    assert set(seen) == set(range(old.schema.VERSION, VERSION + 1))
    assert seen.count(old.schema.VERSION) > 3


def killed_while_migrating(path: Path, key: bytes, at: int) -> bool:
    """Migrate in a process that dies before its statement of this number; True where it did not."""
    child = os.fork()
    if not child:
        code = 1
        try:
            migrate(Cut(connect(path, key), at))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFEXITED(status)


def tables_of(old: Old) -> list[tuple[Any, ...]]:
    return old.read("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")


def tables_by_version(old: Old) -> dict[int, list[tuple[Any, ...]]]:
    """Version -> the tables of a cache that was brought to it step by step and never cut."""
    made = {old.schema.VERSION: tables_of(old)}
    scratch = profile_paths("scratch", old.where.folder.parent)
    connection = connect_new(scratch)
    for number, step in enumerate(STEPS):
        for statement in step.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        made.setdefault(number + 1, [tuple(row) for row in rows])
    connection.close()
    return made
