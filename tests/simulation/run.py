"""One seed, or many of them: run, count, and where something breaks the shortest trace of it."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.sync.manifest import runner
from tests.simulation.memory import MemoryDisk
from tests.simulation.shapes import BASE_URL
from tests.simulation.steps import Script, script, shrink
from tests.simulation.truth import Violation
from tests.simulation.world import World

Cells = Counter[tuple[IntentState, IntentEvent]]


@dataclass(slots=True)
class Result:
    """What a range of seeds has shown."""

    figures: Counter[str] = field(default_factory=Counter)
    limits: Counter[str] = field(default_factory=Counter)
    cells: Cells = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, other: Result) -> None:
        self.figures += other.figures
        self.limits += other.limits
        self.cells += other.cells
        self.failed |= other.failed


def disk(store: str, seed: int) -> Any:
    """A fresh cache. On the real one every fifth run has the rows of the queue too."""
    if store == "memory":
        return MemoryDisk(BASE_URL)
    from tests.simulation.disk import RealDisk

    return RealDisk(BASE_URL, projected=seed % 5 == 0)


def once(one: Script, store: str = "memory", *, traced: bool = False) -> tuple[World, str]:
    """One run; its world, and the violation in words, "" where there was none."""
    world = World(one, disk(store, one.seed), traced=traced)
    try:
        with patch.object(runner, "uuid", Ids()):
            world.run()
    except Violation as violation:
        return world, str(violation)
    finally:
        world.disk.close()
    return world, ""


class Ids:
    """The ids of what is filed again; else no two runs of a seed would be alike."""

    def __init__(self) -> None:
        self._count = 0

    def uuid4(self) -> str:
        self._count += 1
        return f"again-{self._count}"


def trace(seed: int, store: str = "memory") -> str:
    """Everything that happens in the run of a seed, line by line."""
    world, words = once(script(seed), store, traced=True)
    head = f"seed {seed}: {world.script.quirks.odd() or 'a good server'}"
    return "\n".join([head, *(world.trace or ()), words or "no violation"]) + "\n"


def many(seeds: Iterable[int], store: str = "memory", *, stop_at: int = 1) -> Result:
    """The runs of these seeds; after so many violations no more."""
    result = Result()
    gc.freeze()
    for number, seed in enumerate(seeds):
        world, words = once(script(seed), store)
        result.figures += world.figures
        result.figures["runs"] += 1
        result.limits += world.truth.limits
        result.cells += world.cells
        if words:
            result.failed[seed] = words
            if len(result.failed) >= stop_at:
                break
        if number % 500 == 499:
            gc.collect()
    return result


def _kind(words: str) -> str:
    """What a violation is about, whatever it happened to."""
    return re.sub(r"[\w-]*\d[\w-]*|'.*'|\{.*\}|\[.*\]", "", words)[:60]


def shortest(seed: int, store: str = "memory") -> str:
    """The shortest run found that breaks the same invariant as the run of a seed, and its trace."""
    whole = script(seed)
    _, words = once(whole, store)
    kind = _kind(words)

    def fails(one: Script) -> bool:
        return _kind(once(one, store)[1]) == kind

    short = shrink(whole, fails)
    world, words = once(short, store, traced=True)
    head = [
        f"seed {seed}, shortened to {len(short.steps)} steps",
        f"server: {short.quirks.odd() or 'a good one'}",
    ]
    return "\n".join([*head, *(world.trace or ()), f"VIOLATION {words} (seed {seed})"])
