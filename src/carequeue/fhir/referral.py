"""Referrals: a request (ServiceRequest) and the Task that carries it between two parties.

In:  a Task of code `fulfill` or with a ServiceRequest as focus, or a ServiceRequest that no Task
carries. Out: a `WorkItem`, or None if nobody has to act any more.
Why a status is not enough: the same status means opposite moves (on hold by a partner is ours), and
cancelled is not done; read after the state tables of SDOH Clinical Care, COW and 360X.
Not here: deadlines (`rules/*.toml`), what the parties may do (`verbs/`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from carequeue.domain.items import Direction, Kind, Move, Party, Priority, WorkItem
from carequeue.fhir import codes, contacts, partner_messages, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader, Facts, ItemParts, due_of, move_to, party_name
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
_NAME: Final = 40  # characters of a party in a title: the next step must be visible too
_ACCEPTED: Final = frozenset({"accepted", "ready", "in-progress", "on-hold"})
_BOOKED: Final = frozenset({"booked", "pending", "arrived", "checked-in", "fulfilled"})
#: A triage record may be a little older than the request that it led to.
_TRIAGE_BEFORE: Final = timedelta(days=1)

#: The next step, by direction and by how far the request is; among us also the inbound steps.
_ASKED_TO_STOP: Final = "withdrawal:asked"
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
    (_OUT, "answered"): "{receiver} to go on after our answer: {what}",
    (_OUT, "reminded"): "{receiver} to answer our reminder: {what}",
    (_OUT, _ASKED_TO_STOP): "{receiver} to stop, as we asked: {what}",
    (_OUT, "withdrawal:refused"): "{receiver} goes on, although asked to stop: {what}",
    (_HERE, "new"): "Answer {urgent}referral: {what}",
    (_HERE, "info"): "Answer the question: {what}",
}
_NOT_DONE_TITLES: Final = {
    "rejected": "Reroute: {what}, declined by {receiver}",
    "failed": "Decide again: {what}, not achieved by {receiver}",
    "cancelled": "Decide again: {what}, called off by {receiver}",
}


@dataclass
class _Ask:
    """A referral while it is read; `task` or `request` may be empty, never both."""

    reader: ChartReader
    task: Resource
    request: Resource
    requester: Party | None
    owner: Party | None
    direction: Direction
    facts: Facts = field(default_factory=Facts)

    @property
    def status(self) -> str:
        return values.text(self.task, "status")

    @property
    def not_done(self) -> bool:
        return self.status in codes.TASK_NOT_DONE

    @property
    def waits(self) -> bool:
        """True if the receiver waits for information; the sender's message ends that wait."""
        if not awaiting_information(self.task):
            return False
        return self.direction is not _IN or not self._sender_wrote()

    @property
    def about(self) -> frozenset[str]:
        """References of the request and of its Task."""
        return frozenset((own_reference(self.request), own_reference(self.task))) - {""}

    def _sender_wrote(self) -> bool:
        since = self.changed_at
        at = partner_messages.last_from_partner(self.reader, self.about)
        return at is not None and since is not None and at >= since

    @property
    def is_answered(self) -> bool:
        """True if we have answered the partner's question."""
        status = self.task.get("businessStatus")
        return values.has_code(status, codes.INFORMATION_SENT, codes.BUSINESS_STATUS)

    @property
    def changed_at(self) -> datetime | None:
        """The last change of the Task: the best that R4 has for "since when"."""
        modified = self.reader.when(values.text(self.task, "lastModified"))
        return modified or self.reader.updated(self.task) or self.facts.times.get("authored_at")


def is_referral(reader: ChartReader, task: Resource) -> bool:
    """True if a Task carries a request: its code is `fulfill`, or its focus a ServiceRequest."""
    if values.has_code(task.get("code"), codes.FULFILL, codes.TASK_CODE_HL7):
        return True
    return reader.ref(task.get("focus")).startswith("ServiceRequest/")


def from_task(reader: ChartReader, task: Resource) -> WorkItem | None:
    """The row of a Task that carries a referral; None if it is closed or between others."""
    request = reader.find(reader.ref(task.get("focus")))
    if request.get("resourceType") != "ServiceRequest":
        request = {}
    asker = task.get("requester") or request.get("requester")
    requester, owner = reader.party(asker, task), reader.party(task.get("owner"), task)
    ask = _Ask(reader, task, request, requester, owner, direction_of(requester, owner))
    return None if _closed(ask) or _part_among_others(ask) else _item(ask)


