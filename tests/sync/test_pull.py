"""A pull: pages, cursors, watermarks, and what happens when it is cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from carequeue.fhir.bundles import Page
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.sync.pull.machine import MOST_FAILURES, step
from carequeue.sync.pull.search_plan import (
    BY_ID,
    OVERLAP,
    PAGE,
    Search,
    Tier,
    first_url,
    plan,
    scope_fingerprint,
)
from carequeue.sync.pull.state import (
    Begun,
    Cursor,
    Ended,
    Fetch,
    Keep,
    Lost,
    PageCame,
    PageKept,
    PullState,
)
from tests.fhir.clinic import NOW

TASKS = Search("Task", "Task")
REQUESTS = Search("ServiceRequest", "ServiceRequest")
CLIENTS = Search("Patient", "Patient", known_only=True)
FIRST, LATER = "2026-03-09T14:00:05+00:00", "2026-03-09T14:09:00+00:00"
LINK = "https://fhir.example.org/r4/Task?page="


def rows(*keys: Any, kind: str = "Task") -> list[dict[str, Any]]:
    return [{"resourceType": kind, "id": str(key)} for key in keys]


def page(*keys: Any, following: str = "", total: int | None = None, kind: str = "Task") -> Page:
    return Page(entries=rows(*keys, kind=kind), next_url=following, total=total)


class _Compared(str):
    """A name that counts how often it is held against another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        self.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


class Pull:
    """One pull by hand: the test is the server and the disk."""

    def __init__(
        self,
        *searches: Search,
        cursors: dict[str, Cursor] | None = None,
        can: Abilities | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        self.state = PullState(can or Abilities(), searches)
        self.kept: list[Keep] = []
        self.command = self._do(Begun(cursors or {}, NOW, missing))

    def _do(self, event: Any) -> Fetch | Keep | Ended:
        self.state, (self.command,) = step(self.state, event)
        return self.command

    def came(
        self, found: Page | None, time: str = FIRST, status: int = 200, words: str = ""
    ) -> Fetch | Keep | Ended:
        """The answer to what it asked for."""
        assert isinstance(self.command, Fetch)
        return self._do(PageCame(status, found, time, words, NOW))

    def kept_it(self, *missing: str) -> Fetch | Keep | Ended:
        """The page is on disk, and names these that are not here."""
        assert isinstance(self.command, Keep)
        self.kept.append(self.command)
        return self._do(PageKept(missing, NOW))

    def take(self, found: Page, *missing: str, time: str = FIRST) -> Fetch | Keep | Ended:
        self.came(found, time)
        return self.kept_it(*missing)

    def lost(self) -> Fetch | Keep | Ended:
        return self._do(Lost("the connection broke"))

    @property
    def url(self) -> str:
        assert isinstance(self.command, Fetch), self.command
        return self.command.url

    @property
    def asked(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query)

    @property
    def cursor(self) -> Cursor:
        """The cursor that is kept with the page that came."""
        assert isinstance(self.command, Keep)
        assert self.command.cursor is not None
        return self.command.cursor


class TestPages:
    def test_the_first_time_everything_is_asked_for_in_the_order_of_change(self) -> None:
        pull = Pull(TASKS)
        assert urlsplit(pull.url).path == "Task"
        assert pull.asked == {"_sort": ["_lastUpdated"], "_count": [str(PAGE)]}

    def test_each_page_is_kept_with_the_cursor_that_goes_on_from_it(self) -> None:
        pull = Pull(TASKS)
        pull.came(page(1, 2, following=f"{LINK}2"))
        assert isinstance(pull.command, Keep)
        assert [entry["id"] for entry in pull.command.page.entries] == ["1", "2"]
        mark = scope_fingerprint(TASKS)
        assert pull.cursor == Cursor(pending=FIRST, next_url=f"{LINK}2", received=2, scope=mark)

    def test_the_watermark_is_that_of_the_first_page_and_moves_after_the_last(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1, following=f"{LINK}2"))
        pull.came(page(2), time=LATER)
        assert pull.cursor.watermark == FIRST
        assert (pull.cursor.pending, pull.cursor.next_url, pull.cursor.received) == ("", "", 0)

    def test_the_watermark_that_was_stays_until_then(self) -> None:
        before = Cursor(watermark="2026-03-08T08:00:00+00:00")
        pull = Pull(TASKS, cursors={"Task": before})
        pull.came(page(1, following=f"{LINK}2"))
        assert pull.cursor.watermark == before.watermark

    def test_the_next_time_only_what_changed_since_with_an_overlap(self) -> None:
        pull = Pull(TASKS, cursors={"Task": Cursor(watermark=FIRST)})
        assert timedelta(minutes=5) == OVERLAP
        assert pull.asked["_lastUpdated"] == ["ge2026-03-09T13:55:05.000+00:00"]

    def test_a_server_that_cannot_search_by_change_is_asked_for_everything(self) -> None:
        able = TypeAbility(frozenset({"search-type"}), search=frozenset({"status"}))
        can = Abilities(types={"Task": able}, known=True)
        pull = Pull(TASKS, cursors={"Task": Cursor(watermark=FIRST)}, can=can)
        assert pull.asked == {"_count": [str(PAGE)]}

    def test_without_a_time_of_the_server_everything_is_asked_for_again(self) -> None:
        pull = Pull(TASKS)
        pull.came(page(1), time="")
        assert pull.cursor.watermark == ""

    def test_one_search_follows_the_other_and_then_it_is_complete(self) -> None:
        pull = Pull(TASKS, REQUESTS)
        pull.take(page(1))
        assert pull.url.startswith("ServiceRequest?")
        assert pull.take(page(1, kind="ServiceRequest")) == Ended(full=True)

    def test_no_searches_are_complete_at_once(self) -> None:
        assert Pull().command == Ended(full=True)


