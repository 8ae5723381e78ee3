"""A cache as the program of schema 1 left it, in its own words: nothing here is today's code.

In:  an open, empty cache file and what a server has. Out: the tables of schema 1, filled with
decisions in every state that there was. The text of the tables is that of the release; it is never
changed, and a test holds it equal to the first step of the migrations.
Not here: what must become of it (`test_upgrade.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);

CREATE TABLE resource (
  source TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
  version_id TEXT NOT NULL, last_updated TEXT NOT NULL, digest TEXT NOT NULL,
  chart TEXT NOT NULL, focus TEXT NOT NULL, body TEXT NOT NULL,
  theirs_body TEXT, theirs_version TEXT, theirs_digest TEXT,
  trouble TEXT NOT NULL, gone TEXT NOT NULL, received_at INTEGER NOT NULL,
  PRIMARY KEY (source, type, id)
);
CREATE INDEX resource_chart ON resource (source, chart);
CREATE INDEX resource_orphan ON resource (source, focus)
  WHERE focus <> '' AND substr(chart, 1, 8) <> 'Patient/';
CREATE INDEX resource_trouble ON resource (source, type) WHERE trouble <> '';

CREATE TABLE alias (
  source TEXT NOT NULL, type TEXT NOT NULL, local_id TEXT NOT NULL, server_id TEXT NOT NULL,
  PRIMARY KEY (source, type, local_id)
);

CREATE TABLE item (
  key TEXT PRIMARY KEY NOT NULL, source TEXT NOT NULL, chart TEXT NOT NULL, kind TEXT NOT NULL,
  band INTEGER NOT NULL, weight INTEGER NOT NULL, due_sort INTEGER NOT NULL, tie TEXT NOT NULL,
  due_at INTEGER, unit TEXT NOT NULL, days_left INTEGER,
  client TEXT NOT NULL, born TEXT NOT NULL, alike TEXT NOT NULL, title TEXT NOT NULL,
  move TEXT NOT NULL, move_name TEXT NOT NULL, lane TEXT NOT NULL, mine INTEGER NOT NULL,
  sync TEXT NOT NULL, fresh INTEGER NOT NULL, verbs TEXT NOT NULL, clock_class TEXT NOT NULL,
  folded TEXT NOT NULL, next_change_at INTEGER
);
CREATE INDEX item_whole ON item (band, weight, due_sort, tie);
CREATE INDEX item_mine ON item (band, weight, due_sort, tie) WHERE mine > 0 AND band < 6;
CREATE INDEX item_lane ON item (lane, band, weight, due_sort, tie) WHERE band < 6;
CREATE INDEX item_chart ON item (source, chart);
CREATE INDEX item_change ON item (next_change_at) WHERE next_change_at IS NOT NULL;

CREATE TABLE tally (
  view TEXT NOT NULL, band INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (view, band)
);

CREATE TABLE intent (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL,
  after TEXT NOT NULL, source TEXT NOT NULL, target_type TEXT NOT NULL, target_id TEXT NOT NULL,
  chart TEXT NOT NULL, item_key TEXT NOT NULL, kind TEXT NOT NULL, args TEXT NOT NULL,
  seen TEXT NOT NULL, verb TEXT NOT NULL, decided_at TEXT NOT NULL, author TEXT NOT NULL,
  author_name TEXT NOT NULL, inverse_of TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL, settles INTEGER NOT NULL, words TEXT NOT NULL,
  not_before TEXT, closed_at TEXT, schema INTEGER NOT NULL
);
CREATE INDEX intent_open ON intent (state, source, target_type, target_id)
  WHERE state NOT IN ('acknowledged', 'undone');
CREATE INDEX intent_chart ON intent (source, chart)
  WHERE state NOT IN ('acknowledged', 'undone');
CREATE INDEX intent_group ON intent (group_id);

CREATE TABLE attempt (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, intent_ids TEXT NOT NULL, method TEXT NOT NULL,
  path TEXT NOT NULL, if_match TEXT NOT NULL, sent_at TEXT NOT NULL, outcome TEXT NOT NULL
);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL,
  action TEXT NOT NULL, item_key TEXT NOT NULL, group_id TEXT NOT NULL, previous TEXT NOT NULL,
  hash TEXT NOT NULL
);

CREATE TABLE sync_state (
  source TEXT NOT NULL, search TEXT NOT NULL, watermark TEXT NOT NULL, pending TEXT NOT NULL,
  next_url TEXT NOT NULL, received INTEGER NOT NULL, full_at TEXT NOT NULL,
  PRIMARY KEY (source, search)
);
CREATE TABLE capability (
  source TEXT NOT NULL, name TEXT NOT NULL, declared TEXT NOT NULL, observed TEXT NOT NULL,
  at TEXT NOT NULL, PRIMARY KEY (source, name)
);
CREATE TABLE health (
  source TEXT PRIMARY KEY NOT NULL, online INTEGER, signed_out INTEGER NOT NULL,
  offline_since TEXT NOT NULL, why TEXT NOT NULL, last_look TEXT NOT NULL,
  last_full TEXT NOT NULL, progress TEXT NOT NULL
);
"""
SOURCE, CLIENT = "clinic", "Patient/old-client"
IDENTIFIER: Final = "https://carequeue.dev/fhir/identifier/item"
DECIDED: Final = "2026-03-02T15:00:0{}.000001+00:00"

