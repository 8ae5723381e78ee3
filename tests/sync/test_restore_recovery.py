"""A server that was restored from a backup: noticed, asked about, and followed."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.sync.shelf import Forward, Office, follow_up, path_of


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
        restored.answer("accept")
        restored.look()
        assert restored.cache.row("main:Task/t2").title == "Call"
        assert restored.held is None

    def test_gets_again_what_was_decided_here(self, restored: Office) -> None:
        restored.tomorrow()
        restored.answer("accept")
        restored.look()
        restored.look()
        task = restored.server.rows["Task/t0"]
        assert task["priority"] == "stat"
        assert [note["text"] for note in task["note"]] == ["Called"]
        assert any(
            row.get("description") == "Call the school" for row in restored.server.rows.values()
        )
        assert set(restored.states()) == {"acknowledged"}

    def test_does_not_get_again_what_was_made_and_undone(self, restored: Office) -> None:
        """The two decisions come to nothing; what they referred to may not be there either."""
        office = restored
        kept = office.server.backup()
        office.server.now += timedelta(hours=1)
        office.cache.later(hours=1)
        office.act("new", "t1", text="By mistake", until="2bd")
        office.look()
        office.cache.desk.undo(office.cache.instant)
        office.look()
        office.server.put(follow_up("t2", description="Colleague's"))
        office.look()
        office.server.restore(kept)
        office.tomorrow()
        office.answer("accept")
        office.look()
        office.look()
        made = [row.get("description") for row in office.server.rows.values()]
        assert "Call the school" in made
        assert "By mistake" not in made
        assert set(office.states()) == {"acknowledged"}

    def test_gets_it_as_one_group_that_is_in_the_audit_log_and_can_be_taken_back(
        self, restored: Office
    ) -> None:
        restored.tomorrow()
        restored.answer("accept")
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
        office.answer("accept")
        office.look()
        assert "priority" not in office.server.rows["Task/t0"]
        assert len(office.cache.intents()) == 1

    def test_is_noticed_too_where_a_decision_has_met_it_first(self, restored: Office) -> None:
        """The base has moved back then, and the count alone would find nothing that differs."""
        restored.act("assign", "t0", to="CareTeam/access")
        looked = restored.look()
        assert "the server was restored from a backup" in looked.why
        assert "priority" not in restored.server.rows["Task/t0"]
        restored.answer("accept")
        restored.look()
        restored.look()
        task = restored.server.rows["Task/t0"]
        assert (task["priority"], task["owner"]["reference"]) == ("stat", "CareTeam/access")
        assert [note["text"] for note in task["note"]] == ["Called"]
        assert restored.held is None
        assert restored.look().why == ""

    def test_gets_nothing_again_over_what_was_decided_while_it_was_counted(
        self, restored: Office
    ) -> None:
        restored.tomorrow()
        restored.answer("accept")

        def meanwhile(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and len(restored.states()) == 3:
                restored.act("priority", "t0", to="routine")
            return forward()

        restored.server.fault = meanwhile
        restored.look()
        again = [intent.args.get("to") for intent in restored.cache.intents()[4:]]
        assert again.count("stat") == 0
        restored.look()
        assert "priority" not in restored.server.rows["Task/t0"]
        assert [intent.args["to"] for intent in restored.cache.intents(["conflict"])] == ["routine"]

    def test_stays_as_it_is_when_a_person_says_no(self, restored: Office) -> None:
        restored.tomorrow()
        restored.answer("refuse")
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
        assert office.held is None
