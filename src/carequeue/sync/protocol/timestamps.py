"""Timestamps as text: which is older, and whether a recorded one is recent enough. Pure.

In:  ISO 8601 texts. Out: instants and comparisons; a text without a time zone is no instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def is_younger(at: str, now: datetime, than: timedelta) -> bool:
    """Whether an ISO instant is younger than this; False if it is absent or in the future.

    One in the future was written with a wrong clock, and would hold until that time.
    """
    return bool(at) and timedelta() <= now - datetime.fromisoformat(at) < than


def is_older(earlier: str, later: str) -> bool:
    """Whether both are instants and the first is earlier."""
    at, than = instant(earlier), instant(later)
    return at is not None and than is not None and at < than


def instant(text: str) -> datetime | None:
    """An ISO 8601 text as an instant; None if it is none, or has no time zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
