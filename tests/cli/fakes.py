"""A desk in memory, with invented people: the command line is tested over it, without a cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import QueueRow, Tab, Tally
from carequeue.sync.net.probe import Listed
from carequeue.worklist.offline_readiness import Readiness
from carequeue.worklist.results import (
    Acted,
    ClockLine,
    Detail,
    Finding,
    Health,
    ReasonLine,
    SyncReport,
    TimeLine,
    Undoable,
    Where,
)
from tests.rows_desk import RowsDesk

URL = "https://fhir.example.org/r4"
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def row(key: str, client: str = "OKAFOR, Amara", **more: Any) -> QueueRow:
    """A row that is due in four hours; any field may be said otherwise."""
    fields: dict[str, Any] = {
        "key": key,
        "kind": "referral",
        "band": 2,
        "points": 120,
        "due_at": int((NOW + timedelta(hours=4)).timestamp()),
        "unit": "h",
        "days_left": None,
        "client": client,
        "born": "1971-03-02",
        "alike": "",
        "title": "Answer urgent referral",
        "move": "me",
        "move_name": "Ana Soto",
        "mine": 1,
        "sync": "",
        "fresh": 0,
        "verbs": "accept decline",
        "source": "main",
    }
    return QueueRow(**(fields | more))


def detail(key: str, client: str = "OKAFOR, Amara") -> Detail:
    """One item in full, with a line in each part."""
    return Detail(
        key=key, kind="referral", band=2, points=120, client=client, born="1971-03-02",
        gender="female", mrn="4711", phone="555 0100", deceased=False,
        title="Answer urgent referral", about="Needs housing.\nPrefers mornings.",
        status="requested", move="you", since=NOW - timedelta(days=1), requester="Harbor Housing",
        owner="Ana Soto", priority="urgent", due=NOW + timedelta(hours=4), snoozed_until=None,
        reasons=(ReasonLine(120, "due today", "clock of 1 business day"),),
        clocks=(
            ClockLine("first service", NOW + timedelta(hours=4), "running", "CCBHC 2.b", "read"),
        ),
        changes_at=NOW + timedelta(hours=2), story=(TimeLine(None, "Left a message", "Ana Soto"),),
        notes=(), pending=("a note waits",), flags=("the start is approximate",), others=1,
        source="main", resource="Task/12",
    )  # fmt: skip


def health(**more: Any) -> Health:
    """In step with the server, unless it is said otherwise."""
    fields: dict[str, Any] = {
        "online": True, "offline_since": None, "why_offline": "", "last_full": NOW, "waiting": 0,
        "checking": 0, "conflicts": 0, "needs_you": 0, "kept_here": 0, "syncing": False,
        "progress": "", "other_syncs": False, "ever_synced": True,
    }  # fmt: skip
    return Health(**(fields | more))


class FakeDesk(RowsDesk):
    """The desk of a fake session; `breaks` is raised when rows are read."""

    def __init__(self, rows: Sequence[QueueRow], breaks: Exception | None = None) -> None:
        super().__init__(rows)
        self.breaks = breaks
        self.state = health()
        self.undone: list[str] = []
        self.refreshed = 0
        self.chosen: list[bool] = []  # the choices of working offline
        self.last: Undoable | None = Undoable(
            "g9", "accept", "accept", "REYES, Tomás", 1, NOW, Where.COMMAND_LINE
        )

    @property
    def heading(self) -> str:
        return "Riverbend"

    def _in(self, filter_text: str) -> list[QueueRow]:
        return [row for row in self.rows if filter_text.lower() in row.client.lower()]

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        if self.breaks:
            raise self.breaks
        return self._in(filter_text)[offset : offset + limit]

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        return Tally({}, {2: len(self._in(filter_text))}, 0)

    def keys_of(self, tab: Tab, filter_text: str) -> Sequence[str]:
        return [one.key for one in self._in(filter_text)]

    def detail(self, key: str, now: datetime) -> Detail | None:
        return next((detail(row.key, row.client) for row in self.rows if row.key == key), None)

    def health(self, now: datetime) -> Health:
        return self.state

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        if text == "whenever":
            return False, "“whenever” is not a future time. Nothing was changed."
        return True, text

    def undoable(self) -> Undoable | None:
        return self.last

    def undo(self, now: datetime, group: str = "") -> Acted:
        if group == "unknown":
            raise BadQuestion("There is no group unknown. Nothing was changed.")
        self.undone.append(group)
        return Acted("Undone", "g2", ("Task/1",))

    def set_offline(self, offline: bool) -> None:
        self.chosen.append(offline)

    def refresh(self, now: datetime) -> bool:
        self.refreshed += 1
        return False


@dataclass
class FakeSession:
    """A session over a fake desk."""

    desk: FakeDesk
    report: SyncReport | Exception = field(
        default_factory=lambda: SyncReport(True, 2, 5, 0, 0, 0, 0, 0, "Up to date.")
    )
    findings: list[Finding] = field(default_factory=list)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Chicago"))
    closed: bool = False
    readiness: Readiness = field(default_factory=lambda: Readiness((), "Ready.", True, ""))

    def sync_once(self, progress: Callable[[str], None]) -> SyncReport:
        progress("Fetching the most urgent first: 1 of 5")
        if isinstance(self.report, Exception):
            raise self.report
        return self.report

    def before_outreach(self, progress: Callable[[str], None]) -> Readiness:
        return self.readiness

    def doctor(self) -> list[Finding]:
        return self.findings

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


@dataclass
class FakeProbe:
    """What a server said of itself."""

    base_url: str = URL
    software: str = "Example FHIR"
    fhir_version: str = "4.0.1"
    can: tuple[str, ...] = ("Tasks can be read and changed.",)
    practitioners: tuple[Listed, ...] = (
        Listed("Practitioner/ana", "Ana Soto"),
        Listed("Practitioner/ben", "Ben Osei"),
        Listed("Practitioner/bea", "Bea Osei"),
    )
    organizations: tuple[Listed, ...] = (Listed("Organization/rb", "Riverbend"),)
    teams: tuple[Listed, ...] = (Listed("CareTeam/access", "Access", team=True),)
    warnings: tuple[str, ...] = ()
