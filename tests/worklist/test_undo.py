"""Taking back: dropped where it has not left, guarded and in the history where it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent, IntentKind, IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from tests.fhir.clinic import DANA, NOEL, NOW, ref, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.worklist.world import (
    DISCHARGE,
    FOLLOW_UP,
    HANDOFF,
    LONE,
    REFERRAL,
    give_up,
    queue,
    send,
    summary,
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


ACTS: list[tuple[str, str, dict[str, str]]] = [
    ("accept", REFERRAL, {}),
    ("accept", HANDOFF, {}),
    ("accept", LONE, {}),
    ("decline", REFERRAL, {"reason": "no capacity"}),
    ("claim", DISCHARGE, {}),
    ("done", FOLLOW_UP, {}),
    ("log", DISCHARGE, {"outcome": "reached"}),
    ("snooze", FOLLOW_UP, {"until": "3bd"}),
    ("note", FOLLOW_UP, {"text": "Called"}),
    ("assign", FOLLOW_UP, {"to": "Ortiz"}),
    ("handoff", FOLLOW_UP, {"to": "Access", "summary": "x"}),
    ("priority", FOLLOW_UP, {"to": "stat"}),
    ("new", FOLLOW_UP, {"text": "Call the school", "until": "2bd"}),
]


def happened(cache: Cache, *events: IntentEvent) -> None:
    """Something happens to everything that is open, as a push would keep it."""
    with writing(cache.session.engine()) as connection:
        charts = set()
        for event in events:
            for intent in SqliteSourceRepository(connection, SOURCE).outbox.open_intents():
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                    intent, event, "their words", NOW
                )
                charts.add((intent.source, intent.chart))
        cache.session.projector().project(connection, charts, NOW)


def view(cache: Cache, key: str) -> dict[str, Any] | None:
    with cache.session.engine().connect() as connection:
        return SqliteSourceRepository(connection, SOURCE).views.resource("Task", key)


class TestBeforeItLeft:
    @pytest.mark.parametrize(("verb", "key", "answers"), ACTS)
    def test_it_never_was(self, cache: Cache, verb: str, key: str, answers: dict[str, str]) -> None:
        before = cache.rows()
        cache.desk.act(verb, [key], answers, NOW)
        undone = cache.desk.undo(NOW)
        assert cache.rows() == before
        assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}
        assert undone.message.startswith("Undone: ")
        assert undone.changed == (key,)

    def test_it_stays_in_the_history(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.undo(NOW)
        (intent,) = cache.intents()
        assert intent.words == "undone"
        assert [row[3] for row in sorted(cache.table("audit"))] == ["note", "undo"]

    @pytest.mark.parametrize(
        "way",
        [
            (IntentEvent.UNSUPPORTED,),
            (IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED),
            (IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED),
        ],
    )
    def test_nor_where_it_never_became_true_on_the_server(
        self, cache: Cache, way: tuple[IntentEvent, ...]
    ) -> None:
        before = cache.rows()
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        happened(cache, *way)
        cache.desk.undo(NOW)
        assert cache.rows() == before
        assert summary(cache) == [("set_priority", "Task/t1")]


class TestTheOrder:
    def test_is_the_last_first(self, cache: Cache) -> None:
        for text in ("one", "two", "three"):
            cache.desk.act("note", [FOLLOW_UP], {"text": text}, NOW)
        undone = []
        for _ in range(3):
            before = {intent.id for intent in cache.intents(["queued"])}
            cache.desk.undo(NOW)
            (gone,) = before - {intent.id for intent in cache.intents(["queued"])}
            undone += [intent.args["text"] for intent in cache.intents() if intent.id == gone]
        assert undone == ["three", "two", "one"]

    def test_ends_where_nothing_is_left(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.undo(NOW)
        with pytest.raises(BadQuestion, match="nothing of yours to undo"):
            cache.desk.undo(NOW)

    def test_passes_over_what_was_undone_after_it_was_sent(self, cache: Cache) -> None:
        first = cache.desk.act("note", [FOLLOW_UP], {"text": "one"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "two"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        cache.desk.undo(NOW)
        *_, last = cache.intents()
        assert last.inverse_of == first.group
        with pytest.raises(BadQuestion):
            cache.desk.undo(NOW)

    def test_may_be_another_group_by_its_name(self, cache: Cache) -> None:
        first = cache.desk.act("note", [FOLLOW_UP], {"text": "one"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "two"}, NOW)
        cache.desk.undo(NOW, first.group)
        assert [intent.args["text"] for intent in cache.intents(["queued"])] == ["two"]

    def test_of_a_group_that_nobody_did_is_refused(self, cache: Cache) -> None:
        with pytest.raises(BadQuestion, match="nothing of yours"):
            cache.desk.undo(NOW, "no-such-group")

    def test_of_the_same_group_twice_is_refused(self, cache: Cache) -> None:
        acted = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW, acted.group)
        send(cache)
        with pytest.raises(
            BadQuestion, match=r"priority OKAFOR, Amara J\. It was undone or discarded already"
        ):
            cache.desk.undo(NOW, acted.group)


class TestAnInverseThatWasDropped:
    def test_undid_nothing_so_the_act_can_be_undone_again(self, cache: Cache) -> None:
        acted = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        inverse = cache.desk.undo(NOW).group
        cache.desk.undo(NOW, inverse)
        assert (view(cache, "t1") or {})["priority"] == "stat"
        assert cache.desk.undoable().group == acted.group
        cache.desk.undo(NOW)
        assert "priority" not in (view(cache, "t1") or {})

    def test_because_the_person_kept_theirs_hides_no_earlier_act(self, cache: Cache) -> None:
        acted = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        happened(cache, IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED)
        give_up(cache, FOLLOW_UP)
        assert cache.desk.undoable().group == acted.group


class TestAfterItWasSent:
    @pytest.mark.parametrize(("verb", "key", "answers"), ACTS)
    def test_the_row_is_what_it_was(
        self, cache: Cache, verb: str, key: str, answers: dict[str, str]
    ) -> None:
        """But for its being derived no more: its Task is there now, open and nobody's."""
        before = {row.key: (row.band, row.title, row.move) for row in cache.rows()}
        cache.desk.act(verb, [key], answers, NOW)
        send(cache)
        cache.desk.undo(NOW)
        send(cache)
        assert {row.key: (row.band, row.title, row.move) for row in cache.rows()} == before
        assert cache.intents(["queued"]) == []

    @pytest.mark.parametrize("state", ["in doubt", "acknowledged"])
    def test_an_inverse_waits_and_what_was_done_stays_done(self, cache: Cache, state: str) -> None:
        acted = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        if state == "acknowledged":
            send(cache)
        else:
            happened(cache, IntentEvent.ATTEMPT_RECORDED)
        undone = cache.desk.undo(NOW)
        act, inverse = cache.intents()
        assert act.state is not IntentState.UNDONE
        assert (inverse.kind, inverse.state) == (IntentKind.RESTORE, IntentState.QUEUED)
        assert (inverse.inverse_of, inverse.group) == (acted.group, undone.group)
        shown = view(cache, "t1")
        assert shown is not None
        assert "priority" not in shown

    def test_of_many_the_inverses_are_one_group(self, tmp_path: Path) -> None:
        cache = clinic_of_dana(
            tmp_path / "many", *(task(f"m{n}", owner=ref(DANA)) for n in range(4))
        )
        keys = [f"main:Task/m{number}" for number in range(4)]
        cache.desk.act("priority", keys, {"to": "stat"}, NOW)
        send(cache)
        undone = cache.desk.undo(NOW)
        inverses = cache.intents(["queued"])
        assert {one.group for one in inverses} == {undone.group}
        assert {one.item_key for one in inverses} == set(keys)
        cache.close()

    def test_of_a_group_that_was_sent_in_part_is_dropped_in_part(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP, REFERRAL], {"to": "stat"}, NOW)
        first, second = cache.intents()
        with writing(cache.session.engine()) as connection:
            for event in (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED):
                (now,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([first.id])
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(now, event, "", NOW)
        cache.pull(task("t1", owner=ref(DANA), requester=ref(NOEL), priority="stat"))
        cache.desk.undo(NOW)
        states = {intent.id: intent.state for intent in cache.intents()}
        assert states[second.id] is IntentState.UNDONE
        (inverse,) = cache.intents(["queued"])
        assert inverse.target_id == "t1"


def test_a_task_for_an_item_whose_owner_has_not_been_sent_yet_can_be_undone(cache: Cache) -> None:
    cache.desk.act("claim", [DISCHARGE], {}, NOW)
    created, claimed = cache.intents()
    with writing(cache.session.engine()) as connection:
        source = SqliteSourceRepository(connection, SOURCE)
        source.mirror.move_base(created.args["resource"], "1", NOW)
        for event in (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED):
            source.outbox.apply_event(source.outbox.by_ids([created.id])[0], event, "", NOW)
    cache.desk.undo(NOW)
    states = {intent.id: intent.state for intent in cache.intents()}
    assert states[claimed.id] is IntentState.UNDONE
    assert "owner" not in (view(cache, created.target_id) or {})


class TestWhatOthersDidSince:
    """Taking back puts back what the person saw, and never removes what a colleague did."""

    def test_is_not_undone_and_the_person_is_told(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.pull(task("t1", owner=ref(DANA), priority="asap", meta={"versionId": "10"}))
        with pytest.raises(BadQuestion, match=r"changed since.*Nothing was changed"):
            cache.desk.undo(NOW)
        assert cache.intents(["queued"]) == []
        assert view(cache, "t1") == task(
            "t1", owner=ref(DANA), priority="asap", meta={"versionId": "10"}
        )

    def test_elsewhere_in_the_task_does_not_matter(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        theirs = task("t1", owner=ref(NOEL), priority="stat", meta={"versionId": "10"})
        cache.pull(theirs)
        cache.desk.undo(NOW)
        shown = view(cache, "t1")
        assert shown is not None
        assert (shown["owner"], "priority" in shown) == (ref(NOEL), False)

    def test_to_one_of_many_leaves_that_one_and_takes_the_others_back(self, tmp_path: Path) -> None:
        cache = clinic_of_dana(
            tmp_path / "many", *(task(f"m{n}", owner=ref(DANA)) for n in range(3))
        )
        keys = [f"main:Task/m{number}" for number in range(3)]
        cache.desk.act("priority", keys, {"to": "stat"}, NOW)
        send(cache)
        cache.pull(task("m1", owner=ref(DANA), priority="asap"))
        undone = cache.desk.undo(NOW)
        assert undone.changed == (keys[0], keys[2])
        assert [one.key for one in undone.refused] == [keys[1]]
        assert undone.message == (
            "Undone: Priority set, 2 items; 1 changed since: OKAFOR, Amara J."
        )
        assert {intent.target_id for intent in cache.intents(["queued"])} == {"m0", "m2"}
        cache.close()

    def test_to_a_task_of_ours_keeps_it(self, cache: Cache) -> None:
        """A colleague has taken on what I created: it is hers now."""
        cache.desk.act("new", [FOLLOW_UP], {"text": "Call the school", "until": "2bd"}, NOW)
        send(cache)
        (created,) = cache.intents()
        theirs = {**created.args["resource"], "status": "completed"}
        cache.pull(theirs)
        with pytest.raises(BadQuestion, match="changed since"):
            cache.desk.undo(NOW)

    def test_to_the_task_of_a_derived_item_keeps_it(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        send(cache)
        (created, _) = cache.intents()
        cache.pull({**created.args["resource"], "owner": ref(NOEL)})
        with pytest.raises(BadQuestion, match="changed since"):
            cache.desk.undo(NOW)


class TestWhatWouldWaitBehindAConflict:
    """The view would not show it: it would be called taken back, and look as it did."""

    @pytest.fixture
    def torn(self, cache: Cache) -> str:
        """Urgent, then stat, and stat taken back: that is in conflict. The group of the first."""
        first = cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        happened(cache, IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED)
        theirs = task("t1", owner=ref(DANA), priority="urgent", meta={"versionId": "10"})
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).mirror.move_base(theirs, "10", NOW)
        return str(first.group)

    def test_is_not_undone_and_the_person_is_told_what_comes_first(
        self, cache: Cache, torn: str
    ) -> None:
        before = cache.table("intent")
        with pytest.raises(BadQuestion, match=r"waits for your answer.*Answer that first: x"):
            cache.desk.undo(NOW, torn)
        assert cache.table("intent") == before

    def test_may_be_undone_after_the_answer(self, cache: Cache, torn: str) -> None:
        give_up(cache, FOLLOW_UP)
        assert cache.desk.undo(NOW, torn).changed == (FOLLOW_UP,)
        assert "priority" not in (view(cache, "t1") or {})


def test_what_was_made_and_answered_wrongly_is_sent_again_first(cache: Cache) -> None:
    """Dropped, it would stay on the server, and in the queue, although it was called taken back."""
    cache.desk.act("new", [FOLLOW_UP], {"text": "Call the school", "until": "2bd"}, NOW)
    (created,) = cache.intents()
    happened(cache, IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED)
    cache.pull(created.args["resource"])
    happened(cache, IntentEvent.RETRIED)
    with pytest.raises(BadQuestion, match=r"has it already.*Nothing was changed.*Sync first"):
        cache.desk.undo(NOW)
    happened(cache, IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED)
    with writing(cache.session.engine()) as connection:
        SqliteSourceRepository(connection, SOURCE).mirror.move_base(
            created.args["resource"], "1", NOW
        )
    cache.desk.undo(NOW)
    assert "Call the school" not in {row.title for row in cache.rows()}


class TestWhatRestsOnIt:
    def test_keeps_a_task_of_ours_from_being_dropped(self, cache: Cache) -> None:
        first = cache.desk.act("claim", [DISCHARGE], {}, NOW)
        cache.desk.act("note", [DISCHARGE], {"text": "x"}, NOW)
        before = cache.table("intent")
        with pytest.raises(BadQuestion, match="Undo the later act first"):
            cache.desk.undo(NOW, first.group)
        assert cache.table("intent") == before

    def test_may_be_undone_first(self, cache: Cache) -> None:
        first = cache.desk.act("claim", [DISCHARGE], {}, NOW)
        cache.desk.act("note", [DISCHARGE], {"text": "x"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.undo(NOW, first.group)
        assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}

    def test_is_no_hindrance_where_nothing_is_created(self, cache: Cache) -> None:
        first = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.desk.undo(NOW, first.group)
        assert [intent.kind for intent in cache.intents(["queued"])] == [IntentKind.ADD_NOTE]


def test_the_version_next_to_the_base_is_shown_when_the_decision_is_undone(cache: Cache) -> None:
    cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
    cache.pull(task("t1", owner=ref(DANA), description="Visit", meta={"versionId": "2"}))
    assert cache.row(FOLLOW_UP).title == "Call about the group"
    cache.desk.undo(NOW)
    assert cache.row(FOLLOW_UP).title == "Visit"
