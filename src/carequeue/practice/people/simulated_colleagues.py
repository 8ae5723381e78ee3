"""Changes by colleagues while somebody looks on: one at a time, from a shuffled deck.

In:  the store as it is at this moment. Out: versions like any other, and who did what. The same
seed and the same data give the same changes. The person of the demo does nothing here; her rows
get notes, answers of partners, and work that others give to her.
When it happens is not decided here (`server/paced_time.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Final

from carequeue.practice.people.clinical_events import PatientRecord
from carequeue.practice.people.everybody import anybody, register
from carequeue.practice.people.organizations import (
    ORGANIZATIONS,
    STAFF,
    TEAMS,
    Ref,
    org,
    staff,
    team,
)
from carequeue.practice.people.phrases import CALLS, INBOUND, REFUSALS
from carequeue.practice.people.record_builder import RecordBuilder, iso
from carequeue.practice.people.task_templates import Referral
from carequeue.practice.server.json_lossless import Tree, read
from carequeue.practice.server.paced_time import ColleagueChange
from carequeue.practice.server.resource_store import ResourceStore
from carequeue.practice.server.search import understand

_DANA: Final = staff(STAFF[0].id)
_COLLEAGUES: Final = [staff(who.id) for who in STAFF[1:]]
_OURS: Final = ",".join(who["reference"] for who in _COLLEAGUES)
_TEAMS: Final = ",".join(f"CareTeam/{key}" for key, _ in TEAMS)
_PARTNERS: Final = ",".join(f"Organization/{key}" for key, _, _ in ORGANIZATIONS[1:])
_RIVERBEND: Final = org("riverbend")
_INTAKE, _COORDINATOR = staff("priya-raman"), staff("gloria-esparza")
_OPEN: Final = "requested,received,accepted,ready,in-progress,on-hold"


class SimulatedColleagues:
    """The changes of one seed, among these clients (Patient references; new ones join them).

    The caller of `step` holds a transaction of the store.
    """

    def __init__(self, seed: int, clients: Sequence[Ref], store: ResourceStore) -> None:
        self._store = store
        self._draw = random.Random(f"script {seed}")  # noqa: S311 - changes, no secrets
        self._clients = list(clients)
        self._book = RecordBuilder(datetime(2026, 1, 1, tzinfo=UTC), mark="new-")
        self._asks = cycle(self._draw.sample(INBOUND, len(INBOUND)))
        self._deck: list[Callable[[], ColleagueChange | None]] = []

    def step(self) -> ColleagueChange:
        """The next change. A referral comes where there is nothing for the card to be done to."""
        self._book.turn_to(datetime.fromtimestamp(self._store.now() / 1000, tz=UTC))
        if not self._deck:
            self._deck = [
                self._accepts, self._accepts, self._completes, self._passes_on, self._passes_on,
                self._writes, self._writes, self._partner_answers, self._partner_answers,
                self._payer_answers, self._misses, self._leaves_hospital, self._asks_for_help,
                self._asks_for_help,
            ]  # fmt: skip
            self._draw.shuffle(self._deck)
        return self._deck.pop()() or self._asks_for_help()

    # --- what is there changes -------------------------------------------------------------

    def _accepts(self) -> ColleagueChange | None:
        task = self._some("Task", status="requested,received", owner=f"{_OURS},{_TEAMS}")
        if task is None:
            return None
        owner = task["owner"]
        kind, _, key = owner["reference"].partition("/")
        if kind == "CareTeam":
            members = [staff(who.id) for who in STAFF[1:] if who.team == key]
            owner = self._draw.choice(members)
        return self._changed("accepted", owner, task, status="accepted", owner=owner)

    def _completes(self) -> ColleagueChange | None:
        task = self._follow_up("accepted,ready,in-progress", _OURS)
        if task is None:
            return None
        return self._changed("completed", task["owner"], task, status="completed")

    def _passes_on(self) -> ColleagueChange | None:
        task = self._follow_up("requested,accepted,in-progress", f"{_OURS},{_TEAMS}")
        if task is None:
            return None
        before = task["owner"]["reference"]
        others = [other for other in _COLLEAGUES if other["reference"] != before]
        who = next((who for who in _COLLEAGUES if who["reference"] == before), _COORDINATOR)
        to = _DANA if self._draw.random() < 0.3 else self._draw.choice(others)
        return self._changed("reassigned", who, task, owner=to)

    def _writes(self) -> ColleagueChange | None:
        owners = f"{_OURS},{_TEAMS},{_DANA['reference']}"
        task = self._some("Task", status=_OPEN, owner=owners)
        if task is None:
            return None
        who, notes = self._draw.choice(_COLLEAGUES), task.get("note")
        words = self._draw.choice(CALLS)
        note = {"authorReference": who, "time": iso(self._book.now), "text": words}
        notes = [*(notes if isinstance(notes, list) else []), note]
        return self._changed("noted", who, task, note=notes)

    def _partner_answers(self) -> ColleagueChange | None:
        task = self._some("Task", status="requested", owner=_PARTNERS)
        if task is None:
            return None
        if self._draw.random() < 0.3:
            reason = {"text": self._draw.choice(REFUSALS)}
            return self._changed(
                "partner declined", _COORDINATOR, task, status="rejected", statusReason=reason
            )
        return self._changed("partner accepted", _COORDINATOR, task, status="accepted")

    def _payer_answers(self) -> ColleagueChange | None:
        """An authorization that ends is prolonged; where none does, another one is given."""
        book = self._book
        ends = (book.now + timedelta(days=90)).date().isoformat()
        answer = self._some("ClaimResponse", use="preauthorization", status="active")
        if answer is None or not isinstance(answer.get("preAuthPeriod"), dict):
            who = self._draw.choice(_COLLEAGUES)
            record = PatientRecord(book, self._known())
            record.authorization(who, book.now + timedelta(days=10), 12, 2)
            return self._written("authorization answered", who)
        period = answer["preAuthPeriod"] | {"end": ends}
        return self._changed(
            "authorization answered", _COORDINATOR, answer, preAuthPeriod=period,
            created=book.now.date().isoformat(), disposition="20 visits approved, 20 left",
        )  # fmt: skip

    # --- what comes new ----------------------------------------------------------------------

    def _asks_for_help(self) -> ColleagueChange:
        sender, what, why = next(self._asks)
        owner = self._draw.choice(
            (team("adult-outpatient"), team("adult-outpatient"), team("access"), _DANA, _RIVERBEND)
        )
        urgent = self._draw.random() < 0.2
        Referral(
            self._client(), (what, why), self._book.ago(0.2), org(sender), owner,
            performer=_RIVERBEND, priority="urgent" if urgent else "routine",
            triage="urgent" if urgent else "",
        ).write(self._book)  # fmt: skip
        return self._written("referral arrived", _INTAKE)

    def _misses(self) -> ColleagueChange:
        who = self._draw.choice(_COLLEAGUES)
        PatientRecord(self._book, self._client()).appointment(who, self._book.ago(1), "noshow")
        return self._written("appointment missed", who)

    def _leaves_hospital(self) -> ColleagueChange:
        book, record = self._book, PatientRecord(self._book, self._client())
        kind, where, what, risk = self._draw.choice(
            (
                ("EMER", "county-ed", "Emergency visit, panic", ""),
                ("EMER", "county-ed", "Emergency visit, overdose", "overdose"),
                ("IMP", "county-inpatient", "Inpatient stay, bipolar disorder", ""),
            )
        )
        period = (book.ago(7 if kind == "EMER" else 150), book.ago(1))
        record.encounter(kind, period, org(where), what, left_for="Home")
        if risk:
            record.flag(risk, book.ago(1))
        return self._written("left hospital", _COORDINATOR)

    def _client(self) -> Ref:
        return self._known() if self._draw.random() < 0.6 else self._new()

    def _known(self) -> Ref:
        return self._draw.choice(self._clients)

    def _new(self) -> Ref:
        book, keeper = self._book, self._draw.choice(_COLLEAGUES)
        person = anybody(self._draw, book.now.date())
        client = register(book, book.now, len(self._clients), person, keeper)
        PatientRecord(book, client).coverage(book.now)
        self._clients.append(client)
        return client

    # --- looking and writing -------------------------------------------------------------------

    def _follow_up(self, status: str, owner: str) -> Tree | None:
        more = {"focus:missing": "true", "code:not": "handoff"}
        return self._some("Task", status=status, owner=owner, **more)

    def _some(self, kind: str, **search: str) -> Tree | None:
        """One of the resources that a search finds, as it is now; never a broken one."""
        query = understand(kind, search.items(), "")
        query.limit("c.id NOT LIKE 'broken-%'")
        count = self._store.count(query.where, query.args)
        if not count:
            return None
        place = self._draw.randrange(count)
        row = self._store.select(query.where, query.args, "c.id", place + 1)[-1]
        current = self._store.current(kind, row.id)
        tree: Tree | None = read(current.body) if current and current.body else None
        return tree

    def _changed(self, what: str, who: Ref, tree: Tree, **elements: object) -> ColleagueChange:
        now = {"lastModified": iso(self._book.now)} if tree["resourceType"] == "Task" else {}
        return self._put(what, who, [tree | now | elements])

    def _written(self, what: str, who: Ref) -> ColleagueChange:
        return self._put(what, who, [tree for _, tree in self._book.made])

    def _put(self, what: str, who: Ref, trees: list[Tree]) -> ColleagueChange:
        wrote = [self._store.put(tree["resourceType"], tree["id"], tree, "PUT") for tree in trees]
        return ColleagueChange(what, who["reference"], wrote)
