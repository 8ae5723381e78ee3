"""A cache as the program of schema 2 left it, in its own words: nothing here is today's code.

In:  an open, empty cache file and what a server has. Out: a cache of schema 1 that the program of
schema 2 upgraded and went on with: a server that was busy, words that a person was told, a lease
that was not given back, a count that was cut short. The text of the step is that of the release;
it is never changed, and a test holds it equal to the second step of the migrations.
Not here: what must become of it (`test_upgrade.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.store import schema_1
from tests.store.schema_1 import CLIENT, IDENTIFIER, INTENTS, SOURCE, contact

__all__ = ["IDENTIFIER", "INTENTS", "SCHEMA", "VERSION", "contact", "fill"]

VERSION: Final = 2
SCHEMA: Final = """
CREATE TABLE lease (
  source TEXT PRIMARY KEY NOT NULL, token INTEGER NOT NULL, holder TEXT NOT NULL,
  taken_at TEXT NOT NULL
);
ALTER TABLE intent ADD COLUMN busy INTEGER NOT NULL DEFAULT 0;
CREATE TABLE told (seq INTEGER PRIMARY KEY AUTOINCREMENT, intent_id TEXT NOT NULL);
ALTER TABLE resource ADD COLUMN theirs_gone TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_state ADD COLUMN scope TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_state ADD COLUMN etag TEXT NOT NULL DEFAULT '';
CREATE TABLE count_state (
  source TEXT NOT NULL, search TEXT NOT NULL, counted_at TEXT NOT NULL, scope TEXT NOT NULL,
  begun_at TEXT NOT NULL, server_at TEXT NOT NULL, next_url TEXT NOT NULL,
  received INTEGER NOT NULL, PRIMARY KEY (source, search)
);
CREATE TABLE listed (
  source TEXT NOT NULL, search TEXT NOT NULL, id TEXT NOT NULL,
  version_id TEXT NOT NULL, last_updated TEXT NOT NULL,
  PRIMARY KEY (source, search, id)
);
CREATE TABLE identifier (
  source TEXT NOT NULL, chart TEXT NOT NULL, system TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (source, chart, system, value)
);
CREATE INDEX identifier_value ON identifier (system, value);
"""


def fill(connection: Any, me: str, tasks: Mapping[str, dict[str, Any]]) -> None:
    """Make the cache of `me`; `tasks` are the bases as the program had them, by their names."""
    schema_1.fill(connection, me, tasks)
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("UPDATE intent SET busy = 2 WHERE id = 'queued'")
    connection.execute("INSERT INTO told VALUES (NULL, 'acknowledged')")
    connection.execute(
        "INSERT INTO lease VALUES (?, 7, 'a program that was killed', "
        "'2026-03-02T15:00:09.000000+00:00')",
        (SOURCE,),
    )
    connection.execute(
        "INSERT INTO count_state VALUES (?, 'Task', '', '', '2026-03-02T14:00:00+00:00', "
        "'2026-03-02T14:00:00+00:00', '', 1)",
        (SOURCE,),
    )
    connection.execute(
        "INSERT INTO listed VALUES (?, 'Task', 'plain', '1', '2026-03-02T13:00:00+00:00')",
        (SOURCE,),
    )
    connection.execute(
        "INSERT INTO identifier VALUES (?, ?, 'urn:oid:2.16.840.1.113883.4.3.6', '4711')",
        (SOURCE, CLIENT),
    )
