"""The command line of the simulator; see the package's docstring."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation import table
from tests.simulation.ablations import ALL, without
from tests.simulation.run import Result, many, shortest, trace

_CHUNK = 100
_FIGURES = ("runs", "edits", "faults", "timeouts", "crashes", "prompts")


def main(words: list[str] | None = None) -> int:
    """0: no violation; 1: at least one."""
    asked = _parser().parse_args(words)
    if asked.list:
        for name, ablation in ALL.items():
            print(f"{name:<18} {ablation.what}")
        return 0
    if asked.trace is not None:
        with without(asked.without):
            print(trace(asked.trace, asked.store), end="")
        return 0
    begun = time.monotonic()
    result = _run(asked)
    return _report(asked, result, time.monotonic() - begun)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=_seeds, default=range(1000), help="FROM:TO, default 0:1000")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--store", choices=("memory", "real"), default="memory")
    parser.add_argument("--without", choices=("", *ALL), default="", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--trace", type=int, metavar="SEED")
    return parser


def _seeds(words: str) -> range:
    begin, _, end = words.partition(":")
    return range(int(begin), int(end) if end else int(begin) + 1)


def _chunk(seeds: range, store: str, name: str) -> Result:
    with without(name):
        return many(seeds, store)


def _run(asked: argparse.Namespace) -> Result:
    """All seeds, in as many processes as asked for; no new ones once a violation was found."""
    seeds: range = asked.seeds
    chunks = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    if asked.jobs <= 1 or len(chunks) == 1:
        return _one_by_one(chunks, asked)
    result = Result()
    with ProcessPoolExecutor(asked.jobs) as pool:
        waiting = [pool.submit(_chunk, chunk, asked.store, asked.without) for chunk in chunks]
        for done in as_completed(waiting):
            result.add(done.result())
            _progress(result, len(seeds))
            if result.failed:
                pool.shutdown(cancel_futures=True)
                break
    return result


def _one_by_one(chunks: list[range], asked: argparse.Namespace) -> Result:
    result = Result()
    for one in _until_failed(chunks, result):
        result.add(_chunk(one, asked.store, asked.without))
        _progress(result, len(asked.seeds))
    return result


def _until_failed(chunks: list[range], result: Result) -> Iterator[range]:
    for chunk in chunks:
        if result.failed:
            return
        yield chunk


def _progress(result: Result, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{result.figures['runs']:,} of {of:,}", end="", file=sys.stderr, flush=True)


def _report(asked: argparse.Namespace, result: Result, seconds: float) -> int:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if result.failed:
        first = min(result.failed)
        with without(asked.without):
            print(shortest(first, asked.store))
        print(f"\nseed {first}: {result.failed[first]}")
    if asked.table:
        print("\n".join(table.lines(result.cells)))
    for limit, count in sorted(result.limits.items()):
        print(f"limit: {count:,} times {limit}")
    figures = ", ".join(f"{result.figures[name]:,} {name}" for name in _FIGURES)
    what = f"without {asked.without}, " if asked.without else ""
    print(
        f"{what}{asked.store} store: {figures}, {len(result.failed):,} violations; {seconds:,.0f} s"
    )
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