#: Id of an intent -> where it stood: the Task, the kind, the arguments, the state, words, what the
#: person had seen. In the order in which they were decided.
INTENTS: Final[Mapping[str, tuple[str, str, dict[str, Any], str, str, dict[str, Any]]]] = {
    "acknowledged": ("plain", "add_note", {"text": "was sent"}, "acknowledged", "", {}),
    "undone": ("plain", "add_note", {"text": "was taken back"}, "undone", "taken back", {}),
    "queued": ("plain", "add_note", {"text": "waits"}, "queued", "", {}),
    "doubt-there": ("doubt", "add_note", {"text": "arrived"}, "in_doubt", "", {}),
    "doubt-lost": ("lost", "add_note", {"text": "did not arrive"}, "in_doubt", "", {}),
    "contact": ("plain", "create", {}, "queued", "", {}),
    "contact-there": ("plain", "create", {}, "in_doubt", "", {}),
    "conflict": (
        "conflict", "set_priority", {"to": "urgent"}, "conflict", "changed meanwhile",
        {"priority": "routine"},
    ),
    "attention": (
        "attention", "set_status", {"to": "completed"}, "needs_attention", "no such status here",
        {"status": "in-progress"},
    ),
    "kept": (
        "kept", "create", {}, "kept_here", "the server takes no such change", {},
    ),
}  # fmt: skip


def fill(connection: Any, me: str, tasks: Mapping[str, dict[str, Any]]) -> None:
    """Make the cache of `me`; `tasks` are the bases as the program had them, by the names above."""
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("INSERT INTO meta VALUES ('site', 'of another release'), ('directory', '1')")
    for name, task in tasks.items():
        _resource(connection, task)
        _row(connection, f"{SOURCE}:Task/{name}")
    for number, (key, decided) in enumerate(INTENTS.items()):
        _intent(connection, me, number, key, decided)
    _audit(connection, me)
    connection.execute(
        "INSERT INTO capability VALUES (?, 'statement', ?, '', '2026-03-02T14:00:00+00:00')",
        (SOURCE, _statement()),
    )
    connection.execute(
        "INSERT INTO sync_state VALUES (?, 'Task', '2026-03-02T14:00:00.000000+00:00', '', '', 0, "
        "'2026-03-02T14:00:00.100000+00:00')",
        (SOURCE,),
    )
    connection.execute(
        "INSERT INTO health VALUES (?, 1, 0, '', '', '2026-03-02T14:00:01+00:00', "
        "'2026-03-02T14:00:01+00:00', '')",
        (SOURCE,),
    )


