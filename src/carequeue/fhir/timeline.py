"""The story of a client: what happened, in plain words, newest first.

In:  a chart. Out: at most `LINES` lines with time, words and author.
Why one story for all items of a client: the reader wants to know the person, and it is computed
once. Not here: notes on an item (`chart_reader.py`), what is still to do (the queue itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from carequeue.domain.items import StoryLine
from carequeue.fhir import codes, spoken, values
from carequeue.fhir.chart import Contact, ContactOutcome, Resource
from carequeue.fhir.chart_reader import ChartReader, newest_first, party_name
from carequeue.fhir.contacts import Place, encounter_class, judge, place
from carequeue.fhir.heard_events import is_crisis, is_heard

LINES: Final = 12
_CONTACTS: Final = {"VR": "phone or video visit", "HH": "home visit", "FLD": "outreach visit"}
_PLACES: Final = {
    "EMER": "the ED",
    "IMP": "the hospital",
    "ACUTE": "the hospital",
    "NONAC": "residential care",
}
_VISITS: Final = {
    "proposed": "visit offered",
    "pending": "visit not yet confirmed",
    "booked": "visit booked",
    "arrived": "came to the visit",
    "checked-in": "came to the visit",
    "fulfilled": "came to the visit",
    "cancelled": "visit called off",
    "noshow": "missed the visit",
    "waitlist": "on the waiting list for a visit",
}


def story(reader: ChartReader) -> tuple[StoryLine, ...]:
    """The latest lines of a client's story; a resource without readable content has none."""
    lines: list[StoryLine] = []
    for resource in reader.of("Encounter"):
        lines += _encounter(reader, resource)
    for resource in reader.of("Appointment"):
        lines += _appointment(reader, resource)
    for resource in reader.of("Communication"):
        lines += _communication(reader, resource)
    for kind in ("ServiceRequest", "Task"):
        for resource in reader.of(kind):
            lines += _asked(reader, resource)
    return newest_first(lines)[:LINES]


def _encounter(reader: ChartReader, encounter: Resource) -> Iterator[StoryLine]:
    status, kind = values.text(encounter, "status"), encounter_class(encounter)
    if status in ("cancelled", "entered-in-error", "planned"):
        return
    place_name = party_name(reader.party(encounter.get("serviceProvider"), encounter))
    began = reader.when(values.text(encounter, "period.start"))
    ended = reader.when(values.text(encounter, "period.end"))
    what = values.concept_text(encounter.get("type"))
    if is_heard(encounter):
        yield _heard(reader, encounter, ended, kind)
        return
    if kind in _PLACES:
        if began:
            yield StoryLine(began, _join(f"came to {_PLACES[kind]}", what), place_name)
        if ended and status == "finished":
            yield StoryLine(ended, f"left {_PLACES[kind]}", place_name)
        return
    people = [p for p in values.objects(encounter, "participant") if p.get("individual")]
    who = party_name(reader.party(people[0]["individual"], encounter)) if people else ""
    words, shown = _CONTACTS.get(kind, "visit"), judge(reader, encounter)
    if shown.outcome is ContactOutcome.ATTEMPTED:
        words = f"{words}, {_attempted(shown)}"
    elif place(reader, encounter) is Place.ELSEWHERE:
        words = f"{words} elsewhere"
    yield StoryLine(began, _join(words, what), who or place_name)


def _heard(reader: ChartReader, encounter: Resource, at: datetime | None, kind: str) -> StoryLine:
    """What somebody of us was told; it stays in the story when a record of it has come."""
    reasons = [values.concept_text(reason) for reason in values.objects(encounter, "reasonCode")]
    words = "heard of a crisis" if is_crisis(encounter) else f"heard: left {_PLACES.get(kind, '')}"
    by = values.extension(encounter, codes.HEARD_BY).get("valueReference")
    return StoryLine(at, _join(words, ", ".join(reasons)), party_name(reader.party(by)))


def _appointment(reader: ChartReader, appointment: Resource) -> Iterator[StoryLine]:
    words = _VISITS.get(values.text(appointment, "status"))
    start = reader.when(values.text(appointment, "start"))
    if words is None:
        return
    what = values.text(appointment, "description") or values.concept_text(
        appointment.get("serviceType")
    )
    reason = values.concept_text(appointment.get("cancelationReason"))
    at = start or reader.when(values.text(appointment, "created"))
    yield StoryLine(at, _join(_join(words, what), reason), _with(reader, appointment))


def _with(reader: ChartReader, appointment: Resource) -> str:
    for participant in values.objects(appointment, "participant"):
        actor = values.get(participant, "actor")
        if not reader.ref(actor).startswith(("Patient/", "RelatedPerson/", "Location/")):
            return party_name(reader.party(actor, appointment))
    return ""


def _communication(reader: ChartReader, communication: Resource) -> Iterator[StoryLine]:
    status = values.text(communication, "status")
    by = party_name(reader.party(communication.get("sender"), communication))
    payload = values.objects(communication, "payload")
    text = values.text(payload[0], "contentString") if payload else ""
    topic = text or values.concept_text(communication.get("topic"))
    shown = judge(reader, communication)
    if shown.outcome is ContactOutcome.ATTEMPTED:
        yield StoryLine(shown.at, _join(_attempted(shown), topic), by)
    elif shown.outcome is ContactOutcome.REACHED:
        yield StoryLine(shown.at, _join("reached", topic), by)
    elif status == "completed":
        words = "call" if spoken.two_way(communication) else "message"
        yield StoryLine(shown.at, _join(words, topic), by)


def _attempted(contact: Contact) -> str:
    words = f"attempted, {contact.why}" if contact.why else "attempted"
    return f"{words} (the record does not say who took part)" if contact.unnamed else words


def _asked(reader: ChartReader, ask: Resource) -> Iterator[StoryLine]:
    if values.text(ask, "status") in ("draft", "entered-in-error"):
        return
    at = reader.when(values.text(ask, "authoredOn"))
    by = party_name(reader.party(ask.get("requester"), ask))
    what = values.text(ask, "description") or values.concept_text(ask.get("code"))
    if values.text(ask, "resourceType") == "ServiceRequest":
        yield StoryLine(at, _join("asked for", what or "a service", " "), by)
    elif values.has_code(ask.get("code"), codes.HANDOFF, codes.TASK_CODE):
        to = party_name(reader.party(ask.get("owner"), ask), "nobody yet")
        yield StoryLine(at, f"handed off to {to}", by)
    elif not reader.ref(ask.get("focus")).startswith("ServiceRequest/") and at:
        yield StoryLine(at, _join("to do", what), by)


def _join(words: str, more: str, between: str = ": ") -> str:
    more = values.squeeze(more, 160)
    return f"{words}{between}{more}" if more else words
