"""When a person is asked first: very much would leave, a server was set back, another answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from carequeue.sync.restore.brake import Held, HoldKind, words
from tests.sync.shelf import MANY, Forward, Office, follow_up, path_of


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
        assert large.held.found == 30

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
        assert large.answer("accept")
        looked = large.look()
        assert looked.removed == 30
        assert looked.why == ""
        assert len(large.shown) == MANY - 30
        assert large.held is None

    def test_holds_again_where_much_more_would_leave_than_was_said(self, large: Office) -> None:
        self.vanish(large, 21)
        large.answer("accept")
        large.server.delete(*[f"Task/t{number}" for number in range(21, MANY)])
        large.server.delete("Patient/c1")
        large.server.rows.pop("Task/t0", None)
        looked = large.look()
        assert looked.removed == MANY  # within the few rows more
        assert large.held is None

    def test_keeps_the_rows_and_the_peace_when_a_person_says_that_it_is_wrong(
        self, large: Office
    ) -> None:
        self.vanish(large)
        large.answer("refuse")
        for looked in (large.look(), large.tomorrow()):
            assert looked.why == ""
            assert len(large.shown) == MANY

    def test_lets_go_by_itself_when_the_rows_are_there_again(self, large: Office) -> None:
        kept = large.server.backup()
        self.vanish(large)
        large.server.restore(kept)
        assert large.tomorrow().why == ""
        assert large.held is None

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
        assert not office.answer("accept")


class TestAnAnswer:
    def test_that_comes_while_it_is_counted_is_not_lost(self, large: Office) -> None:
        large.server.delete(*[f"Task/t{number}" for number in range(30)])
        large.tomorrow()

        def meanwhile(request: httpx.Request, forward: Forward) -> httpx.Response:
            if "_elements" in path_of(request) and large.held.asks:
                large.answer("accept")
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
        office.answer("accept")
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
