"""What the simulator found in sync, each as small as it can be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import codes, intent_effects
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.http import exchange
from carequeue.sync.push.pending import record_attempts, save_changes
from carequeue.sync.push.read_responses import interpret_read_response
from carequeue.sync.push.request_builder import write_request
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import Comparison, compare
from tests.fhir.clinic import NOW, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.sync.outbox import file, happened, lanes
from tests.sync.parts import R4, Push, accept, create, decision, in_doubt, lane, note, said, urgent
from tests.sync.wire import Wire, answer


def named(value: str) -> list[dict[str, str]]:
    return [{"system": codes.IDENTIFIER, "value": value}]


def found(base: Any, theirs: Any, *intents: Intent) -> list[Comparison]:
    return [one.result for one in compare(base, theirs, intents)]


class TestACreateUnderAnIdOfOurs:
    """Delivered late, it must not go over what was written there since."""

    def request(self, key: str = "own-1") -> m.Request:
        body = {"resourceType": "Task", "id": key}
        return m.Request(("Task", key), "PUT", f"Task/{key}", body, "", "", ("i1",), creates=True)

    def test_asks_that_nothing_be_there(self) -> None:
        wire = Wire(lambda _: answer(b'{"resourceType":"Task","id":"own-1"}'))
        exchange(wire.transport, m.Exchange((self.request(),), False))
        assert wire.requests[0].headers["if-none-match"] == "*"

    def test_asks_so_in_a_batch_too(self) -> None:
        wire = Wire(lambda _: answer(b"{}"))
        exchange(wire.transport, m.Exchange((self.request(), self.request("own-2")), True))
        sent = json.loads(wire.requests[0].content)["entry"]
        assert [one["request"]["ifNoneMatch"] for one in sent] == ["*", "*"]

    def test_is_read_back_where_the_answer_speaks_of_another_row(self) -> None:
        push = Push(lane(create()))
        (request,) = push.send()
        other = task("own-9", identifier=named("own-9"))
        (back,) = push.answer(m.Reply(request.key, 201, other, "1"))
        assert isinstance(back, m.ReadBack)

    def test_is_a_question_where_it_was_made_and_deleted(self) -> None:
        one = in_doubt(lane(create()))
        push = Push(one)
        push.read(said(one, 410))
        assert push.events == ["found_gone"]

    def test_that_was_sent_before_is_read_before_it_is_sent_again(self) -> None:
        """It may have arrived late, and a colleague may have deleted it since."""
        sent_before = lane(create(), attempts=2)
        push = Push(sent_before)
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        push.read(said(sent_before, 410))
        assert push.events == ["found_gone"]

    def test_that_is_sent_for_the_first_time_is_not_read_before(self) -> None:
        (mark,) = Push(lane(create())).commands
        assert isinstance(mark, m.RecordAttempts)


class TestSettling:
    def test_sees_a_note_that_is_still_there_although_its_id_was_dropped(self) -> None:
        added = note("i1")
        written = intent_effects.apply(added, task())["note"][0]
        bare = task(note=[{name: value for name, value in written.items() if name != "id"}])
        taken_out = decision(IntentKind.REMOVE_NOTE, "i2", note="i1", written=written)
        assert found(bare, {**bare, "priority": "urgent"}, taken_out) == [Comparison.NOT_APPLIED]

    def test_does_not_take_the_last_of_several_for_all_of_them(self) -> None:
        """A colleague completed it; that it was given to somebody is not done by that."""
        owner = {"reference": "Practitioner/noel"}
        given = decision(IntentKind.SET_STATUS, "i1", to="in-progress", owner=owner)
        done = decision(IntentKind.SET_STATUS, "i2", seq=2, to="completed")
        theirs = task(status="completed")
        assert found(task(), theirs, given, done) == [Comparison.CHANGED, Comparison.CHANGED]
        assert found(task(), {**theirs, "owner": owner}, given, done) == [
            Comparison.DONE,
            Comparison.DONE,
        ]


class TestAnUpdateThatIsAnsweredWith405:
    """R4 allows that answer where the row is not there, and it says nothing of the type then."""

    def refused(self) -> tuple[Push, m.PendingResource]:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 405, words="not here"))
        assert isinstance(back, m.ReadBack)
        return push, one

    def test_is_a_conflict_where_the_row_is_gone(self) -> None:
        push, one = self.refused()
        push.read(said(one, 404))
        assert push.events == ["found_gone"]
        assert push.state.can.can("update", "Task")

    def test_is_kept_here_where_the_row_is_there(self) -> None:
        push, one = self.refused()
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["no_place"]
        assert not push.state.can.can("update", "Task")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, task("t1"), task("t2"))
    yield cache
    cache.close()


def contact(key: str = "i2", seq: int = 2) -> Intent:
    resource = task("own-2", basedOn=[{"reference": "Task/own-1"}])
    return decision(IntentKind.CREATE, key, "own-2", seq, resource=resource)


class TestALane:
    def test_does_not_wait_with_what_rests_on_nothing(self, cache: Cache) -> None:
        """A contact is refused; the Task is closed after it, but may be urgent before."""
        closed = replace(decision(IntentKind.SET_STATUS, "i3", "t1", 3, to="completed"), after="i2")
        file(cache, create("i1", "own-1"), contact(), closed, urgent("i4", "t1", seq=4))
        happened(cache, "i2", IntentEvent.REFUSED)
        there = lanes(cache)["Task/t1"]
        assert [intent.id for intent in there.intents] == ["i4"]
        assert not there.waits_for

    def test_keeps_what_is_decided_later_on_the_same_element_behind(self, cache: Cache) -> None:
        waits = replace(decision(IntentKind.SET_STATUS, "i3", "t1", 3, to="completed"), after="i2")
        file(cache, create("i1", "own-1"), contact(), waits, accept("i4", "t1", seq=4))
        happened(cache, "i2", IntentEvent.REFUSED)
        assert lanes(cache)["Task/t1"].waits_for == {"i2"}

    def test_is_held_where_what_comes_first_has_found_its_place_since(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"), contact())
        happened(cache, "i1", IntentEvent.UNSUPPORTED)
        free = lanes(cache)["Task/own-2"]
        assert not free.waits_for
        happened(cache, "i1", IntentEvent.SUPPORTED_NOW)
        request = m.Request(free.key, "POST", "Task", {}, "", "", ("i2",), creates=True)
        with writing(cache.session.engine()) as connection:
            rows = SqliteSourceRepository(connection, SOURCE)
            (event,) = record_attempts(rows, (request,), NOW)
        assert isinstance(event, m.ChangesSaved)
        assert [one.waits_for for one in event.pending] == [{"i1"}]

    def test_does_not_name_what_is_kept_here_only(self) -> None:
        kept = replace(create("i1", "own-1"), state=IntentState.LOCAL_ONLY)
        nowhere = m.PendingResource(("Task", "own-1"), (), None, "", local_only=(kept,))
        names_it = lane(contact())
        state = PushState(R4, pending={one.key: one for one in (nowhere, names_it)})
        body = write_request(names_it, state).body
        assert body is not None
        assert "basedOn" not in body
        assert body["for"] == task()["for"]


class TestWhatWasThereAlready:
    def test_keeps_its_base_while_something_is_decided_about_it(self, cache: Cache) -> None:
        """A conditional create finds t1; the decision about t1 rests on the version before."""
        before = task("t1", identifier=named("Encounter/e1"))
        cache.pull(before)
        file(cache, accept("i1", "t1"), create("i2", "own-1", "Encounter/e1", seq=2))
        happened(cache, "i2", IntentEvent.ATTEMPT_RECORDED)
        (made,) = lanes(cache)["Task/own-1"].intents
        theirs = {**before, "status": "completed", "meta": {"versionId": "9"}}
        change = m.Change(
            ("Task", "own-1"), (m.IntentOutcome(made, IntentEvent.ACKNOWLEDGED),), theirs, "9"
        )
        with writing(cache.session.engine()) as connection:
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges((change,)), NOW)
        assert cache.base("Task/t1").body == before
        assert cache.base("Task/t1").theirs == theirs
        assert lanes(cache)["Task/t1"].has_newer_remote


class TestWhatWasDecidedMeanwhile:
    def test_is_compared_by_all_its_elements_also_behind_another_decision(
        self, cache: Cache
    ) -> None:
        """Given to Noel, then put on hold and given to Dana; a colleague has begun it meanwhile."""
        noel, dana = {"reference": "Practitioner/noel"}, {"reference": "Practitioner/dana"}
        given = decision(IntentKind.ASSIGN, "i1", "t1", 1, owner=noel)
        held = decision(IntentKind.SET_STATUS, "i2", "t1", 2, to="on-hold", owner=dana)
        file(cache, given, held)
        theirs = task("t1", status="in-progress", meta={"versionId": "9"})
        change = m.Change(("Task", "t1"), (), theirs, "9", compared=frozenset({"i1"}))
        with writing(cache.session.engine()) as connection:
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges((change,)), NOW)
        states = {intent.id: intent.state for intent in cache.intents()}
        assert states == {"i1": IntentState.QUEUED, "i2": IntentState.CONFLICT}

    def test_is_not_done_by_what_was_taken_back_since(self, cache: Cache) -> None:
        """Urgent, then routine again, which it is: together nothing to send. Not so the first."""
        cache.pull(task("t1", priority="routine", meta={"versionId": "8"}))
        back = decision(IntentKind.SET_PRIORITY, "i2", "t1", 2, to="routine")
        file(cache, urgent("i1", "t1"), back)
        read = lanes(cache)["Task/t1"]
        outcomes = tuple(
            m.IntentOutcome(intent, IntentEvent.ACKNOWLEDGED) for intent in read.intents
        )
        happened(cache, "i2", IntentEvent.DROPPED)
        theirs = task("t1", priority="routine", meta={"versionId": "9"})
        with writing(cache.session.engine()) as connection:
            change = m.Change(("Task", "t1"), outcomes, theirs, "9")
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges((change,)), NOW)
        states = {intent.id: intent.state for intent in cache.intents()}
        assert states == {"i1": IntentState.QUEUED, "i2": IntentState.UNDONE}

    @pytest.mark.parametrize("events", [(), (IntentEvent.ATTEMPT_RECORDED,)])
    def test_is_compared_by_itself_where_it_was_so_with_what_was_taken_back(
        self, cache: Cache, events: tuple[IntentEvent, ...]
    ) -> None:
        """Given to Dana, then to Noel, which a colleague did too; then Noel is taken back."""
        noel, dana = {"reference": "Practitioner/noel"}, {"reference": "Practitioner/dana"}
        file(cache, decision(IntentKind.ASSIGN, "i1", "t1", 1, owner=dana))
        happened(cache, "i1", *events)
        file(cache, decision(IntentKind.ASSIGN, "i2", "t1", 2, owner=noel))
        outcomes = tuple(
            m.IntentOutcome(intent, IntentEvent.ACKNOWLEDGED) for intent in cache.intents()
        )
        happened(cache, "i2", IntentEvent.DROPPED)
        theirs = task("t1", owner=noel, meta={"versionId": "9"})
        with writing(cache.session.engine()) as connection:
            change = m.Change(("Task", "t1"), outcomes, theirs, "9")
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges((change,)), NOW)
        assert cache.intents()[0].state is IntentState.CONFLICT

    def test_is_done_where_a_place_is_found_and_a_colleague_did_it(self, cache: Cache) -> None:
        """Two steps of one decision in one change: to the queue, and done. Nobody took it back."""
        file(cache, urgent("i1", "t1"))
        happened(cache, "i1", IntentEvent.UNSUPPORTED)
        (kept,) = cache.intents()
        queued = replace(kept, state=IntentState.QUEUED)
        steps = (
            m.IntentOutcome(kept, IntentEvent.SUPPORTED_NOW),
            m.IntentOutcome(queued, IntentEvent.ACKNOWLEDGED),
        )
        theirs = task("t1", priority="urgent", meta={"versionId": "9"})
        with writing(cache.session.engine()) as connection:
            change = m.Change(("Task", "t1"), steps, theirs, "9")
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges((change,)), NOW)
        (one,) = cache.intents()
        assert one.state is IntentState.ACKNOWLEDGED

    @pytest.mark.parametrize("first", ["ours", "hers"])
    def test_about_what_turns_out_to_be_another_row_is_compared_by_what_was_seen(
        self, cache: Cache, first: str
    ) -> None:
        """Ours, completed; hers, begun. Then the server says that ours is hers."""
        made = create("i1", "own-1", "one need")
        hers = task("t1", identifier=named("one need"), meta={"versionId": "3"})
        cache.pull(hers)
        done = decision(IntentKind.SET_STATUS, "i2", "own-1", 2, to="completed")
        both = [
            replace(done, seen={"status": "requested"}, after="i1"),
            decision(IntentKind.SET_STATUS, "i3", "t1", 3, to="in-progress"),
        ]
        file(cache, made, *(both if first == "ours" else reversed(both)))
        by_id = {intent.id: intent for intent in cache.intents()}
        begun = {**hers, "status": "in-progress", "meta": {"versionId": "4"}}
        changes = tuple(
            m.Change(key, (m.IntentOutcome(by_id[one], IntentEvent.ACKNOWLEDGED),), base, version)
            for key, one, base, version in (
                (("Task", "own-1"), "i1", hers, "3"),
                (("Task", "t1"), "i3", begun, "4"),
            )
        )
        with writing(cache.session.engine()) as connection:
            save_changes(SqliteSourceRepository(connection, SOURCE), m.SaveChanges(changes), NOW)
        assert {intent.id: intent.state for intent in cache.intents()}["i2"] is IntentState.CONFLICT

    def test_about_what_is_gone_is_asked_about_like_the_rest(self, cache: Cache) -> None:
        """A note while the row was read: sent without a guard, it would make the row anew."""
        file(cache, urgent("i1", "t1"))
        (lane,) = lanes(cache).values()
        file(cache, decision(IntentKind.ADD_NOTE, "i2", "t1", 2, text="Called"))
        state = PushState(can=R4, pending={lane.key: lane})
        verdict = interpret_read_response(state, lane, m.Reply(lane.key, 410), NOW)
        assert verdict.change is not None
        with writing(cache.session.engine()) as connection:
            save_changes(
                SqliteSourceRepository(connection, SOURCE), m.SaveChanges((verdict.change,)), NOW
            )
        assert {intent.id: intent.state for intent in cache.intents()} == {
            "i1": IntentState.CONFLICT,
            "i2": IntentState.CONFLICT,
        }


class TestWhatWeAreMaking:
    """Its answer was lost, and a pull brings it, with a colleague's change in it already."""

    def test_gets_no_base_by_a_pull_but_by_settling(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"))
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED)
        made = task("own-1", identifier=named("own-1"), priority="stat", meta={"versionId": "2"})
        with writing(cache.session.engine()) as connection:
            rows = SqliteSourceRepository(connection, SOURCE)
            rows.mirror.save([made], NOW)
            assert rows.mirror.base("Task", "own-1").body is None
        (waiting,) = lanes(cache).values()
        assert waiting.base is None
        assert waiting.phase is m.Phase.DOUBTFUL

    def test_is_not_lost_where_it_is_let_go(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"))
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED)
        made = task("own-1", identifier=named("own-1"), meta={"versionId": "2"})
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).mirror.save([made], NOW)
        happened(cache, "i1", IntentEvent.REFUSED, IntentEvent.DISCARDED)
        with writing(cache.session.engine()) as connection:
            rows = SqliteSourceRepository(connection, SOURCE)
            rows.mirror.apply_theirs("Task", "own-1", NOW)
            assert rows.mirror.base("Task", "own-1").body == made
