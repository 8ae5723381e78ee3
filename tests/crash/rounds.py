"""A round: one cache, one server, two programs on it that are killed again and again.

In:  how many rounds, how many acknowledged commits in each. Out: a `Tally`, and every broken
promise in words.
One program is the open queue (in some rounds a real one on a terminal comes first), the other is
one `carequeue` command after the other: `sync`, and acts. A colleague changes the same Tasks on the
server meanwhile, and now and then the server does not answer a write that it has done. What counts
as acknowledged is what this process has read from a program's pipe, or seen on its screen.
Not here: the programs (`lives.py`), the points (`points.py`), the promises (`promises.py`).
"""

from __future__ import annotations

import json
import os
import random
import select
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from carequeue.store.profiles import Profile, SourceProfile, profile_paths, save
from tests.crash import promises, terminal
from tests.crash.colleague import Colleague
from tests.crash.lives import TOKEN, Command, Fate, Life, Queue, printed
from tests.crash.points import ACT_POINTS, AIMED, POINTS
from tests.servers.controlled_clinic import ControlledClinic

SOURCE: Final = "clinic"
#: Acknowledged commits a round; 25 rounds are to have 10,000 and a few more.
SHARE: Final = 410
#: How the server of a round is, one round after the other.
MANNERS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("no-batch", "slow=2"),
    ("conflict-409",),
    ("no-update-create",),
    ("requires-if-match",),
)
CLIENTS: Final = 24
MEANWHILE: Final = 8  # acknowledged commits between two acts of the colleague
STANDSTILL: Final = 120.0  # seconds without an acknowledgement
#: What a command may end with; 5 where the other one had the cache for too long.
CODES: Final = {"sync": {0, 5, 9}, "act": {0, 4, 5, 8}}


@dataclass
class Round:
    """One round: what was acknowledged, who was killed where, and what the colleague did."""

    home: Path
    clinic: ControlledClinic
    colleague: Colleague
    manner: tuple[str, ...]
    without: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return len(self.lines)


@dataclass
class Tally:
    """What all rounds came to; `wrong` is empty where every promise was kept."""

    rounds: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, one: Round, found: Counter[str], number: int) -> None:
        self.rounds += 1
        self.acknowledged += one.acknowledged
        self.kills += one.kills
        self.refused += one.refused
        self.found += found
        self.wrong += [f"round {number}: {words}" for words in one.wrong]

    def __str__(self) -> str:
        kills = "\n".join(f"  {count:>5}  {where}" for where, count in sorted(self.kills.items()))
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.found.items()))
        return (
            f"kills, by program and point:\n{kills}\n"
            f"decisions at the end: {ended}; {self.refused.total()} acts refused\n"
            f"{self.rounds} rounds, {self.acknowledged} acknowledged commits, "
            f"{self.kills.total()} kills, {len(self.wrong)} broken promises, {self.seconds:.0f} s"
        )


