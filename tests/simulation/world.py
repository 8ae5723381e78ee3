"""The world of one run: a server, a cache, two processes over it, a person, colleagues, and time.

In:  a `Script`. Out: figures, and a `Violation` where an invariant does not hold. One thread: what
happens "at the same time" happens inside a request of somebody else (`point`), which gives every
interleaving that two processes can have between two transactions.
Not here: which steps there are (`steps.py`), what must hold at the end (`oracles.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.fhir import codes
from carequeue.sync.restore.brake import answer_hold
from carequeue.sync.sync_cycle import CycleResult, Syncer
from tests.simulation import colleague, oracles
from tests.simulation.answering import Answers, Refused
from tests.simulation.person import Person
from tests.simulation.server import Server
from tests.simulation.shapes import Answer, Json, Key
from tests.simulation.steps import Script, Step
from tests.simulation.truth import Truth, Violation
from tests.simulation.watch import Happened, Watch, WatchedRepository, request_name
from tests.simulation.wire import Faults, Sent, Wire

START: Final = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
BY_A_PERSON: Final = frozenset(
    {
        IntentEvent.DROPPED, IntentEvent.TOOK_THEIRS, IntentEvent.DISCARDED,
        IntentEvent.KEPT_MINE, IntentEvent.RETRIED,
    }
)  # fmt: skip
_SILENCES: Final = (50, 70, 200, 1000)
_WAITS: Final = (30, 400, 900, 1200, 4000, 26_000, 90_000)


class Crash(BaseException):
    """A process dies: nothing of it goes on."""


class Process:
    """One process over the cache; what is not in the cache dies with it."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.points = 0
        self.breaks: dict[int, tuple[Step, ...]] = {}
        self.watch = Watch(self)
        self.wire = Wire(self)
        self.syncer = Syncer("main", {}, self.watch, self.wire, world.clock, seed=1)  # type: ignore[arg-type]


