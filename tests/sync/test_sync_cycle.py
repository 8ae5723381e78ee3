"""A whole look at a server: push, pull, push, over a real cache; whatever the server does to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carequeue.domain.intents import IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceCache, SqliteSourceRepository
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.push.three_way import CREATED_AGAIN
from carequeue.sync.sync_cycle import CycleResult, Syncer
from tests.fhir.clinic import DANA, DIRECTORY, PATIENT, ref, task
from tests.store.cache import PROFILE, SOURCE, Cache
from tests.sync.recorder import BASE, Fault, Recorder, path_of, said

TYPES = ("Task", "ServiceRequest", "Patient", "Communication")
FOLLOW_UP = "main:Task/t1"
Forward = Callable[[], httpx.Response]


class Office:
    """Dana's cache before a server that a test can make ill."""

    def __init__(self, folder: Path, batch: bool = False) -> None:
        self.cache = Cache(folder, PROFILE)
        self.cache.pull(*DIRECTORY)
        self.server = Recorder(batch, TYPES)
        self.transport = Transport(
            BASE, Tokens(fixed="x"), handler=httpx.MockTransport(self.server)
        )
        session = self.cache.session
        self.syncer = Syncer(
            SOURCE, {}, SqliteSourceCache(SOURCE, session.engine(), session.projector()),
            self.transport,
            lambda: self.cache.instant,
        )  # fmt: skip

    def close(self) -> None:
        self.transport.close()
        self.cache.close()

    def look(self) -> CycleResult:
        return self.syncer.run_cycle()

    def saw(self, name: str, what: str) -> None:
        """Earlier looks have seen this of the server, since it last said what it can."""
        with writing(self.cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.observe(
                name, what, self.cache.instant
            )

    @property
    def seen(self) -> Mapping[str, str]:
        """What was seen of the server."""
        with self.cache.session.engine().connect() as connection:
            return SqliteSourceRepository(connection, SOURCE).sync_state.observed()

    def put_follow_ups(self, count: int) -> None:
        """Follow-ups of Dana's, `Task/b0` and so on, each for a client of its own."""
        for number in range(count):
            client = f"client-{number}"
            self.server.put({**PATIENT, "id": client, "name": [{"family": client}]})
            self.server.put(
                task(f"b{number}", owner=ref(DANA), **{"for": ref(f"Patient/{client}")})
            )

    def act(self, verb: str, key: str = FOLLOW_UP, **answers: str) -> None:
        assert self.cache.desk.act(verb, [key], answers, self.cache.instant).changed

    @property
    def states(self) -> list[str]:
        return [intent.state.value for intent in self.cache.intents()]

    def notes(self, key: str = "Task/t1") -> list[str]:
        """The notes as the server has them."""
        found = self.server.now(key).get("note", [])
        return [dict(one)["text"] for one in found]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    office.server.put(PATIENT)
    office.server.put(task("t1", owner=ref(DANA), description="Call"))
    assert office.look().full
    office.saw("if_match", "yes")
    office.server.asked.clear()
    yield office
    office.close()


def once(fault: Callable[[httpx.Request, Forward], httpx.Response], *parts: str) -> Any:
    """The fault, at the first request that has one of these parts in it; then all is well."""
    left = [True]

    def fault_once(request: httpx.Request, forward: Forward) -> httpx.Response:
        if left[0] and any(part in f"{request.method} {path_of(request)}" for part in parts):
            left[0] = False
            return fault(request, forward)
        return forward()

    return fault_once


def unreachable(request: httpx.Request, forward: Forward) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def answers_with(status: int) -> Fault:
    return lambda request, forward: said("", status)


def reply_lost(request: httpx.Request, forward: Forward) -> httpx.Response:
    forward()
    raise httpx.ReadError("reset", request=request)


class TestADay:
    def test_what_was_decided_is_on_the_server_after_one_look(self, office: Office) -> None:
        office.act("note", text="Called")
        office.act("priority", to="stat")
        looked = office.look()
        assert (looked.sent, looked.full, looked.why) == (2, True, "")
        assert office.notes() == ["Called"]
        assert office.states == ["acknowledged"] * 2

    def test_what_was_decided_leaves_before_anything_is_fetched(self, office: Office) -> None:
        office.act("note", text="Called")
        office.look()
        assert office.server.asked[0] == "PUT Task/t1"

    def test_only_the_outbox_leaves_where_only_that_was_asked(self, office: Office) -> None:
        office.act("note", text="Called")
        assert office.syncer.push_only().sent == 1
        assert office.server.asked == ["PUT Task/t1"]

    def test_a_lost_reply_never_doubles_a_note(self, office: Office) -> None:
        office.act("note", text="Called")
        office.server.fault = once(reply_lost, "PUT")
        assert office.look().sent == 1
        assert office.notes() == ["Called"]
        assert office.server.asked[:2] == ["PUT Task/t1", "GET Task/t1"]

    def test_offline_everything_waits_and_the_reason_is_kept(self, office: Office) -> None:
        office.act("note", text="Called")
        office.server.fault = unreachable
        looked = office.look()
        assert (looked.offline, looked.full, looked.why) == (True, False, "cannot be reached")
        assert office.states == ["queued"]
        health = office.cache.desk.health(office.cache.instant)
        assert (health.online, health.why_offline, health.waiting) == (
            False, "cannot be reached", 1,
        )  # fmt: skip

    def test_signed_out_everything_waits_and_leaves_once_signed_in(self, office: Office) -> None:
        office.act("note", text="Called")
        office.server.fault = lambda request, forward: said("", 401)
        looked = office.look()
        assert looked.sign_in
        assert office.states == ["in_doubt"]
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert (office.states, office.notes()) == (["acknowledged"], ["Called"])

    def test_what_is_only_kept_here_is_never_sent(self, office: Office) -> None:
        office.act("note", text="Called")
        office.server.fault = once(lambda request, forward: said("", 405), "PUT")
        office.look()
        office.look()
        assert office.states == ["kept_here"]
        assert [one for one in office.server.asked if one.startswith("PUT")] == ["PUT Task/t1"]
        office.act("priority", to="stat")
        assert office.states == ["kept_here", "kept_here"]


class TestSomebodyOnTheWay:
    """The sign-in page of a hotel's network, a proxy that wants to know who asks."""

    @pytest.mark.parametrize("status", [302, 307, 407, 511])
    def test_is_no_answer_of_the_server_so_everything_waits(
        self, office: Office, status: int
    ) -> None:
        office.act("priority", to="urgent")
        office.server.fault = answers_with(status)
        looked = office.look()
        assert looked.offline
        assert f"something else answers ({status})" in looked.why
        assert set(office.states) <= {"queued", "in_doubt"}
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert office.states == ["acknowledged"]

    def test_that_comes_between_writing_and_reading_back_leaves_it_in_doubt(
        self, office: Office
    ) -> None:
        office.act("priority", to="urgent")
        office.server.fault = once(reply_lost, "PUT")
        writes = office.server.fault

        def then_away(request: httpx.Request, forward: Forward) -> httpx.Response:
            return writes(request, forward) if request.method == "PUT" else said("", 302)

        office.server.fault = then_away
        office.look()
        assert office.states == ["in_doubt"]

    def test_is_not_taken_for_the_server_s_return(self, office: Office) -> None:
        office.server.fault = answers_with(302)
        assert not office.transport.ping()


class TestATimeThatWasAhead:
    def test_does_not_keep_what_was_known_of_the_server_until_it_comes(
        self, office: Office
    ) -> None:
        office.cache.later(hours=24 * 400)
        office.look()
        office.saw("update:Task", "no")
        office.cache.instant -= timedelta(days=400)
        office.act("priority", to="urgent")
        office.look()
        assert office.states == ["acknowledged"]


class TestAColleague:
    def test_who_deleted_what_the_server_then_makes_anew_is_told_of(self, office: Office) -> None:
        """It looks at If-Match only where there is something to compare with."""
        office.act("priority", to="urgent")
        office.server.fault = once(
            lambda request, forward: said(forward().read().decode(), 201), "PUT"
        )
        office.look()
        (one,) = office.cache.intents()
        assert (one.state.value, one.words) == ("acknowledged", CREATED_AGAIN)

    def change(self, office: Office, **elements: Any) -> None:
        office.server.put(task("t1", owner=ref(DANA), description="Call", **elements))

    def test_elsewhere_in_the_task_is_kept(self, office: Office) -> None:
        office.act("note", text="Called")
        self.change(office, priority="stat")
        office.look()
        assert office.notes() == ["Called"]
        assert office.server.now("Task/t1").get("priority") == "stat"

    def test_at_the_same_element_is_a_conflict_and_wins_nothing(self, office: Office) -> None:
        office.act("priority", to="urgent")
        self.change(office, priority="stat")
        office.look()
        office.look()
        assert office.states == ["conflict"]
        assert office.server.now("Task/t1").get("priority") == "stat"
        assert office.cache.row(FOLLOW_UP).sync == "conflict"

    def test_behind_a_conflict_other_decisions_still_leave(self, office: Office) -> None:
        office.act("priority", to="urgent")
        office.act("note", text="Called")
        self.change(office, priority="stat")
        office.look()
        assert office.states == ["conflict", "acknowledged"]
        assert office.notes() == ["Called"]

    def test_is_answered_before_the_same_element_is_decided_anew(self, office: Office) -> None:
        office.act("priority", to="urgent")
        self.change(office, priority="stat")
        office.look()
        desk, now = office.cache.desk, office.cache.instant
        acted = desk.act("priority", ["main:Task/t1"], {"to": "asap"}, now)
        office.look()
        assert "x first" in acted.message
        assert office.states == ["conflict"]
        assert office.server.now("Task/t1").get("priority") == "stat"

    def test_on_a_server_without_versions_is_not_overwritten(self, office: Office) -> None:
        """No meta and no ETag: only a look before the write can show what a colleague did."""

        def versionless(request: httpx.Request, forward: Forward) -> httpx.Response:
            whole = forward()
            body = whole.read().decode()
            for number in range(1, 9):
                body = body.replace(f'"meta":{{"versionId":"{number}"}}', '"x":1')
            return said(body, whole.status_code)

        office.server.fault = versionless
        office.look()
        office.act("priority", to="urgent")
        self.change(office, priority="stat")
        office.look()
        assert office.states == ["conflict"]
        assert office.server.now("Task/t1").get("priority") == "stat"


class TestWhatWasNotCreated:
    def test_holds_back_what_belongs_to_it(self, office: Office) -> None:
        """Refused by the server: a note on it would be a note on nothing."""
        office.server.fault = lambda request, forward: (
            said("", 422) if request.method == "PUT" else forward()
        )
        office.act("new", text="Call the school", until="2bd")
        office.look()
        key = next(row.key for row in office.cache.rows() if row.title == "Call the school")
        office.act("note", key, text="Ask for Mr. Lund")
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert office.states == ["needs_attention", "queued"]
        assert list(office.server.resources) == ["Patient/c1", "Task/t1"]


class TestOneThatCannotBeRead:
    @pytest.mark.parametrize("body", ["<html>Sign in", '{"resourceType":"Task","id":"t1"'])
    def test_holds_up_nothing_else(self, office: Office, body: str) -> None:
        office.server.put(task("t2", owner=ref(DANA)))
        office.look()
        office.act("note", text="Called")
        office.act("note", "main:Task/t2", text="Wrote")

        def odd(request: httpx.Request, forward: Forward) -> httpx.Response:
            whole = forward()
            return said(body) if path_of(request) == "Task/t1" else whole

        office.server.fault = odd
        looked = office.look()
        assert (looked.offline, looked.full, looked.sent) == (False, True, 1)
        assert office.states == ["in_doubt", "acknowledged"]
        assert office.notes("Task/t2") == ["Wrote"]
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert (office.states[0], office.notes()) == ("acknowledged", ["Called"])

    def test_is_before_the_person_in_the_end(self, office: Office) -> None:
        office.act("note", text="Called")
        office.server.fault = lambda request, forward: (
            said("<html>") if path_of(request) == "Task/t1" else forward()
        )
        for _ in range(10):
            office.look()
            office.cache.later(hours=1)
        assert office.states == ["needs_attention"]
        assert "web page" in office.cache.intents()[0].words


class TestASearchThatLags:
    """It shows what was before our own write, which the same server has answered already."""

    def at(self, minute: int, **elements: Any) -> dict[str, Any]:
        stamp = {"versionId": str(minute), "lastUpdated": f"2026-03-09T14:{minute:02}:00Z"}
        return task("t1", owner=ref(DANA), meta=stamp, **elements)

    def test_never_moves_a_row_backwards(self, office: Office) -> None:
        office.cache.pull(self.at(5, status="completed"))
        saved = office.cache.pull(self.at(4))
        assert saved.changed == 0
        assert office.cache.base("Task/t1").version == "5"

    def test_is_not_laid_beside_a_row_that_a_decision_holds(self, office: Office) -> None:
        office.cache.pull(self.at(5))
        office.act("note", text="Called")
        office.cache.pull(self.at(4, priority="stat"))
        assert office.cache.base("Task/t1").theirs is None

    @pytest.mark.parametrize("stamp", [None, "", "yesterday", "2026-03-09", "2026-03-09T13:00:00"])
    def test_is_not_suspected_where_the_server_gives_no_instant(
        self, office: Office, stamp: Any
    ) -> None:
        office.cache.pull(self.at(5))
        office.cache.pull({**self.at(6), "meta": {"versionId": "9", "lastUpdated": stamp}})
        assert office.cache.base("Task/t1").version == "9"


class TestBatches:
    def acts(self, office: Office, count: int) -> None:
        office.put_follow_ups(count)
        office.look()
        office.server.asked.clear()
        keys = [f"main:Task/b{number}" for number in range(count)]
        acted = office.cache.desk.act("note", keys, {"text": "Called"}, office.cache.instant)
        assert len(acted.changed) == count

    @pytest.fixture
    def batching(self, tmp_path: Path) -> Iterator[Office]:
        office = Office(tmp_path, batch=True)
        office.server.put(PATIENT)
        assert office.look().full
        office.saw("if_match", "yes")
        office.saw("if_match_batch", "yes")
        yield office
        office.close()

    def never_batches(self, status: int) -> Fault:
        return lambda request, forward: said("", status) if request.method == "POST" else forward()

    @pytest.mark.parametrize(
        ("status", "tries"), [(403, 6), (413, 6), (422, 6), (500, 6), (405, 1), (415, 1)]
    )
    def test_that_are_never_taken_are_given_up_after_few_and_all_arrives_one_by_one(
        self, batching: Office, status: int, tries: int
    ) -> None:
        self.acts(batching, 60)
        batching.server.fault = self.never_batches(status)
        assert batching.syncer.push_only().sent == 60
        assert batching.server.asked.count("POST ") == tries
        assert batching.seen["batch"] == "no"

    def test_of_a_server_with_a_limit_get_smaller_and_stay_so(self, batching: Office) -> None:
        sizes: list[int] = []

        def at_most_ten(request: httpx.Request, forward: Forward) -> httpx.Response:
            if request.method != "POST":
                return forward()
            sizes.append(len(json.loads(request.content)["entry"]))
            return said("", 413) if sizes[-1] > 10 else forward()

        self.acts(batching, 60)
        batching.server.fault = at_most_ten
        assert batching.syncer.push_only().sent == 60
        assert sizes == [50, 25, 12, *[6] * 10]
        sizes.clear()
        self.acts(batching, 12)
        batching.server.fault = at_most_ten
        assert batching.syncer.push_only().sent == 12
        assert sizes == [6, 6]

    def test_without_an_answer_are_as_many_decisions_in_doubt_and_get_smaller(
        self, batching: Office
    ) -> None:
        self.acts(batching, 50)
        batching.server.fault = once(reply_lost, "POST")
        assert batching.syncer.push_only().sent == 50
        assert batching.seen["batch_size"] == "25"
        assert {len(batching.notes(f"Task/b{number}")) for number in range(50)} == {1}
        reads = [one for one in batching.server.asked if one.startswith("GET Task/b")]
        assert len(reads) == 50  # each for itself, and none was sent again
        assert batching.server.asked.count("POST ") == 1

    @pytest.mark.parametrize(("status", "given_up"), [(413, False), (500, False), (405, True)])
    def test_are_given_up_only_where_the_server_has_none(
        self, batching: Office, status: int, given_up: bool
    ) -> None:
        self.acts(batching, 4)
        batching.server.fault = once(answers_with(status), "POST")
        assert batching.look().sent == 4
        assert ("batch" in batching.seen) is given_up

    def test_are_tried_again_when_the_server_says_anew_what_it_can(self, batching: Office) -> None:
        self.acts(batching, 2)
        batching.server.fault = once(lambda request, forward: said("", 405), "POST")
        batching.look()
        batching.cache.later(hours=13)
        self.acts(batching, 2)
        batching.look()
        assert "POST " in batching.server.asked


class TestANewTaskAndAContactAboutIt:
    def test_arrive_in_the_order_in_which_one_names_the_other(self, office: Office) -> None:
        office.act("new", text="Call the school", until="2bd")
        key = next(row.key for row in office.cache.rows() if row.title == "Call the school")
        office.act("log", key, outcome="no answer")
        office.look()
        assert set(office.states) == {"acknowledged"}
        writes = [one for one in office.server.asked if one.startswith("PUT")]
        assert [write.split("/")[0] for write in writes] == ["PUT Task", "PUT Communication"]


class TestWhatIsReferredTo:
    def test_is_fetched_after_a_cut_though_the_page_is_not_read_again(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.put(PATIENT)
        office.server.put(task("t1"))
        office.server.fault = once(unreachable, "GET Patient")
        assert office.look().offline
        assert office.cache.row(FOLLOW_UP).client != "OKAFOR, Amara J"
        office.server.resources.pop("Task/t1")  # unchanged since the watermark: not sent again
        assert office.look().full
        assert office.cache.row(FOLLOW_UP).client == "OKAFOR, Amara J"
        office.close()

    def test_is_not_taken_for_absent_when_a_web_page_came_instead(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.put(PATIENT)
        office.server.put(task("t1"))
        office.server.fault = once(lambda request, forward: said("<html>"), "GET Patient")
        assert not office.look().full
        assert office.look().full
        assert office.cache.row(FOLLOW_UP).client == "OKAFOR, Amara J"
        office.close()


class TestAServerThatIsIll:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("<!doctype html>Sign in", "web page"),
            ('{"resourceType":"OperationOutcome"}', "no page"),
            ("[]", "no Bundle"),
        ],
    )
    def test_that_answers_with_something_else_is_said_and_changes_nothing(
        self, office: Office, body: str, words: str
    ) -> None:
        before = office.cache.table("resource")
        office.server.fault = lambda request, forward: said(body)
        looked = office.look()
        assert not looked.full
        assert words in looked.why
        assert office.cache.table("resource") == before

    def test_whose_links_lead_elsewhere_is_followed_nowhere_and_the_rest_goes_on(
        self, office: Office
    ) -> None:
        link = '"link":[{"relation":"next","url":"https://evil.example/x"}],'

        def foreign(request: httpx.Request, forward: Forward) -> httpx.Response:
            whole = forward()
            if path_of(request) != "Task" or request.method != "GET":
                return whole
            return said(whole.read().decode().replace('"entry"', link + '"entry"'))

        office.server.fault = foreign
        for _ in range(2):
            office.server.asked.clear()
            looked = office.look()
            assert not looked.full
            assert looked.why == "not shown by the server: Task (a link that cannot be followed)"
            assert any(one.startswith("GET ServiceRequest") for one in office.server.asked)
        office.server.fault = lambda request, forward: forward()
        assert office.look().full

    @pytest.mark.parametrize("version", ["5.0.0", "3.0.2", "", None])
    def test_of_another_fhir_is_one_sentence(self, tmp_path: Path, version: str | None) -> None:
        office = Office(tmp_path)
        statement = '{"resourceType":"CapabilityStatement","fhirVersion":%s}'
        spoken = "null" if version is None else f'"{version}"'
        office.server.fault = lambda request, forward: said(statement % spoken)
        looked = office.look()
        assert "CareQueue needs R4" in looked.why
        assert office.server.asked == ["GET metadata"]
        office.close()

    @pytest.mark.parametrize("version", ["\\ud800", "\\u0000", "é", "1\\r\\nX-Evil: 1", "x" * 5000])
    def test_whose_versions_are_odd_loses_nothing(self, office: Office, version: str) -> None:
        def odd(request: httpx.Request, forward: Forward) -> httpx.Response:
            whole = forward()
            body = whole.read().decode()
            for number in range(1, 9):
                body = body.replace(f'"versionId":"{number}"', f'"versionId":"{version}"')
            return said(body, whole.status_code)

        office.server.fault = odd
        office.look()
        office.act("note", text="Called")
        office.look()
        assert office.states[0] in ("acknowledged", "in_doubt", "queued", "needs_attention")

    def test_whose_words_are_odd_is_quoted_clean(self, office: Office) -> None:
        words = '{"resourceType":"OperationOutcome","issue":[{"diagnostics":"\\ud800\\u001b[2J"}]}'
        office.act("note", text="Called")
        office.server.fault = once(lambda request, forward: said(words, 422), "PUT")
        office.look()
        assert office.states == ["needs_attention"]
        detail = office.cache.desk.detail(FOLLOW_UP, office.cache.instant)
        assert all(line.isprintable() for line in detail.pending)


ANSWERS = [
    said_
    for status in (200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 410, 412, 422, 423, 428, 429,
                   500, 503)
    for said_ in ((status, ""), (status, "<html>"), (status, '{"resourceType":"OperationOutcome"}'))
] + [
    (200, '{"resourceType":"Task","id":"another"}'),
    (200, '{"resourceType":"Bundle","type":"batch-response","entry":[]}'),
    (200, '{"resourceType":"Bundle","type":"searchset","entry":[null,{"resource":7}]}'),
    (200, "null"),
    (200, '{"resourceType":"Task","id":"t1"'),
]  # fmt: skip


#: What is before the person, with a reason.
ASKED = {IntentState.NEEDS_ATTENTION, IntentState.CONFLICT, IntentState.LOCAL_ONLY}


class BadHour:
    """What happens to the requests of an hour: most are answered, some oddly, some never."""

    def __init__(self, happenings: list[Any]) -> None:
        self.happenings = happenings
        self.coming = iter(happenings)

    def __repr__(self) -> str:
        return f"BadHour({self.happenings})"

    def __call__(self, request: httpx.Request, forward: Forward) -> httpx.Response:
        match next(self.coming, "fine"):
            case "fine":
                return forward()
            case "unreachable":
                return unreachable(request, forward)
            case "lost":
                return reply_lost(request, forward)
            case status, body:
                return said(body, status)
        raise AssertionError(self.happenings)


bad_hours = st.lists(
    st.sampled_from(["fine", "fine", "unreachable", "lost", *ANSWERS]), max_size=14
).map(BadHour)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.lists(bad_hours, min_size=1, max_size=3), batch=st.booleans())
def test_after_a_bad_hour_nothing_is_lost_and_nothing_is_done_twice(
    tmp_path_factory: pytest.TempPathFactory, hours: list[BadHour], batch: bool
) -> None:
    """Every act is on the server exactly once, or before the person with the reason; never gone."""
    office = Office(tmp_path_factory.mktemp("bad"), batch)
    office.server.put(PATIENT)
    keys = ("t1", "t2", "t3")
    for key in keys:
        office.server.put(task(key, owner=ref(DANA)))
    office.look()
    acts = 0
    for hour in hours:
        for key in keys:
            office.act("note", f"main:Task/{key}", text=f"note {acts}")
            acts += 1
        office.server.fault = hour
        office.look()
        office.cache.later(hours=1)
    office.server.fault = lambda request, forward: forward()
    for _ in range(3):
        office.cache.later(hours=2)
        office.look()
    intents = office.cache.intents()
    by_text = {intent.args["text"]: intent for intent in intents}
    on_server = [text for key in keys for text in office.notes(f"Task/{key}")]
    taken = {text for text, one in by_text.items() if one.state is IntentState.ACKNOWLEDGED}
    assert len(by_text) == len(intents) == acts
    assert len(on_server) == len(set(on_server))
    assert taken <= set(on_server)
    for text, one in by_text.items():
        if text not in taken:
            assert one.state in ASKED
            assert one.words
            assert text not in on_server or one.state is not IntentState.LOCAL_ONLY
    office.close()


def test_a_statement_is_read_twice_a_day_and_not_at_every_look(office: Office) -> None:
    office.look()
    assert "GET metadata" not in office.server.asked
    office.cache.instant += timedelta(hours=13)
    office.look()
    assert "GET metadata" in office.server.asked
