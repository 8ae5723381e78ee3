"""The queue's window: one prepared statement over the projection, read without the ORM.

This is the way to the first frame: it imports neither SQLModel nor SQLAlchemy (a test holds it).
Rows come in the order of the queue: band, points, due time, tie (docs/architecture.md).
Text in a row went through `domain.text.clean` when it was projected.
Not here: what fills the table (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from carequeue.store.engine import Connection


class View(StrEnum):
    """Which rows: my moves (and, dimmed at the end, what I wait for), the team's, waiting, all."""

    MINE = "mine"
    TEAM = "team"
    WAITING = "waiting"
    ALL = "all"
    WHOLE = "whole"  # all, and the snoozed ones


class QueueRow(NamedTuple):
    """One row as the list draws it. Instants are whole seconds since 1970 (UTC)."""

    key: str
    kind: str  # domain.items.Kind
    band: int  # domain.ranking.Band
    points: int
    due_at: int | None
    unit: str  # how the distance to due_at is said: h | d | bd | nudge | sleep | "" (no clock)
    days_left: int | None  # unit d or bd: whole days from now to due, negative when over
    client: str  # FAMILY, Given
    born: str  # FHIR date or ""
    alike: str  # two rows with the same value show the year of birth
    title: str  # what to do, verb first
    move: str  # domain.items.Mover
    move_name: str
    mine: int  # 0 no, 1 my move, 2 mine but waiting on somebody
    sync: str  # "" | waiting | checking | conflict | needs_you | kept_here
    fresh: int  # when it arrived or changed on the server, 0 if not since the last look
    verbs: str  # names of the verbs that apply now, most used first, separated by spaces
    source: str


class Tally(NamedTuple):
    """How many rows: per view, and per band of the view that was asked for."""

    views: Mapping[str, int]
    bands: Mapping[int, int]
    snoozed: int
