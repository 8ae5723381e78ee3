"""What an answer means: a clear yes, or one of the ways of no. Pure.

A stale write is answered with 409, 412, 423 or 428, and with 400, by different servers; so a code
only sorts, it never decides what became of a write: that is read back (`three_way.py`).
Source of the classes: R4 http.html, and docs/servers.md, "Seen of other servers".
"""

from __future__ import annotations

import random
import traceback
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from carequeue.domain.errors import CareQueueError

#: Settles in a row without progress, after which a person is asked.
READ_BACK_LIMIT: Final = 8
#: Answers in a row that said "not now", after which a person is asked: hours, since the pauses grow
#: to a quarter of an hour. A server that is mended over lunch is nobody's question.
BUSY_LIMIT: Final = 24
_BASE: Final = timedelta(seconds=2)
_LONGEST: Final = timedelta(minutes=15)
#: No wait is longer, whatever a server asks for.
LONGEST_WAIT: Final = timedelta(hours=1)


def is_away(status: int) -> bool:
    """Whether an answer says that nothing is taken just now, whatever is asked."""
    return status in (408, 425, 429, 502, 503, 504)


def is_astray(status: int) -> bool:
    """Whether somebody on the way answers in the server's place: the sign-in page of a network, a
    proxy (407, 511), or an address that has moved. No redirect is ever followed.
    """
    return status in (300, 301, 302, 303, 305, 307, 308, 407, 511)


def has_failed(status: int) -> bool:
    """Whether the server says that it failed at just this; 501 is a "no" to the question."""
    return status >= 500 and status != 501 and not is_away(status)


def throttles(status: int, retry_after: str) -> bool:
    """Whether an answer asks us to leave the whole server alone, not only this resource."""
    return status == 429 or (status == 503 and bool(retry_after.strip()))


def busy_words(status: int, words: str) -> str:
    """Why something waits, as a person may read it."""
    said = f": {words}" if words else ""
    return f"the server is busy ({status}){said}; it is tried again by itself"


class ResponseKind(StrEnum):
    """The kinds of answer."""

    YES = "yes"
    READ_BACK = "read_back"  # not a clear yes: read the resource and compare
    LATER = "later"  # the server is busy; wait, then read back
    SIGN_IN = "sign_in"
    UNSUPPORTED = "no_place"  # the server has no such interaction
    REFUSED = "refused"


def kind_of(status: int, conflict_issue: bool) -> ResponseKind:
    """What a status says about a write. `conflict_issue`: the outcome names a conflict."""
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
    """A fault as a person may read it: a sentence of ours, else its kind and place, never a value.

    The message of an exception of a library can hold what a server sent, and with it a client.
    """
    if isinstance(fault, CareQueueError):
        return str(fault)
    if isinstance(fault, OSError):
        why = fault.strerror or type(fault).__name__
        return (
            f"CareQueue could not use its own files ({why}). What is here stays, and what you did "
            "is kept. Check the disk and the folder"
        )
    frame = (traceback.extract_tb(fault.__traceback__) or [None])[-1]
    place = f" in {Path(frame.filename).name}:{frame.lineno}" if frame else ""
    return (
        f"CareQueue could not work with what the server sent ({type(fault).__name__}{place}). "
        "What is here stays, and what you did is kept. Please report this"
    )


def delay(attempts: int, retry_after: str, now: datetime, chance: random.Random) -> timedelta:
    """How long to wait: what the server asks for, else exponential with full jitter."""
    if asked := asked_delay(retry_after, now):
        return min(asked, LONGEST_WAIT)
    ceiling = min(_BASE * 2 ** min(attempts, 10), _LONGEST)
    return timedelta(seconds=chance.uniform(_BASE.total_seconds() / 2, ceiling.total_seconds()))


def asked_delay(retry_after: str, now: datetime) -> timedelta | None:
    """`Retry-After` as seconds or as an HTTP date; None where it is absent or odd."""
    text = retry_after.strip()
    if not text:
        return None
    if text.isdecimal():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # a year of twenty digits
        return None
    if at.tzinfo is None:
        return None
    return max(at - now, timedelta())