class TestACut:
    def test_ends_the_pull_and_says_that_it_is_not_complete(self) -> None:
        pull = Pull(TASKS, REQUESTS)
        assert pull.lost() == Ended(full=False, why="the connection broke", offline=True)

    def test_is_gone_on_from_where_it_was(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1, following=f"{LINK}2"))
        pull.lost()
        again = Pull(TASKS, cursors=dict(pull.state.cursors))
        assert again.url == f"{LINK}2"
        again.came(page(2), time=LATER)
        assert again.cursor.watermark == FIRST

    @pytest.mark.parametrize("status", [429, 502, 503])
    def test_a_busy_server_ends_it_too_and_the_reason_is_said(self, status: int) -> None:
        pull = Pull(TASKS, REQUESTS)
        ended = pull.came(None, status=status)
        assert isinstance(ended, Ended)
        assert not ended.full
        assert not ended.offline
        assert str(status) in ended.why

    def test_an_answer_that_is_no_page_is_not_taken_for_an_empty_one(self) -> None:
        """Else the watermark would pass over everything that was not shown."""
        pull = Pull(TASKS)
        ended = pull.came(Page(words="try again tomorrow", is_bundle=False))
        assert isinstance(ended, Ended)
        assert not ended.full
        assert pull.state.cursors.get("Task", Cursor()).watermark == ""

    def test_who_are_you_ends_it(self) -> None:
        ended = Pull(TASKS).came(None, status=401, words="who are you")
        assert ended == Ended(full=False, why="who are you", sign_in=True)


class TestWhatTheServerFailsAt:
    """One question of ours that is never answered stands in the way of no other."""

    @pytest.mark.parametrize(("status", "why"), [(500, "500"), (507, "507"), (0, "no page came")])
    def test_is_left_out_and_named_and_the_pull_is_not_complete(
        self, status: int, why: str
    ) -> None:
        pull = Pull(TASKS, REQUESTS)
        pull.came(None, status=status)
        assert pull.url.startswith("ServiceRequest?")
        ended = pull.take(page(1, kind="ServiceRequest"))
        left_out = (f"Task ({why})",)
        words = f"not shown by the server: Task ({why})"
        assert ended == Ended(full=False, why=words, left_out=left_out)
        assert pull.state.cursors["Task"].watermark == ""

    def test_is_everything_after_a_few_in_a_row(self) -> None:
        many = tuple(replace(TASKS, name=f"Task {number}") for number in range(20))
        pull = Pull(*many)
        asked = 0
        while isinstance(pull.command, Fetch):
            asked += 1
            pull.came(None, status=500, words="the disk is full")
        assert pull.command == Ended(full=False, why="the disk is full")
        assert asked == MOST_FAILURES

    def test_halfway_is_gone_on_with_from_there(self) -> None:
        pull = Pull(TASKS, REQUESTS)
        pull.take(page(1, following=f"{LINK}2"))
        pull.came(None, status=500)
        assert pull.url.startswith("ServiceRequest?")
        assert Pull(TASKS, cursors=dict(pull.state.cursors)).url == f"{LINK}2"


