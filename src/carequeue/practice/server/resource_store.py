"""The clinic's records: every version of every resource, in SQLite in memory.

Bodies are stored as text and never parsed again to be read. `updated` is milliseconds since 1970
and rises with every write, so that no two versions share an instant and a keyset page never
splits a group. One thread at a time: the caller holds the lock (`service.py`).
`version` is the truth, and the answer to a read. `current` and `term` are the index that searches
look into; `late` names the versions that it does not know yet, where the server is a slow one.
Not here: what a search means (`search.py`), what a write may be (`checks.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from carequeue.practice.server.fhir_dates import instant
from carequeue.practice.server.json_lossless import Tree, read, write
from carequeue.practice.server.search_params import index_entries

_SCHEMA: Final = """
CREATE TABLE version (
  seq INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL,
  updated INTEGER NOT NULL, method TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE current (
  type TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, updated INTEGER NOT NULL,
  deleted INTEGER NOT NULL, PRIMARY KEY (type, id)) WITHOUT ROWID;
CREATE TABLE term (
  type TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, system TEXT NOT NULL,
  id TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL);
CREATE TABLE late (seq INTEGER PRIMARY KEY, due INTEGER NOT NULL);
"""
_INDEXES: Final = """
CREATE INDEX version_of ON version (type, id, number);
CREATE INDEX current_updated ON current (type, deleted, updated);
CREATE INDEX term_value ON term (type, name, value, system, id);
CREATE INDEX term_of ON term (type, id);
"""
_VERSION: Final = "v.type, v.id, v.number, v.updated, v.method, v.body, v.seq"


class ResourceVersion(NamedTuple):
    """One version of one resource; the body of a deletion is empty."""

    type: str
    id: str
    number: int
    updated: int
    method: str
    body: str
    seq: int

    @property
    def etag(self) -> str:
        """The weak ETag of R4: `W/"3"`."""
        return f'W/"{self.number}"'

    @property
    def deleted(self) -> bool:
        """True if this version says that the resource is gone."""
        return self.method == "DELETE"

    @property
    def reference(self) -> str:
        """The address of the resource, below the base: `Task/1`."""
        return f"{self.type}/{self.id}"

    @property
    def location(self) -> str:
        """The address of this version, below the base."""
        return f"{self.reference}/_history/{self.number}"

    @property
    def written_to(self) -> str:
        """The address of the request that wrote this version; a POST goes to the type."""
        return self.type if self.method == "POST" else self.reference

    @property
    def status(self) -> int:
        """The HTTP status of the request that wrote this version."""
        return 204 if self.deleted else 201 if self.number == 1 else 200


def stamped(tree: Tree, key: str, number: int, updated: int) -> Tree:
    """The resource with the id, versionId and lastUpdated that only a server gives."""
    given = tree.get("meta")
    meta = dict(given) if isinstance(given, dict) else {}
    meta.update(versionId=str(number), lastUpdated=instant(updated))
    first = {"resourceType": tree["resourceType"], "id": key, "meta": meta}
    return first | {name: value for name, value in tree.items() if name not in first}


class ResourceStore:
    """All versions and their index. `clock` gives milliseconds since 1970; `base` our address."""

    def __init__(self, clock: Callable[[], int], base: str) -> None:
        self._clock, self._base, self._last = clock, base, 0
        #: Milliseconds until searches see a write.
        self.lag = 0
        #: Called with the versions of a commit, after it.
        self.committed: Callable[[list[ResourceVersion]], None] = lambda versions: None
        self._fresh: list[ResourceVersion] = []
        self._kept: tuple[sqlite3.Connection, int] | None = None
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def now(self) -> int:
        """The server's time: never before its newest version."""
        return max(self._clock(), self._last)

    def seed(self, resources: Iterable[tuple[int, Tree]]) -> None:
        """Lay down (instant in ms, resource with id) as first versions, unchecked; once only."""
        ordered = sorted(resources, key=lambda pair: (pair[0], pair[1]["id"]))
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO version VALUES (?,?,?,?,?,?,?)", self._laid(ordered))
        self._db.execute("INSERT INTO current SELECT type, id, seq, updated, 0 FROM version")
        self._db.executemany(
            "INSERT INTO term VALUES (?,?,?,?,?,?,?)",
            (line for _, tree in ordered for line in self._lines(tree, tree["id"])),
        )
        self._db.execute("COMMIT")
        self._db.executescript(_INDEXES)

    def _laid(self, ordered: list[tuple[int, Tree]]) -> Iterator[tuple[object, ...]]:
        for seq, (at, tree) in enumerate(ordered, start=1):
            self._last = max(at, self._last + 1)
            whole = stamped(tree, tree["id"], 1, self._last)
            body = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
            yield seq, tree["resourceType"], tree["id"], 1, self._last, "PUT", body

    def _lines(self, tree: Tree, key: str) -> Iterator[tuple[object, ...]]:
        kind = tree["resourceType"]
        for entry in index_entries(kind, tree, self._base):
            value, system = _utf8(entry.value), _utf8(entry.system)
            yield kind, entry.name, value, system, key, entry.low, entry.high

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All writes inside happen, or none of them."""
        self._fresh = []
        self._db.execute("BEGIN")
        try:
            self._catch_up(self.now())
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        if self._fresh:
            self.committed(self._fresh)

    @contextmanager
    def all_seen(self) -> Iterator[None]:
        """Searches inside see every write, also those that are late for others."""
        self._db.execute("SAVEPOINT seen")
        try:
            self._catch_up(None)
            yield
        finally:
            self._db.execute("ROLLBACK TO seen")
            self._db.execute("RELEASE seen")

    def snapshot(self) -> None:
        """Make the backup that `restore` goes back to; there is one at most."""
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.backup(kept)
        self._kept = (kept, self._last)

    def restore(self) -> None:
        """All data, versions and the index as they stood. Raises ValueError without a backup."""
        if self._kept is None:
            raise ValueError("There is no snapshot.")
        kept, self._last = self._kept
        kept.backup(self._db)

    def current(self, kind: str, key: str) -> ResourceVersion | None:
        """The newest version, a deletion too; None where there never was one."""
        return self._first(
            "WHERE v.type = ? AND v.id = ? ORDER BY v.number DESC LIMIT 1", (kind, key)
        )

    def version(self, kind: str, key: str, number: str) -> ResourceVersion | None:
        """One version by its versionId."""
        return self._first(
            "WHERE v.type = ? AND v.id = ? AND CAST(v.number AS TEXT) = ?", (kind, key, number)
        )

    def _first(self, where: str, args: Sequence[Any]) -> ResourceVersion | None:
        row = self._db.execute(f"SELECT {_VERSION} FROM version v {where}", args).fetchone()
        return ResourceVersion(*row) if row else None

    def select(
        self, where: str, args: Sequence[Any], order: str, limit: int
    ) -> list[ResourceVersion]:
        """Newest versions by a condition over `c` (current) and `v` (version)."""
        rows = self._db.execute(
            f"SELECT {_VERSION} FROM current c JOIN version v ON v.seq = c.seq "
            f"WHERE {where} ORDER BY {order} LIMIT ?",
            (*args, limit),
        )
        return [ResourceVersion(*row) for row in rows]

    def count(self, where: str, args: Sequence[Any]) -> int:
        """The number of newest versions that meet a condition over `c`."""
        (count,) = self._db.execute(
            f"SELECT count(*) FROM current c WHERE {where}", args
        ).fetchone()
        return int(count)

    def referenced(
        self, kind: str, names: Sequence[str], keys: Sequence[str]
    ) -> list[ResourceVersion]:
        """The targets of these reference parameters in these resources, each once."""
        rows = self._db.execute(
            f"SELECT DISTINCT {_VERSION} FROM term t "
            "JOIN current c ON c.type = t.system AND c.id = t.value AND NOT c.deleted "
            "JOIN version v ON v.seq = c.seq "
            f"WHERE t.type = ? AND t.name IN ({_marks(names)}) AND t.id IN ({_marks(keys)}) "
            "ORDER BY v.type, v.id",
            (kind, *names, *keys),
        )
        return [ResourceVersion(*row) for row in rows]

    def history(
        self, kind: str | None, key: str | None, since: int, before: int, limit: int
    ) -> list[ResourceVersion]:
        """Versions from `since` (ms, inclusive) with a smaller seq than `before`, newest first."""
        rows = self._db.execute(
            f"SELECT {_VERSION} FROM version v WHERE (?1 IS NULL OR v.type = ?1) "
            "AND (?2 IS NULL OR v.id = ?2) AND v.updated >= ?3 AND v.seq < ?4 "
            "AND (?2 IS NOT NULL OR v.seq NOT IN (SELECT seq FROM late)) "
            "ORDER BY v.seq DESC LIMIT ?5",
            (kind, key, since, before, limit),
        )
        return [ResourceVersion(*row) for row in rows]

    def put(self, kind: str, key: str, tree: Tree | None, method: str) -> ResourceVersion:
        """A new version of a resource; `method` is how it came. A deletion has no tree."""
        before = self.current(kind, key)
        number = before.number + 1 if before else 1
        updated = max(self._clock(), self._last + 1)
        body = write(stamped(tree, key, number, updated)) if tree is not None else ""
        row = (kind, key, number, updated, method, body)
        cursor = self._db.execute(
            "INSERT INTO version (type, id, number, updated, method, body) VALUES (?,?,?,?,?,?)",
            row,
        )
        version = ResourceVersion(*row, seq=cursor.lastrowid or 0)
        if self.lag:
            late = (version.seq, updated + self.lag)
            self._db.execute("INSERT INTO late VALUES (?,?)", late)
        else:
            self._index(version, tree)
        self._last = updated
        self._fresh.append(version)
        return version

    def delete(self, kind: str, key: str) -> ResourceVersion:
        """A version that says it is gone."""
        return self.put(kind, key, None, "DELETE")

    def _catch_up(self, now: int | None) -> None:
        """Let the index know what is due by `now` (ms), or all that there is."""
        due = "SELECT seq FROM late WHERE ?1 IS NULL OR due <= ?1"
        rows = self._db.execute(
            f"SELECT {_VERSION} FROM version v WHERE v.seq IN ({due}) ORDER BY v.seq", (now,)
        ).fetchall()
        for version in map(ResourceVersion._make, rows):
            self._index(version, read(version.body) if version.body else None)
            self._db.execute("DELETE FROM late WHERE seq = ?", (version.seq,))

    def _index(self, version: ResourceVersion, tree: Tree | None) -> None:
        """Let searches see a version; one that is older than what they see changes nothing."""
        kind, key = version.type, version.id
        cursor = self._db.execute(
            "INSERT INTO current VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE "
            "SET seq = ?3, updated = ?4, deleted = ?5 WHERE seq < ?3",
            (kind, key, version.seq, version.updated, tree is None),
        )
        if not cursor.rowcount:
            return
        self._db.execute("DELETE FROM term WHERE type = ? AND id = ?", (kind, key))
        if tree is not None:
            lines = self._lines(tree, key)
            self._db.executemany("INSERT INTO term VALUES (?,?,?,?,?,?,?)", lines)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _utf8(text: str) -> str:
    """The text as SQLite can store it: a lone surrogate cannot be searched for."""
    return text.encode("utf-8", "replace").decode()
