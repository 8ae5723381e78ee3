"""The desk over a cache: whom an item can be given to, and how an answer is read there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent
from carequeue.worklist.act_inputs import people, sources_of
from carequeue.worklist.conflict_question import Asked
from carequeue.worklist.desk import Desk
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.outbox_desk import OutboxDesk
from tests.fhir.clinic import NOW, task
from tests.store.cache import SOURCE, Cache
from tests.worklist import meanwhile
from tests.worklist.world import FOLLOW_UP, REFERRAL, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def test_items_of_one_source_are_given_to_its_people_the_last_used_first(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    first = desk.people([FOLLOW_UP])[-1]
    assert not any(person.last_chosen for person in desk.people([FOLLOW_UP]))
    desk.act("assign", [FOLLOW_UP], {"to": first.reference}, NOW)
    with desk.reading() as reading:
        assert people(reading, [SOURCE], NOW)[0] == replace(first, last_chosen=True)
        assert people(reading, [], NOW) == ()


def test_nobody_was_last_chosen_by_what_i_took_over_or_undid(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    desk.act("claim", [REFERRAL], {}, NOW)
    desk.act("assign", [FOLLOW_UP], {"to": desk.people([FOLLOW_UP])[-1].reference}, NOW)
    desk.undo(NOW)
    assert not any(person.last_chosen for person in desk.people([FOLLOW_UP]))


def test_an_answer_that_cannot_be_read_is_no_act(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    told: list[datetime] = []
    desk.decided = lambda: told.append(NOW)
    with pytest.raises(BadQuestion):
        desk.act("snooze", [FOLLOW_UP], {"until": "whenever"}, NOW)
    assert (cache.intents(), told) == ([], [])
    assert not desk.check_input("snooze", "until", "whenever", NOW)[0]
    assert desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW).changed
    assert told == [NOW]


def test_the_sources_of_items_are_named_once(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    assert sources_of(desk._window, [FOLLOW_UP, REFERRAL, "main:Task/none"]) == (SOURCE,)


def test_a_question_is_asked_of_what_is_in_conflict_alone(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    with desk.reading() as reading:
        assert Asked(reading, Wording(reading, NOW), FOLLOW_UP).sides == []
    desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    meanwhile.find(cache, task("t1", priority="stat"))
    with desk.reading() as reading:
        asked = Asked(reading, Wording(reading, NOW), FOLLOW_UP)
        assert [side.unit for side in asked.sides] == [["priority"]]
        assert asked.conflict.can == ("mine", "theirs")


def test_the_audit_log_names_whose_outbox_it_was(cache: Cache) -> None:
    desk: Desk = cache.session.desk
    desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    meanwhile.answer(cache, IntentEvent.REFUSED, "422 no such priority")
    outbox = OutboxDesk("Practitioner/other", desk.reading, desk._writing)
    assert outbox.retry([], NOW).changed == (FOLLOW_UP,)
    with desk.reading() as reading:
        authors = reading.connection.exec_driver_sql("SELECT actor, action FROM audit").all()
    assert ("Practitioner/other", "retry") in [tuple(row) for row in authors]
