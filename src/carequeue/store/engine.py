"""Opens a cache: one SQLite build (SQLCipher), the key, the pragmas, the version.

Two doors to one file. `connect` gives a plain DB-API connection: the way to the first frame goes
through it and never loads the ORM. `orm` gives an SQLAlchemy engine over the same `connect`, loaded
after the first paint, for everything that writes. Both use `sqlcipher3` and nothing else: two
SQLite builds on one WAL file can corrupt it (sqlite.org/wal.html, the WAL-reset bug before 3.51.3).
A write begins with BEGIN IMMEDIATE: a plain BEGIN that reads first fails at once when another
process writes, `busy_timeout` or not. What only reads never waits for a writer: WAL.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlcipher3 import dbapi2

from carequeue.domain.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine

Raw = Any  # sqlcipher3.dbapi2.Connection, which has no stubs

_OLDEST_SQLITE: Final = (3, 51, 3)
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA cache_size=-65536",
)
_ROOM: Final = 64 * 1024  # bytes of the shared index that a first connection makes
_BUSY_MS: Final = 10_000
_WRITES: Final = "carequeue_writes"


def connect(path: Path, key: bytes) -> Raw:
    """A DB-API connection in autocommit mode to the encrypted cache at `path`.

    `key` is the raw 32 bytes. Raises CacheError where the file cannot be opened with it.
    """
    _check_build()
    try:
        if not path.exists():  # created by us, so that nobody else ever may read it
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = dbapi2.connect(
            str(path), isolation_level=None, check_same_thread=False, cached_statements=256
        )
    except (OSError, dbapi2.Error) as error:
        raise CacheError(_cannot_open(path, error)) from None
    try:
        # Before the key: a wrong one otherwise prints over the screen.
        connection.execute("PRAGMA cipher_log_level=NONE")
        connection.execute(f"PRAGMA key=\"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except dbapi2.Error as error:
        connection.close()
        raise CacheError(_cannot_open(path, error)) from None
    return connection


def _check_build() -> None:
    version = tuple(int(part) for part in dbapi2.sqlite_version.split("."))
    if version < _OLDEST_SQLITE:
        raise CacheError(
            f"This SQLCipher was built with SQLite {dbapi2.sqlite_version}, which can damage a "
            "cache that two programs use. Nothing was opened. Update the package sqlcipher3."
        )


def _cannot_open(path: Path, error: Exception) -> str:
    words = str(error)
    if "not a database" in words or "hmac" in words:
        return (
            f"The cache {path} cannot be read with its key: the key file belongs to another cache, "
            "or one of the two was damaged. Nothing was changed. Put the right key file "
            "back beside it, or choose another profile with --profile."
        )
    if "disk is full" in words or "No space" in words or _no_room(path):
        return full_disk(path)
    return (
        f"The cache {path} cannot be opened ({words}). Nothing was changed. "
        "Check that the folder exists and may be written by you."
    )


def _no_room(path: Path) -> bool:
    """Whether the disk has no room for what opening needs; SQLite then says only "disk I/O"."""
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _ROOM
    return False


def full_disk(path: Path) -> str:
    """The sentence for a disk that takes no more."""
    return (
        f"The disk that holds {path} is full. What you did last was not saved; everything before "
        "it is safe. Free some space, then do it again."
    )


def orm(path: Path, key: bytes) -> Engine:
    """An SQLAlchemy engine over the same file; import and use it after the first paint only."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import QueuePool

    engine = create_engine(
        "sqlite://",
        module=dbapi2,  # without it errors arrive unwrapped
        creator=lambda: connect(path, key),
        poolclass=QueuePool,
        hide_parameters=True,  # an error's message would name what was being written
        pool_size=4,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def quick(connection: Connection) -> Raw:
    """The driver's own connection under an ORM one, in the same transaction.

    For the small reads of which a projection makes thousands: building a result costs SQLAlchemy
    ten times what SQLite needs to find the row (measured).
    """
    if not connection.in_transaction():
        connection.begin()  # else each read would see another instant
    return connection.connection.driver_connection


def upsert(
    connection: Connection,
    table: str,
    row: Mapping[str, Any],
    key: Sequence[str],
    changed: Iterable[str],
) -> None:
    """Insert a row; where its key is there already, set these columns of the row that is there.

    For the single rows of which a sync cycle writes hundreds. The names are ours, no server's.
    """
    marks = ",".join("?" * len(row))
    sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
    quick(connection).execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}",
        tuple(row.values()),
    )


def storable(text: str) -> str:
    """Text that the file can hold: a lone surrogate, which JSON can carry, has no UTF-8."""
    return text.encode("utf-8", "replace").decode()


class _RollBack(Exception):
    """Ends a transaction of which nothing is to be stored."""


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Connection]:
    """One write transaction of which nothing is stored; raises what `writing` raises."""
    with suppress(_RollBack), writing(engine) as connection:
        yield connection
        raise _RollBack


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction; all of it or nothing.

    Raises CacheError where the disk is full or the file cannot be written.
    """
    from sqlalchemy.exc import DatabaseError

    try:
        with (
            engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection
    except (DatabaseError, dbapi2.Error) as error:  # the second from `quick`
        words = str(getattr(error, "orig", error))
        if "full" in words:
            raise CacheError(full_disk(Path("the cache"))) from None
        if "readonly" in words or "unable to open" in words or "disk I/O" in words:
            raise CacheError(
                f"The cache could not be written ({words}). What you did last was not saved; "
                "everything before it is safe. Check the folder's permissions and the disk."
            ) from None
        if "locked" in words:
            raise CacheError(
                "Another CareQueue is busy with this cache. What you did last was not saved; "
                "everything before it is safe. Do it again."
            ) from None
        raise
