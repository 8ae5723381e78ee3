"""From page to page: links, circles, pages that are cut short, and servers that give no links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from carequeue.fhir.bundles import Page
from carequeue.sync.pull.search_plan import PAGE
from carequeue.sync.pull.state import Cursor, Ended, Fetch
from tests.fhir.clinic import NOW
from tests.sync.test_pull import FIRST, LATER, LINK, REQUESTS, TASKS, Pull, page, rows


def stamped(number: int) -> dict[str, Any]:
    """A row that changed at its own instant, in the order of their numbers."""
    at = (NOW + timedelta(seconds=number)).isoformat()
    return {"resourceType": "Task", "id": str(number), "meta": {"lastUpdated": at}}


class TestLinks:
    def test_one_that_has_expired_begins_the_search_anew(self) -> None:
        cursors = {"Task": Cursor(watermark=FIRST, pending=LATER, next_url=f"{LINK}2", received=1)}
        pull = Pull(TASKS, cursors=cursors)
        pull.came(None, status=410)
        assert urlsplit(pull.url).path == "Task"
        assert pull.asked["_lastUpdated"] == ["ge2026-03-09T13:55:05.000+00:00"]
        pull.came(page(1, 2), time="2026-03-09T15:00:00+00:00")
        assert pull.cursor.watermark == "2026-03-09T15:00:00+00:00"

    @pytest.mark.parametrize("status", [404, 0])
    def test_that_never_work_end_the_search_and_not_the_pull(self, status: int) -> None:
        """Status 0: the link led to another address, and nobody went there."""
        pull = Pull(TASKS, REQUESTS)
        tries = 0
        while pull.url.startswith(("Task", LINK)):
            tries += 1
            assert tries < 10
            if pull.url.startswith(LINK):
                pull.came(None, status=status)
            else:
                pull.take(page(1, following=f"{LINK}2"))
        ended = pull.take(page(1, kind="ServiceRequest"))
        assert isinstance(ended, Ended)
        reason = status or "a link that cannot be followed"
        assert ended.left_out == (f"Task ({reason})",)
        assert ended.why == f"not shown by the server: Task ({reason})"
        assert not ended.full

    @pytest.mark.parametrize("length", [1, 2, 3])
    def test_that_lead_in_a_circle_end_the_search_and_its_watermark_stays(
        self, length: int
    ) -> None:
        """The server shows the same rows again and again, whatever it is asked."""
        pull = Pull(TASKS, REQUESTS, cursors={"Task": Cursor(watermark=FIRST, full_at=FIRST)})
        pages = 0
        while not pull.url.startswith("ServiceRequest"):
            pages += 1
            assert pages < 20
            pull.take(page(pages % length, following=f"{LINK}{pages % length}"), time=LATER)
        kept = pull.kept[-1].cursor
        assert kept is not None
        assert (kept.watermark, kept.pending, kept.next_url) == (FIRST, "", "")
        ended = pull.take(page(1, kind="ServiceRequest"))
        assert isinstance(ended, Ended)
        assert not ended.full
        assert ended.left_out == ("the rest of Task (its pages lead in a circle)",)

    def test_that_lead_in_a_circle_are_left_where_the_server_can_be_asked_without(self) -> None:
        there = [stamped(number) for number in range(450)]
        pull = Pull(TASKS)
        got: set[str] = set()
        for _ in range(20):
            if isinstance(pull.command, Ended):
                break
            since = pull.asked.get("_lastUpdated", ["ge"])[0].removeprefix("ge")
            offset = int(pull.asked.get("_offset", ["0"])[0])
            shown = [row for row in there if row["meta"]["lastUpdated"] >= since]
            shown = shown[offset : offset + PAGE]
            got |= {row["id"] for row in shown}
            pull.take(Page(entries=shown, next_url=f"{LINK}2"))
        assert pull.command == Ended(full=True)
        assert len(got) == len(there)

    def test_to_the_page_itself_after_everything_was_shown_are_no_circle(self) -> None:
        pull = Pull(TASKS)
        assert pull.take(Page(entries=rows(1), next_url=pull.url, total=1)) == Ended(full=True)

    def test_that_go_on_and_on_are_gone_on_with_the_next_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("carequeue.sync.pull.paging.MOST_PAGES", 3)
        pull = Pull(TASKS)
        for number in range(3):
            pull.take(page(number, following=f"{LINK}{number + 2}"))
        ended = pull.command
        assert isinstance(ended, Ended)
        assert not ended.full
        assert ended.left_out == ("the rest of Task (it has more pages than are read at once)",)
        assert Pull(TASKS, cursors=dict(pull.state.cursors)).url == f"{LINK}4"


def served(
    pull: Pull, rows_there: Sequence[int], answer: Callable[[int], Page], most: int = 20
) -> list[str]:
    """ResponseKind by offset until it ends; the ids that it kept."""
    asked = 0
    while isinstance(pull.command, Fetch):
        asked += 1
        assert asked <= most
        pull.take(answer(int(pull.asked.get("_offset", ["0"])[0])))
    assert pull.command == Ended(full=True)
    return [entry["id"] for keep in pull.kept for entry in keep.page.entries]


class TestAServerWithoutLinks:
    @pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 3 * PAGE + 7])
    def test_is_asked_by_offset_until_a_page_is_not_full(self, count: int) -> None:
        there = range(count)
        got = served(Pull(TASKS), there, lambda at: page(*there[at : at + PAGE]))
        assert got == [str(key) for key in there]

    def test_that_gives_fewer_than_were_asked_for_is_believed_in_its_total(self) -> None:
        there = range(120)
        got = served(Pull(TASKS), there, lambda at: page(*there[at : at + 50], total=120))
        assert got == [str(key) for key in there]

    def test_that_counts_more_than_it_shows_comes_to_an_end(self) -> None:
        there = range(30)
        got = served(Pull(TASKS), there, lambda at: page(*there[at : at + 50], total=99))
        assert got == [str(key) for key in there]

    def test_that_does_not_know_offsets_is_not_taken_for_read(self) -> None:
        """A full page, no link, no count, and the same page again: nobody knows of the rest."""
        pull = Pull(TASKS)
        for _ in range(9):
            if isinstance(pull.command, Fetch):
                pull.take(page(*range(PAGE)))
        ended = pull.command
        assert isinstance(ended, Ended)
        assert not ended.full
        assert pull.state.cursors["Task"].watermark == ""

    def test_that_cuts_a_page_short_is_asked_for_the_rest(self) -> None:
        """It counts truly, and gives neither all nor a link."""
        there = [stamped(number) for number in range(60)]

        def cut(pull: Pull) -> Page:
            since = pull.asked.get("_lastUpdated", ["ge"])[0].removeprefix("ge")
            left = [row for row in there if row["meta"]["lastUpdated"] >= since]
            return Page(entries=left[: (len(left) + 1) // 2 + 1], total=len(left))

        pull = Pull(TASKS)
        got: set[str] = set()
        while isinstance(pull.command, Fetch):
            found = cut(pull)
            got |= {row["id"] for row in found.entries}
            pull.take(found)
        assert pull.command == Ended(full=True)
        assert got == {row["id"] for row in there}

    def test_that_shows_nothing_and_counts_something_is_asked_again(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(total=1))
        assert isinstance(pull.command, Fetch)
        assert pull.take(page(1, total=1)) == Ended(full=True)

    def test_that_says_how_few_it_gives_at_most_is_asked_for_the_next_page(self) -> None:
        pull = Pull(TASKS)
        pull.take(replace(page(*range(100)), per_page=100))
        assert pull.asked["_offset"] == ["100"]

    def test_goes_on_from_the_offset_after_a_cut(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(*range(PAGE)))
        pull.lost()
        again = Pull(TASKS, cursors=dict(pull.state.cursors))
        assert again.asked["_offset"] == [str(PAGE)]

    def test_goes_on_from_the_instant_and_no_offset_in_it_after_a_cut(self) -> None:
        """One of two rows of that instant has changed meanwhile: the other is the first one now."""
        same = [{**stamped(1), "id": key} for key in ("a", "b", "c")]
        pull = Pull(TASKS)
        pull.take(Page(entries=same[:1], total=3))
        pull.take(Page(entries=same[:1], total=3))
        assert pull.asked["_offset"] == ["1"]
        asked = pull.asked["_lastUpdated"]
        pull.lost()
        again = Pull(TASKS, cursors=dict(pull.state.cursors))
        assert "_offset" not in again.asked
        assert again.asked["_lastUpdated"] == asked
        again.take(Page(entries=same[1:2], total=2))
        again.take(Page(entries=same[2:], total=2))
        assert {row["id"] for keep in again.kept for row in keep.page.entries} == {"b", "c"}