class World:
    """One run."""

    def __init__(self, script: Script, disk: Any, *, traced: bool = False) -> None:
        self.script = script
        self.disk = disk
        self.start = START
        self.now = START
        self.count = 0
        self.trace: list[str] | None = [] if traced else None
        self.figures: Counter[str] = Counter()
        self.cells: Counter[tuple[IntentState, IntentEvent]] = Counter()
        self.states: dict[str, IntentState] = {}
        self.inverses: dict[str, bool] = {}
        self.filed: list[Intent] = []
        self.answers: list[tuple[str, Any]] = []
        self.underway: list[Sent] = []
        self.timers: list[tuple[datetime, Callable[[], None]]] = []
        self.turn = 0
        self.hangs_until = START  # until then the server takes requests and answers none
        self.truth = Truth()
        self.server = Server(script.quirks, self.truth.wrote)
        self.truth.server, self.truth.states = self.server, self.states
        self.person = Person(self)
        self.answering = Answers(self)
        self.processes = [Process(self, "A"), Process(self, "B")]
        self._settle_in(script.tasks)

    def _settle_in(self, tasks: int) -> None:
        for name, family in (("p1", "Okafor"), ("p2", "Lindqvist")):
            self.server.keep(("Patient", name), {"name": [{"family": family}]}, self.now)
        self.server.keep(("Organization", "harbor"), {"name": "Harbor"}, self.now)
        for name in ("dana", "noel"):
            self.server.keep(("Practitioner", name), {"name": [{"family": name}]}, self.now)
        for name in ("e0", "e1"):
            stay = {"status": "finished", "subject": {"reference": "Patient/p1"}}
            self.server.keep(("Encounter", name), stay, self.now)
        for number in range(tasks):
            key = f"t{number + 1}"
            body = self.task(key, "")
            body["meta"] = {"tag": [{"system": "urn:clinic", "code": "ours"}]}
            body["description"] = "as referred"
            body["extension"] = [{"url": "urn:clinic:ward", "valueString": "B"}]
            if number % 2:
                body["note"] = [{"id": "n0", "text": "theirs c0", "time": "2026-03-01T10:00:00Z"}]
            self.advance(7_000)
            self.server.keep(("Task", key), body, self.now)
        self.advance(1_000_000)

    def clock(self) -> datetime:
        return self.now

    @property
    def hangs(self) -> bool:
        """Whether the server is silent just now."""
        return self.now < self.hangs_until

    # --- resources --------------------------------------------------------------------------------

    def task(self, key: str, named: str) -> Json:
        """A Task as somebody makes it."""
        body: Json = {"resourceType": "Task", "id": key}
        if named:
            body["identifier"] = [{"system": codes.IDENTIFIER, "value": named}]
        body |= {"status": "requested", "intent": "order", "priority": "routine"}
        return {**body, "for": {"reference": "Patient/p1"}, "authoredOn": "2026-03-05T15:00:00Z"}

    def tasks_here(self, rows: Any) -> list[Key]:
        """Tasks that the cache may know."""
        own = [
            (one.intent.target_type, one.intent.target_id)
            for one in self.truth.decisions.values()
            if one.intent.kind == "create" and one.intent.target_type == "Task"
        ]
        there = [key for key in self.server.rows if key[0] == "Task"]
        return list(dict.fromkeys([*there, *own]))

    # --- time and chance --------------------------------------------------------------------------

    def advance(self, milliseconds: int) -> None:
        """Time passes; what is due happens."""
        until = self.now + timedelta(milliseconds=milliseconds)
        while self.underway or self.timers:
            late = min(self.underway, key=_due, default=None)
            timer = min(self.timers, key=lambda one: one[0], default=None)
            if timer and timer[0] <= until and (late is None or timer[0] <= _due(late)):
                self.timers.remove(timer)
                self.now = max(self.now, timer[0])
                timer[1]()
            elif late and _due(late) <= until:
                self.underway.remove(late)
                self.now = max(self.now, _due(late))
                self.log("late", late.method, late.path)
                self.deliver(late)
            else:
                break
        self.now = until

    def deliver(self, sent: Sent) -> Answer:
        """A request reaches the server."""
        self.server.sent = sent

        def carried(method: str, path: str, body: Any) -> tuple[str, ...]:
            return sent.carried.get(request_name(method, path, body), ())

        return self.server.handle(
            sent.method, sent.path, sent.body, sent.headers, self.now, carried
        )

    def point(self, process: Process, name: str) -> None:
        """A place at which a process can die, or be suspended while others act."""
        process.points += 1
        if not process.breaks:
            return
        inner = process.breaks.pop(process.points, None)
        if inner is None:
            return
        if not inner:
            self.log("dies", process.name, name)
            raise Crash
        if name == "commit":  # nobody else can write inside a transaction
            process.breaks.setdefault(process.points + 1, inner)
            return
        for step in inner:
            if self.processes[step.who] is not process or step.kind not in ("look", "push"):
                self.do(step)

    def log(self, *parts: Any) -> None:
        if self.trace is not None:
            at = (self.now - self.start).total_seconds()
            self.trace.append(f"{at:.3f} " + " ".join(str(part) for part in parts))

    # --- what is seen -----------------------------------------------------------------------------

    def note(self, events: Sequence[Happened], *, by_person: bool = False) -> None:
        """Committed steps of decisions."""
        for intent, event, state in events:
            self.cells[intent.state, event] += 1
            if event in BY_A_PERSON and not by_person:
                raise Violation("I1", f"{intent.id} was {event.value}, and no person said so")
            self._note_state(intent.id, state)

    def _note_state(self, intent_id: str, state: IntentState) -> None:
        self.states[intent_id] = state
        if state is IntentState.LOCAL_ONLY:
            self.truth.local_only.add(intent_id)

    def file(self, intents: Sequence[Intent]) -> None:
        """Decisions that are committed: what the person sees from here on must come true."""
        self.truth.file(intents)
        for intent in intents:
            self._note_state(intent.id, intent.state)
            self.log(
                "filed",
                intent.id,
                intent.kind.value,
                intent.target_id,
                dict(intent.args),
                intent.state,
            )
            if intent.inverse_of:
                self.inverses[intent.inverse_of] = True
        self.figures["edits"] += len(intents)

    # --- steps ------------------------------------------------------------------------------------

    def run(self) -> None:
        """The whole script, and then until all is well. Raises Violation."""
        for step in self.script.steps:
            self.do(step)
        oracles.heal(self)

    def do(self, step: Step) -> None:
        """One step, and what must hold after each."""
        self.log("*", step.said())
        getattr(self, f"_{step.kind}")(step)
        oracles.nothing_lost(self)

    def _look(self, step: Step) -> None:
        self.look(step.who, step)

    def _push(self, step: Step) -> None:
        self.look(step.who, step)

    def look(self, who: int, step: Step) -> CycleResult | None:
        """One look, or one push, of one process; None where it died."""
        process = self.processes[who]
        process.wire.faults = Faults(random.Random(step.seed), step.weather)
        process.wire.read.clear()
        process.wire.timeouts = 0
        counted = oracles.counted(self) if self.hangs else None
        process.points, process.breaks = 0, dict(step.breaks)
        try:
            looked = (
                process.syncer.push_only() if step.kind == "push" else process.syncer.run_cycle()
            )
        except Crash:
            self.figures["crashes"] += 1
            self.processes[who] = Process(self, process.name)
            return None
        finally:
            process.breaks = {}
        self.log("looked", process.name, looked)
        oracles.no_fault_of_ours(looked)
        if counted is not None and self.hangs:
            oracles.nothing_counts(self, counted)
        return looked

    def acts(self, seed: int, what: Callable[..., None], **more: Any) -> bool:
        """A person does something in one transaction; whether it was kept."""
        chance = random.Random(seed)
        self.filed, self.answers = [], []
        groups = len(self.person.groups)
        try:
            with self.disk.acting(self.now) as rows:
                watched = WatchedRepository(rows, self)
                what(chance, watched, self.now, **more)
                filed = rows.outbox.by_ids([one.id for one in self.filed])
                if chance.random() < 0.03:
                    raise Crash
        except (Refused, Crash):
            del self.person.groups[groups:]
            return False
        for line in watched.lines:
            self.log(*line)
        self.file(filed)
        for key, seen in self.answers:
            self.truth.answered(key, seen)
        self.note(watched.outbox.events, by_person=True)
        return True

    def _act(self, step: Step) -> None:
        self.acts(step.seed, self.person.act)

    def _new(self, step: Step) -> None:
        self.acts(step.seed, self.person.make)

    def _edit(self, step: Step) -> None:
        self.acts(step.seed, self.person.edit)

    def _undo(self, step: Step) -> None:
        self.acts(step.seed, self.person.undo)

    def _answer(self, step: Step) -> None:
        self.acts(step.seed, self.answering.answer)

    def _colleague(self, step: Step) -> None:
        colleague.works(self, random.Random(step.seed))

    def _cross(self, step: Step) -> None:
        colleague.crosses(self, random.Random(step.seed))

    def _wait(self, step: Step) -> None:
        self.advance(random.Random(step.seed).choice(_WAITS) * 1000)

    def _sign_in(self, step: Step) -> None:
        self.server.token = True

    def _restart(self, step: Step) -> None:
        who = step.seed % 2
        self.processes[who] = Process(self, self.processes[who].name)

    def _hang(self, step: Step) -> None:
        """The server falls silent, also in the middle of a look: it takes all, and says nothing."""
        seconds = random.Random(step.seed).choice(_SILENCES)
        self.hangs_until = self.now + timedelta(seconds=seconds)

    def _expire(self, step: Step) -> None:
        self.server.pages.clear()

    def _place(self, step: Step) -> None:
        """The server is set up anew: it takes Tasks now, or no longer."""
        chance = random.Random(step.seed)
        self.server.has_place = chance.choice(("all", "all", "no_create", "read"))

    def _restore(self, step: Step) -> None:
        """A backup of some time ago is played back."""
        seconds = random.Random(step.seed).choice((100, 1000, 5000, 30_000))
        changed = self.server.restore(
            self.server.server_time(self.now) - timedelta(seconds=seconds)
        )
        self.log("restored", seconds, changed)

    def _release(self, step: Step) -> None:
        """A person says of what is not done unasked that it is right, or that it is not."""
        answer = "accept" if step.seed % 3 else "refuse"
        with self.disk.acting(self.now) as rows:
            self.log("released", answer, answer_hold(rows, answer))


def _due(sent: Sent) -> datetime:
    assert sent.due is not None
    return sent.due
