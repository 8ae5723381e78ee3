"""The work of everybody else at Riverbend: open, waiting on partners, and done.

How much of each is a table for 400 clients and grows with their number; nothing is drawn but
whose turn it is, so that the picture stays alike for every seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, Final

from carequeue.practice.people.clinical_events import PatientRecord
from carequeue.practice.people.names import CAST
from carequeue.practice.people.organizations import STAFF, Ref, org, staff, team
from carequeue.practice.people.phrases import (
    CALLS,
    FOLLOW_UPS,
    HANDOFFS,
    INBOUND,
    OUTBOUND,
    REFUSALS,
    RESULTS,
)
from carequeue.practice.people.record_builder import RecordBuilder
from carequeue.practice.people.task_templates import FollowUp, Handoff, Referral

_CROWD: Final = 400  # clients for which the numbers below are given
_RIVERBEND: Final = org("riverbend")

#: How many of each for 400 clients; at least one in the smallest clinic.
COUNTS: Final = {
    "routine": 12,
    "urgent": 3,
    "crisis": 1,
    "untriaged": 2,
    "lone request": 2,
    "follow-up": 17,
    "handoff": 5,
    "no contact": 3,
    "contact": 5,
    "authorization": 4,
    "coverage": 2,
    "sent": 12,
    "missed": 5,
    "done inbound": 14,
    "done outbound": 10,
    "refused": 4,
    "cancelled": 5,
    "draft": 3,
    "done follow-up": 20,
    "done handoff": 4,
}
#: Business days to the due date; None has none.
_DUE: Final = (-1, 0, 1, 3, None, -6, 2, 0, 8, -2, 15, 1, None, 5, -3, 40, 0, 2, None, 10, -1, 4)
#: Age of a routine inbound referral, in business days.
_AGES: Final = (2, 9, 5, 1, 11, 7, 3, 10, 4, 8, 6, 1, 14, 2, 5)
#: Status and age in business days of what was sent to partners.
_SENT: Final = (
    ("requested", 1), ("accepted", 4), ("requested", 0), ("in-progress", 12), ("requested", 3),
    ("accepted", 8), ("requested", 1), ("accepted", 2), ("requested", 5), ("in-progress", 7),
    ("rejected", 3), ("accepted", 5),
)  # fmt: skip


def fill(book: RecordBuilder, clients: Sequence[Ref], draw: random.Random) -> None:
    """Write down everybody's work, the open work first, so that its clients have nothing else."""
    work = _Workload(book, clients, draw)
    work.stays()
    work.arrivals()
    work.follow_ups()
    work.handoffs()
    work.authorizations()
    work.sent()
    work.missed()
    work.done()


