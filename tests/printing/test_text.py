"""Text on standard output is clean, whoever sent it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from carequeue.printing import text

EVIL = "OKAFOR\x1b[2J\n, Amara"
CLEAN = "OKAFOR␛[2J , Amara"


def test_a_field_is_one_clean_line() -> None:
    assert text.field(EVIL) == CLEAN


def test_every_value_of_every_form_is_clean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text.write_tabbed([(EVIL, "b")])
    text.write_pairs([("client", EVIL), ("id", "12")])
    assert capsys.readouterr().out == f"{CLEAN}\tb\nclient  {CLEAN}\nid      12\n"
    assert text.plain_value({"client": [EVIL]}) == {"client": ["OKAFOR␛[2J\n, Amara"]}


def test_a_time_is_shown_at_the_site_and_in_json_in_utc() -> None:
    at = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    assert text.when(at, ZoneInfo("America/Chicago")) == "Tue 2026-12-01 09:00"
    assert text.when(None, UTC) == ""
    assert text.plain_value(at) == "2026-12-01T15:00:00Z"
