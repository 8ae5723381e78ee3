"""Referrals: an ask (ServiceRequest) and the Task that carries it between two parties.

In:  a Task of code `fulfill` or with a ServiceRequest as focus, or a ServiceRequest that no Task
carries. Out: a `WorkItem`, or None where nobody has to act any more.
Why a status is not enough: the same words mean opposite moves (on hold by a partner is ours), and
cancelled is not done; read after the state tables of SDOH Clinical Care, COW and 360X.
Not here: deadlines (`rules/*.toml`), what the parties may do (`verbs/`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from carequeue.domain.items import Direction, Kind, Move, Party, Priority, WorkItem
from carequeue.fhir import codes, contacts, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import Findings, Reading, due_of, move_to, party_name
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.task_facts import (
    awaiting_information,
    decided,
    direction_of,
    expired,
    lines_of,
    priority_of,
)

_IN, _OUT, _HERE = Direction.INBOUND, Direction.OUTBOUND, Direction.INTERNAL
_OVER: Final = frozenset({"revoked", "completed", "entered-in-error"})
_NOT_ASKED: Final = frozenset({"proposal", "plan", "option"})
_NAME: Final = 40  # characters of a party in a title: what has to happen must be seen too
_ACCEPTED: Final = frozenset({"accepted", "ready", "in-progress", "on-hold"})
_BOOKED: Final = frozenset({"booked", "pending", "arrived", "checked-in", "fulfilled"})
#: A triage record may be a little older than the request that it led to.
_TRIAGE_BEFORE: Final = timedelta(days=1)

#: What has to happen, by direction and by how far the ask is.
_TITLES: Final = {
    (_IN, "new"): "Answer {urgent}referral, {asker}: {what}",
    (_IN, "info"): "{asker} to send what we asked for: {what}",
    (_IN, "accepted"): "Book first service: {what}",
    (_IN, "scheduled"): "See the client: {what}",
    (_IN, "served"): "Close the loop: {what}",
    (_IN, "held"): "Take up again: {what}",
    (_OUT, "new"): "{receiver} to answer: {what}",
    (_OUT, "info"): "Answer {receiver}’s question: {what}",
    (_OUT, "accepted"): "{receiver} to set a date: {what}",
    (_OUT, "scheduled"): "{receiver} to see the client: {what}",
    (_OUT, "served"): "{receiver} to send the result: {what}",
    (_OUT, "held"): "Ask {receiver} what holds it up: {what}",
    (_HERE, "new"): "Answer {urgent}referral: {what}",
    (_HERE, "info"): "Answer the question: {what}",
    (_HERE, "accepted"): "Book first service: {what}",
    (_HERE, "scheduled"): "See the client: {what}",
    (_HERE, "served"): "Close the loop: {what}",
    (_HERE, "held"): "Take up again: {what}",
}
_NOT_DONE_TITLES: Final = {
    "rejected": "Reroute: {what}, declined by {receiver}",
    "failed": "Decide again: {what}, not achieved by {receiver}",
    "cancelled": "Decide again: {what}, called off by {receiver}",
}


@dataclass
class _Ask:
    """A referral while it is read; `task` or `request` may be empty, never both."""

    reading: Reading
    task: Resource
    request: Resource
    requester: Party | None
    owner: Party | None
    direction: Direction
    found: Findings = field(default_factory=Findings)

    @property
    def status(self) -> str:
        return values.text(self.task, "status")

    @property
    def not_done(self) -> bool:
        return self.status in codes.TASK_NOT_DONE

    @property
    def waits(self) -> bool:
        return awaiting_information(self.task)

    @property
    def changed_at(self) -> datetime | None:
        """When the Task last changed: the best that R4 has for "since when"."""
        modified = self.reading.when(values.text(self.task, "lastModified"))
        return modified or self.reading.updated(self.task) or self.found.facts.get("authored_at")


def is_referral(reading: Reading, task: Resource) -> bool:
    """Whether a Task carries an ask: its code is `fulfill`, or its focus a ServiceRequest."""
    if values.has_code(task.get("code"), codes.FULFILL, codes.TASK_CODE_HL7):
        return True
    return reading.ref(task.get("focus")).startswith("ServiceRequest/")


def from_task(reading: Reading, task: Resource) -> WorkItem | None:
    """The row of a Task that carries a referral; None where it is closed or between others."""
    request = reading.find(reading.ref(task.get("focus")))
    if request.get("resourceType") != "ServiceRequest":
        request = {}
    asker = task.get("requester") or request.get("requester")
    requester, owner = reading.party(asker, task), reading.party(task.get("owner"), task)
    ask = _Ask(reading, task, request, requester, owner, direction_of(requester, owner))
    return None if _closed(ask) or _part_among_others(ask) else _item(ask)


def from_request(reading: Reading, request: Resource) -> WorkItem | None:
    """The row of a ServiceRequest that no Task carries; laboratory and imaging are no referral."""
    status, intent = values.text(request, "status"), values.text(request, "intent")
    if status in _OVER | {"draft"} or intent in _NOT_ASKED:
        return None
    if request.get("doNotPerform") is True:  # an order to leave it be
        return None
    if any(c.code in codes.NO_REFERRAL for c in values.codings(request.get("category"))):
        return None
    requester = reading.party(request.get("requester"), request)
    performers = values.objects(request, "performer")
    owner = reading.party(performers[0], request) if performers else None
    return _item(_Ask(reading, {}, request, requester, owner, direction_of(requester, owner)))


def _closed(ask: _Ask) -> bool:
    if ask.status in ("draft", "completed", "entered-in-error"):
        return True
    if not ask.not_done:
        return False
    asked_by_us = ask.direction is _OUT or expired(ask.task)
    return not asked_by_us or decided(ask.task) or values.text(ask.request, "status") in _OVER


def _part_among_others(ask: _Ask) -> bool:
    """A platform's own Task for the next organization: its parent is the row to show."""
    ours = any(party and party.ours for party in (ask.requester, ask.owner))
    parents = ask.reading.refs(ask.task, "partOf")
    return not ours and any(ask.reading.find(parent) for parent in parents)


