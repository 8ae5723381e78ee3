"""The sentence that says where a row is after an act."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.items import Mover
from carequeue.domain.ranking import Band
from carequeue.store.queue_items import RowRank
from carequeue.worklist.consequence import consequence, due_words

NOW = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
CALENDAR = SiteCalendar(ZoneInfo("America/Chicago"))
TUESDAY = int(datetime(2026, 3, 10, 14, 0, tzinfo=UTC).timestamp())
FRIDAY = int(datetime(2026, 3, 6, 14, 0, tzinfo=UTC).timestamp())
MINE = RowRank(Band.DUE, TUESDAY, "h", "Call the client", Mover.ME, "you")


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (None, "Closed."),
        (MINE, ""),
        (MINE._replace(band=Band.SNOOZED, unit="sleep"), ""),
        (
            MINE._replace(move=Mover.PARTNER, move_name="Harbor", unit="nudge"),
            "Now waiting for Harbor; nudge Tue 10 Mar 09:00.",
        ),
        (MINE._replace(move=Mover.CLIENT, move_name="", unit=""), "Now waiting for the client."),
        (MINE._replace(move=Mover.TEAM, move_name="Noel Ortiz"), "Now with Noel Ortiz."),
        (MINE._replace(band=Band.SOON), "Now under Soon."),
        (MINE._replace(title="Close the loop"), "Next: Close the loop, by Tue 10 Mar 09:00."),
        (MINE._replace(title="Close the loop", due_at=FRIDAY), "Next: Close the loop, overdue."),
        (MINE._replace(title="Close the loop", due_at=None), "Next: Close the loop."),
        (MINE._replace(unit="try", due_at=TUESDAY + 3600), "Next try Tue 10 Mar 10:00."),
        (MINE._replace(unit="try"), ""),
    ],
    ids=[
        "it left the queue", "nothing moved", "the message names its time", "a partner’s move",
        "the client’s move", "a colleague’s", "another band",
        "another step", "an overdue step",
        "a step without a clock", "tried", "tried, as before",
    ],
)  # fmt: skip
def test_it_says_where_the_row_is_now(after: RowRank | None, sentence: str) -> None:
    assert consequence(MINE, after, NOW, CALENDAR) == sentence


def test_of_the_team_s_row_that_is_mine_now_it_says_where_to_find_it() -> None:
    team = MINE._replace(move=Mover.TEAM, move_name="Access")
    assert consequence(team, MINE, NOW, CALENDAR) == "Now in Mine, under Due."


def test_of_a_row_that_waits_as_before_nothing_is_said() -> None:
    waits = MINE._replace(move=Mover.PARTNER, move_name="Harbor", unit="nudge")
    assert consequence(waits, waits, NOW, CALENDAR) == ""


def test_a_row_without_a_clock_is_due_at_no_time() -> None:
    assert due_words(MINE._replace(due_at=None), NOW, CALENDAR) == ""
