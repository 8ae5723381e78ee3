"""The colleagues of the tests, as their desk has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from carequeue.worklist.answer_parsing import whom
from carequeue.worklist.colleague_desk import ColleagueDesk
from carequeue.worklist.colleagues import Colleague
from carequeue.worklist.results import Covered, Person

COLLEAGUES = (
    Person("ehr:Practitioner/ortiz", "Nadia Ortiz, LMFT"),
    Person("ehr:Practitioner/whitfield", "Dana Whitfield, LCSW"),
    Person("ehr:CareTeam/access", "Access team", team=True),
    Person("ehr:Practitioner/lin", "Maria Lin, LPC", away="away until Mon 14 Dec"),
)


class FakeColleagues(ColleagueDesk):
    """Covers are a list; `changed` is called after each change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.current: list[Covered] = []
        self.shown_as: Colleague | None = None

    def people(self, now: datetime, *, teams: bool) -> tuple[Person, ...]:
        return tuple(person for person in COLLEAGUES if teams or not person.team)

    def find(self, text: str, now: datetime) -> Colleague:
        person = whom(text, COLLEAGUES)
        source, _, reference = person.reference.partition(":")
        return Colleague(person, ((source, reference),))

    def show_as(self, colleague: Colleague | None) -> None:
        self.shown_as = colleague
        self._changed()

    def covers(self, now: datetime) -> Sequence[Covered]:
        return list(self.current)

    def check_until(self, text: str, now: datetime) -> tuple[bool, str]:
        return (True, "Fri 27 Nov 08:00") if text == "fri" else (False, f"“{text}” is no time")

    def begin_cover(
        self, name: str, until: str, now: datetime, *, dry_run: bool = False
    ) -> Covered:
        person = self.find(name, now).person
        message = f"You cover {person.name} until Fri 27 Nov 08:00."
        covered = Covered(message, person.name, now + timedelta(days=3))
        self.current.append(covered)
        self._changed()
        return covered

    def end_cover(self, name: str, now: datetime, *, dry_run: bool = False) -> Covered:
        self.current = [covered for covered in self.current if covered.name != name]
        self._changed()
        return Covered(f"You no longer cover {name}.", name, now)