def from_request(reader: ChartReader, request: Resource) -> WorkItem | None:
    """The row of a ServiceRequest without a Task; laboratory and imaging are no referrals."""
    status, intent = values.text(request, "status"), values.text(request, "intent")
    if status in _OVER | {"draft"} or intent in _NOT_ASKED:
        return None
    if request.get("doNotPerform") is True:  # an order not to do it
        return None
    if any(c.code in codes.NO_REFERRAL for c in values.codings(request.get("category"))):
        return None
    requester = reader.party(request.get("requester"), request)
    performers = values.objects(request, "performer")
    owner = reader.party(performers[0], request) if performers else None
    return _item(_Ask(reader, {}, request, requester, owner, direction_of(requester, owner)))


def _closed(ask: _Ask) -> bool:
    if ask.status in ("draft", "completed", "entered-in-error"):
        return True
    if not ask.not_done:
        return ask.direction is _OUT and decided(ask.task)
    asked_by_us = ask.direction is _OUT or expired(ask.task)
    return not asked_by_us or decided(ask.task) or values.text(ask.request, "status") in _OVER


def _part_among_others(ask: _Ask) -> bool:
    """A platform's own Task for the next organization: its parent is the row to show."""
    ours = any(party and party.ours for party in (ask.requester, ask.owner))
    parents = ask.reader.refs(ask.task, "partOf")
    return not ours and any(ask.reader.find(parent) for parent in parents)


def _item(ask: _Ask) -> WorkItem:
    reader, source = ask.reader, ask.task or ask.request
    _find_start(ask)
    level = _find_triage(ask)
    _find_progress(ask)
    due_of(reader, ask.facts, ask.task, ask.request)
    priority = priority_of(ask.task, ask.request)
    return reader.item(
        source,
        ask.facts,
        ItemParts(
            key=reader.key(ask.task)
            if ask.task
            else f"{reader.chart.source}:{own_reference(ask.request)}",
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
        ),
    )


def _find_start(ask: _Ask) -> None:
    """First contact: the request's own date, then the Task's."""
    reader, facts = ask.reader, ask.facts
    written = (values.text(ask.request, "authoredOn"), values.text(ask.task, "authoredOn"))
    start = reader.start(facts, ask.task or ask.request, *written)
    facts.add_times(authored_at=start)
    if ask.direction is _IN:
        facts.add_times(requested_at=start)
    elif ask.direction is _OUT:
        # The partner who asked us something waits for nothing from our answer on.
        answer = ask.changed_at if ask.is_answered else None
        sent = answer or reader.when(values.text(ask.task, "authoredOn"))
        facts.add_times(sent_at=sent if sent and start and sent >= start else start)


def _find_triage(ask: _Ask) -> str:
    """The triage level of this request: the latest record that names it; for inbound requests also
    the client's.

    An older record of the client says nothing about a new request, and none about what we ask of
    others.
    """
    reader, start = ask.reader, ask.facts.times.get("authored_at")
    best: tuple[datetime, str, Resource] | None = None
    for observation in reader.of("Observation"):
        level = _level(observation)
        moment = reader.when(values.text(observation, "effectiveDateTime")) or reader.when(
            values.text(observation, "issued")
        )
        moment = moment or reader.updated(observation) or start
        based = reader.refs(observation, "basedOn")
        named = bool(based & ask.about)
        fresh = not based and ask.direction is _IN and moment and start
        fits = named or (fresh and moment >= start - _TRIAGE_BEFORE)  # type: ignore[operator]
        if level and moment and fits and (best is None or moment >= best[0]):
            best = (moment, level, observation)
    if best is not None:
        ask.facts.add_flag(f"triage:{best[1]}")
        ask.facts.add_times(crisis_at=best[0] if best[1] == "crisis" else None)
        ask.facts.add_flag("high-risk", _at_risk(best[2]))
    else:
        ask.facts.add_flag("triage:none", ask.direction is _IN)
    return best[1] if best else ""


def _level(observation: Any) -> str:
    system = any(c.system == codes.TRIAGE for c in values.codings(observation.get("code")))
    if not system or values.text(observation, "status") in ("entered-in-error", "cancelled"):
        return ""
    codings = values.codings(observation.get("valueCodeableConcept"))
    return next((c.code for c in codings if c.code in codes.TRIAGE_LEVELS), "")


def _at_risk(triage: Resource) -> bool:
    """True if a triage record states a risk of harm."""
    return any(
        values.has_code(part.get("code"), codes.TRIAGE_RISK, codes.TRIAGE)
        and part.get("valueBoolean") is True
        for part in values.objects(triage, "component")
    )


