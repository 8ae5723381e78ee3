"""`python -m tests.samples [FOLDER] [--markdown]`: what the queue makes of resources of others.

FOLDER, else the variable CAREQUEUE_SAMPLES, names a folder as `sets.py` describes it; no path to
one is kept here. Exit codes: 0 all is accounted for, 1 something is not, 2 it could not be run.
docs/samples.md has what was found, and how to read it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.samples import words
from tests.samples.looking import look
from tests.samples.sets import read_sets
from tests.servers.harness import MedplumServer, NotInstalled


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at every set and print its account; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.samples", description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("CAREQUEUE_SAMPLES", ""))
    parser.add_argument("--markdown", action="store_true", help="tables for docs/samples.md")
    asked = parser.parse_args(arguments)
    if not asked.folder:
        parser.error("name a folder, or set CAREQUEUE_SAMPLES")
    try:
        return _look_at_all(Path(asked.folder), asked.markdown)
    except (NotInstalled, OSError) as reason:
        print(f"Not looked at: {reason}", file=sys.stderr)
        return 2


def _look_at_all(folder: Path, markdown: bool) -> int:
    accounts = []
    server = None
    try:
        for sample in read_sets(folder):
            server = server or MedplumServer()
            found = look(sample, server)
            accounts.append((sample, found))
            if not markdown:
                print(words.plain(sample, found), end="\n\n", flush=True)
    finally:
        if server:
            server.close()
    print(words.summary(accounts))
    if markdown:
        for sample, found in accounts:
            print("\n" + words.detail(sample, found))
    faults = [(sample.name, fault) for sample, found in accounts for fault in found.faults]
    for name, fault in faults:
        print(f"{name}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
