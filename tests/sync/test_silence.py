"""A server that takes requests and does not answer: one time-out ends a look, and nothing is lost.

Time-outs are counted, never waited for: the wire raises what a client raises after one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import intent_effects
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.protocol.failures import BUSY_LIMIT, READ_BACK_LIMIT
from carequeue.sync.push import messages as m
from carequeue.worklist.results import SyncReport
from carequeue.worklist.sync_summary import sync_report
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.store.cache import SOURCE
from tests.sync.parts import R4, Push, accept, in_doubt, lane, said
from tests.sync.recorder import BASE
from tests.sync.recorder import said as answered
from tests.sync.test_sync_cycle import Forward, Office


class Silence:
    """A server that takes requests with one of these parts in them and says nothing.

    `does`: it does its work all the same. `cut`: it closes the connection instead of hanging.
    """

    def __init__(self, *parts: str, does: bool = False, cut: bool = False) -> None:
        self._parts, self._does, self._cut = parts, does, cut
        self.unanswered: list[str] = []

    def __call__(self, request: httpx.Request, forward: Forward) -> httpx.Response:
        path = str(request.url).removeprefix(BASE).lstrip("/")
        name = f"{request.method} {path}"
        if self._parts and not any(part in name for part in self._parts):
            return forward()
        self.unanswered.append(name)
        if self._does:
            forward()
        if self._cut:
            raise httpx.RemoteProtocolError("closed", request=request)
        raise httpx.ReadTimeout("", request=request)


def office_of(folder: Path, count: int, *, batch: bool) -> Office:
    """So many follow-ups of Dana's on a server that is known to look for what is stale."""
    office = Office(folder, batch)
    office.put_follow_ups(count)
    assert office.look().full
    office.saw("if_match", "yes")
    office.saw("if_match_batch", "yes")
    office.server.asked.clear()
    return office


def decide(office: Office, count: int, text: str = "Called") -> None:
    keys = [f"main:Task/b{number}" for number in range(count)]
    acted = office.cache.desk.act("note", keys, {"text": text}, office.cache.instant)
    assert len(acted.changed) == count