def contact(key: str) -> dict[str, Any]:
    """The Communication that a logged contact creates."""
    return {
        "resourceType": "Communication",
        "id": key,
        "identifier": [{"system": IDENTIFIER, "value": key}],
        "status": "completed",
        "about": [{"reference": "Task/plain"}],
        "sent": "2026-03-02T15:00:00Z",
        "subject": {"reference": CLIENT},
    }


def _made(key: str) -> dict[str, Any]:
    """What a create of this id makes: a contact, or a Task that the server had no place for."""
    if key != "kept":
        return contact(key)
    return {
        "resourceType": "Task",
        "id": key,
        "identifier": [{"system": IDENTIFIER, "value": key}],
        "status": "accepted",
        "intent": "order",
        "for": {"reference": CLIENT},
        "description": "Call the school",
    }


def _intent(connection: Any, me: str, number: int, key: str, decided: tuple[Any, ...]) -> None:
    task, kind, args, state, words, seen = decided
    target = ("Task", task)
    if kind == "create":
        args = {"resource": _made(key)}
        target = (args["resource"]["resourceType"], key)
    closed = DECIDED.format(9) if state in ("acknowledged", "undone") else None
    connection.execute(
        "INSERT INTO intent VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'Dana', '', ?, "
        "?, 0, ?, NULL, ?, 1)",
        (
            number + 1, key, f"group-{key}", SOURCE, *target, CLIENT, f"{SOURCE}:Task/{task}", kind,
            json.dumps(args), json.dumps(seen), _VERBS[kind], DECIDED.format(number % 9), me, state,
            int(state != "queued"), words, closed,
        ),
    )  # fmt: skip
    if state in ("in_doubt", "acknowledged"):
        connection.execute(
            "INSERT INTO attempt VALUES (NULL, ?, 'PUT', ?, 'W/\"1\"', ?, '')",
            (json.dumps([key]), "/".join(target), DECIDED.format(9)),
        )


_VERBS: Final = {
    "add_note": "note",
    "create": "log",
    "set_priority": "priority",
    "set_status": "done",
}


def _resource(connection: Any, task: Mapping[str, Any]) -> None:
    body = json.dumps(task)
    connection.execute(
        "INSERT INTO resource VALUES "
        "(?, 'Task', ?, ?, ?, ?, ?, '', ?, NULL, NULL, NULL, '', '', 0)",
        (
            SOURCE, task["id"], task["meta"]["versionId"], task["meta"]["lastUpdated"],
            hashlib.blake2b(body.encode(), digest_size=16).hexdigest(), CLIENT, body,
        ),
    )  # fmt: skip


def _row(connection: Any, key: str) -> None:
    """A row of the queue as another release had ranked it."""
    connection.execute(
        "INSERT INTO item VALUES (?, ?, ?, 'follow_up', 3, -1, 1, '', NULL, '', NULL, 'Old', '', "
        "'', 'as another release ranked it', 'me', 'you', 'mine', 1, '', 0, 'note', '', 'old', "
        "NULL)",
        (key, SOURCE, CLIENT),
    )


def _audit(connection: Any, me: str) -> None:
    previous = ""
    for number, (key, (task, kind, *_)) in enumerate(INTENTS.items()):
        values = (
            DECIDED.format(number % 9), me, _VERBS[kind], f"{SOURCE}:Task/{task}", f"group-{key}",
            previous,
        )  # fmt: skip
        previous = hashlib.sha256("\x1f".join(values).encode()).hexdigest()
        connection.execute(
            "INSERT INTO audit VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", (*values, previous)
        )


def _statement() -> str:
    """What that program kept of a server's statement."""
    does = ["read", "search-type", "update", "create"]
    params = ["_id", "_lastUpdated", "identifier", "patient"]
    kinds = {
        "Task": [[*does[:3]], False, False, True, params],
        "Communication": [does, True, True, True, params],
        "Patient": [does, True, True, True, params],
    }
    return json.dumps(["a server", "4.0.1", True, True, kinds])
