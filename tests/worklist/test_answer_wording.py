"""The answers of an act as its message repeats them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from carequeue.domain.calendar import SiteCalendar
from carequeue.worklist.answer_wording import confirmed_answers
from tests.verbs.named import named

NOW = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
CALENDAR = SiteCalendar(ZoneInfo("America/Chicago"))


@pytest.mark.parametrize(
    ("verb", "answers", "words"),
    [
        ("decline", {"reason": "no capacity"}, ", no capacity"),
        ("snooze", {"until": "2026-03-10T14:00:00+00:00"}, " until Tue 10 Mar 09:00"),
        ("assign", {"to": "Practitioner/noel|Noel Ortiz"}, " to Noel Ortiz"),
        ("log", {"outcome": "no answer", "with": "partner"}, ", no answer with partner"),
        ("note", {"text": "not for the message"}, ""),
        ("done", {}, ""),
    ],
)
def test_they_stand_behind_the_name(verb: str, answers: dict[str, str], words: str) -> None:
    assert confirmed_answers(named(verb), answers, NOW, CALENDAR, {}) == words


def test_who_is_away_is_said() -> None:
    away = {"Practitioner/noel": "away until Fri 13 Mar"}
    words = confirmed_answers(
        named("assign"), {"to": "Practitioner/noel|Noel Ortiz"}, NOW, CALENDAR, away
    )
    assert words == " to Noel Ortiz, away until Fri 13 Mar"
