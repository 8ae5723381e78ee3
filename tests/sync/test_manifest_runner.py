"""What left the server without a word, what an update missed, and when a person is asked first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fhir.clinic import ref
from tests.sync.recorder import said
from tests.sync.shelf import Office, counts, follow_up, path_of


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
