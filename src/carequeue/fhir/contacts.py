"""Judge a record as a contact: the client was reached, somebody tried, or neither.

In:  one resource of the source, and its chart (who belongs to us, the client, the client's birth
date). Out: a `Contact` with the reason in words.
Why so strict: a contact takes a client out of Safety after a suicide attempt, so the record itself
must show that one of us and the client (or a parent or guardian of a minor) answered each other. A
reminder, a letter, a voicemail, a filed document, another organization's call and a visit elsewhere
show no such thing. If the record leaves it open, it does not count: the row then stays, and one key
closes it; everybody misses a row that vanished wrongly.
Not here: which contact meets which clock (`follow_up.py`, `rules/*.toml`), the words that tell a
voicemail from a conversation (`spoken.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from carequeue.domain.items import Party
from carequeue.fhir import codes, partner_messages, spoken, values
from carequeue.fhir.chart import Contact, ContactOutcome, Resource
from carequeue.fhir.chart_reader import ChartReader
from carequeue.fhir.our_directory import own_reference

#: A record stored before the event is none. Clocks of two machines differ by this much; our own
#: verb stamps the minute of the key, so there only the machine's clock can be wrong.
_SLACK: Final = timedelta(minutes=15)
_OUR_SLACK: Final = timedelta(days=1)
#: Communication.status of a contact that began; with the others nothing was sent or said.
_BEGAN: Final = frozenset({"completed", "not-done", "in-progress", "stopped"})
_UNFINISHED: Final = {"in-progress": "not finished", "stopped": "broken off"}
#: Prefixes of a reference to the client's side.
_CLIENTS: Final = ("Patient/", "RelatedPerson/")
_TOOK_PLACE: Final = frozenset({"finished", "in-progress"})


_Shown = tuple[ContactOutcome, str]
_DID_NOT: Final[_Shown] = (ContactOutcome.NONE, "it did not take place")
_UNNAMED: Final[_Shown] = (ContactOutcome.ATTEMPTED, "")
_REACHED: Final[_Shown] = (ContactOutcome.REACHED, "")


def contacts_of(reader: ChartReader) -> tuple[Contact, ...]:
    """The contacts in the client's records, earliest first, without those that have no time or show
    no contact of ours.
    """
    records = (*reader.of("Communication"), *reader.of("Encounter"))
    judged = (judge(reader, record) for record in records)
    ours = (contact for contact in judged if contact.outcome is not ContactOutcome.NONE)
    dated = [(contact.at, contact) for contact in ours if contact.at]
    return tuple(contact for _, contact in sorted(dated, key=lambda pair: pair[0]))


def judge(reader: ChartReader, resource: Resource) -> Contact:
    """The contact with the client that a record shows. Never raises.

    A Communication and an Encounter can be a contact; an Appointment, a DocumentReference and every
    other type cannot: they say what was planned or filed, not that two people spoke.
    """
    kind = resource.get("resourceType")
    if kind == "Communication":
        call = _Call(reader, resource)
        (outcome, why), at, unnamed = _communication(call), call.at, call.unnamed
    elif kind == "Encounter":
        shown, where = _encounter(reader, resource), place(reader, resource)
        (outcome, why), at, unnamed = shown, began(reader, resource), where is Place.UNSAID
    else:
        return Contact(ContactOutcome.NONE, None, "a record of this kind is no contact")
    if outcome is ContactOutcome.REACHED and at is None:
        outcome, why = ContactOutcome.ATTEMPTED, "at a time that the record does not give"
    if outcome is not ContactOutcome.ATTEMPTED:
        return Contact(outcome, at, why)
    about = frozenset(reader.ref(element) for element in values.objects(resource, "about")) - {""}
    return Contact(outcome, at or reader.updated(resource), why, unnamed, about)


def served(reader: ChartReader, encounter: Resource) -> bool:
    """True if a client was seen by us: a visit, or an emergency visit at our own place."""
    took_place = values.text(encounter, "status") in _TOOK_PLACE | {"arrived"}
    known = encounter_class(encounter) in codes.CONTACT_CLASSES | {"EMER"}
    return took_place and known and _visit(reader, encounter)[0] is ContactOutcome.REACHED


def began(reader: ChartReader, encounter: Resource) -> datetime | None:
    """The start of a visit, None if the time is impossible."""
    return _believed(reader, encounter, values.text(encounter, "period.start"), _SLACK)


def encounter_class(encounter: Any) -> str:
    """The ActCode of an Encounter, whatever its system; some servers leave that out."""
    return next((coding.code for coding in values.codings(encounter.get("class"))), "")


# --- a call, a message, a letter ---------------------------------------------------------


@dataclass
class _Call:
    """A Communication while it is read."""

    reader: ChartReader
    record: Resource

    @property
    def status(self) -> str:
        return values.text(self.record, "status")

    @cached_property
    def ours(self) -> bool:
        """True if our own verb wrote it, by our identifier."""
        return bool(values.identifier_value(self.record, codes.IDENTIFIER))

    @cached_property
    def chosen(self) -> bool:
        """True if a person chose "reached" by a key of ours: that holds whatever the note says.

        Our own records did not always carry the outcome; completed meant reached.
        """
        outcomes = [
            coding.code
            for coding in values.codings(self.record.get("statusReason"))
            if coding.system == codes.CONTACT_OUTCOME
        ]
        return codes.REACHED in outcomes or (self.ours and not outcomes)

    @cached_property
    def at(self) -> datetime | None:
        """The time it was sent, otherwise the time it was received."""
        slack = _OUR_SLACK if self.ours else _SLACK
        written = (values.text(self.record, name) for name in ("sent", "received"))
        instants = (_believed(self.reader, self.record, text, slack) for text in written)
        return next((moment for moment in instants if moment), None)

    @cached_property
    def sender(self) -> Party | None:
        return self.reader.party(self.record.get("sender"), self.record)

    @cached_property
    def recipients(self) -> list[Any]:
        return values.objects(self.record, "recipient")

    @cached_property
    def ends(self) -> frozenset[str]:
        """`Type/id` of the recipients, without one that the record names in words only."""
        return frozenset(map(self.end, self.recipients)) - {""}

    def end(self, value: Any) -> str:
        """`Type/id` of a sender or recipient, contained ones included."""
        written = values.text(value, "reference")
        return self.reader.ref(value) or own_reference(values.contained(self.record, written))

    @property
    def unnamed(self) -> bool:
        """True if it leaves out who of us took part, or with whom.

        Our own verb leaves the sender out if the profile does not say who we are.
        """
        return (self.sender is None and not self.ours) or not self.ends

    @property
    def by_client(self) -> bool:
        """True if it came from the client's side."""
        return self.end(self.record.get("sender")).startswith(_CLIENTS)

    def is_client(self, value: Any) -> bool:
        """True if a Reference is the client, or a parent or guardian of a client under 18."""
        reference = self.reader.ref(value)
        if reference and reference == self.reader.chart.client:
            return True
        written = values.text(value, "reference")
        contained = values.contained(self.record, written)
        person = self.reader.find(reference) if reference else contained
        if person.get("resourceType") != "RelatedPerson" or self.at is None:
            return False
        return self._cares(person, self.at) and self.reader.is_minor(self.at)

    def _cares(self, person: Resource, at: datetime) -> bool:
        theirs = self.reader.ref(person.get("patient")) == self.reader.chart.client
        over = values.period_end(person.get("period"), self.reader.zone)
        valid = theirs and person.get("active") is not False and (over is None or at <= over)
        return valid and spoken.is_carer(person)

    @property
    def with_client(self) -> bool:
        return any(self.is_client(recipient) for recipient in self.recipients)

    @property
    def to_group(self) -> bool:
        patients = [reference for reference in self.ends if reference.startswith("Patient/")]
        return len(patients) > 1 or any(reference.startswith("Group/") for reference in self.ends)

    @property
    def to_others(self) -> bool:
        """True if nobody on the client's side is among the recipients."""
        mine = self.reader.chart.client
        theirs = (end == mine or end.startswith("RelatedPerson/") for end in self.ends)
        return bool(self.ends) and not any(theirs)


