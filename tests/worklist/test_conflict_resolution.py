"""A conflict: shown as before, mine and theirs, answered by a person for exactly that pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir.chart import Resource
from carequeue.store import audit
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.worklist.results import Conflict, Difference
from tests.fhir.clinic import DANA, HARBOR, NOEL, NOW, ref, request, task
from tests.store.cache import SOURCE, Cache
from tests.worklist import meanwhile
from tests.worklist.world import CRISIS, FOLLOW_UP, IN_CRISIS, REFERRAL, queue

AGAIN = {"lastUpdated": "2026-03-09T13:12:00Z", "versionId": "7"}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = queue(tmp_path / "dana", *IN_CRISIS)
    yield found
    found.close()


def theirs(**elements: Any) -> Resource:
    """The follow-up as a colleague has changed it."""
    plain = {"owner": ref(DANA), "requester": ref(NOEL), "description": "Call about the group"}
    return task("t1", meta=AGAIN, **{**plain, **elements})


def urgent_against_stat(cache: Cache) -> Conflict:
    """Dana set it to urgent, a colleague to stat."""
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    meanwhile.find(cache, theirs(priority="stat"))
    return asked(cache)


def asked(cache: Cache, key: str = FOLLOW_UP) -> Conflict:
    found = cache.desk.outbox.conflict(key, cache.instant)
    assert isinstance(found, Conflict)
    return found


def base(cache: Cache) -> Resource:
    found = cache.base("Task/t1").body
    assert found is not None
    return found


class TestTheQuestion:
    def test_shows_before_mine_and_theirs(self, cache: Cache) -> None:
        found = urgent_against_stat(cache)
        assert found.differences == (Difference("Priority", "", "urgent", "stat"),)
        assert (found.client, found.did) == ("OKAFOR, Amara J", "Priority set to urgent")
        assert found.title == cache.row(FOLLOW_UP).title
        assert (found.by, found.decided_at) == ("Dana Whitfield", NOW)
        assert found.theirs_at is not None
        assert found.theirs_at.isoformat() == "2026-03-09T13:12:00+00:00"
        assert (found.gone, found.in_doubt, found.can) == ("", False, ("mine", "theirs"))

    def test_names_people_as_the_directory_does(self, cache: Cache) -> None:
        cache.desk.act("claim", [REFERRAL], {}, NOW)
        their = task("r1", owner={**ref(NOEL), "display": "N.O."}, status="accepted", meta=AGAIN)
        meanwhile.find(cache, their, "r1")
        found = asked(cache, REFERRAL)
        assert found.differences == (Difference("Owner", "Access", "Dana Whitfield", "Noel Ortiz"),)
        assert found.did == "Claimed"

    def test_shows_the_newest_that_is_known_of_theirs(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.pull(theirs(priority="asap"))
        (line,) = asked(cache).differences
        assert (line.before, line.mine, line.theirs) == ("", "urgent", "asap")

    def test_is_one_of_all_that_differs_on_an_item(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        cache.desk.act("snooze", [FOLLOW_UP], {"until": "2026-03-12"}, NOW)
        sleeping = {
            "url": "https://carequeue.dev/fhir/StructureDefinition/snoozed-until",
            "valueDateTime": "2026-03-20T13:00:00Z",
        }
        meanwhile.find(cache, theirs(priority="stat", extension=[sleeping]))
        (found,) = cache.desk.outbox.conflicts(NOW)
        assert [line.label for line in found.differences] == ["Priority", "Snooze"]
        assert found.differences[1].mine.startswith("snoozed until Thu 12 Mar")
        assert found.differences[1].theirs.startswith("snoozed until Fri 20 Mar")
        assert len(found.ids) == 2
        assert found.did == "Priority set to urgent; Snoozed until Thu 12 Mar 08:00"

    def test_takes_in_what_was_decided_later_on_the_same_element(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.leave(cache)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "routine"}, NOW)
        assert asked_nothing(cache)
        found_changed(cache)
        found = asked(cache)
        assert found.differences == (Difference("Priority", "", "routine", "stat"),)
        assert len(found.ids) == 2
        cache.desk.outbox.resolve(found, "theirs", NOW)
        assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}

    def test_comes_in_the_order_of_the_queue(self, cache: Cache) -> None:
        for key, target in ((FOLLOW_UP, "t1"), (CRISIS, "c9")):
            cache.desk.act("note", [key], {"text": "x"}, NOW)
            meanwhile.find(cache, None, target)
        order = [conflict.item_key for conflict in cache.desk.outbox.conflicts(NOW)]
        assert order == [CRISIS, FOLLOW_UP]
        assert [row.key for row in cache.rows() if row.sync == "conflict"] == order

    def test_is_none_where_nothing_conflicts(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        assert asked_nothing(cache)
        assert cache.desk.outbox.conflicts(NOW) == ()

    def test_shows_hostile_text_as_text(self, cache: Cache) -> None:
        cache.desk.act("claim", [REFERRAL], {}, NOW)
        evil = {"display": "Eve\x1b]52;c;eHg=\x07", "reference": "Practitioner/unknown"}
        meanwhile.find(cache, task("r1", owner=evil, focus=ref("ServiceRequest/s1")), "r1")
        (line,) = asked(cache, REFERRAL).differences
        assert line.theirs == "Eve␛]52;c;eHg=␇"


def asked_nothing(cache: Cache) -> bool:
    return cache.desk.outbox.conflict(FOLLOW_UP, NOW) is None


def found_changed(cache: Cache) -> None:
    """The answer to what is on its way: a colleague changed the same. What came after it waits."""
    from carequeue.store.engine import writing
    from carequeue.store.source_repository import SqliteSourceRepository
    from carequeue.sync.push import messages as m
    from carequeue.sync.push.pending import save_changes

    with writing(cache.session.engine()) as connection:
        rows = SqliteSourceRepository(connection, "main")
        (sent,) = [intent for intent in cache.intents() if intent.state is IntentState.IN_DOUBT]
        outcome = m.IntentOutcome(
            sent, IntentEvent.FOUND_CHANGED, "changed on the server meanwhile"
        )
        change = m.Change(("Task", "t1"), (outcome,), theirs(priority="stat"), "7")
        save_changes(rows, m.SaveChanges((change,)), NOW)
        cache.session.projector().project(connection, rows.charts, NOW)


class TestWhatIsGone:
    def test_has_no_mine_to_keep(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(cache, None)
        found = asked(cache)
        assert (found.gone, found.can) == ("deleted", ("theirs",))
        assert found.differences == (Difference("Priority", "", "urgent", ""),)
        with pytest.raises(
            BadQuestion, match="OKAFOR, Amara J: the server no longer has the record"
        ):
            cache.desk.outbox.resolve(found, "mine", NOW)

    def test_leaves_the_queue_when_theirs_is_taken(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(cache, None)
        cache.desk.outbox.resolve(asked(cache), "theirs", NOW)
        assert cache.find(FOLLOW_UP) is None
        assert cache.base("Task/t1").body is None

    def test_is_asked_for_once_more_when_theirs_is_taken(self, cache: Cache) -> None:
        """A write that came late may have made it again, as it was before."""
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(cache, None)
        cache.desk.outbox.resolve(asked(cache), "theirs", NOW)
        with cache.session.engine().connect() as connection:
            state = SqliteSourceRepository(connection, SOURCE).sync_state
            assert state.references_to_fetch() == ("Task/t1",)

    def test_is_never_put_on_another_client(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.find(cache, theirs(**{"for": ref("Patient/c2")}))
        found = asked(cache)
        assert (found.gone, found.can) == ("other_client", ("theirs",))
        with pytest.raises(BadQuestion, match="OKAFOR, Amara J: the record on the server now"):
            cache.desk.outbox.resolve(found, "mine", NOW)

    def test_nor_where_a_pull_brings_that_after_the_conflict(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.pull(theirs(priority="stat", **{"for": ref("Patient/c2")}))
        assert asked(cache).gone == "other_client"


class TestKeepingMine:
    def test_waits_to_be_sent_over_theirs(self, cache: Cache) -> None:
        found = urgent_against_stat(cache)
        acted = cache.desk.outbox.resolve(found, "mine", NOW)
        assert acted.message.startswith("Kept yours: OKAFOR, Amara J.")
        assert acted.changed == (FOLLOW_UP,)
        (intent,) = cache.intents()
        assert intent.state is IntentState.QUEUED
        assert intent.seen == {"priority": "stat"}
        assert base(cache)["priority"] == "stat"
        assert cache.row(FOLLOW_UP).sync == "waiting"

    def test_is_in_the_audit_log(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "mine", NOW)
        assert [row[3] for row in sorted(cache.table("audit"))] == ["priority", "keep_mine"]
        with cache.session.engine().connect() as connection:
            assert audit.first_break(connection) is None

    def test_makes_what_a_pull_brought_since_the_base(self, cache: Cache) -> None:
        """Else the next write would meet the same question again."""
        urgent_against_stat(cache)
        cache.pull(theirs(priority="asap"))
        cache.desk.outbox.resolve(asked(cache), "mine", NOW)
        assert base(cache)["priority"] == "asap"
        assert cache.base("Task/t1").theirs is None
        meanwhile.find(cache, theirs(priority="asap"))
        (intent,) = cache.intents()
        assert intent.state is IntentState.QUEUED  # not applied: it is sent again, and asks nothing

    def test_is_refused_where_theirs_is_no_longer_what_was_shown(self, cache: Cache) -> None:
        shown = urgent_against_stat(cache)
        cache.pull(theirs(priority="asap"))
        for how in ("mine", "theirs"):
            with pytest.raises(BadQuestion, match="have changed since you looked"):
                cache.desk.outbox.resolve(shown, how, NOW)
        (intent,) = cache.intents()
        assert (intent.state, base(cache)["priority"]) == (IntentState.CONFLICT, "stat")

    def test_is_not_where_they_changed_something_beside_it(self, cache: Cache) -> None:
        shown = urgent_against_stat(cache)
        cache.pull(theirs(priority="stat", description="Call about the group, again"))
        cache.desk.outbox.resolve(shown, "mine", NOW)
        assert base(cache)["description"] == "Call about the group, again"

    def test_waits_for_what_is_on_its_way(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        meanwhile.leave(cache)
        found = asked(cache)
        assert (found.in_doubt, found.can) == (True, ("theirs",))
        with pytest.raises(BadQuestion, match="is being sent"):
            cache.desk.outbox.resolve(found, "mine", NOW)
        assert cache.desk.outbox.resolve(found, "theirs", NOW).changed == (FOLLOW_UP,)

    def test_never_sends_what_else_waits_over_a_colleagues_change(self, cache: Cache) -> None:
        """The base moves under it: it is compared as if the resource had just been read."""
        urgent_against_stat(cache)
        cache.desk.act("assign", [FOLLOW_UP], {"to": "Access"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        cache.pull(theirs(priority="stat", owner=ref(NOEL)))
        acted = cache.desk.outbox.resolve(asked(cache), "mine", NOW)
        states = {intent.verb: intent.state for intent in cache.intents()}
        assert states == {
            "priority": IntentState.QUEUED,
            "assign": IntentState.CONFLICT,
            "note": IntentState.QUEUED,
        }
        assert "conflicts there too" in acted.message
        (line,) = asked(cache).differences
        assert (line.before, line.theirs) == ("Dana Whitfield", "Noel Ortiz")

    def test_counts_what_a_colleague_did_too_as_done(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.desk.act("assign", [FOLLOW_UP], {"to": "Access"}, NOW)
        cache.pull(theirs(priority="stat", owner=ref("CareTeam/access")))
        cache.desk.outbox.resolve(asked(cache), "mine", NOW)
        states = {intent.verb: intent.state for intent in cache.intents()}
        assert states["assign"] is IntentState.ACKNOWLEDGED

    def test_asks_again_where_they_change_it_again(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "mine", NOW)
        meanwhile.find(cache, theirs(priority="asap"), version="8")
        assert asked(cache).differences == (Difference("Priority", "stat", "urgent", "asap"),)

    def test_of_several_on_one_element_sees_each_over_the_one_before(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "asap"}, NOW)
        meanwhile.find(cache, theirs(priority="stat"))
        cache.desk.outbox.resolve(asked(cache), "mine", NOW)
        assert [intent.seen for intent in cache.intents()] == [
            {"priority": "stat"},
            {"priority": "urgent"},
        ]

    def test_cannot_be_answered_twice(self, cache: Cache) -> None:
        shown = urgent_against_stat(cache)
        cache.desk.outbox.resolve(shown, "mine", NOW)
        with pytest.raises(BadQuestion, match="there is no conflict any more"):
            cache.desk.outbox.resolve(shown, "mine", NOW)

    def test_or_otherwise_than_mine_or_theirs(self, cache: Cache) -> None:
        with pytest.raises(BadQuestion, match="mine or theirs, not both"):
            cache.desk.outbox.resolve(urgent_against_stat(cache), "both", NOW)

    def test_needs_the_pair_by_its_name(self, cache: Cache) -> None:
        shown = replace(urgent_against_stat(cache), pair="")
        with pytest.raises(BadQuestion, match="Nothing was changed"):
            cache.desk.outbox.resolve(shown, "mine", NOW)


class TestTakingBackAKeptAnswer:
    def test_before_it_left_leaves_theirs(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "mine", NOW)
        cache.desk.undo(NOW)
        assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}
        assert base(cache)["priority"] == "stat"
        assert cache.row(FOLLOW_UP).sync == ""

    def test_after_it_was_sent_puts_theirs_back(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "mine", NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        assert base(cache)["priority"] == "urgent"
        cache.desk.undo(NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        assert base(cache)["priority"] == "stat"

    def test_is_refused_where_they_changed_it_again_after_that(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "mine", NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        cache.pull(theirs(priority="asap"))
        with pytest.raises(BadQuestion, match="changed since"):
            cache.desk.undo(NOW)

    def test_an_undo_that_conflicts_is_a_question_like_any_other(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        cache.desk.undo(NOW)
        meanwhile.find(cache, theirs(priority="stat"), version="9")
        found = asked(cache)
        assert found.differences == (Difference("Priority", "urgent", "", "stat"),)
        assert found.did == "Undone: priority set"
        cache.desk.outbox.resolve(found, "mine", NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        assert "priority" not in base(cache)

    def test_a_conflict_is_not_dropped_from_under_a_later_act(self, cache: Cache) -> None:
        group = cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW).group
        meanwhile.leave(cache)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "routine"}, NOW)
        found_changed(cache)
        with pytest.raises(BadQuestion, match="Undo the later act first"):
            cache.desk.undo(NOW, group)


class TestTakingTheirs:
    def test_drops_mine_into_the_history(self, cache: Cache) -> None:
        acted = cache.desk.outbox.resolve(urgent_against_stat(cache), "theirs", NOW)
        assert acted.message.startswith("Kept theirs: OKAFOR, Amara J.")
        (intent,) = cache.intents()
        assert (intent.state, intent.words) == (IntentState.UNDONE, "theirs was kept")
        assert cache.row(FOLLOW_UP).sync == ""
        assert [row[3] for row in sorted(cache.table("audit"))] == ["priority", "take_theirs"]

    def test_makes_the_newest_of_theirs_the_base(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.pull(theirs(priority="asap"))
        cache.desk.outbox.resolve(asked(cache), "theirs", NOW)
        assert base(cache)["priority"] == "asap"

    def test_leaves_what_else_waits_on_it(self, cache: Cache) -> None:
        urgent_against_stat(cache)
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        cache.desk.outbox.resolve(asked(cache), "theirs", NOW)
        assert [intent.verb for intent in cache.intents(["queued"])] == ["note"]

    def test_and_an_act_after_it_is_the_third_answer(self, cache: Cache) -> None:
        cache.desk.outbox.resolve(urgent_against_stat(cache), "theirs", NOW)
        assert cache.desk.act("priority", [FOLLOW_UP], {"to": "asap"}, NOW).changed == (FOLLOW_UP,)
        (third,) = cache.intents(["queued"])
        assert third.seen == {"priority": "stat"}
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        assert base(cache)["priority"] == "asap"

    def test_of_what_a_colleague_closed_takes_its_row_away(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        meanwhile.find(cache, theirs(status="cancelled"))
        assert cache.row(FOLLOW_UP).sync == "conflict"
        assert asked(cache).differences == (
            Difference("Status", "requested", "completed", "cancelled"),
        )
        cache.desk.outbox.resolve(asked(cache), "theirs", NOW)
        assert cache.find(FOLLOW_UP) is None


def test_a_question_about_what_left_the_queue_is_asked_all_the_same(
    cache: Cache,
) -> None:
    """A colleague closed it and changed just what Dana had decided."""
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    meanwhile.find(cache, theirs(priority="stat", status="completed"))
    (found,) = cache.desk.outbox.conflicts(NOW)
    assert (found.client, found.title) == ("OKAFOR, Amara J", "Call about the group")
    assert cache.desk.outbox.resolve(found, "theirs", NOW).changed == (FOLLOW_UP,)


def test_an_item_of_a_lone_request_asks_about_its_task(cache: Cache) -> None:
    """The Task that accepting had created is there; a colleague declined it before the next act."""
    key = "main:ServiceRequest/s3"
    cache.desk.act("accept", [key], {}, NOW)
    assert request("s3", requester=ref(HARBOR))["id"] == "s3"
    (create, accept) = cache.intents()
    target = create.target_id
    meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED, target=target)
    cache.desk.act("priority", [key], {"to": "stat"}, NOW)
    made = cache.base(f"Task/{target}").body
    assert made is not None
    meanwhile.find(cache, {**made, "priority": "asap"}, target, version="9")
    found = asked(cache, key)
    assert found.differences == (Difference("Priority", "routine", "stat", "asap"),)
    assert accept.target_id == target
