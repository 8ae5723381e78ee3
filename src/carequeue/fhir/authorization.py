"""Authorizations and coverages that are about to end.

In:  a ClaimResponse of use `preauthorization` or a Coverage. Out: a `WorkItem` with `ends_at`.
Why all of them: how near an end must be to be shown is a clock rule, and time passes without a
resource changing; a far end ranks itself down. Why the end is part of the key: a Coverage is
renewed under the same id, and closing the row of one end says nothing about the next.
Not here: units left (R4 has no element for them), the warning (`rules/*.toml`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.items import Kind, WorkItem
from carequeue.domain.spoken_dates import say_day
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader, Facts, ItemParts, move_to
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.task_facts import lines_of

_PERIOD: Final = {"ClaimResponse": "preAuthPeriod", "Coverage": "period"}


def derived(reader: ChartReader, resource: Resource) -> WorkItem | None:
    """The row of an authorization or a coverage without a Task; None without an end."""
    end = _end(reader, resource)
    if end is None or not _in_force(resource) or _renewed(reader, resource, end):
        return None
    value = identifier(resource)
    tasks = reader.of("Task")
    if any(values.identifier_value(task, codes.IDENTIFIER) == value for task in tasks):
        return None
    return _item(reader, resource, end, {})


def is_companion(task: Resource) -> bool:
    """True if we created this Task for the end of an authorization."""
    value = values.identifier_value(task, codes.IDENTIFIER)
    return value.startswith(f"{codes.AUTHORIZATION_END}:")


def from_companion(reader: ChartReader, task: Resource) -> WorkItem | None:
    """The row of a Task for an end; None if it is closed, or the end moved."""
    if values.text(task, "status") in codes.TASK_CLOSED:
        return None
    value = values.identifier_value(task, codes.IDENTIFIER)
    resource = reader.find(value.split(":")[1])
    if not resource or identifier(resource) != value:
        return None
    end = _end(reader, resource)
    if end is None or _renewed(reader, resource, end):
        return None
    return _item(reader, resource, end, task)


def identifier(resource: Resource) -> str:
    """The stable identifier of one end of one authorization, the same for everybody."""
    written = values.text(resource, f"{_PERIOD.get(_kind(resource), 'period')}.end")
    return f"{codes.AUTHORIZATION_END}:{own_reference(resource)}:{written[:10]}"


def _item(reader: ChartReader, resource: Resource, end: datetime, task: Resource) -> WorkItem:
    facts = Facts()
    start = values.text(resource, f"{_PERIOD[_kind(resource)]}.start")
    written = values.text(resource, "created") or start
    facts.add_times(authored_at=reader.start(facts, resource, written))
    # The clock runs to the end; a start without a time makes nothing approximate.
    facts.flags.discard("approximate")
    facts.add_times(ends_at=end)
    facts.add_flag("open")
    facts.add_flag("accepted", values.text(task, "status") in ("accepted", "ready", "in-progress"))
    payer = resource.get("insurer") or next(iter(values.objects(resource, "payor")), None)
    owner = reader.party(task.get("owner"), task)
    named = "authorization" if _kind(resource) == "ClaimResponse" else "coverage"
    return reader.item(
        task or resource,
        facts,
        ItemParts(
            key=f"{reader.chart.source}:{identifier(resource)}",
            kind=Kind.AUTHORIZATION,
            title=f"Renew {named}, ends {_day(reader, end)}",
            move=move_to(owner, reader.when(values.text(task, "lastModified"))),
            anchor=resource,
            subject=resource.get("patient") or resource.get("beneficiary"),
            task=task,
            requester=reader.party(payer, resource),
            owner=owner,
            about=_about(reader, resource),
        ),
    )


def _kind(resource: Resource) -> str:
    return values.text(resource, "resourceType")


def _in_force(resource: Resource) -> bool:
    if values.text(resource, "status") != "active":
        return False
    if _kind(resource) == "Coverage":
        return True
    granted = values.text(resource, "outcome") not in ("error", "queued")
    return granted and values.text(resource, "use") == "preauthorization"


def _end(reader: ChartReader, resource: Resource) -> datetime | None:
    if _kind(resource) not in _PERIOD:
        return None
    return values.period_end(resource.get(_PERIOD[_kind(resource)]), reader.zone)


def _renewed(reader: ChartReader, resource: Resource, end: datetime) -> bool:
    """True if another of the same kind is in force the day after this one ends."""
    period, mine = _PERIOD[_kind(resource)], own_reference(resource)
    for other in reader.of(_kind(resource)):
        if own_reference(other) == mine or not _in_force(other) or not _alike(resource, other):
            continue
        begins = reader.when(values.text(other, f"{period}.start"))
        ends = _end(reader, other)
        # An unreadable end does not prove a renewal; a missing end does.
        known = ends is not None or not values.text(other, f"{period}.end")
        later = ends is None or ends > end
        if known and later and (begins is None or begins <= end + timedelta(days=1)):
            return True
    return False


def _alike(first: Resource, second: Resource) -> bool:
    """True if two have one type and, for authorizations, one payer, as far as they say."""
    types = [{c.code for c in values.codings(resource.get("type"))} for resource in (first, second)]
    if types[0] and types[1] and not types[0] & types[1]:
        return False
    payers = [values.text(resource, "insurer.reference") for resource in (first, second)]
    return payers[0] == payers[1]


def _day(reader: ChartReader, end: datetime) -> str:
    """A day, with the year only if it differs from that of the reading; never relative to now."""
    local = end.astimezone(reader.zone)
    day = say_day(local)
    return day if local.year == reader.as_of.year else f"{day.partition(' ')[2]} {local.year}"


def _about(reader: ChartReader, resource: Resource) -> str:
    number = values.text(resource, "preAuthRef")
    return "\n".join(
        lines_of(
            f"Authorization number {number}" if number else "",
            values.concept_text(resource.get("type")),
            values.text(resource, "disposition"),
        )
    )
