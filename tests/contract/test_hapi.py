"""A server that pages and answers as HAPI FHIR does: all rows arrive, a push is few requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from carequeue.cli.main import carequeue
from carequeue.sync.pull.search_plan import PAGE
from tests.bad_input.home import Home, task
from tests.bad_input.hostile import TOKEN, serving
from tests.contract.client import Clinician
from tests.servers.hapi import LINKS, Hapi
from tests.servers.small_clinic import (
    DISCHARGE,
    ME,
    OVERDUE_FOLLOW_UP,
    TEAM_FOLLOW_UP,
    UNDATED_FOLLOW_UP,
    many_referrals,
    small_clinic,
)

ROWS = 2_000
BULK = 60
NAMES = tuple(f"Task/bulk-{number:03d}" for number in range(BULK))
COLLEAGUE = "Practitioner/priya-raman"
CREATED_AGAIN = (
    "JANKOWSKI, Piotr: sent; a colleague had deleted it; your change has created it again."
)
ALREADY_SO = "ERIKSEN, Solveig: already noted by somebody else."


@pytest.fixture
def hapi() -> Iterator[Hapi]:
    """The server, by default as HAPI is, with the small clinic in it."""
    server = Hapi()
    server.load(small_clinic(datetime.now(UTC)))
    with serving(server.answer) as listening:
        server.base = listening.base
        yield server


Arrives = Callable[..., Clinician]


@pytest.fixture
def arrives(hapi: Hapi, tmp_path: Path) -> Iterator[Arrives]:
    """Somebody starts CareQueue and syncs; earlier looks have seen that If-Match is read."""
    with ExitStack() as people:

        def made(me: str = ME, *, known: bool = True) -> Clinician:
            folder = tmp_path / me.partition("/")[2]
            one = Clinician(me, me, hapi.base, "token", folder, datetime.now(UTC))
            people.callback(one.quit)
            assert one.sync().ok
            if known:
                one.knows_that_it_looks()
            return one

        yield made


def staff(count: int) -> Iterator[dict[str, Any]]:
    """People of the directory: rows that cost little to keep."""
    for number in range(count):
        yield {"resourceType": "Practitioner", "id": f"p{number}", "name": [{"family": "Invented"}]}


@pytest.mark.parametrize("link", list(LINKS))
def test_two_thousand_rows_all_arrive_by_whatever_links_lead_to_the_next_page(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, server = Home(tmp_path / "home"), Hapi(link=LINKS[link])
    server.load(staff(ROWS))
    for name in [name for name in os.environ if name.startswith("CAREQUEUE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAREQUEUE_HOME", str(home.root))
    monkeypatch.setenv("CAREQUEUE_TOKEN", TOKEN)
    with serving(server.answer) as listening:
        server.base = listening.base
        home.write_profile(listening.base)
        ran = CliRunner().invoke(carequeue, ["sync"])
        assert ran.exit_code == 0, ran.output
    assert home.counts()["resource"] == ROWS
    assert (
        len([request for request in server.requests() if "Practitioner" in request])
        < ROWS / PAGE + 2
    )


def test_two_thousand_rows_arrive_by_the_command_itself(tmp_path: Path) -> None:
    home, server = Home(tmp_path / "home"), Hapi()
    server.load({"resourceType": "Patient", "id": f"c{number}"} for number in range(ROWS // 2))
    server.load(task(f"t{number}", f"c{number}") for number in range(ROWS // 2))
    server.load([{"resourceType": "Practitioner", "id": "dana"}])
    with serving(server.answer) as listening:
        server.base = listening.base
        home.write_profile(listening.base)
        ran = home.run("sync")
    assert (ran.code, ran.err) == (0, "")
    counts = home.counts()
    assert (counts["resource"], counts["item"]) == (ROWS + 1, ROWS // 2)  # and Dana herself


class TestSixtyNotes:
    """Counted from the first write to the last reading; the pull that follows is not a push."""

    def pushed(self, dana: Clinician, hapi: Hapi) -> list[str]:
        dana.note(*NAMES, text="Letter sent")
        begun = len(hapi.asked)
        report = dana.sync()
        assert (report.ok, report.sent) == (True, BULK)
        for name in NAMES:
            assert [one["text"] for one in hapi.now(name)["note"]] == ["Letter sent"]
        asked = hapi.requests(begun)
        pulled = next(
            at for at, request in enumerate(asked) if "?" in request or request == "GET CareTeam"
        )
        assert all(request.startswith("GET") for request in asked[pulled:])  # all has left by then
        return asked[:pulled]

    @pytest.fixture
    def many(self, hapi: Hapi) -> None:
        hapi.load(many_referrals(datetime.now(UTC), BULK))

    @pytest.mark.usefixtures("many")
    @pytest.mark.parametrize(("prefer", "requests"), [(True, 2), (False, 4)])
    def test_are_few_requests_whether_or_not_the_server_reads_prefer(
        self, hapi: Hapi, arrives: Arrives, prefer: bool, requests: int
    ) -> None:
        hapi.prefer = prefer
        asked = self.pushed(arrives(), hapi)
        assert asked == ["POST "] * requests
        assert requests <= (4 if prefer else 62)

    @pytest.mark.usefixtures("many")
    @pytest.mark.parametrize("prefer", [True, False])
    def test_are_a_few_more_at_the_first_push_which_asks_whether_if_match_is_read(
        self, hapi: Hapi, arrives: Arrives, prefer: bool
    ) -> None:
        hapi.prefer = prefer
        asked = self.pushed(arrives(known=False), hapi)
        assert len(asked) == (6 if prefer else 8)

    @pytest.mark.usefixtures("many")
    def test_are_read_back_one_by_one_where_a_batch_takes_no_readings(
        self, hapi: Hapi, arrives: Arrives
    ) -> None:
        hapi.prefer = hapi.reads_in_batches = False
        asked = self.pushed(arrives(), hapi)
        assert (asked.count("POST "), len(asked)) == (4, 64)

    @pytest.mark.usefixtures("many")
    def test_one_by_one_ask_for_the_resource_too(self, hapi: Hapi, arrives: Arrives) -> None:
        hapi.batches = False
        asked = self.pushed(arrives(), hapi)
        assert len(asked) == BULK


SAID = [
    {},
    {"prefer": False},
    {"prefer": False, "etags": False},
    {"prefer": False, "statuses": {200: 204}},
    {"prefer": False, "location": ""},
    {"prefer": False, "location": "https://inner.invalid/fhir/{kind}/{key}/_history/{version}"},
    {"prefer": False, "location": "{kind}/{key}"},
]


@pytest.fixture(params=SAID, ids=[str(server) for server in SAID])
def says(request: pytest.FixtureRequest, hapi: Hapi) -> Hapi:
    """The server, saying more or less of what it has written."""
    for name, value in request.param.items():
        setattr(hapi, name, value)
    return hapi


MANY = (UNDATED_FOLLOW_UP, OVERDUE_FOLLOW_UP, TEAM_FOLLOW_UP)


class TestAPurgedRecord:
    """Somebody took it away without a trace, and the server makes anew what is put there."""

    @pytest.mark.parametrize("items", [MANY[:1], MANY], ids=["alone", "in a batch"])
    def test_that_is_made_anew_is_told(
        self, says: Hapi, arrives: Arrives, items: tuple[str, ...]
    ) -> None:
        dana = arrives()
        dana.note(*items, text="Called")
        says.purge(items[0])
        report = dana.sync()
        assert (report.sent, report.needs_attention, report.conflicts) == (len(items), 0, 0)
        assert dana.told() == [CREATED_AGAIN]
        assert says.now(items[0])["note"][-1]["text"] == "Called"

    def test_is_told_also_where_a_colleague_changes_it_before_it_is_read(
        self, hapi: Hapi, arrives: Arrives
    ) -> None:
        hapi.prefer = False
        dana = arrives()
        dana.note(UNDATED_FOLLOW_UP, text="Called")
        hapi.purge(UNDATED_FOLLOW_UP)
        hapi.before_read = lambda: hapi.load([{**hapi.now(UNDATED_FOLLOW_UP), "priority": "stat"}])
        assert dana.sync().sent == 1
        assert dana.told() == [CREATED_AGAIN]

    def test_is_not_told_of_what_was_there_all_along(self, says: Hapi, arrives: Arrives) -> None:
        dana = arrives()
        dana.note(*MANY, text="Called")
        assert dana.sync().sent == 3
        assert dana.told() == []


class TestADerivedNeedThatTwoPeopleSee:
    """The first act on it makes it a Task, by a condition on its identifier."""

    def tasks(self, hapi: Hapi) -> list[dict[str, Any]]:
        """The Tasks of the client who left the hospital."""
        return [
            resource
            for resource in hapi.of_type("Task")
            if resource["for"]["reference"] == "Patient/client-05"
            and resource["status"] != "rejected"
        ]

    @pytest.mark.parametrize("with_others", [False, True], ids=["alone", "in a batch"])
    def test_becomes_one_task_with_what_both_decided(
        self, says: Hapi, arrives: Arrives, with_others: bool
    ) -> None:
        dana, priya = arrives(), arrives(COLLEAGUE)
        for person, words in ((dana, "Called the ward"), (priya, "Called the family")):
            person.note(DISCHARGE, text=words)
            if with_others:
                person.note(UNDATED_FOLLOW_UP, text=words)
        for person in (dana, priya, dana):
            report = person.sync()
            assert (report.needs_attention, report.conflicts, report.waiting) == (0, 0, 0), report
        (made,) = self.tasks(says)
        texts = sorted(one["text"] for one in made["note"])
        assert texts == ["Called the family", "Called the ward"]
        assert (ALREADY_SO in priya.told()) is not bool(says.statuses)  # 204 names no maker

    @pytest.mark.parametrize("status", [200, 201])
    def test_is_done_whatever_the_server_calls_a_create(
        self, hapi: Hapi, arrives: Arrives, status: int
    ) -> None:
        hapi.prefer, hapi.statuses = False, {201: status}
        dana = arrives()
        dana.note(DISCHARGE, text="Called the ward")
        report = dana.sync()
        assert (report.ok, report.needs_attention, report.waiting) == (True, 0, 0)
        (made,) = self.tasks(hapi)
        assert [one["text"] for one in made["note"]] == ["Called the ward"]
