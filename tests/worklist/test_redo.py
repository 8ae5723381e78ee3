"""Doing again what was undone: the same act, decided now, with new ids for what it creates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentState
from carequeue.fhir import codes, values
from tests.fhir.clinic import DANA, NOEL, NOW, ref, task
from tests.store.cache import Cache
from tests.worklist.test_undo import ACTS
from tests.worklist.world import DISCHARGE, FOLLOW_UP, REFERRAL, queue, send

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def standing(cache: Cache) -> list[Intent]:
    return [intent for intent in cache.intents() if intent.state is not IntentState.UNDONE]


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
        acted = cache.desk.redo(NOW)
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
        acted = cache.desk.redo(LATER)
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
        cache.desk.redo(NOW)
        (new,) = standing(cache)
        resource = new.args["resource"]
        assert new.target_id == resource["id"] != old.target_id
        assert values.identifier_value(resource, codes.IDENTIFIER) == new.target_id
        assert resource["sent"] == old.args["resource"]["sent"]

    def test_a_task_that_stands_for_an_item_keeps_its_identifier(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        old = standing(cache)
        cache.desk.undo(NOW)
        cache.desk.redo(NOW)
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
        cache.desk.redo(NOW)
        (claimed,) = [intent for intent in cache.intents() if intent.id not in known]
        assert (claimed.target_id, claimed.after) == (created.target_id, "")


class TestRefused:
    def test_where_the_verb_does_not_apply_any_more(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        cache.desk.undo(NOW)
        cache.pull(task("t1", status="completed", owner=ref(NOEL), version="9"))
        with pytest.raises(BadQuestion, match=r"Nothing was changed\.$"):
            cache.desk.redo(NOW)
        assert standing(cache) == []

    def test_where_the_record_names_another_client(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        cache.desk.undo(NOW)
        other = {"reference": "Patient/c2", "display": "Other"}
        cache.pull(task("t1", owner=ref(DANA), **{"for": other}))
        with pytest.raises(BadQuestion, match="now names another client"):
            cache.desk.redo(NOW)
        assert standing(cache) == []

    def test_where_the_time_of_a_snooze_has_passed(self, cache: Cache) -> None:
        cache.desk.act("snooze", [FOLLOW_UP], {"until": "4h"}, NOW)
        cache.desk.undo(NOW)
        with pytest.raises(BadQuestion, match="a time that has passed"):
            cache.desk.redo(NOW + timedelta(hours=5))
        assert standing(cache) == []

    def test_of_several_items_those_that_it_does_not_apply_to_are_named(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP, REFERRAL], {"text": "Called"}, NOW)
        cache.desk.undo(NOW)
        cache.pull(task("t1", owner=ref(DANA), **{"for": {"reference": "Patient/c2"}}))
        acted = cache.desk.redo(NOW)
        assert acted.changed == (REFERRAL,)
        assert "; not done: " in acted.message
        assert {intent.item_key for intent in standing(cache)} == {REFERRAL}
