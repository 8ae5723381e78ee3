"""What a person decides while an earlier decision about the same item is on its way."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.intents import IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.pending import save_changes
from carequeue.sync.push.three_way import EVENTS, compare
from tests.fhir.clinic import NOW
from tests.store.cache import SOURCE, Cache
from tests.worklist import meanwhile
from tests.worklist.test_conflict_resolution import cache, theirs
from tests.worklist.world import FOLLOW_UP

__all__ = ["cache"]  # the fixture


def settled(cache: Cache, their: dict[str, Any]) -> None:
    """The decision in doubt is read back, and the server has this."""
    with writing(cache.session.engine()) as connection:
        rows = SqliteSourceRepository(connection, SOURCE)
        base = rows.mirror.base("Task", "t1").body
        sent = [intent for intent in cache.intents() if intent.state is IntentState.IN_DOUBT]
        found = compare(base, their, sent)
        outcomes = tuple(
            m.IntentOutcome(one.intent, EVENTS[one.result], one.words) for one in found
        )
        save_changes(rows, m.SaveChanges((m.Change(("Task", "t1"), outcomes, their, "7"),)), NOW)


def state(cache: Cache, verb: str) -> IntentState:
    (one,) = [intent for intent in cache.intents() if intent.verb == verb]
    return one.state


@pytest.mark.parametrize(
    ("priority", "becomes"),
    [
        ("stat", IntentState.CONFLICT),  # a colleague set another one meanwhile
        ("urgent", IntentState.ACKNOWLEDGED),  # a colleague did the same
        (None, IntentState.QUEUED),  # nobody touched it: it goes next
    ],
)
def test_is_compared_with_what_a_read_back_finds_before_it_leaves_over_it(
    cache: Cache, priority: str | None, becomes: IntentState
) -> None:
    cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    meanwhile.leave(cache)
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    settled(cache, theirs(priority=priority) if priority else theirs(description="Other words"))
    assert state(cache, "priority") is becomes
    assert state(cache, "note") is IntentState.QUEUED


def test_is_no_conflict_with_our_own_earlier_decision_that_arrived(cache: Cache) -> None:
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    meanwhile.leave(cache)
    cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
    settled(cache, theirs(priority="urgent"))
    first, second = [intent for intent in cache.intents() if intent.verb == "priority"]
    assert (first.state, second.state) == (IntentState.ACKNOWLEDGED, IntentState.QUEUED)
