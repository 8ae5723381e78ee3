"""A trial says what an act would do, and stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.worklist.trial_desk import TrialDesk
from tests.fhir.clinic import NOW
from tests.store.cache import Cache
from tests.worklist.world import FOLLOW_UP, queue, send

TABLES = ("item", "tally", "intent", "audit", "meta", "resource")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


@pytest.mark.parametrize("sent", [False, True])
def test_a_trial_of_undo_has_the_result_of_undo_and_writes_nothing(
    cache: Cache, sent: bool
) -> None:
    group = cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW).group
    if sent:
        send(cache)
    trial: TrialDesk = cache.desk.trial
    before = {name: cache.table(name) for name in TABLES}
    tried = trial.undo(NOW, group)
    assert {name: cache.table(name) for name in TABLES} == before
    undone = cache.desk.undo(NOW, group)
    assert (tried.message, tried.changed) == (undone.message, undone.changed)
    assert cache.table("intent") != before["intent"]


def test_a_trial_of_what_cannot_be_undone_is_refused_like_undo(cache: Cache) -> None:
    with pytest.raises(BadQuestion):
        cache.desk.trial.undo(NOW, "no such group")
