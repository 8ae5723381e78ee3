"""Parts of a chart that every kind of item needs: client, parties, contacts, start.

In:  a `Chart`, `Us`, the site's zone and the day of the reading. Out: the parts of a `WorkItem`.
Why the day: it only bounds impossible dates (a start in the future) and how far back a stay that
ended still asks for a contact; nothing here ranks by it.
Not here: what makes a referral, a follow-up, a handoff, an authorization (their own modules).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from carequeue.domain.items import (
    Client,
    Direction,
    Kind,
    Move,
    Mover,
    Party,
    Priority,
    ResourceRef,
    StoryLine,
    Us,
    WorkItem,
)
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Chart, Contact, ContactOutcome, Resource
from carequeue.fhir.our_directory import name_of, own_reference
from carequeue.fhir.task_facts import priority_of

#: A server's clock may be this much behind the writer's; a larger gap is an impossible date.
_SLACK: Final = timedelta(days=1)
#: An earlier date is the zero of some other calendar.
_FIRST_YEAR: Final = 1990
#: An identifier that can be an item's key; it must not look like another item's key.
_KEY: Final = re.compile(r"(?!Task/)[A-Za-z0-9\-.:/]{1,400}")
NOBODY: Final = "nobody yet"
_ADULT: Final = 18
_NOTES_SHOWN: Final = 50


@dataclass
class Facts:
    """Times and flags found while an item is read; an unknown time is left out."""

    times: dict[str, datetime] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def add_times(self, **times: datetime | None) -> None:
        """Add facts whose times are known."""
        self.times.update({name: when for name, when in times.items() if when is not None})

    def add_flag(self, name: str, holds: object = True) -> None:
        """Add a flag if it holds."""
        if holds:
            self.flags.add(name)


@dataclass(frozen=True, slots=True)
class ItemParts:
    """The parts of an item that the module of its kind decides.

    `task` is the Task that a decision will change, None where there is none yet. `subject` is the
    FHIR Reference to the client. `also`: references of other reports of the same event.
    """

    key: str
    kind: Kind
    title: str
    move: Move
    anchor: Any
    subject: Any
    task: Any = None
    direction: Direction = Direction.INTERNAL
    requester: Party | None = None
    owner: Party | None = None
    about: str = ""
    priority: Priority | None = None
    also: frozenset[str] = frozenset()


class ChartReader:
    """Reads one chart. Everything is computed once, whatever the number of items."""

    def __init__(
        self, chart: Chart, us: Us, zone: ZoneInfo, as_of: date, now: datetime | None = None
    ) -> None:
        self.chart, self.us, self.zone, self.as_of = chart, us, zone, as_of
        #: No record of an event can be later than this instant.
        self.now = now or datetime.combine(as_of, time.max, tzinfo=zone).astimezone(UTC)
        #: Set once the modules that read them from the chart have done so (`chart_to_items.py`).
        self.story: tuple[StoryLine, ...] = ()
        self.contacts: tuple[Contact, ...] = ()
        self._of: dict[str, list[Resource]] = {}

    def of(self, kind: str) -> Sequence[Resource]:
        """The readable resources of one type."""
        if kind not in self._of:
            self._of[kind] = [part for part in self.chart.of(kind) if isinstance(part, dict)]
        return self._of[kind]

    def find(self, reference: str) -> Resource:
        """The resource of a reference, empty if it is not here."""
        resource = self.chart.find(reference) if reference else None
        return resource if isinstance(resource, dict) else {}

    def ref(self, value: Any) -> str:
        """The relative reference of a Reference element, or ""."""
        return values.reference(value, self.chart.base)

    def refs(self, resource: Any, path: str) -> set[str]:
        """All relative references of a list of References."""
        return {self.ref(element) for element in values.objects(resource, path)} - {""}

    def when(self, value: Any) -> datetime | None:
        """A plausible instant, in UTC."""
        moment = values.instant(value, self.zone)
        return moment if moment and moment.year >= _FIRST_YEAR else None

    def updated(self, resource: Any) -> datetime | None:
        """The time at which the server last stored a resource."""
        return self.when(values.text(resource, "meta.lastUpdated"))

    def resource_ref(self, resource: Any) -> ResourceRef:
        """The anchor or the target of an item."""
        kind, key = values.text(resource, "resourceType"), values.text(resource, "id")
        return ResourceRef(self.chart.source, kind, key)

    def key(self, task: Any) -> str:
        """The stable key of a Task: an identifier that we wrote, otherwise `Type/id`."""
        mine = values.identifier_value(task, codes.IDENTIFIER)
        value = mine if _KEY.fullmatch(mine) else own_reference(task)
        return f"{self.chart.source}:{value}"

    def start(self, facts: Facts, resource: Any, *written: Any) -> datetime | None:
        """The first plausible start, otherwise when the server stored it, otherwise the day of the
        reading if a date was written; flags what was wrong.

        A start after the server stored it, or after tomorrow, is impossible (a day and a month were
        swapped). Such a date is ignored and flagged: a wrong start would move a deadline, and none
        of them shows what was meant.
        """
        stored = self.updated(resource)
        end_of_day = datetime.combine(self.as_of, time.max, tzinfo=UTC) + 2 * _SLACK
        for date_text in written:
            moment = values.instant(date_text, self.zone)
            if moment is None:
                continue
            late = moment > (min(stored + _SLACK, end_of_day) if stored else end_of_day)
            if not late and moment.year >= _FIRST_YEAR:
                facts.add_flag("approximate", values.approximate(date_text))
                return moment
            facts.add_flag("impossible-date")
        if stored is None and "impossible-date" in facts.flags:
            stored = datetime.combine(self.as_of, time.min, tzinfo=self.zone).astimezone(UTC)
        facts.add_flag("approximate", stored)
        return stored

    @cached_property
    def patient(self) -> Resource:
        """The Patient of this chart, empty if the chart has none or it is not here."""
        return self.find(self.chart.client) if self.chart.client.startswith("Patient/") else {}

    @cached_property
    def risks(self) -> frozenset[str]:
        """Flags of the person: risks that a FHIR Flag states today, and death."""
        facts = Facts()
        for flag in self.of("Flag"):
            if values.text(flag, "status") in ("", "active"):
                for coding in values.codings(flag.get("code")):
                    known = coding.system == codes.RISK and coding.code in codes.RISKS
                    facts.add_flag(coding.code, known)
        facts.add_flag("deceased", _dead(self.patient))
        facts.add_flag("minor", self.is_minor(self.now))
        return frozenset(facts.flags)

    def is_minor(self, at: datetime) -> bool:
        """True if the client was under 18 at an instant; an unknown birth date counts as adult.

        A birth date without its day counts as the earliest possible, so as the highest age.
        """
        born = values.instant(values.text(self.patient, "birthDate"), self.zone)
        if born is None or born > at:
            return False
        first, then = born.astimezone(self.zone).date(), at.astimezone(self.zone).date()
        had = then.year - first.year - ((then.month, then.day) < (first.month, first.day))
        return had < _ADULT

    def client(self, subject: Any) -> Client:
        """The client of an item; the display of the reference if the Patient is not here."""
        if self.patient:
            return self._client
        ours = self.chart.client.startswith("Patient/")
        shown = values.squeeze(values.text(subject, "display"))
        return Client(reference=self.chart.client if ours else "", text=shown)

    @cached_property
    def _client(self) -> Client:
        """The client, from the Patient of this chart."""
        return client_of_patient(self.chart.client, self.patient)

    def party(self, value: Any, within: Any = None) -> Party | None:
        """The party of a Reference. A contained resource has a name only: it is never one of us."""
        if not isinstance(value, dict) or not value:
            return None
        reference = self.ref(value)
        contained = values.contained(within, values.text(value, "reference"))
        resource = self.find(reference) or contained
        name = values.squeeze(values.text(value, "display")) or name_of(resource)
        person = self._person(resource)
        me = self.us.is_me(reference) or (bool(person) and person == self.us.me)
        ours = me or self.us.is_ours(reference) or self.us.is_ours(person)
        if me:
            name = self.us.my_name or name
        name = name or reference or values.squeeze(values.text(value, "identifier.value"))
        person = self.us.me if me else person or reference
        return Party(reference, name, ours, me, person) if name else None

    def _person(self, role: Resource) -> str:
        """The person or place of a role with us, "" for a role elsewhere: one of us who also works
        for a partner acts for the partner there.
        """
        if role.get("resourceType") != "PractitionerRole":
            return ""
        place = self.ref(role.get("organization"))
        here = self.us.is_ours(place) if role.get("organization") else True
        return self.ref(role.get("practitioner")) or place if here else ""

    def contact_after(self, start: datetime | None) -> datetime | None:
        """The first time at or after an instant at which the client was reached."""
        reached = (
            contact.at for contact in self.contacts if contact.outcome is ContactOutcome.REACHED
        )
        return next((at for at in reached if start and at and at >= start), None)

    def attempts_after(self, start: datetime | None, about: set[str]) -> tuple[Contact, ...]:
        """Attempts since an instant; an attempt about something else does not count."""
        return tuple(
            contact
            for contact in self.contacts
            if contact.outcome is ContactOutcome.ATTEMPTED
            and (start is None or (contact.at and contact.at >= start))
            and (not contact.about or contact.about & about)
        )

    def item(self, resource: Any, facts: Facts, parts: ItemParts) -> WorkItem:
        """The row of the queue. The notes are read from `resource`."""
        priority = parts.priority or priority_of(resource)
        # The priority is a sender's wish with one threshold: urgent, asap and stat are alike.
        wish = "priority:routine" if priority is Priority.ROUTINE else "priority:urgent"
        facts.flags |= {parts.direction.value, wish} | self.risks
        start = facts.times.get("discharged_at") or facts.times.get("authored_at")
        about = {own_reference(part) for part in (resource, parts.task, parts.anchor)} - {""}
        about |= parts.also
        attempts = self.attempts_after(start, about)
        facts.add_times(
            attempted_at=attempts[0].at if attempts else None,
            tried_at=attempts[-1].at if attempts else None,
        )
        return WorkItem(
            key=parts.key,
            source=self.chart.source,
            kind=parts.kind,
            title=values.squeeze(parts.title) + self._tried(facts.times.get("tried_at")),
            client=self.client(parts.subject),
            move=parts.move,
            anchor=self.resource_ref(parts.anchor),
            target=self.resource_ref(parts.task) if parts.task else None,
            status=values.text(parts.task, "status"),
            direction=parts.direction,
            priority=priority,
            requester=parts.requester,
            owner=parts.owner,
            facts=facts.times,
            flags=frozenset(facts.flags),
            attempts=len(attempts),
            attempts_unnamed=sum(attempt.unnamed for attempt in attempts),
            snoozed_until=self._snoozed(parts.task),
            about=parts.about.strip()[:4000],
            notes=self.notes(resource),
            story=self.story,
        )

    def _tried(self, at: datetime | None) -> str:
        """What a title says of an attempt of today: who called an hour ago is not called again."""
        local = at.astimezone(self.zone) if at else None
        return f", tried {local:%H:%M}" if local and local.date() == self.as_of else ""

    def notes(self, resource: Any) -> tuple[StoryLine, ...]:
        """The notes of a resource, newest first."""
        lines = [
            StoryLine(
                self.when(values.text(note, "time")),
                values.text(note, "text")[:4000],
                values.squeeze(values.text(note, "authorString"))
                or party_name(self.party(note.get("authorReference"))),
            )
            for note in values.objects(resource, "note")
            if values.text(note, "text").strip()
        ]
        return newest_first(lines)[:_NOTES_SHOWN]

    def _snoozed(self, task: Any) -> datetime | None:
        written = values.extension(task, codes.SNOOZED_UNTIL).get("valueDateTime")
        return self.when(written)


def client_of_patient(reference: str, patient: Any) -> Client:
    """The client whose record a Patient is, for a row or a list."""
    family, given, words = values.human_name(values.get(patient, "name"))
    return Client(
        reference=reference,
        family=values.squeeze(family),
        given=values.squeeze(given),
        text=values.squeeze(words),
        birth_date=values.text(patient, "birthDate")[:10],
        gender=values.text(patient, "gender"),
        mrn=values.squeeze(values.record_number(patient), 60),
        phone=values.squeeze(values.phone(patient), 60),
        deceased=_dead(patient),
    )


def newest_first(lines: Iterable[StoryLine]) -> tuple[StoryLine, ...]:
    """Lines by time, newest first, those without a time last."""
    first = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(lines, key=lambda line: line.at or first, reverse=True))


def party_name(party: Party | None, otherwise: str = "") -> str:
    """The name of a party, or other words if there is none."""
    return party.name if party else otherwise


def move_to(party: Party | None, since: datetime | None = None) -> Move:
    """The move if this party must act next; without a party the team must act."""
    if party is None:
        return Move(Mover.TEAM, NOBODY, since)
    if party.me:
        return Move(Mover.ME, "you", since, party.person)
    if party.ours:
        return Move(Mover.TEAM, party.name, since, party.person)
    client = party.reference.startswith(("Patient/", "RelatedPerson/"))
    return Move(Mover.CLIENT if client else Mover.PARTNER, party.name, since, party.person)


def due_of(reader: ChartReader, facts: Facts, task: Any, request: Any) -> datetime | None:
    """The due date on the server; the first plausible one of these.

    `Task.restriction.period` is "when fulfillment is sought" (R4); then the R5 element carried
    back, the request's own time, and last the Task's `executionPeriod`, which many fill with it.
    """
    requested = values.extension(task, codes.REQUESTED_PERIOD).get("valuePeriod")
    zone = reader.zone
    ends = (
        values.period_end(values.get(task, "restriction.period"), zone),
        values.period_end(requested, zone),
        values.period_end(values.get(request, "occurrencePeriod"), zone),
        values.period_end({"end": values.text(request, "occurrenceDateTime")}, zone),
        values.period_end(values.get(task, "executionPeriod"), zone),
    )
    start = facts.times.get("authored_at")
    for end in filter(None, ends):
        if end.year >= _FIRST_YEAR and (start is None or end >= start):
            facts.add_flag("dated")
            facts.add_times(due_at=end)
            return end
        facts.add_flag("impossible-date")
    return None


def _dead(patient: Any) -> bool:
    is_dead = values.get(patient, "deceasedBoolean") is True
    return is_dead or bool(values.text(patient, "deceasedDateTime"))
