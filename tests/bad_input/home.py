"""A person's CareQueue in a folder of its own, and the whole program run in it.

In:  a folder, the address of a source. Out: what the command said and its exit code; the folder
byte for byte; what is in the cache. The command is a process of its own with a clean environment.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from carequeue.store import profiles
from carequeue.store.encryption_keys import read_key
from carequeue.store.engine import connect
from carequeue.store.profiles import Profile, SourceProfile
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.wiring import Session
from tests.bad_input.hostile import TOKEN
from tests.bad_input.warm import warm_program

SOURCE: Final = "main"
ME: Final = "Practitioner/dana"
COMMAND: Final = (sys.executable, "-m", "carequeue")
_TABLES: Final = ("resource", "item", "intent", "audit", "alias", "sync_state", "tally")
_STRANGE: Final = ("CAREQUEUE_", "TEXTUAL", "NO_COLOR", "COLUMNS", "SSL_", "HTTP", "ALL_PROXY")


def task(key: str = "t1", client: str = "c1", /, **more: Any) -> dict[str, Any]:
    """A Task of Dana's about one client."""
    return {
        "resourceType": "Task",
        "id": key,
        "meta": {"versionId": "1"},
        "status": "requested",
        "intent": "order",
        "for": {"reference": f"Patient/{client}", "display": f"Client {client}"},
        "owner": {"reference": ME},
        "description": f"Call {client}",
        "authoredOn": "2026-03-02T10:00:00Z",
        **more,
    }


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process: nothing of the machine's own wishes comes in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_STRANGE) and name.upper() != "NO_PROXY"
    }
    return {**kept, "LANG": "C.UTF-8", "PYTHONUTF8": "1", **(more or {})}


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


@dataclass(frozen=True, slots=True)
class Home:
    """CAREQUEUE_HOME of one person."""

    root: Path

    @property
    def where(self) -> profiles.ProfilePaths:
        """The paths of the profile."""
        return profiles.profile_paths("default", self.root)

    def write_profile(self, base_url: str, **more: Any) -> Profile:
        """A profile with one source."""
        more.setdefault("token_env", "CAREQUEUE_TOKEN")
        profile = Profile(
            name="default",
            me=ME,
            my_name="Dana Whitfield",
            organization="Organization/riverbend",
            organization_name="Riverbend",
            time_zone="America/Chicago",
            sources=(SourceProfile(SOURCE, base_url, **more),),
        )
        profiles.save(profile, self.where)
        return profile

    def run(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = COMMAND,
        typed: bytes = b"",
    ) -> Ran:
        """The command, from its start to its end; `typed` is what waits at its standard input."""
        given = {"CAREQUEUE_HOME": str(self.root), "CAREQUEUE_TOKEN": TOKEN, **(env or {})}
        if program == COMMAND:
            code, out, err = warm_program().run(words, environment(given), typed)
            return Ran(code, out.decode(), err.decode())
        done = subprocess.run(
            [*program, *words],
            env=environment(given),
            input=typed,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def fill(self, *resources: dict[str, Any]) -> None:
        """A cache with these in it, as a sync would have left it."""
        from carequeue.store.engine import writing

        at = datetime.now(UTC)
        with self.session() as session, writing(session.engine()) as connection:
            source = SqliteSourceRepository(connection, SOURCE)
            source.mirror.save(resources, at)
            session.projector().project(connection, source.charts, at)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """The profile's session, in this process."""
        with Session(profiles.load("default", self.root), self.where, {SOURCE: TOKEN}) as session:
            yield session

    def bytes(self) -> dict[str, bytes | str]:
        """Every file by its name: the bytes, and where a link leads."""
        return {
            str(path.relative_to(self.root)): str(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_symlink() or path.is_file()
        }

    def counts(self) -> dict[str, int]:
        """Rows of each table; asserts that the cache is whole."""
        connection = connect(self.where.cache, read_key(self.where))
        try:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in _TABLES
            }
        finally:
            connection.close()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query of the cache finds."""
        connection = connect(self.where.cache, read_key(self.where))
        try:
            return [tuple(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()
