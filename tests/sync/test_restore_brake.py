"""When a person is asked first: very much would leave, a server was set back, another answers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.restore.brake import Held, HoldKind, answer_hold, stored_hold, words
from tests.store.cache import SOURCE
from tests.sync.shelf import MANY, Forward, Office, follow_up, path_of


def held(office: Office) -> Any:
    with office.cache.session.engine().connect() as connection:
        return stored_hold(SqliteSourceRepository(connection, SOURCE).sync_state)


def answer(office: Office, said: str) -> bool:
    with writing(office.cache.session.engine()) as connection:
        return answer_hold(SqliteSourceRepository(connection, SOURCE), said)


class TestTheBrake:
    def vanish(self, office: Office, count: int = 30) -> Any:
        office.server.delete(*[f"Task/t{number}" for number in range(count)])
        return office.tomorrow()

    def test_takes_out_nothing_where_very_much_would_leave(self, large: Office) -> None:
        looked = self.vanish(large)
        assert looked.full
        assert len(large.shown) == MANY
        assert "30 of" in looked.why
        assert "--accept-removals" in looked.why
        assert held(large).found == 30

    def test_does_not_ask_for_each_of_them_before(self, large: Office) -> None:
        self.vanish(large)
        assert not [one for one in large.server.asked if one.startswith("GET Task/")]

    def test_says_so_at_every_look_until_somebody_has_answered(self, large: Office) -> None:
        self.vanish(large)
        assert "--accept-removals" in large.look().why

    def test_leaves_the_rest_of_the_sync_alone(self, large: Office) -> None:
        self.vanish(large)
        large.server.put(follow_up("new"))
        large.act("note", "t35", text="Called")
        large.look()
        assert "new" in large.shown
        assert large.states() == ["acknowledged"]

    def test_lets_go_when_a_person_says_that_it_is_right(self, large: Office) -> None:
        self.vanish(large)
        assert answer(large, "accept")
        looked = large.look()
        assert looked.removed == 30
        assert looked.why == ""
        assert len(large.shown) == MANY - 30
        assert held(large) is None

    def test_holds_again_where_much_more_would_leave_than_was_said(self, large: Office) -> None:
        self.vanish(large, 21)
        answer(large, "accept")
        large.server.delete(*[f"Task/t{number}" for number in range(21, MANY)])
        large.server.delete("Patient/c1")
        large.server.rows.pop("Task/t0", None)
        looked = large.look()
        assert looked.removed == MANY  # within the few rows more
        assert held(large) is None

    def test_keeps_the_rows_and_the_peace_when_a_person_says_that_it_is_wrong(
        self, large: Office
    ) -> None:
        self.vanish(large)
        answer(large, "refuse")
        for looked in (large.look(), large.tomorrow()):
            assert looked.why == ""
            assert len(large.shown) == MANY

    def test_lets_go_by_itself_when_the_rows_are_there_again(self, large: Office) -> None:
        kept = large.server.backup()
        self.vanish(large)
        large.server.restore(kept)
        assert large.tomorrow().why == ""
        assert held(large) is None

    def test_does_not_mind_a_few(self, large: Office) -> None:
        assert self.vanish(large, 20).removed == 20

    def test_holds_for_a_history_that_deletes_very_much_too(self, tmp_path: Path) -> None:
        large = Office(tmp_path, MANY)
        large.server.history = True
        large.look()
        large.look()
        large.server.delete(*[f"Task/t{number}" for number in range(30)])
        looked = large.look()
        assert len(large.shown) == MANY
        assert "--accept-removals" in looked.why
        large.close()

    def test_has_nothing_to_answer_where_nothing_is_held(self, office: Office) -> None:
        assert not answer(office, "accept")


class TestAServerThatWasSetBack:
    """Restored from last night's backup: what was decided today is not there any more."""

    @pytest.fixture
    def restored(self, office: Office) -> Office:
        kept = office.server.backup()
        office.server.now += timedelta(hours=1)
        office.cache.later(hours=1)
        office.act("priority", "t0", to="stat")
        office.act("note", "t0", text="Called")
        office.act("new", "t1", text="Call the school", until="2bd")
        office.server.put(follow_up("t2", description="Colleague's"))
        office.look()
        assert set(office.states()) == {"acknowledged"}
        office.server.restore(kept)
        return office

    def test_is_noticed_and_nothing_moves_back(self, restored: Office) -> None:
        looked = restored.tomorrow()
        assert "the server was restored from a backup: 2 records are older there" in looked.why
        assert restored.cache.row("main:Task/t2").title == "Colleague's"
        assert any(row.title == "Call the school" for row in restored.cache.rows())

    def test_is_followed_when_a_person_says_so(self, restored: Office) -> None:
        restored.tomorrow()
        answer(restored, "accept")
        restored.look()
        assert restored.cache.row("main:Task/t2").title == "Call"
        assert held(restored) is None

    def test_gets_again_what_was_decided_here(self, restored: Office) -> None:
        restored.tomorrow()
        answer(restored, "accept")
        restored.look()
        restored.look()
        task = restored.server.rows["Task/t0"]
        assert task["priority"] == "stat"
        assert [note["text"] for note in task["note"]] == ["Called"]
        assert any(
            row.get("description") == "Call the school" for row in restored.server.rows.values()
        )
        assert set(restored.states()) == {"acknowledged"}

    def test_gets_it_as_one_group_that_is_in_the_audit_log_and_can_be_taken_back(
        self, restored: Office
    ) -> None:
        restored.tomorrow()
        answer(restored, "accept")
        before = len(restored.cache.intents())
        restored.look()
        filed = restored.cache.intents()[before:]
        assert len({one.group for one in filed}) == 1
        assert {one.window for one in filed} == {""}
        assert {row[3] for row in restored.cache.table("audit")} >= {"send again"}
        restored.look()
        restored.cache.desk.undo(restored.cache.instant, filed[0].group)
        restored.look()
        assert "priority" not in restored.server.rows["Task/t0"]
        assert "note" not in restored.server.rows["Task/t0"]

    def test_gets_nothing_again_that_somebody_had_changed_since(self, office: Office) -> None:
        kept = office.server.backup()
        office.act("priority", "t0", to="stat")
        office.look()
        office.server.put(follow_up("t0", priority="routine"))
        office.server.now += timedelta(hours=1)
        office.look()
        office.server.restore(kept)
        office.tomorrow()
        answer(office, "accept")
        office.look()
        assert "priority" not in office.server.rows["Task/t0"]
        assert len(office.cache.intents()) == 1

    def test_is_noticed_too_where_a_decision_has_met_it_first(self, restored: Office) -> None:
        """The base has moved back then, and the count alone would find nothing that differs."""
        restored.act("assign", "t0", to="CareTeam/access")
        looked = restored.look()
        assert "the server was restored from a backup" in looked.why
        assert "priority" not in restored.server.rows["Task/t0"]
        answer(restored, "accept")
        restored.look()
        restored.look()
        task = restored.server.rows["Task/t0"]
        assert (task["priority"], task["owner"]["reference"]) == ("stat", "CareTeam/access")
        assert [note["text"] for note in task["note"]] == ["Called"]
        assert held(restored) is None
        assert restored.look().why == ""

    def test_gets_nothing_again_over_what_was_decided_while_it_was_counted(
        self, restored: Office
    ) -> None:
        restored.tomorrow()
        answer(restored, "accept")

        def meanwhile(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and len(restored.states()) == 3:
                restored.act("priority", "t0", to="routine")
            return forward()

        restored.server.fault = meanwhile
        restored.look()
        again = [one.args.get("to") for one in restored.cache.intents()[4:]]
        assert again.count("stat") == 0
        restored.look()
        assert "priority" not in restored.server.rows["Task/t0"]
        assert [one.args["to"] for one in restored.cache.intents(["conflict"])] == ["routine"]

    def test_stays_as_it_is_when_a_person_says_no(self, restored: Office) -> None:
        restored.tomorrow()
        answer(restored, "refuse")
        restored.look()
        assert restored.cache.row("main:Task/t2").title == "Colleague's"

    def test_is_not_suspected_of_an_index_that_lags(self, office: Office) -> None:
        """The count shows the version before last; a read shows the last."""
        office.server.now += timedelta(hours=25)
        office.cache.later(hours=25)
        before = dict(office.server.rows["Task/t1"])
        office.act("note", "t1", text="Called")

        def lags(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" not in path_of(request):
                return forward()
            kept, office.server.rows["Task/t1"] = office.server.rows["Task/t1"], before
            answer = forward()
            office.server.rows["Task/t1"] = kept
            return answer

        office.server.fault = lags
        assert office.look().why == ""
        assert held(office) is None


class TestAnAnswer:
    def test_that_comes_while_it_is_counted_is_not_lost(self, large: Office) -> None:
        large.server.delete(*[f"Task/t{number}" for number in range(30)])
        large.tomorrow()

        def meanwhile(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and held(large).asks:
                answer(large, "accept")
            return forward()

        large.server.fault = meanwhile
        large.look(check_manifest=True)
        large.look()
        assert len(large.shown) == MANY - 30


class TestAnotherServer:
    def test_under_another_address_is_asked_nothing_and_told_nothing(self, office: Office) -> None:
        """An id of ours may be somebody else's there."""
        office.act("note", "t1", text="Called")
        office.base = "https://fhir.example.org/r4/other"
        office.server.asked.clear()
        looked = office.look()
        assert "another server answers" in looked.why
        assert not [one for one in office.server.asked if "Task" in one]
        assert office.states() == ["queued"]

    def test_by_the_name_of_its_software_too(self, office: Office) -> None:
        office.server.software = "another"
        office.cache.later(hours=13)
        office.act("note", "t1", text="Called")
        assert "another server answers" in office.look().why
        assert office.states() == ["queued"]

    def test_that_has_the_same_records_is_gone_on_with(self, office: Office) -> None:
        office.server.software = "another"
        office.cache.later(hours=13)
        office.act("note", "t1", text="Called")
        office.look()
        answer(office, "accept")
        looked = office.look()
        assert (looked.why, looked.full) == ("", True)
        assert office.states() == ["acknowledged"]
        assert office.look().why == ""

    def test_that_says_nothing_of_itself_is_not_suspected(self, office: Office) -> None:
        office.server.software = ""
        office.cache.later(hours=13)
        assert office.look().why == ""

    def test_is_found_out_after_a_day_on_which_the_name_was_not_said(self, office: Office) -> None:
        for name, why in (("", ""), ("another", "another server answers")):
            office.server.software = name
            office.cache.later(hours=13)
            assert why in office.look().why


def test_words_of_what_is_held_name_no_row() -> None:
    for kind in HoldKind:
        found = Held(kind, 3, 2, 10, server="a\nb")
        assert "\n" not in words(found)
        assert "carequeue sync --accept-removals" in words(found)
