"""Doing again what was undone: the same act, decided now, with new ids for what it creates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.fhir import codes, values
from carequeue.fhir.intent_effects import iso
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from tests.fhir.clinic import DANA, NOEL, NOW, PATIENT, ref, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.worklist.test_heard import BOTH, TAKES_VISITS
from tests.worklist.test_undo import ACTS, happened
from tests.worklist.world import DISCHARGE, FOLLOW_UP, REFERRAL, SENT, queue, send

CLIENT = "main:Patient/c1"
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def standing(cache: Cache) -> list[Intent]:
    return [intent for intent in cache.intents() if intent.state is not IntentState.UNDONE]


def with_create_sent(cache: Cache) -> None:
    """The server takes the first of the waiting intents, a create, and not the others."""
    create, *rest = cache.intents(["queued"])
    with writing(cache.session.engine()) as connection:
        source = SqliteSourceRepository(connection, SOURCE)
        source.mirror.move_base(create.args["resource"], "1", NOW)
        for event in (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED):
            source.outbox.apply_event(source.outbox.by_ids([create.id])[0], event, "", NOW)
        cache.session.projector().project(connection, source.charts, NOW)
    assert rest


def titles(cache: Cache) -> list[tuple[str, str]]:
    """Client and title of every row."""
    return sorted((row.client, row.title) for row in cache.rows())


def changes(intents: list[Intent]) -> list[tuple[str, Any]]:
    """Kinds and arguments, without the ids of what is created."""
    return [
        (
            intent.kind,
            {
                name: {**value, "id": "", "identifier": ""} if name == "resource" else value
                for name, value in intent.args.items()
            },
        )
        for intent in intents
    ]


@pytest.mark.parametrize(("verb", "key", "answers"), ACTS)
class TestTheSameAct:
    def test_before_it_left(
        self, cache: Cache, verb: str, key: str, answers: dict[str, str]
    ) -> None:
        cache.desk.act(verb, [key], answers, NOW)
        old, rows = standing(cache), cache.rows()
        cache.desk.undo(NOW)
        acted = cache.desk.undos.redo(NOW)
        new = standing(cache)
        assert acted.message.startswith("Done again: ")
        assert acted.changed == (key,)
        assert changes(new) == changes(old)
        assert len(cache.rows()) == len(rows)
        assert {intent.verb for intent in new} == {verb}
        assert {intent.group for intent in new} == {acted.group}
        assert not {intent.id for intent in old} & {intent.id for intent in new}

    def test_after_it_was_sent(
        self, cache: Cache, verb: str, key: str, answers: dict[str, str]
    ) -> None:
        cache.desk.act(verb, [key], answers, NOW)
        send(cache)
        cache.desk.undo(NOW)
        send(cache)
        before = {intent.id for intent in cache.intents()}
        acted = cache.desk.undos.redo(LATER)
        new = [intent for intent in cache.intents() if intent.id not in before]
        assert acted.changed == (key,)
        assert new
        assert {intent.decided_at for intent in new} == {LATER}
        assert cache.desk.undoable().group == acted.group


class TestNewIds:
    def test_what_was_created_gets_a_new_id_and_identifier(self, cache: Cache) -> None:
        cache.desk.act("log", [FOLLOW_UP], {"outcome": "no answer"}, NOW)
        (old,) = standing(cache)
        cache.desk.undo(NOW)
        cache.desk.undos.redo(NOW)
        (new,) = standing(cache)
        resource = new.args["resource"]
        assert new.target_id == resource["id"] != old.target_id
        assert values.identifier_value(resource, codes.IDENTIFIER) == new.target_id
        assert resource["sent"] == old.args["resource"]["sent"]

    def test_a_task_that_stands_for_an_item_keeps_its_identifier(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        old = standing(cache)
        cache.desk.undo(NOW)
        cache.desk.undos.redo(NOW)
        created, claimed = standing(cache)
        was = old[0].args["resource"]["identifier"]
        assert created.args["resource"]["identifier"] == was
        assert claimed.target_id == created.target_id != old[0].target_id
        assert claimed.after == created.id

    def test_and_is_not_created_twice(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        created = standing(cache)[0]
        send(cache)
        cache.desk.undo(NOW)
        send(cache)
        known = {intent.id for intent in cache.intents()}
        cache.desk.undos.redo(NOW)
        (claimed,) = [intent for intent in cache.intents() if intent.id not in known]
        assert (claimed.target_id, claimed.after) == (created.target_id, "")


class TestWhileTheUndoHasNotLeft:
    @pytest.mark.parametrize(("verb", "key", "answers"), ACTS)
    def test_the_undo_is_dropped_and_nothing_is_sent_again(
        self, cache: Cache, verb: str, key: str, answers: dict[str, str]
    ) -> None:
        done = cache.desk.act(verb, [key], answers, NOW)
        send(cache)
        rows, known = cache.rows(), cache.intents()
        cache.desk.undo(NOW)
        acted = cache.desk.undos.redo(LATER)
        assert acted.group == done.group == cache.desk.undoable().group
        assert acted.changed == (key,)
        assert cache.rows() == rows
        assert standing(cache) == known
        cache.desk.undo(LATER)
        cache.desk.undos.redo(LATER)
        assert standing(cache) == known

    def test_it_is_a_new_act_once_the_undo_may_have_left(self, cache: Cache) -> None:
        done = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        happened(cache, IntentEvent.ATTEMPT_RECORDED)
        acted = cache.desk.undos.redo(NOW)
        assert acted.group != done.group
        assert [intent.kind.value for intent in standing(cache)] == [
            "set_priority", "restore", "set_priority",
        ]  # fmt: skip

    def test_it_is_a_new_act_where_a_part_was_dropped(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        with_create_sent(cache)
        cache.desk.undo(NOW)
        acted = cache.desk.undos.redo(NOW)
        assert {intent.group for intent in cache.intents(["queued"]) if not intent.inverse_of} == {
            acted.group
        }


class TestAnActForAClientWithoutARow:
    ACTS = (
        ("new", {"text": "Call the school", "until": "2bd"}),
        ("refer", {"to": "County Shelter", "text": "Housing", "priority": "urgent"}),
        *BOTH,
    )

    @pytest.fixture
    def cache(self, tmp_path: Path) -> Iterator[Cache]:
        cache = clinic_of_dana(tmp_path, PATIENT, task(owner=ref(DANA)), can=TAKES_VISITS)
        yield cache
        cache.close()

    @pytest.mark.parametrize(("verb", "answers"), ACTS)
    def test_is_done_again_before_it_left(
        self, cache: Cache, verb: str, answers: dict[str, str]
    ) -> None:
        assert cache.desk.act(verb, [CLIENT], answers, NOW).changed
        rows = titles(cache)
        cache.desk.undo(NOW)
        assert titles(cache) != rows
        cache.desk.undos.redo(NOW)
        assert titles(cache) == rows

    @pytest.mark.parametrize(("verb", "answers"), ACTS)
    def test_is_done_again_after_its_undo_was_sent(
        self, cache: Cache, verb: str, answers: dict[str, str]
    ) -> None:
        cache.desk.act(verb, [CLIENT], answers, NOW)
        old = standing(cache)
        send(cache)
        rows = titles(cache)
        cache.desk.undo(NOW)
        send(cache)
        known = {intent.id for intent in cache.intents()}
        acted = cache.desk.undos.redo(LATER)
        assert titles(cache) == rows
        new = [intent for intent in cache.intents() if intent.id not in known]
        assert [intent.target_type for intent in new] == [intent.target_type for intent in old]
        names = [values.identifier_value(i.args["resource"], codes.IDENTIFIER) for i in old + new]
        assert len(set(names)) == len(names), "an identifier that is used up was taken again"
        assert set(acted.changed) <= {row.key for row in cache.rows()}


class TestAMessage:
    def test_is_sent_now_and_a_contact_keeps_its_time(self, cache: Cache) -> None:
        for verb, key in (("remind", SENT), ("log", FOLLOW_UP)):
            cache.desk.act(verb, [key], {"outcome": "no answer"} if verb == "log" else {}, NOW)
            cache.desk.undo(NOW)
            cache.desk.undos.redo(LATER)
        sent = {
            intent.verb: intent.args["resource"]["sent"]
            for intent in standing(cache)
            if intent.target_type == "Communication"
        }
        assert sent == {"remind": iso(LATER), "log": iso(NOW)}


class TestRefused:
    def test_where_the_verb_does_not_apply_any_more(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        cache.desk.undo(NOW)
        cache.pull(task("t1", status="completed", owner=ref(NOEL), version="9"))
        with pytest.raises(BadQuestion, match=r"Nothing was done again\.$"):
            cache.desk.undos.redo(NOW)
        assert standing(cache) == []

    def test_where_the_record_names_another_client(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        cache.desk.undo(NOW)
        other = {"reference": "Patient/c2", "display": "Other"}
        cache.pull(task("t1", owner=ref(DANA), **{"for": other}))
        with pytest.raises(BadQuestion, match="now names another client"):
            cache.desk.undos.redo(NOW)
        assert standing(cache) == []

    def test_where_the_time_of_a_snooze_has_passed(self, cache: Cache) -> None:
        cache.desk.act("snooze", [FOLLOW_UP], {"until": "4h"}, NOW)
        cache.desk.undo(NOW)
        with pytest.raises(BadQuestion, match="a time that has passed"):
            cache.desk.undos.redo(NOW + timedelta(hours=5))
        assert standing(cache) == []

    def test_of_several_items_those_that_it_does_not_apply_to_are_named(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP, REFERRAL], {"text": "Called"}, NOW)
        cache.desk.undo(NOW)
        cache.pull(task("t1", owner=ref(DANA), **{"for": {"reference": "Patient/c2"}}))
        acted = cache.desk.undos.redo(NOW)
        assert acted.changed == (REFERRAL,)
        assert "; not done: " in acted.message
        assert {intent.item_key for intent in standing(cache)} == {REFERRAL}
