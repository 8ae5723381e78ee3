"""Dana Whitfield's day: sixteen moves of hers, and a dozen that she waits for.

One thing that must move this minute, three where somebody may be at risk, seven overdue or due
today, five soon: so that the first screen says something (design notes, the queue as it should
feel). The clients are the cast of `names.py`, by their place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from carequeue.practice.people.clinical_events import PatientRecord
from carequeue.practice.people.organizations import Ref, org, staff, team
from carequeue.practice.people.phrases import HANDOFFS
from carequeue.practice.people.record_builder import RecordBuilder
from carequeue.practice.people.task_templates import FollowUp, Handoff, Referral

DANA: Final = staff("dana-whitfield")
_NATHAN: Final = staff("nathan-ortiz")
_RIVERBEND: Final = org("riverbend")

Who = Callable[[int], Ref]


def fill(book: RecordBuilder, clients: Sequence[Ref]) -> None:
    """Write Dana's day down; a clinic with few clients gives one client several things."""

    def who(number: int) -> Ref:
        return clients[(number - 1) % len(clients)]

    _now_and_safety(book, who)
    _after_the_emergency(book, who)
    _accepted(book, who)
    _due(book, who)
    _soon(book, who)
    _waiting(book, who)


def _now_and_safety(book: RecordBuilder, who: Who) -> None:
    night = (
        "Found on the bridge at 5, talked down, not admitted. Will not say that she is safe.",
        "See her this morning. Sister (on file) is bringing her at 10.",
        "If she does not come by 10:30: call the sister, then mobile crisis.",
    )
    crisis = team("mobile-crisis")
    Handoff(who(2), "unstable", night, crisis, DANA, book.ago(1.2)).write(book)
    Handoff(who(4), "watcher", HANDOFFS[0], _NATHAN, DANA, book.ago(1.5)).write(book)
    PatientRecord(book, who(2)).flag("high-risk", book.ago(3))
    ask = ("Urgent therapy start", "Thoughts of dying, no plan, husband left last week")
    sender = org("harbor-primary-care")
    Referral(
        who(3), ask, book.ago(19), sender, DANA, priority="urgent", triage="urgent",
        performer=_RIVERBEND,
    ).write(book)  # fmt: skip


def _after_the_emergency(book: RecordBuilder, who: Who) -> None:
    """Left the emergency department yesterday; tried twice, nobody reached."""
    record = PatientRecord(book, who(1))
    record.flag("self-harm", book.ago(30))
    record.call(org("lifeline-metro"), book.ago(31), "988 call by his sister, 20 minutes")
    period = (book.ago(29), book.ago(20))
    what = "Emergency visit, suicidal ideation, safety plan made"
    stay = record.encounter("EMER", period, org("county-ed"), what, left_for="Home, mother")
    about = f"Encounter/{stay}"
    record.call(_NATHAN, book.ago(16), "Mother's phone, mailbox", "left-message", about)
    record.call(DANA, book.ago(0.3), "Rang out twice", "no-answer", about)
    words = "First contact after ED discharge"
    task = FollowUp(who(1), words, DANA, None, book.ago(18), "in-progress", after_stay=stay)
    task.write(book)


#: Client, from whom, what, why, business days since it was asked.
_ACCEPTED: Final = (
    (6, "harbor-primary-care", "Outpatient therapy", "Grief, lost her brother in July", 12),
    (9, "recovery-works", "Evaluation", "Cannot leave the flat, mother does the shopping", 10),
    (14, "harbor-primary-care", "Medication review", "New diagnosis, fears for her weight", 8),
)


def _accepted(book: RecordBuilder, who: Who) -> None:
    """Routine asks that Dana took: the first service is late, due today, and due soon."""
    for number, sender, what, why, days in _ACCEPTED:
        Referral(
            who(number),
            (what, why),
            book.back(days, 14),
            org(sender),
            DANA,
            "accepted",
            performer=_RIVERBEND,
            triage="routine",
            changed=book.back(days - 1, 9),
        ).write(book)


