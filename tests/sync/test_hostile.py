"""A server that is broken or means harm: what it says of itself, its clock, parts and slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from carequeue.fhir import jsontext
from carequeue.fhir.bundles import Page
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.manifest.policy import EVERY, compare
from carequeue.sync.protocol.capabilities import Abilities, sentences
from carequeue.sync.protocol.failures import asked_delay
from carequeue.sync.protocol.sending import HttpResponse
from carequeue.sync.pull.runner import server_time
from carequeue.sync.pull.search_plan import without_offset
from carequeue.sync.push import messages as m
from carequeue.sync.restore.brake import (
    FEW,
    RecentRemovals,
    recent_removals,
    store_recent_removals,
)
from tests.fhir.clinic import NOW
from tests.simulation.memory import MemoryDisk
from tests.store.cache import SOURCE
from tests.sync.parts import Push, create, lane, paths
from tests.sync.parts import said as said_of
from tests.sync.recorder import said
from tests.sync.shelf import Fault, Office, follow_up, path_of

NEVER = "Mon, 09 Mar 99999999999999999999 14:00:00 GMT"
NEXT_YEAR = (NOW + timedelta(days=300)).isoformat()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    assert office.look().full
    reads_if_match(office)
    yield office
    office.close()


def reads_if_match(office: Office) -> None:
    with writing(office.cache.session.engine()) as connection:
        SqliteSourceRepository(connection, SOURCE).sync_state.observe(
            "if_match", "yes", office.cache.instant
        )


def altered(part: str, how: Callable[[Any], None]) -> Fault:
    """Each answer to a request with this part in it, altered on its way."""

    def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
        answer = forward()
        if part not in f"{request.method} {path_of(request)}" or answer.status_code >= 300:
            return answer
        body = jsontext.loads(b"".join(answer.stream))  # type: ignore[arg-type]
        how(body)
        return said(jsontext.dumps(body).decode(), date=answer.headers["date"])

    return fault


class TestAPartOfAResource:
    """A server may answer with less than there is, and says so by a tag."""

    def only_a_part(self, resource: Any) -> None:
        resource.pop("reasonCode", None)
        resource["meta"]["tag"] = [{"code": "SUBSETTED"}]

    def test_as_the_answer_to_a_write_is_never_written_back(self, office: Office) -> None:
        office.server.put(follow_up("t0", reasonCode={"text": "Keep me"}))
        office.look()
        office.server.fault = altered("PUT", self.only_a_part)
        for priority in ("urgent", "stat"):
            office.act("priority", "t0", to=priority)
            office.syncer.push_only()
        assert office.states() == ["acknowledged"] * 2
        assert office.server.rows["Task/t0"]["reasonCode"] == {"text": "Keep me"}

    def test_that_is_all_that_is_ever_given_leaves_the_decision_in_doubt(
        self, office: Office
    ) -> None:
        office.server.fault = altered("Task/t0", self.only_a_part)
        office.act("priority", "t0", to="stat")
        office.syncer.push_only()
        assert office.states() == ["in_doubt"]
        base = office.cache.base("Task/t0").body
        assert base is not None
        assert "tag" not in base["meta"]


class TestAStampThatCannotBe:
    def test_on_a_row_keeps_out_nothing_that_is_written_after_it(self, office: Office) -> None:
        office.server.put(follow_up("t0"))
        office.server.rows["Task/t0"]["meta"]["lastUpdated"] = NEXT_YEAR
        office.look()
        office.server.put(follow_up("t0", description="Call her mother"))
        office.look()
        assert office.cache.row("main:Task/t0").title == "Call her mother"

    def test_is_mended_by_a_count_and_is_no_step_back(self) -> None:
        ours, theirs = {"a": ("1", NEXT_YEAR)}, {"a": ("2", NOW.isoformat())}
        found = compare(ours, theirs, NOW)
        assert (found.missed, found.back) == (("a",), ())

    def test_on_a_deletion_keeps_out_nothing_that_comes_back(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.history = True
        office.look()
        office.server.now = NOW
        office.server.delete("Task/t0")
        office.server.log[-1] = ("DELETE", "Task/t0", None, NEXT_YEAR)
        office.look()
        assert "t0" not in office.shown
        office.server.put(follow_up("t0"))
        office.look()
        assert "t0" in office.shown
        office.close()

    def test_on_a_page_that_runs_ahead_hides_nothing(self, office: Office) -> None:
        def in_local_time(bundle: Any) -> None:
            if bundle.get("resourceType") == "Bundle":
                at = office.server.now + timedelta(hours=10)
                bundle["meta"] = {"lastUpdated": at.isoformat()}

        office.server.now = NOW
        office.server.fault = altered("GET Task?", in_local_time)
        office.look()
        office.server.now += timedelta(minutes=20)
        office.server.put(follow_up("new"))
        office.look()
        assert "new" in office.shown

    def test_of_a_year_without_end_is_none(self) -> None:
        answer = HttpResponse(200, {"date": NEVER}, None)
        assert server_time(answer, Page(updated="2026-99-99"), NOW) == ""
        assert asked_delay(NEVER, NOW) is None

    def test_in_every_answer_holds_nothing_up(self, office: Office) -> None:
        def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
            answer = forward()
            answer.headers["date"] = NEVER
            return answer

        office.server.fault = fault
        office.act("note", "t0", text="Called")
        looked = office.look()
        assert (looked.full, looked.sent, looked.why) == (True, 1, "")


class TestWordsThatCannotBeKept:
    def test_as_the_name_of_its_software_are_no_other_server(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.software = "half a \ud83d character"
        for _ in range(2):
            looked = office.look()
            assert (looked.full, looked.why) == (True, "")
            office.cache.later(hours=13)  # its statement is read anew
        office.close()

    def test_as_a_status_that_it_does_not_know_are_said_as_they_are(self) -> None:
        lines = sentences(Abilities(observed={"status:Task:on:hold": "no"}))
        assert any("Task: the status on:hold is not supported" in line for line in lines)

    def test_as_such_a_status_are_kept_as_far_as_they_can_be(self, office: Office) -> None:
        with writing(office.cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.observe(
                "status:Task:\ud83d", "no", NOW
            )
            assert (
                SqliteSourceRepository(connection, SOURCE).sync_state.observed()["status:Task:?"]
                == "no"
            )

    @pytest.mark.parametrize("key", ["\ud83d", 7, None, "c1/../c2"])
    def test_as_the_id_of_a_client_stop_no_pull(self, office: Office, key: Any) -> None:
        def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
            if not path_of(request).startswith("Patient?_lastUpdated"):
                return forward()
            entry = {"resource": {"resourceType": "Patient", "id": key}}
            return said(jsontext.dumps({"resourceType": "Bundle", "entry": [entry]}).decode())

        office.server.fault = fault
        looked = office.look()
        assert (looked.full, looked.why) == (True, "")

    def test_as_the_name_of_an_answer_are_not_sent_back(self, office: Office) -> None:
        def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
            answer = forward()
            raw = [(b"date", answer.headers["date"].encode()), (b"etag", b'W/"\xe9"')]
            return httpx.Response(answer.status_code, headers=raw, stream=answer.stream)

        office.server.fault = fault
        office.server.now += timedelta(minutes=30)
        for _ in range(3):
            office.cache.later(minutes=5)
            assert office.look().full


@pytest.mark.parametrize("offset", ["9" * 5000, "-1", "x"])
def test_a_link_with_an_offset_that_is_no_number_of_rows_stops_no_later_pull(offset: str) -> None:
    assert without_offset(f"Task?_offset={offset}&a=1") == ("Task?a=1", 0)


class TestWhatMayHaveBeenMade:
    """It has left once; what was said of it then may have been wrong, or a person tries again."""

    def again(self) -> Push:
        return Push(lane(create(identifier="Encounter/e1"), attempts=1))

    def test_is_looked_for_before_it_is_sent_again(self) -> None:
        (read,) = self.again().commands
        assert isinstance(read, m.ReadBack)
        assert paths(read.requests)[0].startswith("GET Task?identifier=")

    def test_is_not_made_twice_where_it_is_there(self) -> None:
        push = self.again()
        (one,) = push.state.pending.values()
        found = {**one.intents[0].args["resource"], "id": "17"}
        push.read(said_of(one, 200, found, "1", many=(found,)))
        assert push.events == ["acknowledged"]

    def test_is_made_where_it_is_not(self) -> None:
        push = self.again()
        (one,) = push.state.pending.values()
        push.read(said_of(one, 404))
        push.keep()
        assert paths(push.send()) == ["POST Task"]

    def test_is_not_made_twice_where_a_404_was_no_no(self, office: Office) -> None:
        """The server made it under our id, and something before it said that it did not."""
        once = [True]

        def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
            answer = forward()
            if request.method == "PUT" and once:
                once.clear()
                return said("", 404)
            return answer

        office.server.fault = fault
        office.act("new", "t1", text="Call the school", until="2bd")
        for _ in range(3):
            office.look()
            office.cache.later(hours=1)
        assert not [one for one in office.server.asked if one.startswith("POST")]
        assert office.states() == ["acknowledged"]


class TestAnAnswerWithTheIdOfAnotherRow:
    def answers_with(self, office: Office, key: str) -> None:
        """To whatever is made, the server gives this id, and makes nothing."""
        statement = office.server._statement
        office.server._statement = lambda: jsontext.loads(  # type: ignore[method-assign]
            jsontext.dumps(statement()).replace(b'"updateCreate":true', b'"updateCreate":false')
        )
        office.cache.later(hours=13)
        office.look()
        reads_if_match(office)

        def fault(request: httpx.Request, forward: Callable[[], httpx.Response]) -> httpx.Response:
            if request.method != "POST":
                return forward()
            made = {**office.server.rows["Task/t1"], "id": key}
            return said(jsontext.dumps(made).decode(), 201)

        office.server.fault = fault

    def test_is_no_yes_and_a_person_is_asked(self, office: Office) -> None:
        self.answers_with(office, "t1")
        office.act("new", "t0", text="Call the school", until="2bd")
        office.look()
        assert office.states() == ["needs_attention"]
        assert "Call the school" in {row.title for row in office.cache.rows()}
        assert office.cache.row("main:Task/t1").title == "Call"

    def test_of_which_there_is_none_is_what_was_made(self, office: Office) -> None:
        self.answers_with(office, "t99")
        office.act("new", "t0", text="Call the school", until="2bd")
        office.syncer.push_only()
        assert office.states() == ["acknowledged"]


class TestRemovalInSlices:
    @pytest.fixture
    def large(self, tmp_path: Path) -> Iterator[Office]:
        office = Office(tmp_path, 60)
        yield office
        office.close()

    def test_of_nearly_all_tasks_is_asked_about_however_many_people_there_are(
        self, large: Office
    ) -> None:
        for number in range(400):
            large.server.put({"resourceType": "Practitioner", "id": f"p{number}"})
        large.look()
        large.server.delete(*[f"Task/t{number}" for number in range(40)])
        looked = large.tomorrow()
        assert len(large.shown) == 60
        assert "40 of 461 records are no longer there" in looked.why

    def test_by_a_history_is_asked_about_once_a_day_s_share_is_gone(self, large: Office) -> None:
        large.server.history = True
        large.look()
        why = ""
        for start in range(0, 60, 15):
            large.server.now = NOW + timedelta(minutes=start)
            large.server.delete(*[f"Task/t{number}" for number in range(start, start + 15)])
            why = large.look().why
        assert len(large.shown) == 45
        assert "45 of 46 records are no longer there" in why

    def test_under_a_narrower_scope_is_asked_about_where_the_rows_are_gone(
        self, large: Office
    ) -> None:
        large.look()
        large.scope = {"Task": "owner=Practitioner/nobody"}
        large.server.delete(*[f"Task/t{number}" for number in range(40)])
        large.server.now += timedelta(hours=1)
        looked = large.look()
        assert len(large.shown) == 40  # what is there and was narrowed away has left
        assert "40 of 61 records are no longer there" in looked.why

    def test_begins_anew_after_a_day(self) -> None:
        lately = RecentRemovals().taking("Task", FEW, NOW)
        assert lately.too_many(1, 10, "Task")
        assert not lately.too_many(1, 10, "Patient")
        state = MemoryDisk("").rows().sync_state
        store_recent_removals(state, lately)
        assert recent_removals(state, NOW + EVERY / 2) == lately
        assert recent_removals(state, NOW + EVERY) == RecentRemovals()
        assert lately.taking("Task", 1, NOW + EVERY).by_type == {"Task": 1}
