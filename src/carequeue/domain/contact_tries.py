"""When to try again after an attempt that did not reach the client, and when calling is no use.

In:  the last attempt, the class of the item's clock, the site's calendar. Out: an instant.
Why a try rests a row: who works from the top of the queue must not meet the client again whom they
called ten minutes ago. The lengths are site practice.
Not here: what is an attempt (`fhir/contacts.py`), the place of the row meanwhile (`ranking.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.rules import ClockClass

#: After so many attempts another call is seldom answered: a letter or a visit comes next.
MOST_CALLS: Final = 3
_IN_CRISIS: Final = timedelta(minutes=30)
_AT_RISK: Final = timedelta(hours=4)  # of opening hours
_BEFORE_DUE: Final = timedelta(hours=2)


def next_try(
    tried_at: datetime, cls: str | None, dues: Iterable[datetime], calendar: SiteCalendar
) -> datetime:
    """When to try again: in half an hour, in four open hours, or at the next opening; UTC.

    `cls`: the gravest class of the item's open clocks, which are due at `dues`. What is due before
    the next opening is tried again two hours before that.
    """
    if cls == ClockClass.CRISIS:
        return tried_at + _IN_CRISIS
    if cls == ClockClass.SAFETY:
        return calendar.add_open_time(tried_at, _AT_RISK)
    opening = calendar.opening(calendar.open_date_after(calendar.local_date(tried_at), 1))
    before_due = (due - _BEFORE_DUE for due in dues)
    return min([opening, *(at for at in before_due if at > tried_at)])
