"""What was decided, in the words of the verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from carequeue.domain.intents import Intent
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.intent_wording import Wording
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist.world import FOLLOW_UP, HANDOFF, LONE, REFERRAL, queue


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path / "dana")
    yield cache
    cache.close()


def described(cache: Cache, *intents: Intent) -> list[str]:
    with cache.session.engine().connect() as connection:
        wording = Wording(CacheTransaction(connection, cache.session.projector()), NOW)
        return [wording.describe(intent) for intent in intents or cache.intents()]


@pytest.mark.parametrize(
    ("verb", "key", "answers", "did"),
    [
        ("accept", REFERRAL, {}, ["Accepted"]),
        ("accept", HANDOFF, {}, ["Acknowledged"]),
        ("accept", LONE, {}, ["Accepted (opens a task for it)", "Accepted"]),
        ("decline", REFERRAL, {"reason": "no capacity"}, ["Declined, no capacity"]),
        ("claim", REFERRAL, {}, ["Claimed"]),
        ("done", FOLLOW_UP, {}, ["Done"]),
        ("log", FOLLOW_UP, {"outcome": "no answer"}, ["Logged, no answer"]),
        ("snooze", FOLLOW_UP, {"until": "tomorrow 9"}, ["Snoozed until Tue 10 Mar 09:00"]),
        ("note", FOLLOW_UP, {"text": "called twice"}, ["Noted: called twice"]),
        ("assign", FOLLOW_UP, {"to": "noel"}, ["Assigned to Noel Ortiz"]),
        ("handoff", FOLLOW_UP, {"to": "noel", "summary": "x"}, ["Handed off to Noel Ortiz"]),
        ("priority", FOLLOW_UP, {"to": "stat"}, ["Priority set to stat"]),
        ("new", FOLLOW_UP, {"text": "Call", "until": "3bd"}, ["New follow-up: Call"]),
    ],
)
def test_every_verb_says_what_was_decided(
    cache: Cache, verb: str, key: str, answers: Mapping[str, str], did: list[str]
) -> None:
    cache.desk.act(verb, [key], answers, NOW)
    assert described(cache) == did


def test_a_verb_of_a_later_version_is_called_by_its_name(cache: Cache) -> None:
    cache.desk.act("claim", [REFERRAL], {}, NOW)
    (intent,) = cache.intents()
    assert described(cache, replace(intent, verb="teleport")) == ["teleport"]
