"""Decisions that a person made or undid while a request was in flight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.intents import IntentEvent, IntentKind
from carequeue.sync.push import messages as m
from tests.fhir.clinic import task
from tests.store.cache import Cache, clinic_of_dana
from tests.sync.outbox import file, happened, keep, lanes
from tests.sync.parts import accept, decision, note


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, task("t1"), task("t2"))
    yield cache
    cache.close()


class TestWhatAPersonDidMeanwhile:
    @pytest.mark.parametrize(
        "event", [IntentEvent.REFUSED, IntentEvent.FOUND_CHANGED, IntentEvent.UNSUPPORTED]
    )
    def test_stands_and_what_was_found_of_the_others_is_kept(
        self, cache: Cache, event: IntentEvent
    ) -> None:
        file(cache, note("i1", "t1"), note("i2", "t2", seq=2))
        assumed = lanes(cache)
        happened(cache, "i1", IntentEvent.DROPPED)
        keep(
            cache,
            *(
                m.Change(
                    one.key, tuple(m.IntentOutcome(intent, event, "no") for intent in one.intents)
                )
                for one in assumed.values()
            ),
        )
        first, second = cache.intents()
        assert first.state.value == "undone"
        assert second.state.value in ("needs_attention", "conflict", "kept_here")


class TestADecisionOnTopOfOneThatIsOnItsWay:
    def test_is_not_done_because_the_earlier_one_did_not_arrive(self, cache: Cache) -> None:
        """Accepted, taken back while that was being checked, and the server has neither."""
        file(cache, accept("i1", "t1"))
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED)
        (one,) = lanes(cache).values()
        values = {"unit": ["status"], "values": {"status": "requested"}}
        file(cache, decision(IntentKind.RESTORE, "i2", "t1", 2, **values))
        (before,) = one.intents
        found = m.IntentOutcome(before, IntentEvent.FOUND_NOT_APPLIED)
        keep(cache, m.Change(one.key, (found,), task("t1"), "1", compared=frozenset({"i1"})))
        assert [intent.state.value for intent in cache.intents()] == ["queued", "queued"]
