"""From a chart to the rows of the queue. The unknown is shown or named, never dropped silently.

In:  a `Chart` (views: base plus open intents), `Us`, the site's zone, the day of the reading.
Out: `ChartRead`: items in no particular order, each key once, and what could not be read.
Why it never fails: one unforeseen resource must not hide a client, so each is read behind its own
guard; the accessors are written so that the guard has nothing to do.
Not here: the kinds themselves (`referral.py` and its neighbors), their order (`domain/ranking.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from carequeue.domain.items import Us, WorkItem
from carequeue.fhir import (
    authorization,
    codes,
    follow_up,
    handoff,
    partner_messages,
    referral,
    timeline,
    values,
)
from carequeue.fhir.chart import Chart, ChartRead, Resource, Trouble
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.client_identity import SUBJECTS, naming_elements
from carequeue.fhir.contacts import contacts_of
from carequeue.fhir.jsontext import Duplicated
from carequeue.fhir.our_directory import own_reference

#: Types that a client's chart is read from; `sync/pull/search_plan.py` has the order in which they
#: are fetched, and a test that none is missing.
PULLED_TYPES: Final = (
    "Task", "ServiceRequest", "Observation", "Encounter", "Communication", "Appointment", "Flag",
    "ClaimResponse", "Coverage",
)  # fmt: skip
#: Types that belong to no client: names, and who belongs to us.
DIRECTORY_TYPES: Final = (
    "Organization", "PractitionerRole", "Practitioner", "CareTeam", "HealthcareService",
)  # fmt: skip
_SHARED: Final = frozenset({*DIRECTORY_TYPES, "Location"})
#: Elements that refer to what a row needs.
_NAMED: Final = (
    "for", "subject", "patient", "beneficiary", "requester", "owner", "focus", "performer",
    "sender", "recipient", "basedOn", "practitioner", "organization", "managingOrganization",
    "serviceProvider", "providedBy", "insurer", "payor", "partOf",
)  # fmt: skip
_WANTED: Final = frozenset({*_SHARED, "Patient", "ServiceRequest"})
#: Who spoke for a minor: only a contact needs it, so no other resource brings one.
_WANTED_OF_CONTACT: Final = _WANTED | {"RelatedPerson"}
#: References followed for one resource; a row needs a handful, and a server could send a million.
_MOST_NAMED: Final = 200

_T = TypeVar("_T")
#: Builds the row of one resource, None if it is none.
_Build = Callable[[ChartReader, Resource], WorkItem | None]


def read_chart(
    chart: Chart,
    us: Us,
    zone: ZoneInfo,
    as_of: date,
    described: bool = True,
    now: datetime | None = None,
) -> ChartRead:
    """All rows of one client.

    `as_of` is the day of the reading in the site's zone. It bounds impossible dates, the year that
    a title leaves out, and how old a discharge may be to ask for a contact. A chart that is read a
    day later may only lose such a row, never gain one, so none is missed between readings.
    `described` False leaves out the story, for callers that need the rows alone.
    `now` is the instant of the reading: a contact that is dated later does not count. If it is not
    given, the end of that day is used.
    """
    reader = ChartReader(chart, us, zone, as_of, now)
    troubles: list[Trouble] = []
    reader.contacts = _guarded(troubles, chart.client, lambda: contacts_of(reader)) or ()
    if described:
        reader.story = _guarded(troubles, chart.client, lambda: timeline.story(reader)) or ()
    items: dict[str, WorkItem] = {}
    for resource, build in _work(reader, troubles):
        item = _guarded(troubles, _reference(resource), partial(build, reader, resource))
        if item is not None:
            _keep(items, item, resource)
    for derive in (follow_up.discharge, follow_up.crisis):
        item = _guarded(troubles, chart.client, partial(derive, reader))
        if item is not None:
            items.setdefault(item.key, item)
    return ChartRead(tuple(items.values()), tuple(troubles))


def chart_of(resource: Any, base: str = "") -> str:
    """The chart that a resource belongs to: `Patient/id`, otherwise what it is about, otherwise
    itself.
    """
    kind, mine = values.text(resource, "resourceType"), own_reference(resource)
    if kind == "Patient":
        return mine
    for element in naming_elements(resource):
        reference = values.reference(element, base)
        if reference.startswith("Patient/"):
            return reference
    if kind == "Task":
        about = values.extension(resource, codes.ABOUT).get("valueReference")
        focus = values.get(resource, "focus")
        return values.reference(about, base) or values.reference(focus, base) or mine
    return mine


def shared(kind: str) -> bool:
    """True if resources of this type belong to no client."""
    return kind in _SHARED


def trouble(resource: Any) -> str | None:
    """Return what is wrong with a resource, without its content; None if nothing is.

    Such a resource is stored; `read_chart` still shows what it can of it, because a client must not
    be missed for a malformed element.
    """
    if not isinstance(resource, dict):
        return "it is not a resource"
    if not values.TYPE.fullmatch(values.text(resource, "resourceType")):
        return "its resource type is missing"
    if not values.ID.fullmatch(values.text(resource, "id")):
        return "its id is missing, or is not a FHIR id"
    if _duplicated(resource):
        return "it has an element twice, so changes to it are saved on this computer only"
    if "status" in resource and not isinstance(resource["status"], str):
        return "its status is not a code"
    for path in SUBJECTS:
        if path in resource and not isinstance(resource[path], dict):
            return "its client is not a reference"
    return None


def references(resource: Any, base: str = "") -> set[str]:
    """The relative references that a row of this resource needs, to be fetched if missing."""
    elements: list[Any] = [part for path in _NAMED for part in values.objects(resource, path)]
    participants = values.objects(resource, "participant")
    for role in ("individual", "actor"):
        elements += [participant.get(role) for participant in participants]
    named = {values.reference(element, base) for element in elements[:_MOST_NAMED]}
    contact = values.text(resource, "resourceType") == "Communication"
    wanted = _WANTED_OF_CONTACT if contact else _WANTED
    return {reference for reference in named if reference.partition("/")[0] in wanted}


def _work(reader: ChartReader, troubles: list[Trouble]) -> Iterator[tuple[Resource, _Build]]:
    """Every resource that may be a row, and its builder."""
    carried = _carried(reader)
    for kind in PULLED_TYPES:
        for resource in reader.chart.of(kind):
            why = trouble(resource)
            if why is not None:
                troubles.append(Trouble(_reference(resource), why))
            if not own_reference(resource):
                continue
            build = _builder(reader, kind, resource, carried)
            if build is not None:
                yield resource, build


def _builder(
    reader: ChartReader, kind: str, resource: Resource, carried: frozenset[str]
) -> _Build | None:
    if kind == "Task":
        return _task_builder(reader, resource)
    if kind == "ServiceRequest":
        return None if own_reference(resource) in carried else referral.from_request
    return authorization.derived if kind in ("ClaimResponse", "Coverage") else None


def _task_builder(reader: ChartReader, task: Resource) -> _Build | None:
    if _is_our_cancellation_request(reader, task):
        return None  # the row of the Task that it asks to stop says so
    if handoff.is_handoff(task):
        return handoff.from_task
    if authorization.is_companion(task):
        return authorization.from_companion
    return referral.from_task if referral.is_referral(reader, task) else follow_up.from_task


def _is_our_cancellation_request(reader: ChartReader, task: Resource) -> bool:
    requester = reader.party(task.get("requester"), task)
    ours = requester is not None and requester.ours
    shown = own_reference(reader.find(reader.ref(task.get("focus"))))
    return ours and bool(shown) and partner_messages.is_cancellation_request(task)


def _carried(reader: ChartReader) -> frozenset[str]:
    """References of the requests that a Task carries; one entered in error, or a handoff, carries
    none.
    """
    return frozenset(
        reader.ref(task.get("focus"))
        for task in reader.of("Task")
        if not handoff.is_handoff(task) and values.text(task, "status") != "entered-in-error"
    )


def _keep(items: dict[str, WorkItem], item: WorkItem, resource: Resource) -> None:
    """Add an item; if another has its key (a copied identifier), under its own reference."""
    if _duplicated(resource):
        item = replace(item, flags=item.flags | {"read-only"})
    if item.key in items:
        item = replace(item, key=f"{item.source}:{own_reference(resource)}")
    items[item.key] = item


def _guarded(troubles: list[Trouble], reference: str, read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except Exception as fault:  # noqa: BLE001 - whatever it is, it must not hide the other rows
        kind = type(fault).__name__
        troubles.append(Trouble(reference, f"it could not be read ({kind}); please report this"))
        return None


def _reference(resource: Any) -> str:
    return own_reference(resource) or values.squeeze(values.text(resource, "resourceType"), 60)


def _duplicated(value: Any) -> bool:
    if isinstance(value, Duplicated):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_duplicated(part) for part in inner if isinstance(part, dict | list))
