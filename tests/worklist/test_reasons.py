"""Why verbs do not apply to an item: all of them from one reading of its chart."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from carequeue.store.views import ChartBases, SourceViews
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import item_verbs
from tests.store.cache import Cache
from tests.worklist.world import queue

ON_ITEM = {verb.name for verb in item_verbs()}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def test_every_verb_applies_or_has_its_reason(cache: Cache) -> None:
    for row in cache.rows():
        reasons = cache.desk.reasons(row.key)
        assert set(reasons) == ON_ITEM - set(names_of(row.verbs))
        assert all(reason.startswith(row.client) for reason in reasons.values())


def test_of_an_item_that_is_gone_no_verb_applies(cache: Cache) -> None:
    assert cache.desk.reasons("main:Task/gone") == dict.fromkeys(
        ON_ITEM, "It is no longer in the queue."
    )


def test_the_chart_is_read_once_for_all_verbs(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases, charts = SourceViews.bases, []

    def counted(views: SourceViews, chart: str) -> ChartBases:
        charts.append(chart)
        return bases(views, chart)

    monkeypatch.setattr(SourceViews, "bases", counted)
    assert len(cache.desk.reasons("main:Task/t1")) > 1
    assert len(charts) == 1


def test_they_are_read_without_the_connection_that_the_screen_draws_from(cache: Cache) -> None:
    with ThreadPoolExecutor(1) as beside:
        cache.session._window.close()
        assert beside.submit(cache.desk.reasons, "main:Task/r1").result()
