"""A scripted morning at an invented clinic, as a desk: no store, no network, no wall clock.

`FakeDesk` keeps its rows in a list and moves them as the real desk would where a test looks;
`VastDesk` makes 100,000 rows out of their numbers and counts what was read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import item_verbs
from carequeue.worklist.outbox_desk import OutboxDesk
from carequeue.worklist.results import (
    Acted,
    ClockLine,
    Detail,
    Health,
    Person,
    ReasonLine,
    Shown,
    TimeLine,
    Undoable,
)
from tests.rows_desk import RowsDesk
from tests.screens.colleagues import FakeColleagues
from tests.screens.own_acts import FakeUndoDesk
from tests.screens.unsent import FakeOutbox
from tests.verbs.named import named

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 24, 9, 14, tzinfo=ZONE)
FOLLOW_UP = "log done handoff snooze assign note priority new"
REFERRAL = "accept decline log claim snooze assign note handoff"
HANDOFF = "accept decline note assign snooze"
AUTHORIZATION = "done log snooze assign note"
OF_KIND = {
    "follow_up": FOLLOW_UP,
    "referral": REFERRAL,
    "handoff": HANDOFF,
    "authorization": AUTHORIZATION,
}


def at(**distance: float) -> int:
    """An instant at a distance from NOW, in whole seconds."""
    return int((NOW + timedelta(**distance)).timestamp())


def row(
    key: str,
    kind: str,
    band: int,
    due_at: int | None,
    unit: str,
    client: str,
    title: str,
    *,
    days: int | None = None,
    born: str = "",
    alike: str = "",
    sync: str = "",
    fresh: int = 0,
    move: str = "me",
    move_name: str = "",
    mine: int = 1,
    verbs: str | None = None,
    covered_for: str = "",
) -> QueueRow:
    """One row in the words of a test."""
    if verbs is None:
        verbs = OF_KIND.get(kind, "")
    return QueueRow(
        key, kind, band, 100, due_at, unit, days, client, born, alike, title, move, move_name,
        mine, sync, fresh, verbs, "ehr", covered_for=covered_for,
    )  # fmt: skip


def morning() -> list[QueueRow]:
    """The rows of the scripted morning, in the order of the queue."""
    waiting: dict[str, Any] = {"mine": 2, "move": "partner"}
    return [
        row("okafor", "handoff", 0, at(hours=-1, minutes=-10), "h", "OKAFOR, Amara",
            "Acknowledge handoff from Mobile Crisis"),
        row("reyes", "follow_up", 1, at(hours=3, minutes=26), "h", "REYES, Tomás",
            "First contact after ED discharge", born="2010-06-02"),
        row("lindqvist", "referral", 1, at(hours=5, minutes=20), "h", "LINDQVIST, Maja",
            "Answer urgent referral, Harbor Primary Care", fresh=at(minutes=-20)),
        row("obrien", "follow_up", 1, at(hours=6, minutes=1), "h", "O’BRIEN, Saoirse",
            "Caring contact after 988 call"),
        row("nguyen", "follow_up", 2, at(days=-2), "d", "NGUYỄN, Hải",
            "7-day visit after inpatient stay", days=-2),
        row("whitehorse", "referral", 2, at(days=-2), "bd", "WHITEHORSE, Jo",
            "Book first service (routine access)", days=-2, sync="waiting"),
        row("castellanos", "authorization", 2, at(days=-1), "bd", "CASTELLANOS, Ivy",
            "Renew: 3 of 24 visits left, ends Friday", days=-1),
        row("brandt-2004", "follow_up", 2, at(days=-1), "bd", "BRANDT, Sofie",
            "Call back: missed Tuesday, none booked", days=-1, born="2004-03-01",
            alike="BRANDT S", sync="conflict"),
        row("abdullahi", "referral", 2, at(days=-1), "bd", "ABDULLAHI, Yusuf",
            "Close the loop: housing is arranged", days=-1, verbs="done log note"),
        row("park", "handoff", 2, at(hours=4, minutes=10), "h", "PARK, Min-jun",
            "Answer night team’s question on meds", fresh=at(minutes=-5)),
        row("wang", "follow_up", 2, at(hours=7), "d", "王 小明", "Treatment plan review", days=0),
        row("delacroix", "referral", 3, at(days=1), "bd", "DELACROIX, Remy",
            "Choose detox bed: 2 of 3 have answered", days=1),
        row("volkov", "authorization", 3, at(days=1), "bd", "VOLKOV, Irina",
            "Send clinical notes for review", days=1),
        row("haddad", "follow_up", 3, at(days=2), "bd", "HADDAD, Rami",
            "30-day visit: book before Dec 9", days=2),
        row("mbeki", "referral", 3, at(days=2), "bd", "MBEKI, Thandi",
            "Answer routine referral (walk-in)", days=2),
        row("brandt-1971", "referral", 3, at(days=2), "bd", "BRANDT, Sofia",
            "Ask school counselor for consent", days=2, born="1971-11-30", alike="BRANDT S"),
        row("fontaine", "referral", 5, at(days=1), "nudge", "FONTAINE, Luc",
            "Harbor Housing to answer, asked Thursday", move_name="Harbor Housing", **waiting),
        row("quispe", "referral", 5, at(days=1), "nudge", "QUISPE, Killa",
            "County Detox to offer a bed", move_name="County Detox", **waiting),
        row("takahashi", "follow_up", 5, at(days=2), "nudge", "TAKAHASHI, Rei",
            "Client to call back", mine=2, move="client"),
        row("lee", "follow_up", 6, at(days=6), "sleep", "LEE, Ana", "Ask about benefits"),
    ]  # fmt: skip


HEALTHY = Health(
    online=True,
    offline_since=None,
    why_offline="",
    last_full=NOW - timedelta(minutes=2),
    waiting=3,
    checking=0,
    conflicts=1,
    needs_you=1,
    kept_here=0,
    syncing=False,
    progress="",
    other_syncs=False,
    ever_synced=True,
    last_sync=NOW - timedelta(minutes=2),
)
PEOPLE = (
    Person("Practitioner/ortiz", "Ortiz, Nadia"),
    Person("Practitioner/lin", "Lin, Maria"),
    Person("CareTeam/access", "Access team", team=True),
)
#: Verbs that take an item out of the queue, and the one that puts it to sleep.
ENDS = frozenset({"done", "decline"})


class FakeDesk(RowsDesk, FakeOutbox):
    """The morning at a desk; every act is written down in `acts`."""

    heading = "Riverbend CCBHC · D. Whitfield, LCSW"
    is_persistent = True

    def __init__(self, rows: Sequence[QueueRow] | None = None) -> None:
        RowsDesk.__init__(self, morning() if rows is None else rows)
        self.state = HEALTHY
        self.reads: list[tuple[int, int]] = []
        self.refreshed = 0
        self.of_today: list[QueueRow] = []  # what the next `refresh` makes of the rows
        self.read_by: list[str] = []  # the threads that asked why a verb does not apply
        self.fault = ""  # words of an error that every act and every look at the cache meets
        self.gate: threading.Event | None = None  # where a test wants acts to take their time
        self._stamp = 1
        self.its_people: Sequence[Person] = PEOPLE
        self.its_colleagues = FakeColleagues(lambda: self.change(self.rows))
        FakeOutbox.__init__(self)
        self.others: list[Undoable] = []  # acts of other windows, the last one at the end
        self._done: list[tuple[Undoable, Sequence[str], list[QueueRow]]] = []
        self.undone: list[str] = []  # groups
        self.own_acts = FakeUndoDesk(self.undone, lambda: self.rows[0])

    def change(self, rows: Sequence[QueueRow]) -> None:
        """Something else has changed the cache."""
        self.rows = list(rows)
        self._stamp += 1

    def feel(self, **facts: object) -> None:
        """Other facts about sync."""
        values = {name: getattr(self.state, name) for name in Health.__dataclass_fields__}
        self.state = Health(**{**values, **facts})
        self._stamp += 1

    @property
    def outbox(self) -> OutboxDesk:
        return self

    @property
    def colleagues(self) -> FakeColleagues:
        return self.its_colleagues

    @property
    def undos(self) -> FakeUndoDesk:
        return self.own_acts

    # --- reading

    def _rows_of(self, tab: Tab, filter_text: str) -> list[QueueRow]:
        if filter_text.endswith(":"):
            raise BadQuestion(f"“{filter_text}” needs a word behind the colon.")
        return [
            r
            for r in self.rows
            if filter_text.casefold() in f"{r.client} {r.title} {r.kind}".casefold()
            and (tab is Tab.WHOLE or r.band < 6)
            and (tab is not Tab.MINE or r.mine > 0)
            and (tab is not Tab.WAITING or r.band == 5)
            and (tab is not Tab.TEAM or r.move in ("me", "team"))
        ]

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        self.reads.append((offset, limit))
        return self._rows_of(tab, filter_text)[offset : offset + limit]

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        bands: dict[int, int] = {}
        for r in self._rows_of(tab, filter_text):
            bands[r.band] = bands.get(r.band, 0) + 1
        tabs = {str(name): len(self._rows_of(name, filter_text)) for name in Tab}
        tabs["mine"] = sum(r.mine == 1 and r.band < 6 for r in self._rows_of(Tab.ALL, filter_text))
        return Tally(tabs, bands, sum(r.band == 6 for r in self.rows))

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        keys = self.keys_of(tab, filter_text)
        return keys.index(key) if key in keys else None

    def keys_of(self, tab: Tab, filter_text: str) -> list[str]:
        return [r.key for r in self._rows_of(tab, filter_text)]

    def urgent(self) -> list[Urgent]:
        return [Urgent(r.key, r.client, r.band, r.source, r.chart) for r in self.rows if r.band < 2]

    def stamp(self) -> int:
        self._fail()
        return self._stamp

    def _fail(self) -> None:
        if self.fault:
            raise BadQuestion(self.fault)

    def health(self, now: datetime) -> Health:
        return self.state

    def people(self, keys: Sequence[str] = (), asks: str = "whom") -> Sequence[Person]:
        return self.its_people

    def detail(self, key: str, now: datetime) -> Detail | None:
        self._fail()
        found = self._row(key)
        return None if found is None else full(found)

    # --- acting

    def reasons(self, key: str) -> dict[str, str]:
        self.read_by.append(threading.current_thread().name)
        found = {verb.name: self._why_not(verb.name, key) for verb in item_verbs()}
        return {verb: why for verb, why in found.items() if why}

    def _why_not(self, verb: str, key: str) -> str | None:
        found = self._row(key)
        if found is None:
            return "It is no longer in the queue."
        if key in self.refused:
            return f"{found.client}: {self.refused[key]}"
        if not named(verb).on_item or verb in names_of(found.verbs):
            return None
        return f"Can’t {named(verb).label}: {found.client} is no {named(verb).label} matter."

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        known = {"3bd": "Mon 30 Nov 09:00 (Thanksgiving skipped)", "tomorrow": "Wed 25 Nov 09:00"}
        known |= {person.reference: person.name for person in self.people(keys)}
        return (True, known[text]) if text in known else (False, f"“{text}” is no time")

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        if self.gate is not None:
            self.gate.wait(5)
        self._fail()
        return super().act(verb, keys, answers, now, shown)

    def _do(
        self, verb: str, rows: Sequence[QueueRow], answers: Mapping[str, str], now: datetime
    ) -> tuple[str, str]:
        before = list(self.rows)
        chosen = {row.key for row in rows}
        self.rows = [
            row._replace(sync="waiting") if row.key in chosen else row
            for row in self.rows
            if not (row.key in chosen and verb in ENDS)
        ]
        self._stamp += 1
        answer = next(iter(answers.values()), "")
        who = rows[0].client if len(rows) == 1 else f"{len(rows)} items"
        message = f"{named(verb).done}: {who}{f', {answer}' if answer else ''}."
        group = f"group-{len(self.acts)}"
        kind = rows[0].kind if len(rows) == 1 else ""
        did, short = named(verb).label_for(kind), named(verb).label_for(kind, short=True)
        client = rows[0].client if len(rows) == 1 else ""
        act = Undoable(group, did, short, client, len(rows), now)
        self._done.append((act, [row.key for row in rows], before))
        return message, group

    def undoable(self) -> Undoable | None:
        self._fail()
        return self._done[-1][0] if self._done else self.others[-1] if self.others else None

    def undo(self, now: datetime, group: str = "") -> Acted:
        self._fail()
        other = next((act for act in self.others if act.group == group), None)
        if self._done and self._done[-1][0].group == group:
            act, keys, self.rows = self._done.pop()
            self.acts.pop()
        elif other is not None:
            self.others.remove(other)
            act, keys = other, ()
        else:
            raise BadQuestion("It is no longer there to undo. Nothing was changed.")
        self.undone.append(group)
        self._stamp += 1
        who = act.client or f"{act.count} items"
        words = f"Undone: {act.did.capitalize()}, {who}."
        return Acted(words, "", tuple(keys) or (self.rows[0].key,))

    def set_offline(self, offline: bool) -> None:
        self.feel(forced_offline=offline)

    def settle(self, key: str) -> None:
        """Nothing is open on an item any more."""
        self.change([r._replace(sync="") if r.key == key else r for r in self.rows])
        needing = sum(r.sync in ("conflict", "needs_you") for r in self.rows)
        self.feel(needs_you=needing)

    def refresh(self, now: datetime) -> bool:
        self.refreshed += 1
        if moved := bool(self.of_today):
            self.change(self.of_today)
            self.of_today = []
        return moved


def full(r: QueueRow) -> Detail:
    """The detail of a row; the story is that of the picture for everybody."""
    day = NOW.replace(hour=9, minute=5)
    return Detail(
        key=r.key,
        kind=r.kind,
        band=r.band,
        points=290,
        client=r.client,
        born=r.born,
        gender="male" if r.key == "reyes" else "",
        mrn="00418827",
        phone="555 0142",
        deceased=False,
        title=r.title,
        about=(
            "Left County ED yesterday 12:40, suicidal ideation, safety plan made. Nobody has "
            "reached the family since. 2 calls tried."
        ),
        status="in progress",
        move="you",
        since=NOW - timedelta(days=1),
        requester="County ED",
        owner="D. Whitfield",
        priority="urgent",
        due=None if r.due_at is None else datetime.fromtimestamp(r.due_at, ZONE),
        snoozed_until=None,
        reasons=(
            ReasonLine(100, "24 h contact after ED", "CCBHC 3.c"),
            ReasonLine(140, "self-harm, no contact yet", "Flag"),
            ReasonLine(40, "after an emergency visit", "site"),
            ReasonLine(10, "2 tries, no answer", "log"),
        ),
        clocks=(
            ClockLine(
                "first contact", NOW + timedelta(hours=3), "running", "CCBHC criterion 3.c", "read"
            ),
        ),
        changes_at=NOW.replace(hour=12, minute=40),
        story=(
            TimeLine(day, "call, no answer", "D. Whitfield"),
            TimeLine(day - timedelta(hours=16, minutes=45), "call, left message", "N. Ortiz"),
            TimeLine(day - timedelta(hours=20, minutes=25), "left County ED", "County"),
            TimeLine(day - timedelta(hours=29, minutes=50), "mobile crisis, home", "Team 2"),
            TimeLine(day - timedelta(hours=30, minutes=17), "988 call", "Lifeline"),
        ),
        notes=(
            TimeLine(
                day, "left message is not contact: the criterion is met, the need is not.", ""
            ),
        ),
        pending=("Logged: left message, waits to be sent",) if r.sync == "waiting" else (),
        flags=(),
        others=1,
        source="ehr",
        resource="Task/12",
    )


class VastDesk(FakeDesk):
    """100,000 rows that exist only while they are read."""

    def __init__(self) -> None:
        super().__init__([])
        self.shift = 0
        self.counts = {0: 2, 1: 98, 2: 9_900, 3: 40_000, 5: 50_000}

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        self.reads.append((offset, limit))
        total = sum(self.counts.values())
        return [self.made(n) for n in range(offset, min(offset + limit, total))]

    def made(self, number: int) -> QueueRow:
        edges = accumulate(self.counts.values())
        band = next(b for b, edge in zip(self.counts, edges, strict=True) if number < edge)
        return row(
            f"item-{number - self.shift}", "referral", band, at(hours=number % 90), "h",
            f"FAMILY{number:06d}, Given", f"Answer referral {number}",
        )  # fmt: skip

    def urgent(self) -> list[Urgent]:
        found = [self.made(n) for n in range(self.counts[0] + self.counts[1])]
        return [Urgent(r.key, r.client, r.band, r.source, r.chart) for r in found]

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        total = sum(self.counts.values())
        return Tally({str(name): total for name in Tab}, dict(self.counts), 0)

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        return int(key.removeprefix("item-")) + self.shift