def _item(ask: _Ask) -> WorkItem:
    reading, source = ask.reading, ask.task or ask.request
    _find_start(ask)
    level = _find_triage(ask)
    _find_progress(ask)
    due_of(reading, ask.found, ask.task, ask.request)
    priority = priority_of(ask.task, ask.request)
    return reading.item(
        source,
        ask.found,
        key=reading.key(ask.task) if ask.task else _request_key(ask),
        kind=Kind.REFERRAL,
        title=_title(ask, _urgency(priority, level)),
        move=_move(ask),
        anchor=ask.request or ask.task,
        subject=ask.task.get("for") or ask.request.get("subject"),
        task=ask.task,
        direction=ask.direction,
        requester=ask.requester,
        owner=ask.owner,
        about=_about(ask),
        priority=priority,
    )


def _request_key(ask: _Ask) -> str:
    return f"{ask.reading.chart.source}:{own_reference(ask.request)}"


def _find_start(ask: _Ask) -> None:
    """First contact: the request's own date, then the Task's."""
    reading, found = ask.reading, ask.found
    written = (values.text(ask.request, "authoredOn"), values.text(ask.task, "authoredOn"))
    start = reading.start(found, ask.task or ask.request, *written)
    found.put("authored_at", start)
    if ask.direction is _IN:
        found.put("requested_at", start)
    elif ask.direction is _OUT:
        sent = reading.when(values.text(ask.task, "authoredOn"))
        found.put("sent_at", sent if sent and start and sent >= start else start)


def _find_triage(ask: _Ask) -> str:
    """The triage record of this ask: the latest that names it; for what came in also the client's.

    An older record of the client says nothing of a new ask, and none of what we ask of others.
    """
    reading, start = ask.reading, ask.found.facts.get("authored_at")
    best: tuple[datetime, str] | None = None
    for each in reading.of("Observation"):
        level = _level(each)
        moment = reading.when(values.text(each, "effectiveDateTime")) or reading.when(
            values.text(each, "issued")
        )
        moment = moment or reading.updated(each) or start
        based = reading.refs(each, "basedOn")
        named = bool(based & {own_reference(ask.request), own_reference(ask.task)})
        fresh = not based and ask.direction is _IN and moment and start
        fits = named or (fresh and moment >= start - _TRIAGE_BEFORE)  # type: ignore[operator]
        if level and moment and fits and (best is None or moment >= best[0]):
            best = (moment, level)
    if best is not None:
        ask.found.mark(f"triage:{best[1]}")
        ask.found.put("crisis_at", best[0] if best[1] == "crisis" else None)
    else:
        ask.found.mark("triage:none", ask.direction is _IN)
    return best[1] if best else ""


def _level(observation: Any) -> str:
    system = any(c.system == codes.TRIAGE for c in values.codings(observation.get("code")))
    if not system or values.text(observation, "status") in ("entered-in-error", "cancelled"):
        return ""
    said = values.codings(observation.get("valueCodeableConcept"))
    return next((c.code for c in said if c.code in codes.TRIAGE_LEVELS), "")


