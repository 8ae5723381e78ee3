"""What a person's scope takes in and out, and servers that do not search as the others do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.fhir.clinic import DANA, ref, request
from tests.sync.recorder import said
from tests.sync.shelf import MANY, Forward, Office, follow_up, path_of


class TestTheScope:
    @pytest.fixture
    def narrow(self, office: Office) -> Office:
        office.scope = {"Task": f"owner={DANA}"}
        office.look()
        return office

    def test_that_a_person_narrows_takes_out_what_is_no_longer_in_it(self, large: Office) -> None:
        """However much that is: it is what was meant."""
        for number in range(5):
            large.server.put(follow_up(f"t{number}", owner=ref("Practitioner/noel")))
        large.scope = {"Task": "owner=Practitioner/noel"}
        large.server.now += timedelta(hours=1)
        looked = large.look()
        assert looked.removed == MANY - 5
        assert large.cache.session.answer_removals("accept") == ()
        assert large.shown == {f"t{number}" for number in range(5)}

    def test_that_a_person_widens_brings_the_rest_back(self, narrow: Office) -> None:
        narrow.server.put(follow_up("t1", owner=ref("Practitioner/noel")))
        narrow.tomorrow()
        assert narrow.shown == {"t0", "t2"}
        narrow.scope = {}
        narrow.look()
        assert narrow.shown == {"t0", "t1", "t2"}

    def test_is_left_by_what_was_given_to_somebody_else(self, narrow: Office) -> None:
        narrow.server.put(follow_up("t1", owner=ref("Practitioner/noel")))
        narrow.look()
        assert "t1" in narrow.shown  # nobody has told us
        narrow.tomorrow()
        assert narrow.shown == {"t0", "t2"}

    def test_is_not_left_by_what_an_index_does_not_show_yet(self, narrow: Office) -> None:
        narrow.cache.later(hours=25)
        narrow.server.now += timedelta(hours=25)
        narrow.server.put(follow_up("t1"))
        narrow.server.hidden.add("Task/t1")
        narrow.look()
        assert "t1" in narrow.shown

    def test_does_not_take_away_what_a_row_in_it_is_about(self, office: Office) -> None:
        office.server.put(request("s1", status="completed"))
        office.server.put(follow_up("t1", focus=ref("ServiceRequest/s1")))
        office.scope = {"ServiceRequest": f"owner={DANA}"}
        office.look()
        office.tomorrow()
        assert office.cache.base("ServiceRequest/s1").body is not None

    def test_is_no_reason_to_ask_for_everything_again_when_it_stays(self, narrow: Office) -> None:
        narrow.server.asked.clear()
        narrow.look()
        (tasks,) = [one for one in narrow.server.asked if one.startswith("GET Task?")]
        assert "_lastUpdated" in tasks


class TestConditionalPolling:
    def test_moves_no_row_and_no_watermark_while_nothing_is_new(self, office: Office) -> None:
        office.server.etags = True
        office.server.now += timedelta(hours=1)
        office.look()
        office.look()
        before = office.cache.table("sync_state")
        looked = office.look()
        assert looked.full
        assert "Task" in office.server.conditional
        assert office.cache.table("sync_state") == before

    def test_sees_what_is_new(self, office: Office) -> None:
        office.server.etags = True
        office.server.now += timedelta(hours=1)
        office.look()
        office.look()
        office.server.put(follow_up("new"))
        office.look()
        assert "new" in office.shown


class TestAServerThatCannotSearchByChange:
    def test_is_read_whole_and_only_what_differs_is_written(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.by_change = False
        office.look()
        before = office.cache.table("resource")
        looked = office.look()
        assert (looked.full, looked.received) == (True, 0)
        assert office.cache.table("resource") == before
        office.server.put(follow_up("t1", description="Visit"))
        assert office.look().received == 1
        office.close()


class TestPartsOfResources:
    def test_in_a_search_are_never_kept_and_are_asked_for_whole(self, tmp_path: Path) -> None:
        office = Office(tmp_path)

        def parts(request: httpx.Request, forward: Forward) -> httpx.Response:
            answer = forward()
            if not path_of(request).startswith("Task?") or "_id=" in path_of(request):
                return answer
            bundle = json.loads(answer.read())
            for entry in bundle["entry"]:
                entry["resource"].pop("description")
                entry["resource"]["meta"]["tag"] = [{"code": "SUBSETTED"}]
            return said(json.dumps(bundle))

        office.server.fault = parts
        office.look()
        assert {row.title for row in office.cache.rows()} == {"Call"}
        office.close()

    def test_that_are_all_that_is_given_come_to_an_end(self, tmp_path: Path) -> None:
        office = Office(tmp_path)

        def parts(request: httpx.Request, forward: Forward) -> httpx.Response:
            answer = forward()
            if "Task" not in path_of(request):
                return answer
            return said(answer.read().decode().replace('"meta":{', '"meta":{"tag":[{"code":'
                        '"SUBSETTED"}],'))  # fmt: skip

        office.server.fault = parts
        assert office.look().full
        assert office.cache.rows() == []
        office.close()
