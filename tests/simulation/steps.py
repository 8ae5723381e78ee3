"""What happens in a run: a server, and steps one after the other, all from one seed.

A step has a seed of its own, so that leaving another one out changes nothing in it: that is what
makes a failing run short (`shrink`). Steps can lie inside a step: while a process sends or waits,
others act.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tests.simulation.quirks import Quirks, some_quirks


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `breaks`: at which place of a look it dies (()) or others act (their steps)."""

    kind: str
    seed: int
    who: int = 0
    weather: str = "calm"
    breaks: tuple[tuple[int, tuple[Step, ...]], ...] = ()

    def said(self) -> str:
        """The step on one line."""
        parts = [self.kind, f"#{self.seed}"]
        if self.kind in ("look", "push"):
            parts += ["AB"[self.who], self.weather]
        for at, inner in self.breaks:
            what = "; ".join(one.said() for one in inner) if inner else "dies"
            parts.append(f"[at {at}: {what}]")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole run. `comes_back`: a server that could not take a Task can, once all is well."""

    seed: int
    quirks: Quirks
    tasks: int
    steps: tuple[Step, ...]
    comes_back: bool = False


_STEPS: Final = {
    "act": 110, "undo": 14, "answer": 28, "look": 62, "push": 22, "colleague": 46, "wait": 40,
    "sign_in": 6, "restart": 4, "expire": 2, "restore": 2, "place": 2, "release": 2, "hang": 8,
}  # fmt: skip
_INNER: Final = {
    "act": 26, "undo": 6, "answer": 16, "look": 20, "push": 12, "colleague": 28, "wait": 8,
    "hang": 6,
}  # fmt: skip
#: A quarter of the runs: everybody works on one row.
_CROWD: Final = {
    "act": 110, "undo": 10, "answer": 45, "look": 45, "push": 55, "colleague": 80, "wait": 10,
    "sign_in": 4, "restart": 2,
}  # fmt: skip
_INNER_NAMES, _INNER_WEIGHTS = tuple(_INNER), tuple(_INNER.values())
_STEP_SEEDS: Final = 1_000_000


def script(seed: int) -> Script:
    """The run of a seed."""
    chance = random.Random(seed)
    quirks = some_quirks(chance)
    steps = [Step("look", chance.randrange(_STEP_SEEDS))]
    if chance.random() < 0.15:
        steps = [_look(chance, "look", 0)]
    mode = chance.random()
    crowd = mode < 0.2
    if mode > 0.55:
        for _ in range(chance.randrange(2, 4)):
            steps += _drill(chance)
    calm = chance.random() < 0.12
    weights = _CROWD if crowd else _STEPS
    for _ in range(chance.randrange(20, 34) - len(steps)):
        (kind,) = chance.choices(tuple(weights), tuple(weights.values()))
        steps.append(_step(chance, kind, calm))
    back = quirks.task != "all" and chance.random() < 0.7
    tasks = 1 if crowd or mode > 0.58 else chance.randrange(2, 5)
    return Script(seed, quirks, tasks, tuple(steps), back)


def _drill(chance: random.Random) -> list[Step]:
    """Some steps in an order that asks for trouble: a page torn by a crash, a create that arrives
    after it was made and changed, an answer while something else on the row is in doubt.
    """

    def one(kind: str, weather: str = "calm", *breaks: tuple[int, tuple[Step, ...]]) -> Step:
        return Step(kind, chance.randrange(_STEP_SEEDS), 0, weather, breaks)

    choice = chance.randrange(5)
    if choice == 0:
        torn = (chance.randrange(3, 11), ())
        return [one("colleague"), one("colleague"), one("wait"), one("look", "calm", torn)]
    if choice == 1:
        made = [one("new"), one("push", "late"), one("act"), one("act"), one("push")]
        return [*made, one("undo"), one("push"), one("wait")]
    before = [one("edit"), one("cross"), one("cross"), one("look"), one("edit"), one("edit")]
    doubt = [one("push", "deaf"), one("cross"), one("cross"), one("look", "deaf")]
    return [*before, *doubt, *(one("answer") for _ in range(4)), one("look")]


def _step(chance: random.Random, kind: str, calm: bool) -> Step:
    if kind in ("look", "push"):
        if calm:
            return Step(kind, chance.randrange(_STEP_SEEDS))
        return _look(chance, kind, int(chance.random() < 0.25))
    return Step(kind, chance.randrange(_STEP_SEEDS))


def _look(chance: random.Random, kind: str, who: int) -> Step:
    (weather,) = chance.choices(("calm", "rough", "storm"), (40, 40, 20))
    breaks = []
    if chance.random() < 0.5:
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(1, 30)
            inner: tuple[Step, ...] = ()
            if chance.random() < 0.5:
                inner = tuple(_inner(chance, 1 - who) for _ in range(chance.choice((1, 2, 3, 4))))
            breaks.append((at, inner))
    return Step(kind, chance.randrange(_STEP_SEEDS), who, weather, tuple(breaks))


def _inner(chance: random.Random, who: int) -> Step:
    (kind,) = chance.choices(_INNER_NAMES, _INNER_WEIGHTS)
    weather = chance.choice(("calm", "rough")) if kind in ("look", "push") else "calm"
    return Step(kind, chance.randrange(_STEP_SEEDS), who, weather)


# --- making a run short ---------------------------------------------------------------------------


def shrink(whole: Script, fails: Callable[[Script], bool], tries: int = 600) -> Script:
    """The shortest script found that still fails: steps, what lies in them, and quirks left out."""
    left = [tries]

    def still(one: Script) -> bool:
        left[0] -= 1
        return left[0] >= 0 and fails(one)

    smaller = True
    while smaller and left[0] > 0:
        smaller = False
        for shorter in _shorter(whole):
            if still(shorter):
                whole, smaller = shorter, True
                break
    return whole


def _shorter(one: Script) -> Iterator[Script]:
    steps = one.steps
    half = len(steps) // 2
    while half > 1:
        for at in range(0, len(steps), half):
            yield replace(one, steps=steps[:at] + steps[at + half :])
        half //= 2
    for at in reversed(range(len(steps))):
        yield replace(one, steps=steps[:at] + steps[at + 1 :])
    for at, step in enumerate(steps):
        for simpler in _simpler(step):
            yield replace(one, steps=(*steps[:at], simpler, *steps[at + 1 :]))
    good = Quirks()
    for name in Quirks.__dataclass_fields__:
        if getattr(one.quirks, name) != getattr(good, name):
            yield replace(one, quirks=replace(one.quirks, **{name: getattr(good, name)}))
    if one.tasks > 1:
        yield replace(one, tasks=one.tasks - 1)


def _simpler(step: Step) -> Iterator[Step]:
    for at, (place, inner) in enumerate(step.breaks):
        yield replace(step, breaks=step.breaks[:at] + step.breaks[at + 1 :])
        for number in range(len(inner) if len(inner) > 1 else 0):
            fewer = (place, inner[:number] + inner[number + 1 :])
            yield replace(step, breaks=(*step.breaks[:at], fewer, *step.breaks[at + 1 :]))
    if step.weather != "calm":
        yield replace(step, weather="calm")
