"""When to try again to reach a client, and where the row is until then."""

from __future__ import annotations

import pytest

from carequeue.domain.contact_tries import next_try
from carequeue.domain.items import Mover, WorkItem
from carequeue.domain.ranking import Band, Rank
from tests.domain.builders import CLINIC, item, local
from tests.domain.test_golden_day import ranked


@pytest.mark.parametrize(
    ("cls", "tried", "again"),
    [
        ("C", "2026-03-09 09:00", "2026-03-09 09:30"),
        ("S", "2026-03-09 09:00", "2026-03-09 13:00"),
        ("S", "2026-03-09 15:00", "2026-03-10 10:00"),
        ("T", "2026-03-09 09:00", "2026-03-10 08:00"),
        ("T", "2026-03-06 16:59", "2026-03-09 08:00"),
        ("T", "2026-03-07 12:00", "2026-03-09 08:00"),
        (None, "2026-03-09 09:00", "2026-03-10 08:00"),
    ],
)
def test_the_next_try(cls: str | None, tried: str, again: str) -> None:
    assert next_try(local(tried), cls, (), CLINIC) == local(again)


def test_what_is_due_before_the_next_opening_is_tried_before_that() -> None:
    due = local("2026-03-09 17:00")
    assert next_try(local("2026-03-09 09:00"), "T", [due], CLINIC) == local("2026-03-09 15:00")
    assert next_try(local("2026-03-09 16:00"), "T", [due], CLINIC) == local("2026-03-10 08:00")


def tried(at: str) -> WorkItem:
    facts = {"due_at": "2026-03-06 17:00", "tried_at": at}
    return item(facts=facts, move=Mover.ME, attempts=1)


def place(thing: WorkItem, now: str) -> Rank:
    return ranked(thing, now)


def test_a_row_rests_until_its_next_try_and_comes_back() -> None:
    thing = tried("2026-03-09 09:00")
    rests = place(thing, "2026-03-09 09:01")
    assert (rests.band, rests.unit, rests.due_at) == (
        Band.WAITING,
        "try",
        local("2026-03-10 08:00"),
    )
    assert rests.next_change_at is not None
    assert rests.next_change_at <= local("2026-03-10 08:00")
    assert place(thing, "2026-03-10 08:00").band is Band.DUE


def test_a_client_at_risk_stays_in_safety_behind_whom_nobody_tried() -> None:
    facts = {"discharged_at": "2026-03-07 20:00"}
    flags = ["discharge", "no-contact"]
    there = item(facts=facts, flags=flags, move=Mover.ME)
    called = item(
        facts={**facts, "tried_at": "2026-03-09 09:00"}, flags=flags, move=Mover.ME, attempts=1
    )
    now = "2026-03-09 09:10"
    assert place(called, now).band is place(there, now).band is Band.SAFETY
    assert place(called, now).sort_key > place(there, now).sort_key
    assert "next try Mon 9 Mar 13:00" in place(called, now).reasons[-1].text
    assert place(called, "2026-03-09 13:00").sort_key <= place(there, "2026-03-09 13:00").sort_key


def test_an_attempt_moves_nothing_that_waits_for_others() -> None:
    thing = item(facts={"tried_at": "2026-03-09 09:00"}, move=Mover.PARTNER, attempts=1)
    assert place(thing, "2026-03-09 09:01").unit != "try"
