"""Timestamps as text: which is older, and whether a recorded one is recent enough. Pure.

In:  ISO 8601 texts and HTTP dates. Out: instants and comparisons; a text without a time zone is no
instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

#: How far the clock of a laptop may be behind.
CLOCK_ERROR: Final = timedelta(days=2)


def is_younger(at: str, now: datetime, than: timedelta) -> bool:
    """Whether an ISO instant is younger than this; False if it is absent or in the future.

    An instant in the future was written with a wrong clock, and would hold until that time.
    """
    return bool(at) and timedelta() <= now - datetime.fromisoformat(at) < than


def is_older(earlier: str, later: str, now: datetime | None = None) -> bool:
    """Whether both are instants and the first is earlier.

    With `now`, a later instant that is days ahead of it says nothing: a row that was once stamped
    with next year would otherwise keep out, until then, all that is written to it.
    """
    at, than = instant(earlier), instant(later)
    if at is None or than is None or (now is not None and than > now + CLOCK_ERROR):
        return False
    return at < than


def instant(text: str) -> datetime | None:
    """An ISO 8601 text as an instant; None if it is none, or has no time zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def http_date(text: str) -> datetime | None:
    """An HTTP date (RFC 9110, 5.6.7) as an instant; None if it is none, or has no time zone."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # a year of twenty digits
        return None
    return at if at.tzinfo else None
