"""The one `send()`: where the token goes, and what can go wrong on the wire."""

from __future__ import annotations

import gzip
import socket
import sys
import threading
import zlib
from pathlib import Path

import httpx
import pytest

from carequeue.domain.errors import ServerError, SignInError
from carequeue.sync.net.addresses import checked_base
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import MOST_BYTES, Transport
from carequeue.sync.protocol.capabilities import read_statement
from carequeue.sync.protocol.sending import Unreachable
from tests.sync.wire import (
    BASE,
    Pieces,
    Wire,
    answer,
    authority,
    closed_port,
    http,
    listener,
)

TASK = b'{"resourceType":"Task","id":"1","extension":[{"url":"x","valueDecimal":1.50}]}'


class TestTheToken:
    @pytest.mark.parametrize("path", ["Task/1", "Task?_count=2", f"{BASE}/Task?page=2"])
    def test_goes_to_the_configured_address(self, path: str) -> None:
        wire = Wire(lambda _: answer())
        wire.transport.send("GET", path)
        (request,) = wire.requests
        assert str(request.url).startswith(BASE)
        assert request.headers["authorization"] == "Bearer secret"

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/Task",
            "https://evil.example/other/r4/Task",
            "https://fhir.example.org/elsewhere",
            "https://fhir.example.org/r4evil/Task",
            "//evil.example/x",
            "/elsewhere",
            "../elsewhere",
            "ftp://fhir.example.org/x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://[oops/r4/",
            "https://fhir.example.org",
            "https://fhir.example.org/?_getpages=1",
            "/r4other?_getpages=1",
            "/other?_getpages=1",
            "/r4/../admin",
            "/r4/%2e%2e/admin",
            "/r4/%252e%252e/admin",
            "/r4/..%2fadmin",
            "/r4/%2e%2e%5cadmin",
            "/r4/..;/admin",
            "/r4/..;x=y/admin",
            "/r4/%c0%ae%c0%ae/admin",
            "/r4;/../admin",
            "/r4%2fTask",
            "../r4other?_getpages=1",
            "https://fhir.example.org@evil.example/r4/Task?page=2",
            "https://secret@fhir.example.org/r4/Task?page=2",
            "https://me:secret@fhir.example.org/r4?_getpages=1",
            "//me@fhir.example.org/r4?_getpages=1",
            "ftp://fhir.example.org/r4/Task?page=2",
            "ws://fhir.example.org/r4?_getpages=1",
            "http:///r4/Task",
            "?_getpages=" + "x" * 20_000,
        ],
    )
    def test_goes_nowhere_else(self, link: str) -> None:
        wire = Wire(lambda _: answer())
        with pytest.raises(ServerError, match="another address"):
            wire.transport.send("GET", link)
        assert wire.requests == []

    @pytest.mark.parametrize(
        "link",
        [
            "http://internal:8080/r4/Task?page=2",
            "https://evil.example/r4/Task?page=2",
            "https://fhir.example.org:443/r4/Task?page=2",
            "http://fhir.example.org/r4/Task?page=2",
            "https://fhir.example.org:8443/r4/Task?page=2",
            "/r4/Task?page=2",
            "https://FHIR.example.org/r4/Task?page=2",
        ],
    )
    def test_of_a_link_with_an_internal_host_stays_below_our_own_address(self, link: str) -> None:
        """Proxies write their inner name into links; the path is the server's, the host ours."""
        wire = Wire(lambda _: answer())
        wire.transport.send("GET", link)
        assert wire.urls == [f"{BASE}/Task?page=2"]

    @pytest.mark.parametrize(
        ("link", "asked"),
        [
            (f"{BASE}?_getpages=a", f"{BASE}?_getpages=a"),
            (f"{BASE}/?_getpages=a", f"{BASE}/?_getpages=a"),
            ("/r4?_getpages=a", f"{BASE}?_getpages=a"),
            ("/r4/?_getpages=a", f"{BASE}/?_getpages=a"),
            ("/r4/Task?page=2", f"{BASE}/Task?page=2"),
            ("//fhir.example.org/r4?_getpages=a", f"{BASE}?_getpages=a"),
            ("http://inner:8080/r4?_getpages=a", f"{BASE}?_getpages=a"),
            (f"{BASE}?_getpages=a#fragment", f"{BASE}?_getpages=a"),
            (f"{BASE}?next=https://evil.example/", f"{BASE}?next=https://evil.example/"),
        ],
    )
    def test_of_a_link_to_the_base_itself_or_below_it_is_followed(
        self, link: str, asked: str
    ) -> None:
        """`[base]?_getpages=...`, without a slash, is what HAPI FHIR writes."""
        wire = Wire(lambda _: answer())
        got = wire.transport.send("GET", link)
        assert (wire.urls, got.url) == ([asked], asked)

    @pytest.mark.parametrize("link", ["https://fhir.example.org?_getpages=a", "?_getpages=a"])
    def test_of_a_base_without_a_path_is_followed_too(self, link: str) -> None:
        wire = Wire(lambda _: answer(), base="https://fhir.example.org/")
        wire.transport.send("GET", link)
        assert wire.requests[0].url.query == b"_getpages=a"
        assert wire.requests[0].url.host == "fhir.example.org"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, status: int) -> None:
        wire = Wire(lambda _: answer(b"", status, location="https://evil.example/Task/1"))
        with pytest.raises(Unreachable, match="sign in to this network") as raised:
            wire.transport.send("GET", "Task/1")
        assert raised.value.left  # it may be the server's own answer to what it has done
        assert wire.urls == [f"{BASE}/Task/1"]

    def test_is_left_out_where_there_is_none(self) -> None:
        wire = Wire(lambda _: answer(), tokens=Tokens())
        wire.transport.send("GET", "Task/1")
        assert "authorization" not in wire.requests[0].headers