def _communication(call: _Call) -> _Shown:
    if call.status not in _BEGAN:
        return _DID_NOT
    if call.by_client:
        return _from_client(call)
    return _not_with_us(call) or _how(call)


def _not_with_us(call: _Call) -> _Shown | None:
    """Return why it is no contact between us and the client, None if it may be."""
    if spoken.by_device(call.record.get("sender")):
        return ContactOutcome.NONE, "an automatic message"
    if partner_messages.is_message(call.record):
        return ContactOutcome.NONE, "a message or a call to somebody else"
    if call.sender is not None and not call.sender.ours:
        return ContactOutcome.NONE, "not by us"
    if call.to_group:
        return ContactOutcome.NONE, "a message to a group"
    return (ContactOutcome.NONE, "not to the client") if call.to_others else None


def _how(call: _Call) -> _Shown:
    """Whether the two spoke, for a record by us, or by nobody whom it names."""
    if call.status == "not-done":
        return ContactOutcome.ATTEMPTED, spoken.not_done(call.record)
    if call.status != "completed":
        return ContactOutcome.ATTEMPTED, _UNFINISHED[call.status]
    if not call.unnamed and not call.with_client:
        return ContactOutcome.ATTEMPTED, "with a relative, not with the client"
    if call.chosen:
        return _UNNAMED if call.unnamed else _REACHED
    one_way = spoken.one_way(call.record)
    if one_way:
        automatic = one_way == spoken.AUTOMATIC and not spoken.by_person(call.record.get("sender"))
        return ContactOutcome.NONE if automatic else ContactOutcome.ATTEMPTED, one_way
    if call.unnamed:
        return _UNNAMED
    if spoken.two_way(call.record):
        return _REACHED
    return ContactOutcome.ATTEMPTED, "the record does not say that they spoke"


