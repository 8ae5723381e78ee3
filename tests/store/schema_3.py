"""A cache as the program of schema 3 left it, in its own words: nothing here is today's code.

In:  an open, empty cache file and what a server has. Out: a cache of schema 2 that the program of
schema 3 upgraded and went on with: counts of the tabs, and the window of an act. The text of the
step is that of the release; it is never changed, and a test compares it with the third step of the
migrations.
Not here: what must become of it (`test_upgrade.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.store import schema_2
from tests.store.schema_2 import IDENTIFIER, INTENTS, contact

__all__ = ["IDENTIFIER", "INTENTS", "SCHEMA", "VERSION", "contact", "fill"]

VERSION: Final = 3


def _named_client(resource: str) -> str:
    """SQL for the client of a resource in the form of the column `client`, "" where it names none.

    A Patient of the source by its plain reference: whoever is named otherwise, or by the focus of
    a Task, is left open, and a person is asked.
    """
    names = ("for", "subject", "patient", "beneficiary")
    plain = [
        f"CASE WHEN json_type({resource}, '$.{name}.reference') = 'text' "
        f"AND json_extract({resource}, '$.{name}.reference') GLOB 'Patient/*' "
        f"THEN json_extract({resource}, '$.{name}.reference') END"
        for name in names
    ]
    reference = f"coalesce({', '.join(plain)})"
    return f"coalesce('{{\"reference\":' || nullif(json_quote({reference}), 'null') || '}}', '')"


SCHEMA: Final = f"""
ALTER TABLE intent ADD COLUMN window TEXT NOT NULL DEFAULT '';
ALTER TABLE intent ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE intent ADD COLUMN cause TEXT NOT NULL DEFAULT '';
UPDATE intent SET cause = CASE words
    WHEN 'the server no longer has it' THEN 'gone'
    WHEN 'the server now has it for another client' THEN 'other_client'
    ELSE 'changed' END
  WHERE state = 'conflict';
UPDATE intent SET client = {_named_client("json_extract(args, '$.resource')")}
  WHERE kind = 'create' AND state <> 'undone';
UPDATE intent SET client = coalesce((
    SELECT {_named_client("of.body")} FROM resource AS of
    WHERE of.source = intent.source AND of.type = intent.target_type
      AND of.id = intent.target_id AND json_valid(of.body)), '')
  WHERE kind <> 'create' AND state <> 'undone';
UPDATE intent SET client = json_set(client, '$.assumed', json('true'))
  WHERE kind <> 'create' AND client <> '' AND (
    cause = 'other_client' OR NOT EXISTS (
      SELECT 1 FROM resource AS of WHERE of.source = intent.source
        AND of.type = intent.target_type AND of.id = intent.target_id
        AND of.received_at <= unixepoch(intent.decided_at)
        AND (intent.state IN ('queued', 'in_doubt')
          OR unixepoch(of.last_updated) <= unixepoch(intent.decided_at)))
    OR EXISTS (
      SELECT 1 FROM intent AS stuck WHERE stuck.source = intent.source
        AND stuck.target_type = intent.target_type AND stuck.target_id = intent.target_id
        AND stuck.id <> intent.id AND stuck.state IN ('conflict', 'needs_attention')));
CREATE INDEX intent_window ON intent (window);
CREATE INDEX intent_inverse ON intent (inverse_of) WHERE inverse_of <> '';
CREATE INDEX resource_focus ON resource (source, focus) WHERE focus <> '';
"""


def fill(connection: Any, me: str, tasks: Mapping[str, dict[str, Any]]) -> None:
    """Make the cache of `me`; `tasks` are the bases as the program had them, by their names."""
    schema_2.fill(connection, me, tasks)
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("UPDATE intent SET window = 'a run of the program' WHERE id = 'queued'")
    connection.execute("INSERT INTO tally VALUES ('mine', 2, 1)")
