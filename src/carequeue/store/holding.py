"""Whether a base may move: which rows an open intent holds, which of two versions is older."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from carequeue.domain.intents import HOLDING_STATES
from carequeue.store.tables import IntentRow, table

_intent: Final = table(IntentRow)


def held_rows(connection: Connection, source: str) -> set[tuple[str, str]]:
    """(type, id) of the rows whose base an open intent holds back."""
    rows = connection.execute(
        select(_intent.c.target_type, _intent.c.target_id).where(
            _intent.c.source == source, _intent.c.state.in_(sorted(HOLDING_STATES))
        )
    )
    return {(kind, key) for kind, key in rows}


def is_before(came: str, kept: str) -> bool:
    """Whether both are instants, and what came is the earlier."""
    try:
        one, other = datetime.fromisoformat(came), datetime.fromisoformat(kept)
    except ValueError:
        return False
    return bool(one.tzinfo and other.tzinfo) and one < other
