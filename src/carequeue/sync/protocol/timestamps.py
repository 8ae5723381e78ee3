"""How old something is that was written down with its time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta


def is_younger(at: str, now: datetime, than: timedelta) -> bool:
    """Whether an ISO instant is that young; not where there is none, nor where it is to come.

    One to come was written under a wrong time, and would hold until that time is there.
    """
    return bool(at) and timedelta() <= now - datetime.fromisoformat(at) < than