class TestARenewal:
    def renewing(self, folder: Path, *tokens: str) -> Tokens:
        """A token command that says these, one a call."""
        told = folder / "told"
        program = (
            "import pathlib, sys; told = pathlib.Path(sys.argv[1]); "
            "said = told.read_text() if told.exists() else ''; told.write_text(said + '.'); "
            "print(sys.argv[2:][min(len(said), len(sys.argv) - 3)])"
        )
        return Tokens(command=(sys.executable, "-c", program, str(told), *tokens))

    def guarded(self, request: httpx.Request) -> httpx.Response:
        good = request.headers["authorization"] == "Bearer new"
        return answer(TASK) if good else answer(b"", 401)

    def test_happens_once_and_the_request_is_sent_again(self, tmp_path: Path) -> None:
        wire = Wire(self.guarded, tokens=self.renewing(tmp_path, "old", "new"))
        assert wire.transport.send("PUT", "Task/1", {"id": "1"}).status == 200
        assert [request.content for request in wire.requests] == [b'{"id":"1"}'] * 2

    def test_happens_once_only(self, tmp_path: Path) -> None:
        wire = Wire(self.guarded, tokens=self.renewing(tmp_path, "old", "older", "oldest"))
        assert wire.transport.send("GET", "Task/1").status == 401
        assert len(wire.requests) == 2

    def test_with_the_same_token_is_none(self, tmp_path: Path) -> None:
        wire = Wire(self.guarded, tokens=self.renewing(tmp_path, "old"))
        assert wire.transport.send("GET", "Task/1").status == 401
        assert len(wire.requests) == 1

    def test_of_a_fixed_token_is_none(self) -> None:
        wire = Wire(self.guarded, tokens=Tokens(fixed="old"))
        assert wire.transport.send("GET", "Task/1").status == 401
        assert len(wire.requests) == 1

    @pytest.mark.parametrize(
        "program",
        ["import sys; sys.exit(3)", "print('')", "print('two\\nlines')", "print('sm\\u00f8rbrød')"],
    )
    def test_command_that_gives_no_token_is_one_sentence(self, program: str) -> None:
        wire = Wire(lambda _: answer(), tokens=Tokens(command=(sys.executable, "-c", program)))
        with pytest.raises(SignInError, match=r"gave no token\. What you did is kept here"):
            wire.transport.send("GET", "Task/1")
        assert wire.requests == []

    def test_command_that_does_not_exist_is_one_sentence(self) -> None:
        wire = Wire(lambda _: answer(), tokens=Tokens(command=("no-such-program-anywhere",)))
        with pytest.raises(SignInError, match="no-such-program-anywhere"):
            wire.transport.send("GET", "Task/1")

    @pytest.mark.parametrize("token", ["two\nlines", "smørbrød"])
    def test_variable_that_holds_no_token_is_one_sentence(
        self, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FHIR_TOKEN", token)
        wire = Wire(lambda _: answer(), tokens=Tokens(env="FHIR_TOKEN"))
        with pytest.raises(SignInError, match="FHIR_TOKEN") as told:
            wire.transport.send("GET", "Task/1")
        assert token not in str(told.value)
        assert wire.requests == []


class TestAnAnswer:
    def test_comes_back_as_it_was_written(self) -> None:
        wire = Wire(lambda _: answer(TASK, etag='W/"7"'))
        got = wire.transport.send("GET", "Task/1")
        assert (got.status, got.headers["etag"]) == (200, 'W/"7"')
        wire.transport.send("PUT", "Task/1", got.json)
        assert wire.requests[1].content == TASK

    def test_is_unpacked(self) -> None:
        packed = gzip.compress(TASK)
        wire = Wire(lambda _: answer(packed, content_encoding="gzip"))
        assert wire.transport.send("GET", "Task/1").json["id"] == "1"

    def test_that_is_empty_is_nothing(self) -> None:
        assert Wire(lambda _: answer(b"", 204)).transport.send("DELETE", "Task/1").json is None

    def test_that_unpacks_to_more_than_the_cap_is_not_read_on(self) -> None:
        bomb = gzip.compress(b" " * (3 * MOST_BYTES))
        body = Pieces(*(bomb[at : at + 1024] for at in range(0, len(bomb), 1024)))
        wire = Wire(
            lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=body)
        )
        with pytest.raises(ServerError, match="more than 32 MB in one answer"):
            wire.transport.send("GET", "Task")
        assert body.taken < len(bomb) / 1024 / 2

    def test_that_is_longer_than_the_cap_is_not_read_on(self) -> None:
        body = Pieces(*[b" " * 2**20] * 100)
        wire = Wire(lambda _: httpx.Response(200, stream=body))
        with pytest.raises(ServerError, match="more than 32 MB"):
            wire.transport.send("GET", "Task")
        assert body.taken < 40

    @pytest.mark.parametrize("cut", [1, 10, 20])
    def test_that_is_cut_in_its_packing_may_have_done_its_work(self, cut: int) -> None:
        wire = Wire(lambda _: answer(gzip.compress(TASK)[:-cut], content_encoding="gzip"))
        with pytest.raises(Unreachable, match="cut short") as gone:
            wire.transport.send("PUT", "Task/1", {})
        assert gone.value.left

    def test_that_is_damaged_in_its_packing_may_have_done_its_work(self) -> None:
        wire = Wire(lambda _: answer(zlib.compress(TASK), content_encoding="gzip"))
        with pytest.raises(Unreachable, match="damaged") as gone:
            wire.transport.send("PUT", "Task/1", {})
        assert gone.value.left

    @pytest.mark.parametrize(
        "body", [TASK[:-1], b"{", b"nonsense", b'{"a":NaN}', b"\xff\xfe", b"[" * 200 + b"]" * 200]
    )
    def test_that_is_no_whole_json_may_have_done_its_work(self, body: bytes) -> None:
        with pytest.raises(Unreachable) as gone:
            Wire(lambda _: answer(body)).transport.send("PUT", "Task/1", {})
        assert gone.value.left

    def test_that_is_a_web_page_is_no_fhir(self) -> None:
        wire = Wire(lambda _: answer(b"\n <!doctype html><p>Sign in", content_type="text/html"))
        with pytest.raises(ServerError, match="answers with a web page, not with FHIR"):
            wire.transport.send("GET", "metadata")

    def test_of_a_proxy_in_between_says_enough_by_its_status(self) -> None:
        got = Wire(lambda _: answer(b"<html>Bad gateway", 502)).transport.send("GET", "Task/1")
        assert (got.status, got.json) == (502, None)


