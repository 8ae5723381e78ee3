"""Follow-ups: Tasks that are no referral and no handoff, and contacts due after a discharge.

In:  a Task, or an Encounter that ended. Out: a `WorkItem` or None.
Why a stay asks for a contact: the risk of suicide is highest in the first weeks after it (CCBHC
criteria 3.c ask for a contact within 24 hours); no server writes a Task for that, so the row is
derived, and becomes a Task when somebody first acts on it, under an identifier that is the same for
everybody.
Not here: its deadline (`rules/*.toml`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.items import Kind, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader, Facts, ItemParts, due_of, move_to, party_name
from carequeue.fhir.contacts import encounter_class
from carequeue.fhir.heard_events import (
    Event,
    crises,
    event_of,
    heard_end,
    is_crisis,
    item_value,
    stays,
)
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.task_facts import decided, direction_of, expired, lines_of

#: A stay that ended earlier is history: an import of old records must not flood the queue.
REACH: Final = timedelta(days=60)
_STAYS: Final = {
    "EMER": "ED discharge",
    "IMP": "inpatient discharge",
    "ACUTE": "inpatient discharge",
    "NONAC": "residential stay",
}
_ACCEPTED: Final = frozenset({"accepted", "ready", "in-progress", "on-hold"})


def from_task(reader: ChartReader, task: Resource) -> WorkItem | None:
    """The row of an open Task, whoever owns it; None if it is closed or a draft."""
    requester = reader.party(task.get("requester"), task)
    owner = reader.party(task.get("owner"), task)
    asked = bool(requester and requester.ours and owner and not owner.ours)
    status, late = values.text(task, "status"), expired(task)
    not_done = status in codes.TASK_NOT_DONE and (asked or late) and not decided(task)
    if status == "draft" or (status in codes.TASK_CLOSED and not not_done):
        return None
    facts = Facts()
    facts.add_times(authored_at=reader.start(facts, task, values.text(task, "authoredOn")))
    modified = reader.when(values.text(task, "lastModified")) or facts.times.get("authored_at")
    facts.add_flag("open", not not_done)
    facts.add_flag("accepted", status in _ACCEPTED)
    facts.add_times(accepted_at=modified if status in _ACCEPTED else None)
    facts.add_times(declined_at=modified if not_done else None)
    due_of(reader, facts, task, {})
    event = _event_of(reader, task)
    _find_contact(reader, facts, event)
    return reader.item(
        task,
        facts,
        ItemParts(
            key=reader.key(task),
            kind=Kind.FOLLOW_UP,
            title=f"Decide again: {_words(task)}" if not_done else _title(task, event),
            move=move_to(
                requester if not_done and asked else None if not_done else owner, modified
            ),
            anchor=event.encounter if event else task,
            subject=task.get("for"),
            task=task,
            direction=direction_of(requester, owner),
            requester=requester,
            owner=owner,
            about=_about(reader, task, event),
            also=event.references if event else frozenset(),
        ),
    )


def discharge(reader: ChartReader) -> WorkItem | None:
    """The contact due after the client's latest stay, until somebody has made it.

    Only the latest stay counts (a readmission voids the one before), only if it ended within
    `REACH` of the day of the reading, and only until a contact after it or a Task for it. Nobody is
    asked to call a client who has died.
    """
    stay = _latest(reader, stays(reader))
    ended = _ended(reader, stay.encounter) if stay else None
    if stay is None or ended is None or not _asks(reader, ended):
        return None
    if _is_taken_up(reader, stay):
        return None
    facts = Facts()
    facts.add_flag("open")
    _find_contact(reader, facts, stay)
    return None if "contacted_at" in facts.times else _derived(reader, facts, stay, ended)


def crisis(reader: ChartReader) -> WorkItem | None:
    """The response due to the latest crisis that somebody heard of, until somebody has made it.

    A stay that the crisis led to takes it over: then the contact after the stay is due.
    """
    event = _latest(reader, crises(reader))
    at = reader.when(values.text(event.encounter, "period.start")) if event else None
    if event is None or at is None or not _asks(reader, at) or _is_taken_up(reader, event):
        return None
    facts = Facts()
    facts.add_flag("open")
    _find_contact(reader, facts, event)
    return None if "contacted_at" in facts.times else _derived(reader, facts, event, at)


def _derived(reader: ChartReader, facts: Facts, event: Event, since: datetime | None) -> WorkItem:
    """The row of an event for which there is no Task yet."""
    encounter = event.encounter
    return reader.item(
        encounter,
        facts,
        ItemParts(
            key=f"{reader.chart.source}:{item_value(encounter)}",
            kind=Kind.FOLLOW_UP,
            title=_event_title(event),
            move=move_to(None, since),
            anchor=encounter,
            subject=encounter.get("subject"),
            about=_why_there(reader, encounter),
            also=event.references,
        ),
    )


def _asks(reader: ChartReader, at: datetime) -> bool:
    """True if an event at this time still asks for a contact with this client."""
    of_client = reader.chart.client.startswith("Patient/")
    age = reader.as_of - at.astimezone(reader.zone).date()
    return of_client and "deceased" not in reader.risks and age <= REACH


def _is_taken_up(reader: ChartReader, event: Event) -> bool:
    """True if there is a Task for it, or an open one for a crisis that it has taken over."""
    over = {item_value(crisis) for crisis in event.crises}
    for task in reader.of("Task"):
        value = values.identifier_value(task, codes.IDENTIFIER)
        is_open = values.text(task, "status") not in codes.TASK_CLOSED
        if value in event.values or (value in over and is_open):
            return True
    return False


def _latest(reader: ChartReader, events: Sequence[Event]) -> Event | None:
    """The event that began last, finished or not."""
    known = [
        (began, own_reference(event.encounter), event)
        for event in events
        if (
            began := reader.when(values.text(event.encounter, "period.start"))
            or _ended(reader, event.encounter)
        )
    ]
    return max(known, key=lambda event: event[:2])[2] if known else None


def _ended(reader: ChartReader, stay: Resource) -> datetime | None:
    """The end of a finished stay: of its period, or the last period of its status history."""
    if values.text(stay, "status") != "finished":
        return None
    history = values.objects(stay, "statusHistory")
    ends = [reader.when(values.text(entry, "period.end")) for entry in history]
    end = reader.when(values.text(stay, "period.end"))
    return end or max(filter(None, ends), default=None)


def _event_of(reader: ChartReader, task: Resource) -> Event | None:
    """The stay or the crisis that a Task of ours is about, by its stable identifier."""
    value = values.identifier_value(task, codes.IDENTIFIER)
    about, _, reference = value.partition(":")
    if about not in (codes.DISCHARGE_CONTACT, codes.CRISIS_RESPONSE):
        return None
    event = event_of(reader, value)
    stay = reader.find(reference) if event is None else {}
    return Event(stay) if stay.get("resourceType") == "Encounter" else event


def _find_contact(reader: ChartReader, facts: Facts, event: Event | None) -> None:
    """Find when the need began, and when the client was reached since."""
    stay = event.encounter if event else {}
    ended = _ended(reader, stay) if stay else None
    told = is_crisis(stay)
    if ended is not None:
        written = values.text(stay, "period.end")
        began = reader.start(facts, stay, written) if written else ended
        facts.add_times(**{"crisis_at" if told else "discharged_at": began})
        facts.add_flag("discharge", not told)
    start = facts.times.get("crisis_at") or facts.times.get("discharged_at")
    start = start or facts.times.get("authored_at")
    contact = reader.contact_after(_surely_after(reader, facts, stay) or start)
    early = heard_end(reader, event) if event and contact is None else None
    if start and early and reader.contact_after(early):
        contact = start  # it was made on the report: the record came later, with a later end
    facts.add_times(contacted_at=contact, served_at=contact if told else None)
    facts.add_flag("no-contact", ended is not None and contact is None)
    # A need does not become younger when somebody creates a Task for it.
    facts.add_times(authored_at=start)


def _surely_after(reader: ChartReader, facts: Facts, stay: Resource) -> datetime | None:
    """The end of the day of a discharge without a time: a contact on that day may have been before
    it. The deadline still runs from the start of the day.
    """
    written = values.text(stay, "period.end")
    whole_day = len(written) == len("2026-03-09") and "impossible-date" not in facts.flags
    return values.period_end(stay.get("period"), reader.zone) if whole_day else None


def _title(task: Resource, event: Event | None) -> str:
    return _event_title(event) or _words(task)


def _event_title(event: Event | None) -> str:
    if event is None:
        return ""
    encounter = event.encounter
    if is_crisis(encounter):
        reasons = (values.concept_text(part) for part in values.objects(encounter, "reasonCode"))
        return f"Respond to a crisis: {values.squeeze(', '.join(reasons), 120)}".rstrip(": ")
    named = _STAYS.get(encounter_class(encounter))
    return f"First contact after {named}" if named else ""


def _words(task: Resource) -> str:
    texts = (
        values.text(task, "description"),
        values.concept_text(task.get("code")),
        values.text(task, "focus.display"),
        *(f"Do: {coding.code}" for coding in values.codings(task.get("code")) if coding.code),
    )
    return next((values.squeeze(text, 160) for text in texts if text.strip()), "Follow up")


def _about(reader: ChartReader, task: Resource, event: Event | None) -> str:
    inputs = (values.text(part, "valueString") for part in values.objects(task, "input"))
    setting = _why_there(reader, event.encounter) if event else ""
    return "\n".join(lines_of(values.text(task, "description"), setting, *inputs))


def _why_there(reader: ChartReader, stay: Resource) -> str:
    place = party_name(reader.party(stay.get("serviceProvider"), stay))
    reasons = [values.concept_text(reason) for reason in values.objects(stay, "reasonCode")]
    kinds = values.concept_text(stay.get("type"))
    return "\n".join(lines_of(place, kinds, *reasons))
