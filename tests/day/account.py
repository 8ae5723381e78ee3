"""The account of a day: what was counted, what differs from the table, and which bound is broken.

In:  a seed. Out: an `Account`. The day runs on a practice server of its own, empty but for the
thirty items; at its end everything is sent, and the server is asked by plain GET what it has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from carequeue.domain.ranking import Band
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.wiring import Session, practice_session
from tests.day.clinician import Clinician, DayTime, Worked, reference_of
from tests.day.outcomes import OUTCOME_OF, Case, Place
from tests.day.records import MORNING, day_of
from tests.fhir.clinic import CLINIC, DANA
from tests.servers.harness import PracticeServer, Server

#: The most keys that a routine item may take, on the average of the day.
MOST_KEYS: Final = 1.5
_ME: Final = {
    "practitioner": DANA,
    "name": "Dana Whitfield",
    "teams": ["CareTeam/access"],
    "organization": CLINIC,
    "organization_name": "Riverbend",
    "time_zone": "America/Chicago",
}


@dataclass(frozen=True)
class Account:
    """One day. `wrong`: differences from the table, in words; `untimed`: mine without a time."""

    seed: int
    worked: Sequence[Worked]
    left_over: Sequence[str]
    wrong: Sequence[str]
    untimed: Sequence[str]
    last_lines: Sequence[str] = field(default=())

    @property
    def routine(self) -> list[Worked]:
        """The items on which nobody is at risk and for which no text was typed."""
        return [item for item in self.worked if item.is_routine]

    @property
    def keys_per_routine_item(self) -> float:
        """Corrections count."""
        return sum(len(item.keys) for item in self.routine) / max(1, len(self.routine))

    @property
    def corrections(self) -> dict[str, int]:
        """How often an act was undone, and a key was refused."""
        return {
            "undone": sum(item.undone for item in self.worked),
            "refused": sum(item.refused for item in self.worked),
        }

    @property
    def passed_over(self) -> list[str]:
        """The items of Safety or Now that waited while a lower one was worked."""
        return [f"{item.passed} behind {item.reference}" for item in self.worked if item.passed]

    @property
    def broken(self) -> list[str]:
        """The bounds that are broken, in words."""
        keys = self.keys_per_routine_item
        return [
            *([f"{keys:.2f} keys per routine item, over {MOST_KEYS}"] if keys > MOST_KEYS else []),
            *(f"passed over: {text}" for text in self.passed_over),
            *(f"not worked: {text}" for text in self.left_over),
            *(f"without a next time: {text}" for text in self.untimed),
            *self.wrong,
        ]

    def to_json(self) -> dict[str, Any]:
        """The account for programs."""
        return {
            "seed": self.seed,
            "items": [
                {
                    "task": item.reference,
                    "case": item.case.name.lower(),
                    "band": item.row.band,
                    "keys": list(item.keys),
                    "routine": item.is_routine,
                    "message": item.message,
                }
                for item in self.worked
            ],
            "keys_per_routine_item": round(self.keys_per_routine_item, 3),
            "corrections": self.corrections,
            "passed_over": self.passed_over,
            "without_a_next_time": list(self.untimed),
            "broken": self.broken,
        }


async def account_of(seed: int) -> Account:
    """Work the day of a seed, and account for it."""
    server = PracticeServer(now=MORNING.isoformat())
    with tempfile.TemporaryDirectory(prefix="carequeue-day-") as folder:
        try:
            return await _account(seed, server, Path(folder))
        finally:
            server.close()


async def _account(seed: int, server: Server, folder: Path) -> Account:
    day, time = day_of(seed), DayTime(MORNING)
    server.load(day.resources)
    with practice_session(server.base, server.token, _ME, folder, lambda: time.now) as session:
        session.sync_once()
        clinician = Clinician(session, time, day.cases)
        await clinician.work()
        before = _places(session, clinician.worked)
        session.sync_once()
        wrong = [
            *_order(clinician.worked),
            *before,
            *_places(session, clinician.worked, " after the sync"),
            *_on_server(server, clinician.worked),
        ]
        untimed = [f"{row.title}, {row.client}" for row in _whole(session) if _has_no_time(row)]
        return Account(
            seed, clinician.worked, clinician.left_over, wrong, untimed, clinician.last_lines
        )


def _whole(session: Session) -> Sequence[QueueRow]:
    return session.desk.window(Tab.WHOLE, "", 0, 10_000)


def _has_no_time(row: QueueRow) -> bool:
    return row.mine > 0 and row.due_at is None


# --- the table


def _order(worked: Sequence[Worked]) -> Iterator[str]:
    """Each item stood in the band of the table, and no higher one came after a lower one."""
    for item in worked:
        wanted = OUTCOME_OF[item.case].band
        if item.row.band != wanted:
            band = Band(item.row.band).title
            yield f"{_name(item)} stood in {band}, not in {wanted.title}"
    for before, after in pairwise(worked):
        if after.row.band < before.row.band:
            yield f"{_name(after)} came after {_name(before)}"


def _places(session: Session, worked: Sequence[Worked], when: str = "") -> list[str]:
    """Each row stands where the table says."""
    rows = {reference_of(row): row for row in _whole(session)}
    found = [(item, _place(rows.get(item.reference))) for item in worked]
    return [
        f"{_name(item)} is {place.value if place else 'elsewhere'}{when}, "
        f"not {OUTCOME_OF[item.case].place.value}"
        for item, place in found
        if place is not OUTCOME_OF[item.case].place
    ]


def _on_server(server: Server, worked: Sequence[Worked]) -> Iterator[str]:
    """The server has what the table says, by plain GET."""
    for item in worked:
        outcome = OUTCOME_OF[item.case]
        task = server.get(item.reference).json
        if task["status"] != outcome.status:
            yield f"{_name(item)} is {task['status']} on the server, not {outcome.status}"
        client = task["for"]["reference"]
        made = [found["status"] for found in server.found(f"Communication?subject={client}")]
        if made != [outcome.made] * bool(outcome.made):
            yield f"{_name(item)} made {made or 'no Communication'}, not {outcome.made or 'none'}"


def _place(row: QueueRow | None) -> Place | None:
    if row is None:
        return Place.LEFT
    if not row.mine:
        return Place.COLLEAGUE
    bands = {
        Band.ON_TRACK: Place.ON_TRACK,
        Band.WAITING: Place.WAITING,
        Band.SNOOZED: Place.SNOOZED,
    }
    return bands.get(Band(row.band))


def _name(item: Worked) -> str:
    return f"{item.reference} ({_words(item.case)})"


def _words(case: Case) -> str:
    return case.name.lower().replace("_", " ")