class TestWhatIsNotAllowed:
    @pytest.mark.parametrize("status", [400, 403, 404, 405])
    def test_is_left_out_and_named_and_the_others_go_on(self, status: int) -> None:
        pull = Pull(TASKS, REQUESTS)
        pull.came(None, status=status)
        if status == 400:  # perhaps it only does not know how to search by change
            pull.came(None, status=status)
        assert pull.url.startswith("ServiceRequest?")
        ended = pull.take(page(1, kind="ServiceRequest"))
        assert ended == Ended(
            full=True,
            why=f"not shown by the server: Task ({status})",
            left_out=(f"Task ({status})",),
        )

    def test_and_was_allowed_before_is_not_called_up_to_date(self) -> None:
        """What is here of it grows old, and nobody would see."""
        pull = Pull(TASKS, cursors={"Task": Cursor(watermark=FIRST, full_at=FIRST)})
        ended = pull.came(None, status=403)
        assert isinstance(ended, Ended)
        assert not ended.full

    def test_is_asked_for_again_the_next_time(self) -> None:
        pull = Pull(TASKS)
        pull.came(None, status=403)
        assert Pull(TASKS, cursors=dict(pull.state.cursors)).url.startswith("Task?")

    def test_a_type_that_the_server_does_not_search_is_not_asked_for(self) -> None:
        able = TypeAbility(frozenset({"read", "search-type"}))
        can = Abilities(types={"Task": able, "Flag": TypeAbility(frozenset({"read"}))}, known=True)
        assert [search.name for search in plan(can, {})] == ["Task"]


class TestWhatIsReferredTo:
    def test_and_is_not_here_is_fetched_by_id_before_the_next_page(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1, following=f"{LINK}2"), "Patient/a", "Patient/b")
        assert urlsplit(pull.url).path == "Patient"
        assert pull.asked["_id"] == ["a,b"]
        assert isinstance(pull.command, Fetch)
        assert pull.command.asked == ("Patient/a", "Patient/b")
        keep = pull.came(page("a", kind="Patient"))
        assert isinstance(keep, Keep)
        assert (keep.search, keep.cursor, keep.asked) == (None, None, ("Patient/a", "Patient/b"))
        pull.kept_it()
        assert pull.url == f"{LINK}2"

    def test_is_asked_for_in_batches_of_one_type(self) -> None:
        pull = Pull(TASKS)
        people = [f"Patient/{number}" for number in range(BY_ID + 1)]
        pull.take(page(1), *people, "Organization/o")
        sizes = []
        asking: Fetch | Keep | Ended = pull.command
        while isinstance(asking, Fetch):
            sizes.append((urlsplit(asking.url).path, len(asking.asked)))
            asking = pull.take(page())
        assert sizes == [("Patient", BY_ID), ("Patient", 1), ("Organization", 1)]

    def test_and_refers_further_is_followed(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1), "ServiceRequest/s")
        pull.take(page("s", kind="ServiceRequest"), "Patient/a")
        assert pull.asked["_id"] == ["a"]

    def test_and_is_not_given_does_not_end_the_pull(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1), "Patient/a")
        keep = pull.came(None, status=403)
        assert isinstance(keep, Keep)
        assert keep.asked == ("Patient/a",)
        assert pull.kept_it() == Ended(full=True)

    def test_and_was_not_fetched_before_a_cut_is_fetched_first(self) -> None:
        pull = Pull(TASKS, missing=("Patient/a",))
        assert pull.asked["_id"] == ["a"]
        pull.take(page("a", kind="Patient"))
        assert pull.url.startswith("Task?")

    def test_and_was_answered_with_something_else_is_not_taken_for_absent(self) -> None:
        pull = Pull(TASKS, missing=("Patient/a",))
        pull.came(Page(is_bundle=False), status=200)
        assert pull.url.startswith("Task?")
        ended = pull.take(page(1))
        assert isinstance(ended, Ended)
        assert not ended.full
        assert all("Patient/a" not in keep.asked for keep in pull.kept)

    @pytest.mark.parametrize("found", [None, Page(is_bundle=False)])
    def test_and_the_server_fails_at_is_passed_over_alone(self, found: Page | None) -> None:
        pull = Pull(TASKS, missing=("Patient/a", "Patient/b"))
        status = 200 if found else 500
        pull.came(found, status=status)
        assert pull.asked["_id"] == ["a"]
        pull.came(found, status=status)
        assert pull.asked["_id"] == ["b"]
        pull.take(page("b", kind="Patient"))
        assert pull.url.startswith("Task?")
        ended = pull.take(page(1))
        assert isinstance(ended, Ended)
        assert (ended.full, len(ended.left_out)) == (False, 1)
        assert [keep.asked for keep in pull.kept] == [("Patient/b",), ()]

    def test_and_the_server_fails_at_always_does_not_keep_from_the_searches(self) -> None:
        pull = Pull(TASKS, missing=tuple(f"Patient/{number}" for number in range(40)))
        asked = 0
        while "Patient" in pull.url:
            asked += 1
            pull.came(None, status=500)
        assert asked == 1 + MOST_FAILURES
        assert pull.url.startswith("Task?")

    def test_and_is_very_much_is_not_compared_name_by_name_with_what_came(self) -> None:
        names = [_Compared(f"Patient/{number}") for number in range(1000)]
        pull = Pull(missing=tuple(names))
        while isinstance(fetched := pull.command, Fetch):
            keys = [name.partition("/")[2] for name in fetched.asked]
            ended = pull.take(page(*keys, kind="Patient"))
        assert ended == Ended(full=True)
        assert [name for keep in pull.kept for name in keep.asked] == names
        assert sum(name.compared for name in names) < 10 * len(names)

    def test_and_is_on_a_page_that_was_cut_is_asked_for_again(self) -> None:
        pull = Pull(missing=("Patient/a", "Patient/b", "Patient/c"))
        keep = pull.came(page("a", following=f"{LINK}2", kind="Patient"))
        assert isinstance(keep, Keep)
        assert keep.asked == ("Patient/a",)
        pull.kept_it()
        assert pull.asked["_id"] == ["b,c"]
        keep = pull.came(page("b", total=2, kind="Patient"))
        assert isinstance(keep, Keep)
        assert keep.asked == ("Patient/b",)
        pull.kept_it()
        assert pull.asked["_id"] == ["c"]
        assert pull.take(page("c", total=1, kind="Patient")) == Ended(full=True)

    def test_and_is_left_out_of_a_whole_page_is_absent(self) -> None:
        pull = Pull(missing=("Patient/a", "Patient/b"))
        keep = pull.came(page("a", total=1, kind="Patient"))
        assert isinstance(keep, Keep)
        assert keep.asked == ("Patient/a", "Patient/b")
        assert pull.kept_it() == Ended(full=True)

    @pytest.mark.parametrize("status", [400, 403, 404, 414])
    def test_and_is_refused_together_is_asked_for_alone(self, status: int) -> None:
        pull = Pull(missing=("Patient/a", "Patient/b"))
        pull.came(None, status=status)
        assert pull.asked["_id"] == ["a"]
        keep = pull.came(None, status=status)
        assert isinstance(keep, Keep)
        assert keep.asked == ("Patient/a",)
        pull.kept_it()
        assert pull.asked["_id"] == ["b"]
        assert pull.take(page("b", kind="Patient")) == Ended(full=True)

    @pytest.mark.parametrize("found", [page(following=f"{LINK}2"), page(total=7)])
    def test_and_is_never_shown_comes_to_an_end(self, found: Page) -> None:
        wanted = tuple(f"Patient/{number}" for number in range(5))
        pull = Pull(missing=wanted)
        asked = 0
        while isinstance(pull.command, Fetch):
            asked += 1
            assert asked <= 1 + len(wanted)
            if isinstance(pull.came(found), Keep):
                pull.kept_it()
        assert tuple(one for keep in pull.kept for one in keep.asked) == wanted

    def test_a_cut_there_loses_no_page(self) -> None:
        pull = Pull(TASKS)
        pull.take(page(1, following=f"{LINK}2"), "Patient/a")
        pull.lost()
        assert Pull(TASKS, cursors=dict(pull.state.cursors)).url == f"{LINK}2"