def _find_progress(ask: _Ask) -> None:
    facts, changed = ask.facts, ask.changed_at
    accepted = ask.status in _ACCEPTED
    held = ask.status == "on-hold" and ask.direction is _OUT and not ask.is_answered
    waits = ask.waits or held
    withdrawal, asked_to_stop = partner_messages.withdrawal(ask.reader, ask.task)
    facts.add_flag(withdrawal, withdrawal)
    # The clock for an answer is theirs if we made the request, or if we asked them to stop.
    ours = waits and not (ask.not_done or ask.direction is _IN or withdrawal == _ASKED_TO_STOP)
    waits_on_them = not (ours or ask.not_done)  # a call about what is ours to do is no reminder
    sent = partner_messages.reminded(ask.reader, ask.about, ask.status)
    reminded = sent if waits_on_them else None
    facts.add_flag("reminded", reminded)
    facts.add_flag("open", not ask.not_done)
    facts.add_flag("accepted", accepted)
    facts.add_times(
        info_asked_at=changed if ours else None,
        accepted_at=changed if accepted else None,
        answered_at=changed if accepted or ask.not_done or waits else None,
        declined_at=changed if ask.not_done else None,
        scheduled_at=_scheduled(ask),
        served_at=_served(ask),
        reminded_at=reminded,
        reply_awaited_at=asked_to_stop if withdrawal == _ASKED_TO_STOP else _asked(ask, changed),
        contacted_at=ask.reader.contact_after(facts.times.get("authored_at")),
    )


def _asked(ask: _Ask, changed: datetime | None) -> datetime | None:
    """When we asked the other side for what they now have to answer."""
    answered = ask.status == "on-hold" and ask.direction is _OUT and ask.is_answered
    return changed if answered or (ask.direction is _IN and ask.waits) else None


def _says(ask: _Ask, known: frozenset[str]) -> bool:
    return any(c.code in known for c in values.codings(ask.task.get("businessStatus")))


def _scheduled(ask: _Ask) -> datetime | None:
    """The time at which a visit for this request was booked."""
    reader, mine = ask.reader, ask.about
    instants = []
    for appointment in reader.of("Appointment"):
        linked = reader.refs(appointment, "basedOn")
        linked |= reader.refs(appointment, "supportingInformation")
        if values.text(appointment, "status") in _BOOKED and linked & mine:
            created = reader.when(values.text(appointment, "created"))
            created = created or reader.updated(appointment)
            instants.append(created or reader.when(values.text(appointment, "start")))
    if _says(ask, codes.VISIT_SCHEDULED):
        instants.append(ask.changed_at)
    return min((moment for moment in instants if moment), default=None)


def _served(ask: _Ask) -> datetime | None:
    """The time of a service for this request: a visit that names it, or any of ours.

    For an inbound request a visit elsewhere is no service, even if it names the request.
    """
    reader, start = ask.reader, ask.facts.times.get("requested_at")
    mine = ask.about
    instants = [ask.changed_at] if _says(ask, codes.VISIT_DONE) else []
    for encounter in reader.of("Encounter"):
        began = contacts.began(reader, encounter)
        named = reader.refs(encounter, "basedOn") & mine and _may_answer(ask, encounter)
        took_place = values.text(encounter, "status") in ("finished", "in-progress", "arrived")
        since = start and began and began >= start
        if took_place and (named or (since and contacts.served(reader, encounter))):
            instants.append(began or reader.updated(encounter))
    return min((moment for moment in instants if moment), default=None)


def _may_answer(ask: _Ask, encounter: Resource) -> bool:
    """True if a visit that names the request is with the party that was asked."""
    elsewhere = contacts.place(ask.reader, encounter) is contacts.Place.ELSEWHERE
    return ask.direction is not _IN or not elsewhere


def _phase(ask: _Ask) -> str:
    facts, withdrawal = ask.facts.times, ask.facts.flags & set(partner_messages.WITHDRAWALS)
    if withdrawal and ask.direction is _OUT:
        return min(withdrawal)
    if ask.status == "on-hold":
        return "answered" if ask.is_answered and ask.direction is _OUT else "held"
    if ask.waits:
        return "info"
    if "served_at" in facts or ask.status == "in-progress":
        return "served"
    if "scheduled_at" in facts:
        return "scheduled"
    if ask.status in _ACCEPTED:
        return "accepted"
    return "reminded" if "reminded_at" in facts else "new"


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
    inbound = _TITLES.get((_IN, _phase(ask)), "")
    pattern = _NOT_DONE_TITLES.get(ask.status) or _TITLES.get((ask.direction, _phase(ask)), inbound)
    title = pattern.format(
        urgent=urgent,
        asker=values.squeeze(party_name(ask.requester, "sender not named"), _NAME),
        receiver=values.squeeze(party_name(ask.owner, "the receiver"), _NAME),
        what=_what(ask) or "referral",
    )
    # A title without content names the sender alone.
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
    reasons = map(values.concept_text, values.objects(ask.request, "reasonCode"))
    notes = (values.text(element, "text") for element in values.objects(ask.request, "note"))
    words = values.concept_text(ask.request.get("code"))
    asked = values.text(ask.task, "description")
    return "\n".join(dict.fromkeys(lines_of(words, asked, *reasons, *notes)))
