"""What left the server without a word, what an update missed, and when a person is asked first."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from carequeue.sync.manifest.policy import EVERY, KEPT
from tests.fhir.clinic import ref
from tests.sync.recorder import said
from tests.sync.shelf import MANY, Forward, Office, follow_up, path_of


def counts(office: Office) -> list[str]:
    """The addresses of counts that were asked for."""
    return [one for one in office.server.asked if "_elements" in one]


class TestACount:
    def test_is_not_made_of_what_was_just_read_whole(self, office: Office) -> None:
        office.look()
        assert counts(office) == []

    def test_is_made_once_a_day(self, office: Office) -> None:
        office.look()
        office.cache.later(seconds=EVERY.total_seconds() - 60)
        office.look()
        assert counts(office) == []
        office.tomorrow()
        assert any(one.startswith("GET Task?") for one in counts(office))
        before = len(counts(office))
        office.look()
        assert len(counts(office)) == before

    def test_is_made_when_it_is_asked_for(self, office: Office) -> None:
        office.look(check_manifest=True)
        assert any(one.startswith("GET Task?") for one in counts(office))

    def test_never_keeps_a_part_of_a_resource(self, office: Office) -> None:
        before = office.cache.table("resource")
        office.tomorrow()
        assert office.cache.table("resource") == before
        assert "SUBSETTED" not in repr(before)

    def test_works_where_the_server_gives_whole_resources(self, office: Office) -> None:
        office.server.elements = False
        office.server.delete("Task/t1")
        office.tomorrow()
        assert office.shown == {"t0", "t2"}

    def test_works_where_the_server_does_not_know_how_to_give_parts(self, office: Office) -> None:
        office.server.fault = lambda request, forward: (
            said("{}", 400) if "_elements" in path_of(request) else forward()
        )
        office.server.delete("Task/t1")
        office.tomorrow()
        assert office.shown == {"t0", "t2"}

    def test_is_not_made_of_clients(self, office: Office) -> None:
        """They are here because something refers to them."""
        office.tomorrow()
        assert not [one for one in counts(office) if one.startswith("GET Patient")]

    @pytest.mark.parametrize("status", [403, 404])
    def test_that_is_refused_is_named_and_takes_nothing_out(
        self, office: Office, status: int
    ) -> None:
        office.server.fault = lambda request, forward: (
            said("{}", status) if "_elements" in path_of(request) else forward()
        )
        office.server.delete("Task/t1")
        looked = office.tomorrow()
        assert looked.full
        assert f"Task ({status})" in looked.why
        assert office.shown == {"t0", "t1", "t2"}

    def test_whose_pages_lead_in_a_circle_takes_nothing_out(self, large: Office) -> None:
        def circle(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" not in path_of(request):
                return forward()
            entry = [{"resource": follow_up(f"t{number}")} for number in range(5)]
            link = [{"relation": "next", "url": str(request.url)}]
            return said(json.dumps({"resourceType": "Bundle", "entry": entry, "link": link}))

        large.server.fault = circle
        looked = large.tomorrow()
        assert "its pages lead in a circle" in looked.why
        assert len(large.shown) == MANY

    def test_that_was_cut_goes_on_where_it_was(self, large: Office) -> None:
        large.server.per_page = 10
        pages = []

        def cut(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and path_of(request).startswith("Task"):
                pages.append(path_of(request))
                if len(pages) == 3:
                    raise httpx.ReadError("reset", request=request)
            return forward()

        large.server.delete("Task/t1")
        large.server.fault = cut
        assert large.tomorrow().offline
        assert "t1" in large.shown
        assert large.look().full
        assert "t1" not in large.shown
        assert pages[3] == pages[2]
        assert len(pages) == 5

    def test_that_was_cut_long_ago_begins_anew(self, large: Office) -> None:
        large.server.per_page = 10
        left = [2]

        def cut(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and path_of(request).startswith("Task"):
                left[0] -= 1
                if not left[0]:
                    raise httpx.ReadError("reset", request=request)
            return forward()

        large.server.fault = cut
        large.tomorrow()
        large.server.put(follow_up("late"))
        large.server.delete("Task/t0")  # which the count has met already
        large.cache.later(seconds=KEPT.total_seconds() + 60)
        large.look()
        assert "t0" not in large.shown


class TestWhatIsNoLongerThere:
    @pytest.mark.parametrize("tracked", [True, False], ids=["410", "404"])
    def test_leaves_the_queue(self, office: Office, tracked: bool) -> None:
        office.server.delete("Task/t1")
        if not tracked:
            office.server.gone.clear()
        looked = office.tomorrow()
        assert looked.removed == 1
        assert office.shown == {"t0", "t2"}
        assert office.cache.base("Task/t1").body is None

    def test_is_not_kept_on_this_disk(self, office: Office) -> None:
        office.server.put(follow_up("t1", description="Something private"))
        office.look()
        office.server.delete("Task/t1")
        office.tomorrow()
        assert "Something private" not in repr(office.cache.table("resource"))

    def test_leaves_where_it_may_no_longer_be_read(self, office: Office) -> None:
        office.server.forbidden.add("Task/t1")
        office.tomorrow()
        assert office.shown == {"t0", "t2"}

    def test_and_comes_back_is_taken_again_as_it_was(self, office: Office) -> None:
        office.server.forbidden.add("Task/t1")
        office.tomorrow()
        office.server.forbidden.clear()
        office.tomorrow()
        assert office.shown == {"t0", "t1", "t2"}

    def test_is_found_at_once_where_the_server_tells_of_deletions(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.server.history = True
        office.look()
        office.server.delete("Task/t1")
        assert office.look().removed == 1
        assert office.shown == {"t0", "t2"}
        assert counts(office) == []
        office.server.put(follow_up("t1"))
        office.look()
        assert office.shown == {"t0", "t1", "t2"}
        office.close()

    def test_and_that_a_backup_brings_back_is_shown_again(self, tmp_path: Path) -> None:
        """The history told of the deletion, and knows nothing of it since the server was set back.

        A search that still shows what was deleted just now is an index that lags.
        """
        office = Office(tmp_path)
        office.server.history = True
        office.look()
        kept = office.server.backup()
        office.server.now += timedelta(hours=1)
        office.server.delete("Task/t1")
        office.look()
        office.server.restore(kept)
        office.look(check_manifest=True)
        assert office.shown == {"t0", "t2"}
        office.tomorrow()
        assert office.shown == {"t0", "t1", "t2"}
        office.close()

    def test_is_not_concluded_from_a_page_that_did_not_come(self, office: Office) -> None:
        office.server.delete("Task/t1")
        office.server.fault = lambda request, forward: (
            said("", 503) if path_of(request).startswith("Task/t1") else forward()
        )
        looked = office.tomorrow()
        assert "the server is busy" in looked.why
        assert "t1" in office.shown
        office.server.fault = lambda request, forward: forward()
        office.look()
        assert "t1" not in office.shown

    def test_is_not_concluded_from_an_index_that_lags(self, office: Office) -> None:
        office.server.hidden.add("Task/t1")
        looked = office.tomorrow()
        assert looked.removed == 0
        assert "t1" in office.shown

    @pytest.mark.parametrize(
        "odd", ['{"resourceType":"Task","id":"t2"}', '{"resourceType":"Bundle"}', "[]"]
    )
    def test_is_not_concluded_from_an_odd_answer(self, office: Office, odd: str) -> None:
        office.server.hidden.add("Task/t1")
        office.server.fault = lambda request, forward: (
            said(odd) if path_of(request).startswith("Task/t1") else forward()
        )
        office.tomorrow()
        assert "t1" in office.shown


class TestARowThatADecisionHolds:
    def test_stays_and_becomes_a_conflict_when_it_is_sent(self, office: Office) -> None:
        """The next look sends nothing before a while; until then both are known."""
        office.server.fault = lambda request, forward: (
            said("", 503, **{"retry-after": "172800"}) if request.method == "PUT" else forward()
        )
        office.act("note", "t1", text="Called")
        office.server.delete("Task/t1")
        office.tomorrow()
        assert "t1" in office.shown
        assert office.cache.base("Task/t1").body is not None
        assert office.cache.base("Task/t1").gone == "deleted"
        office.server.fault = lambda request, forward: forward()
        office.cache.later(days=3)
        office.look()
        assert office.states() == ["conflict"]
        assert "t1" in office.shown

    def test_that_is_taken_back_lets_the_row_go(self, office: Office) -> None:
        office.server.fault = lambda request, forward: (
            said("", 503, **{"retry-after": "172800"}) if request.method == "PUT" else forward()
        )
        office.act("note", "t1", text="Called")
        office.server.delete("Task/t1")
        office.tomorrow()
        assert office.cache.base("Task/t1").gone == "deleted"
        office.cache.desk.undo(office.cache.instant)
        if office.states() != ["undone"]:
            pytest.fail("what never arrived is dropped")
        assert "t1" not in office.shown

    def test_that_comes_back_is_no_longer_gone(self, office: Office) -> None:
        office.server.fault = lambda request, forward: (
            said("", 503, **{"retry-after": "999999"}) if request.method == "PUT" else forward()
        )
        office.act("note", "t1", text="Called")
        office.server.forbidden.add("Task/t1")
        office.tomorrow()
        assert office.cache.base("Task/t1").gone == "forbidden"
        office.server.forbidden.clear()
        office.tomorrow()
        assert office.cache.base("Task/t1").gone == ""
        assert office.cache.base("Task/t1").body is not None


class TestWhatAnUpdateMissed:
    """A row that became visible later than the overlap, or not through the search at all."""

    def late(self, office: Office, key: str) -> None:
        office.server.put(follow_up(key, description="Seen late"))
        office.server.hidden.add(f"Task/{key}")
        office.server.now += timedelta(hours=1)
        office.server.put(follow_up("other"))
        office.look()  # the watermark passes over it
        office.server.now += timedelta(hours=1)
        office.look()
        office.server.hidden.clear()
        office.look()

    @pytest.mark.parametrize("key", ["t1", "new"])
    def test_is_fetched_with_the_next_count(self, office: Office, key: str) -> None:
        self.late(office, key)
        assert "Seen late" not in {row.title for row in office.cache.rows()}
        office.tomorrow()
        assert "Seen late" in {row.title for row in office.cache.rows()}

    def test_brings_what_it_refers_to(self, office: Office) -> None:
        office.server.put({"resourceType": "Patient", "id": "c9", "name": [{"text": "Ines"}]})
        office.server.put(follow_up("new", **{"for": ref("Patient/c9")}))
        office.server.hidden.add("Task/new")
        office.server.now += timedelta(hours=1)
        office.server.put(follow_up("other"))
        office.look()
        office.server.hidden.clear()
        office.tomorrow()
        assert office.cache.row("main:Task/new").client == "Ines"


def test_a_kill_at_any_request_of_a_count_loses_nothing(tmp_path: Path) -> None:
    """After each of them the program is killed, and started again."""
    office = Office(tmp_path, 12)
    office.server.per_page = 5
    office.look()
    office.server.delete("Task/t1", "Task/t7")
    office.server.put(follow_up("new"))
    office.server.hidden.add("Task/new")
    office.look()
    office.server.hidden.clear()
    office.cache.later(hours=25)
    office.server.now += timedelta(hours=25)
    done = 0
    for at in range(1, 40):
        left = [at]

        def kill(
            request: httpx.Request, forward: Forward, left: list[int] = left
        ) -> httpx.Response:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return forward()

        office.server.fault = kill
        try:
            office.look()
            done += 1
        except KeyboardInterrupt:
            pass
        office.cache.close()
        office.cache.open()
    assert done
    assert office.shown == {f"t{n}" for n in range(12)} - {"t1", "t7"} | {"new"}
    office.close()