def _from_client(call: _Call) -> _Shown:
    """A call or a message by the client: a contact if one of us was at the other end."""
    if call.status != "completed" or not call.is_client(call.record.get("sender")):
        return ContactOutcome.NONE, "not from the client"
    one_way = spoken.one_way(call.record)
    if one_way in spoken.NOT_ANSWERED:
        return ContactOutcome.NONE, "the client was not spoken to"
    if any(_answers(call, recipient) for recipient in values.objects(call.record, "inResponseTo")):
        return _REACHED
    if one_way or not spoken.two_way(call.record):
        return ContactOutcome.NONE, "a message from the client that answers none of ours"
    ends = [call.reader.party(recipient, call.record) for recipient in call.recipients]
    if any(end and end.ours for end in ends):
        return _REACHED
    return (ContactOutcome.NONE, "not with us") if call.ends else _UNNAMED


def _answers(call: _Call, asked: Any) -> bool:
    """True if the client answers a message that one of us wrote; an answer to a reminder does not
    count.
    """
    message = call.reader.find(call.reader.ref(asked))
    if message.get("resourceType") != "Communication":
        return False
    ask = _Call(call.reader, message)
    ours = ask.sender is not None and ask.sender.ours and ask.status == "completed"
    return ours and ask.with_client and spoken.one_way(message) != spoken.AUTOMATIC


# --- a visit -----------------------------------------------------------------------------


class Place(StrEnum):
    """The place of a visit: with us, with others, or not said."""

    OURS = "ours"
    ELSEWHERE = "elsewhere"
    UNSAID = "unsaid"


def place(reader: ChartReader, encounter: Resource) -> Place:
    """The place of a visit: by its organization, otherwise by its participants.

    One of us who also works for a partner works for the partner there.
    """
    parties = [reader.party(encounter.get("serviceProvider"), encounter)]
    if not parties[0]:
        people = [part.get("individual") for part in values.objects(encounter, "participant")]
        staff = (who for who in people if not reader.ref(who).startswith(_CLIENTS))
        parties = [reader.party(who, encounter) for who in staff]
    if any(party and party.ours for party in parties):
        return Place.OURS
    return Place.ELSEWHERE if any(parties) else Place.UNSAID


def _encounter(reader: ChartReader, encounter: Resource) -> _Shown:
    if values.text(encounter, "status") not in _TOOK_PLACE:
        return _DID_NOT
    if encounter_class(encounter) not in codes.CONTACT_CLASSES:
        return ContactOutcome.NONE, "a stay, not a visit"
    return _visit(reader, encounter)


def _visit(reader: ChartReader, encounter: Resource) -> _Shown:
    where = place(reader, encounter)
    if where is Place.ELSEWHERE:
        return ContactOutcome.NONE, "elsewhere"
    other = spoken.no_visit(encounter)
    if other:
        return ContactOutcome.NONE, other
    one_way = spoken.one_way(encounter)
    if one_way:
        return ContactOutcome.ATTEMPTED, one_way
    return _UNNAMED if where is Place.UNSAID else _REACHED


def _believed(
    reader: ChartReader, record: Resource, written: str, slack: timedelta
) -> datetime | None:
    """A written instant, None if it is unreadable or later than the record can be."""
    moment, stored = reader.when(written), reader.updated(record)
    latest = min(stored, reader.now) if stored else reader.now
    return moment if moment and moment <= latest + slack else None
