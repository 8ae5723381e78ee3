"""The intents of an act: where each can go, and what is stored of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentState
from carequeue.fhir.jsontext import loads
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.store.cache import READ_ONLY, Cache
from tests.worklist.world import (
    ANSWERS,
    DISCHARGE,
    FOLLOW_UP,
    LONE,
    REFERRAL,
    queue,
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


class TestAMalformedRecord:
    def test_is_said_to_be_one_where_a_decision_on_it_is_local_only(self, tmp_path: Path) -> None:
        whole = json.dumps(task("t9", owner=ref(DANA)))
        cache = queue(tmp_path / "odd", loads(f'{whole[:-1]},"intent":"order"}}'.encode()))
        acted = cache.desk.act("note", ["main:Task/t9"], {"text": "x"}, NOW)
        assert (
            "Saved on this computer only: this record is malformed, and is never written back."
            in acted.message
        )
        cache.close()


class TestAServerThatTakesNoTask:
    def test_has_every_decision_local_only_and_the_person_is_told(self, tmp_path: Path) -> None:
        cache = queue(tmp_path / "read-only", can=READ_ONLY)
        acted = cache.desk.act("snooze", [FOLLOW_UP], {"until": "3bd"}, NOW)
        assert (
            "Saved on this computer only: the server does not support this change." in acted.message
        )
        assert acted.kept_here == 1
        (intent,) = cache.intents()
        assert intent.state is IntentState.LOCAL_ONLY
        row = cache.row(FOLLOW_UP)
        assert (row.band, row.sync) == (6, "kept_here")
        cache.close()

    @pytest.mark.parametrize(("verb", "key"), [("claim", DISCHARGE), ("log", FOLLOW_UP)])
    def test_keeps_a_whole_group_together(self, tmp_path: Path, verb: str, key: str) -> None:
        cache = queue(tmp_path / "read-only", can=READ_ONLY)
        cache.desk.act(verb, [key], ANSWERS.get(verb, {}), NOW)
        assert {intent.state for intent in cache.intents()} == {IntentState.LOCAL_ONLY}
        cache.desk.act("note", [key], {"text": "and this"}, NOW)
        assert {intent.state for intent in cache.intents()} == {IntentState.LOCAL_ONLY}
        cache.close()

    def test_is_known_before_the_person_types(self, tmp_path: Path) -> None:
        cache = queue(tmp_path / "read-only", can=READ_ONLY)
        preview = cache.desk.preview("claim", [REFERRAL, LONE, DISCHARGE], {}, NOW)
        assert preview.kept_here == preview.changes == (REFERRAL, LONE, DISCHARGE)
        cache.close()

    def test_is_counted_for_the_header(self, tmp_path: Path) -> None:
        cache = queue(tmp_path / "read-only", can=READ_ONLY)
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        health = cache.desk.health(NOW)
        assert (health.kept_here, health.waiting, health.needs_you) == (1, 0, 0)
        cache.close()


def test_what_is_kept_of_an_act_is_json_that_anybody_can_read(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP], {"text": "Ça va ‹ok›"}, NOW)
    with cache.session.engine().connect() as connection:
        (args,) = connection.exec_driver_sql("SELECT args FROM intent").scalars().all()
    assert json.loads(args) == {"text": "Ça va ‹ok›"}