def _due(book: RecordBuilder, who: Who) -> None:
    Referral(
        who(10),
        ("Detox bed", "Ready to stop, wife drives him"),
        book.back(3, 9),
        DANA,
        org("county-detox"),
        "rejected",
        priority="urgent",
        changed=book.back(2, 10),
        reason="No bed before the 3rd",
    ).write(book)
    Handoff(who(21), "stable", HANDOFFS[2], _NATHAN, DANA, book.back(2, 11)).write(book)
    for number, words, days, by_site in (
        (5, "First visit after inpatient stay at County", -2, False),
        (8, "Call back: missed the last visit, none booked", -1, True),
        (12, "Treatment plan review", 0, True),
        (32, "Call the pension office with him", 0, False),
    ):
        due, written = book.ahead(days), book.back(9, 9)
        FollowUp(who(number), words, DANA, due, written, by_site=by_site).write(book)
    record, period = PatientRecord(book, who(5)), (book.back(16), book.back(7, 11))
    what = "Inpatient stay, major depression"
    stay = record.encounter("IMP", period, org("county-inpatient"), what, left_for="Home")
    words = "Reached in the evening, home with her sister, has her pills"
    record.call(DANA, book.back(6, 9), words, about=f"Encounter/{stay}")
    PatientRecord(book, who(8)).appointment(DANA, book.back(5, 15), "noshow")


def _soon(book: RecordBuilder, who: Who) -> None:
    for number, words, days in (
        (11, "Book an interpreter for the next visit", 1),
        (13, "Safety plan: go through it again", 2),
    ):
        FollowUp(who(number), words, DANA, book.ahead(days), book.back(4)).write(book)
    Referral(
        who(15),
        ("Rent assistance", "Two months behind, landlord has written"),
        book.back(4, 9),
        DANA,
        org("harbor-housing"),
        "on-hold",
        changed=book.back(1, 14),
        reason="Please send proof of income",
        awaits_information=True,
    ).write(book)
    record = PatientRecord(book, who(7))
    record.authorization(DANA, book.now + timedelta(days=6), 24, 3)
    record.appointment(DANA, book.ahead(3, 10), "booked")


#: Client, partner, what, why, status, business days since it was sent, since it changed.
_SENT: Final = (
    (16, "harbor-housing", "Housing support", "Sleeps in her car", "requested", 1, 1),
    (17, "harbor-primary-care", "Check of thyroid", "On lithium", "requested", 1, 1),
    (24, "lincoln-school", "School counselor", "Mother has signed", "requested", 1, 1),
    (30, "recovery-works", "Peer support group", "Asked for it himself", "requested", 4, 4),
    (26, "county-detox", "Detox bed", "Wants to go before the birthday of his son", "requested",
     1, 1),
    (18, "harbor-housing", "Rent assistance", "Flood in the flat", "accepted", 4, 2),
    (19, "county-inpatient", "Memory testing", "Loses words", "accepted", 3, 1),
    (20, "harbor-primary-care", "Diabetes care", "A1c of 9.2", "accepted", 4, 3),
    (22, "recovery-works", "Peer support group", "New mother", "accepted", 3, 2),
    (25, "harbor-housing", "Housing support", "Lease ends soon", "in-progress", 4, 1),
    (27, "harbor-primary-care", "Wound care", "Needs a nurse", "in-progress", 12, 8),
)  # fmt: skip


def _waiting(book: RecordBuilder, who: Who) -> None:
    for number, partner, what, why, status, sent, changed in _SENT:
        Referral(
            who(number),
            (what, why),
            book.back(sent, 13),
            DANA,
            org(partner),
            status,
            changed=book.back(changed, 15) if changed < sent else None,
        ).write(book)
    bed, detox = (
        ("Detox bed", "Drinking again since Friday, wants to go today"),
        org("county-detox"),
    )
    Referral(who(23), bed, book.ago(4), DANA, detox, priority="urgent").write(book)
    amina, ivan = staff("amina-yusuf"), staff("ivan-petrov")
    Handoff(who(28), "stable", HANDOFFS[2], DANA, amina, book.ago(2)).write(book)
    Handoff(who(29), "stable", HANDOFFS[3], DANA, ivan, book.ago(1)).write(book)
    # One that has come to its end, so that the story beside an item has one.
    Referral(
        who(31),
        ("Housing support", "Was on her cousin's couch"),
        book.back(30),
        DANA,
        org("harbor-housing"),
        "completed",
        changed=book.back(3, 16),
        result="Apartment found, lease signed, keys on Monday",
    ).write(book)