def counted(office: Office) -> set[tuple[int, int]]:
    """What counts against the decisions."""
    return {(intent.settles, intent.busy) for intent in office.cache.intents()}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Eight follow-ups, on a server that takes one change at a time."""
    made = office_of(tmp_path, 8, batch=False)
    yield made
    made.close()


@pytest.fixture
def batching(tmp_path: Path) -> Iterator[Office]:
    """A hundred follow-ups, on a server that takes many changes at once."""
    made = office_of(tmp_path, 100, batch=True)
    yield made
    made.close()


def all_arrived_once(office: Office, count: int) -> None:
    office.server.fault = lambda request, forward: forward()
    office.look()
    assert office.look().full
    assert set(office.states) == {"acknowledged"}
    assert {len(office.notes(f"Task/b{number}")) for number in range(count)} == {1}


class TestAHundredDecisionsInDoubt:
    @pytest.fixture
    def doubtful(self, batching: Office) -> Office:
        """They left, half of them arrived, and the program was killed."""
        decide(batching, 100)
        with writing(batching.cache.session.engine()) as connection:
            everything = batching.cache.intents()
            SqliteSourceRepository(connection, SOURCE).outbox.record_attempt(
                everything, "PUT", "", "", batching.cache.instant
            )
        for one in everything[:50]:
            base = batching.cache.base(f"Task/{one.target_id}").body
            batching.server.put(intent_effects.fold(base, [one]))
        return batching

    def test_cost_one_time_out_a_look_and_nothing_counts_against_them(
        self, doubtful: Office
    ) -> None:
        for _ in range(READ_BACK_LIMIT + 2):
            hang = doubtful.server.fault = Silence()
            looked = doubtful.look()
            assert len(hang.unanswered) <= 2
            assert (looked.offline, looked.silent) == (True, True)
        assert set(doubtful.states) == {"in_doubt"}
        assert counted(doubtful) == {(0, 0)}

    def test_are_all_there_once_when_the_server_is_back(self, doubtful: Office) -> None:
        doubtful.server.fault = Silence()
        doubtful.look()
        all_arrived_once(doubtful, 100)

    def test_begin_the_next_look_with_one_small_question(self, doubtful: Office) -> None:
        doubtful.server.fault = Silence()
        doubtful.look()
        hang = doubtful.server.fault = Silence()
        doubtful.look()
        assert hang.unanswered == ["GET metadata?_summary=true"]
        doubtful.server.fault = lambda request, forward: forward()
        doubtful.server.asked.clear()
        doubtful.look()
        assert doubtful.server.asked[0] == "GET metadata?_summary=true"


class TestTheFirstTimeOutEndsTheLook:
    """Whatever it is that hangs."""

    @pytest.mark.parametrize("does", [False, True], ids=["not done", "done"])
    def test_at_a_single_write_one_is_checked_and_the_rest_waits(
        self, office: Office, does: bool
    ) -> None:
        decide(office, 8)
        hang = office.server.fault = Silence("PUT", does=does)
        looked = office.look()
        assert len(hang.unanswered) == 1
        assert len(office.server.asked) == 1  # and nothing was asked for after it
        assert looked.silent
        assert sorted(office.states) == ["in_doubt"] + ["queued"] * 7
        assert [row.sync for row in office.cache.rows()].count("checking") == 1
        assert counted(office) == {(0, 0)}
        all_arrived_once(office, 8)

    @pytest.mark.parametrize("does", [False, True], ids=["not done", "done"])
    def test_at_a_batch_those_in_it_are_checked_and_the_rest_waits(
        self, batching: Office, does: bool
    ) -> None:
        decide(batching, 100)
        hang = batching.server.fault = Silence("POST", does=does)
        batching.look()
        assert len(hang.unanswered) == 1
        assert sorted(batching.states) == ["in_doubt"] * 50 + ["queued"] * 50
        assert counted(batching) == {(0, 0)}
        all_arrived_once(batching, 100)

    def test_at_reading_back_what_is_doubtful(self, batching: Office) -> None:
        decide(batching, 100)
        batching.server.fault = Silence("POST", cut=True)
        hang = Silence("GET Task/b")
        first = batching.server.fault
        batching.server.fault = lambda request, forward: first(
            request, lambda: hang(request, forward)
        )
        batching.look()
        assert len(hang.unanswered) == 1
        assert sorted(batching.states) == ["in_doubt"] * 50 + ["queued"] * 50
        all_arrived_once(batching, 100)

    def test_at_the_search_of_a_pull(self, office: Office) -> None:
        hang = office.server.fault = Silence("GET Task?")
        looked = office.look()
        assert (len(hang.unanswered), looked.silent, looked.full) == (1, True, False)
        office.server.fault = lambda request, forward: forward()
        assert office.look().full

    def test_at_the_statement_of_what_it_can(self, office: Office) -> None:
        office.cache.later(hours=13)
        decide(office, 3)
        hang = office.server.fault = Silence("metadata")
        looked = office.look()
        assert (len(hang.unanswered), looked.silent) == (1, True)
        assert set(office.states) == {"queued"}
        all_arrived_once(office, 3)

    def test_at_a_later_page_which_is_gone_on_with_when_it_is_back(self, office: Office) -> None:
        office.cache.later(minutes=30)
        office.server.put(task("new", owner=ref(DANA), description="Came meanwhile"))
        pages: list[str] = []

        def paged(request: httpx.Request, forward: Forward) -> httpx.Response:
            url = str(request.url)
            if "Task?" not in url:
                return forward()
            pages.append(url)
            if "page=2" in url:
                raise httpx.ReadTimeout("", request=request)
            link = {"relation": "next", "url": f"{BASE}/Task?page=2"}
            first = {"resourceType": "Bundle", "type": "searchset", "total": 9, "link": [link]}
            first["entry"] = [{"resource": task("b0", owner=ref(DANA), meta={"versionId": "1"})}]
            return answered(json.dumps(first))

        office.server.fault = paged
        looked = office.look()
        assert (looked.silent, len([url for url in pages if "page=2" in url])) == (True, 1)
        office.server.fault = lambda request, forward: forward()
        assert office.look().full
        assert "main:Task/new" in {row.key for row in office.cache.rows()}

    def test_at_a_comparison_of_all_ids(self, office: Office) -> None:
        office.cache.later(days=2)
        hang = office.server.fault = Silence("_elements=")
        looked = office.look()
        assert (len(hang.unanswered), looked.silent) == (1, True)

    def test_in_a_push_of_what_was_just_decided(self, office: Office) -> None:
        decide(office, 8)
        hang = office.server.fault = Silence()
        assert office.syncer.push_only().silent
        assert office.syncer.push_only().silent
        assert hang.unanswered == ["PUT Task/b0", "GET metadata?_summary=true"]
        all_arrived_once(office, 8)


class TestAConnectionThatIsAcceptedAndClosed:
    def test_twice_in_a_row_ends_the_look(self, office: Office) -> None:
        decide(office, 8)
        cut = office.server.fault = Silence(cut=True)
        looked = office.look()
        assert cut.unanswered == ["PUT Task/b0", "GET Task/b0"]
        assert looked.silent
        assert sorted(office.states) == ["in_doubt"] + ["queued"] * 7
        all_arrived_once(office, 8)

    def test_never_counts_however_often(self, office: Office) -> None:
        decide(office, 8)
        for _ in range(2 * READ_BACK_LIMIT):
            cut = office.server.fault = Silence(cut=True)
            office.look()
            assert len(cut.unanswered) <= 2
        assert counted(office) == {(0, 0)}

    def test_once_is_read_back_at_once(self, office: Office) -> None:
        """A lost answer in a network that is there."""
        decide(office, 8)
        office.server.fault = Silence("PUT", cut=True, does=True)
        looked = office.look()
        assert (looked.silent, set(office.states)) == (False, {"acknowledged"})


class TestBatchesAfterAnOutage:
    def sizes(self, office: Office) -> list[int]:
        """Record how many changes each request holds from here on."""
        found: list[int] = []

        def note(request: httpx.Request, forward: Forward) -> httpx.Response:
            if request.method == "POST":
                found.append(len(json.loads(request.content)["entry"]))
            return forward()

        office.server.fault = note
        return found

    @pytest.mark.parametrize("looks", [1, 3, 12])
    def test_are_used_again_and_as_large_as_before(self, batching: Office, looks: int) -> None:
        decide(batching, 100)
        for _ in range(looks):
            batching.server.fault = Silence()
            batching.look()
        assert not {"batch", "batch_size"} & set(batching.seen)
        sizes = self.sizes(batching)
        batching.look()
        assert sizes[0] == 50
        assert set(batching.states) == {"acknowledged"}

    def test_are_used_again_after_one_of_every_outage_that_a_day_can_bring(
        self, batching: Office
    ) -> None:
        for number in range(6):
            decide(batching, 10, f"call {number}")
            batching.server.fault = Silence()
            batching.look()
            batching.server.fault = lambda request, forward: forward()
            batching.look()
        assert "batch" not in batching.seen
        decide(batching, 40, "the last")
        sizes = self.sizes(batching)
        batching.look()
        assert sizes[0] == 40

    @pytest.mark.parametrize("status", [502, 504])
    def test_of_which_a_gateway_tells_are_used_again(self, batching: Office, status: int) -> None:
        decide(batching, 60)
        batching.server.fault = lambda request, forward: answered("", status)
        batching.look()
        assert not {"batch", "batch_size"} & set(batching.seen)
        batching.cache.later(minutes=20)
        sizes = self.sizes(batching)
        batching.look()
        assert sizes[0] >= 10
        assert set(batching.states) == {"acknowledged"}

    def test_of_a_server_that_answers_only_single_requests_get_smaller_and_all_arrives(
        self, batching: Office
    ) -> None:
        decide(batching, 60)
        for _ in range(30):
            hang = batching.server.fault = Silence("POST")
            batching.look()
            batching.cache.later(minutes=20)
            assert len(hang.unanswered) <= 1
        assert set(batching.states) == {"acknowledged"}
        assert "batch" not in batching.seen  # it is tried again from time to time
        assert int(batching.seen["batch_size"]) <= 2


class TestARowAtWhichTheServerHangs:
    def test_holds_up_neither_the_others_nor_what_is_fetched(self, office: Office) -> None:
        decide(office, 8)
        office.server.put(task("new", owner=ref(DANA)))
        for _ in range(4):
            office.server.fault = Silence("PUT Task/b0")
            office.look()
            office.cache.later(seconds=1)
        assert sorted(office.states)[:7] == ["acknowledged"] * 7
        assert "main:Task/new" in {row.key for row in office.cache.rows()}

    def test_waits_longer_each_time_and_counts_as_no_settle(self) -> None:
        pauses = []
        for attempts in range(1, 10):
            one = in_doubt(lane(replace(accept(), attempts=attempts), attempts=attempts))
            push = Push(one, silent=True)
            push.read(said(one, 200, one.base, "3"))
            assert push.events == ["found_not_applied"]
            assert not push.change.counts_toward_limit
            until = push.change.not_before
            pauses.append((until - NOW).total_seconds() if until else 0.0)
        assert pauses[0] == 0.0  # after one outage it leaves at once
        assert max(pauses) > 60

    def test_is_a_persons_question_after_two_dozen_tries(self) -> None:
        one = in_doubt(lane(replace(accept(), attempts=BUSY_LIMIT), attempts=BUSY_LIMIT))
        push = Push(one, silent=True)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == [IntentEvent.REFUSED.value]
        assert "never replied" in push.change.outcomes[0].words

    def test_counts_and_waits_for_nothing_where_it_was_no_silence(self) -> None:
        """A sign-in that ended, a program that was killed."""
        one = in_doubt(lane(replace(accept(), attempts=BUSY_LIMIT), attempts=BUSY_LIMIT))
        push = Push(one)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["found_not_applied"]
        assert (push.change.counts_toward_limit, push.change.not_before) == (False, None)

    def test_of_a_busy_server_counts_as_before(self) -> None:
        """What it answered is not silence: eight settles in a row, and a person is asked."""
        one = in_doubt(lane(replace(accept(), busy=1, settles=READ_BACK_LIMIT - 1)))
        push = Push(one)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["refused"]


class TestAPush:
    def test_stops_at_a_write_without_an_answer_and_leaves_it_in_doubt(self) -> None:
        one, other = lane(accept("i1", "t1")), lane(accept("i2", "t2"))
        push = Push(one, other, can=replace(R4, batch=False))
        push.send()
        (stop,) = push.answer(m.NoReply(one.key, True, "no reply in time", ends=True))
        assert isinstance(stop, m.Stop)
        assert stop.offline
        assert push.state.pending[one.key].intents[0].state is IntentState.IN_DOUBT

    def test_stops_at_a_reading_without_an_answer(self) -> None:
        lanes = [in_doubt(lane(accept(f"i{n}", f"t{n}"))) for n in range(3)]
        push = Push(*lanes)
        silent = m.NoReply(lanes[0].key, True, "no reply in time", ends=True)
        rest = [m.NoReply(one.key, False, "no reply in time", ends=True) for one in lanes[1:]]
        (stop,) = push.read(silent, *rest)
        assert isinstance(stop, m.Stop)
        assert stop.offline


class TestWhatIsSaid:
    def test_since_when_nobody_answers_is_kept_until_somebody_does(self, office: Office) -> None:
        begun = office.cache.instant

        def silent_since() -> object:
            return office.cache.desk.health(office.cache.instant).silent_since

        for _ in range(3):
            office.server.fault = Silence()
            office.look()
            assert silent_since() == begun
            office.cache.later(minutes=1)
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert silent_since() is None

    def test_a_network_that_is_gone_is_no_silence(self, office: Office) -> None:
        office.server.fault = Silence()
        office.look()

        def gone(request: httpx.Request, forward: Forward) -> httpx.Response:
            raise httpx.ConnectError("no route", request=request)

        office.server.fault = gone
        looked = office.look()
        assert (looked.offline, looked.silent) == (True, False)
        assert office.cache.desk.health(office.cache.instant).silent_since is None

    def report(self, office: Office) -> SyncReport:
        found = {"Clinic": office.look()}
        counts: dict[str, int] = {}
        for state in office.states:
            counts[state] = counts.get(state, 0) + 1
        return sync_report(found, counts)

    def test_the_command_line_says_that_nobody_answers_and_what_is_kept(
        self, batching: Office
    ) -> None:
        decide(batching, 100)
        batching.server.fault = Silence()
        report = self.report(batching)
        assert report.words == (
            "Not answering: no reply in time. 0 changes received, 0 sent. "
            "50 are saved and waiting to be sent. 50 were sent without a clear answer; they are "
            "saved, and checked first. "
            "Sync again later; if it stays silent, tell your server administrator."
        )
        assert (report.ok, report.unable) == (False, "server")
        assert report.sources[0].words == "not answering: no reply in time"


def test_a_look_is_a_cycle_of_its_own_whatever_the_one_before_came_to(office: Office) -> None:
    works: Callable[..., httpx.Response] = lambda request, forward: forward()  # noqa: E731
    for _ in range(3):
        office.server.fault = Silence()
        assert office.look().silent
        office.server.fault = works
        assert office.look().full
