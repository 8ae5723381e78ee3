"""How many processes the tests run in: one more than cores for a folder or for all, one for files.

`-n` gives another number; `-n 0` is one process, as a debugger needs it. Also here: in which order
they run, how a case with a long value is called, how often Python looks for dead objects; and that
laws hold on a busy machine too: how long an example takes is no part of them.
"""

from __future__ import annotations

import gc
import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

#: Tests of ten seconds and more: were one of them the last, one core would wait for it.
LONG: Final = (
    "tests/contract/test_promises.py",
    "tests/crash/test_kill.py",
    "tests/simulation/",
    "tests/sync/test_sync_cycle.py",
    "tests/worklist/test_undoable.py",
)
LONGEST_ID: Final = 80


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` in pyproject.toml means; 0 is no further process.

    A worker needs seconds to import all that is tested: a test of one file is over by then. One
    more than there are cores works while another waits for a server or a terminal.
    """
    files = [argument.partition("::")[0] for argument in config.args]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 0 if not cores or all(file.endswith(".py") for file in files) else cores + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first; all others in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_make_parametrize_id(val: object) -> str | None:
    """The beginning of a long text: an id of a megabyte was sent along with each report."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        return f"{val[:LONGEST_ID]!r}... ({len(val)})"
    return None


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: Python need not look through it again and again.

    It did so every few hundred objects, which took a fifth of the time of `tests/screens`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
