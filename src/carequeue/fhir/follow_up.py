"""Follow-ups: Tasks that are no referral and no handoff, and contacts due after a discharge.

In:  a Task, or an Encounter that ended. Out: a `WorkItem` or None.
Why a stay asks for a contact: the risk of suicide is highest in the first weeks after it (CCBHC
criteria 3.c ask for a contact within 24 hours); no server writes a Task for that, so the row is
derived, and becomes a Task when somebody first acts on it, under an identifier that is the same for
everybody.
Not here: its deadline (`rules/*.toml`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.items import Kind, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader, Facts, ItemParts, due_of, move_to, party_name
from carequeue.fhir.contacts import encounter_class
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
_VOID: Final = frozenset({"cancelled", "entered-in-error", "planned"})


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
    stay = _stay_of(reader, task)
    _find_contact(reader, facts, stay)
    return reader.item(
        task,
        facts,
        ItemParts(
            key=reader.key(task),
            kind=Kind.FOLLOW_UP,
            title=f"Decide again: {_words(task)}"
            if not_done
            else _stay_title(stay) or _words(task),
            move=move_to(
                requester if not_done and asked else None if not_done else owner, modified
            ),
            anchor=stay or task,
            subject=task.get("for"),
            task=task,
            direction=direction_of(requester, owner),
            requester=requester,
            owner=owner,
            about=_about(reader, task),
        ),
    )


def discharge(reader: ChartReader) -> WorkItem | None:
    """The contact due after the client's latest stay, until somebody has made it.

    Only the latest stay counts (a readmission voids the one before), only if it ended within
    `REACH` of the day of the reading, and only until a contact after it or a Task for it. Nobody is
    asked to call a client who has died.
    """
    stay = _latest_stay(reader)
    ended = _ended(reader, stay)
    of_client = reader.chart.client.startswith("Patient/")
    if ended is None or not of_client or "deceased" in reader.risks:
        return None
    age = reader.as_of - ended.astimezone(reader.zone).date()
    if age > REACH:
        return None
    value = f"{codes.DISCHARGE_CONTACT}:{own_reference(stay)}"
    tasks = reader.of("Task")
    if any(values.identifier_value(task, codes.IDENTIFIER) == value for task in tasks):
        return None
    facts = Facts()
    facts.add_flag("open")
    _find_contact(reader, facts, stay)
    if "contacted_at" in facts.times:
        return None
    return reader.item(
        stay,
        facts,
        ItemParts(
            key=f"{reader.chart.source}:{value}",
            kind=Kind.FOLLOW_UP,
            title=_stay_title(stay),
            move=move_to(None, ended),
            anchor=stay,
            subject=stay.get("subject"),
            about=_why_there(reader, stay),
        ),
    )


def _latest_stay(reader: ChartReader) -> Resource:
    """The stay that began last, finished or not."""
    known = [
        (began, own_reference(encounter), encounter)
        for encounter in reader.of("Encounter")
        if encounter_class(encounter) in codes.STAY_CLASSES
        and values.text(encounter, "status") not in _VOID
        if (
            began := reader.when(values.text(encounter, "period.start"))
            or _ended(reader, encounter)
        )
    ]
    return max(known, key=lambda stay: stay[:2])[2] if known else {}


def _ended(reader: ChartReader, stay: Resource) -> datetime | None:
    """The end of a finished stay: of its period, or the last period of its status history."""
    if values.text(stay, "status") != "finished":
        return None
    history = values.objects(stay, "statusHistory")
    ends = [reader.when(values.text(entry, "period.end")) for entry in history]
    end = reader.when(values.text(stay, "period.end"))
    return end or max(filter(None, ends), default=None)


def _stay_of(reader: ChartReader, task: Resource) -> Resource:
    """The stay that a Task of ours is about, by its stable identifier."""
    value = values.identifier_value(task, codes.IDENTIFIER)
    about, _, reference = value.partition(":")
    stay = reader.find(reference) if about == codes.DISCHARGE_CONTACT else {}
    return stay if stay.get("resourceType") == "Encounter" else {}


def _find_contact(reader: ChartReader, facts: Facts, stay: Resource) -> None:
    ended = _ended(reader, stay) if stay else None
    if ended is not None:
        written = values.text(stay, "period.end")
        facts.add_times(discharged_at=reader.start(facts, stay, written) if written else ended)
        facts.add_flag("discharge")
    start = facts.times.get("discharged_at") or facts.times.get("authored_at")
    contact = reader.contact_after(_surely_after(reader, facts, stay) or start)
    facts.add_times(contacted_at=contact)
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


def _stay_title(stay: Resource) -> str:
    named = _STAYS.get(encounter_class(stay)) if stay else None
    return f"First contact after {named}" if named else ""


def _words(task: Resource) -> str:
    texts = (
        values.text(task, "description"),
        values.concept_text(task.get("code")),
        values.text(task, "focus.display"),
        *(f"Do: {coding.code}" for coding in values.codings(task.get("code")) if coding.code),
    )
    return next((values.squeeze(text, 160) for text in texts if text.strip()), "Follow up")


def _about(reader: ChartReader, task: Resource) -> str:
    inputs = (values.text(part, "valueString") for part in values.objects(task, "input"))
    stay = _stay_of(reader, task)
    setting = _why_there(reader, stay) if stay else ""
    return "\n".join(lines_of(values.text(task, "description"), setting, *inputs))


def _why_there(reader: ChartReader, stay: Resource) -> str:
    place = party_name(reader.party(stay.get("serviceProvider"), stay))
    reasons = [values.concept_text(reason) for reason in values.objects(stay, "reasonCode")]
    kinds = values.concept_text(stay.get("type"))
    return "\n".join(lines_of(place, kinds, *reasons))
