"""Code systems, our own among them. A URI here is a name and is never fetched."""

from __future__ import annotations

from typing import Final

OURS: Final = "https://carequeue.dev/fhir"

#: Identifier that makes a create repeatable: a stable key of a derived item, or a fresh uuid.
IDENTIFIER: Final = f"{OURS}/identifier/item"
#: Task.code: "take this client over" (a handoff).
TASK_CODE: Final = f"{OURS}/CodeSystem/task-code"
HANDOFF: Final = "handoff"
FOLLOW_UP: Final = "follow-up"
#: Task.input.type of a handoff, after I-PASS.
HANDOFF_INPUT: Final = f"{OURS}/CodeSystem/handoff-input"
SEVERITY: Final = "illness-severity"  # valueString: unstable | watcher | stable
SUMMARY: Final = "patient-summary"
ACTIONS: Final = "action-list"
CONTINGENCY: Final = "contingency"
#: Task.output.type of a read-back by the receiver of a handoff.
READ_BACK: Final = "read-back"
#: Task.extension: valueDateTime until which the item sleeps (no FHIR code says "snoozed").
SNOOZED_UNTIL: Final = f"{OURS}/StructureDefinition/snoozed-until"
#: Task.extension on a derived Task: valueReference to the Encounter, ClaimResponse, … it is about.
ABOUT: Final = f"{OURS}/StructureDefinition/about"

#: A triage record: Observation.code; valueCodeableConcept crisis | urgent | routine.
TRIAGE: Final = f"{OURS}/CodeSystem/triage"
#: Observation.component.code of a triage record: valueBoolean, whether there is a risk of harm.
TRIAGE_RISK: Final = "risk-of-harm"
#: Flag.code of a risk that the queue ranks by: self-harm | overdose | high-risk.
RISK: Final = f"{OURS}/CodeSystem/risk"

TASK_CODE_HL7: Final = "http://hl7.org/fhir/CodeSystem/task-code"
FULFILL: Final = "fulfill"
#: Task.code: the requester asks the performer to stop (COW, cancellation request).
ABORT: Final = "abort"
#: Encounter.class of a stay whose end asks for a contact.
STAY_CLASSES: Final = frozenset({"EMER", "IMP", "ACUTE", "NONAC"})
#: Encounter.class of a contact with the client.
CONTACT_CLASSES: Final = frozenset({"AMB", "VR", "HH", "FLD"})
#: Communication.statusReason of a contact that we logged: how it went.
CONTACT_OUTCOME: Final = f"{OURS}/CodeSystem/contact-outcome"
REACHED: Final = "reached"
NO_ANSWER: Final = "no-answer"
LEFT_MESSAGE: Final = "left-message"
LETTER: Final = "letter"
NOT_MET: Final = "not-met"
#: The outcome of a contact in words -> its code.
CONTACT_OUTCOMES: Final = {
    "reached": REACHED,
    "left message": LEFT_MESSAGE,
    "no answer": NO_ANSWER,
    "letter sent": LETTER,
    "visited, not met": NOT_MET,
}
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARTICIPATION_MODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"

#: Communication.category of a message to a partner, never of a contact with the client.
MESSAGE: Final = f"{OURS}/CodeSystem/message"
REMINDER: Final = "reminder"
CALL: Final = "call"  # a call to somebody who is not the client
QUESTION: Final = "question"
ANSWER: Final = "answer"
CORRECTION: Final = "correction"  # what we did or wrote to the partner was undone
#: The system of Task.status: the state in which a reminder was sent.
TASK_STATUS: Final = "http://hl7.org/fhir/task-status"

#: Task.businessStatus (COW): the performer waits for the requester's answer.
AWAITING_INFORMATION: Final = "awaiting-information"
#: Task.businessStatus of a visit that is booked (BSeR, COW).
VISIT_SCHEDULED: Final = frozenset({"5.1.1", "visit-scheduled"})

TASK_CLOSED: Final = frozenset({"completed", "cancelled", "rejected", "failed", "entered-in-error"})
#: Closed, but not done: ours to decide again where we had asked (cancelled is not done).
TASK_NOT_DONE: Final = frozenset({"cancelled", "rejected", "failed"})

#: Identifiers of derived items, before the reference of what they are about.
DISCHARGE_CONTACT: Final = "discharge-contact"
CRISIS_RESPONSE: Final = "crisis-response"
#: Encounter.type of an event that somebody of us was told of: no record of the source says it.
HEARD: Final = f"{OURS}/CodeSystem/heard"
HEARD_CRISIS: Final = "crisis"
HEARD_DISCHARGE: Final = "discharge"
#: Encounter.extension: valueReference to who heard of it.
HEARD_BY: Final = f"{OURS}/StructureDefinition/heard-by"
#: Encounter.reasonCode of such an event: psychiatric | substance | medical | unknown.
STAY_REASON: Final = f"{OURS}/CodeSystem/stay-reason"
AUTHORIZATION_END: Final = "authorization-end"
#: Task.businessStatus, our own: a person has decided about an ask that was not done.
BUSINESS_STATUS: Final = f"{OURS}/CodeSystem/business-status"
DECIDED: Final = "decided"
#: Task.businessStatus, our own: the requester has answered the performer's question.
INFORMATION_SENT: Final = "information-sent"
#: Task.code of a request that a contact with the client answers (SDOH Clinical Care).
MAKE_CONTACT: Final = "make-contact"
#: Task.extension, the R5 element carried back: the period in which the ask is wanted.
REQUESTED_PERIOD: Final = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Task.requestedPeriod"
)
#: Task.businessStatus of a visit that took place (BSeR, COW).
VISIT_DONE: Final = frozenset({"5.1.4", "visit-complete"})
#: ServiceRequest.category (SNOMED CT) of orders that are no referral: laboratory, imaging.
NO_REFERRAL: Final = frozenset({"108252007", "363679005"})
TRIAGE_LEVELS: Final = frozenset({"crisis", "urgent", "routine"})
RISKS: Final = frozenset({"self-harm", "overdose", "high-risk"})
SEVERITIES: Final = frozenset({"unstable", "watcher", "stable"})
