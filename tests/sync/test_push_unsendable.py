"""Intents that can never be sent as they are: which they are, and what becomes of them."""

from __future__ import annotations

from carequeue.domain.intents import IntentEvent
from carequeue.sync.push import messages as m
from carequeue.sync.push.state import PushState
from carequeue.sync.push.unsendable import unsendable
from tests.sync.parts import R4, accept, create, lane


def state(*pending: m.PendingResource, **observed: str) -> PushState:
    seen = {name.replace("_", ":"): value for name, value in observed.items()}
    return PushState(R4.seeing(seen), pending={target.key: target for target in pending})


def events(state: PushState) -> dict[str, IntentEvent]:
    outcomes = [outcome for change in unsendable(state) for outcome in change.outcomes]
    return {outcome.intent.id: outcome.event for outcome in outcomes}


def test_what_can_be_sent_in_time_is_left_alone() -> None:
    waits = lane(accept("i2", "t2"), waits_for=frozenset({"i1"}))
    assert unsendable(state(lane(accept()), waits)) == ()


def test_a_change_that_the_source_does_not_support_becomes_local_only() -> None:
    assert events(state(lane(accept()), update_Task="no")) == {"i1": IntentEvent.UNSUPPORTED}


def test_two_that_depend_on_each_other_are_asked_about() -> None:
    first = lane(create("i1", "own-1"), waits_for=frozenset({"i2"}))
    second = lane(create("i2", "own-2"), waits_for=frozenset({"i1"}))
    assert events(state(first, second)) == {
        "i1": IntentEvent.REFUSED,
        "i2": IntentEvent.REFUSED,
    }
