"""Whether a base may move: which rows an open intent holds, which of two versions is older."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.intents import HOLDING_STATES
from carequeue.store.source_scope import SourceScope

#: The condition of an intent that holds the base of its resource back.
HOLDING_SQL: Final = "state IN ('{}')".format("', '".join(sorted(HOLDING_STATES)))
_AHEAD: Final = timedelta(days=2)  # by which a laptop's clock may be behind


def held_rows(scope: SourceScope) -> set[tuple[str, str]]:
    """(type, id) of the rows whose base an open intent holds back."""
    rows = scope.raw.execute(
        f"SELECT target_type, target_id FROM intent WHERE source = ? AND {HOLDING_SQL}",
        (scope.source,),
    )
    return {(kind, key) for kind, key in rows}


def is_before(came: str, kept: str, now: datetime | None = None) -> bool:
    """Whether both are instants, and what came is the earlier.

    `now`: an instant that is long after it says nothing. A row that was once stamped with next year
    would else keep out, until then, all that is written to it.
    """
    try:
        one, other = datetime.fromisoformat(came), datetime.fromisoformat(kept)
    except ValueError:
        return False
    if not (one.tzinfo and other.tzinfo) or (now is not None and other > now + _AHEAD):
        return False
    return one < other
