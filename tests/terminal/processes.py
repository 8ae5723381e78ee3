"""Which processes a process has started, and whether one is still at work."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PROC = Path("/proc")


def children(pid: int) -> set[int]:
    """The processes that this one started and that are still at work."""
    return {child for child, parent, state in _table() if parent == pid and state not in "ZX"}


def at_work(pid: int) -> bool:
    """Whether it is there, and not merely waiting to be taken note of."""
    return any(found == pid and state not in "ZX" for found, _, state in _table())


def _table() -> list[tuple[int, int, str]]:
    """(process, parent, state) of all; from /proc where there is one, else from `ps`."""
    if (_PROC / "self" / "stat").exists():
        return [row for entry in _PROC.glob("[0-9]*") if (row := _from_proc(entry)) is not None]
    said = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in said.stdout.splitlines()]
    return [(int(pid), int(parent), state[0]) for pid, parent, state in rows]


def _from_proc(entry: Path) -> tuple[int, int, str] | None:
    try:
        text = (entry / "stat").read_text(errors="replace")
    except OSError:  # gone since it was listed
        return None
    state, parent = text.rpartition(")")[2].split()[:2]  # its name, in brackets, may hold anything
    return int(entry.name), int(parent), state
