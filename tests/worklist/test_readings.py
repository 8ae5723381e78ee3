"""How often a client's chart is read from the disk: once for an act, once for each reply to a push.

Reading the bases of a chart is what costs most of an act and of a push. An act hands what it read
to the projection of its own transaction; a push writes down an attempt without projecting a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.store.views import ChartBases, SourceViews
from tests.fhir.clinic import NOW
from tests.sync.shelf import Office
from tests.worklist.world import FOLLOW_UP, REFERRAL, queue


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The charts that are read from here on, in order."""
    read: list[str] = []
    bases = SourceViews.bases

    def counted(views: SourceViews, chart: str) -> ChartBases:
        read.append(chart)
        return bases(views, chart)

    monkeypatch.setattr(SourceViews, "bases", counted)
    return read


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    office.look()
    yield office
    office.close()


def test_an_act_reads_the_chart_once_and_its_rows_are_new(
    tmp_path: Path, charts: list[str]
) -> None:
    cache = queue(tmp_path)
    charts.clear()
    assert cache.desk.act("accept", [REFERRAL], {}, NOW).changed
    assert charts == ["Patient/c1"]
    assert cache.row(REFERRAL).sync == "waiting"
    cache.close()


def test_an_act_on_two_items_of_one_client_reads_the_chart_once(
    tmp_path: Path, charts: list[str]
) -> None:
    cache = queue(tmp_path)
    charts.clear()
    changed = cache.desk.act("note", [FOLLOW_UP, REFERRAL], {"text": "Called"}, NOW).changed
    assert (len(changed), charts) == (2, ["Patient/c1"])
    cache.close()


def test_a_push_of_one_decision_reads_the_chart_once(office: Office, charts: list[str]) -> None:
    office.act("note", "t1", text="the first, by which the server is learned")
    office.look()
    office.act("priority", "t1", to="urgent")
    charts.clear()
    syncer = office.syncer
    assert syncer.push_only().sent == 1
    syncer.close()
    assert charts == ["Patient/c1"]
    assert office.states() == ["acknowledged", "acknowledged"]
