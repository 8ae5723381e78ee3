"""Requests of the outbox on the wire: one by one or as a batch, replies matched by position."""

from __future__ import annotations

import json

import httpx
import pytest

from carequeue.sync.push import messages as m
from carequeue.sync.push.http import exchange, read_back
from tests.sync.wire import BASE, Wire, answer


def put(key: str, version: str = "1") -> m.Request:
    guard = f'W/"{version}"'
    body = {"resourceType": "Task", "id": key}
    return m.Request(("Task", key), "PUT", f"Task/{key}", body, guard, "", (f"i-{key}",))


def bundle(*entries: object, kind: str = "batch-response") -> httpx.Response:
    body = {"resourceType": "Bundle", "type": kind, "entry": entries}
    return answer(json.dumps(body).encode())


def entry(key: str, status: str = "200 OK") -> dict[str, object]:
    resource = {"resourceType": "Task", "id": key, "meta": {"versionId": "2"}}
    return {"resource": resource, "response": {"status": status, "etag": 'W/"2"'}}


class TestAnExchange:
    def asked(self, wire: Wire, *requests: m.Request, batch: bool = True) -> list[m.Reply]:
        found = exchange(wire.transport, m.Exchange(requests, batch)).replies
        assert [one.key for one in found] == [request.key for request in requests]
        return [one if isinstance(one, m.Reply) else m.Reply(one.key, -1) for one in found]

    def test_of_one_is_guarded_and_asks_for_the_resource_back(self) -> None:
        wire = Wire(lambda _: answer(b'{"resourceType":"Task","id":"1"}', etag='W/"2"'))
        (got,) = self.asked(wire, put("1"), batch=False)
        assert (got.status, got.version, got.resource) == (
            200, "2", {"resourceType": "Task", "id": "1"},
        )  # fmt: skip
        assert wire.requests[0].headers["if-match"] == 'W/"1"'
        assert wire.requests[0].headers["prefer"] == "return=representation"

    def test_of_many_is_one_batch_and_answers_are_matched_by_position(self) -> None:
        wire = Wire(lambda _: bundle(entry("1"), entry("2", "412 Precondition Failed")))
        first, second = self.asked(wire, put("1"), put("2"))
        assert (first.status, first.version, second.status) == (200, "2", 412)
        sent = json.loads(wire.requests[0].content)
        assert (wire.urls, sent["type"]) == ([f"{BASE}/"], "batch")
        assert wire.requests[0].headers["prefer"] == "return=representation"
        assert [one["request"]["ifMatch"] for one in sent["entry"]] == ['W/"1"', 'W/"1"']

    @pytest.mark.parametrize(
        "reply",
        [bundle(entry("1")), bundle(entry("1"), entry("2"), kind="searchset"), answer(b"[]"),
         answer(b"")],
    )  # fmt: skip
    def test_whose_answer_does_not_match_leaves_every_entry_in_doubt(
        self, reply: httpx.Response
    ) -> None:
        wire = Wire(lambda _: reply)
        found, batch = exchange(wire.transport, m.Exchange((put("1"), put("2")), True))
        assert all(isinstance(one, m.NoReply) and one.left for one in found)
        assert batch is m.Batched.SILENT

    @pytest.mark.parametrize(
        ("status", "code", "became"),
        [(404, "", "never"), (405, "", "never"), (415, "", "never"), (501, "", "never"),
         (400, "not-supported", "never"), (400, "invalid", "refused"), (403, "", "refused"),
         (422, "", "refused"), (413, "too-long", "too_large")],
    )  # fmt: skip
    def test_that_is_refused_as_a_whole_says_why_and_nothing_was_done(
        self, status: int, code: str, became: str
    ) -> None:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"code": code}]}
        wire = Wire(lambda _: answer(json.dumps(outcome).encode(), status))
        found = exchange(wire.transport, m.Exchange((put("1"), put("2")), True))
        assert (found.replies, found.batch) == ((), m.Batched(became))
        assert len(wire.requests) == 1

    def test_with_a_busy_server_is_not_tried_one_by_one(self) -> None:
        wire = Wire(lambda _: answer(b"", 429, retry_after="7"))
        found = self.asked(wire, put("1"), put("2"))
        assert [(one.status, one.retry_after) for one in found] == [(429, "7"), (429, "7")]
        assert len(wire.requests) == 1

    @pytest.mark.parametrize(
        ("status", "became"), [(500, "silent"), (502, "unanswered"), (504, "unanswered")]
    )
    def test_at_which_a_server_falls_over_is_read_back(self, status: int, became: str) -> None:
        wire = Wire(lambda _: answer(b"", status))
        found, batch = exchange(wire.transport, m.Exchange((put("1"), put("2")), True))
        assert all(isinstance(one, m.NoReply) and one.left for one in found)
        assert (len(wire.requests), batch) == (1, m.Batched(became))

    def test_that_never_left_says_nothing_of_its_size(self) -> None:
        def unreachable(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectTimeout("no route", request=request)

        asked = m.Exchange((put("1"), put("2")), True)
        found, batch = exchange(Wire(unreachable).transport, asked)
        assert [one.left for one in found if isinstance(one, m.NoReply)] == [False, False]
        assert batch is m.Batched.DONE

    def test_ends_with_the_network_and_the_rest_has_not_left(self) -> None:
        def gone_after_one(request: httpx.Request) -> httpx.Response:
            if len(wire.requests) > 1:
                raise httpx.ConnectTimeout("no route", request=request)
            return answer(b'{"resourceType":"Task","id":"1"}')

        wire = Wire(gone_after_one)
        asked = m.Exchange(tuple(put(str(number)) for number in range(1, 6)), False)
        first, *rest = exchange(wire.transport, asked).replies
        assert isinstance(first, m.Reply)
        assert [(one.key, one.left) for one in rest if isinstance(one, m.NoReply)] == [
            (("Task", str(number)), False) for number in range(2, 6)
        ]
        assert len(wire.requests) == 2

    def test_keeps_the_servers_words(self) -> None:
        issue = {"severity": "error", "code": "invalid", "diagnostics": "owner is needed"}
        outcome = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
        (got,) = self.asked(Wire(lambda _: answer(outcome, 422)), put("1"), batch=False)
        assert (got.status, got.words, got.resource) == (422, "owner is needed", None)

    @pytest.mark.parametrize("version", ["1\r\nX-Evil: 1", "é", '"', "\x00", "\ud800"])
    def test_of_a_version_that_no_header_can_carry_is_no_fault_of_ours(self, version: str) -> None:
        wire = Wire(lambda _: answer(b'{"resourceType":"Task","id":"1"}'))
        found = exchange(wire.transport, m.Exchange((put("1", version),), False)).replies
        assert len(found) == 1
        assert all("x-evil" not in request.headers for request in wire.requests)


class TestReadingBack:
    @pytest.fixture
    def search(self) -> m.Request:
        return m.Request(("Task", "own"), "GET", "Task?identifier=x%7Cown")

    def test_by_identifier_gives_the_one_that_matches(self, search: m.Request) -> None:
        wire = Wire(lambda _: bundle({"resource": {"resourceType": "Task", "id": "9"}}))
        (got,) = read_back(wire.transport, [search])
        assert isinstance(got, m.Reply)
        assert (got.status, got.resource) == (200, {"resourceType": "Task", "id": "9"})

    @pytest.mark.parametrize(
        "entries",
        [(), (None,), ({"resource": {"resourceType": "OperationOutcome"}},), ({"resource": 7},)],
    )
    def test_by_identifier_without_a_match_is_not_there(
        self, search: m.Request, entries: tuple[object, ...]
    ) -> None:
        (got,) = read_back(Wire(lambda _: bundle(*entries)).transport, [search])
        assert isinstance(got, m.Reply)
        assert got.status == 404

    def test_of_a_server_that_went_away_says_so(self, search: m.Request) -> None:
        def gone(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        (got,) = read_back(Wire(gone).transport, [search])
        assert got == m.NoReply(search.key, left=False, why="cannot be reached")

    def test_goes_on_where_one_connection_broke_and_ends_where_there_is_none(self) -> None:
        def served(request: httpx.Request) -> httpx.Response:
            fault = httpx.ReadError if len(wire.requests) == 1 else httpx.ConnectError
            raise fault("gone", request=request)

        wire = Wire(served)
        reads = [m.Request(("Task", key), "GET", f"Task/{key}") for key in "1234"]
        found = read_back(wire.transport, reads)
        assert [one.left for one in found if isinstance(one, m.NoReply)] == [True] + [False] * 3
        assert len(wire.requests) == 2

    @pytest.mark.parametrize("whole", [False, True])
    def test_of_a_part_of_a_resource_says_only_that_it_is_there(self, whole: bool) -> None:
        meta: dict[str, object] = {} if whole else {"tag": [{"code": "SUBSETTED"}]}
        task = {"resourceType": "Task", "id": "1", "meta": meta}
        for asked, said in (
            (m.Request(("Task", "1"), "GET", "Task/1"), answer(json.dumps(task).encode())),
            (m.Request(("Task", "own"), "GET", "Task?x=y"), bundle({"resource": task})),
        ):
            (got,) = read_back(Wire(lambda _, said=said: said).transport, [asked])  # type: ignore[misc]
            assert isinstance(got, m.Reply)
            assert (got.status, got.resource) == (200, task if whole else None)


@pytest.mark.parametrize("location", ["http://[", "", "Task", "https://evil.example/Patient/1"])
def test_a_location_that_names_no_such_resource_says_nothing(location: str) -> None:
    made = m.Request(("Task", "own"), "POST", "Task", {}, creates=True)
    wire = Wire(lambda _: answer(b"", 201, Location=location))
    (got,) = exchange(wire.transport, m.Exchange((made,), batch=False)).replies
    assert isinstance(got, m.Reply)
    assert (got.status, got.location) == (201, "")


class TestWhatElseAnAnswerTells:
    def one(self, wire: Wire, request: m.Request) -> m.Reply:
        ((reply,), _) = exchange(wire.transport, m.Exchange((request,), False))
        assert isinstance(reply, m.Reply)
        return reply

    def post(self) -> m.Request:
        body = {"resourceType": "Task"}
        return m.Request(("Task", "own"), "POST", "Task", body, "", "x", ("i1",), creates=True)

    @pytest.mark.parametrize(
        ("location", "id_"),
        [(f"{BASE}/Task/12/_history/1", "12"), ("Task/12", "12"), ("/r4/Task/12", "12"),
         (f"{BASE}/Patient/12", ""), ("", ""), ("Task/..", ""), ("Task/a b", "")],
    )  # fmt: skip
    def test_is_where_what_was_made_stands(self, location: str, id_: str) -> None:
        wire = Wire(lambda _: answer(b"", 201, location=location))
        assert self.one(wire, self.post()).location == id_
        assert self.one(wire, put("1")).location == ""  # an update is where it was

    def test_are_the_issues_of_a_refusal(self) -> None:
        issue = {"code": "value", "expression": ["Task.status"], "diagnostics": "no such"}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue, {"expression": 7}]}
        wire = Wire(lambda _: answer(json.dumps(outcome).encode(), 422))
        first, second = self.one(wire, put("1")).issues
        assert (first.code, first.where, first.words) == ("value", ("Task.status",), "no such")
        assert second == ("", (), "")

    def test_is_every_match_of_a_search_and_every_version_of_a_history(self) -> None:
        versions = [{"resourceType": "Task", "id": "1", "meta": {"versionId": v}} for v in "32"]
        other = {"resource": {"resourceType": "OperationOutcome"}}
        wire = Wire(lambda _: bundle(*({"resource": version} for version in versions), other))
        request = m.Request(("Task", "1"), "GET", "Task/1/_history?_count=20")
        (got,) = read_back(wire.transport, [request])
        assert isinstance(got, m.Reply)
        assert (list(got.many), got.version) == (versions, "3")


