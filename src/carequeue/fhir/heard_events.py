"""Crises and discharges that somebody heard of: what is written, and how a record joins them later.

In:  what a person was told; the Encounters of a chart. Out: an Encounter of ours (`heard_of`); the
stays and crises of a client, each with the reports of it (`stays`, `crises`).
Why an Encounter: the shipped rules then start their clocks as they do for a record of the source.
Why reports and records are joined here and not on the server: the source writes its record without
knowing of ours. A report and a record are of one stay if they are of one class of stay and lie
within `NEAR` of each other; the record then is the stay, and starts the only clock.
Why the identifier names the hour and the words (`_identifier`): two people who hear the same thing
create one Encounter. A day would swallow a second stay of that day; other words, or another hour,
make a second Encounter, which loses nothing and joins the first one here.
Not here: the rows (`follow_up.py`), their deadlines (`rules/*.toml`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from carequeue.domain.sanitize import fold
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.contacts import encounter_class
from carequeue.fhir.intent_effects import iso
from carequeue.fhir.our_directory import own_reference

#: A report and a record of the same event lie no farther apart than this.
NEAR: Final = timedelta(hours=24)
CRISIS: Final = "crisis"
EMERGENCY: Final = "emergency"
INPATIENT: Final = "inpatient"
_PREFIX: Final = "heard:"
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES: Final = {CRISIS: "EMER", EMERGENCY: "EMER", INPATIENT: "IMP"}
#: Classes of a stay that a report cannot tell from each other.
_FAMILIES: Final = {"EMER": EMERGENCY, "IMP": INPATIENT, "ACUTE": INPATIENT, "NONAC": INPATIENT}
_VOID: Final = frozenset({"cancelled", "entered-in-error", "planned"})


# --- what is written ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """What a person was told: `kind` is CRISIS, EMERGENCY or INPATIENT.

    `when`: the crisis, or the end of the stay; a date where nobody said the hour. `words`: where
    and what, "" for nothing. `reason`: why the client was there, as code and words, if asked.
    """

    kind: str
    when: datetime | date
    words: str = ""
    reason: tuple[str, str] | None = None


def heard_of(
    event: HeardEvent, key: str, client: dict[str, str], by: dict[str, str] | None,
    void: Collection[str] = (),
) -> Resource:  # fmt: skip
    """The Encounter of an event that was heard of. `void`: identifiers that are used up, because
    the Encounters that have them were entered in error.
    """
    told = codes.HEARD_CRISIS if event.kind == CRISIS else codes.HEARD_DISCHARGE
    reasons: list[Resource] = [{"text": event.words}] if event.words else []
    if event.reason is not None:
        code, shown = event.reason
        coding = {"system": codes.STAY_REASON, "code": code, "display": shown}
        reasons.insert(0, {"coding": [coding], "text": shown})
    patient = client["reference"].partition("/")[2]
    encounter: Resource = {
        "resourceType": "Encounter",
        "id": key,
        "identifier": [{"system": codes.IDENTIFIER, "value": _identifier(event, patient, void)}],
        "status": "finished",
        "class": {"system": _ACT_CODE, "code": _CLASSES[event.kind]},
        "type": [{"coding": [{"system": codes.HEARD, "code": told}], "text": "reported by hand"}],
        "subject": client,
        "period": {"end": _written(event.when)},
    }
    if event.kind == CRISIS:
        encounter["period"] = {"start": _written(event.when), "end": _written(event.when)}
    if reasons:
        encounter["reasonCode"] = reasons
    if by is not None:
        encounter["extension"] = [{"url": codes.HEARD_BY, "valueReference": by}]
    return encounter


def _identifier(event: HeardEvent, patient: str, void: Collection[str]) -> str:
    """The first identifier of this event that is not used up."""
    hour = (
        event.when.astimezone(UTC).strftime("%Y-%m-%dT%H")
        if isinstance(event.when, datetime)
        else event.when.isoformat()
    )
    told = f"{fold(event.words)}|{event.reason[0] if event.reason else ''}"
    digest = blake2b(told.encode(errors="replace"), digest_size=4).hexdigest()
    value = f"{_PREFIX}{event.kind}:{patient}:{hour}:{digest}"
    again = (f"{value}:{number}" for number in range(2, len(void) + 3))
    return next(name for name in (value, *again) if name not in void)


def _written(when: datetime | date) -> str:
    return iso(when) if isinstance(when, datetime) else when.isoformat()


# --- what is read -------------------------------------------------------------------------------


def is_heard(encounter: Any) -> bool:
    """True if an Encounter says what somebody of us was told, and is no record of the event."""
    return values.identifier_value(encounter, codes.IDENTIFIER).startswith(_PREFIX)


def is_crisis(encounter: Any) -> bool:
    """True if an Encounter says that somebody of us was told of a crisis."""
    return values.identifier_value(encounter, codes.IDENTIFIER).startswith(f"{_PREFIX}{CRISIS}:")


def item_value(encounter: Any) -> str:
    """The stable key, without its source, of the row that an Encounter asks for.

    A report is named by its identifier, since its id changes when the server takes it.
    """
    about = codes.CRISIS_RESPONSE if is_crisis(encounter) else codes.DISCHARGE_CONTACT
    if not is_heard(encounter):
        return f"{about}:{own_reference(encounter)}"
    return f"{about}:Encounter/{values.identifier_value(encounter, codes.IDENTIFIER)}"


class Event(NamedTuple):
    """A stay or a crisis. `encounter`: the record, or the first report where there is none.

    `reports`: all Encounters that were heard of it, without `encounter`. `crises`: reports of a
    crisis that the stay has taken over.
    """

    encounter: Resource
    reports: tuple[Resource, ...] = ()
    crises: tuple[Resource, ...] = ()

    @property
    def values(self) -> frozenset[str]:
        """The keys, without their source, under which somebody may have acted on it."""
        return frozenset(item_value(part) for part in (self.encounter, *self.reports))

    @property
    def references(self) -> frozenset[str]:
        """The references of its Encounters."""
        parts = (self.encounter, *self.reports, *self.crises)
        return frozenset(own_reference(part) for part in parts)


class _Span(NamedTuple):
    """The earliest start and the latest end that an Encounter can mean."""

    start: datetime
    end: datetime


def stays(reader: ChartReader) -> tuple[Event, ...]:
    """The client's stays, finished or not, each once: a record, or reports without a record."""
    known = [part for part in _valid(reader) if encounter_class(part) in codes.STAY_CLASSES]
    records = [part for part in known if not is_heard(part)]
    reports = [part for part in known if is_heard(part) and not is_crisis(part)]
    told = [part for part in known if is_crisis(part)]
    joined: dict[str, list[Resource]] = {own_reference(record): [] for record in records}
    alone: list[list[Resource]] = []
    for report in _in_order(reader, reports):
        record = _nearest(reader, report, records)
        if record is not None:
            joined[own_reference(record)].append(report)
            continue
        group = next((g for g in alone if _gap(reader, g[0], report) <= NEAR), None)
        if group is None:
            alone.append([report])
        else:
            group.append(report)
    return tuple(
        [
            Event(record, tuple(joined[own_reference(record)]), _taken_over(reader, record, told))
            for record in records
        ]
        + [Event(first, tuple(more)) for first, *more in alone]
    )


