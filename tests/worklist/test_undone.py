"""What was undone is compared, before it is done again, with how it was just after the undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.store.cache import Cache
from tests.worklist.test_redo import standing
from tests.worklist.world import DISCHARGE, FOLLOW_UP, queue, send


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


class TestRefused:
    @pytest.mark.parametrize("sent", [False, True])
    def test_where_somebody_changed_it_since_the_undo(self, cache: Cache, sent: bool) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        if sent:
            send(cache)
        cache.desk.undo(NOW)
        if sent:
            send(cache)
        cache.pull(task("t1", owner=ref(DANA), priority="urgent", version="10"))
        before = cache.table("intent")
        with pytest.raises(
            BadQuestion,
            match=r"^OKAFOR, Amara J was changed since the undo: look at it, then decide again\. "
            r"Nothing was done again\.$",
        ):
            cache.desk.undos.redo(NOW)
        assert cache.table("intent") == before

    def test_where_somebody_changed_it_before_the_undo_left(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        cache.pull(task("t1", owner=ref(DANA), priority="urgent", version="10"))
        with pytest.raises(BadQuestion, match="was changed since the undo"):
            cache.desk.undos.redo(NOW)

    def test_where_somebody_made_the_task_meanwhile(self, cache: Cache) -> None:
        cache.desk.act("snooze", [DISCHARGE], {"until": "4h"}, NOW)
        created = standing(cache)[0].args["resource"]
        cache.desk.undo(NOW)
        cache.pull({**created, "id": "theirs", "meta": {"versionId": "1"}})
        with pytest.raises(BadQuestion, match="was changed since the undo"):
            cache.desk.undos.redo(NOW)

    def test_not_where_somebody_changed_something_else(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.undo(NOW)
        cache.pull(task("t1", owner=ref(DANA), description="Call both parents", version="10"))
        assert cache.desk.undos.redo(NOW).changed == (FOLLOW_UP,)
