"""The right outcome of each item of the day: the table that the program is held to.

Written by hand from the rules of the field (docs/profiles.md), never from what the program does: a
wrong order or a wrong consequence shows as a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, NamedTuple

from carequeue.domain.ranking import Band


class Case(Enum):
    """What an item is."""

    HANDOFF_UNSTABLE = auto()
    HANDOFF_WATCHER = auto()
    HANDOFF_STABLE = auto()
    DISCHARGE = auto()
    URGENT_REFERRAL = auto()
    ROUTINE_REFERRAL = auto()
    REFERRAL_NOT_OURS = auto()
    UNANSWERED = auto()
    DECLINED = auto()
    QUESTION = auto()
    FOLLOW_UP_DONE = auto()
    CALL_REACHED = auto()
    CALL_NO_ANSWER = auto()
    FOR_A_COLLEAGUE = auto()
    NOT_TODAY = auto()
    BACK_FROM_SNOOZE = auto()
    AUTHORIZATION = auto()


class Place(Enum):
    """Where the row of an item is after the act."""

    LEFT = "out of the queue"
    ON_TRACK = "mine, on track"
    WAITING = "mine, waiting"
    SNOOZED = "mine, snoozed"
    COLLEAGUE = "a colleague's"


class Outcome(NamedTuple):
    """The right act on a case, and what follows.

    `items`: how many of them the day has. `band`: where it stands when its turn comes. `answers`:
    question -> the words of a choice, or a text to type; of other questions the default. `status`:
    of its Task on the server at the end of the day. `made`: the Communication for its client that
    the server has then ("completed", "not-done"), "" for none. `slip`: a key that is pressed before
    by mistake, and undone.
    """

    case: Case
    items: int
    band: Band
    verb: str
    status: str
    place: Place
    answers: Mapping[str, str] = MappingProxyType({})
    made: str = ""
    slip: str = ""


OUTCOMES: Final = (
    Outcome(Case.HANDOFF_UNSTABLE, 1, Band.NOW, "accept", "accepted", Place.LEFT),
    Outcome(Case.HANDOFF_WATCHER, 1, Band.SAFETY, "accept", "accepted", Place.LEFT),
    Outcome(
        Case.DISCHARGE, 3, Band.SAFETY, "log", "completed", Place.LEFT,
        answers={"outcome": "reached"}, made="completed",
    ),
    Outcome(Case.HANDOFF_STABLE, 2, Band.DUE, "accept", "accepted", Place.LEFT),
    Outcome(Case.URGENT_REFERRAL, 2, Band.DUE, "accept", "accepted", Place.ON_TRACK),
    Outcome(Case.ROUTINE_REFERRAL, 4, Band.DUE, "accept", "accepted", Place.ON_TRACK),
    Outcome(
        Case.REFERRAL_NOT_OURS, 1, Band.DUE, "decline", "rejected", Place.LEFT,
        answers={"reason": "out of area"}, slip="a",
    ),
    Outcome(Case.FOLLOW_UP_DONE, 3, Band.DUE, "done", "completed", Place.LEFT),
    Outcome(
        Case.CALL_REACHED, 1, Band.DUE, "log", "completed", Place.LEFT,
        answers={"outcome": "reached"}, made="completed",
    ),
    Outcome(
        Case.CALL_NO_ANSWER, 1, Band.SOON, "log", "requested", Place.WAITING,
        answers={"outcome": "no answer"}, made="not-done",
    ),
    Outcome(
        Case.FOR_A_COLLEAGUE, 1, Band.DUE, "assign", "requested", Place.COLLEAGUE,
        answers={"to": "noe"},
    ),
    Outcome(
        Case.NOT_TODAY, 1, Band.DUE, "snooze", "requested", Place.SNOOZED,
        answers={"until": "tomorrow 9"},
    ),
    Outcome(Case.BACK_FROM_SNOOZE, 1, Band.DUE, "done", "completed", Place.LEFT),
    Outcome(
        Case.UNANSWERED, 3, Band.SOON, "remind", "requested", Place.WAITING, made="completed"
    ),
    Outcome(
        Case.DECLINED, 2, Band.SOON, "redirect", "rejected", Place.WAITING,
        answers={"to": "north", "consent": "covered"},
    ),
    Outcome(
        Case.QUESTION, 2, Band.SOON, "answer", "received", Place.WAITING,
        answers={"text": "on Medicaid"}, made="completed",
    ),
    Outcome(Case.AUTHORIZATION, 1, Band.SOON, "done", "completed", Place.LEFT),
)  # fmt: skip
OUTCOME_OF: Final = {outcome.case: outcome for outcome in OUTCOMES}