def run(rounds: int, seed: int, share: int = SHARE, without: str = "") -> Tally:
    """Play so many rounds, or until a promise is broken."""
    _warm()
    began, tally = time.monotonic(), Tally()
    for number in range(1, rounds + 1):
        chance = random.Random(f"{seed}/{number}")
        with _round(number, without, chance) as one:
            found = _play(one, share, number, chance)
        tally.add(one, found, number)
        print(
            f"round {number}: {one.acknowledged} acknowledged, {one.kills.total()} kills, "
            f"{time.monotonic() - began:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        if tally.wrong:
            break
    tally.seconds = time.monotonic() - began
    return tally


def _warm() -> None:
    """Load the program once, for all who are forked from here."""
    import pkgutil

    import carequeue

    for found in pkgutil.walk_packages(carequeue.__path__, "carequeue."):
        if not found.name.endswith("__main__"):
            __import__(found.name)


@contextmanager
def _round(number: int, without: str, chance: random.Random) -> Iterator[Round]:
    manner = MANNERS[(number - 1) % len(MANNERS)]
    with (
        tempfile.TemporaryDirectory(prefix="carequeue-round-") as name,
        ControlledClinic(seed=number, clients=CLIENTS, quirks=manner) as clinic,
    ):
        home = Path(name) / "home"
        me = clinic.me
        profile = Profile(
            name="default",
            me=me["practitioner"],
            my_name=me["name"],
            teams=tuple(me["teams"]),
            organization=me["organization"],
            organization_name=me["organization_name"],
            time_zone=me["time_zone"],
            sources=(SourceProfile(SOURCE, clinic.base, token_env=TOKEN),),
        )
        os.environ |= {TOKEN: clinic.token, "CAREQUEUE_HOME": str(home)}
        save(profile, profile_paths("default", home))
        one = Round(home, clinic, Colleague(clinic, chance), manner, without)
        first = Life("first sync", Command(home, ("sync",)), Fate()).to_the_end()
        if first.code != 0:
            one.wrong.append(f"the first sync ended with {first.code}")
        yield one


def _play(one: Round, share: int, number: int, chance: random.Random) -> Counter[str]:
    if number % len(MANNERS) == 1 and not one.without:
        _at_a_terminal(one, chance)
    _work(one, share, chance)
    one.wrong += promises.after_the_kills(one)
    one.clinic.set_quirks(*one.manner)
    one.wrong += promises.after_the_healing(one)
    return promises.states(one)


def _at_a_terminal(one: Round, chance: random.Random) -> None:
    try:
        terminal.work(one, chance)
    except AssertionError as lacks:  # what the person waited for never came
        one.wrong.append(f"at the terminal: {lacks}")


def _work(one: Round, share: int, chance: random.Random) -> None:
    queue, command = _new_queue(one, chance), _new_command(one, chance)
    met, last = 0, time.monotonic()
    while one.acknowledged < share and not one.wrong:
        for pipe in select.select([queue.pipe, command.pipe], [], [], 0.002)[0]:
            if pipe == queue.pipe and not queue.read():
                _note_queue(one, queue)
                queue = _new_queue(one, chance)
            elif pipe == command.pipe and not command.read():
                _note_command(one, command)
                command = _new_command(one, chance)
        before, now = one.acknowledged, time.monotonic()
        _take(one, queue)
        queue.kill_when_due(now)
        command.kill_when_due(now)
        if one.acknowledged > before:
            last = now
        elif now - last > STANDSTILL:
            one.wrong.append("nothing was acknowledged any more")
        if one.acknowledged // MEANWHILE > met:
            met = one.acknowledged // MEANWHILE
            _meanwhile(one, chance)
    for life in (queue, command):
        life.kill("at the end")
        life.to_the_end()
    _note_queue(one, queue)
    _note_command(one, command)


def _meanwhile(one: Round, chance: random.Random) -> None:
    """What others do: a colleague at the same Tasks, an answer that gets lost."""
    last = [key.rpartition("/")[2] for line in one.lines[-10:] for key in line["keys"]]
    one.colleague.edit(last)
    if chance.random() < 0.2:
        one.clinic.set_quirks(*one.manner, "drop-next-reply")


# --- fates ----------------------------------------------------------------------------------------


def _new_queue(one: Round, chance: random.Random) -> Life:
    queue = Queue(one.home, chance.randrange(1 << 30), one.without == "order")
    fate = Fate(messages=chance.randint(2, 30), seconds=chance.uniform(0, 0.05))
    if chance.random() < 0.6:
        point = AIMED.get(one.without) or chance.choice(tuple(POINTS))
        often = 20 if point in ACT_POINTS else 3
        fate = Fate(point, chance.randint(1, often), messages=80)
    return Life("queue", queue, fate, one.without)


def _new_command(one: Round, chance: random.Random) -> Life:
    words: tuple[str, ...] = ("sync",)
    keys = [key for line in one.lines[-40:] for key in line["keys"]]
    if keys and chance.random() < 0.4:
        some = tuple(dict.fromkeys(chance.choices(keys, k=chance.choice((1, 1, 3)))))
        text = f"c{chance.randrange(1 << 40)}"
        words = ("act", "note", *some, "--text", text, "--json", "--yes")
    fate = Fate(messages=1 << 30)
    draw = chance.random()
    if draw < 0.3:
        fate = Fate(seconds=chance.uniform(0, 0.4))
    elif draw < 0.7:
        points = [point for point in POINTS if (point in ACT_POINTS) == (words[0] == "act")]
        fate = Fate(chance.choice(points), chance.randint(1, 2), messages=1 << 30)
    return Life(f"carequeue {words[0]}", Command(one.home, words), fate, one.without)


# --- what a life leaves behind --------------------------------------------------------------------


def _note_queue(one: Round, life: Life) -> None:
    _take(one, life)
    _note_end(one, life)
    if life.code is not None:
        one.wrong.append(f"the queue ended by itself with {life.code}")


def _note_command(one: Round, life: Life) -> None:
    _note_end(one, life)
    kind = life.name.split()[1]
    if life.code is not None and life.code not in CODES[kind]:
        one.wrong.append(f"{life.name} ended with {life.code}")
    acted = printed(life.text)
    changed = [each["key"] for each in acted.get("results", ()) if each["result"] == "changed"]
    if changed:
        one.lines.append({"verb": "note", "keys": changed, "group": acted["group"]})


def _note_end(one: Round, life: Life) -> None:
    if life.killed_at:
        one.kills[f"{life.name}: {life.killed_at}"] += 1


def _take(one: Round, life: Life) -> None:
    """The messages of the queue that were seen whole, each once."""
    for line in life.new_lines():
        said = json.loads(line)
        if "refused" in said:
            one.refused[said["verb"]] += 1
            one.lines = [kept for kept in one.lines if kept.get("at") != said["at"]]
        elif "point" not in said:
            one.lines.append(said)
