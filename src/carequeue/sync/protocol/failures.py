"""The meaning of a status: a clear success, or one of the kinds of failure. Pure.

In:  a status, a `Retry-After`, an error. Out: a `ResponseKind`, a wait, a sentence for a person.
Why a status only sorts: a stale write is answered with 409, 412, 423 or 428, and with 400, by
different servers; what became of a write is read back (`three_way.py`).
Source of the classes: R4 http.html, and docs/servers.md, "Seen of other servers".
"""

from __future__ import annotations

import random
import traceback
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from carequeue.domain.errors import CareQueueError
from carequeue.domain.timestamps import http_date

#: Read backs in a row without progress, after which a person is asked.
READ_BACK_LIMIT: Final = 8
#: Replies of "not now" in a row, after which a person is asked: hours, because the pauses grow to a
#: quarter of an hour. A server that is fixed over lunch needs nobody's attention.
BUSY_LIMIT: Final = 24
_BASE: Final = timedelta(seconds=2)
_LONGEST: Final = timedelta(minutes=15)
#: The longest wait, whatever a server asks for.
LONGEST_WAIT: Final = timedelta(hours=1)


def is_away(status: int) -> bool:
    """Whether a status says that the server accepts nothing at the moment."""
    return status in (408, 425, 429, 502, 503, 504)


def is_astray(status: int) -> bool:
    """Whether something on the way answers instead of the server: the sign-in page of a network, a
    proxy (407, 511), or an address that has moved. No redirect is ever followed.
    """
    return status in (300, 301, 302, 303, 305, 307, 308, 407, 511)


def has_failed(status: int) -> bool:
    """Whether the server failed at this request; 501 is a "no" instead."""
    return status >= 500 and status != 501 and not is_away(status)


def throttles(status: int, retry_after: str) -> bool:
    """Whether a status asks for a pause of everything, not only of this resource."""
    return status == 429 or (status == 503 and bool(retry_after.strip()))


def busy_words(status: int, words: str) -> str:
    """Why something waits, for a person."""
    suffix = f": {words}" if words else ""
    return f"the server is busy ({status}){suffix}; CareQueue tries again by itself"


class ResponseKind(StrEnum):
    """The meaning of a response for a write."""

    YES = "yes"
    READ_BACK = "read_back"  # not a clear success: read the resource and compare
    LATER = "later"  # the server is busy; wait, then read back
    SIGN_IN = "sign_in"
    UNSUPPORTED = "no_place"  # the server has no such interaction
    REFUSED = "refused"


def kind_of(status: int, conflict_issue: bool) -> ResponseKind:
    """The meaning of a status. `conflict_issue`: the OperationOutcome names a conflict."""
    if 200 <= status < 300:
        return ResponseKind.YES
    if status == 401:
        return ResponseKind.SIGN_IN
    if status in (405, 501):
        return ResponseKind.UNSUPPORTED
    if is_away(status) or has_failed(status):
        return ResponseKind.LATER
    if status < 200 or status in (404, 409, 410, 412, 423, 428) or conflict_issue:
        return ResponseKind.READ_BACK
    return ResponseKind.REFUSED


def words_of(fault: BaseException) -> str:
    """An error for a person: our own sentence, otherwise its kind and place, never a value.

    The message of a library's exception can hold text from a server, and with it a client's name.
    """
    if isinstance(fault, CareQueueError):
        return str(fault)
    if isinstance(fault, OSError):
        why = fault.strerror or type(fault).__name__
        return (
            f"CareQueue could not use its own files ({why}). Your data and your work are still "
            "saved. Check the disk and the folder"
        )
    frame = (traceback.extract_tb(fault.__traceback__) or [None])[-1]
    place = f" in {Path(frame.filename).name}:{frame.lineno}" if frame else ""
    return (
        f"CareQueue could not work with what the server sent ({type(fault).__name__}{place}). "
        "Your data and your work are still saved. Please report this"
    )


def delay(attempts: int, retry_after: str, now: datetime, chance: random.Random) -> timedelta:
    """The time to wait: as the server asks, otherwise exponential with full jitter."""
    if asked := asked_delay(retry_after, now):
        return min(asked, LONGEST_WAIT)
    ceiling = min(_BASE * 2 ** min(attempts, 10), _LONGEST)
    return timedelta(seconds=chance.uniform(_BASE.total_seconds() / 2, ceiling.total_seconds()))


def asked_delay(retry_after: str, now: datetime) -> timedelta | None:
    """`Retry-After` as seconds or as an HTTP date; None if it is absent or malformed."""
    text = retry_after.strip()
    if not text:
        return None
    if text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    at = http_date(text)
    return max(at - now, timedelta()) if at is not None else None
