"""The schema, step by step, in plain SQL; `PRAGMA user_version` says which steps are done.

Plain SQL because a fresh cache must not need the ORM before its first frame; a test holds
`tables.py` equal to what stands here. A step is never changed after a release: add a new one.
`source` is in every key from the first step on: a partner's server beside one's own is the case
the product exists for.
"""

from __future__ import annotations

from typing import Final

from sqlcipher3 import dbapi2

from carequeue.domain.errors import CacheError
from carequeue.store.engine import Raw

_FIRST: Final = """
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

#: Sync across processes and restarts: who holds the lease of a source, and what a count of the
#: server's rows (the manifest) has seen so far; what a person is told of their decisions; by what
#: a client of one source is recognized on another.
_SECOND: Final = """
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


#: Of every decision: which run of the program it was made in, with which client, and the cause of
#: a conflict. Decisions of earlier versions get the client whom their resource names now. A person
#: confirms that client before they leave (`assumed`), unless the resource is certain to be the one
#: that the person saw: no pull has moved it since, and no other decision on it waits for an answer.
#: The indexes find the last act of a window without reading the whole history.
_THIRD: Final = f"""
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

_FOURTH: Final = """
DROP INDEX item_lane;
ALTER TABLE item RENAME COLUMN lane TO tab;
CREATE INDEX item_tab ON item (tab, band, weight, due_sort, tie) WHERE band < 6;
ALTER TABLE tally RENAME COLUMN view TO tab;
ALTER TABLE count_state RENAME TO manifest;
ALTER TABLE listed RENAME TO manifest_entry;
ALTER TABLE health RENAME COLUMN last_look TO last_cycle;
"""

#: Whose each row is, by reference: for covering a colleague, and for the queue as a colleague sees
#: it. `resource` is what a person types as a short key. Rows of earlier versions get the values
#: when they are rebuilt, with the first sync.
_PEOPLE_OF_ITEMS: Final = """
ALTER TABLE item ADD COLUMN mover TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN requester TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN covered_for TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN resource TEXT NOT NULL DEFAULT '';
"""

#: The clients of every source, to be found by a part of their name, birth date or record number.
#: The trigrams are an index alone: what a client is called stands in `client`. Existing caches are
#: filled with the rebuild that follows an upgrade (`client_search.rebuild`).
_CLIENT_SEARCH: Final = """
CREATE TABLE client (
  number INTEGER PRIMARY KEY, source TEXT NOT NULL, chart TEXT NOT NULL, name TEXT NOT NULL,
  born TEXT NOT NULL, mrn TEXT NOT NULL, state TEXT NOT NULL, survivor TEXT NOT NULL,
  folded TEXT NOT NULL
);
CREATE UNIQUE INDEX client_chart ON client (source, chart);
CREATE INDEX client_folded ON client (folded);
CREATE VIRTUAL TABLE client_trigram USING fts5 (
  folded, content = '', contentless_delete = 1, tokenize = 'trigram', detail = 'full'
);
"""

_FIFTH: Final = _PEOPLE_OF_ITEMS + _CLIENT_SEARCH

STEPS: Final = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
)
VERSION: Final = len(STEPS)


class CacheTooNew(CacheError):
    """The cache was written by a newer CareQueue."""


def migrate(connection: Raw) -> None:
    """Bring a cache to this version, or raise CacheTooNew and change nothing.

    Raises CacheError where the disk does not let it.
    """
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except dbapi2.Error as error:
        raise CacheError(_unprepared(error)) from None
    if version > VERSION:
        raise CacheTooNew(
            f"This cache is of version {version}; this CareQueue reads up to {VERSION}. "
            "Nothing was changed. Update CareQueue, or open another profile with --profile."
        )
    for number in range(version, VERSION):
        _apply(connection, number)


def _apply(connection: Raw, number: int) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == number:  # else another process was here first
            for statement in STEPS[number].split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number + 1}")
        connection.execute("COMMIT")
    except dbapi2.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise CacheError(_unprepared(error)) from None


def _unprepared(error: dbapi2.Error) -> str:
    return (
        f"The cache could not be prepared ({error}). Nothing was changed. "
        "Check the disk, then start CareQueue again."
    )