def crises(reader: ChartReader) -> tuple[Event, ...]:
    """The crises that somebody heard of, each once, without those that a stay has taken over."""
    over = {own_reference(crisis) for stay in stays(reader) for crisis in stay.crises}
    told = [part for part in _valid(reader) if is_crisis(part)]
    groups: list[list[Resource]] = []
    for crisis in _in_order(reader, told):
        group = next((g for g in groups if _gap(reader, g[0], crisis) <= NEAR), None)
        if group is None:
            groups.append([crisis])
        else:
            group.append(crisis)
    return tuple(
        Event(first, tuple(more))
        for first, *more in groups
        if not over & {own_reference(crisis) for crisis in (first, *more)}
    )


def event_of(reader: ChartReader, value: str) -> Event | None:
    """The stay or the crisis that a key of a row names; of a report that a record has joined, the
    record's stay.
    """
    for event in (*stays(reader), *crises(reader)):
        if value in event.values or value in {item_value(crisis) for crisis in event.crises}:
            return event
    return None


def heard_end(reader: ChartReader, event: Event) -> datetime | None:
    """The earliest end of a stay that somebody was told of, near the end of the record.

    A contact after it was made on the report, and still counts.
    """
    end = _span(reader, event.encounter)
    ends = [span.end for report in event.reports if (span := _span(reader, report))]
    return min((at for at in ends if end and abs(end.end - at) <= NEAR), default=None)


def _valid(reader: ChartReader) -> list[Resource]:
    return [part for part in reader.of("Encounter") if values.text(part, "status") not in _VOID]


def _in_order(reader: ChartReader, reports: Iterable[Resource]) -> list[Resource]:
    """By their times, then by their identifiers: in the same order on every computer."""
    dated = [(span, part) for part in reports if (span := _span(reader, part))]
    key = codes.IDENTIFIER
    dated.sort(key=lambda pair: (pair[0].start, values.identifier_value(pair[1], key)))
    return [part for _, part in dated]


def _nearest(reader: ChartReader, report: Resource, records: Sequence[Resource]) -> Resource | None:
    """The finished record of the same family of classes that lies nearest, if any is near."""
    family = _FAMILIES.get(encounter_class(report))
    near = [
        (gap, own_reference(record), record)
        for record in records
        if values.text(record, "status") == "finished"
        and _FAMILIES.get(encounter_class(record)) == family
        and (gap := _gap(reader, record, report)) <= NEAR
    ]
    return min(near, key=lambda found: found[:2])[2] if near else None


def _taken_over(
    reader: ChartReader, record: Resource, told: Sequence[Resource]
) -> tuple[Resource, ...]:
    """The crises that led to a stay: it was not over before the crisis, and began within `NEAR`."""
    stay = _span(reader, record)
    if stay is None or values.text(record, "status") != "finished":
        return ()
    return tuple(
        crisis
        for crisis in told
        if (at := _span(reader, crisis)) and at.start <= stay.end and stay.start - at.end <= NEAR
    )


def _gap(reader: ChartReader, one: Resource, other: Resource) -> timedelta:
    """The time between two Encounters, zero where they overlap."""
    first, second = _span(reader, one), _span(reader, other)
    if first is None or second is None:
        return timedelta.max
    return max(timedelta(), first.start - second.end, second.start - first.end)


def _span(reader: ChartReader, encounter: Resource) -> _Span | None:
    """From the start to the end of an Encounter; a date without a time is the whole day."""
    end = values.text(encounter, "period.end") or values.text(encounter, "period.start")
    first = reader.when(values.text(encounter, "period.start") or end)
    last = reader.when(end)
    if first is None or last is None:
        return None
    if len(end) == len("2026-03-09"):
        day = last.astimezone(reader.zone).date()
        last = datetime.combine(day, time.max, tzinfo=reader.zone).astimezone(UTC)
    return _Span(min(first, last), last)
