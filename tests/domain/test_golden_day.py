"""One Monday morning at the practice clinic, after the change of the clocks, row by row.

The rows that the shipped rules can express, with band, points and due worked out by hand; the
whole order is held as well. Closed on 16 February (a federal holiday) and on weekends.
"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import clocks_of
from carequeue.domain.items import Direction, Kind, Mover, Priority, WorkItem
from carequeue.domain.ranking import Band, Rank
from carequeue.domain.rules import site_rules
from tests.domain.builders import CLINIC, closed_too, item, local, place, utc, wall

NOW = "2026-03-09 09:00"
RULES = site_rules({"access-triage": {"enabled": True}})
IN, OUT = Direction.INBOUND, Direction.OUTBOUND
REFERRAL, HANDOFF, FOLLOW_UP = Kind.REFERRAL, Kind.HANDOFF, Kind.FOLLOW_UP
URGENT, STAT = Priority.URGENT, Priority.STAT


def came(at: str, triage: str, priority: Priority = Priority.ROUTINE) -> WorkItem:
    """A referral to us with its triage record."""
    return item(
        REFERRAL, direction=IN, facts={"requested_at": at}, flags=[f"triage:{triage}"],
        priority=priority,
    )  # fmt: skip


def sent(at: str, priority: Priority = Priority.ROUTINE) -> WorkItem:
    """A referral of ours that a partner has to answer."""
    return item(
        REFERRAL, direction=OUT, facts={"sent_at": at}, priority=priority, move=Mover.PARTNER
    )


def reminded(at: str, priority: Priority = Priority.ROUTINE) -> WorkItem:
    """A referral of ours that a partner was reminded of."""
    facts = {"sent_at": "2026-03-02 09:00", "reminded_at": at}
    return item(
        REFERRAL, direction=OUT, facts=facts, flags=["reminded"], priority=priority,
        move=Mover.PARTNER,
    )  # fmt: skip


def asked(at: str) -> WorkItem:
    """A referral of ours whose partner has our question or our answer."""
    facts = {"sent_at": "2026-03-02 09:00", "answered_at": at, "reply_awaited_at": at}
    return item(REFERRAL, direction=OUT, facts=facts, move=Mover.PARTNER)


def back(fact: str, at: str, priority: Priority = Priority.ROUTINE) -> WorkItem:
    """A referral of ours that came back to us."""
    facts = {"sent_at": "2026-03-02 09:00", "answered_at": at, fact: at}
    return item(REFERRAL, direction=OUT, facts=facts, priority=priority)


def handed(at: str, severity: str) -> WorkItem:
    return item(HANDOFF, facts={"sent_at": at}, flags=[f"severity:{severity}"])


def left(at: str, *flags: str) -> WorkItem:
    """A client of ours left an emergency department or a hospital; nobody has reached them."""
    return item(FOLLOW_UP, facts={"discharged_at": at}, flags=["discharge", "no-contact", *flags])


def dateless(at: str, snoozed_until: str = "") -> WorkItem:
    return item(FOLLOW_UP, facts={"authored_at": at}, snoozed_until=snoozed_until)


CRISIS = item(
    REFERRAL, direction=IN, facts={"crisis_at": "2026-03-09 06:10"}, flags=["triage:crisis"]
)
QUESTION = item(
    HANDOFF, flags=["severity:stable"],
    facts={"sent_at": "2026-03-05 10:00", "acknowledged_at": "2026-03-05 11:00",
           "info_asked_at": "2026-03-06 15:00"},
)  # fmt: skip

#: name, item, due, band, points: in the order of the queue.
ROWS: list[tuple[str, WorkItem, str, Band, int]] = [
    ("G02 unstable, nobody read back", handed("2026-03-09 07:55", "unstable"),
     "2026-03-09 08:25", Band.NOW, 320),
    ("G01 ten minutes left of three hours", CRISIS, "2026-03-09 09:10", Band.NOW, 180),
    ("G06 ED for self-harm, nobody tried", left("2026-03-07 20:00", "self-harm"),
     "2026-03-08 21:00", Band.SAFETY, 580),
    ("G08 urgent since Thursday", came("2026-03-05 10:00", "urgent", URGENT),
     "2026-03-06 10:00", Band.SAFETY, 430),
    ("G07 left hospital Sunday 08:00", left("2026-03-08 08:00"),
     "2026-03-09 08:00", Band.SAFETY, 340),
    ("G20 urgent, a date without a time", came("2026-03-06 00:00", "urgent", URGENT),
     "2026-03-09 08:00", Band.SAFETY, 250),
    ("G19 urgent, received Friday 11:00", came("2026-03-06 11:00", "urgent", URGENT),
     "2026-03-09 11:00", Band.SAFETY, 210),
    ("G14 watcher: four open hours", handed("2026-03-06 16:50", "watcher"),
     "2026-03-09 11:50", Band.SAFETY, 210),
    ("G15 e-mail of 08:45, no triage", came("2026-03-09 08:45", "none"),
     "2026-03-09 08:45", Band.SAFETY, 200),
    ("G09 urgent of Friday 16:30", came("2026-03-06 16:30", "urgent", URGENT),
     "2026-03-09 16:30", Band.SAFETY, 180),
    ("G10 urgent of Friday evening", came("2026-03-06 19:40", "urgent", URGENT),
     "2026-03-09 17:00", Band.SAFETY, 180),
    ("G22 routine, over Presidents' Day", came("2026-02-13 10:00", "routine"),
     "2026-03-02 17:00", Band.DUE, 300),
    ("G42 urgent, the partner silent one day", sent("2026-03-06 09:00", URGENT),
     "2026-03-09 09:00", Band.DUE, 270),
    ("G52 stable, sent Wednesday", handed("2026-03-04 10:00", "stable"),
     "2026-03-05 10:00", Band.DUE, 240),
    ("G23 routine of 20 February", came("2026-02-20 10:00", "routine"),
     "2026-03-06 17:00", Band.DUE, 220),
    ("G55 authorization ends tomorrow",
     item(Kind.AUTHORIZATION, facts={"ends_at": "2026-03-10 23:59"}),
     "2026-03-06 17:00", Band.DUE, 220),
    ("G46 urgent, declined Friday", back("declined_at", "2026-03-06 10:00", URGENT),
     "2026-03-09 10:00", Band.DUE, 210),
    ("G54 the receiver asked on Friday", QUESTION, "2026-03-09 15:00", Band.DUE, 150),
    ("G24 routine, day ten is today", came("2026-02-23 10:00", "routine"),
     "2026-03-09 17:00", Band.DUE, 150),
    ("G25 the same a second later", came("2026-02-23 10:00:01", "routine"),
     "2026-03-09 17:00", Band.DUE, 150),
    ("G47 on hold, waits for our answer", back("info_asked_at", "2026-03-05 11:00"),
     "2026-03-09 17:00", Band.DUE, 150),
    ("G44 routine, past its nudge", sent("2026-03-04 14:00"),
     "2026-03-06 14:00", Band.SOON, 260),
    ("G26 housing help, called stat", came("2026-02-25 10:00", "routine", STAT),
     "2026-03-11 17:00", Band.SOON, 120),
    ("G64 a Task without any date", dateless("2026-02-10 12:00"),
     "2026-02-18 17:00", Band.SOON, 0),
    ("G53 stable, sent this morning", handed("2026-03-09 08:05", "stable"),
     "2026-03-10 08:05", Band.ON_TRACK, 0),
    ("G63 snoozed to nine: back exactly now",
     dateless("2026-03-05 12:00", snoozed_until="2026-03-09 09:00"),
     "2026-03-12 17:00", Band.ON_TRACK, 0),
    ("G65 an impossible date left out", dateless("2026-03-05 13:00"),
     "2026-03-12 17:00", Band.ON_TRACK, 0),
    ("G48 cancelled as expired is not done", back("declined_at", "2026-03-06 14:00"),
     "2026-03-17 17:00", Band.ON_TRACK, 0),
    ("G66 Friday evening, Saturday in UTC",
     item(REFERRAL, direction=IN, flags=["triage:routine"],
          facts={"requested_at": utc("2026-03-07 02:30")}),
     "2026-03-20 17:00", Band.ON_TRACK, 0),
    ("G43 routine, two hours before its nudge", sent("2026-03-05 11:00"),
     "2026-03-09 11:00", Band.WAITING, 180),
    ("G51 sent twice by an import", sent("2026-03-06 12:00"),
     "2026-03-10 12:00", Band.WAITING, 0),
]  # fmt: skip
NAMES = [name for name, *_ in ROWS]
#: Rules that no row of this day shows, or that another clock of the row stands before: rule, an
#: item on which its clock runs, its due time.
BESIDE: list[tuple[str, WorkItem, str]] = [
    ("ref-respond-urgent", came("2026-03-06 11:00", "none", URGENT), "2026-03-09 11:00"),
    ("ref-respond-routine", came("2026-03-05 11:00", "none"), "2026-03-09 17:00"),
    ("ref-info-urgent", back("info_asked_at", "2026-03-06 11:00", URGENT), "2026-03-09 11:00"),
    ("ref-call-urgent", reminded("2026-03-09 08:00", URGENT), "2026-03-09 12:00"),
    ("ref-call-routine", reminded("2026-03-06 11:00"), "2026-03-09 11:00"),
    ("ref-reply", asked("2026-03-05 11:00"), "2026-03-09 11:00"),
    ("task-due", item(FOLLOW_UP, facts={"due_at": "2026-03-09 17:00"}), "2026-03-09 17:00"),
]


def ranked(thing: WorkItem, now: str = NOW, calendar: SiteCalendar = CLINIC) -> Rank:
    return place(thing, now, calendar, RULES)


def at(name: str, now: str = NOW, calendar: SiteCalendar = CLINIC) -> Rank:
    """The rank of a row by its number."""
    return next(ranked(thing, now, calendar) for title, thing, *_ in ROWS if title[:3] == name)


@pytest.mark.parametrize(("name", "thing", "due", "band", "points"), ROWS, ids=NAMES)
def test_each_row_has_its_band_its_points_and_its_due(
    name: str, thing: WorkItem, due: str, band: Band, points: int
) -> None:
    found = ranked(thing)
    assert (wall(found.due_at), found.band, found.points) == (due, band, points)


def test_the_whole_queue_stands_in_its_order() -> None:
    shuffled = sorted(ROWS, key=lambda row: row[0])
    assert [row[0] for row in sorted(shuffled, key=lambda row: ranked(row[1]).sort_key)] == NAMES


@pytest.mark.parametrize(("rule", "thing", "due"), BESIDE, ids=[rule for rule, *_ in BESIDE])
def test_a_rule_that_no_row_shows_runs_all_the_same(rule: str, thing: WorkItem, due: str) -> None:
    clocks = {clock.rule: clock for clock in clocks_of(thing, RULES, CLINIC)}
    assert wall(clocks[rule].due) == due


def test_every_shipped_rule_has_a_row_or_stands_beside_them() -> None:
    found = (ranked(thing).clock for _, thing, *_ in ROWS)
    shown = {clock.rule for clock in found if clock is not None}
    beside = {rule for rule, *_ in BESIDE}
    assert {rule.id for rule in RULES} == shown | beside
    assert not shown & beside


@pytest.mark.parametrize("zone", ["America/Denver", "Asia/Kolkata"])
def test_a_laptop_that_travels_moves_nothing(zone: str) -> None:
    there = local(NOW).astimezone(ZoneInfo(zone))
    for _, thing, *_ in ROWS:
        assert place(thing, there, CLINIC, RULES) == ranked(thing)


def test_one_minute_before_nine_differs_in_just_these_rows() -> None:
    moved = {
        name[:3]
        for name, thing, *_ in ROWS
        if ranked(thing, "2026-03-09 08:59").sort_key != ranked(thing).sort_key
    }
    assert moved == {"G07", "G19", "G20", "G42", "G43", "G63"}
    assert all(
        ranked(thing, "2026-03-09 09:01").sort_key == ranked(thing).sort_key
        for _, thing, *_ in ROWS
    )


def test_ten_past_nine_the_crisis_is_breached_and_stays_below_the_unread_handoff() -> None:
    crisis, handoff = at("G01", "2026-03-09 09:10"), at("G02", "2026-03-09 09:10")
    assert crisis.points == 200
    assert handoff.sort_key < crisis.sort_key


def test_at_eleven_the_silent_partner_is_asked_again() -> None:
    assert at("G43", "2026-03-09 10:59").band is Band.WAITING
    assert at("G43", "2026-03-09 11:00").band is Band.SOON


def test_after_closing_what_is_breached_keeps_its_place_above_newer() -> None:
    assert at("G24", "2026-03-09 17:01").points == 200
    newer = came("2026-02-24 10:00", "routine")
    assert at("G24", "2026-03-09 17:01").sort_key < ranked(newer, "2026-03-09 17:01").sort_key


def test_state_days_switched_on_move_the_business_day_clocks_that_span_them() -> None:
    illinois = closed_too(date(2026, 3, 2))
    moved = {
        name[:3]
        for name, thing, *_ in ROWS
        if ranked(thing, NOW, illinois).due_at != ranked(thing).due_at
    }
    assert moved == {"G22", "G23", "G24", "G25", "G26"}
    assert at("G23", NOW, illinois).band is Band.DUE
    assert at("G24", NOW, illinois).band is Band.SOON


def test_what_was_met_is_not_due() -> None:
    """G21: discharged Saturday 08:30 CST, reached Sunday 09:10 CDT."""
    facts = {"discharged_at": "2026-03-07 08:30", "contacted_at": "2026-03-08 09:10"}
    reached = ranked(item(FOLLOW_UP, facts=facts, flags=["discharge"]))
    assert (reached.band, reached.clock) == (Band.ON_TRACK, None)


def test_a_client_who_died_stands_at_the_end_of_the_band() -> None:
    """G67: outreach is blocked, the row asks to be closed with care."""
    found = ranked(item(FOLLOW_UP, facts={"due_at": "2026-03-09 17:00"}, flags=["deceased"]))
    assert (found.band, found.points) == (Band.DUE, 0)
    assert "care" in found.reasons[0].text


def test_a_snoozed_row_is_out_until_its_time() -> None:
    """G62: due on 20 March, snoozed to Tuesday nine."""
    asleep = item(FOLLOW_UP, facts={"due_at": "2026-03-20 23:59"}, snoozed_until="2026-03-10 09:00")
    assert ranked(asleep).band is Band.SNOOZED
    assert ranked(asleep, "2026-03-10 09:00").band is Band.ON_TRACK
