"""From an item and its rank to the row that the list shows, filters and counts. Pure.

In:  an item, its clocks and rank, what all rows of its chart share. Out: the columns of `item`;
text is clean already.
Not here: which items a chart has (`fhir/chart_to_items.py`), when rows are written
(`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from carequeue.domain.clocks import Clock, class_of
from carequeue.domain.intents import Intent, IntentState
from carequeue.domain.items import Cover, Mover, Party, Us, WorkItem, short_name
from carequeue.domain.ranking import Band, Rank
from carequeue.domain.sanitize import clean, fold
from carequeue.verbs.permissions import applicable

_OURS: Final = (Mover.ME, Mover.TEAM)
_FAR: Final = 2**53  # sorts after every due time
#: From the mildest to what must be seen first.
_SYNC_WORDS: Final[Mapping[IntentState, tuple[int, str]]] = {
    IntentState.LOCAL_ONLY: (1, "kept_here"),
    IntentState.QUEUED: (2, "waiting"),
    IntentState.IN_DOUBT: (3, "checking"),
    IntentState.NEEDS_ATTENTION: (4, "needs_you"),
    IntentState.CONFLICT: (5, "conflict"),
}


class RankedItem(NamedTuple):
    """An item, its clocks, and its rank at an instant."""

    item: WorkItem
    clocks: Sequence[Clock]
    rank: Rank


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """Facts that the rows of one chart share.

    `pending`: its open intents. `arrived`: reference -> when a resource came or changed, in seconds
    since 1970. `unprotected`: what waits will go over a colleague's write of the same moment.
    """

    chart: str
    base_url: str
    us: Us
    pending: Sequence[Intent]
    arrived: Mapping[str, int]
    unprotected: bool


def item_row(ranked: RankedItem, facts: ChartFacts) -> dict[str, Any]:
    """The columns of one row."""
    item, rank = ranked.item, ranked.rank
    label, title = clean(item.label, 120), clean(item.title, 200)
    move = clean(item.move.name, 60)
    cover = _cover(item, facts.us)
    covered_for = short_name(clean(cover.name, 60)) if cover else ""
    return {
        "key": item.key,
        "source": item.source,
        "chart": facts.chart,
        "kind": item.kind.value,
        "client": label,
        "born": clean(item.client.birth_date, 10),
        "alike": _alike(item),
        "title": title,
        "move": item.move.who.value,
        "move_name": move,
        "sync": _sync(item, facts.pending, facts.unprotected),
        "fresh": _fresh(item, facts.arrived),
        "verbs": " ".join(applicable(item, facts.us, class_of(ranked.clocks))),
        "folded": fold(f"{label} {title} {move} {item.kind.value} {item.client.mrn} {covered_for}"),
        **_order(item, rank, facts),
        "mover": item.move.person if item.move.who in _OURS else "",
        "owner": _our_person(item.owner),
        "requester": _our_person(item.requester),
        "covered_for": covered_for,
        "resource": (item.target or item.anchor).reference,
    }


def _order(item: WorkItem, rank: Rank, facts: ChartFacts) -> dict[str, Any]:
    """The columns by which rows are sorted and counted, and when they change next."""
    due = _seconds(rank.due_at)
    tab, mine = _tab_and_mine(item, rank, facts.us)
    changes = [rank.next_change_at, *(cover.until for cover in _covers(item, facts.us))]
    return {
        "band": int(rank.band),
        "weight": -rank.points,
        "due_sort": _FAR if due is None else due,
        "tie": facts.base_url + "|" + item.key.partition(":")[2],
        "due_at": due,
        "unit": _unit(rank, item),
        "days_left": rank.days_left,
        "tab": tab,
        "mine": mine,
        "clock_class": rank.clock.cls.value if rank.clock else "",
        "next_change_at": _seconds(min(filter(None, changes), default=None)),
    }


def awaited_items(items: Sequence[WorkItem], pending: Sequence[Intent]) -> list[WorkItem]:
    """Of a source that is no longer in the profile only what a decision still waits about."""
    return [item for item in items if _sync(item, pending, unprotected=False)]


def _tab_and_mine(item: WorkItem, placed: Rank, us: Us) -> tuple[str, int]:
    """In which view a row is counted, and whether it is mine (1) or mine and waiting (2).

    What waits on somebody else comes back past its nudge: then it is ours to chase. What is a
    colleague's whom I cover is mine. `queue_window.Viewer` has the same rule for a colleague.
    """
    my_move = item.move.who is Mover.ME or us.cover_of(item.move.person) is not None
    my_own = my_move or _has_my_part(item) or bool(_covers(item, us))
    if placed.band == Band.WAITING:
        return "waiting", 2 if my_own else 0
    if my_move:
        return "mine", 1
    if item.move.who is Mover.TEAM:
        return "team", 0
    return ("mine", 1) if my_own else ("team", 0)


def _has_my_part(item: WorkItem) -> bool:
    return any(party is not None and party.me for party in (item.owner, item.requester))


def _covers(item: WorkItem, us: Us) -> list[Cover]:
    """My covers of those who have a part in an item: who acts next, who owes it, who asked."""
    owner, requester = (party.person if party else "" for party in (item.owner, item.requester))
    covers = (us.cover_of(person) for person in (item.move.person, owner, requester))
    return [cover for cover in covers if cover is not None]


def _cover(item: WorkItem, us: Us) -> Cover | None:
    """The cover by which a row is mine; None if the row is mine without it, or a colleague's."""
    if item.move.who is Mover.ME:
        return None
    if cover := us.cover_of(item.move.person):
        return cover
    if item.move.who is Mover.TEAM or _has_my_part(item):
        return None
    return next(iter(_covers(item, us)), None)


def _our_person(party: Party | None) -> str:
    return party.person if party is not None and party.ours else ""


def _unit(placed: Rank, item: WorkItem) -> str:
    if placed.band == Band.SNOOZED:
        return "sleep"
    if placed.band == Band.WAITING and placed.nudge:
        return "nudge"
    return placed.unit if placed.due_at else ""


def _alike(item: WorkItem) -> str:
    family, given = item.client.family, item.client.given
    return fold(clean(f"{family},{given[:1]}" if family else item.client.text, 120))


def _sync(item: WorkItem, pending: Sequence[Intent], unprotected: bool) -> str:
    """`unprotected`: what waits will go over whatever a colleague writes at the same moment."""
    target = item.target.id if item.target else ""
    worst = (0, "")
    for intent in pending:
        if intent.item_key == item.key or (target and intent.target_id == target):
            worst = max(worst, _SYNC_WORDS[intent.state])
    return "unprotected" if unprotected and worst[1] == "waiting" else worst[1]


def _fresh(item: WorkItem, arrived: Mapping[str, int]) -> int:
    names = [item.anchor.reference]
    if item.target:
        names.append(item.target.reference)
    return max((arrived.get(name, 0) for name in names), default=0)


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
