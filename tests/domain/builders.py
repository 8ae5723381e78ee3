"""Synthetic items and the calendar of the practice clinic, shared by the tests of the heart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import clocks_of
from carequeue.domain.items import (
    Client,
    Direction,
    Kind,
    Move,
    Mover,
    Party,
    Priority,
    ResourceRef,
    Us,
    WorkItem,
)
from carequeue.domain.ranking import Rank, rank
from carequeue.domain.rules import ClockRule, site_rules

CHICAGO = ZoneInfo("America/Chicago")
CLINIC = SiteCalendar(CHICAGO)
US = Us(
    me="Practitioner/me",
    my_name="D. Whitfield",
    teams=frozenset({"CareTeam/access"}),
    organization="Organization/us",
    people=frozenset({"Practitioner/ana"}),
)
ME = Party("Practitioner/me", "D. Whitfield", ours=True, me=True)
ANA = Party("Practitioner/ana", "Ana Ortiz", ours=True, person="Practitioner/ana")
ACCESS = Party("CareTeam/access", "Access", ours=True)
HOUSING = Party("Organization/housing", "Harbor Housing")
OKAFOR = Client(reference="Patient/1", family="Okafor", given="Daniel")
SHIPPED_RULES = site_rules({})


def local(text: str, zone: ZoneInfo = CHICAGO) -> datetime:
    """`2026-03-09 09:00` at the clinic."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def wall(instant: datetime | None) -> str:
    """An instant as the clinic's wall shows it."""
    assert instant is not None
    return f"{instant.astimezone(CHICAGO):%Y-%m-%d %H:%M}"


def item(
    kind: Kind = Kind.FOLLOW_UP,
    *,
    key: str = "clinic:Task/1",
    facts: Mapping[str, str | datetime] | None = None,
    flags: Iterable[str] = (),
    move: Mover = Mover.ME,
    priority: Priority = Priority.ROUTINE,
    direction: Direction = Direction.INTERNAL,
    status: str = "requested",
    requester: Party | None = None,
    owner: Party | None = None,
    client: Client = OKAFOR,
    attempts: int = 0,
    snoozed_until: str = "",
) -> WorkItem:
    """An item of Daniel Okafor's; times are wall times at the clinic."""
    names = {Mover.ME: "you", Mover.TEAM: "Access", Mover.PARTNER: "Harbor Housing"}
    known = {name: local(at) if isinstance(at, str) else at for name, at in (facts or {}).items()}
    return WorkItem(
        key=key,
        source="clinic",
        kind=kind,
        title="Call back",
        client=client,
        move=Move(move, names.get(move, "Daniel")),
        anchor=ResourceRef("clinic", "Task", key.rpartition("/")[2]),
        target=ResourceRef("clinic", "Task", key.rpartition("/")[2]) if status else None,
        status=status,
        direction=direction,
        priority=priority,
        requester=requester,
        owner=owner,
        facts=known,
        flags=frozenset(flags),
        attempts=attempts,
        snoozed_until=local(snoozed_until) if snoozed_until else None,
    )


def place(
    thing: WorkItem,
    now: str | datetime,
    calendar: SiteCalendar = CLINIC,
    rules: tuple[ClockRule, ...] = SHIPPED_RULES,
) -> Rank:
    """Where an item stands by the shipped rules."""
    at = local(now) if isinstance(now, str) else now
    clocks = clocks_of(thing, rules, calendar)
    return rank(thing, clocks, calendar, at)


def closed_too(*days: date) -> SiteCalendar:
    """The clinic with more closed days."""
    return SiteCalendar(CHICAGO, closed=CLINIC.closed | frozenset(days))


def utc(text: str) -> datetime:
    """An instant by its UTC wall time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Instants between two UTC wall times, whole seconds, said in the clinic's zone."""
    start = utc(first)
    seconds = int((utc(last) - start).total_seconds())
    return st.integers(0, seconds).map(lambda n: (start + timedelta(seconds=n)).astimezone(CHICAGO))
