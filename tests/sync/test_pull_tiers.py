"""How changes are asked for, by what a server declares and by what it was seen to refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from carequeue.fhir.bundles import Page, read_page
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.sync.pull.machine import BELIEVED, MOST_HISTORY
from carequeue.sync.pull.search_plan import PAGE, Search
from carequeue.sync.pull.state import Cursor, Ended, Fetch, Keep, PageCame
from tests.fhir.clinic import NOW
from tests.sync.test_pull import CLIENTS, FIRST, LATER, LINK, REQUESTS, TASKS, Pull, page

ALL = frozenset({"read", "search-type", "history-type"})
BY_CHANGE = frozenset({"_id", "_lastUpdated"})
ABLE = TypeAbility(ALL, search=BY_CHANGE)
CAN = Abilities(
    types=dict.fromkeys(("Task", "ServiceRequest", "Patient", "Observation"), ABLE), known=True
)
BEFORE = Cursor(watermark=FIRST, full_at=FIRST)


def history(*entries: dict[str, Any], following: str = "", **more: Any) -> Page:
    link = [{"relation": "next", "url": following}] if following else []
    return read_page(
        {"resourceType": "Bundle", "type": "history", "entry": list(entries), "link": link, **more}
    )


def written(key: str, version: str = "1") -> dict[str, Any]:
    resource = {"resourceType": "Task", "id": key, "meta": {"versionId": version}}
    return {"resource": resource, "request": {"method": "PUT", "url": f"Task/{key}"}}


def deleted(key: str, kind: str = "Task") -> dict[str, Any]:
    request = {"method": "DELETE", "url": f"{kind}/{key}"}
    return {"request": request, "response": {"lastModified": LATER}}


class TestTheHistoryOfAType:
    def test_is_not_how_a_search_begins(self) -> None:
        """It begins with what is newest, and what is most urgent may be old."""
        assert Pull(TASKS, can=CAN).url.startswith("Task?")

    def test_is_asked_for_what_changed_since_with_an_overlap(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        assert pull.url.startswith("Task/_history?")
        assert pull.asked["_since"] == ["2026-03-09T13:55:05.000+00:00"]

    @pytest.mark.parametrize(
        "search",
        [Search("triage", "Observation", (("code", "x"),)), CLIENTS],
        ids=["narrowed", "only referred to"],
    )
    def test_is_not_asked_where_it_would_show_more_than_the_search(self, search: Search) -> None:
        pull = Pull(search, cursors={search.name: BEFORE}, can=CAN)
        assert "_history" not in pull.url

    def test_tells_of_deletions_and_of_each_row_the_newest_version(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        keep = pull.came(history(written("a", "3"), deleted("b"), written("a", "2"), written("b")))
        assert isinstance(keep, Keep)
        assert [entry["meta"]["versionId"] for entry in keep.page.entries] == ["3"]
        assert keep.page.deleted == {"Task/b": LATER}

    def test_says_nothing_of_other_types(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        keep = pull.came(history(deleted("c1", "Patient")))
        assert isinstance(keep, Keep)
        assert keep.page.deleted == {}

    def test_keeps_what_has_no_id_that_could_be_read(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        odd = [{"resource": {"resourceType": "Task", "id": f"no_{n}"}} for n in range(2)]
        keep = pull.came(history(*odd))
        assert isinstance(keep, Keep)
        assert len(keep.page.entries) == 2

    def test_of_a_row_that_an_earlier_page_has_shown_is_older(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        pull.take(history(written("a", "3"), deleted("b"), following=f"{LINK}2"))
        keep = pull.came(history(written("a", "2"), written("b"), written("c")))
        assert isinstance(keep, Keep)
        assert [entry["id"] for entry in keep.page.entries] == ["c"]

    def test_moves_the_watermark_after_its_last_page_to_the_time_of_its_first(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        pull.came(history(written("a"), following=f"{LINK}2"), time=LATER)
        assert (pull.cursor.watermark, pull.cursor.pending) == (FIRST, "")
        pull.kept_it()
        pull.came(history(written("b")), time="2026-03-09T15:00:00+00:00")
        assert pull.cursor.watermark == LATER

    def test_that_was_cut_begins_anew(self) -> None:
        """What is newer stands before the page at which it was cut."""
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        pull.take(history(written("a"), following=f"{LINK}2"), time=LATER)
        kept = pull.kept[-1].cursor
        assert kept is not None
        pull.lost()
        again = Pull(TASKS, cursors={"Task": kept}, can=CAN)
        assert again.url.startswith("Task/_history?")


class TestAHistoryThatIsRefused:
    @pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 500, 501])
    def test_leads_to_the_search_and_is_remembered_once_that_works(self, status: int) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        pull.came(None, status=status)
        assert pull.url.startswith("Task?")
        keep = pull.came(page(1))
        assert isinstance(keep, Keep)
        assert keep.refused == ("history-type:Task",)
        assert pull.kept_it() == Ended(full=True)

    def test_is_not_asked_again_while_that_is_remembered(self) -> None:
        can = Abilities(types=CAN.types, known=True, observed={"history-type:Task": "no"})
        assert Pull(TASKS, cursors={"Task": BEFORE}, can=can).url.startswith("Task?")

    @pytest.mark.parametrize("status", [429, 503, 502, 504])
    def test_for_now_is_no_refusal(self, status: int) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        ended = pull.came(None, status=status)
        assert isinstance(ended, Ended)
        assert not ended.full

    def test_is_not_remembered_where_the_search_is_refused_too(self) -> None:
        pull = Pull(TASKS, REQUESTS, cursors={"Task": BEFORE}, can=CAN)
        pull.came(None, status=403)
        pull.came(None, status=403)
        assert pull.url.startswith("ServiceRequest?")
        assert pull.kept == []

    @pytest.mark.parametrize(
        "answer",
        [
            page(1),
            history(written("a"), following="https://fhir.example.org/r4/Task/_history?x"),
            history(*[written(str(n)) for n in range(PAGE)]),
        ],
        ids=["a search instead", "a circle", "a full page and no link"],
    )
    def test_or_cannot_be_read_to_its_end_leads_to_the_search_too(self, answer: Page) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        for _ in range(4):
            if isinstance(pull.command, Fetch) and pull.url.startswith("Task?"):
                break
            if isinstance(pull.came(answer), Keep):
                pull.kept_it()
        assert pull.url.startswith("Task?")

    def test_or_is_very_long_gives_way_to_the_search_that_can_be_resumed(self) -> None:
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=CAN)
        pages = 0
        while "_history" in pull.url or pull.url.startswith(LINK):
            pages += 1
            assert pages <= MOST_HISTORY
            if isinstance(pull.came(history(written("a", str(pages)), following=f"{LINK}{pages}")),
                          Keep):  # fmt: skip
                pull.kept_it()
        assert pages == MOST_HISTORY
        assert pull.asked["_lastUpdated"] == ["ge2026-03-09T13:55:05.000+00:00"]


class TestASearchByChangeThatIsRefused:
    @pytest.mark.parametrize("status", [400, 422, 501])
    def test_leads_to_the_whole_search_and_is_remembered(self, status: int) -> None:
        pull = Pull(TASKS)
        pull.came(None, status=status)
        assert pull.asked == {"_count": [str(PAGE)]}
        keep = pull.came(page(1))
        assert isinstance(keep, Keep)
        assert keep.refused == ("search-by-change:Task",)

    def test_is_not_asked_again_while_that_is_remembered(self) -> None:
        can = Abilities(observed={"search-by-change:Task": "no"})
        pull = Pull(TASKS, cursors={"Task": BEFORE}, can=can)
        assert pull.asked == {"_count": [str(PAGE)]}


class TestNotModified:
    """The same question as before: whether anything is new."""

    def quiet(self) -> Pull:
        return Pull(TASKS, REQUESTS, cursors={"Task": Cursor(watermark=FIRST, full_at=FIRST)})

    def after(self, pull: Pull, etag: str) -> Cursor:
        assert isinstance(pull.command, Fetch)
        keep = pull._do(PageCame(200, Page(), LATER, "", NOW, etag))
        assert isinstance(keep, Keep)
        assert keep.cursor is not None
        return keep.cursor

    def test_keeps_the_question_where_the_answer_was_empty_and_has_a_name(self) -> None:
        cursor = self.after(self.quiet(), 'W/"7"')
        assert (cursor.watermark, cursor.etag) == (FIRST, 'W/"7"')
        again = Pull(TASKS, cursors={"Task": cursor})
        assert isinstance(again.command, Fetch)
        assert again.command.etag == 'W/"7"'
        assert again.asked["_lastUpdated"] == ["ge2026-03-09T13:55:05.000+00:00"]

    def test_moves_on_where_the_server_names_no_answers(self) -> None:
        cursor = self.after(self.quiet(), "")
        assert (cursor.watermark, cursor.etag) == (LATER, "")

    def test_is_the_end_of_the_search(self) -> None:
        cursor = Cursor(watermark=FIRST, full_at=NOW.isoformat(), etag='"7"')
        pull = Pull(TASKS, cursors={"Task": cursor})
        assert pull.came(None, status=304) == Ended(full=True)
        assert pull.state.cursors["Task"].watermark == FIRST

    def test_that_nobody_asked_about_says_nothing(self) -> None:
        ended = Pull(TASKS).came(None, status=304)
        assert isinstance(ended, Ended)
        assert not ended.full

    def test_is_believed_for_a_while_only(self) -> None:
        """Whatever stands between the server and us may answer for it."""
        long_ago = (NOW - BELIEVED - timedelta(seconds=1)).isoformat()
        cursor = Cursor(watermark=FIRST, full_at=long_ago, etag='"7"')
        pull = Pull(TASKS, cursors={"Task": cursor})
        assert isinstance(pull.command, Fetch)
        assert pull.command.etag == ""

    def test_is_not_asked_about_once_something_came(self) -> None:
        cursor = Cursor(watermark=FIRST, full_at=NOW.isoformat(), etag='"7"')
        pull = Pull(TASKS, cursors={"Task": cursor})
        pull.came(page(1), time=LATER)
        assert (pull.cursor.watermark, pull.cursor.etag) == (LATER, "")


class TestAnotherScope:
    NARROW = Search("Task", "Task", (("owner", "Practitioner/1"),))

    def test_begins_the_search_anew(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1))
        again = Pull(self.NARROW, cursors=dict(pull.state.cursors))
        assert "_lastUpdated" not in again.asked

    def test_in_the_middle_of_a_search_does_not_follow_its_link(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1, following=f"{LINK}2"))
        again = Pull(self.NARROW, cursors=dict(pull.state.cursors))
        assert again.asked["owner"] == ["Practitioner/1"]

    def test_is_not_assumed_of_a_cursor_that_does_not_know_its_own(self) -> None:
        """It was written by an earlier version."""
        pull = Pull(self.NARROW, cursors={"Task": Cursor(watermark=FIRST)})
        assert "_lastUpdated" in pull.asked
