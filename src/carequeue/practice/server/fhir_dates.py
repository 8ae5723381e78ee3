"""FHIR dates as ranges of milliseconds since 1970 (UTC), and instants back to text.

A FHIR date has the precision that it was written with: `2026-03` is the whole month, so a search
compares ranges (R4, search.html#date). A date without an offset is read as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate
from typing import Final

_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

FIRST: Final = -(10**15)
LAST: Final = 10**15


def span(text: str) -> tuple[int, int] | None:
    """First and last millisecond of a FHIR date, dateTime or instant; None where it is none."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            int(second or 0), tzinfo=_zone(zone),
        )  # fmt: skip
        low = milliseconds(start) + int((fraction or "0").ljust(3, "0")[:3])
        for part, width in ((fraction, 1), (second, 1000), (hour, 60_000), (day, 86_400_000)):
            if part:
                return low, low + width - 1
        last = start.replace(month=start.month if month else 12, day=28)
        return low, milliseconds((last + timedelta(days=4)).replace(day=1)) - 1
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


def instant(ms: int) -> str:
    """`2026-11-24T09:12:00.123Z`."""
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def second(text: str) -> str:
    """An instant of ours cut to its whole second: `2026-11-24T09:12:00Z`."""
    return text.partition(".")[0] + "Z"


def http_date(ms: int) -> str:
    """The date of an HTTP header; whole seconds."""
    return formatdate(ms // 1000, usegmt=True)


def milliseconds(when: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime."""
    return (when - _EPOCH) // _MS
