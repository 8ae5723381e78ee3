"""`python -m tests.crash --kills 200`: kill the program at random moments of a scripted hour."""

from __future__ import annotations

import argparse
import sys

from tests.crash.kills import run


def main() -> int:
    """0 where every promise was kept, 1 where one was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--say-first", action="store_true", help="show the message before the act: must be caught"
    )
    asked = parser.parse_args()
    tally = run(asked.kills, asked.seed, asked.say_first)
    print(tally)
    for words in tally.wrong:
        print(f"  {words}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
