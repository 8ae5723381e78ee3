"""Several servers, one queue: who we are there, whom it can be given to, what is never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import Tab
from carequeue.sync.sync_cycle import CycleResult
from carequeue.worklist.sync_summary import by_choice, sync_report
from tests.fhir.clinic import DANA, NOEL
from tests.store.cache import SOURCE
from tests.store.two_sources import (
    COUNTY,
    ME_AT_COUNTY,
    TWO,
    TwoSources,
    client,
    follow_up,
    ssn,
    two_sources,
)

HERE, THERE = "main:Task/t1", "county:Task/t1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[TwoSources]:
    """A Task on each, by chance of the same id, each hers as that server names her."""
    cache = two_sources(tmp_path)
    cache.come(SOURCE, client("c1", ssn("1")), follow_up("t1", "c1", DANA))
    cache.come(COUNTY, client("c1", ssn("2")), follow_up("t1", "c1", ME_AT_COUNTY))
    yield cache
    cache.close()


class TestWhoWeAre:
    def test_is_said_by_each_server_in_its_own_words(self, cache: TwoSources) -> None:
        assert {row.key for row in cache.rows(Tab.MINE)} == {HERE, THERE}

    def test_the_same_id_on_another_server_is_somebody_else(self, cache: TwoSources) -> None:
        cache.come(COUNTY, follow_up("t2", "c1", DANA))
        assert "county:Task/t2" not in {row.key for row in cache.rows(Tab.MINE)}

    def test_what_is_done_there_is_signed_as_that_server_knows_her(self, cache: TwoSources) -> None:
        cache.desk.act("note", [HERE, THERE], {"text": "called"}, cache.instant)
        signed = {intent.source: intent.author for intent in cache.intents()}
        assert signed == {SOURCE: DANA, COUNTY: ME_AT_COUNTY}

    def test_the_last_thing_is_undone_whichever_server_it_was_for(self, cache: TwoSources) -> None:
        cache.desk.act("note", [THERE], {"text": "called"}, cache.instant)
        assert cache.desk.undo(cache.instant).changed == (THERE,)


class TestWhomItCanBeGivenTo:
    def test_is_of_the_items_own_server(self, cache: TwoSources) -> None:
        here = {person.reference: person.name for person in cache.desk.people([HERE])}
        there = {person.reference: person.name for person in cache.desk.people([THERE])}
        assert here[DANA] == "Dana Whitfield"
        assert NOEL in here
        assert there == {ME_AT_COUNTY: "Dana Whitfield", DANA: "Dana Dawson"}

    def test_somebody_of_another_server_is_refused(self, cache: TwoSources) -> None:
        with pytest.raises(BadQuestion, match="No person or team here"):
            cache.desk.act("assign", [THERE], {"to": "Noel"}, cache.instant)
        with pytest.raises(BadQuestion, match="No person or team here"):
            cache.desk.act("assign", [THERE], {"to": f"{NOEL}|Noel Ortiz"}, cache.instant)
        assert cache.intents() == []

    def test_items_of_two_servers_are_not_given_away_in_one_go(self, cache: TwoSources) -> None:
        with pytest.raises(BadQuestion, match="different servers"):
            cache.desk.preview("assign", [HERE, THERE], {"to": "Dana"}, cache.instant)
        with pytest.raises(BadQuestion, match="different servers"):
            cache.desk.act("assign", [HERE, THERE], {"to": "Dana"}, cache.instant)
        understood, words = cache.desk.check_input(
            "assign", "to", "Dana", cache.instant, [HERE, THERE]
        )
        assert (understood, "different servers" in words) == (False, True)

    def test_one_is_given_to_its_own_server_s_person(self, cache: TwoSources) -> None:
        cache.desk.act("assign", [THERE], {"to": "Dawson"}, cache.instant)
        (intent,) = cache.intents()
        assert intent.source == COUNTY
        assert DANA in str(intent.args)


class TestTheSameClient:
    def test_is_said_with_what_is_open_elsewhere(self, cache: TwoSources) -> None:
        cache.come(COUNTY, client("77", ssn("1")), follow_up("t7", "77", ME_AT_COUNTY))
        found = cache.desk.detail(HERE, cache.instant)
        assert found.others == 1
        assert "County has 1 open item of the same client: both have one us-ssn." in found.flags

    def test_of_the_same_name_is_not_said(self, cache: TwoSources) -> None:
        found = cache.desk.detail(HERE, cache.instant)
        assert found.others == 0
        assert not any("County" in words for words in found.flags)


class TestTheReport:
    def test_says_of_each_source_what_happened(self) -> None:
        found = {
            "Clinic": CycleResult(full=True, received=5, sent=2),
            "County": CycleResult(offline=True, why="cannot be reached"),
        }
        report = sync_report(found, {})
        assert (report.ok, report.unable, report.received) == (False, "server", 5)
        assert report.words.startswith("Offline: County: cannot be reached. 5 changes received")
        assert [(source.name, source.full, source.words) for source in report.sources] == [
            ("Clinic", True, "5 received, 2 sent"),
            ("County", False, "offline: cannot be reached"),
        ]

    @pytest.mark.parametrize("busy", [None, CycleResult(superseded=True)], ids=["lock", "lease"])
    def test_one_that_another_process_syncs_is_named(self, busy: CycleResult | None) -> None:
        report = sync_report({"Clinic": CycleResult(full=True), "County": busy}, {})
        assert (report.ok, report.other_syncs, report.unable) == (False, False, "")
        assert "County: another CareQueue is syncing it" in report.words
        assert sync_report({"Clinic": busy, "County": busy}, {}).other_syncs

    def test_offline_by_choice_says_how_to_end_it(self) -> None:
        report = by_choice({"queued": 2})
        assert (report.ok, report.unable, report.waiting) == (False, "by_choice", 2)
        assert "2 are saved and waiting to be sent" in report.words
        assert "carequeue online" in report.words


class TestOfflineByChoice:
    def test_is_in_the_header_and_survives_a_restart(self, cache: TwoSources) -> None:
        chosen: list[bool] = []
        cache.desk.chose_offline = chosen.append
        cache.desk.set_offline(True)
        cache.close()
        cache.open()
        assert cache.desk.health(cache.instant).forced_offline
        cache.desk.set_offline(False)
        assert not cache.desk.health(cache.instant).forced_offline
        assert chosen == [True]

    def test_nothing_is_asked_of_any_server(
        self, cache: TwoSources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.desk.set_offline(True)

        def transport(source: object) -> NoReturn:
            pytest.fail(f"a way was made to {source}")

        monkeypatch.setattr(cache.session, "transport", transport)
        assert cache.session.sync_once().unable == "by_choice"


def test_the_header_knows_each_source_by_what_people_call_it(cache: TwoSources) -> None:
    names = {one.name: one.shown for one in cache.desk.health(cache.instant).sources}
    assert names == {SOURCE: SOURCE, COUNTY: "County"}


class TestASourceThatIsNoLongerInTheProfile:
    """Its rows are nobody's work here; what was decided about them and not sent is kept in view."""

    @pytest.fixture
    def left(self, cache: TwoSources) -> TwoSources:
        cache.come(COUNTY, follow_up("t2", "c1", ME_AT_COUNTY))
        cache.desk.act("note", ["county:Task/t2"], {"text": "called"}, cache.instant)
        cache.close()
        only = tuple(source for source in cache.profile.sources if source.name == SOURCE)
        cache.profile = replace(cache.profile, sources=only)
        cache.open()
        cache.session.rebuild_if_profile_changed()  # as each sync begins
        return cache

    def test_shows_only_what_still_waits_there(self, left: TwoSources) -> None:
        assert {row.key for row in left.rows()} == {HERE, "county:Task/t2"}
        assert left.row("county:Task/t2").sync == "waiting"

    def test_lets_that_be_undone(self, left: TwoSources) -> None:
        (waiting,) = left.intents(["queued"])
        left.desk.undo(left.instant, waiting.group)
        assert {row.key for row in left.rows()} == {HERE}

    def test_has_its_rows_again_when_it_is_back(self, left: TwoSources) -> None:
        left.close()
        left.profile = TWO
        left.open()
        left.session.rebuild_if_profile_changed()
        assert {row.key for row in left.rows()} == {HERE, THERE, "county:Task/t2"}
