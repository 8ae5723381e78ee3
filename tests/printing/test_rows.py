"""The rows of the queue in each form."""

from __future__ import annotations

import json

import pytest

from carequeue.printing.rows import ROW_FIELDS, band_title, write_rows
from carequeue.printing.text import Shape
from carequeue.store.queue_window import QueueRow
from tests.cli.fakes import row


def no_clock(row: QueueRow) -> tuple[str, bool]:
    return "", False


@pytest.mark.parametrize("shape", list(Shape))
def test_each_form_counts_its_rows(shape: Shape, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row("Task/1"), row("Task/2", "REYES, Tomás", band=5)]
    assert write_rows(rows, shape, no_clock) == 2
    assert "REYES, Tomás" in capsys.readouterr().out


def test_plain_and_json_have_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([row("Task/1")], Shape.PLAIN, no_clock)
    heads, cells = capsys.readouterr().out.splitlines()
    write_rows([row("Task/1")], Shape.JSON, no_clock)
    (fields,) = json.loads(capsys.readouterr().out)
    assert tuple(heads.split("\t")) == tuple(name for name in ROW_FIELDS if name != "verbs")
    assert cells.split("\t")[0] == fields["key"] == "Task/1"
    assert fields["verbs"] == ["accept", "decline"]


def test_a_band_that_a_later_version_knows_is_shown_by_its_number() -> None:
    assert [band_title(0), band_title(9)] == ["Now", "Band 9"]