class TestTheNetwork:
    def test_where_nothing_listens_nothing_has_left(self) -> None:
        with (
            Transport(f"http://127.0.0.1:{closed_port()}/fhir", Tokens()) as transport,
            pytest.raises(Unreachable, match="cannot be reached") as gone,
        ):
            transport.send("PUT", "Task/1", {})
        assert not gone.value.left

    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 900",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
            b"HTTP/1.1 two hundred",
            b"\x00\x01\x02",
        ],
    )
    def test_that_breaks_after_the_request_may_have_delivered_it(self, said: bytes) -> None:
        with (
            listener(http(said, b"{")) as base,
            Transport(base, Tokens()) as transport,
            pytest.raises(Unreachable) as gone,
        ):
            transport.send("PUT", "Task/1", {})
        assert gone.value.left

    def test_that_resets_the_connection_may_have_delivered_it(self) -> None:
        def reset(connection: socket.socket) -> None:
            connection.recv(65536)

        with (
            listener(reset) as base,
            Transport(base, Tokens()) as transport,
            pytest.raises(Unreachable) as gone,
        ):
            transport.send("PUT", "Task/1", {})
        assert gone.value.left

    def test_a_certificate_that_does_not_verify_ends_it_before_anything_left(self) -> None:
        heard: list[bytes] = []

        def listen(connection: socket.socket) -> None:
            heard.append(connection.recv(65536))

        with (
            listener(listen, tls=True) as base,
            Transport(base, Tokens(fixed="secret")) as transport,
            pytest.raises(Unreachable, match="its certificate cannot be verified") as gone,
        ):
            transport.send("GET", "metadata")
        assert not gone.value.left
        assert heard == []

    def test_a_certificate_of_the_profiles_own_bundle_does(self, tmp_path: Path) -> None:
        bundle = tmp_path / "authority.pem"
        authority().cert_pem.write_to_path(str(bundle))
        talk = http(b"HTTP/1.1 200 OK\r\nContent-Length: %d" % len(TASK), TASK)
        with (
            listener(talk, tls=True) as base,
            Transport(base, Tokens(), ca_bundle=str(bundle)) as transport,
        ):
            assert transport.send("GET", "Task/1").status == 200

    @pytest.mark.parametrize("content", [None, "no certificate\n"])
    def test_a_bundle_that_cannot_be_read_is_one_sentence(
        self, content: str | None, tmp_path: Path
    ) -> None:
        bundle = tmp_path / "bundle.pem"
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(ServerError, match=r"bundle\.pem.*Nothing was changed"):
            Transport(BASE, Tokens(), ca_bundle=str(bundle))


