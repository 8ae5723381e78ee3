"""`python -m tests.crash --rounds 25`: two programs on one cache, killed again and again.

Exit code 0 where every promise was kept, 1 where one was broken or a point was never reached.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from tests.crash.points import POINTS, WEAKER
from tests.crash.rounds import SHARE, Tally, run

#: Rounds after which every named point must have been met.
ENOUGH: Final = 10


def main() -> int:
    """Play the rounds that are asked for, and say what they came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--share", type=int, default=SHARE, help="acknowledged commits a round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--without", choices=list(WEAKER), default="", help="a safeguard taken away: must be caught"
    )
    parser.add_argument("--list", action="store_true", help="the points and the safeguards")
    asked = parser.parse_args()
    if asked.list:
        for name, words in {**POINTS, **WEAKER}.items():
            print(f"{name:<12} {words}")
        return 0
    tally = run(asked.rounds, asked.seed, asked.share, asked.without)
    if tally.rounds >= ENOUGH:
        tally.wrong += never_reached(tally)
    for words in tally.wrong:
        print(f"broken: {words}")
    print(tally)
    return 1 if tally.wrong else 0


def never_reached(tally: Tally) -> list[str]:
    """The points at which nobody was killed: the measure has lost its hold there."""
    met = {where.rpartition(": ")[2] for where in tally.kills}
    return [f"no program was ever killed at {point!r}" for point in POINTS if point not in met]


if __name__ == "__main__":
    sys.exit(main())