class _Workload:
    """Walks through the tables; `_next` gives each piece of work another client."""

    def __init__(self, book: RecordBuilder, clients: Sequence[Ref], draw: random.Random) -> None:
        self._book, self._draw = book, draw
        self._scale = len(clients) / _CROWD
        rest = list(clients[len(CAST) :]) or list(clients)
        draw.shuffle(rest)
        self._turn = cycle(rest)
        #: Dana's team first: she should see most of the work of the house.
        self._owners = cycle(
            (
                team("adult-outpatient"), staff("nathan-ortiz"), staff("amina-yusuf"),
                team("access"), None, staff("beth-kaczmarek"), team("adult-outpatient"),
                staff("priya-raman"), staff("amina-yusuf"), staff("hoang-le"),
            )
        )  # fmt: skip
        self._staff = cycle(staff(who.id) for who in STAFF[1:])
        self._asks, self._offers = cycle(INBOUND), cycle(OUTBOUND)

    def _count(self, what: str) -> range:
        return range(max(1, round(COUNTS[what] * self._scale)))

    def _next(self) -> Ref:
        return next(self._turn)

    # --- open ------------------------------------------------------------------------------

    def stays(self) -> None:
        """Left a hospital: some were reached since, some by nobody."""
        book = self._book
        places = cycle(
            (
                ("EMER", "county-ed", "Emergency visit, overdose", "overdose", 30),
                ("IMP", "county-inpatient", "Inpatient stay, bipolar disorder", "", 52),
                ("EMER", "county-ed", "Emergency visit, panic", "", 10),
                ("IMP", "county-inpatient", "Inpatient stay, psychosis", "high-risk", 100),
                ("EMER", "county-ed", "Emergency visit, cut wrist", "self-harm", 75),
            )
        )
        unreached, reached = self._count("no contact"), self._count("contact")
        for is_reached in [False] * len(unreached) + [True] * len(reached):
            kind, where, what, risk, hours = next(places)
            record, end = PatientRecord(book, self._next()), book.ago(hours)
            period = (end - timedelta(hours=6 if kind == "EMER" else 150), end)
            stay = record.encounter(kind, period, org(where), what, left_for="Home")
            if risk:
                record.flag(risk, end)
            if is_reached:
                words = self._draw.choice(CALLS)
                at = end + timedelta(hours=6)
                record.call(next(self._staff), at, words, about=f"Encounter/{stay}")

    def arrivals(self) -> None:
        book = self._book
        for place in self._count("routine"):
            age = _AGES[place % len(_AGES)]
            status = "accepted" if age > 6 else ("requested", "received")[place % 2]
            sent = book.back(age, 9 + place % 7)
            self._inbound(next(self._owners), sent, status, "routine")
        for place in self._count("urgent"):
            sent = book.ago((4, 20, 27)[place % 3])
            owner = (team("access"), team("adult-outpatient"), staff("corinne-dubois"))[place % 3]
            self._inbound(owner, sent, "requested", "urgent", "urgent")
        for _ in self._count("crisis"):
            self._inbound(team("mobile-crisis"), book.ago(1.5), "accepted", "crisis", "stat")
        for place in self._count("untriaged"):
            owner = (_RIVERBEND, team("access"))[place % 2]
            self._inbound(owner, book.ago(0.5 + place % 2), "requested", "")
        for place in self._count("lone request"):
            ask = self._ask(_RIVERBEND, book.back(2 + place % 3, 12), "requested")
            ask.write_request(book, book.new_id("lone"))

    def _ask(self, owner: Ref | None, sent: datetime, status: str, **more: Any) -> Referral:
        sender, what, why = next(self._asks)
        client, from_ = self._next(), org(sender)
        ask = (what, why)
        return Referral(client, ask, sent, from_, owner, status, performer=_RIVERBEND, **more)

    def _inbound(
        self, owner: Ref | None, sent: datetime, status: str, triage: str, priority: str = "routine"
    ) -> None:
        changed = None
        if status != "requested":
            changed = min(sent + timedelta(hours=2), self._book.ago(0.05))
        ask = self._ask(owner, sent, status, priority=priority, triage=triage, changed=changed)
        ask.write(self._book)

    def follow_ups(self) -> None:
        book = self._book
        for place, words in zip(self._count("follow-up"), cycle(FOLLOW_UPS), strict=False):
            days = _DUE[place % len(_DUE)]
            FollowUp(
                self._next(),
                words,
                next(self._owners),
                book.ahead(days) if days is not None else None,
                book.back(7 + place % 5, 11),
                ("requested", "accepted", "in-progress", "ready", "on-hold")[place % 5],
                ("routine", "routine", "urgent", "asap")[place % 4],
                by_site=place % 3 == 0,
                note="Tried on Monday, will try again" if place % 6 == 1 else "",
            ).write(book)

    def handoffs(self) -> None:
        plan = cycle(
            (
                ("watcher", team("mobile-crisis"), team("adult-outpatient"), 3.0),
                ("stable", staff("nathan-ortiz"), staff("amina-yusuf"), 28.0),
                ("watcher", staff("marcus-reed"), staff("hoang-le"), 1.0),
                ("stable", staff("beth-kaczmarek"), team("youth-family"), 50.0),
                ("stable", staff("priya-raman"), staff("nathan-ortiz"), 2.0),
            )
        )
        for _, (severity, sender, owner, hours), story in zip(
            self._count("handoff"), plan, cycle(HANDOFFS), strict=False
        ):
            sent = self._book.ago(hours)
            Handoff(self._next(), severity, story, sender, owner, sent).write(self._book)

    def authorizations(self) -> None:
        book = self._book
        for _, days in zip(self._count("authorization"), cycle((9, 4, -2, 160)), strict=False):
            ends, record = book.now + timedelta(days=days), PatientRecord(book, self._next())
            record.authorization(next(self._staff), ends, 20, 4)
        for _, days in zip(self._count("coverage"), cycle((20, -40)), strict=False):
            ends, record = book.now + timedelta(days=days), PatientRecord(book, self._next())
            record.coverage(ends - timedelta(days=365), ends, suffix="-b")

    def sent(self) -> None:
        book = self._book
        for place in self._count("sent"):
            status, age = _SENT[place % len(_SENT)]
            partner, what, why = next(self._offers)
            Referral(
                self._next(),
                (what, why),
                book.back(age, 8),
                _RIVERBEND if place % 3 == 0 else next(self._staff),
                org(partner),
                status,
                changed=book.back(max(age - 2, 0), 9) if status != "requested" else None,
                reason=REFUSALS[place % len(REFUSALS)] if status == "rejected" else "",
            ).write(book)

    def missed(self) -> None:
        """Visits that did not happen; most of these clients have another one booked."""
        book = self._book
        for place in self._count("missed"):
            record, who = PatientRecord(book, self._next()), next(self._staff)
            status = ("noshow", "cancelled", "noshow", "fulfilled")[place % 4]
            record.appointment(who, book.back(3 + place % 4, 10), status, by_client=True)
            if place % 5 != 4:
                record.appointment(who, book.ahead(4, 10), "booked")

    # --- done --------------------------------------------------------------------------------

    def done(self) -> None:
        book = self._book
        for what, status, days in (
            ("done inbound", "completed", 30), ("refused", "rejected", 12),
            ("cancelled", "cancelled", 20), ("draft", "draft", 2),
        ):  # fmt: skip
            for place in self._count(what):
                owner, sent = next(self._owners) or _RIVERBEND, book.back(days + place)
                reason = REFUSALS[place % len(REFUSALS)] if status == "rejected" else ""
                changed = book.back(days // 2)
                self._ask(owner, sent, status, changed=changed, reason=reason).write(book)
        for place, result in zip(self._count("done outbound"), cycle(RESULTS), strict=False):
            partner, what, why = next(self._offers)
            Referral(
                self._next(),
                (what, why),
                book.back(40 + place),
                next(self._staff),
                org(partner),
                "completed",
                changed=book.back(5 + place % 6),
                result=result,
            ).write(book)
        for place, words in zip(self._count("done follow-up"), cycle(FOLLOW_UPS), strict=False):
            written, owner = book.back(20 + place % 30), next(self._staff)
            FollowUp(self._next(), words, owner, None, written, "completed").write(book)
        for _, story in zip(self._count("done handoff"), cycle(HANDOFFS), strict=False):
            sender, owner, sent = next(self._staff), next(self._staff), book.back(15)
            client = self._next()
            Handoff(client, "stable", story, sender, owner, sent, "completed").write(book)