class TestWhatIsOnlyReferredTo:
    """Clients and organizations: fetched by id when they are first named, refreshed after."""

    def test_is_not_searched_for_the_first_time(self) -> None:
        pull = Pull(TASKS, CLIENTS)
        pull.take(page(1))
        assert isinstance(pull.command, Keep)
        assert (pull.command.search, pull.command.page.entries) == (CLIENTS, [])
        assert pull.cursor.watermark == FIRST
        assert pull.kept_it() == Ended(full=True)

    def test_is_looked_at_for_changes_from_then_on(self) -> None:
        pull = Pull(CLIENTS, cursors={"Patient": Cursor(watermark=FIRST)})
        assert pull.asked["_lastUpdated"] == ["ge2026-03-09T13:55:05.000+00:00"]


class TestThePlan:
    def test_asks_for_who_people_are_then_what_waits_then_what_it_rests_on(self) -> None:
        names = [search.name for search in plan(Abilities(), {})]
        assert names.index("CareTeam") < names.index("Task") < names.index("Encounter")
        assert names[-2:] == ["Patient", "Organization"]

    def test_asks_within_the_scope_of_the_profile(self) -> None:
        (tasks,) = (
            search
            for search in plan(Abilities(), {"Task": "owner=Practitioner/1&status=requested"})
            if search.name == "Task"
        )
        asked = parse_qs(urlsplit(first_url(tasks, Tier.CHANGED, "")).query)
        assert asked["owner"] == ["Practitioner/1"]
        assert asked["status"] == ["requested"]
