"""Covering a colleague and looking at the colleague's queue, from names to rows and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import Tab
from carequeue.worklist.colleague_desk import ColleagueDesk
from carequeue.worklist.results import Person
from tests.fhir.clinic import CLINIC, DANA, HARBOR, NOEL, NOW, handoff, ref, referral, request, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.store.two_sources import COUNTY, TwoSources, client, follow_up, two_sources

FRIDAY = datetime.fromisoformat("2026-03-13T13:00:00+00:00")
RUTH = "Practitioner/ruth"
LEAVE = {"description": "Leave", "during": {"start": "2026-03-02", "end": "2026-03-16"}}
RUTHS_NAME: dict[str, Any] = {
    "resourceType": "Practitioner",
    "id": "ruth",
    "name": [{"text": "Ruth Ames, LPC"}],
}
RUTHS_ROLE: dict[str, Any] = {
    "resourceType": "PractitionerRole",
    "id": "role-ruth",
    "practitioner": ref(RUTH),
    "organization": ref(CLINIC),
    "notAvailable": [LEAVE],
}
WORK: list[dict[str, Any]] = [
    task("noel", owner=ref(NOEL), description="Call the school"),
    task("ruth", owner=ref(RUTH), description="Call the bank", status="in-progress"),
    task("mine", owner=ref(DANA), description="Call the pharmacy"),
    handoff(id="asked", requester=ref("CareTeam/access"), owner=ref(RUTH)),
    handoff(id="from-me", requester=ref(DANA), owner=ref(RUTH)),
    referral(HARBOR, RUTH, id="sent-to-ruth"),
    request(requester=ref(HARBOR)),
]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, RUTHS_NAME, RUTHS_ROLE, *WORK)
    yield cache
    cache.close()


@pytest.fixture
def desk(cache: Cache) -> ColleagueDesk:
    colleagues: ColleagueDesk = cache.desk.colleagues
    return colleagues


def mine(cache: Cache) -> set[str]:
    return {row.key.removeprefix("main:Task/") for row in cache.rows(Tab.MINE)}


class TestTheList:
    def test_has_everybody_but_me_and_who_is_away_last(self, desk: ColleagueDesk) -> None:
        assert desk.people(NOW, teams=True) == (
            Person("main:CareTeam/access", "Access", team=True),
            Person(f"main:{NOEL}", "Noel Ortiz"),
            Person(f"main:{RUTH}", "Ruth Ames, LPC", away="away until Mon 16 Mar"),
        )
        assert [person.name for person in desk.people(NOW, teams=False)] == [
            "Noel Ortiz", "Ruth Ames, LPC",
        ]  # fmt: skip


class TestTwoServers:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Iterator[TwoSources]:
        cache = two_sources(tmp_path)
        for key, name in (("n1", "Noel Ortiz"), ("d1", "Dana Whitfield")):
            person = {"resourceType": "Practitioner", "id": key, "name": [{"text": name}]}
            role = {
                "resourceType": "PractitionerRole", "id": f"role-{key}",
                "practitioner": ref(f"Practitioner/{key}"),
                "organization": ref("Organization/county"),
            }  # fmt: skip
            cache.come(COUNTY, person, role)
        cache.come(SOURCE, client("c1"), follow_up("noel", "c1", NOEL))
        cache.come(COUNTY, client("c9"), follow_up("noel", "c9", "Practitioner/n1"))
        yield cache
        cache.close()

    def test_a_colleague_of_both_is_listed_and_covered_once(self, cache: TwoSources) -> None:
        """By exactly the same name; the same id on the other server is somebody else."""
        desk = cache.desk.colleagues
        assert [person.name for person in desk.people(NOW, teams=False)] == [
            "Noel Ortiz", "Dana Dawson", "Dana Whitfield",
        ]  # fmt: skip
        assert "2 moves are now in Mine" in desk.begin_cover("Noel Ortiz", "fri", NOW).message
        assert len(desk.covers(NOW)) == 1
        assert {row.source for row in cache.rows(Tab.MINE)} == {SOURCE, COUNTY}
        desk.end_cover("noel", NOW)
        assert cache.rows(Tab.MINE) == []

    def test_two_people_of_one_name_on_one_server_are_kept_apart(self, cache: TwoSources) -> None:
        role = {
            "resourceType": "PractitionerRole", "id": "role-n2",
            "practitioner": {"reference": "Practitioner/n2", "display": "Noel Ortiz"},
            "organization": ref("Organization/county"),
        }  # fmt: skip
        cache.come(COUNTY, role)
        people = cache.desk.colleagues.people(NOW, teams=False)
        handles = [person.reference for person in people if person.name == "Noel Ortiz"]
        assert handles == [f"main:{NOEL}", "county:Practitioner/n1", "county:Practitioner/n2"]
        cache.desk.colleagues.begin_cover("county:Practitioner/n1", "fri", NOW)
        assert [row.source for row in cache.rows(Tab.MINE)] == [COUNTY]


class TestACover:
    def test_says_until_when_and_how_many_moves(self, cache: Cache, desk: ColleagueDesk) -> None:
        assert mine(cache) == {"mine"}
        covered = desk.begin_cover("ruth", "fri", NOW)
        assert covered.message == (
            "Covering Ruth Ames, LPC until Fri 13 Mar 08:00: 4 moves are now in Mine."
        )
        assert (covered.name, covered.until) == ("Ruth Ames, LPC", FRIDAY)
        assert mine(cache) == {"mine", "ruth", "asked", "from-me", "sent-to-ruth"}
        assert [cover.message for cover in desk.covers(NOW)] == [
            "You cover Ruth Ames, LPC until Fri 13 Mar 08:00."
        ]

    def test_ends_by_itself(self, cache: Cache, desk: ColleagueDesk) -> None:
        desk.begin_cover("ruth", "fri", NOW)
        cache.instant = FRIDAY
        cache.desk.refresh(FRIDAY)
        assert mine(cache) == {"mine"}
        assert desk.covers(FRIDAY) == []

    def test_can_be_ended(self, cache: Cache, desk: ColleagueDesk) -> None:
        desk.begin_cover("ruth", "fri", NOW)
        desk.begin_cover("noel", "fri", NOW)
        assert desk.end_cover("ames", NOW).message == (
            "You no longer cover Ruth Ames, LPC. Their moves left Mine."
        )
        assert mine(cache) == {"mine", "noel"}

    @pytest.mark.parametrize(
        ("name", "until", "sentence"),
        [
            ("nobody", "fri", "No person or team here is called “nobody”"),
            ("access", "fri", "No person or team here is called “access”"),  # a team has no leave
            ("dana", "fri", "No person or team here is called “dana”"),  # it is me
            ("ruth", "last week", "“last week” is not a future time"),
            ("ruth", "", "“” is not a future time"),
        ],
    )
    def test_that_cannot_be_read_changes_nothing(
        self, cache: Cache, desk: ColleagueDesk, name: str, until: str, sentence: str
    ) -> None:
        before = cache.table("meta")
        with pytest.raises(BadQuestion, match=sentence):
            desk.begin_cover(name, until, NOW)
        assert cache.table("meta") == before
        with pytest.raises(BadQuestion):
            desk.end_cover("ruth", NOW)

    def test_is_in_the_audit_log_without_a_clients_name(
        self, cache: Cache, desk: ColleagueDesk
    ) -> None:
        desk.begin_cover("ruth", "fri", NOW)
        desk.end_cover("ruth", NOW)
        assert [row[2:5] for row in cache.table("audit")] == [
            (DANA, "cover", f"main:{RUTH}"),
            (DANA, "cover ended", f"main:{RUTH}"),
        ]

    def test_reads_the_time_while_it_is_typed(self, desk: ColleagueDesk) -> None:
        assert desk.check_until("fri", NOW) == (True, "Fri 13 Mar 08:00")
        assert desk.check_until("whenever", NOW)[0] is False


@pytest.mark.parametrize("table", ["item", "tally", "meta", "audit", "intent"])
def test_a_trial_of_a_cover_writes_nothing(cache: Cache, desk: ColleagueDesk, table: str) -> None:
    cache.desk.refresh(NOW)
    before = cache.table(table)
    assert "4 moves are now in Mine" in desk.begin_cover("ruth", "fri", NOW, dry_run=True).message
    assert cache.table(table) == before
    desk.begin_cover("ruth", "fri", NOW)
    before = cache.table(table)
    desk.end_cover("ruth", NOW, dry_run=True)
    assert cache.table(table) == before
    assert "ruth" in mine(cache)


class TestWhatIDoForAColleague:
    """The permissions hold as for me; what is written says that it was me."""

    @pytest.fixture(autouse=True)
    def covering(self, desk: ColleagueDesk) -> None:
        desk.begin_cover("ruth", "fri", NOW)

    def test_done_is_one_key_and_gives_it_to_nobody_else(self, cache: Cache) -> None:
        acted = cache.desk.act("done", ["main:Task/ruth"], {}, NOW)
        assert acted.changed
        (intent,) = cache.intents()
        assert (intent.author, intent.author_name) == (DANA, "Dana Whitfield")
        assert "owner" not in intent.args

    def test_accepting_a_referral_leaves_it_with_the_colleague(self, cache: Cache) -> None:
        assert cache.desk.act("accept", ["main:Task/sent-to-ruth"], {}, NOW).changed
        (intent,) = cache.intents()
        assert intent.args == {"to": "accepted"}

    def test_a_handoff_is_read_back_in_my_name_for_the_colleague(self, cache: Cache) -> None:
        assert cache.desk.act("accept", ["main:Task/asked"], {}, NOW).changed
        (intent,) = cache.intents()
        assert "owner" not in intent.args
        assert intent.args["output"].startswith("Read back by Dana Whitfield for Ruth Ames, LPC.")
        assert intent.author == DANA

    def test_nobody_reads_back_their_own_handoff(self, cache: Cache) -> None:
        acted = cache.desk.act("accept", ["main:Task/from-me"], {}, NOW)
        assert not acted.changed
        assert "waits for Ruth Ames, LPC to acknowledge" in acted.message

    def test_to_claim_it_is_still_a_change(self, cache: Cache) -> None:
        assert cache.desk.act("claim", ["main:Task/ruth"], {}, NOW).changed

    def test_after_the_end_the_permissions_are_as_before(self, cache: Cache) -> None:
        cache.instant = FRIDAY
        cache.desk.refresh(FRIDAY)
        acted = cache.desk.act("accept", ["main:Task/asked"], {}, FRIDAY)
        assert not acted.changed
        with pytest.raises(BadQuestion, match="how was it met"):
            cache.desk.act("done", ["main:Task/ruth"], {}, FRIDAY)

    def test_the_detail_says_for_whom_and_until_when(self, cache: Cache) -> None:
        detail = cache.desk.detail("main:Task/ruth", NOW)
        assert detail.move == "you, for Ruth Ames, LPC"
        assert "You cover Ruth Ames, LPC until Fri 13 Mar 08:00." in detail.flags
        assert cache.desk.detail("main:Task/mine", NOW).flags == ()


def test_a_colleagues_queue_is_shown_until_ones_own_is_asked_for(
    cache: Cache, desk: ColleagueDesk
) -> None:
    own = mine(cache)
    ruth = desk.find("ruth", NOW)
    desk.show_as(ruth)
    assert mine(cache) == {"ruth", "asked", "from-me", "sent-to-ruth"}
    assert {row.covered_for for row in cache.rows()} == {""}
    desk.show_as(desk.find("main:CareTeam/access", NOW))
    assert mine(cache) == set()
    desk.show_as(None)
    assert mine(cache) == own


def test_an_act_in_a_colleagues_queue_is_mine(cache: Cache, desk: ColleagueDesk) -> None:
    desk.show_as(desk.find("ruth", NOW))
    cache.desk.act("note", ["main:Task/ruth"], {"text": "Called"}, NOW)
    (intent,) = cache.intents()
    assert intent.author == DANA


class TestWhoIsAway:
    def test_comes_last_in_the_question_to_whom(self, cache: Cache) -> None:
        people = cache.desk.people(["main:Task/noel"])
        assert people[-1] == Person(RUTH, "Ruth Ames, LPC", away="away until Mon 16 Mar")
        cache.desk.act("assign", ["main:Task/mine"], {"to": RUTH}, NOW)
        assert cache.desk.people(["main:Task/noel"])[-1].reference == RUTH

    def test_is_named_with_the_absence_in_the_message(self, cache: Cache) -> None:
        acted = cache.desk.act("assign", ["main:Task/noel"], {"to": "ruth"}, NOW)
        assert acted.message.startswith(
            "Assigned: OKAFOR, Amara J to Ruth Ames, LPC, away until Mon 16 Mar."
        )
        (intent,) = cache.intents()
        assert intent.args["owner"]["display"] == "Ruth Ames, LPC"

    def test_is_warned_of_before_the_act(self, cache: Cache) -> None:
        trial = cache.desk.trial
        answers = {"to": "ruth", "summary": "Well"}
        assert trial.warnings("handoff", ["main:Task/noel"], answers, NOW) == (
            "Ruth Ames, LPC is away until Mon 16 Mar.",
        )
        assert trial.warnings("assign", ["main:Task/noel"], {"to": "noel"}, NOW) == ()
        assert trial.warnings("claim", ["main:Task/noel"], {}, NOW) == ()
