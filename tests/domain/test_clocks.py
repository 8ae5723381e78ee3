from __future__ import annotations

from datetime import timedelta

import pytest

from carequeue.domain.clocks import Clock, ClockState, class_of, clocks_of
from carequeue.domain.items import Direction, Kind, Priority, WorkItem
from carequeue.domain.rules import ClockClass
from tests.domain.builders import CLINIC, SHIPPED_RULES, item, local, utc, wall

IN, OUT = Direction.INBOUND, Direction.OUTBOUND


def clocks(thing: WorkItem) -> dict[str, Clock]:
    return {clock.rule: clock for clock in clocks_of(thing, SHIPPED_RULES, CLINIC)}


def only(thing: WorkItem) -> Clock:
    (clock,) = clocks(thing).values()
    return clock


def test_a_due_time_that_is_reached_is_breached() -> None:
    clock = only(item(facts={"due_at": "2026-03-09 09:00"}))
    assert clock.state_at(local("2026-03-09 08:59")) is ClockState.RUNNING
    assert clock.state_at(local("2026-03-09 09:00")) is ClockState.BREACHED


def test_a_clock_that_was_met_is_kept_for_why() -> None:
    """From Saturday 08:30 CST to Sunday 09:10 CDT 23 h 40 elapse, not 24 h 40."""
    reached = item(
        facts={"discharged_at": "2026-03-07 08:30", "contacted_at": "2026-03-08 09:10"},
        flags=["discharge"],
    )
    clock = clocks(reached)["discharge-contact"]
    assert wall(clock.due) == "2026-03-08 09:30"
    assert clock.met_at is not None
    assert clock.met_at < clock.due
    assert clock.state_at(local("2026-03-30 00:00")) is ClockState.MET


def test_a_contact_before_the_discharge_does_not_meet_it() -> None:
    early = item(
        facts={"discharged_at": "2026-03-07 08:30", "contacted_at": "2026-03-07 08:00"},
        flags=["discharge"],
    )
    assert clocks(early)["discharge-contact"].met_at is None


def test_an_answer_counts_although_the_servers_clock_is_behind() -> None:
    sent = item(
        Kind.REFERRAL,
        direction=OUT,
        facts={"sent_at": "2026-03-09 09:00", "answered_at": "2026-03-09 08:59"},
    )
    assert not clocks(sent)["ref-ack-routine"].open


def test_a_crisis_seen_in_time_over_the_change_of_the_clocks() -> None:
    served = item(
        Kind.REFERRAL,
        direction=IN,
        flags=["triage:crisis"],
        facts={"crisis_at": "2026-03-08 01:30", "served_at": "2026-03-08 05:10"},
    )
    clock = clocks(served)["crisis-response"]
    assert wall(clock.due) == "2026-03-08 05:30"
    assert clock.met_at is not None
    assert clock.met_at < clock.due


@pytest.mark.parametrize(
    ("priority", "rule", "due"),
    [
        (Priority.ROUTINE, "ref-respond-routine", "2026-03-10 17:00"),
        (Priority.URGENT, "ref-respond-urgent", "2026-03-09 16:30"),
        (Priority.STAT, "ref-respond-urgent", "2026-03-09 16:30"),
    ],
)
def test_a_referral_without_triage_is_answered_by_its_senders_priority(
    priority: Priority, rule: str, due: str
) -> None:
    asked = item(
        Kind.REFERRAL,
        direction=IN,
        priority=priority,
        facts={"requested_at": "2026-03-06 16:30", "authored_at": "2026-03-06 16:30"},
    )
    clock = only(asked)
    assert (clock.rule, wall(clock.due), clock.cls) == (rule, due, ClockClass.STANDARD)


def test_an_item_without_any_other_clock_is_reviewed() -> None:
    dateless = item(facts={"authored_at": "2026-02-10 12:00"})
    clock = only(dateless)
    assert (clock.rule, wall(clock.due)) == ("undated-review", "2026-02-18 17:00")


def test_an_open_clock_makes_the_review_needless_and_a_met_one_does_not() -> None:
    facts = {"authored_at": "2026-03-02 12:00", "sent_at": "2026-03-02 12:00"}
    asked = item(Kind.REFERRAL, direction=OUT, facts=facts)
    answered = item(Kind.REFERRAL, direction=OUT, facts=facts | {"answered_at": "2026-03-03 09:00"})
    assert set(clocks(asked)) == {"ref-ack-routine"}
    assert set(clocks(answered)) == {"ref-ack-routine", "undated-review"}


def test_an_authorization_is_due_two_business_days_before_it_ends() -> None:
    clock = only(item(Kind.AUTHORIZATION, facts={"ends_at": "2026-03-10 23:59"}))
    assert wall(clock.due) == "2026-03-06 17:00"
    assert wall(clock.warns_at) == "2026-02-24 00:00"
    assert clock.unit == "bd"


def test_a_due_date_on_a_closed_day_is_worked_by_the_last_open_one() -> None:
    clock = only(item(facts={"due_at": "2026-03-21 23:59"}))
    assert wall(clock.due) == "2026-03-21 23:59"
    assert wall(clock.works_by) == "2026-03-20 17:00"
    assert wall(clock.warns_at) == "2026-03-17 00:00"


@pytest.mark.parametrize("year", [1, 1800, 2300, 9999])
def test_an_impossible_year_starts_no_clock(year: int) -> None:
    impossible = utc("2026-01-01").replace(year=year)
    assert clocks(item(facts={"due_at": impossible})) == {}
    assert clocks(item(Kind.AUTHORIZATION, facts={"ends_at": impossible})) == {}


@pytest.mark.parametrize("end", ["0001-01-01 00:00", "9999-12-31 23:59:59.999999"])
def test_the_ends_of_time_start_no_clock(end: str) -> None:
    assert clocks(item(facts={"due_at": utc(end)})) == {}


def test_a_handoff_of_unknown_severity_has_one_business_day() -> None:
    sent = item(Kind.HANDOFF, facts={"sent_at": "2026-03-06 10:00"})
    assert only(sent).due - local("2026-03-06 10:00") == timedelta(days=3, hours=-1)


def test_the_gravest_open_clock_gives_the_class() -> None:
    crisis = item(
        Kind.REFERRAL,
        direction=IN,
        flags=["triage:crisis"],
        facts={"crisis_at": "2026-03-09 06:10", "due_at": "2026-03-12 17:00"},
    )
    open_clocks = clocks_of(crisis, SHIPPED_RULES, CLINIC)
    assert class_of(open_clocks) is ClockClass.CRISIS
    assert class_of(()) is None


def test_our_question_to_a_sender_is_no_deadline_of_ours() -> None:
    asked = item(
        Kind.REFERRAL,
        direction=IN,
        facts={"requested_at": "2026-03-06 10:00", "info_asked_at": "2026-03-06 15:00"},
    )
    assert "ref-info" not in clocks(asked)
