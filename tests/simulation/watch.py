"""A cache that is watched: the same protocols as `sync.ports`, over either store.

What passes through is handed on; beside, the state of every decision is followed, the base is held
against what the server gave, and before and after each transaction is a place where the process
can die or be suspended. What is seen inside a transaction counts once it is committed.
Oracles here: I4 (acknowledged is true), I8 (the base moves as said), I10 (one holder), and the
rule that nothing leaves that is not written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from carequeue.domain.intents import HOLDING_STATES, Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir import codes, jsontext
from carequeue.fhir.base import SavedPage
from carequeue.fhir.values import identifier_value
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.world import Process, World

Happened = tuple[Intent, IntentEvent, IntentState]


class WatchedRepository:
    """The parts of a source, of which the outbox and the mirror tell what is done through them."""

    def __init__(self, rows: Any, world: World) -> None:
        self.rows = rows
        self.lines: list[tuple[Any, ...]] = []
        self.outbox = WatchedOutbox(rows.outbox, self.lines)
        self.mirror = WatchedMirror(rows.mirror, rows.outbox, world, self.lines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rows, name)


class WatchedOutbox:
    """An outbox that tells which decision took which step."""

    def __init__(self, outbox: Any, lines: list[tuple[Any, ...]]) -> None:
        self._outbox = outbox
        self._lines = lines
        self.events: list[Happened] = []
        self.marked: list[tuple[Sequence[Intent], str, str]] = []
        self.filed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        state: IntentState = self._outbox.apply_event(intent, event, words, now, counts)
        self.events.append((intent, event, state))
        self._lines.append(("event", intent.id, event.value, state.value, words))
        return state

    def record_attempt(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        self._outbox.record_attempt(intents, method, path, if_match, now)
        self.marked.append((intents, method, path))
        for intent in intents:
            event = IntentEvent.ATTEMPT_RECORDED
            if intent.state is IntentState.QUEUED:
                self.events.append((intent, event, IntentState.IN_DOUBT))
        self._lines.append(("mark", method, path, *(intent.id for intent in intents)))

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        self._outbox.refile(intents, now)
        self.filed += [intent.id for intent in intents]


class WatchedMirror:
    """A mirror whose bases are held against what the server gave."""

    def __init__(
        self, mirror: Any, outbox: Any, world: World, lines: list[tuple[Any, ...]]
    ) -> None:
        self._mirror = mirror
        self._outbox = outbox
        self._world = world
        self._lines = lines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mirror, name)

    def move_base(self, resource: Any, version: str, now: datetime) -> None:
        if jsontext.dumps(resource) not in self._world.server.returned:
            raise Violation("I4", f"the base became what the server never gave: {resource}")
        self._mirror.move_base(resource, version, now)
        self._lines.append(("base", resource["resourceType"], resource["id"], version))

    def save(self, resources: Sequence[Any], now: datetime, **more: Any) -> SavedPage:
        held = {
            (intent.target_type, intent.target_id)
            for intent in self._outbox.open_intents()
            if intent.state in HOLDING_STATES
        }
        bases = {key: self._mirror.base(*key).body for key in held}
        saved: SavedPage = self._mirror.save(resources, now, **more)
        for key, body in bases.items():
            if body is not None and self._mirror.base(*key).body != body:
                raise Violation("I8", f"a pull moved the base of {'/'.join(key)}, which is held")
        self._lines.append(("save", len(resources), saved.changed, *sorted(saved.missing)))
        return saved


class Watch:
    """The cache of one process, watched."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world
        self._cache = process.world.disk.cache()
        self._turn = 0
        self.inflight: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def take_lease(self, now: datetime) -> None:
        self._world.point(self._process, "lease")
        self._cache.take_lease(now)
        self._world.turn += 1
        self._turn = self._world.turn

    def check_lease(self) -> None:
        self._cache.check_lease()

    @property
    def holds(self) -> bool:
        """Whether nobody has begun to sync since."""
        return self._turn == self._world.turn

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._cache.reading() as rows:
            yield rows

    @contextmanager
    def writing(self, now: datetime) -> Iterator[WatchedRepository]:
        world = self._world
        world.point(self._process, "write")
        with self._cache.writing(now) as rows:
            watched = WatchedRepository(rows, world)
            yield watched
            self._check_true(watched)
            if not self.holds:
                raise Violation(
                    "I10", f"{self._process.name} kept something, and is not the holder"
                )
            filed = rows.outbox.by_ids(watched.outbox.filed)
            world.point(self._process, "commit")
        world.log("kept", self._process.name)
        for line in watched.lines:
            world.log(*line)
        for intents, method, path in watched.outbox.marked:
            self.inflight[_name(method, path, intents)] = tuple(intent.id for intent in intents)
        world.file(filed)
        world.note(watched.outbox.events)
        world.point(self._process, "kept")

    def catch_up(self, now: datetime) -> None:
        self._cache.catch_up(now)

    def _check_true(self, rows: WatchedRepository) -> None:
        done = [one.id for one, event, _ in rows.outbox.events if event is IntentEvent.ACKNOWLEDGED]
        if not done:
            return
        for one in (intents := rows.outbox.by_ids(done)):
            later = [x for x in intents if x.seq > one.seq and x.target_id == one.target_id]
            if not self._world.truth.was_true(one, later):
                raise Violation(
                    "I4",
                    f"{one.id} ({one.kind.value} {dict(one.args)}) is acknowledged, and no version "
                    f"of {one.target_type}/{one.target_id} ever held it",
                )

    # --- what leaves ------------------------------------------------------------------------------

    def carried(self, method: str, path: str, body: Any) -> tuple[str, ...]:
        """The decisions that a request carries."""
        return self.inflight.get(request_name(method, path, body), ())

    def leaves(self, method: str, path: str, body: Any) -> None:
        """A request is about to leave. Raises Violation where it may not."""
        requests = []
        if method == "POST" and path == "":
            requests = [
                (one["request"]["method"], one["request"]["url"], one.get("resource"))
                for one in body["entry"]
                if one["request"]["method"] != "GET"
            ]
        elif method not in ("GET", "HEAD"):
            requests = [(method, path, body)]
        for request in requests:
            ids = self.carried(*request)
            if not ids:
                raise Violation(
                    "I1", f"{request[0]} {request[1]} left, and was not written down before"
                )
            if self.holds:
                self._check_may_leave(ids)

    def _check_may_leave(self, ids: tuple[str, ...]) -> None:
        world = self._world
        for one in ids:
            state = world.states[one]
            if state is not IntentState.IN_DOUBT:
                raise Violation("I1", f"{one} left while it was {state.value}")
            after = world.truth.decisions[one].intent.after
            if after and after not in ids and world.states[after] not in _BEFORE:
                raise Violation(
                    "I6", f"{one} left while {after}, which comes before, was {world.states[after]}"
                )


_BEFORE = frozenset({IntentState.ACKNOWLEDGED, IntentState.LOCAL_ONLY})


def _name(method: str, path: str, intents: Sequence[Intent]) -> tuple[str, str, str]:
    if method == "POST" and intents[0].kind is IntentKind.CREATE:
        return request_name(method, path, intents[0].args["resource"])
    return method, path, ""


def request_name(method: str, path: str, body: Any) -> tuple[str, str, str]:
    """What tells a request from others of the same process: creates by their identifier."""
    path = path.partition("?")[0]
    return method, path, identifier_value(body, codes.IDENTIFIER) if method == "POST" else ""
