"""Timestamps as text: which is older, and whether a recorded one is recent enough. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta


def is_younger(at: str, now: datetime, than: timedelta) -> bool:
    """Whether an ISO instant is that young; not where there is none, nor where it is to come.

    One to come was written under a wrong time, and would hold until that time is there.
    """
    return bool(at) and timedelta() <= now - datetime.fromisoformat(at) < than


def is_older(one: str, other: str) -> bool:
    """Whether both are instants, and the first is the earlier."""
    at, than = instant(one), instant(other)
    return at is not None and than is not None and at < than


def instant(text: str) -> datetime | None:
    """An ISO 8601 text as an instant; None where it is none, or names no time zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
