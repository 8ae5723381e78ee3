"""Hypothesis plays the simulator: steps in whatever order it likes, and it shortens what fails.

Once over the cache in memory, with the simulator's own person; once over the real one with the rows
of the queue, where a person takes back and answers by the program's own use cases.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentState
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.engine import writing
from carequeue.sync.manifest import runner
from carequeue.worklist import conflict_resolution, outbox_entries, undo
from carequeue.worklist.undoable import Undoer
from tests.simulation import oracles
from tests.simulation.deciding import ME
from tests.simulation.disk import RealDisk
from tests.simulation.memory import MemoryDisk
from tests.simulation.quirks import Quirks
from tests.simulation.run import Ids
from tests.simulation.shapes import BASE_URL
from tests.simulation.steps import Script, Step
from tests.simulation.world import World

SEEDS = st.integers(0, 999)
WEATHER = st.sampled_from(["calm", "rough", "storm", "late", "deaf"])
SERVERS = st.builds(
    Quirks,
    stale=st.sampled_from([412, 409, 423, 428]),
    meta=st.sampled_from(["full", "full", "etag"]),
    drops_ids=st.booleans(),
    late_commit=st.sampled_from([0, 30]),
    history=st.booleans(),
    page=st.sampled_from([200, 2]),
    update_create=st.booleans(),
    batch=st.sampled_from([50, 0, 2]),
    versions=st.sampled_from(["row", "global"]),
    refuses=st.sampled_from(["", "asap", "snooze"]),
)
KINDS = st.sampled_from(["edit", "colleague", "cross", "look", "push", "answer"])
INNER = st.builds(Step, KINDS, SEEDS, st.just(1))
BREAKS = st.lists(
    st.tuples(st.integers(1, 25), st.lists(INNER, max_size=3).map(tuple)), max_size=2
).map(tuple)


class Machine(RuleBasedStateMachine):
    """Sync in a world that Hypothesis has made."""

    disk: Callable[[], Any] = staticmethod(lambda: MemoryDisk(BASE_URL))

    @initialize(quirks=SERVERS, tasks=st.integers(1, 3))
    def begin(self, quirks: Quirks, tasks: int) -> None:
        self.ids = patch.object(runner, "uuid", Ids())
        self.ids.start()
        self.world = World(Script(1, quirks, tasks, ()), self.disk())
        self.world.do(Step("look", 0))

    @rule(kind=st.sampled_from(["act", "edit", "new"]), seed=SEEDS)
    def decide(self, kind: str, seed: int) -> None:
        self.world.do(Step(kind, seed))

    @rule(kind=st.sampled_from(["colleague", "cross"]), seed=SEEDS)
    def meanwhile(self, kind: str, seed: int) -> None:
        self.world.do(Step(kind, seed))

    @rule(seed=SEEDS, more=SEEDS)
    def disagree(self, seed: int, more: int) -> None:
        """Two decide about the same, and neither knows of the other."""
        for step in (Step("edit", seed), Step("cross", more), Step("look", seed)):
            self.world.do(step)

    @rule(
        kind=st.sampled_from(["look", "push"]),
        seed=SEEDS,
        who=st.integers(0, 1),
        weather=WEATHER,
        breaks=BREAKS,
    )
    def sync(self, kind: str, seed: int, who: int, weather: str, breaks: Any) -> None:
        self.world.do(Step(kind, seed, who, weather, breaks))

    @rule(kind=st.sampled_from(["wait", "restart", "expire", "sign_in"]), seed=SEEDS)
    def pass_by(self, kind: str, seed: int) -> None:
        self.world.do(Step(kind, seed))

    @rule(seed=SEEDS)
    def take_back(self, seed: int) -> None:
        self.world.do(Step("undo", seed))

    @precondition(lambda self: IntentState.CONFLICT in self.world.states.values())
    @rule(seed=SEEDS)
    def answer(self, seed: int) -> None:
        self.world.do(Step("answer", seed))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            oracles.heal(self.world)
            self.world.disk.close()
            self.ids.stop()


class WholeMachine(Machine):
    """The same over the encrypted cache, its queue and the use cases of the worklist."""

    disk = staticmethod(lambda: RealDisk(BASE_URL, projected=True))

    def by_the_program(self, act: Callable[[CacheTransaction], Any]) -> None:
        """One use case in its transaction; what it did is told to those who watch."""
        world = self.world
        before = {one.id: one for one in world.disk.everything()}
        with suppress(BadQuestion), writing(world.disk.engine) as connection:
            act(CacheTransaction(connection, world.disk.projector))
        after = world.disk.everything()
        world.file([one for one in after if one.id not in before])
        for one in after:
            if one.id in before:
                self._note(before[one.id], one)
        oracles.nothing_lost(world)

    def _note(self, was: Intent, now: Intent) -> None:
        stuck = (IntentState.CONFLICT, IntentState.NEEDS_ATTENTION)
        self.world.states[now.id] = now.state
        if was.seen != now.seen:
            self.world.truth.answered(now.id, now.seen)
        elif was.state in stuck and now.state not in (was.state, IntentState.UNDONE):
            self.world.truth.answered(now.id, None)

    @rule(seed=SEEDS)
    def take_back(self, seed: int) -> None:
        now = self.world.now
        self.by_the_program(lambda cache: undo.undo(cache, Undoer(ME, now), now))

    @precondition(lambda self: IntentState.CONFLICT in self.world.states.values())
    @rule(seed=SEEDS)
    def answer(self, seed: int) -> None:
        now = self.world.now

        def one_of_them(cache: CacheTransaction) -> None:
            asked = conflict_resolution.conflicts(cache, now)
            if asked:
                shown = asked[seed % len(asked)]
                how = shown.can[seed % len(shown.can)]
                conflict_resolution.answer(cache, ME, shown, how, now)

        self.by_the_program(one_of_them)

    @precondition(lambda self: IntentState.NEEDS_ATTENTION in self.world.states.values())
    @rule(seed=SEEDS)
    def attend(self, seed: int) -> None:
        now, states = self.world.now, self.world.states
        ids = [key for key, state in states.items() if state is IntentState.NEEDS_ATTENTION][:1]

        def one_of_them(cache: CacheTransaction) -> None:
            if seed % 2:
                outbox_entries.retry(cache, ME, ids, now)
            else:
                word = outbox_entries.discard_word(cache, ids)
                outbox_entries.discard(cache, ME, ids, word, now)

        self.by_the_program(one_of_them)


QUICK: Any = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}

TestInMemory = Machine.TestCase
TestInMemory.settings = settings(max_examples=80, stateful_step_count=30, **QUICK)

TestWithTheWholeProgram = WholeMachine.TestCase
TestWithTheWholeProgram.settings = settings(max_examples=25, stateful_step_count=30, **QUICK)
