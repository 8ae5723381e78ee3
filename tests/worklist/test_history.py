"""One's own acts: newest first, in the words of the verbs, with their state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentEvent
from carequeue.worklist.history import PastAct
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist.test_undo import happened
from tests.worklist.world import FOLLOW_UP, LONE, REFERRAL, queue, send


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def acts(cache: Cache, offset: int = 0, limit: int = 50) -> list[PastAct]:
    return list(cache.desk.undos.history(NOW, offset, limit))


def states(cache: Cache) -> list[str]:
    return [act.state for act in acts(cache)]


def test_are_listed_newest_first_with_client_time_and_group(cache: Cache) -> None:
    assert acts(cache) == []
    cache.desk.act("accept", [LONE], {}, NOW)
    noted = cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW + timedelta(minutes=1))
    newest, oldest = acts(cache)
    assert newest == PastAct(
        noted.group, NOW + timedelta(minutes=1), "OKAFOR, Amara J", "Noted: Called", "waiting"
    )
    assert (oldest.did, oldest.at) == ("Accepted", NOW)


def test_an_act_on_several_items_is_one_line(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP, REFERRAL], {"text": "Called"}, NOW)
    (act,) = acts(cache)
    assert (act.client, act.did) == ("2 items", "Noted: Called")


def test_are_read_by_the_page(cache: Cache) -> None:
    for number in range(5):
        cache.desk.act("note", [FOLLOW_UP], {"text": str(number)}, NOW)
    assert [act.did for act in acts(cache, 1, 2)] == ["Noted: 3", "Noted: 2"]
    assert [act.did for act in acts(cache, 4, 2)] == ["Noted: 0"]


class TestTheState:
    @pytest.mark.parametrize(
        ("events", "state"),
        [
            ((), "waiting"),
            ((IntentEvent.UNSUPPORTED,), "local only"),
            ((IntentEvent.ATTEMPT_RECORDED,), "checking"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED), "conflict"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED), "refused"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED), "sent"),
        ],
    )
    def test_is_that_of_the_outbox(
        self, cache: Cache, events: tuple[IntentEvent, ...], state: str
    ) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        for event in events:
            happened(cache, event)
        assert states(cache) == [state]

    def test_is_undone_before_and_after_sending_and_the_undo_is_no_line(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        assert states(cache) == ["undone", "undone"]
        cache.desk.undos.redo(NOW)  # the undo had not left
        assert states(cache) == ["sent", "undone"]


def test_an_act_is_undone_by_its_group(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    cache.desk.act("accept", [REFERRAL], {}, NOW)
    cache.desk.undo(NOW, acts(cache)[1].group)
    assert states(cache) == ["waiting", "undone"]
