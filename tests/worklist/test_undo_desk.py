"""What a window can do again: what it undid last, until its next act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist.test_redo import standing
from tests.worklist.world import FOLLOW_UP, REFERRAL, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


class TestTheNextToRedo:
    def test_is_nothing_before_an_undo(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        with pytest.raises(BadQuestion, match=r"^There is nothing to redo\.$"):
            cache.desk.undos.redo(NOW)

    def test_is_nothing_after_a_new_act(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.act("accept", [REFERRAL], {}, NOW)
        with pytest.raises(BadQuestion, match="nothing to redo"):
            cache.desk.undos.redo(NOW)

    def test_is_the_last_undone_first_and_each_once(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.undo(NOW)
        assert "Noted" in cache.desk.undos.redo(NOW).message
        assert "riority" in cache.desk.undos.redo(NOW).message
        with pytest.raises(BadQuestion, match="nothing to redo"):
            cache.desk.undos.redo(NOW)

    def test_is_the_act_that_was_named_or_none(self, cache: Cache) -> None:
        assert cache.desk.undos.redoable == ""
        named = cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW).group
        other = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW).group
        cache.desk.undo(NOW, named)
        assert cache.desk.undos.redoable == named
        cache.desk.undo(NOW, other)
        with pytest.raises(BadQuestion, match=r"undone or done since\. Nothing was done again"):
            cache.desk.undos.redo(NOW, named)
        assert standing(cache) == []
        assert "riority" in cache.desk.undos.redo(NOW, other).message
        assert cache.desk.undos.redoable == named

    def test_can_be_undone_and_done_again_any_number_of_times(self, cache: Cache) -> None:
        before = cache.rows()
        cache.desk.act("accept", [REFERRAL], {}, NOW)
        for _ in range(3):
            cache.desk.undo(NOW)
            assert cache.rows() == before
            cache.desk.undos.redo(NOW)
        assert [intent.args["to"] for intent in standing(cache)] == ["accepted"]

    def test_is_in_the_audit_log_like_act_and_undo(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.undos.redo(NOW)
        assert [row[3] for row in sorted(cache.table("audit"))] == ["note", "undo", "redo"]
