"""Many at once: seen before, one group, a result per row, one taking back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentState
from tests.fhir.clinic import DANA, HARBOR, NOW, ref, referral, request, task
from tests.store.cache import Cache, clinic_of_dana
from tests.worklist.world import CRISIS, HANDOFF, IN_CRISIS, REFERRAL, SENT, WORLD, queue

MINE = [f"main:Task/m{number}" for number in range(12)]


def many() -> list[dict[str, object]]:
    return [task(f"m{number}", owner=ref(DANA)) for number in range(12)]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """The world, a dozen follow-ups of mine, and one that is already urgent."""
    cache = clinic_of_dana(tmp_path, *WORLD, *many(), *IN_CRISIS)
    yield cache
    cache.close()


class TestWhatWouldHappen:
    def test_is_told_row_by_row_and_changes_nothing(self, cache: Cache) -> None:
        before, rows = cache.table("intent"), cache.rows()
        preview = cache.desk.preview("accept", [REFERRAL, SENT, HANDOFF, "main:Task/none"], {}, NOW)
        assert preview.changes == (REFERRAL, HANDOFF)
        assert [one.key for one in preview.refused] == [SENT, "main:Task/none"]
        assert preview.total == 4
        assert (cache.table("intent"), cache.rows(), cache.table("audit")) == (before, rows, [])

    def test_is_what_happens(self, cache: Cache) -> None:
        keys = [row.key for row in cache.rows()]
        for verb, answers in (("claim", {}), ("snooze", {"until": "3bd"}), ("done", {})):
            preview = cache.desk.preview(verb, keys, answers, NOW)
            acted = cache.desk.act(verb, keys, answers, NOW)
            assert acted.changed == preview.changes, verb
            assert acted.already == preview.already, verb
            assert acted.refused == preview.refused, verb
            cache.desk.undo(NOW)

    def test_is_told_of_each_key_once(self, cache: Cache) -> None:
        preview = cache.desk.preview("claim", [REFERRAL, REFERRAL, REFERRAL], {}, NOW)
        assert preview.changes == (REFERRAL,)

    def test_of_one_key_given_twice_is_no_bulk(self, cache: Cache) -> None:
        preview = cache.desk.preview("decline", [CRISIS, CRISIS], {"reason": "full"}, NOW)
        assert preview.changes == (CRISIS,)


class TestOneGroup:
    def test_holds_all_that_changed(self, cache: Cache) -> None:
        acted = cache.desk.act("note", MINE, {"text": "Called"}, NOW)
        assert acted.changed == tuple(MINE)
        assert {intent.group for intent in cache.intents()} == {acted.group}
        assert [intent.item_key for intent in cache.intents()] == MINE
        assert acted.message == "Noted: 12 items."

    def test_leaves_out_what_is_so_already_and_what_is_not_allowed_and_says_so(
        self, cache: Cache
    ) -> None:
        cache.pull(task("z1", owner=ref(DANA)))
        acted = cache.desk.act("claim", ["main:Task/z1", REFERRAL, SENT], {}, NOW)
        assert acted.message == "Claimed: 1 items, 1 already so, 1 not allowed."
        assert (acted.changed, acted.already) == ((REFERRAL,), ("main:Task/z1",))
        assert [one.key for one in acted.refused] == [SENT]

    def test_of_nothing_says_so(self, cache: Cache) -> None:
        acted = cache.desk.act("accept", [SENT, "main:Task/t1"], {}, NOW)
        assert acted.message == "Nothing changed: 0 already so, 2 not allowed."
        assert acted.group == ""

    def test_has_an_audit_row_for_each_item(self, cache: Cache) -> None:
        acted = cache.desk.act("note", MINE, {"text": "Called"}, NOW)
        assert sorted(row[4] for row in cache.table("audit")) == sorted(MINE)
        assert {row[5] for row in cache.table("audit")} == {acted.group}

    def test_is_undone_at_once(self, cache: Cache) -> None:
        before = cache.rows()
        cache.desk.act("done", MINE, {}, NOW)
        assert not {row.key for row in cache.rows()} & set(MINE)
        undone = cache.desk.undo(NOW)
        assert undone.message == "Undone: Done, 12 items."
        assert cache.rows() == before
        assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}


class TestClientsAtRisk:
    """Who closes forty rows has not read forty: these are decided about one at a time."""

    @pytest.mark.parametrize("verb", ["done", "decline", "snooze"])
    def test_are_never_closed_in_bulk(self, cache: Cache, verb: str) -> None:
        answers = {"decline": {"reason": "full"}, "snooze": {"until": "3bd"}}.get(verb, {})
        acted = cache.desk.act(verb, [CRISIS, HANDOFF, *MINE], answers, NOW)
        assert CRISIS not in acted.changed
        (refused,) = [one for one in acted.refused if one.key == CRISIS]
        assert refused.client == "OKAFOR, Amara J"
        assert "crisis" in refused.why or "accepted first" in refused.why

    def test_are_named_with_the_reason_before_it_happens(self, cache: Cache) -> None:
        preview = cache.desk.preview("decline", [CRISIS, REFERRAL], {"reason": "full"}, NOW)
        (refused,) = preview.refused
        assert (refused.key, refused.client) == (CRISIS, "OKAFOR, Amara J")
        assert refused.why.endswith("has a crisis clock and is declined one by one, never in bulk")
        assert preview.changes == (REFERRAL,)

    def test_of_a_stay_that_ended_are_not_put_to_sleep_in_bulk(self, cache: Cache) -> None:
        discharge = "main:discharge-contact:Encounter/e1"
        acted = cache.desk.act("snooze", [discharge, *MINE], {"until": "3bd"}, NOW)
        assert acted.changed == tuple(MINE)
        assert "has a safety clock" in acted.refused[0].why

    @pytest.mark.parametrize("verb", ["accept", "claim", "note", "priority"])
    def test_may_be_taken_on_in_bulk(self, cache: Cache, verb: str) -> None:
        answers = {"note": {"text": "x"}, "priority": {"to": "stat"}}.get(verb, {})
        acted = cache.desk.act(verb, [CRISIS, REFERRAL], answers, NOW)
        assert CRISIS in acted.changed

    def test_can_be_decided_about_one_by_one(self, cache: Cache) -> None:
        acted = cache.desk.act("decline", [CRISIS], {"reason": "full"}, NOW)
        assert acted.changed == (CRISIS,)


def test_sixty_referrals_are_one_act(tmp_path: Path) -> None:
    referrals = [
        one
        for number in range(60)
        for one in (
            request(f"b{number}", requester=ref(HARBOR)),
            referral(id=f"b{number}", focus=ref(f"ServiceRequest/b{number}")),
        )
    ]
    cache = queue(tmp_path, *referrals)
    keys = [f"main:Task/b{number}" for number in range(60)]
    acted = cache.desk.act("accept", keys, {}, NOW)
    assert (len(acted.changed), acted.refused) == (60, ())
    assert len(cache.intents()) == 60
    cache.close()