def outcome(words: str = "done") -> dict[str, object]:
    return {"resourceType": "OperationOutcome", "issue": [{"diagnostics": words}]}


PART = {"resourceType": "Task", "id": "1", "meta": {"tag": [{"code": "SUBSETTED"}]}}


class TestReadingMany:
    READS = tuple(m.Request(("Task", str(key)), "GET", f"Task/{key}") for key in range(1, 6))

    def read(self, wire: Wire, at_once: int = 50) -> list[m.Reply | m.NoReply]:
        found = read_back(wire.transport, self.READS, at_once)
        assert [one.key for one in found] == [one.key for one in self.READS]
        return list(found)

    def shows(self, request: httpx.Request) -> httpx.Response:
        """All of them, in a batch or alone."""
        if request.method == "GET":
            return answer(
                json.dumps(entry(request.url.path.rpartition("/")[2])["resource"]).encode()
            )
        asked = json.loads(request.content)["entry"]
        assert {one["request"]["method"] for one in asked} == {"GET"}
        return bundle(*(entry(one["request"]["url"].partition("/")[2]) for one in asked))

    @pytest.mark.parametrize(("at_once", "requests"), [(50, 1), (5, 1), (3, 2), (2, 3), (1, 5)])
    def test_is_as_few_requests_as_may_hold_them(self, at_once: int, requests: int) -> None:
        wire = Wire(self.shows)
        found = self.read(wire, at_once)
        assert [(one.status, one.version) for one in found if isinstance(one, m.Reply)] == [
            (200, "2")
        ] * 5
        assert len(wire.requests) == requests

    def test_of_one_is_a_plain_reading(self) -> None:
        wire = Wire(self.shows)
        read_back(wire.transport, self.READS[:1], 50)
        assert wire.urls == [f"{BASE}/Task/1"]

    @pytest.mark.parametrize(
        "odd",
        [{"response": {"status": "404", "outcome": outcome()}}, {"response": {"status": "410"}},
         {"response": {"status": "403"}}, {"response": {"status": "500"}}, {}, None,
         {"response": {"status": "200"}}, entry("99"),
         {"response": {"status": "200"}, "resource": outcome()},
         {"response": {"status": "200"}, "resource": PART}],
    )  # fmt: skip
    def test_asks_alone_for_what_a_batch_does_not_show(self, odd: object) -> None:
        def served(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return self.shows(request)
            return bundle(odd, *(entry(str(key)) for key in range(2, 6)))

        wire = Wire(served)
        found = self.read(wire)
        assert [one.status for one in found if isinstance(one, m.Reply)] == [200] * 5
        assert [request.method for request in wire.requests] == ["POST", "GET"]
        assert wire.urls[1] == f"{BASE}/Task/1"

    @pytest.mark.parametrize(
        "reply",
        [answer(b"", 404), answer(b"", 405), answer(b"", 413), answer(b"", 400), answer(b"", 500),
         answer(b"", 503), answer(b"<html>"), answer(b"{"), answer(b""), answer(b"[]"),
         bundle(entry("1")), bundle(*(entry(str(key)) for key in range(1, 6)), kind="searchset")],
        ids=str,
    )  # fmt: skip
    def test_is_one_by_one_where_a_batch_says_nothing(self, reply: httpx.Response) -> None:
        wire = Wire(lambda request: self.shows(request) if request.method == "GET" else reply)
        found = self.read(wire)
        assert [one.status for one in found if isinstance(one, m.Reply)] == [200] * 5
        assert [request.method for request in wire.requests] == ["POST", *["GET"] * 5]

    @pytest.mark.parametrize(("status", "header"), [(401, ""), (429, ""), (503, "30")])
    def test_ends_with_a_server_that_sends_us_away(self, status: int, header: str) -> None:
        wire = Wire(lambda _: answer(b"", status, retry_after=header))
        found = self.read(wire, 2)
        assert [one.status for one in found if isinstance(one, m.Reply)] == [status] * 5
        assert len(wire.requests) == 1

    def test_ends_with_a_batch_that_is_not_answered(self) -> None:
        def broke(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("silence", request=request)

        wire = Wire(broke)
        found = self.read(wire, 2)
        lost = [one for one in found if isinstance(one, m.NoReply)]
        assert [one.sent_in_failed_batch for one in lost] == [True, True, False, False, False]
        assert all(one.left and not one.unreadable for one in lost)
        assert len(wire.requests) == 1

    def test_ends_with_the_network(self) -> None:
        def gone(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        wire = Wire(gone)
        found = self.read(wire, 2)
        assert [
            (one.left, one.sent_in_failed_batch) for one in found if isinstance(one, m.NoReply)
        ] == [(False, False)] * 5
        assert len(wire.requests) == 1

    def test_takes_searches_and_histories_along(self) -> None:
        reads = (
            m.Request(("Task", "own"), "GET", "Task?identifier=x%7Cown"),
            m.Request(("Task", "none"), "GET", "Task?identifier=x%7Cnone"),
            m.Request(("Task", "1"), "GET", "Task/1/_history?_count=20"),
        )
        found = {
            "resourceType": "Bundle",
            "entry": [{"resource": {"resourceType": "Task", "id": "9"}}],
        }
        nothing = {"resourceType": "Bundle", "type": "searchset"}
        shown = [
            {"response": {"status": "200"}, "resource": one} for one in (found, nothing, found)
        ]
        wire = Wire(lambda _: bundle(*shown))
        by_name, absent, history = read_back(wire.transport, reads, 50)
        assert isinstance(by_name, m.Reply)
        assert isinstance(absent, m.Reply)
        assert isinstance(history, m.Reply)
        assert (by_name.status, absent.status, len(history.many)) == (200, 404, 1)
        assert len(wire.requests) == 1


class TestAServerThatSendsUsAway:
    @pytest.mark.parametrize(("status", "header"), [(401, ""), (429, ""), (503, "30")])
    def test_is_not_asked_about_the_rest(self, status: int, header: str) -> None:
        wire = Wire(lambda _: answer(b"", status, retry_after=header))
        reads = [m.Request(("Task", key), "GET", f"Task/{key}") for key in "1234"]
        found = read_back(wire.transport, reads)
        assert [(one.key[1], one.status) for one in found if isinstance(one, m.Reply)] == [
            (key, status) for key in "1234"
        ]
        assert len(wire.requests) == 1

    def test_is_asked_about_the_rest_where_only_one_row_makes_it_stumble(self) -> None:
        wire = Wire(lambda _: answer(b"", 500))
        read_back(wire.transport, [m.Request(("Task", k), "GET", f"Task/{k}") for k in "12"])
        assert len(wire.requests) == 2


class TestAnAnswerOfWhichNoSenseCanBeMade:
    @pytest.mark.parametrize("body", [b"<html>", b'{"resourceType":'])
    def test_is_not_the_networks_absence(self, body: bytes) -> None:
        (got,) = read_back(
            Wire(lambda _: answer(body)).transport, [m.Request(("Task", "1"), "GET", "Task/1")]
        )
        assert isinstance(got, m.NoReply)
        assert (got.left, got.unreadable) == (True, True)

    def test_is_not_a_connection_that_broke(self) -> None:
        def broke(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadError("reset", request=request)

        request = m.Request(("Task", "1"), "GET", "Task/1")
        (got,) = read_back(Wire(broke).transport, [request])
        assert isinstance(got, m.NoReply)
        assert (got.left, got.unreadable) == (True, False)
