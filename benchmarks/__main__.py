"""`python -m benchmarks`: the figures that are promised, and some that are good to know.

Runs of the two sides of a ratio alternate, so that what else the machine does falls on both; a
figure is the ratio of the two medians. The exit code is 0 whatever the figures are (a busy machine
is no fault of the program); the last line says whether each target is met.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks import caches, measure
from carequeue.store.queue_window import Tab
from carequeue.wiring import practice

SMALL, LARGE, MIDDLE = 1_000, 100_000, 20_000
FIRST_FRAME: Final = 1.5
KEY: Final = 2.0


class Target(NamedTuple):
    """A ratio that is promised, and the one that was found."""

    name: str
    ratio: float
    at_most: float

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.ratio <= self.at_most

    def __str__(self) -> str:
        return f"{self.name} {self.ratio:.2f} (at most {self.at_most})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, the promised ratios only")
    quick = parser.parse_args(arguments).quick
    bytecode = caches.folder() / "bytecode"
    print(f"{os.cpu_count()} cores, {load()}; caches in {caches.folder()}")
    homes = {items: caches.home_of(items) for items in (SMALL, LARGE)}
    targets = [*first_frames(homes, bytecode, runs=3 if quick else 11)]
    targets.append(key_to_last_byte(homes[LARGE], bytecode, rounds=3 if quick else 15))
    if not quick:
        good_to_know(homes[SMALL], bytecode)
    met = [str(target) for target in targets if target.met]
    missed = [str(target) for target in targets if not target.met]
    print(f"met: {'; '.join(met) or 'none'}. Missed: {'; '.join(missed) or 'none'}.")
    return 0


def load() -> str:
    """How busy the machine is, where it says so."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


# --- what is promised


def first_frames(homes: dict[int, Path], bytecode: Path, runs: int) -> Iterator[Target]:
    """From the start of the process to the text of the first rows, beside that of one label."""
    programs = {0: measure.floor("floor_label", "the first rows", bytecode)}
    for items, home in homes.items():
        programs[items] = measure.carequeue(home, caches.first_rows(home), bytecode)
    times: dict[int, list[float]] = {items: [] for items in programs}
    for run in range(runs + 1):
        for items, program in programs.items():
            seconds = measure.first_frame(program)
            if run:  # the first one writes bytecode and fills the disk's cache
                times[items].append(seconds)
    print(f"\nfirst frame, medians of {runs} runs each")
    base = median(times.pop(0))
    print(f"  {'one label':<24} {base * 1000:7.0f} ms")
    for items, found in times.items():
        name, middle = f"{thousands(items)} items", median(found)
        print(f"  {name:<24} {middle * 1000:7.0f} ms   ratio {middle / base:.2f}")
        yield Target(f"first frame at {name}", middle / base, FIRST_FRAME)


def key_to_last_byte(home: Path, bytecode: Path, rounds: int) -> Target:
    """From `j` to the last byte of the moved cursor, beside two plain lines."""
    programs = {
        "two plain lines": measure.floor("floor_two_lines", "line 1", bytecode),
        f"{thousands(LARGE)} items": measure.carequeue(home, caches.first_rows(home), bytecode),
    }
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in programs}
    with ExitStack() as open_seats:
        seats = {
            name: open_seats.enter_context(measure.at_rest(program))
            for name, program in programs.items()
        }
        for run in range(rounds + 1):
            for name, seat in seats.items():
                answers = list(measure.down_and_up(seat))
                if run:  # with the first key comes what keys need
                    found[name] += answers
    print(f"\nkey to last byte, {rounds} rounds of {2 * measure.WITHIN} keys each")
    middles = []
    for name, answers in found.items():
        times = sorted(seconds for seconds, _ in answers)
        middles.append(median(times))
        print(
            f"  {name:<24} {middles[-1] * 1000:7.2f} ms   "
            f"p95 {times[int(len(times) * 0.95)] * 1000:.1f} ms   "
            f"{median(size for _, size in answers):.0f} bytes"
        )
    print(f"  {'':<24} ratio {middles[1] / middles[0]:.2f}")
    return Target(f"key at {thousands(LARGE)} items", middles[1] / middles[0], KEY)


# --- what is good to know


def good_to_know(small: Path, bytecode: Path) -> None:
    """First sync, an act, memory: no promise is made of them here."""
    print("\ngood to know")
    with practice(seed=7, clients=400, quirks=()) as session:
        start = time.perf_counter()
        received = session.sync_once().received
        seconds = time.perf_counter() - start
        items = session.desk.tally(Tab.ALL, "").tabs[Tab.ALL]
    print(f"  first sync of the practice clinic: {thousands(received)} resources, {items} items,")
    print(f"    in {seconds:.1f} s: {received / seconds:.0f} resources a second")

    with tempfile.TemporaryDirectory() as scratch:
        home = shutil.copytree(small, Path(scratch) / "home")
        with measure.at_rest(measure.carequeue(home, caches.first_rows(home), bytecode)) as seat:
            seat.press("/call\r")
            seat.settle(0.5)
            times = list(measure.acts(seat, 12))[1:]
    print(f"  an act, from its key to its message: {median(times) * 1000:.0f} ms", end="")
    print(f" (slowest of {len(times)}: {max(times) * 1000:.0f} ms)")

    home = caches.home_of(MIDDLE)
    with measure.at_rest(measure.carequeue(home, caches.first_rows(home), bytecode)) as seat:
        memory = measure.megabytes(seat)
    said = "not said by this system" if memory is None else f"{memory:.0f} MB"
    print(f"  memory at {thousands(MIDDLE)} items, after a try to sync: {said}\n")


def thousands(number: int) -> str:
    """100000 as 100,000."""
    return f"{number:,}"


if __name__ == "__main__":
    raise SystemExit(main())