def _find_progress(ask: _Ask) -> None:
    found, changed = ask.found, ask.changed_at
    found.mark("open", not ask.not_done)
    found.mark("accepted", ask.status in _ACCEPTED)
    waits = ask.waits or (ask.status == "on-hold" and ask.direction is _OUT)
    # Where we are the ones who asked, the clock of an answer is not ours.
    ours = waits and not ask.not_done and ask.direction is not _IN
    found.put("info_asked_at", changed if ours else None)
    found.put("accepted_at", changed if ask.status in _ACCEPTED else None)
    answered = ask.status in _ACCEPTED or ask.not_done or waits
    found.put("answered_at", changed if answered else None)
    found.put("declined_at", changed if ask.not_done else None)
    found.put("scheduled_at", _scheduled(ask))
    found.put("served_at", _served(ask))
    found.put("contacted_at", ask.reading.contact_after(found.facts.get("authored_at")))


def _says(ask: _Ask, known: frozenset[str]) -> bool:
    return any(c.code in known for c in values.codings(ask.task.get("businessStatus")))


def _scheduled(ask: _Ask) -> datetime | None:
    """When a visit for this ask was found booked."""
    reading, mine = ask.reading, {own_reference(ask.request), own_reference(ask.task)} - {""}
    found = []
    for each in reading.of("Appointment"):
        linked = reading.refs(each, "basedOn") | reading.refs(each, "supportingInformation")
        if values.text(each, "status") in _BOOKED and linked & mine:
            made = reading.when(values.text(each, "created")) or reading.updated(each)
            found.append(made or reading.when(values.text(each, "start")))
    if _says(ask, codes.VISIT_SCHEDULED):
        found.append(ask.changed_at)
    return min((moment for moment in found if moment), default=None)


def _served(ask: _Ask) -> datetime | None:
    """When a service for this ask took place: a visit that names it, or any of ours.

    Of what is asked of us a visit elsewhere is no service, even if it names the ask.
    """
    reading, start = ask.reading, ask.found.facts.get("requested_at")
    mine = {own_reference(ask.request), own_reference(ask.task)} - {""}
    found = [ask.changed_at] if _says(ask, codes.VISIT_DONE) else []
    for each in reading.of("Encounter"):
        began = contacts.began(reading, each)
        named = reading.refs(each, "basedOn") & mine and _may_answer(ask, each)
        took_place = values.text(each, "status") in ("finished", "in-progress", "arrived")
        since = start and began and began >= start
        if took_place and (named or (since and contacts.served(reading, each))):
            found.append(began or reading.updated(each))
    return min((moment for moment in found if moment), default=None)


def _may_answer(ask: _Ask, encounter: Resource) -> bool:
    """Whether a visit that names the ask is with the party that was asked."""
    elsewhere = contacts.place(ask.reading, encounter) is contacts.Place.ELSEWHERE
    return ask.direction is not _IN or not elsewhere


def _phase(ask: _Ask) -> str:
    facts = ask.found.facts
    if ask.status == "on-hold":
        return "held"
    if ask.waits:
        return "info"
    if "served_at" in facts or ask.status == "in-progress":
        return "served"
    if "scheduled_at" in facts:
        return "scheduled"
    return "accepted" if ask.status in _ACCEPTED else "new"


def _move(ask: _Ask) -> Move:
    since, phase = ask.changed_at, _phase(ask)
    if ask.not_done:
        return move_to(ask.requester if ask.direction is _OUT else None, since)
    if ask.direction is _OUT:
        ours = phase in ("info", "held")
        return move_to(ask.requester if ours else ask.owner, since)
    if ask.direction is _IN and phase == "info":
        return move_to(ask.requester, since)
    return move_to(ask.owner, since)


def _title(ask: _Ask, urgent: str) -> str:
    pattern = _NOT_DONE_TITLES.get(ask.status) or _TITLES[ask.direction, _phase(ask)]
    title = pattern.format(
        urgent=urgent,
        asker=values.squeeze(party_name(ask.requester, "sender not named"), _NAME),
        receiver=values.squeeze(party_name(ask.owner, "the receiver"), _NAME),
        what=_what(ask) or "referral",
    )
    # A request that says no more than that it is one is named by its sender alone.
    return title.removesuffix(": referral") if "referral" in pattern else title


def _what(ask: _Ask) -> str:
    named = (
        values.concept_text(ask.request.get("code")),
        values.text(ask.task, "description"),
        values.text(ask.task, "focus.display"),
    )
    return next((values.squeeze(words, 80) for words in named if words.strip()), "")


def _urgency(priority: Priority, level: str) -> str:
    if level == "crisis":
        return "crisis "
    if priority is Priority.STAT:
        return "stat "
    return "urgent " if level == "urgent" or priority is not Priority.ROUTINE else ""


def _about(ask: _Ask) -> str:
    reasons = (values.concept_text(each) for each in values.objects(ask.request, "reasonCode"))
    notes = (values.text(each, "text") for each in values.objects(ask.request, "note"))
    words = values.concept_text(ask.request.get("code"))
    asked = values.text(ask.task, "description")
    return "\n".join(dict.fromkeys(lines_of(words, asked, *reasons, *notes)))
