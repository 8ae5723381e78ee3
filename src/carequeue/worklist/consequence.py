"""The sentence after the message of an act: where the row of the item is now, and until when.

In:  the rank of the row before and after the act. Out: a sentence, "" where nothing has moved.
Why it is said each time: a row that leaves the list without a word is looked for.
Not here: what was done (`act.py`), what a verb says in its own words (`Verb.afterwards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.clocks import Clock, class_of
from carequeue.domain.contact_tries import next_try
from carequeue.domain.items import Mover, WorkItem
from carequeue.domain.ranking import Band
from carequeue.domain.spoken_dates import say_when
from carequeue.store.queue_items import RowRank
from carequeue.verbs.decision import RowAfter

_OTHERS = (Mover.PARTNER, Mover.CLIENT)


class RowPlace(NamedTuple):
    """The rank of a row, None if it is not in the queue, and the clocks of its item."""

    rank: RowRank | None
    clocks: Sequence[Clock]


class ActedOn(NamedTuple):
    """An item, the answers of the act, and the row before and after it."""

    item: WorkItem
    answers: Mapping[str, str]
    before: RowPlace
    after: RowPlace


def row_after(acted_on: ActedOn, now: datetime, calendar: SiteCalendar) -> RowAfter:
    """What a verb may say of the row after its act."""
    row, clocks = acted_on.after.rank, acted_on.before.clocks
    still_open = {clock.rule for clock in acted_on.after.clocks if clock.open}
    closed = row is None
    return RowAfter(
        acted_on.item,
        acted_on.answers,
        closed=closed,
        snoozed=row is not None and row.band == Band.SNOOZED,
        overdue=row is not None and row.due_at is not None and row.due_at <= now.timestamp(),
        met=tuple(
            dict.fromkeys(
                clock.label
                for clock in clocks
                if clock.open and (closed or clock.rule not in still_open)
            )
        ),
        next_try=_next_try(row, clocks, now, calendar),
        moved=consequence(acted_on.before.rank, row, now, calendar),
        due=due_words(row, now, calendar) if row is not None else "",
    )


def _next_try(
    row: RowRank | None, clocks: Sequence[Clock], now: datetime, calendar: SiteCalendar
) -> str:
    """When to try again, if somebody tries to reach the client now; "" if it is not ours to."""
    if row is None or row.move in _OTHERS:
        return ""
    dues = [clock.due for clock in clocks if clock.open]
    return say_when(next_try(now, class_of(clocks), dues, calendar), now, calendar)


def consequence(
    before: RowRank | None, after: RowRank | None, now: datetime, calendar: SiteCalendar
) -> str:
    """Where the row is now: closed, with whom it waits, with which colleague, its next step, mine
    or another band; "" if it stays where it was.
    """
    if after is None:
        return "Closed."
    if before is None or after.band == Band.SNOOZED:  # the message names the time of a snooze
        return ""
    due = due_words(after, now, calendar)
    if after.unit == "try":
        return f"Next try {due}." if after.due_at != before.due_at else ""
    if after.move in _OTHERS:
        return _waiting(before, after, due)
    if after.move_name != before.move_name and after.move is Mover.TEAM:
        return f"Now with {after.move_name}."
    if after.title != before.title:
        return f"Next: {after.title}{_by(after, due, now)}."
    if after.move is Mover.ME and before.move is Mover.TEAM:
        return f"Now in Mine, under {Band(after.band).title}."
    return f"Now under {Band(after.band).title}." if after.band != before.band else ""


def _by(row: RowRank, due: str, now: datetime) -> str:
    if row.due_at is None or row.unit == "nudge":
        return ""
    return ", overdue" if row.due_at <= now.timestamp() else f", by {due}"


def _waiting(before: RowRank, after: RowRank, due: str) -> str:
    nudge = f"; nudge {due}" if due and after.unit == "nudge" else ""
    same_mover = (before.move, before.move_name) == (after.move, after.move_name)
    if same_mover and (not nudge or before.due_at == after.due_at):
        return ""
    return f"Now waiting for {after.move_name or 'the client'}{nudge}."


def due_words(row: RowRank, now: datetime, calendar: SiteCalendar) -> str:
    """When a row is due, or when its next step is; "" without a clock."""
    if row.due_at is None:
        return ""
    return say_when(datetime.fromtimestamp(row.due_at, UTC), now, calendar)
