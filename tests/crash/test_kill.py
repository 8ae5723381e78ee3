"""Killed at any moment, two programs on one cache have lost no act that was seen, and doubled none.

A short run of `python -m tests.crash`, in a process of its own, which has no other threads when it
forks; and the measure itself: with a safeguard taken away the same kills find it out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.points import WEAKER

ROOT = Path(__file__).parents[2]
#: What gives a missing safeguard away.
CAUGHT = {
    "order": "seen as done: it is not in the",
    "transaction": "half an act was kept|the audit log is broken",
    "create": r"was made \d times",
}


def killed(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.crash", *options], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.skipif(os.name != "posix", reason="fork and kill -9 are of POSIX")
class TestTwoProgramsOnOneCache:
    def test_keep_every_act_that_was_seen_once(self) -> None:
        done = killed("--rounds", "2", "--share", "80", "--seed", "7")
        assert done.returncode == 0, done.stdout + done.stderr
        last = done.stdout.splitlines()[-1]
        assert re.match(r"2 rounds, 1\d\d acknowledged commits, \d\d+ kills, 0 broken", last)
        assert "the terminal: at random" in done.stdout

    @pytest.mark.parametrize("safeguard", WEAKER)
    def test_are_found_out_without_a_safeguard(self, safeguard: str) -> None:
        done = killed("--rounds", "4", "--share", "100", "--seed", "7", "--without", safeguard)
        assert done.returncode == 1, done.stdout + done.stderr
        assert re.search(CAUGHT[safeguard], done.stdout), done.stdout
