"""What happened to a client, written down in FHIR: stays, visits, calls, payers' answers, risks."""

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


def encounter(
    ledger: RecordBuilder,
    client: Ref,
    kind: str,
    period: tuple[datetime, datetime],
    at: Ref,
    what: str,
    who: Ref | None = None,
    left_for: str = "",
) -> str:
    """A finished Encounter of a class (AMB, VR, EMER, IMP); its id."""
    start, end = period
    key = ledger.new_id("enc")
    ledger.add(
        end,
        {
            "resourceType": "Encounter",
            "id": key,
            "status": "finished",
            "class": {"system": _ACT_CODE, "code": kind, "display": _CLASS_WORDS[kind]},
            "type": [{"text": what}],
            "subject": client,
            "participant": [{"individual": who}] if who else None,
            "period": {"start": iso(start), "end": iso(end)},
            "hospitalization": {"dischargeDisposition": {"text": left_for}} if left_for else None,
            "serviceProvider": at,
        },
    )
    return key


def call(
    ledger: RecordBuilder,
    client: Ref,
    who: Ref,
    at: datetime,
    words: str,
    outcome: str = "",
    about: str = "",
) -> None:
    """A Communication: reached where `outcome` is empty, else no-answer or left-message."""
    reason = {"coding": [{"system": _CONTACT_OUTCOME, "code": outcome}]}
    ledger.add(
        at,
        {
            "resourceType": "Communication",
            "id": ledger.new_id("call"),
            "status": "not-done" if outcome else "completed",
            "statusReason": reason if outcome else None,
            "medium": [{"coding": [{"system": _MODE, "code": "PHONE"}], "text": "Phone"}],
            "subject": client,
            "about": [{"reference": about}] if about else None,
            "sent": iso(at),
            "recipient": [client],
            "sender": who,
            "payload": [{"contentString": words}],
        },
    )


def appointment(
    ledger: RecordBuilder,
    client: Ref,
    who: Ref,
    start: datetime,
    status: str,
    what: str,
    by_client: bool = False,
) -> None:
    """A visit: booked, fulfilled, noshow or cancelled (by the client or by us)."""
    code = "pat" if by_client else "prov"
    reason = {"coding": [{"system": _CANCEL, "code": code}]}
    ledger.add(
        min(start, ledger.back(3)) if status == "booked" else start,
        {
            "resourceType": "Appointment",
            "id": ledger.new_id("appt"),
            "status": status,
            "cancelationReason": reason if status == "cancelled" else None,
            "serviceType": [{"text": what}],
            "start": iso(start),
            "end": iso(start + timedelta(minutes=50)),
            "participant": [
                {"actor": client, "status": "accepted"},
                {"actor": who, "status": "accepted"},
            ],
        },
    )


def authorization(
    ledger: RecordBuilder, client: Ref, who: Ref, ends: datetime, visits: int, left: int
) -> None:
    """A payer's answer: so many visits until a date."""
    key = ledger.new_id("auth")
    created = min(ends, ledger.now) - timedelta(days=60)
    ledger.add(
        created,
        {
            "resourceType": "ClaimResponse",
            "id": key,
            "status": "active",
            "type": {"coding": [{"system": _CLAIM_TYPE, "code": "professional"}]},
            "use": "preauthorization",
            "patient": client,
            "created": created.date().isoformat(),
            "insurer": org("north-star-plan"),
            "requestor": who,
            "outcome": "complete",
            "disposition": f"{visits} visits approved, {left} left",
            "preAuthRef": f"NS-{key}",
            "preAuthPeriod": {
                "start": created.date().isoformat(),
                "end": ends.date().isoformat(),
            },
        },
    )


def coverage(
    ledger: RecordBuilder,
    client: Ref,
    since: datetime,
    ends: datetime | None = None,
    suffix: str = "",
) -> None:
    """Who pays; most have no end."""
    period = {"start": since.date().isoformat()}
    if ends:
        period["end"] = ends.date().isoformat()
    number = client["reference"].rpartition("-")[2]
    ledger.add(
        since,
        {
            "resourceType": "Coverage",
            "id": f"cov-{number}{suffix}",
            "status": "active",
            "type": {"text": "Medicaid"},
            "subscriberId": f"NSM{number}",
            "beneficiary": client,
            "period": period,
            "payor": [org("north-star-plan")],
        },
    )


def flag(ledger: RecordBuilder, client: Ref, risk: str, since: datetime) -> None:
    """A risk that everybody should see: self-harm, overdose or high-risk."""
    ledger.add(
        since,
        {
            "resourceType": "Flag",
            "id": ledger.new_id("flag"),
            "status": "active",
            "code": {
                "coding": [{"system": _RISK, "code": risk}],
                "text": _RISK_WORDS[risk],
            },
            "subject": client,
            "period": {"start": iso(since)},
        },
    )


def coverage_ending(ledger: RecordBuilder, client: Ref, ends: datetime) -> None:
    """A second Coverage whose end is known, ahead or past."""
    coverage(ledger, client, ends - timedelta(days=365), ends, suffix="-b")
