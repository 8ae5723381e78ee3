"""One item in full: each section that has lines, and none that has not."""

from __future__ import annotations

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from carequeue.printing.detail import write_detail
from carequeue.printing.text import Shape
from tests.cli.fakes import detail

ZONE = ZoneInfo("America/Chicago")


def test_a_section_without_lines_has_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    write_detail(detail("Task/1"), Shape.TEXT, ZONE)
    text = capsys.readouterr().out
    assert "\nTake care\n  the start is approximate\n" in text
    assert "\nNotes\n" not in text
    write_detail(replace(detail("Task/1"), flags=()), Shape.TEXT, ZONE)
    assert "Take care" not in capsys.readouterr().out


def test_json_names_the_band(capsys: pytest.CaptureFixture[str]) -> None:
    write_detail(detail("Task/1"), Shape.JSON, ZONE)
    fields = json.loads(capsys.readouterr().out)
    assert (fields["band"], fields["band_title"]) == (2, "Due")
