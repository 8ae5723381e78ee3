"""Bad input through the whole program: one sentence, the documented exit code, nothing changed.

Each case is a process of its own, as a person starts it. A sentence says what happened, that
nothing was lost or changed, and a way on (docs/command-line.md, "Exit codes").
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import trustme

from tests.bad_input.home import Home, Ran, task
from tests.bad_input.hostile import TOKEN, Answer, Asked, Said, bundle, honest, serving, statement

SAFE: Final = re.compile(
    r"Nothing (was|is) (changed|opened|read)|What is here stays|kept here|"
    r"(is|are) (still )?(kept|saved)|saved on this computer|is untouched"
)
WAY_ON: Final = re.compile(
    r"Check|Choose|Correct|Give|Ask|ask for|Did you mean|Sync again|sync again|Try|Put|"
    r"Close it|Update|Free|Set|Look|tell your|"
    r"Mend|Make|name its certificates|carequeue "
)
#: The code of each class (`domain/errors.py`; docs/command-line.md).
USAGE, PROFILE, CACHE, SERVER, SIGN_IN = 2, 3, 5, 6, 7


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def check(ran: Ran, code: int, *said: str) -> None:
    """One sentence with its three parts, on standard error alone."""
    assert (ran.code, ran.out) == (code, "")
    parts: tuple[str | re.Pattern[str], ...] = (*said, SAFE, WAY_ON)
    for part in parts:
        assert re.search(part, ran.sentence), (part, ran.sentence)
    assert "Traceback" not in ran.err
    assert TOKEN not in ran.err


def every(said: Said) -> Answer:
    """A server that says the same to everything."""
    return lambda asked: said


def after_metadata(said: Said) -> Answer:
    """An R4 server at /metadata, and the same answer to everything else."""
    return lambda asked: Said(statement()) if asked.key == "metadata" else said


WEB_PAGE: Final = Said(
    b"<!DOCTYPE html><title>Welcome</title>", 200, (("Content-Type", "text/html"),)
)
CUT: Final = Said(b'{"resourceType":"CapabilityStatement","fhirVer')
SHORT: Final = Said(b'{"resource', 200, (("Content-Length", "900"),))
DAMAGED: Final = Said(gzip.compress(b"{}" * 500)[:20], 200, (("Content-Encoding", "gzip"),))
MANY: Final = Said(b"[" + b"{}," * 1_000_001 + b"{}]")
ELSEWHERE: Final = Said(b"", 302, (("Location", "https://elsewhere.example/fhir"),))
FAR_AWAY: Final = "https://elsewhere.example/other/Task?page=2"

#: What a server may say to everything, the exit code, and what the sentence names.
NO_FHIR: Final = {
    "a web page": (every(WEB_PAGE), SERVER, "web page"),
    "some other JSON": (every(Said({"ok": True})), SERVER, "not as a FHIR server"),
    "a list": (every(Said([1, 2])), SERVER, "not as a FHIR server"),
    "nothing": (every(Said()), SERVER, "not as a FHIR server"),
    "R5": (every(Said(statement("5.0.0"))), SERVER, r"FHIR 5\.0\.0"),
    "no version": (every(Said({**statement(), "fhirVersion": {"a": "x" * 9999}})), SERVER, "R4"),
    "a body that is cut": (every(CUT), SERVER, "cut short"),
    "a connection that ends early": (every(SHORT), SERVER, "connection broke"),
    "a damaged gzip": (every(DAMAGED), SERVER, "cut short|damaged"),
    "who are you": (every(Said(b"", 401)), SIGN_IN, "sign in"),
    "not you": (every(Said(b"", 403)), SIGN_IN, "sign in"),
    "500 to everything": (every(Said(b"", 500)), SERVER, "500"),
    "a web page with 500": (every(WEB_PAGE._replace(status=502)), SERVER, "502"),
    "more than can be taken apart": (every(MANY), SERVER, "too complex"),
    "deep JSON": (every(Said(b"[" * 100_000 + b"]" * 100_000)), SERVER, "not JSON"),
    "NaN": (every(Said(b'{"resourceType": NaN}')), SERVER, "not JSON"),
    "no UTF-8": (every(Said(b'{"a": "\xff\xfe"}')), SERVER, "not JSON"),
    "another address": (every(ELSEWHERE), SERVER, "FHIR|address"),
}  # fmt: skip
#: The same, of a server that is an R4 server at /metadata.
LATER: Final = {
    "web pages": (after_metadata(WEB_PAGE), SERVER, "web page"),
    "bodies that are cut": (after_metadata(CUT), SERVER, "cut short"),
    "500 to everything": (after_metadata(Said(b"", 500)), SERVER, "500"),
    "an hour's wait": (
        after_metadata(Said(b"", 429, (("Retry-After", "99999999"),))), SERVER, "429",
    ),
    "a token that is refused": (after_metadata(Said(b"", 401)), SIGN_IN, "Signed out"),
    "a foreign next": (
        after_metadata(Said(bundle(task(), link=[{"relation": "next", "url": FAR_AWAY}]))),
        SERVER, "the server.*link that cannot be followed|another address",
    ),
    "no Bundle": (after_metadata(Said({"resourceType": "Basic"})), SERVER, "no Bundle|no page"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_FHIR)
class TestAServerThatIsNone:
    def test_is_not_connected(self, home: Home, case: str) -> None:
        answer, code, said = NO_FHIR[case]
        with serving(answer) as server:
            check(home.run("connect", server.base), code, said)
        assert home.bytes() == {}

    def test_leaves_a_cache_as_it_is(self, home: Home, case: str) -> None:
        answer, code, said = NO_FHIR[case]
        with serving(answer) as server:
            home.write_profile(server.base)
            home.fill(task())
            before = home.counts()
            check(home.run("sync"), code, said)
        assert home.counts() == before
        assert server.writes() == []
        assert "Call c1" in home.run("list", "--plain", "--view", "whole").out


@pytest.mark.parametrize("case", LATER)
def test_a_server_that_fails_later_is_named_and_what_is_here_stays(home: Home, case: str) -> None:
    answer, code, said = LATER[case]
    with serving(answer) as server:
        home.write_profile(server.base)
        home.fill(task())
        check(home.run("sync"), code, said)
        assert all(f"127.0.0.1:{server.base.split(':')[2]}".startswith(one.headers["Host"])
                   for one in server.requested)  # fmt: skip
    assert "Call c1" in home.run("list", "--plain", "--view", "whole").out


class TestAnAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "fhir.example.org", "ftp://fhir.example.org", "http://fhir.example.org/r4",
            "https://me:secret@fhir.example.org", "https://fhir.example.org/r4?token=x", "https://",
            "https://[::1", "https://fhir.example.org:99999/r4", "javascript:alert(1)",
            "https://fhir.example.org/a b", "https://fhir.example.org/\u202ex", "",
        ],
    )  # fmt: skip
    def test_that_is_none_is_refused_before_anything_is_asked(self, home: Home, url: str) -> None:
        ran = home.run("connect", url)
        check(ran, USAGE, "address")
        assert home.bytes() == {}
        assert ran.err.rstrip("\n").isprintable()

    def test_where_nothing_answers_is_named(self, home: Home) -> None:
        port = closed_port()
        check(home.run("connect", f"http://127.0.0.1:{port}/fhir"), SERVER, f"{port}.*reached")
        assert home.bytes() == {}

    def test_where_nothing_answers_any_more_changes_nothing(self, home: Home) -> None:
        home.write_profile(f"http://127.0.0.1:{closed_port()}/fhir")
        home.fill(task())
        before = home.counts()
        check(home.run("sync"), SERVER, "Offline", "cannot be reached")
        assert home.counts() == before


class TestACertificate:
    @pytest.fixture
    def tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        return context

    def test_that_does_not_verify_ends_it(self, home: Home, tls: ssl.SSLContext) -> None:
        with serving(honest(task()), tls) as server:
            check(home.run("connect", server.base), SERVER, "certificate cannot be verified")
            assert home.bytes() == {}
            home.write_profile(server.base)
            check(home.run("sync"), SERVER, "certificate cannot be verified", "ca_bundle")
        assert server.requested == []  # and so no token left

    @pytest.mark.parametrize("content", [None, "no certificate\n"])
    def test_of_a_bundle_that_cannot_be_read(
        self, home: Home, tmp_path: Path, content: str | None
    ) -> None:
        bundle_file = tmp_path / "ours.pem"
        if content is not None:
            bundle_file.write_text(content)
        home.write_profile("https://127.0.0.1:9/fhir", ca_bundle=str(bundle_file))
        home.fill(task())
        before = home.counts()
        check(home.run("sync"), SERVER, "ours.pem")
        assert home.counts() == before


#: What a profile's file may be, and what the sentence names.
PROFILES: Final = {
    "no TOML": (b"me = [", "not TOML"),
    "deep": (b"a=" + b"[" * 50_000, "not TOML"),
    "no text": (b"\xff\xfe\x00", "UTF-8"),
    "empty": (b"", "sources"),
    "an unknown key": (b'time_zone="UTC"\nmee="x"\n[sources.a]\nbase_url="https://h/f"', "mee.*me"),
    "a token": (b'time_zone="UTC"\n[sources.a]\nbase_url="https://h/f"\ntoken="needle"', "token"),
    "a wrong value": (b'time_zone="Mars/One"\n[sources.a]\nbase_url="https://h/f"', "time_zone"),
    "plain http": (b'time_zone="UTC"\n[sources.a]\nbase_url="http://h/f"', "base_url"),
    "an escape": (
        b'time_zone="UTC"\nme="a/b\\u001b[2J"\n[sources.a]\nbase_url="https://h/f"', "`me`",
    ),
    "a shell line": (
        b'time_zone="UTC"\n[sources.a]\nbase_url="https://h/f"\ntoken_command="rm -rf ~"',
        "token_command.*a list",
    ),
    "climbing": (b'time_zone="UTC"\n[sources."../x"]\nbase_url="https://h/f"', "sources"),
    "too large": (b"#" * (1 << 20) + b"\n\n", "larger"),
}  # fmt: skip


class TestAProfile:
    @pytest.mark.parametrize("case", PROFILES)
    def test_that_cannot_be_used_is_named_with_the_key(self, home: Home, case: str) -> None:
        content, said = PROFILES[case]
        home.where.config.parent.mkdir(parents=True, mode=0o700)
        home.where.config.write_bytes(content)
        home.where.config.chmod(0o600)
        before = home.bytes()
        ran = home.run("list")
        check(ran, PROFILE, said, re.escape(str(home.where.config)))
        assert "needle" not in ran.err
        assert home.bytes() == before

    @pytest.mark.parametrize("change", ["open", "link", "folder"])
    def test_that_is_not_trusted_is_not_read(self, home: Home, tmp_path: Path, change: str) -> None:
        home.write_profile("https://127.0.0.1:9/fhir")
        file = home.where.config
        if change == "open":
            file.chmod(0o644)
        elif change == "link":
            file.rename(tmp_path / "elsewhere.toml")
            file.symlink_to(tmp_path / "elsewhere.toml")
        else:
            file.unlink()
            file.mkdir()
        before = home.bytes()
        check(home.run("list"), PROFILE, re.escape(str(file)))
        assert home.bytes() == before

    @pytest.mark.parametrize("name", ["../../etc/passwd", "A", "x" * 41, "", "a\x1b[2J"])
    def test_of_a_name_that_is_none(self, home: Home, name: str) -> None:
        ran = home.run("--profile", name, "list")
        assert (ran.code, ran.out) == (PROFILE, "")
        assert re.search("name", ran.sentence)
        assert home.bytes() == {}

    def test_that_is_not_there_says_how_to_begin(self, home: Home) -> None:
        ran = home.run("list")
        assert ran.code == PROFILE
        assert "carequeue demo" in ran.sentence
        assert home.bytes() == {}


class TestTheEnvironment:
    @pytest.mark.parametrize("value", ["/dev/null", "~nobody-of-that-name/x", "/proc/self/x"])
    def test_of_a_home_that_cannot_be_one(self, home: Home, value: str) -> None:
        ran = home.run("list", env={"CAREQUEUE_HOME": value})
        assert ran.code == PROFILE
        assert "fault of its own" not in ran.err
        assert ran.sentence

    @pytest.mark.parametrize("value", ["x" * 5000, "/" + "y/" * 3000], ids=["a name", "a path"])
    def test_of_a_home_with_a_name_too_long(self, home: Home, value: str) -> None:
        for words in (("connect", "http://127.0.0.1:9/fhir"), ("list",)):
            ran = home.run(*words, env={"CAREQUEUE_HOME": value})
            assert ran.code in (PROFILE, SERVER)
            assert "fault of its own" not in ran.sentence

    @pytest.mark.parametrize(
        "token", ["two\nlines", "ünicode", "x" * 50_000, "tab\there"], ids="abcd"
    )
    def test_of_a_token_that_no_header_can_carry(self, home: Home, token: str) -> None:
        with serving(honest(task())) as server:
            home.write_profile(server.base)
            ran = home.run("sync", env={"CAREQUEUE_TOKEN": token})
        check(ran, SIGN_IN, "CAREQUEUE_TOKEN holds no token")
        assert token[:20] not in ran.err
        assert server.requested == []

    @pytest.mark.parametrize(
        "code",
        [
            "print('two'); print('lines')", "import sys; sys.stdout.buffer.write(b'\\xff\\xfe')",
            "raise SystemExit(3)", "print()", "import os; os.write(1, b'\\x1b]52;c;x\\x07')",
            "import sys; print('needle', file=sys.stderr); raise SystemExit(1)",
            "import sys; print('x' * 100000)",
        ],
    )  # fmt: skip
    def test_of_a_token_command_that_gives_none(self, home: Home, code: str) -> None:
        with serving(honest(task())) as server:
            home.write_profile(
                server.base, token_env="", token_command=(sys.executable, "-c", code)
            )
            ran = home.run("sync")
        check(ran, SIGN_IN, "token command .* gave no token")
        assert "needle" not in ran.err
        assert ran.sentence.isprintable()
        assert server.requested == []

    def test_a_token_command_does_not_take_the_keys_of_the_queue(self, home: Home) -> None:
        reads = "import sys; print('key' + sys.stdin.read())"
        with serving(honest(task())) as server:
            home.write_profile(
                server.base, token_env="", token_command=(sys.executable, "-c", reads)
            )
            assert home.run("sync", typed=b"-that-was-typed").code == 0
        assert {one.headers["Authorization"] for one in server.requested} == {"Bearer key"}


def other_key(home: Home) -> None:
    home.where.key.write_text("ab" * 32 + "\n")


def damaged_key(home: Home) -> None:
    home.where.key.write_text("not hexadecimal\n")


def no_key(home: Home) -> None:
    home.where.key.unlink()


def open_key(home: Home) -> None:
    home.where.key.chmod(0o640)


def linked_key(home: Home) -> None:
    home.where.key.rename(home.root / "key")
    home.where.key.symlink_to(home.root / "key")


def open_cache(home: Home) -> None:
    home.where.cache.chmod(0o666)


def linked_cache(home: Home) -> None:
    home.where.cache.rename(home.root / "elsewhere.db")
    home.where.cache.symlink_to(home.root / "elsewhere.db")


def dangling_cache(home: Home) -> None:
    home.where.cache.unlink()
    home.where.cache.symlink_to(home.root / "planted.db")


def folder_for_cache(home: Home) -> None:
    home.where.cache.unlink()
    home.where.cache.mkdir()


def other_cache(home: Home) -> None:
    home.where.cache.write_bytes(b"SQLite format 3\0" + bytes(4096))


def cut_cache(home: Home) -> None:
    home.where.cache.write_bytes(home.where.cache.read_bytes()[:5000])


def open_folder(home: Home) -> None:
    home.where.folder.chmod(0o755)


def linked_folder(home: Home) -> None:
    home.where.folder.rename(home.root / "real")
    home.where.folder.symlink_to(home.root / "real")


def newer_cache(home: Home) -> None:
    from carequeue.store.encryption_keys import read_key
    from carequeue.store.engine import connect

    connection = connect(home.where.cache, read_key(home.where))
    connection.execute("PRAGMA user_version=9999")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


CACHES: Final[dict[str, tuple[Callable[[Home], None], str]]] = {
    "a wrong key": (other_key, "cannot be read with its key"),
    "a damaged key": (damaged_key, "key file .* damaged"),
    "no key": (no_key, "key .* missing"),
    "a key that others may read": (open_key, "open to other users"),
    "a key that is a link": (linked_key, "symbolic link"),
    "a cache that others may read": (open_cache, "open to other users"),
    "a cache that is a link": (linked_cache, "symbolic link"),
    "a cache that is a link to nowhere": (dangling_cache, "symbolic link"),
    "a folder in its place": (folder_for_cache, "not a plain file"),
    "a file that is no cache": (other_cache, "cannot be read with its key"),
    "half a cache": (cut_cache, "cache"),
    "a folder that others may read": (open_folder, "open to other users"),
    "a folder that is a link": (linked_folder, "symbolic link"),
    "a cache from a newer version": (newer_cache, "version 9999"),
}


@pytest.mark.parametrize("case", CACHES)
class TestACache:
    @pytest.fixture
    def kept(self, home: Home) -> Home:
        home.write_profile("http://127.0.0.1:9/fhir")
        home.fill(task())
        return home

    @pytest.mark.parametrize("words", [("list",), ("sync",), ("act", "claim", "main:Task/t1")])
    def test_that_cannot_be_used_is_left_byte_for_byte(
        self, kept: Home, case: str, words: tuple[str, ...]
    ) -> None:
        change, said = CACHES[case]
        change(kept)
        before = kept.bytes()
        check(kept.run(*words), CACHE, said)
        assert kept.bytes() == before


def test_the_right_key_put_back_opens_what_was_there(home: Home) -> None:
    home.write_profile("http://127.0.0.1:9/fhir")
    home.fill(task())
    kept = home.where.key.read_bytes()
    other_key(home)
    assert home.run("list").code == CACHE
    home.where.key.write_bytes(kept)
    assert "Call c1" in home.run("list", "--plain", "--view", "whole").out


def test_an_asked_next_page_never_takes_the_token_elsewhere(home: Home) -> None:
    with serving(honest()) as other:

        def answer(asked: Asked) -> Said:
            if asked.key == "metadata":
                return Said(statement())
            link = {"relation": "next", "url": f"{other.base}/../stolen?page=2"}
            return Said(bundle(task(), link=[link]))

        with serving(answer) as server:
            home.write_profile(server.base)
            home.run("sync")
    assert other.requested == []


def test_the_folder_of_the_tests_holds_no_needle(home: Home, tmp_path: Path) -> None:
    """What was fetched and sent is in the encrypted cache and nowhere else on the disk."""
    planted = task(description="needle-in-a-description", note=[{"text": "needle-in-a-note"}])
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with serving(honest(planted)) as server:
        home.write_profile(server.base)
        env = {
            "TMPDIR": str(temporary),
            "CAREQUEUE_DEBUG": "1",
            "TEXTUAL_LOG": str(tmp_path / "log"),
        }
        for words in (
            ("sync",),
            ("list",),
            ("act", "claim", "main:Task/t1"),
            ("sync",),
            ("doctor",),
        ):
            ran = home.run(*words, env=env)
            assert TOKEN not in ran.out + ran.err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert b"needle" not in raw, path
    assert shutil.which("carequeue") is None or json.dumps(list(temporary.iterdir())) == "[]"
