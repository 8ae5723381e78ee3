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
from carequeue.domain.items import Mover, Us, WorkItem
from carequeue.domain.ranking import Band, Rank
from carequeue.domain.sanitize import clean, fold
from carequeue.verbs.permissions import applicable

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
        "folded": fold(f"{label} {title} {move} {item.kind.value} {item.client.mrn}"),
        **_order(item, rank, facts.base_url),
    }


def _order(item: WorkItem, rank: Rank, base_url: str) -> dict[str, Any]:
    """The columns by which rows are sorted and counted, and when they change next."""
    due = _seconds(rank.due_at)
    tab, mine = _tab_and_mine(item, rank)
    return {
        "band": int(rank.band),
        "weight": -rank.points,
        "due_sort": _FAR if due is None else due,
        "tie": base_url + "|" + item.key.partition(":")[2],
        "due_at": due,
        "unit": _unit(rank, item),
        "days_left": rank.days_left,
        "tab": tab,
        "mine": mine,
        "clock_class": rank.clock.cls.value if rank.clock else "",
        "next_change_at": _seconds(rank.next_change_at),
    }


def awaited_items(items: Sequence[WorkItem], pending: Sequence[Intent]) -> list[WorkItem]:
    """Of a source that is no longer in the profile only what a decision still waits about."""
    return [item for item in items if _sync(item, pending, unprotected=False)]


def _tab_and_mine(item: WorkItem, placed: Rank) -> tuple[str, int]:
    """In which view a row is counted, and whether it is mine (1) or mine and waiting (2).

    What waits on somebody else comes back past its nudge: then it is ours to chase.
    """
    parties = (item.owner, item.requester)
    my_own = item.move.who is Mover.ME or any(party and party.me for party in parties)
    if placed.band == Band.WAITING:
        return "waiting", 2 if my_own else 0
    if item.move.who is Mover.ME:
        return "mine", 1
    if item.move.who is Mover.TEAM:
        return "team", 0
    return ("mine", 1) if my_own else ("team", 0)


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
