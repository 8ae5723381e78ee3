"""The whole synthetic clinic: the directory, the clients, and the work that waits for somebody.

In:  a seed, a number of clients, the time of opening. Out: resources with the instant at which
each was last written. The same three give the same bytes: one `random.Random`, never a set or a
hash order. How much work there is grows with the number of clients; Dana's own does not.
Not here: what Dana has to do (`demo_user_work.py`), what the others have (`background_work.py`).
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any, Final

from carequeue.practice.people import background_work, demo_user_work
from carequeue.practice.people.clinical_events import PatientRecord
from carequeue.practice.people.malformed_resources import broken
from carequeue.practice.people.names import CAST, POOLS, SyntheticClient, words
from carequeue.practice.people.organizations import STAFF, Ref, Tree, directory, org, staff
from carequeue.practice.people.phrases import CALLS
from carequeue.practice.people.record_builder import RecordBuilder

#: Who the demo's person is; the parent gets it in the first line.
ME: Final[dict[str, Any]] = {
    "practitioner": "Practitioner/dana-whitfield",
    "name": "Dana Whitfield, LCSW",
    "teams": ["CareTeam/adult-outpatient"],
    "organization": "Organization/riverbend",
    "organization_name": "Riverbend CCBHC",
    "time_zone": "America/Chicago",
}
_MRN: Final = "https://riverbend.example/mrn"
_MRN_TYPE: Final = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
#: How the pools are drawn: the first three make half of the clients.
_WEIGHTS: Final = (30, 12, 14, 8, 3, 3, 3, 3, 3, 3, 4, 5, 5, 3, 3, 2)


class ClinicPeople:
    """One clinic. `now` is an aware datetime; everything in it is dated relative to it."""

    def __init__(self, seed: int, clients: int, now: datetime) -> None:
        self._random = random.Random(seed)  # noqa: S311 - people, not secrets
        self._book = RecordBuilder(now)
        self.clients = [self._client(place) for place in range(clients)]

    def resources(self) -> list[tuple[int, Tree]]:
        """(milliseconds since 1970, resource with id) of everything there is."""
        for tree in directory(self._book.now.date()):
            self._book.add(self._book.back(500), tree)
        for place, client in enumerate(self.clients):
            self._quiet_life(place, client)
        demo_user_work.fill(self._book, self.clients)
        background_work.fill(self._book, self.clients, self._random)
        broken(self._book, self.clients)
        return self._book.made

    def _client(self, place: int) -> Ref:
        person = CAST[place] if place < len(CAST) else anybody(self._random, self._book.now.date())
        when = self._book.back(self._random.randint(120, 480))
        return register(self._book, when, place, person, self._keeper(place))

    def _keeper(self, place: int) -> Ref:
        """The client's clinician: the cast is Dana's, the others go round."""
        return staff(STAFF[0 if place < len(CAST) else place % len(STAFF)].id)

    def _quiet_life(self, place: int, client: Ref) -> None:
        """Give the client a payer, perhaps a visit behind and a visit ahead."""
        book, draw = self._book, self._random
        record, keeper = PatientRecord(book, client), self._keeper(place)
        record.coverage(book.back(draw.randint(60, 400)))
        if draw.random() < 0.6:
            start = book.back(draw.randint(45, 120), draw.randint(8, 16))
            period = (start, start + timedelta(minutes=50))
            record.encounter("AMB", period, org("riverbend"), "Therapy", keeper)
        if draw.random() < 0.2:
            start = book.ahead(draw.randint(1, 25), draw.randint(8, 16))
            record.appointment(keeper, start, "booked")
        if draw.random() < 0.1:
            record.call(keeper, book.back(draw.randint(45, 90)), draw.choice(CALLS))


def anybody(draw: random.Random, today: date) -> SyntheticClient:
    """A person who is nobody: a name of one of the pools, 9 to 78 years old."""
    families, women, men, family_first = draw.choices(POOLS, _WEIGHTS)[0]
    gender = draw.choice(("female", "male", "female", "male", "other"))
    given = draw.choice(words(women if gender == "female" else men))
    family = draw.choice(words(families)) if families else ""
    born = today - timedelta(days=draw.randint(9 * 365, 78 * 365))
    text = f"{family} {given}" if family_first else f"{given} {family}".strip()
    return SyntheticClient(family, given, gender, born.isoformat(), text)


def register(
    book: RecordBuilder, when: datetime, place: int, person: SyntheticClient, keeper: Ref
) -> Ref:
    """Write a Patient down; `place` counts the clients of the clinic and makes id and number."""
    key = f"client-{place + 1:04d}"
    text = person.text or f"{person.given} {person.family}".strip()
    name: Tree = {"use": "official", "text": text}
    if person.family:
        name["family"] = person.family
    name["given"] = [person.given]
    number = f"{418000 + place * 7:08d}"
    tree = {
        "resourceType": "Patient",
        "id": key,
        "identifier": [{"type": {"coding": [_MRN_TYPE]}, "system": _MRN, "value": number}],
        "active": True,
        "name": [name],
        "telecom": [{"system": "phone", "use": "mobile", "value": f"612-555-{place % 10_000:04d}"}],
        "gender": person.gender,
        "birthDate": person.born,
        "generalPractitioner": [keeper],
        "managingOrganization": org("riverbend"),
    }
    book.add(when, tree)
    return {"reference": f"Patient/{key}", "display": text}
