"""What the server did not take can be let go, item by item; what it holds stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from tests.fhir.clinic import NOW
from tests.store.cache import SOURCE, Cache
from tests.worklist.world import FOLLOW_UP, REFERRAL, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = queue(tmp_path / "dana")
    yield found
    found.close()


def refuse(cache: Cache, key: str, event: IntentEvent) -> None:
    """The server does not take what was decided about an item."""
    with writing(cache.session.engine()) as connection:
        for intent in [one for one in cache.intents() if one.item_key == key]:
            for each in (IntentEvent.ATTEMPT_RECORDED, event):
                (now,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([intent.id])
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                    now, each, "422 no such priority", NOW
                )


class TestLettingGo:
    @pytest.mark.parametrize("event", [IntentEvent.FOUND_CHANGED, IntentEvent.REFUSED])
    def test_drops_what_is_stuck_on_one_item_and_leaves_the_rest_of_its_group(
        self, cache: Cache, event: IntentEvent
    ) -> None:
        cache.desk.act("priority", [FOLLOW_UP, REFERRAL], {"to": "urgent"}, NOW)
        refuse(cache, FOLLOW_UP, event)
        acted = cache.desk.let_go(FOLLOW_UP, NOW)
        assert acted.message == "Priority discarded: OKAFOR, Amara J. The server's version applies."
        states = {one.item_key: one.state for one in cache.intents()}
        assert states == {FOLLOW_UP: IntentState.UNDONE, REFERRAL: IntentState.QUEUED}
        assert cache.row(FOLLOW_UP).sync == ""

    def test_is_not_for_what_only_waits(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        with pytest.raises(BadQuestion, match="Nothing of yours is stuck there"):
            cache.desk.let_go(FOLLOW_UP, NOW)
        assert [one.state for one in cache.intents()] == [IntentState.QUEUED]
