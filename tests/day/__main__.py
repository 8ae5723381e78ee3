"""`python -m tests.day clinician [--seed N] [--json]`: a scripted day at the real program.

It prints the keys of each item, and what benchmarks/README.md promises of a day. Exit codes: 0 all
bounds are kept, 1 one is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from carequeue.domain.ranking import Band
from tests.day.account import MOST_KEYS, Account, account_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Work the day and print its account; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.add_argument("person", choices=["clinician"], help="whose day it is")
    parser.add_argument("--seed", type=int, default=7, help="names, ids and hours of the items")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args(arguments)
    account = asyncio.run(account_of(asked.seed))
    if asked.json:
        print(json.dumps(account.to_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines_of(account)))
    return 1 if account.broken else 0


def lines_of(account: Account) -> list[str]:
    """The account in words."""
    items = [
        f"{Band(item.row.band).title:<8} {item.case.name.lower().replace('_', ' '):<18} "
        f"{len(item.keys):>2}  {' '.join(item.keys):<34} {item.message}"
        for item in account.worked
    ]
    undone, refused = account.corrections["undone"], account.corrections["refused"]
    keys = sum(len(item.keys) for item in account.worked)
    return [
        *items,
        "",
        f"seed {account.seed}: {len(account.worked)} items, {keys} keys",
        f"{len(account.routine)} routine items, {account.keys_per_routine_item:.2f} keys each "
        f"(at most {MOST_KEYS})",
        f"corrections: {undone} undone, {refused} refused keys",
        f"passed over in Safety: {', '.join(account.passed_over) or 'none'}",
        f"of mine without a next time: {', '.join(account.untimed) or 'none'}",
        *(f"the screen: {line}" for line in account.last_lines),
        *(f"BROKEN: {text}" for text in account.broken),
    ]


if __name__ == "__main__":
    sys.exit(main())
