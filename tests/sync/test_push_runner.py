"""One push over a real cache: what leaves, and what is shown of it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import LeaseLost
from carequeue.sync.push.runner import Pushing
from tests.fhir.clinic import NOW
from tests.store.cache import WRITABLE, Cache
from tests.store.lease_holder import cache_with_one_task, holder
from tests.sync.wire import Wire, answer


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = cache_with_one_task(tmp_path)
    yield cache
    cache.close()


def test_a_late_holder_sends_nothing_of_what_it_wrote_down(cache: Cache) -> None:
    """Its laptop slept; what it wrote down was settled by another, and by now deleted perhaps."""
    wire = Wire(lambda _: answer(b"{}"))
    cache.desk.act("note", ["main:Task/t1"], {"text": "Called"}, NOW)
    late, can = holder(cache), WRITABLE.seeing({"if_match": "yes", "if_match_batch": "yes"})

    def sleeps() -> bool:
        if cache.intents(["in_doubt"]):
            holder(cache)
        return False

    with pytest.raises(LeaseLost):
        Pushing(late, wire.transport, lambda: NOW).run(can, frozenset(), sleeps)
    assert cache.intents(["in_doubt"])
    assert wire.requests == []
