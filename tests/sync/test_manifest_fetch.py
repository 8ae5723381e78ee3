"""When a manifest is due, its pages, and interruptions of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from carequeue.sync.manifest.policy import EVERY, KEPT
from tests.sync.recorder import said
from tests.sync.shelf import MANY, Forward, Office, counts, follow_up, path_of


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
        assert any(count.startswith("GET Task?") for count in counts(office))
        before = len(counts(office))
        office.look()
        assert len(counts(office)) == before

    def test_is_made_when_it_is_asked_for(self, office: Office) -> None:
        office.look(check_manifest=True)
        assert any(count.startswith("GET Task?") for count in counts(office))

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
        assert not [count for count in counts(office) if count.startswith("GET Patient")]

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
