"""A cache as the program of schema 4 left it, in its own words: nothing here is today's code.

In:  an open, empty cache file and what a server has. Out: a cache of schema 3 that the program of
schema 4 upgraded and went on with: a row of the queue in a tab. The text of the step is that of the
release; it is never changed, and a test compares it with the fourth step of the migrations.
Not here: what must become of it (`test_upgrade.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.store import schema_3
from tests.store.schema_3 import IDENTIFIER, INTENTS, contact

__all__ = ["IDENTIFIER", "INTENTS", "SCHEMA", "VERSION", "contact", "fill"]

VERSION: Final = 4

SCHEMA: Final = """
DROP INDEX item_lane;
ALTER TABLE item RENAME COLUMN lane TO tab;
CREATE INDEX item_tab ON item (tab, band, weight, due_sort, tie) WHERE band < 6;
ALTER TABLE tally RENAME COLUMN view TO tab;
ALTER TABLE count_state RENAME TO manifest;
ALTER TABLE listed RENAME TO manifest_entry;
ALTER TABLE health RENAME COLUMN last_look TO last_cycle;
"""


def fill(connection: Any, me: str, tasks: Mapping[str, dict[str, Any]]) -> None:
    """Make the cache of `me`; `tasks` are the bases as the program had them, by their names."""
    schema_3.fill(connection, me, tasks)
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("UPDATE health SET last_cycle = '2026-03-09T14:00:00+00:00'")
