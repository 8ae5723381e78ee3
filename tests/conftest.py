"""How many processes the tests run in: one a core for a folder or for all, one for named files.

`-n` gives another number; `-n 0` is one process, as a debugger needs it. And how often Python looks
for cycles of dead objects in each of them.
"""

from __future__ import annotations

import gc
import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` in pyproject.toml means; 0 is no further process.

    A worker needs seconds to import all that is tested: a test of one file is over by then.
    """
    files = [argument.partition("::")[0] for argument in config.args]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 0 if all(file.endswith(".py") for file in files) or cores in (None, 1) else cores


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: Python need not look through it again and again.

    It did so every few hundred objects, which took a fifth of the time of `tests/screens`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