class TestTheQuestionWhetherAnybodyIsThere:
    @pytest.mark.parametrize("status", [200, 401, 403, 404, 405, 501])
    def test_is_answered_by_whoever_answers_at_all(self, status: int) -> None:
        wire = Wire(lambda _: answer(b"", status))
        assert wire.transport.ping()

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_somebody_who_takes_nothing_is_not_there(self, status: int) -> None:
        wire = Wire(lambda _: answer(b"", status))
        assert not wire.transport.ping()

    def test_nobody_is_not_there(self) -> None:
        with Transport(f"http://127.0.0.1:{closed_port()}/fhir", Tokens()) as transport:
            assert not transport.ping()

    def test_somebody_who_never_comes_to_the_end_of_a_word_is_not_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hung_up = threading.Event()

        def drip(connection: socket.socket) -> None:
            connection.recv(65536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not hung_up.wait(0.02):
                    connection.sendall(b"a")
            except OSError:
                hung_up.set()

        monkeypatch.setattr("carequeue.sync.net.transport._PING_TIMEOUT", 0.2)
        with listener(drip) as base, Transport(base, Tokens()) as transport:
            assert not transport.ping()
        assert hung_up.wait(30)

    def test_is_asked_without_the_token(self) -> None:
        wire = Wire(lambda _: answer())
        wire.transport.ping()
        (request,) = wire.requests
        assert request.method == "HEAD"
        assert "authorization" not in request.headers

    def test_leads_nowhere_else(self) -> None:
        wire = Wire(lambda _: answer(b"", 302, Location="https://evil.example/"))
        wire.transport.ping()
        assert wire.urls == [f"{BASE}/metadata"]


class TestAWaitThatIsAskedFor:
    @pytest.mark.parametrize(
        ("status", "said", "seconds"),
        [
            (429, "120", 120.0),
            (503, "Mon, 01 Dec 2036 10:02:00 GMT", 120.0),
            (503, "Mon, 01 Dec 2036 09:00:00 GMT", 0.0),
            (429, "soon", 0.0),
            (429, "", 0.0),
            (500, "120", 0.0),
            (200, "120", 0.0),
        ],
    )
    def test_is_heeded_once_by_the_server_s_own_time(
        self, status: int, said: str, seconds: float
    ) -> None:
        now = "Mon, 01 Dec 2036 10:00:00 GMT"
        wire = Wire(lambda _: answer(b"{}", status, Date=now, Retry_After=said))
        wire.transport.send("GET", "Task")
        assert wire.transport.take_wait() == seconds
        assert wire.transport.take_wait() == 0.0

    def test_of_several_the_longest_holds(self) -> None:
        waits = iter(["60", "5"])
        wire = Wire(lambda _: answer(b"", 429, Retry_After=next(waits)))
        wire.transport.send("GET", "Task")
        wire.transport.ping()
        assert wire.transport.take_wait() == 60.0


class TestTheAddress:
    @pytest.mark.parametrize(
        "url",
        ["https://fhir.example.org/r4", "http://127.0.0.1:8080/fhir", "http://localhost/fhir",
         "http://[::1]:9/fhir"],
    )  # fmt: skip
    def test_is_taken_without_a_slash_at_its_end(self, url: str) -> None:
        assert checked_base(f" {url}/ ") == url

    @pytest.mark.parametrize(
        "url",
        ["http://fhir.example.org/r4", "http://10.0.0.1/fhir", "http://localhost.evil.example/fhir",
         "http://127.0.0.1.evil.example/fhir"],
    )  # fmt: skip
    def test_is_refused_where_the_way_there_is_not_encrypted(self, url: str) -> None:
        with pytest.raises(ServerError, match="not encrypted"):
            checked_base(url)

    @pytest.mark.parametrize(
        "url",
        ["", "fhir.example.org", "ftp://fhir.example.org", "https://", "https:///fhir",
         "https://[oops", "https://fhir.example.org:port/r4", "https://fhir.example.org:99999/r4",
         "https://fhir.example.org/a b", "https://fhir.example.org/\x1b[2J"],
    )  # fmt: skip
    def test_is_refused_where_it_is_none(self, url: str) -> None:
        with pytest.raises(ServerError, match="not a server address") as told:
            checked_base(url)
        assert "\x1b" not in str(told.value)

    @pytest.mark.parametrize(
        "url", ["https://dana@fhir.example.org/r4", "https://:pw@fhir.example.org/r4",
                f"{BASE}?token=x", f"{BASE}#x"]
    )  # fmt: skip
    def test_is_refused_where_a_secret_could_stand_in_it(self, url: str) -> None:
        with pytest.raises(ServerError, match="no user name, question mark or #"):
            checked_base(url)


class TestTheStatement:
    def test_of_another_version_is_refused(self) -> None:
        r5 = {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}
        with pytest.raises(ServerError, match=r"speaks FHIR 5\.0\.0; CareQueue needs R4"):
            read_statement(r5, {})

    @pytest.mark.parametrize(
        "said", [None, [], "x", {"resourceType": "Patient"}, {"fhirVersion": "4.0.1"}]
    )
    def test_of_no_fhir_server_is_refused(self, said: object) -> None:
        with pytest.raises(ServerError, match="not as a FHIR server"):
            read_statement(said, {})

    @pytest.mark.parametrize(
        "rest", [None, "x", [], [None], [{"resource": [None, {"type": 7, "interaction": "x"}]}],
                 [{"mode": "server", "interaction": [{"code": 4}], "resource": {"type": "Task"}}]]
    )  # fmt: skip
    def test_that_is_malformed_declares_nothing(self, rest: object) -> None:
        said = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest}
        assert not read_statement(said, {}).batch
