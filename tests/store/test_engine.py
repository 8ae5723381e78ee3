"""Opening and writing a cache: the key, the version, the disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2
from sqlmodel import SQLModel, create_engine

from carequeue.domain.errors import CacheError
from carequeue.store import migrations, tables
from carequeue.store.engine import Raw, connect, orm, quick, writing
from carequeue.store.migrations import VERSION, CacheTooNew, migrate
from tests.fhir.clinic import NOW, task
from tests.store.cache import clinic_of_dana

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cache with a row in it, closed."""
    path = tmp_path / "cache.db"
    connection = connect(path, KEY)
    migrate(connection)
    connection.execute("INSERT INTO meta VALUES ('name', 'Amara Okafor')")
    connection.close()
    return path


def columns(connection: Raw, table: str) -> dict[str, tuple[str, bool, int]]:
    """Name -> affinity, whether it may be absent, place in the primary key."""
    found = {}
    for _, name, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({table})"):
        affinity = "INTEGER" if "INT" in kind else "TEXT" if kind in ("TEXT", "VARCHAR") else kind
        found[name] = (affinity, not not_null and not key, key)
    return found


class TestTheSchema:
    def test_of_the_migrations_is_that_of_the_models(self, path: Path, tmp_path: Path) -> None:
        """Plain SQL makes the tables, SQLModel reads them: neither knows what the other lacks."""
        assert tables.table(tables.Meta) is SQLModel.metadata.tables["meta"]
        modelled = dbapi2.connect(str(tmp_path / "models.db"))
        engine = create_engine("sqlite://", module=dbapi2, creator=lambda: modelled)
        SQLModel.metadata.create_all(engine)
        made = connect(path, KEY)
        names = {
            name
            for (name,) in made.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                "AND name NOT LIKE 'client_trigram%'"  # of FTS5, which no model reads
            )
        }
        assert names == set(SQLModel.metadata.tables)
        for name in names:
            assert columns(made, name) == columns(modelled, name), name
        made.close()
        engine.dispose()
        modelled.close()

    def test_has_the_source_in_every_key_of_what_comes_from_one(self, path: Path) -> None:
        connection = connect(path, KEY)
        for name in ("resource", "alias", "sync_state", "capability", "health"):
            assert columns(connection, name)["source"][2] == 1, name
        connection.close()

    def test_is_made_once(self, path: Path) -> None:
        connection = connect(path, KEY)
        migrate(connection)
        assert connection.execute("SELECT value FROM meta").fetchall() == [("Amara Okafor",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        connection.close()

    def test_that_cannot_be_made_changes_nothing(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        step = "CREATE TABLE half (x TEXT);\nCREATE TABLE half (x TEXT);\n"
        monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
        monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
        connection = connect(path, KEY)
        with pytest.raises(CacheError, match=r"could not be prepared.*Nothing was changed"):
            migrate(connection)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert "half" not in {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master")
        }
        connection.close()

    def test_of_a_newer_carequeue_is_refused_and_stays_to_the_byte(self, path: Path) -> None:
        connection = connect(path, KEY)
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
        connection.close()
        before = path.read_bytes()
        connection = connect(path, KEY)
        with pytest.raises(CacheTooNew) as told:
            migrate(connection)
        connection.close()
        assert str(told.value) == (
            f"This cache is of version {VERSION + 1}; this CareQueue reads up to {VERSION}. "
            "Nothing was changed. Update CareQueue, or open another profile with --profile."
        )
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["cache.db"]


class TestTheKey:
    def test_opens_the_cache_again(self, path: Path) -> None:
        connection = connect(path, KEY)
        assert connection.execute("SELECT value FROM meta").fetchone() == ("Amara Okafor",)
        connection.close()

    def test_that_is_wrong_is_one_sentence_and_changes_nothing(self, path: Path) -> None:
        before = path.read_bytes()
        with pytest.raises(CacheError, match=r"cannot be read with its key.*Nothing was changed"):
            connect(path, OTHER_KEY)
        assert path.read_bytes() == before

    def test_that_is_wrong_prints_nothing_over_the_screen(self, path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from carequeue.store.engine import connect\n"
            "from carequeue.domain.errors import CacheError\n"
            "try: connect(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))\n"
            "except CacheError: print('refused')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), OTHER_KEY.hex()],
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("refused\n", "")

    @pytest.mark.parametrize("damage", [b"", b"SQLite format 3\x00" + bytes(4080), bytes(100)])
    def test_of_what_is_no_cache_of_ours_is_one_sentence(
        self, damage: bytes, tmp_path: Path
    ) -> None:
        path = tmp_path / "cache.db"
        path.write_bytes(damage)
        if not damage:  # an empty file is a new cache
            connect(path, KEY).close()
            return
        with pytest.raises(CacheError, match="Nothing was changed"):
            connect(path, KEY)
        assert path.read_bytes() == damage

    def test_is_needed_to_see_anything(self, path: Path) -> None:
        connection = connect(path, KEY)
        connection.execute("INSERT INTO meta VALUES ('wal', 'Amara Okafor')")
        files = [file for file in path.parent.iterdir() if file.name.startswith("cache.db")]
        assert {file.name for file in files} >= {"cache.db", "cache.db-wal"}
        for file in files:
            assert b"Okafor" not in file.read_bytes(), file.name
            assert b"SQLite" not in file.read_bytes(), file.name
        connection.close()

    @pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
    def test_holder_alone_may_read_the_file(self, path: Path) -> None:
        connection = connect(path, KEY)
        for file in path.parent.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file.name
        connection.close()


def told_or_not(act: Callable[[], object]) -> str:
    """The sentence of a failure; "" where there was none."""
    try:
        act()
    except CacheError as told:
        return str(told)
    return ""


class TestAFullDisk:
    """The pages of a cache are capped, which SQLite reports as a full disk does."""

    def test_is_one_sentence_and_what_was_done_before_it_is_safe(self, tmp_path: Path) -> None:
        cache = clinic_of_dana(tmp_path, task())
        desk, engine = cache.desk, cache.session.engine()
        desk.act("note", ["main:Task/t1"], {"text": "before"}, NOW)
        with engine.connect() as connection:
            (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        with writing(engine) as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 9}")
        said = [
            told_or_not(lambda: desk.act("note", ["main:Task/t1"], {"text": "x" * 3000}, NOW))
            for _ in range(40)
        ]
        told = {one for one in said if one}
        assert told == {
            "The disk that holds the cache is full. What you did last was not saved; everything "
            "before it is safe. Free some space, then do it again."
        }
        assert said.count("") > 0
        assert len(cache.intents()) == 1 + said.count("")
        cache.close()
        cache.open()
        assert len(cache.intents()) == 1 + said.count("")
        assert cache.intents()[0].args["text"] == "before"
        with cache.session.engine().connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").one() == ("ok",)
        cache.close()

    @pytest.mark.parametrize("through", ["the ORM", "the driver"])
    def test_is_the_same_sentence_by_whichever_door(self, path: Path, through: str) -> None:
        engine = orm(path, KEY)
        row = ("INSERT INTO meta VALUES ('long', ?)", ("x" * 1_000_000,))

        def write() -> None:
            with writing(engine) as connection:
                connection.exec_driver_sql("PRAGMA max_page_count=60")
                if through == "the ORM":
                    connection.exec_driver_sql(*row)
                else:
                    quick(connection).execute(*row)

        assert "is full. What you did last was not saved" in told_or_not(write)
        engine.dispose()

    @pytest.mark.skipif(os.name != "posix", reason="the limit of a file's size is of POSIX")
    def test_that_takes_no_new_cache_is_one_sentence(self, tmp_path: Path) -> None:
        code = (
            "import resource, signal, sys; from pathlib import Path\n"
            "from carequeue.store.engine import connect\n"
            "from carequeue.store.migrations import migrate\n"
            "from carequeue.domain.errors import CacheError\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
            "try: migrate(connect(Path(sys.argv[1]), bytes(32)))\n"
            "except CacheError as told: print(told)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "cache.db")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Nothing was changed" in done.stdout
        assert done.stderr == ""


@contextmanager
def without_rights() -> Iterator[Path]:
    """A folder of one's own, and nobody's special rights while in here."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o700)
        if os.geteuid() != 0:
            yield folder
            folder.chmod(0o700)
            return
        nobody = 65_534
        os.chown(folder, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield folder
        finally:
            os.seteuid(0)
            folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
class TestAFolderThatMayNotBeWritten:
    def test_is_one_sentence_for_a_new_cache(self) -> None:
        with without_rights() as folder:
            folder.chmod(0o500)
            with pytest.raises(CacheError, match=r"cannot be opened.*may be written by you"):
                connect(folder / "cache.db", KEY)

    def test_is_one_sentence_for_a_cache_that_is_there(self) -> None:
        with without_rights() as folder:
            connection = connect(folder / "cache.db", KEY)
            migrate(connection)
            connection.close()
            before = (folder / "cache.db").read_bytes()
            (folder / "cache.db").chmod(0o400)
            folder.chmod(0o500)
            with pytest.raises(CacheError, match=r"cannot be opened.*Nothing was changed"):
                migrate(connect(folder / "cache.db", KEY))
            assert (folder / "cache.db").read_bytes() == before

    def test_that_does_not_exist_is_one_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(CacheError, match="Check that the folder exists"):
            connect(tmp_path / "nowhere" / "cache.db", KEY)


class TestTwoAtWork:
    def test_one_reads_while_the_other_writes(self, tmp_path: Path) -> None:
        """A whole first sync may be writing: a detail is shown all the same."""
        cache = clinic_of_dana(tmp_path, task(description="Call"))
        with writing(orm(cache.paths.cache, cache.session._key)) as connection:
            connection.exec_driver_sql("UPDATE resource SET received_at = 1")
            found = cache.desk.detail("main:Task/t1", NOW)
        assert found is not None
        cache.close()

    def test_a_writer_that_fails_leaves_nothing_half_done(self, path: Path) -> None:
        engine = orm(path, KEY)

        def write() -> None:
            with writing(engine) as connection:
                connection.exec_driver_sql("INSERT INTO meta VALUES ('half', 'done')")
                raise InterruptedError

        with pytest.raises(InterruptedError):
            write()
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT name FROM meta").all()
        assert found == [("name",)]
        engine.dispose()

    def test_a_writer_that_finds_the_cache_busy_too_long_is_told_so(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("carequeue.store.engine._BUSY_MS", 1)
        other = connect(path, KEY)
        other.execute("BEGIN IMMEDIATE")
        engine = orm(path, KEY)
        with (
            pytest.raises(CacheError, match=r"Another CareQueue is busy.*Do it again"),
            writing(engine) as connection,
        ):
            connection.exec_driver_sql("INSERT INTO meta VALUES ('a', 'b')")
        other.execute("ROLLBACK")
        other.close()
        engine.dispose()
