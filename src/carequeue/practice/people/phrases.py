"""Requests, notes and answers at Riverbend, in a clinician's plain words. All are invented."""

from __future__ import annotations

from typing import Final

#: From whom (organization id), what, why.
INBOUND: Final = (
    ("harbor-primary-care", "Outpatient therapy", "Low mood since spring, PHQ-9 of 17"),
    ("lincoln-school", "Counseling for a student", "Panic before class, missing two days a week"),
    ("harbor-primary-care", "Medication review", "Started sertraline in August, sleeping badly"),
    ("county-ed", "Intake after emergency visit", "Alcohol, third visit this year, wants help"),
    ("recovery-works", "Peer support", "Three months sober, new in town, knows nobody"),
    ("harbor-housing", "Case management", "Housed in October, hoarding, lease at risk"),
    ("lifeline-metro", "Follow-up after 988 call", "Called on Sunday night, agreed to a call back"),
    ("harbor-primary-care", "Trauma therapy", "Car crash in June, nightmares, avoids driving"),
    (
        "county-inpatient",
        "Intensive outpatient",
        "First episode of psychosis, steady on medication",
    ),
    ("lincoln-school", "Family sessions", "Fights at home since the father came back"),
    ("county-detox", "Buprenorphine start", "Detox ends this week, wants to stay on treatment"),
    ("harbor-primary-care", "Evaluation for ADHD", "Lost two jobs over unfinished paperwork"),
)
#: To whom, what, why.
OUTBOUND: Final = (
    ("harbor-housing", "Housing support", "Eviction hearing next month, two children"),
    ("county-detox", "Detox bed", "Drinking a liter a day, shaking in the morning"),
    ("harbor-primary-care", "Check of blood pressure", "190 over 110 at the last visit"),
    ("recovery-works", "Peer support group", "Asked for somebody who has been there"),
    ("lincoln-school", "School counselor", "Plan for the mornings, with the mother's consent"),
    ("harbor-housing", "Rent assistance", "Lost shifts after the hospital stay"),
    ("county-inpatient", "Neuropsychological testing", "Memory worse since the fall in May"),
    ("harbor-primary-care", "Diabetes care", "On olanzapine, A1c of 8.9"),
)
FOLLOW_UPS: Final = (
    "Call back: missed the last visit, none booked",
    "Treatment plan review",
    "First visit after inpatient stay at County",
    "Ask how the new dose is going",
    "Caring contact after 988 call",
    "Comprehensive evaluation is due",
    "Send school letter once the mother has signed",
    "Book an interpreter for the next visit",
    "Check that housing papers arrived",
    "Safety plan: go through it again",
    "Labs before the next lithium refill",
    "Return call from the guardian",
    "Bus passes for November",
    "Consent for the county to see the plan",
)
#: Patient summary, action list, contingency.
HANDOFFS: Final = (
    (
        "Off his medication for two weeks, hears voices, not commanding. Mother is with him.",
        "Call the mother before noon. Get the refill to the pharmacy.",
        "If voices tell him to act: mobile crisis, then 911.",
    ),
    (
        "Third missed visit, partner says she is drinking again. Steady until now.",
        "Home visit with the peer this week. Ask about the children.",
        "If shaking or confused: County ED, ask for withdrawal protocol.",
    ),
    (
        "Moving to the evening group while I am on leave. Doing well.",
        "Read the plan, say hello on Thursday.",
        "If the group is too much: back to single sessions, no need to ask.",
    ),
    (
        "New on clozapine, week six. Blood count is fine.",
        "Count on Monday, result to Dr. Petrov the same day.",
        "Fever over 38: count at once, hold the dose.",
    ),
)
#: Why partners and we say no, or stop.
REFUSALS: Final = (
    "No bed before the 3rd",
    "Out of our county",
    "Insurance not accepted",
    "Already in treatment elsewhere",
)
RESULTS: Final = (
    "Seen twice, apartment found, lease signed",
    "Attended; blood pressure 138 over 86, back in three months",
    "Joined the Thursday group, three visits so far",
    "Letter with results is in the chart",
)
CALLS: Final = (
    "Talked for ten minutes, sleeping better, will come on Thursday",
    "Went through the safety plan, brother keeps the pills",
    "Ride is arranged for the next visit",
    "Short call, wants the later group",
)
