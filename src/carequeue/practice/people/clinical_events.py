"""Events of one client in literal FHIR: stays, visits, calls, payers' answers, risks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from carequeue.practice.people.organizations import Ref, org
from carequeue.practice.people.record_builder import RecordBuilder, iso

_RISK: Final = "https://carequeue.dev/fhir/CodeSystem/risk"
_CONTACT_OUTCOME: Final = "https://carequeue.dev/fhir/CodeSystem/contact-outcome"
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_MODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_CANCEL: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_CLAIM_TYPE: Final = "http://terminology.hl7.org/CodeSystem/claim-type"

_CLASS_WORDS: Final = {
    "AMB": "ambulatory",
    "VR": "virtual",
    "EMER": "emergency",
    "IMP": "inpatient encounter",
}
_RISK_WORDS: Final = {
    "self-harm": "Self-harm risk",
    "overdose": "Overdose risk",
    "high-risk": "High risk",
}


class PatientRecord:
    """Writes down what happened to one client."""

    def __init__(self, book: RecordBuilder, client: Ref) -> None:
        self._book, self._client = book, client

    def encounter(
        self,
        kind: str,
        period: tuple[datetime, datetime],
        at: Ref,
        what: str,
        who: Ref | None = None,
        left_for: str = "",
    ) -> str:
        """A finished Encounter of a class (AMB, VR, EMER, IMP); its id."""
        start, end = period
        key = self._book.new_id("enc")
        tree = {
            "resourceType": "Encounter",
            "id": key,
            "status": "finished",
            "class": {"system": _ACT_CODE, "code": kind, "display": _CLASS_WORDS[kind]},
            "type": [{"text": what}],
            "subject": self._client,
            "participant": [{"individual": who}] if who else None,
            "period": {"start": iso(start), "end": iso(end)},
            "hospitalization": {"dischargeDisposition": {"text": left_for}} if left_for else None,
            "serviceProvider": at,
        }
        self._book.add(end, tree)
        return key

    def call(self, who: Ref, at: datetime, words: str, outcome: str = "", about: str = "") -> None:
        """A Communication: reached where `outcome` is empty, else no-answer or left-message."""
        reason = {"coding": [{"system": _CONTACT_OUTCOME, "code": outcome}]}
        tree = {
            "resourceType": "Communication",
            "id": self._book.new_id("call"),
            "status": "not-done" if outcome else "completed",
            "statusReason": reason if outcome else None,
            "medium": [{"coding": [{"system": _MODE, "code": "PHONE"}], "text": "Phone"}],
            "subject": self._client,
            "about": [{"reference": about}] if about else None,
            "sent": iso(at),
            "recipient": [self._client],
            "sender": who,
            "payload": [{"contentString": words}],
        }
        self._book.add(at, tree)

    def appointment(
        self, who: Ref, start: datetime, status: str, what: str = "Therapy", by_client: bool = False
    ) -> None:
        """A visit: booked, fulfilled, noshow or cancelled (by the client or by us)."""
        reason = {"coding": [{"system": _CANCEL, "code": "pat" if by_client else "prov"}]}
        tree = {
            "resourceType": "Appointment",
            "id": self._book.new_id("appt"),
            "status": status,
            "cancelationReason": reason if status == "cancelled" else None,
            "serviceType": [{"text": what}],
            "start": iso(start),
            "end": iso(start + timedelta(minutes=50)),
            "participant": [
                {"actor": actor, "status": "accepted"} for actor in (self._client, who)
            ],
        }
        self._book.add(min(start, self._book.back(3)) if status == "booked" else start, tree)

    def authorization(self, who: Ref, ends: datetime, visits: int, left: int) -> None:
        """A payer's answer: so many visits until a date."""
        key = self._book.new_id("auth")
        created = min(ends, self._book.now) - timedelta(days=60)
        start, end = created.date().isoformat(), ends.date().isoformat()
        tree = {
            "resourceType": "ClaimResponse",
            "id": key,
            "status": "active",
            "type": {"coding": [{"system": _CLAIM_TYPE, "code": "professional"}]},
            "use": "preauthorization",
            "patient": self._client,
            "created": start,
            "insurer": org("north-star-plan"),
            "requestor": who,
            "outcome": "complete",
            "disposition": f"{visits} visits approved, {left} left",
            "preAuthRef": f"NS-{key}",
            "preAuthPeriod": {"start": start, "end": end},
        }
        self._book.add(created, tree)

    def coverage(self, since: datetime, ends: datetime | None = None, suffix: str = "") -> None:
        """The payer; most coverages have no end."""
        period = {"start": since.date().isoformat()}
        if ends:
            period["end"] = ends.date().isoformat()
        number = self._client["reference"].rpartition("-")[2]
        tree = {
            "resourceType": "Coverage",
            "id": f"cov-{number}{suffix}",
            "status": "active",
            "type": {"text": "Medicaid"},
            "subscriberId": f"NSM{number}",
            "beneficiary": self._client,
            "period": period,
            "payor": [org("north-star-plan")],
        }
        self._book.add(since, tree)

    def flag(self, risk: str, since: datetime) -> None:
        """A risk that everybody should see: self-harm, overdose or high-risk."""
        tree = {
            "resourceType": "Flag",
            "id": self._book.new_id("flag"),
            "status": "active",
            "code": {"coding": [{"system": _RISK, "code": risk}], "text": _RISK_WORDS[risk]},
            "subject": self._client,
            "period": {"start": iso(since)},
        }
        self._book.add(since, tree)
